//! Who is responsible for a case: told when a clock warns. A case that its handler hands up is signal HANDED_UP, confirmed by
//! staff (G3.3).

use std::sync::Arc;

use redress_events::{Applied, Event, Handler};
use redress_model::Fault;
use redress_model::words::{SignalBasis, SignalKind};
use redress_proto::event::v1::OwnerChanged;
use redress_store::Tx;

use super::parse;
use crate::casework::{self, Work};
use crate::desk::Desk;
use crate::domain::{Cause, Signal};
use crate::store::cases::{self, Case};
use crate::store::signals::{self, SignalRow};
use crate::store::sites;

/// Why somebody on the lead ladder has a case now, in the words of assignment.
const HANDED_UP: &str = "handed_up";

/// Takes owners in.
#[derive(Debug)]
pub struct OwnerChangedHandler(pub Arc<Desk>);

impl Handler for OwnerChangedHandler {
    type Prepared = ();

    async fn prepare(&self, _: &Event) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, (): &()) -> Result<Applied, Fault> {
        let payload: OwnerChanged = event.decode()?;
        let id = parse::case_id(event, &payload.case)?;
        let Some(case) = cases::lock(tx, &event.site, id).await? else {
            return Ok(Applied::Wait);
        };
        let responsible = Some(payload.responsible.as_str()).filter(|r| !r.is_empty());
        cases::set_owner(tx, &event.site, id, responsible, payload.revision).await?;
        if payload.reason == HANDED_UP && !case.facts.historical {
            return self.handed_up(tx, event, case).await;
        }
        Ok(Applied::Done)
    }
}

impl OwnerChangedHandler {
    async fn handed_up(
        &self,
        tx: &mut Tx,
        event: &Event,
        mut case: Case,
    ) -> Result<Applied, Fault> {
        let now = self.0.now();
        let Some(site) = sites::get(tx, &event.site, now).await? else {
            return Ok(Applied::Wait);
        };
        let signal = SignalRow {
            // The event's own id: however often it is told, it is one signal.
            id: event.id,
            case: case.id,
            signal: Signal {
                kind: SignalKind::HandedUp,
                basis: SignalBasis::Confirmed,
                reach: 0,
                provisional: false,
                since: now,
            },
            known: self.0.clock.at(event.time).min(now),
            recorder: event.source.clone(),
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
