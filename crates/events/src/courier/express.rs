//! The express lane of a courier: carries what is urgent as soon as its transaction has committed.
//!
//! The main flow opens a window when no older transaction is left, and carries what it holds in its turn; behind a
//! backlog that takes long. The replica that said an urgent event carries it ahead of all that, whoever leases its partition:
//! events of one subject are committed in their order, so what was said of the subject before and may not have arrived
//! goes along, and nothing else has to be known.
//!
//! It is a short cut and no more. Nothing is written down: what a trip did not get across, the main flow carries, and what
//! it did get across is not carried again by the main flow of the same replica. Another's carries it again, which the
//! receiver knows it by.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard};

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use redress_store::UrgentEvent;
use tokio::sync::Notify;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use super::Courier;
use crate::batch::{self, Away, Fate};

/// Requests under way at the same time.
const TRIPS_MAX: usize = 4;

/// Subjects of one request at most: each request is answered when the last of them took effect.
const SUBJECTS_MAX: usize = 16;

/// Subjects that wait for a trip at most; what is urgent beyond that goes with the main flow.
const WAITING_MAX: usize = 1_000;

/// How many of the events that arrived are remembered until the main flow comes by them.
const CARRIED_MAX: usize = 20_000;

/// What the express lane and the main flow of a courier know of each other.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    ids: Mutex<Ids>,
    landed: Notify,
}

#[derive(Debug, Default)]
struct Ids {
    under_way: BTreeSet<i64>,
    carried: BTreeSet<i64>,
}

/// Events on their way, until it is dropped.
struct Trip<'a> {
    ahead: &'a Ahead,
    ids: Vec<i64>,
}

impl Drop for Trip<'_> {
    fn drop(&mut self) {
        let mut ids = self.ahead.ids();
        for id in &self.ids {
            ids.under_way.remove(id);
        }
        drop(ids);
        self.ahead.landed.notify_waiters();
    }
}

impl Ahead {
    fn depart(&self, outbox_ids: impl Iterator<Item = i64>) -> Trip<'_> {
        let trip = Trip {
            ahead: self,
            ids: outbox_ids.collect(),
        };
        self.ids().under_way.extend(&trip.ids);
        trip
    }

    /// The events arrived.
    pub(super) fn arrived(&self, outbox_ids: impl Iterator<Item = i64>) {
        let mut ids = self.ids();
        ids.carried.extend(outbox_ids);
        while ids.carried.len() > CARRIED_MAX {
            ids.carried.pop_first();
        }
    }

    fn has_arrived(&self, outbox_id: i64) -> bool {
        self.ids().carried.contains(&outbox_id)
    }

    /// Which of these are left for the main flow, once none of them is under way.
    pub(super) async fn left(&self, outbox_ids: Vec<i64>) -> Vec<i64> {
        loop {
            let landed = self.landed.notified();
            tokio::pin!(landed);
            landed.as_mut().enable();
            {
                let ids = self.ids();
                if !outbox_ids.iter().any(|id| ids.under_way.contains(id)) {
                    let left = outbox_ids
                        .into_iter()
                        .filter(|id| !ids.carried.contains(id));
                    return left.collect();
                }
            }
            landed.await;
        }
    }

    /// Nothing counts as arrived any more: the subscriber may have lost it.
    pub(super) fn forget(&self) {
        self.ids().carried.clear();
    }

    fn ids(&self) -> MutexGuard<'_, Ids> {
        self.ids.lock().unwrap_or_else(|e| e.into_inner())
    }
}

/// Has it wait for a trip: the last urgent event of its subject takes along those before.
fn hurry(waiting: &mut BTreeMap<String, UrgentEvent>, event: UrgentEvent) {
    if let Some(known) = waiting.get_mut(&event.subject) {
        if known.outbox_id < event.outbox_id {
            *known = event;
        }
    } else if waiting.len() < WAITING_MAX {
        waiting.insert(event.subject.clone(), event);
    }
}

impl Courier {
    /// Carries urgent events until `shutdown`.
    pub(super) async fn carry_urgent(&self, shutdown: &CancellationToken) {
        let mut said = self.db.urgent_events();
        // The last urgent event of each subject.
        let mut waiting: BTreeMap<String, UrgentEvent> = BTreeMap::new();
        let mut under_way: BTreeSet<String> = BTreeSet::new();
        let mut trips = FuturesUnordered::new();
        loop {
            while trips.len() < TRIPS_MAX {
                // One trip a subject at a time, so that its events arrive in order.
                let free = waiting.values().filter(|e| !under_way.contains(&e.subject));
                let mut urgent: Vec<UrgentEvent> = free.cloned().collect();
                // Whoever waits longest goes first.
                urgent.sort_unstable_by_key(|e| e.outbox_id);
                urgent.truncate(SUBJECTS_MAX);
                if urgent.is_empty() {
                    break;
                }
                for event in &urgent {
                    waiting.remove(&event.subject);
                    under_way.insert(event.subject.clone());
                }
                trips.push(async move {
                    let is_gone = match self.trip(&urgent).await {
                        Ok(()) => false,
                        Err(away) => {
                            // The main flow finds out too, and says it.
                            tracing::debug!(subscriber = %self.subscriber, ?away, "urgent events go with the others");
                            away.is_gone()
                        }
                    };
                    (urgent, is_gone)
                });
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                Some((urgent, is_gone)) = trips.next() => {
                    for event in &urgent {
                        under_way.remove(&event.subject);
                    }
                    if is_gone {
                        self.away.store(true, Ordering::Relaxed);
                        waiting.clear();
                    }
                }
                event = said.recv() => match event {
                    Ok(event) if self.carries(&event) => hurry(&mut waiting, event),
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return,
                },
            }
        }
    }

    /// Whether the subscriber wants to know it, and is there.
    fn carries(&self, event: &UrgentEvent) -> bool {
        !self.is_away() && self.types.iter().any(|t| t == event.event_type)
    }

    async fn trip(&self, urgent: &[UrgentEvent]) -> Result<(), Away> {
        let mut outgoing = batch::load_urgent(&self.db, &self.subscriber, &self.types, urgent)
            .await
            .map_err(Away::Store)?;
        outgoing.retain(|out| !out.behind && !self.ahead.has_arrived(out.id));
        if outgoing.is_empty() {
            return Ok(());
        }
        let _trip = self.ahead.depart(outgoing.iter().map(|out| out.id));
        let events: Vec<_> = outgoing.iter().map(|out| &out.event).collect();
        let fates = batch::send(self.peer.as_ref(), &events, true).await?;
        let taken: Vec<_> = outgoing
            .iter()
            .zip(fates)
            .filter(|(_, fate)| *fate == Fate::Taken)
            .map(|(out, _)| out)
            .collect();
        // Before they count as landed.
        self.ahead.arrived(taken.iter().map(|out| out.id));
        taken.into_iter().for_each(|out| self.count_taken(out));
        Ok(())
    }
}
