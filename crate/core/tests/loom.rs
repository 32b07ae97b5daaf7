//! The orphan queue under every order of events that threads can bring about.
//!
//! Run by `RUSTFLAGS="--cfg loom" cargo test -p brood-core --release loom`.
#![cfg(loom)]

use std::io;

use brood_core::{ExitStatus, OrphanQueueImpl, SignalSource, Wait, Watch};
use loom::{
    model,
    sync::{
        Arc,
        atomic::{
            AtomicBool, AtomicUsize,
            Ordering::{AcqRel, Acquire, Release},
        },
    },
    thread,
};

/// The kernel's side of one child.
#[derive(Debug, Default)]
struct Kernel {
    ended: AtomicBool,
    reaped: AtomicBool,
}

/// Our side of it.
#[derive(Debug, Clone)]
struct Child(Arc<Kernel>);

impl Child {
    fn running() -> Self {
        Self(Arc::default())
    }

    fn ended() -> Self {
        let child = Self::running();
        child.end();
        child
    }

    fn end(&self) {
        self.0.ended.store(true, Release);
    }

    fn was_reaped(&self) -> bool {
        self.0.reaped.load(Acquire)
    }
}

impl Wait for Child {
    fn id(&self) -> u32 {
        42
    }

    fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        if !self.0.ended.load(Acquire) {
            return Ok(None);
        }
        assert!(!self.0.reaped.swap(true, AcqRel), "reaped twice: in the kernel this would be another child by now");
        Ok(Some(ExitStatus::from_code(0)))
    }
}

/// A source of SIGCHLD that counts the signals.
#[derive(Debug, Clone, Default)]
struct Source(Arc<AtomicUsize>);

impl Source {
    fn raise(&self) {
        self.0.fetch_add(1, AcqRel);
    }
}

impl SignalSource for Source {
    type Watch = SourceWatch;

    fn watch(&self) -> io::Result<SourceWatch> {
        Ok(SourceWatch { signals: Arc::clone(&self.0), seen: self.0.load(Acquire) })
    }
}

#[derive(Debug)]
struct SourceWatch {
    signals: Arc<AtomicUsize>,
    seen: usize,
}

impl Watch for SourceWatch {
    fn has_changed(&mut self) -> bool {
        let seen = std::mem::replace(&mut self.seen, self.signals.load(Acquire));
        seen != self.seen
    }
}

type Orphanage = OrphanQueueImpl<Child, SourceWatch>;

fn ignore(_: Child, _: ExitStatus) {}

#[test]
fn loom_each_orphan_is_reaped_exactly_once() {
    model(|| {
        let (orphanage, source) = (Arc::new(Orphanage::new()), Source::default());
        let (first, second) = (Child::ended(), Child::ended());
        orphanage.push_orphan(first.clone());

        let looking = thread::spawn({
            let (orphanage, source) = (Arc::clone(&orphanage), source.clone());
            move || orphanage.reap_orphans(&source, ignore)
        });
        let hurrying = thread::spawn({
            let orphanage = Arc::clone(&orphanage);
            move || orphanage.reap_now(ignore)
        });
        orphanage.push_orphan(second.clone());
        let by_threads = looking.join().expect("no panic") + hurrying.join().expect("no panic");
        let by_us = orphanage.reap_orphans(&source, ignore);

        assert_eq!(by_threads + by_us, 2, "each is counted by the one that reaped it");
        assert!(first.was_reaped() && second.was_reaped() && orphanage.is_empty());
    });
}

#[test]
fn loom_two_looks_at_once_reap_each_orphan_exactly_once() {
    model(|| {
        let (orphanage, source) = (Arc::new(Orphanage::new()), Source::default());
        let (first, second) = (Child::ended(), Child::ended());
        orphanage.push_orphan(first.clone());

        let looks = [0, 1].map(|_| {
            let (orphanage, source) = (Arc::clone(&orphanage), source.clone());
            thread::spawn(move || orphanage.reap_orphans(&source, ignore))
        });
        orphanage.push_orphan(second.clone());
        let by_threads: usize = looks.into_iter().map(|look| look.join().expect("no panic")).sum();
        let by_us = orphanage.reap_orphans(&source, ignore);

        assert_eq!(by_threads + by_us, 2, "each is counted by the one that reaped it");
        assert!(first.was_reaped() && second.was_reaped() && orphanage.is_empty());
    });
}

/// An owner that gives its child up, a child that ends, and a driver that looks, all at the same time.
fn gives_up_while_it_ends_and_somebody_looks(orphanage: Orphanage, source: Source) {
    let orphanage = Arc::new(orphanage);
    let child = Child::running();

    let kernel = thread::spawn({
        let (child, source) = (child.clone(), source.clone());
        move || {
            child.end();
            source.raise();
        }
    });
    let driver = thread::spawn({
        let (orphanage, source) = (Arc::clone(&orphanage), source.clone());
        move || orphanage.reap_orphans(&source, ignore)
    });
    // The drop rule of the reapers.
    let mut owned = child.clone();
    if owned.try_wait().expect("the child is ours").is_none() {
        orphanage.push_orphan(owned);
    }
    kernel.join().expect("no panic");
    driver.join().expect("no panic");

    // The next look, after the push and after the signal.
    orphanage.reap_orphans(&source, ignore);
    assert!(child.was_reaped(), "a zombie is left");
    assert!(orphanage.is_empty());
}

#[test]
fn loom_an_end_during_a_push_is_not_lost() {
    model(|| gives_up_while_it_ends_and_somebody_looks(Orphanage::new(), Source::default()));
}

#[test]
fn loom_an_end_during_a_push_is_not_lost_by_a_queue_that_watches() {
    model(|| {
        let (orphanage, source) = (Orphanage::new(), Source::default());
        // Another orphan made it take its watch.
        orphanage.push_orphan(Child::ended());
        assert_eq!(orphanage.reap_orphans(&source, ignore), 1);
        gives_up_while_it_ends_and_somebody_looks(orphanage, source);
    });
}

#[test]
fn loom_on_reap_may_push_and_look() {
    model(|| {
        let (orphanage, source) = (Arc::new(Orphanage::new()), Source::default());
        orphanage.push_orphan(Child::ended());
        let hurrying = thread::spawn({
            let (orphanage, source) = (Arc::clone(&orphanage), source.clone());
            move || {
                orphanage.reap_now(|_, _| {
                    orphanage.push_orphan(Child::ended());
                    orphanage.reap_orphans(&source, ignore);
                })
            }
        });
        orphanage.reap_orphans(&source, |_, _| {
            orphanage.push_orphan(Child::ended());
            orphanage.reap_now(ignore);
        });
        hurrying.join().expect("no panic");
        orphanage.reap_orphans(&source, ignore);
        assert!(orphanage.is_empty());
    });
}
