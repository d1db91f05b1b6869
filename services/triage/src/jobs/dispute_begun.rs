//! A dispute that came before a court or an arbitration body is signal LITIGATION, confirmed by staff (G1.5).

use std::sync::Arc;

use redress_events::{Applied, Event, Handler};
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::words::{SignalBasis, SignalKind};
use redress_proto::event::v1::DisputeBegun;
use redress_store::Tx;

use super::parse;
use crate::casework::{self, Work};
use crate::desk::Desk;
use crate::domain::{Cause, Signal};
use crate::store::signals::{self, SignalRow};
use crate::store::{cases, sites};

/// Takes disputes in.
#[derive(Debug)]
pub struct DisputeBegunHandler(pub Arc<Desk>);

impl Handler for DisputeBegunHandler {
    type Prepared = ();

    async fn prepare(&self, _: &Event) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, (): &()) -> Result<Applied, Fault> {
        let now = self.0.now();
        let Some(site) = sites::get(tx, &event.site, now).await? else {
            return Ok(Applied::Wait);
        };
        let payload: DisputeBegun = event.decode()?;
        let id = parse::case_id(event, &payload.case)?;
        let known = parse::time("begin_time", payload.begin_time.as_ref())?;
        let stage = parse_field("stage", &payload.stage)?;
        let Some(mut case) = cases::lock(tx, &site.id, id).await? else {
            return Ok(Applied::Wait);
        };
        if case.facts.historical {
            return Ok(Applied::Done);
        }
        let signal = SignalRow {
            // The stage's own id: however often it is told, it is one signal.
            id: stage,
            case: id,
            signal: Signal {
                kind: SignalKind::Litigation,
                basis: SignalBasis::Confirmed,
                reach: 0,
                provisional: false,
                since: now,
            },
            known,
            recorder: payload.actor,
            confirmed: None,
            dismissed: None,
            created: now,
            before_law: false,
            revision: 1,
        };
        signals::insert(tx, &site.id, &signal, false).await?;
        let mut work = Work::new(tx, &site, now);
        casework::decide(&mut work, &mut case, Cause::Signal).await?;
        self.0.schedule_soon(work.entries);
        Ok(Applied::Done)
    }
}
