//! Lays an order out in an arena and clones the child that carries it out.

use std::{io, sync::Arc};

use super::{
    arena::Arena,
    blocked_signals::BlockedSignals,
    child_main::{self, Plan},
    clone,
    order::{CloneOptions, Launched, Order},
    report::Report,
};

impl Order<'_> {
    fn flags(&self) -> u32 {
        let drops_groups = self.groups.is_none() && (self.uid.is_some() || self.gid.is_some());
        [
            (self.session, child_main::SET_SESSION),
            (self.process_group.is_some(), child_main::SET_PROCESS_GROUP),
            (self.controlling_terminal, child_main::SET_TERMINAL),
            (self.uid.is_some(), child_main::SET_UID),
            (self.gid.is_some(), child_main::SET_GID),
            (self.groups.is_some(), child_main::SET_GROUPS),
            (drops_groups, child_main::SET_GROUPS_IF_ALLOWED),
            (self.umask.is_some(), child_main::SET_UMASK),
            (self.no_new_privs, child_main::SET_NO_NEW_PRIVS),
            (self.parent_death_signal.is_some(), child_main::SET_PARENT_DEATH_SIGNAL),
        ]
        .into_iter()
        .fold(0, |flags, (set, flag)| if set { flags | flag } else { flags })
    }

    /// An upper bound of what [`lay_out`](Self::lay_out) puts into the arena, alignment included.
    fn size(&self) -> usize {
        let pointers = self.argument_count + self.variable_count + self.candidates.len() + 3;
        let paths = self.candidates.iter().map(|path| path.as_bytes().len() + 1).sum::<usize>();
        size_of::<Plan>()
            + pointers * size_of::<usize>()
            + self.arguments.len()
            + self.environment.len()
            + paths
            + self.cwd.map_or(0, |cwd| cwd.to_bytes().len() + 1)
            + size_of_val(self.descriptors)
            + size_of_val(self.limits)
            + self.groups.map_or(0, size_of_val)
            + 16 * (8 + self.candidates.len())
    }

    fn lay_out(&self, arena: &mut Arena, report: &Report, handlers_are_reset: bool) -> *const Plan {
        let mut candidates: Vec<_> = self.candidates.iter().map(|path| arena.put_string(path)).collect();
        candidates.push(std::ptr::null());
        let groups = self.groups.unwrap_or_default();
        let plan = Plan {
            report: report.slot(),
            candidates: arena.put_slice(&candidates),
            argv: arena.put_strings(self.argument_count, self.arguments),
            envp: arena.put_strings(self.variable_count, self.environment),
            cwd: self.cwd.map_or(std::ptr::null(), |cwd| arena.put_string(cwd)),
            descriptors: arena.put_slice(self.descriptors).cast_mut(),
            descriptor_count: self.descriptors.len(),
            limits: arena.put_slice(self.limits),
            limit_count: self.limits.len(),
            groups: arena.put_slice(groups),
            group_count: groups.len(),
            // Who is asked for only by a child that is to die with him.
            parent: self.parent_death_signal.map_or(0, |_| std::process::id() as libc::pid_t),
            process_group: self.process_group.unwrap_or(0),
            uid: self.uid.unwrap_or(0),
            gid: self.gid.unwrap_or(0),
            umask: self.umask.unwrap_or(0),
            parent_death_signal: self.parent_death_signal.unwrap_or(0),
            flags: self.flags() | if handlers_are_reset { child_main::HANDLERS_ARE_RESET } else { 0 },
        };
        arena.put(plan)
    }
}

/// Clones the child. Returns while it is still on its way to exec.
///
/// # Errors
///
/// As [`clone`](clone::clone); `ENOMEM` also when no arena can be mapped. Then there is no child.
pub(crate) fn launch(order: &Order<'_>, options: CloneOptions) -> io::Result<Launched> {
    let report = Arc::new(Report::new(options.share_memory)?);
    let mut arena = match Arena::take(order.size()) {
        Ok(arena) => arena,
        Err(error) => {
            report.forget_child();
            return Err(error);
        }
    };
    let plan = order.lay_out(&mut arena, &report, options.clone3);
    let cloned = {
        // From here to the child's own reset of the handlers no signal may be delivered to it: the handler would run in
        // our memory, on the word of a process that is not us. The child unblocks them just before exec.
        let _blocked = BlockedSignals::new();
        clone::clone(&arena, plan, &report, options)
    };
    match cloned {
        Ok((pid, pidfd)) => {
            arena.give_back(&report);
            Ok(Launched { pid, pidfd, report })
        }
        Err(error) => {
            report.forget_child();
            arena.give_back(&report);
            Err(error)
        }
    }
}
