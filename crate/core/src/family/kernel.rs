//! A process table whose processes can be signalled.

use std::io;

use crate::{
    Identity, Pidfd, Signal,
    process_table::{ProcessTable, Table},
    sys::kill,
};

/// See [`Table`].
pub(crate) trait Kernel: Table {
    /// Sends `signal` to this process and no other one; `false` when it has ended.
    fn signal(&mut self, identity: Identity, signal: Signal) -> io::Result<bool>;

    /// Lets others run for a moment.
    fn pause(&mut self);
}

impl Kernel for ProcessTable {
    fn signal(&mut self, identity: Identity, signal: Signal) -> io::Result<bool> {
        let pidfd = match Pidfd::open(identity.pid) {
            Ok(pidfd) => pidfd,
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => return Ok(false),
            // There is no descriptor left for it: it goes by pid.
            Err(_) => None,
        };
        // In this order. The descriptor is of whoever had the pid when it was opened. If the process that has the pid now is
        // the one that is meant, it had it then, too, and the descriptor is of no other.
        match self.read(identity.pid)? {
            Some(row) if row.identity == identity && !row.is_over() => {}
            _ => return Ok(false),
        }
        if let Some(pidfd) = pidfd
            && Pidfd::signal_available()
        {
            return pidfd.send_signal(signal);
        }
        // Without a descriptor there are some microseconds left between the look and the signal. To hit another process in
        // there, this one would have to end and be reaped, and all other pids be used up.
        kill::kill(identity.pid, signal.as_raw())
    }

    fn pause(&mut self) {
        std::thread::sleep(std::time::Duration::from_micros(200));
    }
}
