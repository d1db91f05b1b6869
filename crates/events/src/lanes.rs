//! Who goes first where events take effect: urgent ones have connections of their own, and the others give way to them, here and
//! to what follows from them in other services.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use redress_model::Fault;
use redress_store::Database;
use tokio::sync::{Semaphore, SemaphorePermit, watch};

/// Urgent events that take effect at the same time, over all batches. Each takes a connection, and requests of people need
/// some too.
const URGENT_AT_ONCE: usize = 6;

/// Ordinary events that take effect at the same time. Few, since most that come together are of few sites, whose locks they
/// would wait for, and since an urgent one has to get through between them.
const ORDINARY_AT_ONCE: usize = 2;

/// For how long ordinary events give way after something urgent was said, so that what follows from it comes through.
const FOLLOWS: Duration = Duration::from_millis(100);

/// How long ordinary events give way at most, and then go for as long: a stream of urgent ones does not end them.
const GIVES_WAY: Duration = Duration::from_millis(250);

/// How an event came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// In its turn.
    Ordinary,
    /// Ahead of what waits: see [`publish_urgent`](crate::publish_urgent).
    Urgent,
}

/// The permits of both lanes.
#[derive(Debug)]
pub(crate) struct Permits {
    ordinary: Semaphore,
    urgent: Semaphore,
    /// Urgent events that take effect now or wait for a permit.
    urgent_under_way: watch::Sender<usize>,
    /// When something urgent was last said by any service.
    hurries: watch::Receiver<Option<Instant>>,
    /// Until when ordinary events need not give way, since they did.
    goes_until: Mutex<Option<Instant>>,
}

/// Leave to take effect, until it is dropped.
#[derive(Debug)]
pub(crate) struct Permit<'a> {
    _permit: SemaphorePermit<'a>,
    _urgent: Option<UnderWay<'a>>,
}

#[derive(Debug)]
struct UnderWay<'a>(&'a watch::Sender<usize>);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|n| *n -= 1);
    }
}

impl Permits {
    pub(crate) fn new(db: &Database) -> Self {
        Self::giving_way_to(db.hurries())
    }

    fn giving_way_to(hurries: watch::Receiver<Option<Instant>>) -> Self {
        Self {
            ordinary: Semaphore::new(ORDINARY_AT_ONCE),
            urgent: Semaphore::new(URGENT_AT_ONCE),
            urgent_under_way: watch::Sender::new(0),
            hurries,
            goes_until: Mutex::default(),
        }
    }

    /// Waits for leave.
    pub(crate) async fn acquire(&self, lane: Lane) -> Result<Permit<'_>, Fault> {
        match lane {
            Lane::Urgent => {
                self.urgent_under_way.send_modify(|n| *n += 1);
                let under_way = UnderWay(&self.urgent_under_way);
                Ok(Permit {
                    _permit: self.urgent.acquire().await.map_err(Fault::internal)?,
                    _urgent: Some(under_way),
                })
            }
            Lane::Ordinary => {
                let permit = self.ordinary.acquire().await.map_err(Fault::internal)?;
                self.give_way().await;
                Ok(Permit {
                    _permit: permit,
                    _urgent: None,
                })
            }
        }
    }

    async fn give_way(&self) {
        let goes_until = || self.goes_until.lock().unwrap_or_else(|e| e.into_inner());
        if goes_until().is_some_and(|until| Instant::now() < until) {
            return;
        }
        if tokio::time::timeout(GIVES_WAY, self.calm()).await.is_err() {
            *goes_until() = Some(Instant::now() + GIVES_WAY);
        }
    }

    /// Waits until nothing urgent takes effect here, nor follows from what was said a moment ago.
    async fn calm(&self) {
        let (mut here, hurries) = (self.urgent_under_way.subscribe(), self.hurries.clone());
        loop {
            let _ = here.wait_for(|n| *n == 0).await;
            let follows = hurries.borrow().map_or(Duration::ZERO, |said| {
                (said + FOLLOWS).saturating_duration_since(Instant::now())
            });
            if follows.is_zero() {
                return;
            }
            tokio::time::sleep(follows).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn ordinary_events_give_way_for_a_moment_and_urgent_ones_to_nobody() {
        let said = watch::Sender::new(None);
        let permits = Permits::giving_way_to(said.subscribe());
        let at_once = |lane| permits.acquire(lane).now_or_never();
        let ordinary: Vec<_> = (0..ORDINARY_AT_ONCE)
            .map(|_| {
                at_once(Lane::Ordinary)
                    .expect("one is left")
                    .expect("leave")
            })
            .collect();
        assert!(at_once(Lane::Ordinary).is_none(), "all are taken");
        let urgent = at_once(Lane::Urgent).expect("a lane of its own");
        drop(ordinary);

        assert!(at_once(Lane::Ordinary).is_none(), "it gives way");
        // It would wait for ever otherwise.
        permits.acquire(Lane::Ordinary).await.expect("leave");
        assert!(at_once(Lane::Ordinary).is_some(), "it did give way");
        drop(urgent);
        assert!(at_once(Lane::Ordinary).is_some());
    }

    #[tokio::test]
    async fn ordinary_events_give_way_to_what_another_service_said() {
        let said = watch::Sender::new(None);
        let permits = Permits::giving_way_to(said.subscribe());
        let at_once = || permits.acquire(Lane::Ordinary).now_or_never();
        assert!(at_once().is_some());
        said.send_replace(Some(Instant::now()));
        assert!(at_once().is_none(), "something follows from it");
        permits.acquire(Lane::Ordinary).await.expect("leave");
        assert!(at_once().is_some(), "that was a while ago");
    }
}
