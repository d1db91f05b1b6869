//! `redress.message.changed.v1`: what became of a call-out, and of what carries a statement. Of a call-out not reached means
//! the next deputy, then the next lead; of a statement, that somebody was not told.

use jiff::Timestamp;
use redress_events::{Applied, Event, Handler};
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::StatementName;
use redress_proto::convert::from_timestamp;
use redress_proto::event::v1 as events;
use redress_store::Tx;
use uuid::Uuid;

use super::Shop;
use crate::domain::words::{CallOutState, State};
use crate::flow::{Transition, Turn};
use crate::store::deliveries::{self, Delivery};
use crate::store::{callouts, changes, incidents, lock_site, statements};

/// Takes in the fate of call-outs.
#[derive(Debug)]
pub(super) struct MessageChanged(pub(super) Shop);

impl Handler for MessageChanged {
    type Prepared = ();

    fn concerns(&self, event: &Event) -> bool {
        let message: Result<events::MessageChanged, Fault> = event.decode();
        message.map_or(true, |m| {
            !m.statement.is_empty() || !m.callout_id.is_empty()
        })
    }

    async fn prepare(&self, _: &Event) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, (): &()) -> Result<Applied, Fault> {
        let changed: events::MessageChanged = event.decode()?;
        if !changed.statement.is_empty() {
            return carried(tx, &changed, self.0.desk.clock.now()).await;
        }
        let id: Uuid = parse_field("callout_id", &changed.callout_id)?;
        // Words of a newer release say nothing about being reached.
        let Ok(state) = changed.state.parse::<CallOutState>() else {
            return Ok(Applied::Done);
        };
        let site = event.site.clone();
        lock_site(tx, &site).await?;
        let Some(callout) = callouts::get(tx, &site, id).await? else {
            return Ok(Applied::Done);
        };
        let found = incidents::lock(tx, &site, callout.incident).await?;
        let Some(incident) = found.filter(|i| i.state == State::Open) else {
            return Ok(Applied::Done);
        };
        let desk = &self.0.desk;
        let mut turn = Turn::take(tx, desk, desk.clock.now(), incident).await?;
        if turn.call_out_moved(&callout, state).await? {
            let (_, armed) = turn.finish(Transition::Changed).await?;
            self.0.arm(armed);
        }
        Ok(Applied::Done)
    }
}

/// What became of a message that carries a statement to somebody who complains. Staff are not counted.
async fn carried(
    tx: &mut Tx,
    changed: &events::MessageChanged,
    now: Timestamp,
) -> Result<Applied, Fault> {
    let reached = match changed.state.as_str() {
        "FAILED" | "BOUNCED" => false,
        "SENT" | "DELIVERED" | "READ" | "ACKNOWLEDGED" => true,
        // Words of a newer release say nothing about being reached.
        _ => return Ok(Applied::Done),
    };
    if !changed.staff.is_empty() {
        return Ok(Applied::Done);
    }
    let StatementName { site, id } = parse_field("statement", &changed.statement)?;
    let Some(statement) = statements::get(tx, &site, id).await? else {
        return Ok(Applied::Done);
    };
    let at = changed.change_time.as_ref();
    let at = at.ok_or_else(|| Fault::invalid("change_time", "must be given"))?;
    let delivery = Delivery {
        message: parse_field("message", &changed.message)?,
        statement: id,
        case: parse_field("case", &changed.case)?,
        reached,
        at: from_timestamp("change_time", at)?,
    };
    if !deliveries::take(tx, &delivery).await? {
        return Ok(Applied::Done);
    }
    // No merge comes between reading which incident stayed and telling its watches.
    lock_site(tx, &site).await?;
    if let Some(incident) = incidents::get(tx, &site, statement.incident).await? {
        // Whoever watches sees the matrix of the incident that stayed.
        let shown = incident.merged_into.unwrap_or(incident.name.id);
        changes::add(tx, &site, shown, now).await?;
        // Watches in this process look at once.
        tx.wake();
    }
    Ok(Applied::Done)
}
