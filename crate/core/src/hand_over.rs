//! Descriptors that leave Rust as numbers.

use std::os::fd::{AsFd, AsRawFd, IntoRawFd, OwnedFd, RawFd};

use nix::sys::stat::{FileStat, fstat};

use crate::sync::{Mutex, lock};

/// Gives descriptors away, one at a time, to somebody who may be gone before he has taken the last one: a worker can be
/// terminated after it was told the number and before it has made anything of it that would be closed with it.
#[derive(Debug, Default)]
pub struct HandOver {
    last: Mutex<Option<Given>>,
}

#[derive(Debug, Clone, Copy)]
struct Given {
    number: RawFd,
    file: Identity,
}

/// What tells two open files apart.
type Identity = (libc::dev_t, libc::ino_t);

fn identity(file: &FileStat) -> Identity {
    (file.st_dev, file.st_ino)
}

impl HandOver {
    /// Gives a descriptor away. Who comes for this one has taken the one before.
    pub fn give(&self, descriptor: OwnedFd) -> RawFd {
        let file = fstat(descriptor.as_fd()).ok().map(|file| identity(&file));
        *lock(&self.last) = file.map(|file| Given { number: descriptor.as_raw_fd(), file });
        descriptor.into_raw_fd()
    }

    /// The last one was taken: the receiver has gone on to something else.
    pub fn taken(&self) {
        *lock(&self.last) = None;
    }

    /// The receiver is gone, and so is all that he had open: closes the last descriptor if he never got to take it.
    ///
    /// Its number says nothing: it may have been closed, and be another file's by now. So the file is looked at. A pipe that
    /// is still there under its number was given to nobody else, and nobody is left to close it in between.
    pub fn take_back(&self) {
        let Some(Given { number, file }) = lock(&self.last).take() else { return };
        let is_same = crate::sys::descriptor::borrow(number)
            .is_ok_and(|descriptor| fstat(descriptor).is_ok_and(|now| identity(&now) == file));
        if is_same {
            crate::sys::descriptor::close(number);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod test {
    use std::io;

    use super::*;

    fn pipe() -> (OwnedFd, OwnedFd) {
        let (reader, writer) = io::pipe().expect("there is room for a pipe");
        (reader.into(), writer.into())
    }

    fn has_no_reader(writer: &OwnedFd) -> bool {
        crate::stdio::has_hung_up(writer)
    }

    #[test]
    fn what_nobody_took_is_closed() {
        let (reader, writer) = pipe();
        let hand_over = HandOver::default();
        hand_over.give(reader);
        assert!(!has_no_reader(&writer));
        hand_over.take_back();
        assert!(has_no_reader(&writer));
        hand_over.take_back();
    }

    #[test]
    fn what_was_taken_is_left_alone() {
        let (reader, writer) = pipe();
        let hand_over = HandOver::default();
        let number = hand_over.give(reader);
        hand_over.taken();
        hand_over.take_back();
        assert!(!has_no_reader(&writer));
        crate::sys::descriptor::close(number);
    }

    #[test]
    fn another_file_under_the_same_number_is_left_alone() {
        let (reader, _writer) = pipe();
        let (other_reader, other_writer) = pipe();
        let hand_over = HandOver::default();
        // As if its receiver had closed it, and the number were the other pipe's now.
        let file = identity(&fstat(&reader).expect("it is open"));
        *lock(&hand_over.last) = Some(Given { number: other_reader.as_raw_fd(), file });
        hand_over.take_back();
        assert!(!has_no_reader(&other_writer));
    }
}
