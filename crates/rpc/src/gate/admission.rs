//! How many calls run at the same time. What is above is refused at once, because a queue only makes
//! everybody late.

use std::sync::Arc;

use redress_model::Fault;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::permission::Method;

pub(super) struct Admission {
    calls: Arc<Semaphore>,
    streams: Arc<Semaphore>,
}

impl Admission {
    pub(super) fn new(calls_max: usize, streams_max: usize) -> Self {
        let semaphore = |n: usize| Arc::new(Semaphore::new(n.min(Semaphore::MAX_PERMITS)));
        Self {
            calls: semaphore(calls_max),
            streams: semaphore(streams_max),
        }
    }

    /// Takes a place until the permit is dropped. Streams have their own, so that watchers do not keep
    /// complaints out.
    pub(super) fn enter(&self, method: &Method) -> Result<OwnedSemaphorePermit, Fault> {
        let (places, what) = if method.streams() {
            (&self.streams, "the number of streams at a time")
        } else {
            (&self.calls, "the number of calls at a time")
        };
        Arc::clone(places)
            .try_acquire_owned()
            .map_err(|_| Fault::exhausted(what))
    }
}
