//! What happens without a caller: events of other services, and the daily telling of the rosters.
//!
//! Every handler takes the site's lock before it looks, so that two events of one site never route from the same look.

pub mod case_facts;
pub mod case_graded;
pub mod case_moved;
pub mod clock_changed;
pub mod count_cases;
pub mod end_loans;
pub mod evidence_added;
pub mod expire_handovers;
pub mod exposure_assessed;
pub mod message_changed;
pub mod policy_changed;
mod praise;
pub mod purge_receipts;
pub mod reassess_solutions;
pub mod remind_actions;
pub mod retell_duties;
pub mod settle_leaves;
pub mod site_changed;
pub mod survey_answered;
pub mod tell_late_entries;
pub mod tell_summonses;
pub mod tell_what_stood;
pub mod wording_changed;

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::CaseName;
use redress_model::time::SharedClock;
use redress_store::Tx;

use crate::domain::transition::{Action, transition};
use crate::domain::work::Work;
use crate::store::{bench, take_over, work};

/// The case of a payload, which must lie in the event's own site.
fn case_of(event: &redress_events::Event, name: &str) -> Result<CaseName, Fault> {
    let case: CaseName = parse_field("data.case", name)?;
    if case.site == event.site {
        Ok(case)
    } else {
        Err(Fault::invalid("data.case", "must lie in the event's site"))
    }
}

/// Applies an action to work whose site is locked. What went past the office stays above it (M18).
async fn apply(
    tx: &mut Tx,
    before: &Work,
    action: Action,
    actor: &str,
    clock: &SharedClock,
) -> Result<(), Fault> {
    let now = clock.now();
    let bench = bench::load(tx, &before.case.site, now).await?;
    let outcome = transition(before, action, &bench, now).map_err(Fault::internal)?;
    work::save(tx, Some(before), &outcome, actor, now).await?;
    take_over::keep_above(tx, before, outcome.work, actor, now).await?;
    Ok(())
}
