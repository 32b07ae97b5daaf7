//! The child's environment: as asked, or a copy of ours.

use std::borrow::Cow;

use super::request::Strings;
use crate::sys::environ;

/// `NAME=value` strings one behind the other, each with its NUL.
#[derive(Debug)]
pub(crate) struct Environment<'a> {
    pub(crate) count: usize,
    pub(crate) bytes: Cow<'a, [u8]>,
}

impl<'a> Environment<'a> {
    /// The environment that was asked for; without one, a copy of this process' own. The copy is what makes it sound
    /// that the child reads it while we run on and may change ours.
    pub(crate) fn new(requested: Option<Strings<'a>>) -> Self {
        match requested {
            Some(variables) => Self { count: variables.count, bytes: Cow::Borrowed(variables.bytes) },
            None => {
                let mut bytes = Vec::with_capacity(4096);
                let count = environ::copy(&mut bytes);
                Self { count, bytes: Cow::Owned(bytes) }
            }
        }
    }

    /// The value of a variable.
    pub(crate) fn get(&self, wanted: &[u8]) -> Option<&[u8]> {
        let variables = Strings { count: self.count, bytes: &self.bytes };
        variables
            .iter()
            .find_map(|variable| variable.to_bytes().strip_prefix(wanted).and_then(|rest| rest.strip_prefix(b"=")))
    }
}
