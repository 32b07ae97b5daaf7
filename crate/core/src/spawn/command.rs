//! A request put together in Rust.

use std::{
    ffi::{CString, NulError, OsStr},
    os::unix::ffi::OsStrExt,
};

use super::request::{self, Descriptor};
use crate::Signal;

/// Puts a [`Request`](crate::Request) together, in the layout that crosses from JavaScript.
///
/// ```
/// use brood_core::{Command, Request};
///
/// let buffer = Command::new("true")?.encode();
/// assert!(Request::decode(&buffer).is_ok());
/// # Ok::<(), std::ffi::NulError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Command {
    file: CString,
    argv0: CString,
    arguments: Vec<CString>,
    variables: Option<Vec<(CString, CString)>>,
    cwd: Option<CString>,
    descriptors: Vec<Descriptor>,
    flags: u32,
    process_group: libc::pid_t,
    uid: libc::uid_t,
    gid: libc::gid_t,
    groups: Vec<libc::gid_t>,
    umask: u32,
    limits: Vec<(u32, u64, u64)>,
    parent_death_signal: i32,
}

fn string(text: impl AsRef<OsStr>) -> Result<CString, NulError> {
    CString::new(text.as_ref().as_bytes())
}

impl Command {
    /// A program by its path, or by its name in the child's `PATH`. Its stdin, stdout and stderr are `/dev/null` and its
    /// environment is ours, until asked otherwise.
    ///
    /// # Errors
    ///
    /// When there is a NUL inside. So for all methods here that take a string.
    pub fn new(file: impl AsRef<OsStr>) -> Result<Self, NulError> {
        let file = string(file)?;
        Ok(Self {
            argv0: file.clone(),
            file,
            arguments: Vec::new(),
            variables: None,
            cwd: None,
            descriptors: vec![Descriptor::Null; 3],
            flags: 0,
            process_group: 0,
            uid: 0,
            gid: 0,
            groups: Vec::new(),
            umask: 0,
            limits: Vec::new(),
            parent_death_signal: 0,
        })
    }

    /// Adds arguments.
    #[expect(clippy::missing_errors_doc, reason = "said once, at new")]
    pub fn args<I: IntoIterator<Item: AsRef<OsStr>>>(mut self, arguments: I) -> Result<Self, NulError> {
        for argument in arguments {
            self.arguments.push(string(argument)?);
        }
        Ok(self)
    }

    /// Sets what the program sees as its own name.
    #[expect(clippy::missing_errors_doc, reason = "said once, at new")]
    pub fn argv0(mut self, name: impl AsRef<OsStr>) -> Result<Self, NulError> {
        self.argv0 = string(name)?;
        Ok(self)
    }

    /// Starts from an empty environment.
    #[must_use]
    pub fn env_clear(mut self) -> Self {
        self.variables = Some(Vec::new());
        self
    }

    /// Sets a variable, in an environment that has only what is set here. The last writer wins.
    #[expect(clippy::missing_errors_doc, reason = "said once, at new")]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Result<Self, NulError> {
        let (name, value) = (string(name)?, string(value)?);
        let variables = self.variables.get_or_insert_default();
        match variables.iter_mut().find(|(known, _)| *known == name) {
            Some(variable) => variable.1 = value,
            None => variables.push((name, value)),
        }
        Ok(self)
    }

    /// Sets the working directory.
    #[expect(clippy::missing_errors_doc, reason = "said once, at new")]
    pub fn cwd(mut self, directory: impl AsRef<OsStr>) -> Result<Self, NulError> {
        self.cwd = Some(string(directory)?);
        Ok(self)
    }

    /// Sets descriptor `number` of the child. Those between the last one set and this are closed.
    #[must_use]
    pub fn descriptor(mut self, number: usize, descriptor: Descriptor) -> Self {
        if number >= self.descriptors.len() {
            self.descriptors.resize(number + 1, Descriptor::Closed);
        }
        self.descriptors[number] = descriptor;
        self
    }

    /// `setsid(2)`: a session and a process group of its own.
    #[must_use]
    pub fn session(mut self) -> Self {
        self.flags |= request::FLAG_SESSION;
        self
    }

    /// `setpgid(2)`: joins this process group; 0 makes one of its own.
    #[must_use]
    pub fn process_group(mut self, group: i32) -> Self {
        self.flags |= request::FLAG_PROCESS_GROUP;
        self.process_group = group;
        self
    }

    /// Makes its stdin, a terminal, its own: the controlling terminal of its session if it has one of its own, else the
    /// terminal that has its process group in the foreground. One that cannot be had is no error.
    #[must_use]
    pub fn controlling_terminal(mut self) -> Self {
        self.flags |= request::FLAG_CONTROLLING_TERMINAL;
        self
    }

    /// `setresuid(2)`.
    #[must_use]
    pub fn uid(mut self, uid: u32) -> Self {
        self.flags |= request::FLAG_UID;
        self.uid = uid;
        self
    }

    /// `setresgid(2)`.
    #[must_use]
    pub fn gid(mut self, gid: u32) -> Self {
        self.flags |= request::FLAG_GID;
        self.gid = gid;
        self
    }

    /// `setgroups(2)`.
    #[must_use]
    pub fn groups(mut self, groups: impl Into<Vec<u32>>) -> Self {
        self.flags |= request::FLAG_GROUPS;
        self.groups = groups.into();
        self
    }

    /// `umask(2)`.
    #[must_use]
    pub fn umask(mut self, mask: u32) -> Self {
        self.flags |= request::FLAG_UMASK;
        self.umask = mask;
        self
    }

    /// `setrlimit(2)`, with a resource number of this system.
    #[must_use]
    pub fn limit(mut self, resource: u32, soft: u64, hard: u64) -> Self {
        self.limits.push((resource, soft, hard));
        self
    }

    /// `prctl(PR_SET_NO_NEW_PRIVS)`.
    #[must_use]
    pub fn no_new_privs(mut self) -> Self {
        self.flags |= request::FLAG_NO_NEW_PRIVS;
        self
    }

    /// `prctl(PR_SET_PDEATHSIG)`.
    #[must_use]
    pub fn parent_death_signal(mut self, signal: Signal) -> Self {
        self.flags |= request::FLAG_PARENT_DEATH_SIGNAL;
        self.parent_death_signal = signal.as_raw();
        self
    }

    /// Dropping the handle kills the process.
    #[must_use]
    pub fn kill_on_drop(mut self) -> Self {
        self.flags |= request::FLAG_KILL_ON_DROP;
        self
    }

    /// Whatever kills the process kills its descendants, too.
    #[must_use]
    pub fn kill_tree(mut self) -> Self {
        self.flags |= request::FLAG_KILL_TREE;
        self
    }

    /// The request as one flat buffer.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut flags = self.flags;
        let mut text = self.file.as_bytes_with_nul().to_vec();
        if let Some(cwd) = &self.cwd {
            flags |= request::FLAG_CWD;
            text.extend_from_slice(cwd.as_bytes_with_nul());
        }
        for argument in std::iter::once(&self.argv0).chain(&self.arguments) {
            text.extend_from_slice(argument.as_bytes_with_nul());
        }
        match &self.variables {
            None => flags |= request::FLAG_INHERIT_ENVIRON,
            Some(variables) => {
                for (name, value) in variables {
                    text.extend_from_slice(name.as_bytes());
                    text.push(b'=');
                    text.extend_from_slice(value.as_bytes_with_nul());
                }
            }
        }
        let mut words = vec![
            request::MAGIC,
            flags,
            1 + self.arguments.len() as u32,
            self.variables.as_ref().map_or(0, Vec::len) as u32,
            self.process_group as u32,
            self.uid,
            self.gid,
            self.umask,
            self.parent_death_signal as u32,
            self.groups.len() as u32,
            self.descriptors.len() as u32,
            self.limits.len() as u32,
            text.len() as u32,
        ];
        debug_assert_eq!(words.len(), request::HEADER);
        words.extend(&self.groups);
        words.extend(self.descriptors.iter().flat_map(|descriptor| descriptor.to_words()));
        for &(resource, soft, hard) in &self.limits {
            words.extend([resource, soft as u32, (soft >> 32) as u32, hard as u32, (hard >> 32) as u32]);
        }
        let mut buffer: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        buffer.extend_from_slice(&text);
        buffer
    }
}
