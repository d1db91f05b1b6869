//! An appeal against a rejection as a promise: whoever may decide it is told, and triage keeps a clock `SUPPORT` until it is
//! decided, though the case has ended. The site's lock is held.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::ids::new_id;
use redress_model::name::CaseName;
use redress_model::words::ClockKind;
use redress_proto::event::v1::WorkNews;
use redress_store::Tx;

use super::validity::{self, Owed};
use super::{bench, notices, outbox};
use crate::domain::person::Person;
use crate::domain::practice::{Demand, DemandState, Effect};
use crate::domain::validity::{APPEAL_LIMIT, Decision};
use crate::domain::work::Work;

/// Lets an undecided appeal of a rejected case be owed from now on, and tells whoever may decide it. `stands` is the decision
/// that stands; `against` made the one that was appealed, which may be an earlier one.
///
/// # Errors
/// When Postgres is away.
pub async fn owe(
    tx: &mut Tx,
    work: &Work,
    stands: &Decision,
    against: &Person,
    actor: &str,
    at: Timestamp,
) -> Result<(), Fault> {
    let case = &work.case;
    let bench = bench::load(tx, &case.site, at).await?;
    let people = notices::appeal_deciders(tx, work, &bench, stands, against, at).await?;
    let owed = Owed {
        demand: new_id(at),
        since: at,
        due: at.saturating_add(APPEAL_LIMIT).unwrap_or(Timestamp::MAX),
    };
    validity::owe(tx, case, &owed, people.first()).await?;
    tell(tx, case, &owed, DemandState::Open, actor).await?;
    let news = WorkNews::AppealAwaits;
    notices::tell(tx, work, &bench, news, String::new(), people, at).await
}

/// Nobody owes the decision any more: it was made, or the case is not rejected any more. Changes nothing where none is owed.
///
/// # Errors
/// When Postgres is away.
pub async fn end(
    tx: &mut Tx,
    case: &CaseName,
    state: DemandState,
    actor: &str,
) -> Result<(), Fault> {
    match validity::owed(tx, case).await? {
        Some(owed) => tell(tx, case, &owed, state, actor).await,
        None => Ok(()),
    }
}

async fn tell(
    tx: &mut Tx,
    case: &CaseName,
    owed: &Owed,
    state: DemandState,
    actor: &str,
) -> Result<(), Fault> {
    let demand = Demand {
        id: owed.demand,
        kind: ClockKind::Support,
        state,
        start: owed.since,
        due: Some(owed.due),
        granted: None,
        party: String::new(),
        outside_number: String::new(),
    };
    outbox::practice(tx, case, &Effect::Demand(demand), actor).await
}
