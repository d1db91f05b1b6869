//! What an outside body, a partner or a court demands: its clock starts, moves and stops (domain.md section 10).

use std::sync::Arc;

use redress_events::{Applied, Event, Handler};
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::words::ClockKind;
use redress_proto::convert::{from_timestamp, required};
use redress_proto::event::v1 as wire;
use redress_store::Tx;
use uuid::Uuid;

use super::parse;
use crate::casework::{self, Demand, DemandState, Work};
use crate::desk::Desk;
use crate::store::{cases, sites};

/// Takes demands in.
#[derive(Debug)]
pub struct DemandChangedHandler(pub Arc<Desk>);

impl Handler for DemandChangedHandler {
    type Prepared = ();

    async fn prepare(&self, _: &Event) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, (): &()) -> Result<Applied, Fault> {
        let Some(site) = sites::get(tx, &event.site, self.0.now()).await? else {
            return Ok(Applied::Wait);
        };
        let payload: wire::DemandChanged = event.decode()?;
        let id = parse::case_id(event, &payload.case)?;
        let demand = read(payload, id)?;
        let Some(case) = cases::lock(tx, &site.id, id).await? else {
            return Ok(Applied::Wait);
        };
        if case.facts.historical {
            return Ok(Applied::Done);
        }
        let mut work = Work::new(tx, &site, self.0.now());
        work.entered = self.0.clock.at(event.time).min(work.now);
        casework::demand(&mut work, &case, demand.clone()).await?;
        // While it is merged, its head owes it.
        if let Some(head) = case.merged_into
            && let Some(head) = cases::lock(work.tx, &site.id, head).await?
        {
            casework::demand(&mut work, &head, demand).await?;
        }
        self.0.schedule_soon(work.entries);
        Ok(Applied::Done)
    }
}

fn read(payload: wire::DemandChanged, case: Uuid) -> Result<Demand, Fault> {
    let kind: ClockKind = required("kind", payload.kind)?;
    if !casework::may_start(kind) {
        return Err(Fault::invalid(
            "kind",
            "must be one that an outside party may start",
        ));
    }
    Ok(Demand {
        id: parse_field("demand", &payload.demand)?,
        case,
        kind,
        state: match payload.state() {
            wire::DemandState::Open => DemandState::Open,
            wire::DemandState::Met => {
                DemandState::Met(parse::time("met_time", payload.met_time.as_ref())?)
            }
            wire::DemandState::Cancelled => DemandState::Cancelled,
            wire::DemandState::Unspecified => {
                return Err(Fault::invalid("state", "must be OPEN, MET or CANCELLED"));
            }
        },
        start: parse::time("start_time", payload.start_time.as_ref())?,
        due: payload
            .due_time
            .as_ref()
            .map(|time| from_timestamp("due_time", time))
            .transpose()?,
        granted: payload
            .grant_time
            .as_ref()
            .map(|time| from_timestamp("grant_time", time))
            .transpose()?,
        recorded_by: payload.recorded_by,
        party: payload.party,
        outside_number: payload.outside_number,
    })
}
