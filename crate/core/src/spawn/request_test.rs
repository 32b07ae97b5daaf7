//! The decoder against everything that could come across.

use std::ffi::OsString;

use proptest::{collection::vec, option, prelude::*, sample::Index};

use super::{Command, Descriptor, Request, request};
use crate::{Signal, sys::order::Limit};

/// What a request is made of, before it is packed.
#[derive(Debug, Clone)]
struct Parts {
    file: String,
    argv0: Option<String>,
    arguments: Vec<String>,
    variables: Option<Vec<(String, String)>>,
    cwd: Option<String>,
    descriptors: Vec<Descriptor>,
    session: bool,
    process_group: Option<i32>,
    credentials: (Option<u32>, Option<u32>, Option<Vec<u32>>),
    umask: Option<u32>,
    limits: Vec<(u32, u64, u64)>,
    no_new_privs: bool,
    parent_death_signal: Option<Signal>,
    kill_on_drop: bool,
}

fn string() -> impl Strategy<Value = String> {
    "[^\0]{0,40}"
}

fn descriptors() -> impl Strategy<Value = Vec<Descriptor>> {
    vec((0..6, 0..i32::MAX, any::<Index>()), 3..12).prop_map(|all| {
        let descriptor = |(position, (kind, number, earlier)): (usize, (i32, i32, Index))| match kind {
            0 => Descriptor::Null,
            1 => Descriptor::Inherit(number),
            2 => Descriptor::Pipe,
            3 => Descriptor::Closed,
            4 => Descriptor::Hand(number),
            _ if position == 0 => Descriptor::Null,
            _ => Descriptor::SameAs(earlier.index(position)),
        };
        all.into_iter().enumerate().map(descriptor).collect()
    })
}

prop_compose! {
    fn parts()(
        strings in (string(), option::of(string()), vec(string(), 0..10), option::of(string())),
        variables in option::of(vec(("[^\0=]{1,10}", string()), 0..10)),
        descriptors in descriptors(),
        flags in any::<[bool; 3]>(),
        process_group in option::of(any::<i32>()),
        credentials in (option::of(any::<u32>()), option::of(any::<u32>()), option::of(vec(any::<u32>(), 0..5))),
        umask in option::of(0..0o10000_u32),
        limits in vec(any::<(u32, u64, u64)>(), 0..5),
        signal in option::of(0..=64),
    ) -> Parts {
        let (file, argv0, arguments, cwd) = strings;
        let [session, no_new_privs, kill_on_drop] = flags;
        Parts {
            file, argv0, arguments, variables, cwd, descriptors, session, process_group, credentials, umask, limits,
            no_new_privs, parent_death_signal: signal.and_then(Signal::from_raw), kill_on_drop,
        }
    }
}

fn pack(parts: &Parts) -> Vec<u8> {
    let mut command = Command::new(&parts.file).and_then(|command| command.args(&parts.arguments)).expect("no NUL");
    if let Some(argv0) = &parts.argv0 {
        command = command.argv0(argv0).expect("no NUL");
    }
    if let Some(variables) = &parts.variables {
        command = command.env_clear();
        for (name, value) in variables {
            command = command.env(name, value).expect("no NUL");
        }
    }
    if let Some(cwd) = &parts.cwd {
        command = command.cwd(cwd).expect("no NUL");
    }
    for (number, &descriptor) in parts.descriptors.iter().enumerate() {
        command = command.descriptor(number, descriptor);
    }
    if parts.session {
        command = command.session();
    }
    if let Some(group) = parts.process_group {
        command = command.process_group(group);
    }
    let (uid, gid, groups) = &parts.credentials;
    if let &Some(uid) = uid {
        command = command.uid(uid);
    }
    if let &Some(gid) = gid {
        command = command.gid(gid);
    }
    if let Some(groups) = groups {
        command = command.groups(groups.clone());
    }
    if let Some(mask) = parts.umask {
        command = command.umask(mask);
    }
    for &(resource, soft, hard) in &parts.limits {
        command = command.limit(resource, soft, hard);
    }
    if parts.no_new_privs {
        command = command.no_new_privs();
    }
    if let Some(signal) = parts.parent_death_signal {
        command = command.parent_death_signal(signal);
    }
    if parts.kill_on_drop {
        command = command.kill_on_drop();
    }
    command.encode()
}

/// The last writer wins, in the first one's place.
fn merged(variables: &[(String, String)]) -> Vec<String> {
    let mut merged: Vec<(&str, &str)> = Vec::new();
    for (name, value) in variables {
        match merged.iter_mut().find(|(known, _)| known == name) {
            Some(variable) => variable.1 = value,
            None => merged.push((name, value)),
        }
    }
    merged.into_iter().map(|(name, value)| format!("{name}={value}")).collect()
}

fn texts(strings: super::Strings<'_>) -> Vec<String> {
    let texts: Vec<_> = strings.iter().map(|text| text.to_str().expect("it was text").to_owned()).collect();
    assert_eq!(texts.len(), strings.count);
    texts
}

proptest! {
    #[test]
    fn what_was_packed_is_what_is_read(parts in parts()) {
        let buffer = pack(&parts);
        let request = Request::decode(&buffer).expect("it was packed properly");
        prop_assert_eq!(request.file.to_str(), Ok(parts.file.as_str()));
        prop_assert_eq!(request.cwd.map(|cwd| cwd.to_str().expect("it was text")), parts.cwd.as_deref());
        let mut arguments = vec![parts.argv0.clone().unwrap_or_else(|| parts.file.clone())];
        arguments.extend(parts.arguments.clone());
        prop_assert_eq!(texts(request.arguments), arguments);
        prop_assert_eq!(request.environment.map(texts), parts.variables.as_deref().map(merged));
        prop_assert_eq!(request.descriptors, parts.descriptors);
        prop_assert_eq!(request.session, parts.session);
        prop_assert_eq!(request.process_group, parts.process_group);
        prop_assert_eq!((request.uid, request.gid, request.groups), parts.credentials);
        prop_assert_eq!(request.umask, parts.umask.map(|mask| mask as libc::mode_t));
        let limits: Vec<_> = parts.limits.iter().map(|&(resource, soft, hard)| Limit { resource, soft, hard }).collect();
        prop_assert_eq!(request.limits, limits);
        prop_assert_eq!(request.no_new_privs, parts.no_new_privs);
        prop_assert_eq!(request.parent_death_signal, parts.parent_death_signal);
        prop_assert_eq!(request.kill_on_drop, parts.kill_on_drop);
    }

    #[test]
    fn random_bytes_are_no_request(bytes in vec(any::<u8>(), 0..400)) {
        let _ = Request::decode(&bytes);
    }

    #[test]
    fn random_words_behind_the_magic_never_panic(words in vec(prop_oneof![0..5_u32, 0..70_000_u32, any::<u32>()], 0..60)) {
        let words = std::iter::once(request::MAGIC).chain(words);
        let bytes: Vec<u8> = words.flat_map(u32::to_ne_bytes).collect();
        let _ = Request::decode(&bytes);
    }

    #[test]
    fn a_changed_request_is_read_or_refused(
        parts in parts(),
        changes in vec((any::<Index>(), any::<u8>()), 1..8),
        in_header in any::<bool>(),
    ) {
        let mut buffer = pack(&parts);
        let reach = if in_header { 4 * request::HEADER } else { buffer.len() };
        for (place, byte) in changes {
            buffer[place.index(reach)] = byte;
        }
        if let Ok(request) = Request::decode(&buffer) {
            // Whatever it says is inside of the buffer.
            prop_assert_eq!(request.arguments.iter().count(), request.arguments.count);
            prop_assert!(request.arguments.bytes.len() <= buffer.len());
            let is_earlier = |(index, descriptor): (usize, &Descriptor)| {
                !matches!(descriptor, Descriptor::SameAs(earlier) if *earlier >= index)
            };
            prop_assert!(request.descriptors.iter().enumerate().all(is_earlier));
        }
    }

    #[test]
    fn a_cut_or_longer_request_is_refused(parts in parts(), cut in any::<Index>(), more in vec(any::<u8>(), 1..9)) {
        let mut buffer = pack(&parts);
        prop_assert!(Request::decode(&buffer[..cut.index(buffer.len())]).is_err());
        buffer.extend(more);
        prop_assert!(Request::decode(&buffer).is_err());
    }
}

#[test]
fn a_string_with_a_nul_is_refused() {
    assert!(Command::new("a\0b").is_err());
    let command = Command::new("true").expect("no NUL");
    assert!(command.clone().args(["a\0"]).is_err());
    assert!(command.clone().argv0("\0").is_err());
    assert!(command.clone().env("a\0", "b").is_err());
    assert!(command.clone().env("a", OsString::from("\0b")).is_err());
    assert!(command.cwd("/\0").is_err());
}
