//! News of other services: each event is folded into what this service remembers, and queues the
//! messages that it causes, in the one transaction in which it is noted as seen (I3).
//!
//! Producers overtake each other: news of a case that intake has not told us about waits in the inbox.

mod cases;
mod clusters;
mod directory;
mod incidents;
mod solutions;
mod statements;

use std::sync::Arc;

use jiff::SignedDuration;
use redress_events::{Applied, Event, Handler, Inbox};
use redress_model::Fault;
use redress_model::time::SharedClock;
use redress_store::{Keyring, Tx};

use super::people::People;
use crate::store::digests::Bundling;
use crate::store::staff::StaffContact;

pub use cases::TOLD as TOLD_OF_CASES;

/// The one event for which another service has to be asked.
const STAFF_CHANGED: &str = "redress.staff.changed.v1";

/// Types of the events that are handled one by one; news of cases are kept together.
pub const HANDLED: [&str; 13] = [
    "redress.site.changed.v1",
    STAFF_CHANGED,
    "redress.duty.changed.v1",
    "redress.incident.changed.v1",
    "redress.callout.requested.v1",
    "redress.work.summoned.v1",
    "redress.solution.changed.v1",
    "redress.appeal.decided.v1",
    "redress.part.changed.v1",
    "redress.cluster.changed.v1",
    "redress.defect.changed.v1",
    "redress.work.noticed.v1",
    "redress.statement.published.v1",
];

/// Takes in news.
#[derive(Debug)]
pub struct News<P> {
    /// Keys of what is sealed.
    pub keys: Arc<Keyring>,
    /// Those who know how to reach people.
    pub people: P,
    /// How long a receipt waits for what it should name.
    pub receipt_wait: SignedDuration,
    /// When messages to staff become a digest.
    pub bundling: Bundling,
    /// Time.
    pub clock: SharedClock,
}

impl<P: People> News<P> {
    /// Registers for every type.
    pub fn subscribe(self: &Arc<Self>, inbox: Inbox) -> Inbox {
        let inbox = inbox.keep(&cases::TOLD, Arc::clone(self));
        HANDLED.into_iter().fold(inbox, |inbox, event_type| {
            inbox.on(event_type, Arc::clone(self))
        })
    }
}

impl<P: People> Handler for News<P> {
    /// The contact points of the person whom `staff.changed` is about.
    type Prepared = Option<StaffContact>;

    fn asks_nothing(&self, event: &Event) -> bool {
        event.event_type != STAFF_CHANGED
    }

    async fn prepare(&self, event: &Event) -> Result<Self::Prepared, Fault> {
        match event.event_type.as_str() {
            STAFF_CHANGED => directory::fetch_staff(&self.people, event).await.map(Some),
            _ => Ok(None),
        }
    }

    async fn apply(
        &self,
        tx: &mut Tx,
        event: &Event,
        staff: &Self::Prepared,
    ) -> Result<Applied, Fault> {
        let now = self.clock.now();
        match event.event_type.as_str() {
            "redress.site.changed.v1" => directory::site_changed(tx, event, now).await,
            STAFF_CHANGED => match staff {
                Some(contact) => {
                    directory::staff_changed(tx, &self.keys, event, contact, now).await
                }
                None => Err(Fault::internal("staff.changed was not prepared")),
            },
            "redress.duty.changed.v1" => directory::duty_changed(tx, event).await,
            "redress.cluster.changed.v1" => clusters::cluster_changed(tx, event).await,
            "redress.defect.changed.v1" => clusters::defect_changed(tx, event, now).await,
            "redress.solution.changed.v1" => solutions::changed(tx, event).await,
            "redress.appeal.decided.v1" => solutions::appeal_decided(tx, event, now).await,
            "redress.part.changed.v1" => solutions::part_changed(tx, event).await,
            "redress.work.summoned.v1" => incidents::work_summoned(tx, event, now).await,
            "redress.work.noticed.v1" => cases::work_noticed(tx, event, now, self.bundling).await,
            "redress.incident.changed.v1" => {
                let told = self.clock.at(event.time).min(now);
                incidents::incident_changed(tx, event, told, now).await
            }
            "redress.callout.requested.v1" => incidents::callout_requested(tx, event, now).await,
            "redress.statement.published.v1" => statements::published(tx, event, now).await,
            // A type that this release does not know concerns it in nothing.
            _ => Ok(Applied::Done),
        }
    }
}
