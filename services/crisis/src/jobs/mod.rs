//! What crisis does by itself: takes in events, fires clocks, purges.

mod case_filed;
mod case_graded;
mod cluster_changed;
mod contact_recorded;
mod duty_changed;
mod message_changed;
mod message_held;
mod policy_changed;
pub mod shifts;
mod site_changed;
mod staff_changed;
pub mod standing;
pub mod subscriptions;
pub mod tidy;
pub mod timers;
mod wording_changed;

use std::sync::Arc;

use opentelemetry::metrics::Meter;
use redress_events::Inbox;
use redress_model::Fault;
use redress_model::words::Word;
use redress_proto::convert::from_wire;
use redress_store::Database;
use redress_timers::{Entry, Timers};

use crate::flow::Desk;

/// What every handler needs.
#[derive(Debug, Clone)]
pub struct Shop {
    /// How incidents are run.
    pub desk: Arc<Desk>,
    /// Where clocks are armed.
    pub timers: Timers,
}

impl Shop {
    /// Hands what was armed to the timers. Handlers do so before their commit, since they never hear of
    /// it: an entry that is not true (yet) is dropped as stale, and the audit puts it back once it is.
    pub(super) fn arm(&self, entries: Vec<Entry>) {
        for entry in entries {
            self.timers.schedule(entry);
        }
    }
}

/// The inbox with a handler for every event that crisis subscribes to.
pub fn inbox(db: Database, meter: &Meter, shop: &Shop) -> Inbox {
    Inbox::new(db, meter)
        .on("redress.site.changed.v1", site_changed::SiteChanged)
        .on(
            "redress.policy.changed.v1",
            policy_changed::PolicyChanged(shop.clone()),
        )
        .on(
            "redress.case.received.v1",
            case_filed::CaseReceived(shop.clone()),
        )
        .on(
            "redress.case.updated.v1",
            case_filed::CaseUpdated(shop.clone()),
        )
        .on("redress.case.moved.v1", case_filed::CaseMoved(shop.clone()))
        .on(
            "redress.case.graded.v1",
            case_graded::CaseGraded::new(shop.clone(), meter),
        )
        .on(
            "redress.cluster.changed.v1",
            cluster_changed::ClusterChanged(shop.clone()),
        )
        .on(
            "redress.contact.recorded.v1",
            contact_recorded::ContactRecorded(shop.clone()),
        )
        .on(
            "redress.staff.changed.v1",
            staff_changed::StaffChanged(shop.clone()),
        )
        .on(
            "redress.duty.changed.v1",
            duty_changed::DutyChanged(shop.clone()),
        )
        .on(
            "redress.message.changed.v1",
            message_changed::MessageChanged(shop.clone()),
        )
        .on(
            "redress.message.held.v1",
            message_held::MessageHeld(shop.clone()),
        )
        .on(
            "redress.wording.changed.v1",
            wording_changed::WordingChanged,
        )
}

/// A word of an event's payload.
fn word<W: Word>(field: &'static str, number: i32) -> Result<W, Fault> {
    from_wire(number).ok_or_else(|| Fault::invalid(field, "must be a word that this release knows"))
}
