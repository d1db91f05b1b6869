//! Moves of the status by intake and assignment. Our own (triaged) is implied by a decision.

use std::sync::Arc;

use redress_events::{Applied, Event, Handler};
use redress_model::Fault;
use redress_model::words::CaseStatus;
use redress_proto::convert::required;
use redress_proto::event::v1::CaseMoved;
use redress_store::Tx;

use super::parse;
use crate::casework::{self, Move, Mover, Work};
use crate::desk::Desk;
use crate::store::{cases, sites};

/// Takes moves in.
#[derive(Debug)]
pub struct CaseMovedHandler(pub Arc<Desk>);

impl Handler for CaseMovedHandler {
    type Prepared = ();

    async fn prepare(&self, _: &Event) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, (): &()) -> Result<Applied, Fault> {
        let Some(site) = sites::get(tx, &event.site, self.0.now()).await? else {
            return Ok(Applied::Wait);
        };
        let payload: CaseMoved = event.decode()?;
        let to = Move {
            mover: if event.source == "intake" {
                Mover::Intake
            } else {
                Mover::Assignment
            },
            status: required("status", payload.status)?,
            epoch: payload.epoch,
            at: parse::time("move_time", payload.move_time.as_ref())?,
            merged_into: parse::merged_into(event, &payload.merged_into)?,
        };
        let id = parse::case_id(event, &payload.case)?;
        // A move that may change who complains changes a cluster, whoever makes it, and a resolution is compared with the other
        // cases of its cluster: that is locked first, so that a second complaint which comes in at once sees it or is seen by it.
        let before = cases::status(tx, &site.id, id).await?;
        let changes = |was: CaseStatus| casework::complains(was) != casework::complains(to.status);
        let resolves = to.status == CaseStatus::Resolved;
        if to.mover == Mover::Intake || resolves || before.is_some_and(changes) {
            sites::lock_clusters(tx, &site.id).await?;
        }
        let Some(mut case) = cases::lock(tx, &site.id, id).await? else {
            return Ok(Applied::Wait);
        };
        // Stamped with a move of intake's that has not come here yet.
        if to.mover == Mover::Assignment && to.epoch > case.epoch {
            return Ok(Applied::Wait);
        }
        let mut work = Work::new(tx, &site, self.0.now());
        work.entered = self.0.clock.at(event.time).min(work.now);
        casework::stand(&mut work, &mut case, &to).await?;
        // The facts that came with the move have brought its standing already; why it moved, they do not say.
        if payload.complained_again {
            casework::complained_again(&mut work, &mut case).await?;
        }
        self.0.schedule_soon(work.entries);
        Ok(Applied::Done)
    }
}
