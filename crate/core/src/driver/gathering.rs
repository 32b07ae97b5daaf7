//! What was read of one stream so far, and the memory that the rest of it goes to.

use std::{
    io,
    time::{Duration, Instant},
};

use crate::{ChildStdio, stdio::enlarge, sys::memory};

/// What a pipe holds until it is enlarged. A stream that fills it is worth reading in large pieces.
const PIPE: usize = 64 * 1024;
/// What the pipe of a stream that has shown to be large is made to hold, and the room there always is behind such a stream.
const PIECE: usize = 1024 * 1024;
/// The most that is made present ahead of the stream, page by page: while that is done the writer has all of the pipe to fill,
/// and is not to get to its end.
const AHEAD: usize = 512 * 1024;
/// The same where it is one page.
const HUGE_PAGE: usize = 2 * 1024 * 1024;
/// From 32 MiB on `malloc(3)` of glibc gives a mapping of its own, however often such sizes were freed before.
const MAPPED: usize = 32 * 1024 * 1024;

/// The bytes of one stream.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    bytes: Vec<u8>,
    /// Up to here, counted from the beginning, the memory is known to be present.
    present: usize,
    pages: Pages,
}

/// What memory is made of. A huge page is four times as quick as the pages it takes the place of, where the machine has
/// them at hand. It may not: memory can be in pieces that have to be put together first, and a virtual machine may have given
/// just the large pieces back to its host. Then it is ten times as slow, so that it has to be tried.
#[derive(Debug, Clone, Copy)]
enum Pages {
    /// Small ones as yet; the least time that [`AHEAD`] bytes of them took.
    Small { least: Duration },
    /// Huge ones, as long as none takes longer than this.
    Huge { most: Duration },
    /// Small ones, because the huge ones took too long.
    SmallForGood,
}

impl Default for Pages {
    fn default() -> Self {
        Self::Small { least: Duration::MAX }
    }
}

impl From<Vec<u8>> for Gathering {
    fn from(bytes: Vec<u8>) -> Self {
        Self { bytes, ..Self::default() }
    }
}

impl Gathering {
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn truncate(&mut self, length: usize) {
        self.bytes.truncate(length);
    }

    /// Reads once, and returns how much came; 0 is the end of the stream. `scratch` is the caller's to keep between calls.
    ///
    /// # Errors
    ///
    /// `EAGAIN` when there is nothing now.
    pub(super) fn read(&mut self, from: &ChildStdio, scratch: &mut Vec<u8>) -> io::Result<usize> {
        if self.len() >= PIPE {
            self.make_room();
            let present = self.present - self.len();
            return from.read_into(&mut self.bytes, present);
        }
        // A small output goes by way of a buffer that is always there, and takes just the memory it needs; a large one is
        // read to where it stays.
        scratch.clear();
        let count = from.read_into(scratch, PIPE)?;
        self.bytes.extend_from_slice(scratch);
        if self.len() >= PIPE {
            enlarge(from, PIECE);
        }
        Ok(count)
    }

    /// Makes the memory present that is read to next: as much again as there was up to now, but for a very large stream.
    fn make_room(&mut self) {
        if self.present >= self.len() + PIPE {
            return;
        }
        self.bytes.reserve(HUGE_PAGE.min(self.len()).max(PIECE));
        self.choose_pages();
        let most = if matches!(self.pages, Pages::Huge { .. }) { HUGE_PAGE } else { AHEAD };
        let ahead = self.len().min(most);
        let start = Instant::now();
        memory::populate(&mut self.bytes.spare_capacity_mut()[..ahead]);
        self.note_time(ahead, start.elapsed());
        self.present = self.len() + ahead;
    }

    fn choose_pages(&mut self) {
        if let Pages::Small { least } = self.pages
            && least < Duration::MAX
            && self.bytes.capacity() > MAPPED
        {
            memory::prefer_huge_pages(&mut self.bytes, true);
            self.pages = Pages::Huge { most: least * (HUGE_PAGE / AHEAD) as u32 };
        }
    }

    fn note_time(&mut self, ahead: usize, time: Duration) {
        match &mut self.pages {
            Pages::Small { least } if ahead == AHEAD => *least = time.min(*least),
            Pages::Huge { most } if time > *most => {
                memory::prefer_huge_pages(&mut self.bytes, false);
                self.pages = Pages::SmallForGood;
            }
            _ => {}
        }
    }

    /// The bytes, without the room behind them.
    pub(super) fn finish(mut self) -> Vec<u8> {
        // Growing by doubling has left it behind a large output; giving it back moves no byte.
        if self.bytes.capacity() - self.len() > PIPE {
            self.bytes.shrink_to_fit();
        }
        self.bytes
    }
}

#[cfg(all(test, not(loom)))]
mod test {
    use std::io::{Write, pipe};

    use super::*;
    use crate::stdio::stdio;

    /// Reads so many bytes that were written to a pipe a piece at a time.
    fn gather(mut gathering: Gathering, count: usize) -> Gathering {
        let (reader, mut writer) = pipe().expect("a pipe");
        let reader = stdio(reader).expect("not to wait");
        let mut scratch = Vec::new();
        for number in 0..count.div_ceil(PIPE) {
            writer.write_all(&[number as u8; PIPE]).expect("room for as much");
            let mut taken = 0;
            while taken < PIPE {
                taken += gathering.read(&reader, &mut scratch).expect("as much as was written");
            }
        }
        gathering
    }

    fn assert_is_whole(bytes: &[u8], count: usize) {
        assert_eq!(bytes.len(), count);
        for (number, piece) in bytes.chunks(PIPE).enumerate() {
            assert!(piece.iter().all(|&byte| byte == number as u8), "piece {number}");
        }
    }

    #[test]
    fn a_large_stream_gets_huge_pages_and_a_small_one_does_not() {
        let small = gather(Gathering::default(), MAPPED / 4);
        assert!(matches!(small.pages, Pages::Small { .. }));
        let large = gather(Gathering::default(), 2 * MAPPED);
        assert!(!matches!(large.pages, Pages::Small { .. }));
        assert_is_whole(&large.finish(), 2 * MAPPED);
    }

    #[test]
    fn huge_pages_that_take_too_long_are_given_up() {
        let impatient = Gathering { pages: Pages::Huge { most: Duration::ZERO }, ..Gathering::default() };
        let gathering = gather(impatient, 2 * MAPPED);
        assert!(matches!(gathering.pages, Pages::SmallForGood));
        assert_is_whole(&gathering.finish(), 2 * MAPPED);
    }

    #[test]
    fn what_is_left_over_is_given_back() {
        let gathering = gather(Gathering::default(), MAPPED + PIPE);
        let bytes = gathering.finish();
        assert!(bytes.capacity() - bytes.len() <= PIPE);
        assert_is_whole(&bytes, MAPPED + PIPE);
    }
}
