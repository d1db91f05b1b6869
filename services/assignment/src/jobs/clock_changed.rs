//! `redress.clock.changed.v1` from triage: how the promises on a case go, for analysis. Waits for nobody: a promise of a
//! case that was not told yet is counted once it is.

use redress_events::{Applied, Event, Handler};
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::ClockName;
use redress_model::words::{ClockKind, ClockState};
use redress_proto::convert::{from_timestamp, from_wire};
use redress_proto::event::v1::ClockChanged;
use redress_store::Tx;

use super::case_of;
use crate::domain::report::{is_late, is_promise};
use crate::store::reports::facts::{self, Promise};

/// The handler.
#[derive(Debug, Clone, Copy)]
pub struct OnClockChanged;

impl Handler for OnClockChanged {
    type Prepared = ();

    async fn prepare(&self, _: &Event) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, (): &()) -> Result<Applied, Fault> {
        let changed: ClockChanged = event.decode()?;
        let kind: Option<ClockKind> = from_wire(changed.kind);
        let state: Option<ClockState> = from_wire(changed.state);
        let (Some(kind), Some(state)) = (kind, state) else {
            // A kind of a newer release.
            return Ok(Applied::Done);
        };
        if changed.case.is_empty() || event.historical || !is_promise(kind) {
            return Ok(Applied::Done);
        }
        let case = case_of(event, &changed.case)?;
        let clock: ClockName = parse_field("data.clock", &changed.clock)?;
        let time = |field, time: &Option<prost_types::Timestamp>| {
            time.as_ref()
                .ok_or_else(|| Fault::invalid(field, "must be given"))
                .and_then(|time| from_timestamp(field, time))
        };
        let at = time("data.transition_time", &changed.transition_time)?;
        let due = time("data.due_time", &changed.due_time)?;
        let promise = Promise {
            clock: clock.id,
            kind,
            generation: changed.generation,
            met: state == ClockState::Met,
            late: is_late(state, due, at),
            at,
        };
        facts::promised(tx, &case, promise).await?;
        Ok(Applied::Done)
    }
}
