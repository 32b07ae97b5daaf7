//! Having something done on the driver thread, and waiting for what comes of it.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

use super::{Driver, lock};

enum Answer<T> {
    Pending,
    Given(T),
    /// The job panicked, or was dropped undone.
    Never,
}

struct Slot<T> {
    answer: Mutex<Answer<T>>,
    settled: Condvar,
}

/// The job's end of a slot. However the job ends, nobody goes on waiting.
struct Giver<T>(Arc<Slot<T>>);

impl<T> Giver<T> {
    fn settle(&self, answer: Answer<T>) {
        let mut place = self.0.answer.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*place, Answer::Pending) {
            *place = answer;
            self.0.settled.notify_one();
        }
    }
}

impl<T> Drop for Giver<T> {
    fn drop(&mut self) {
        self.settle(Answer::Never);
    }
}

impl Driver {
    /// Does a job on the driver thread. Must not be called there. `None` when the job panicked.
    pub(super) fn ask<T: Send + 'static>(
        &'static self,
        job: impl FnOnce(&'static Self) -> T + Send + 'static,
    ) -> Option<T> {
        let slot = Arc::new(Slot { answer: Mutex::new(Answer::Pending), settled: Condvar::new() });
        let giver = Giver(Arc::clone(&slot));
        lock(&self.jobs).push(Box::new(move |driver| giver.settle(Answer::Given(job(driver)))));
        self.wake();
        let mut answer = slot.answer.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match std::mem::replace(&mut *answer, Answer::Pending) {
                Answer::Given(given) => return Some(given),
                Answer::Never => return None,
                Answer::Pending => answer = slot.settled.wait(answer).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod test {
    use super::super::driver;

    #[test]
    fn the_answer_is_what_the_driver_thread_said() {
        let driver = driver().expect("the driver starts");
        let name = driver.ask(|_| std::thread::current().name().map(str::to_owned));
        assert_eq!(name.flatten().as_deref(), Some("brood-driver"));
    }

    #[test]
    fn a_job_that_panics_takes_no_other_along() {
        let driver = driver().expect("the driver starts");
        let (send, receive) = std::sync::mpsc::channel();
        let mut jobs = super::lock(&driver.jobs);
        // In one turn of the driver, since it cannot take the one without the other.
        jobs.push(Box::new(|_| std::panic::resume_unwind(Box::new("on purpose"))));
        jobs.push(Box::new(move |_| send.send("done").expect("somebody listens")));
        drop(jobs);
        driver.wake();
        assert_eq!(receive.recv_timeout(std::time::Duration::from_secs(10)), Ok("done"));
    }

    #[test]
    fn a_job_that_panics_keeps_nobody_waiting() {
        let driver = driver().expect("the driver starts");
        // Not panic!(): nothing is to be printed by a test that passes.
        let answer = driver.ask(|_| -> u32 { std::panic::resume_unwind(Box::new("on purpose")) });
        assert_eq!(answer, None);
        assert_eq!(driver.ask(|_| 1), Some(1));
    }
}
