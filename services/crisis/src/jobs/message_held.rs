//! `redress.message.held.v1`: what waits for the spokesperson, and what became of it. Whoever is in the crisis room sees
//! how much that is (domain.md section 9).

use redress_events::{Applied, Event, Handler};
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{IncidentName, MessageName};
use redress_proto::convert::from_timestamp;
use redress_proto::event::v1 as events;
use redress_store::Tx;

use super::Shop;
use crate::store::held::{self, Held};
use crate::store::{changes, incidents, lock_site};

/// Takes in what is held.
#[derive(Debug)]
pub(super) struct MessageHeld(pub(super) Shop);

impl Handler for MessageHeld {
    type Prepared = ();

    async fn prepare(&self, _: &Event) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, (): &()) -> Result<Applied, Fault> {
        let news: events::MessageHeld = event.decode()?;
        // An older release does not say since when, by which one hold is told from the next.
        let Some(since) = &news.hold_time else {
            return Ok(Applied::Done);
        };
        let IncidentName { site, id } = parse_field("incident", &news.incident)?;
        let message: MessageName = parse_field("message", &news.message)?;
        if site != event.site || message.site != event.site {
            return Err(Fault::invalid("incident", "must be of the event's site"));
        }
        let case = match news.case.as_str() {
            "" => None,
            name => Some(parse_field("case", name)?),
        };
        let given = |field: &'static str, at: Option<&prost_types::Timestamp>| {
            let at = at.ok_or_else(|| Fault::invalid(field, "must be given"))?;
            from_timestamp(field, at)
        };
        let held = Held {
            message,
            incident: id,
            case,
            since: from_timestamp("hold_time", since)?,
            decide_by: given("decide_by_time", news.decide_by_time.as_ref())?,
            changed: given("change_time", news.change_time.as_ref())?,
            template: news.template,
            decision: news.decision,
            decided_by: news.decided_by,
            reason: news.reason,
        };
        // No merge comes between reading which incident stayed and telling its watches.
        lock_site(tx, &site).await?;
        let Some(incident) = incidents::get(tx, &site, id).await? else {
            return Ok(Applied::Done);
        };
        if held::take(tx, &held).await? {
            let shown = incident.merged_into.unwrap_or(incident.name.id);
            changes::add(tx, &site, shown, self.0.desk.clock.now()).await?;
            // Watches in this process look at once.
            tx.wake();
        }
        Ok(Applied::Done)
    }
}
