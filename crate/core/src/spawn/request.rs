//! A spawn request as it crosses from JavaScript: one flat buffer, decoded without copying.
//!
//! All numbers are 32-bit words in the machine's byte order. A header of [`HEADER`] words, then the group ids (a word
//! each), the descriptors (two words each: kind and value), the resource limits (five words each: the resource, the soft
//! and the hard limit as low and high halves), then the strings: the program, the working directory if flagged, the
//! arguments from `argv[0]` on, the `NAME=value` pairs; each ends in a NUL and there are no others.

use std::{ffi::CStr, fmt, os::fd::RawFd};

use crate::{Signal, sys::order::Limit};

/// Words before the variable part.
pub(crate) const HEADER: usize = 13;
/// The first word: which layout this is.
pub(crate) const MAGIC: u32 = 0x6272_0001;

pub(crate) const FLAG_CWD: u32 = 1;
pub(crate) const FLAG_SESSION: u32 = 1 << 1;
pub(crate) const FLAG_PROCESS_GROUP: u32 = 1 << 2;
pub(crate) const FLAG_UID: u32 = 1 << 3;
pub(crate) const FLAG_GID: u32 = 1 << 4;
pub(crate) const FLAG_GROUPS: u32 = 1 << 5;
pub(crate) const FLAG_UMASK: u32 = 1 << 6;
pub(crate) const FLAG_NO_NEW_PRIVS: u32 = 1 << 7;
pub(crate) const FLAG_KILL_ON_DROP: u32 = 1 << 8;
pub(crate) const FLAG_INHERIT_ENVIRON: u32 = 1 << 9;
pub(crate) const FLAG_PARENT_DEATH_SIGNAL: u32 = 1 << 10;
pub(crate) const FLAG_CONTROLLING_TERMINAL: u32 = 1 << 11;
pub(crate) const FLAG_KILL_TREE: u32 = 1 << 12;

/// More than this many descriptors, groups or limits is a mistake, not a request.
const MOST: usize = 65_536;

/// What one of the child's descriptors is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Descriptor {
    /// `/dev/null`.
    Null,
    /// A copy of this descriptor of ours.
    Inherit(RawFd),
    /// A copy of this end of another child's pipe. It is put into blocking mode: a program does not expect `EAGAIN` from
    /// its stdin.
    Hand(RawFd),
    /// A pipe to us: the child reads 0, writes 1 and 2; from 3 on it is a socket pair, for both.
    Pipe,
    /// Not open.
    Closed,
    /// The same as an earlier one of the child's.
    SameAs(usize),
}

impl Descriptor {
    pub(crate) fn to_words(self) -> [u32; 2] {
        match self {
            Self::Null => [0, 0],
            Self::Inherit(descriptor) => [1, descriptor as u32],
            Self::Pipe => [2, 0],
            Self::Closed => [3, 0],
            Self::SameAs(index) => [4, index as u32],
            Self::Hand(descriptor) => [5, descriptor as u32],
        }
    }

    fn from_words(kind: u32, value: u32, index: usize) -> Option<Self> {
        match kind {
            0 => Some(Self::Null),
            1 if value <= i32::MAX as u32 => Some(Self::Inherit(value as RawFd)),
            2 => Some(Self::Pipe),
            3 => Some(Self::Closed),
            5 if value <= i32::MAX as u32 => Some(Self::Hand(value as RawFd)),
            4 if (value as usize) < index => Some(Self::SameAs(value as usize)),
            _ => None,
        }
    }
}

/// Strings that stand one behind the other, each with its NUL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Strings<'a> {
    pub(crate) count: usize,
    pub(crate) bytes: &'a [u8],
}

impl<'a> Strings<'a> {
    /// The strings, in order.
    pub fn iter(&self) -> impl Iterator<Item = &'a CStr> + use<'a> {
        let mut rest = self.bytes;
        std::iter::from_fn(move || {
            let string = CStr::from_bytes_until_nul(rest).ok()?;
            rest = &rest[string.to_bytes_with_nul().len()..];
            Some(string)
        })
    }
}

/// One process to be started.
#[derive(Debug, Clone, PartialEq)]
pub struct Request<'a> {
    pub(crate) file: &'a CStr,
    pub(crate) cwd: Option<&'a CStr>,
    pub(crate) arguments: Strings<'a>,
    /// `None`: the environment of this process as it is now.
    pub(crate) environment: Option<Strings<'a>>,
    pub(crate) descriptors: Vec<Descriptor>,
    pub(crate) session: bool,
    pub(crate) process_group: Option<libc::pid_t>,
    pub(crate) controlling_terminal: bool,
    pub(crate) uid: Option<libc::uid_t>,
    pub(crate) gid: Option<libc::gid_t>,
    pub(crate) groups: Option<Vec<libc::gid_t>>,
    pub(crate) umask: Option<libc::mode_t>,
    pub(crate) limits: Vec<Limit>,
    pub(crate) no_new_privs: bool,
    pub(crate) parent_death_signal: Option<Signal>,
    pub(crate) kill_on_drop: bool,
    pub(crate) kill_tree: bool,
}

/// A buffer that is no request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// It ends before what its header announces, or goes on after it.
    Length,
    /// It does not start as a request does.
    Magic,
    /// There are more or fewer NULs than strings: one of the strings has a NUL inside.
    Nul,
    /// A number is out of its range.
    Range,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Length => "the request is shorter or longer than its header says",
            Self::Magic => "this is no spawn request",
            Self::Nul => "a string holds a NUL byte",
            Self::Range => "a number is out of range",
        })
    }
}

impl std::error::Error for DecodeError {}

struct Words<'a> {
    bytes: &'a [u8],
}

impl Words<'_> {
    fn next(&mut self) -> Result<u32, DecodeError> {
        let (word, rest) = self.bytes.split_first_chunk().ok_or(DecodeError::Length)?;
        self.bytes = rest;
        Ok(u32::from_ne_bytes(*word))
    }

    fn next_u64(&mut self) -> Result<u64, DecodeError> {
        Ok(u64::from(self.next()?) | u64::from(self.next()?) << 32)
    }
}

impl<'a> Request<'a> {
    /// Reads a request out of a buffer.
    ///
    /// # Errors
    ///
    /// A [`DecodeError`] for any buffer that [`Command`](crate::Command) and the TypeScript packer would not write.
    pub fn decode(buffer: &'a [u8]) -> Result<Self, DecodeError> {
        let mut words = Words { bytes: buffer };
        if words.next()? != MAGIC {
            return Err(DecodeError::Magic);
        }
        let flags = words.next()?;
        let argument_count = words.next()? as usize;
        let variable_count = words.next()? as usize;
        let process_group = words.next()?;
        let uid = words.next()?;
        let gid = words.next()?;
        let umask = words.next()?;
        let signal = words.next()?;
        let group_count = words.next()? as usize;
        let descriptor_count = words.next()? as usize;
        let limit_count = words.next()? as usize;
        let text_length = words.next()? as usize;
        if group_count.max(descriptor_count).max(limit_count) > MOST || argument_count == 0 {
            return Err(DecodeError::Range);
        }
        let groups = (0..group_count).map(|_| words.next()).collect::<Result<Vec<_>, _>>()?;
        let descriptors = (0..descriptor_count)
            .map(|index| {
                let (kind, value) = (words.next()?, words.next()?);
                Descriptor::from_words(kind, value, index).ok_or(DecodeError::Range)
            })
            .collect::<Result<Vec<_>, _>>()?;
        let limits = (0..limit_count)
            .map(|_| Ok(Limit { resource: words.next()?, soft: words.next_u64()?, hard: words.next_u64()? }))
            .collect::<Result<Vec<_>, DecodeError>>()?;
        if words.bytes.len() != text_length {
            return Err(DecodeError::Length);
        }
        let mut text = Text { rest: words.bytes };
        let has = |flag| flags & flag != 0;
        let request = Self {
            file: text.string()?,
            cwd: if has(FLAG_CWD) { Some(text.string()?) } else { None },
            arguments: text.strings(argument_count)?,
            environment: if has(FLAG_INHERIT_ENVIRON) { None } else { Some(text.strings(variable_count)?) },
            descriptors,
            session: has(FLAG_SESSION),
            process_group: has(FLAG_PROCESS_GROUP).then_some(process_group as libc::pid_t),
            controlling_terminal: has(FLAG_CONTROLLING_TERMINAL),
            uid: has(FLAG_UID).then_some(uid),
            gid: has(FLAG_GID).then_some(gid),
            groups: has(FLAG_GROUPS).then_some(groups),
            umask: has(FLAG_UMASK).then_some(umask as libc::mode_t & 0o7777),
            limits,
            no_new_privs: has(FLAG_NO_NEW_PRIVS),
            parent_death_signal: if has(FLAG_PARENT_DEATH_SIGNAL) {
                let number = i32::try_from(signal).map_err(|_| DecodeError::Range)?;
                Some(Signal::from_raw(number).ok_or(DecodeError::Range)?)
            } else {
                None
            },
            kill_on_drop: has(FLAG_KILL_ON_DROP),
            kill_tree: has(FLAG_KILL_TREE),
        };
        if text.rest.is_empty() { Ok(request) } else { Err(DecodeError::Nul) }
    }
}

struct Text<'a> {
    rest: &'a [u8],
}

impl<'a> Text<'a> {
    fn string(&mut self) -> Result<&'a CStr, DecodeError> {
        let string = CStr::from_bytes_until_nul(self.rest).map_err(|_| DecodeError::Nul)?;
        self.rest = &self.rest[string.to_bytes_with_nul().len()..];
        Ok(string)
    }

    fn strings(&mut self, count: usize) -> Result<Strings<'a>, DecodeError> {
        let start = self.rest;
        for _ in 0..count {
            self.string()?;
        }
        Ok(Strings { count, bytes: &start[..start.len() - self.rest.len()] })
    }
}
