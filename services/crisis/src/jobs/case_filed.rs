//! `redress.case.received.v1`, `redress.case.updated.v1` and `redress.case.moved.v1`: what intake tells of a
//! case. Of moves only intake's count: it alone withdraws, merges, reopens and archives.

use redress_events::{Applied, Event, Handler};
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::words::{CaseMode, CaseStatus};
use redress_proto::convert::from_wire;
use redress_proto::event::v1 as events;
use redress_store::Tx;

use super::Shop;
use crate::flow::filed;
use crate::store::cases::Filing;

/// The service that owns a case's beginning and end.
const INTAKE: &str = "intake";

/// Takes in new cases.
#[derive(Debug)]
pub(super) struct CaseReceived(pub(super) Shop);

/// Takes in changed cases.
#[derive(Debug)]
pub(super) struct CaseUpdated(pub(super) Shop);

/// Takes in moves.
#[derive(Debug)]
pub(super) struct CaseMoved(pub(super) Shop);

impl Handler for CaseReceived {
    type Prepared = ();

    async fn prepare(&self, _: &Event) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, (): &()) -> Result<Applied, Fault> {
        let payload: events::CaseReceived = event.decode()?;
        facts(&self.0, tx, event, payload.facts).await
    }
}

impl Handler for CaseUpdated {
    type Prepared = ();

    async fn prepare(&self, _: &Event) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, (): &()) -> Result<Applied, Fault> {
        let payload: events::CaseUpdated = event.decode()?;
        facts(&self.0, tx, event, payload.facts).await
    }
}

impl Handler for CaseMoved {
    type Prepared = ();

    fn concerns(&self, event: &Event) -> bool {
        event.source == INTAKE
    }

    async fn prepare(&self, _: &Event) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, (): &()) -> Result<Applied, Fault> {
        let moved: events::CaseMoved = event.decode()?;
        let filing = Filing {
            case: parse_field("case", &moved.case)?,
            number: String::new(),
            historical: event.historical,
            epoch: moved.epoch,
            ended: ends(moved.status),
            facts_revision: 0,
            complained_about: Vec::new(),
        };
        self.0.arm(filed(tx, &self.0.desk, &filing).await?);
        Ok(Applied::Done)
    }
}

async fn facts(
    shop: &Shop,
    tx: &mut Tx,
    event: &Event,
    facts: Option<events::CaseFacts>,
) -> Result<Applied, Fault> {
    let facts = facts.ok_or_else(|| Fault::invalid("facts", "must be given"))?;
    let filing = Filing {
        case: parse_field("facts.case", &facts.case)?,
        historical: event.historical || from_wire(facts.mode) == Some(CaseMode::Historical),
        number: facts.number,
        epoch: facts.epoch,
        ended: ends(facts.status),
        facts_revision: facts.revision,
        complained_about: facts.staff_complained_about,
    };
    shop.arm(filed(tx, &shop.desk, &filing).await?);
    Ok(Applied::Done)
}

/// Whether intake ended the case. Closed and rejected are assignment's words; the incident has its own
/// end.
fn ends(status: i32) -> bool {
    match from_wire::<CaseStatus>(status) {
        Some(CaseStatus::Withdrawn | CaseStatus::Merged | CaseStatus::Archived) => true,
        Some(
            CaseStatus::Received
            | CaseStatus::Triaged
            | CaseStatus::Assigned
            | CaseStatus::Accepted
            | CaseStatus::Investigating
            | CaseStatus::Proposed
            | CaseStatus::Resolving
            | CaseStatus::Resolved
            | CaseStatus::Closed
            | CaseStatus::Rejected
            | CaseStatus::Reopened,
        )
        | None => false,
    }
}
