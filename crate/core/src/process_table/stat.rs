//! `/proc/PID/stat`: one line of numbers about a process, with a name in it that may hold anything.

use super::{Identity, ProcessRow};

/// `PF_KTHREAD`.
const KERNEL_THREAD: u64 = 0x0020_0000;

/// Reads one line of `/proc/PID/stat`, on a machine with pages of so many bytes and so many clock ticks a second. `None` for a process that is being taken out of the table right now.
///
/// The second field is the program's name in parentheses, and the name may hold anything: spaces, parentheses, newlines.
/// What comes behind it are numbers and one letter, so the last parenthesis is the end of it.
///
/// # References
///
/// [`proc_pid_stat(5)`](https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html)
pub(crate) fn parse(bytes: &[u8], page: u64, ticks: u64) -> Option<ProcessRow> {
    let pid = number(bytes.split(|&byte| byte == b' ').next()?)?;
    let end = bytes.iter().rposition(|&byte| byte == b')')?;
    // From the third field on.
    let mut fields = bytes.get(end + 2..)?.split(|&byte| byte == b' ');
    let state = *fields.next()?.first()?;
    let mut next = |skip: usize| number(fields.nth(skip)?);
    let ppid = next(0)?;
    // -1 for both where the process has just been reaped.
    let pgid = next(0)?;
    let sid = next(0)?;
    let flags = next(2)?;
    let (user, system) = (next(4)?, next(0)?);
    let threads = next(4)?;
    let start = next(1)?;
    let rss = next(1)?;
    Some(ProcessRow {
        identity: Identity { pid: u32::try_from(pid).ok()?, start },
        ppid: u32::try_from(ppid).ok()?,
        pgid: u32::try_from(pgid).ok()?,
        sid: u32::try_from(sid).ok()?,
        state,
        threads: u32::try_from(threads).ok()?,
        is_kernel: flags & KERNEL_THREAD != 0,
        rss: rss * page,
        cpu_time: (user + system) * 1000 / ticks,
    })
}

/// The name in such a line: what stands in the parentheses.
pub(super) fn name(bytes: &[u8]) -> Option<&[u8]> {
    let begin = bytes.iter().position(|&byte| byte == b'(')?;
    let end = bytes.iter().rposition(|&byte| byte == b')')?;
    bytes.get(begin + 1..end)
}

/// A number without a sign; `None` for one below zero.
pub(crate) fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, &digit| {
        let digit = digit.checked_sub(b'0').filter(|&digit| digit <= 9)?;
        number.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

#[cfg(test)]
mod test {
    use super::*;

    const REST: &str = "S 7 8 9 0 -1 4194304 97 0 0 0 30 20 5 6 20 0 3 0 457002 3133440 350 18446744073709551615 1 2";

    fn parsed(name: &str, rest: &str) -> Option<ProcessRow> {
        parse(format!("42 ({name}) {rest}\n").as_bytes(), 4096, 100)
    }

    #[test]
    fn a_line_is_read_whatever_the_name_holds() {
        let row = ProcessRow {
            identity: Identity { pid: 42, start: 457_002 },
            ppid: 7,
            pgid: 8,
            sid: 9,
            state: b'S',
            threads: 3,
            is_kernel: false,
            rss: 350 * 4096,
            cpu_time: 500,
        };
        for name in ["cat", "", " ", ")", ") S 1 2 3 (", "a\nb", "))))", "42 (x) R 1 1 1", "\u{e9}"] {
            assert_eq!(parsed(name, REST), Some(row), "{name:?}");
            assert_eq!(super::name(format!("42 ({name}) {REST}").as_bytes()), Some(name.as_bytes()));
        }
        assert_eq!(parse(b"42 (\xff\xfe) S 7 8 9", 4096, 100), None, "cut off");
        let bytes = [b"42 (\xff) ".as_slice(), REST.as_bytes()].concat();
        assert_eq!(parse(&bytes, 4096, 100), Some(row), "no UTF-8");
    }

    #[test]
    fn a_process_that_is_being_reaped_is_none() {
        assert_eq!(parsed("x", &REST.replace("7 8 9", "0 -1 -1")), None);
    }

    #[test]
    fn nothing_that_is_no_stat_is_one() {
        for bytes in [&b""[..], b"42", b"42 (", b"42 (x", b"42 (x)", b"42 (x) ", b"x (x) S", b"4294967296 (x) S"] {
            assert_eq!(parse(bytes, 4096, 100), None, "{bytes:?}");
        }
        assert_eq!([&b""[..], b"42", b"42 (x", b")("].map(name), [None; 4]);
        assert_eq!(parsed("x", &REST.replace("457002", "99999999999999999999999")), None);
    }
}
