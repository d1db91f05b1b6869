//! What somebody has to do on a case that accuses them goes to another, whenever the accusation comes (section 7): help and
//! evidence to a colleague of the department, visits to the responsible person, summonses to the next position up. Who is responsible, or
//! asked to be, is the work's own ([`transition`](crate::domain::transition)).

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::CaseName;
use redress_store::Tx;

use super::{bench, outbox, powers, summonses, supports, visits, work};
use crate::domain::bench::Bench;
use crate::domain::routing::helper;
use crate::domain::work::Work;
use crate::store::supports::SupportState;

/// Passes on whatever is with staff whom the case accuses. The site's lock is held.
///
/// # Errors
/// When Postgres is away.
pub async fn pass_on(
    tx: &mut Tx,
    case: &CaseName,
    actor: &str,
    at: Timestamp,
) -> Result<(), Fault> {
    let Some(work) = work::find(tx, case).await? else {
        return Ok(());
    };
    let bench = bench::load(tx, &case.site, at).await?;
    help(tx, &work, &bench, actor, at).await?;
    visit(tx, &work, at).await?;
    powers::pass_on(tx, &work, &bench, actor, at).await?;
    summonses::pass_on(tx, &work, &bench, at).await
}

/// Where nobody of the department may help, a lead sees to it (P14), else whoever is responsible.
async fn help(
    tx: &mut Tx,
    work: &Work,
    bench: &Bench,
    actor: &str,
    at: Timestamp,
) -> Result<(), Fault> {
    let excluded = &work.facts.excluded;
    for mut support in supports::of_case(tx, &work.case).await? {
        if support.state != SupportState::Requested || !excluded.contains(&support.staff) {
            continue;
        }
        let next = helper(&support.department, excluded, bench, at)
            .or_else(|| bench.lead(at, excluded).map(|(_, lead)| lead.clone()))
            .or_else(|| work.responsible.clone());
        let Some(next) = next else {
            continue;
        };
        support.staff = next;
        supports::pass_on(tx, &support).await?;
        supports::tell(tx, &support, actor).await?;
    }
    Ok(())
}

async fn visit(tx: &mut Tx, work: &Work, at: Timestamp) -> Result<(), Fault> {
    for mut visit in visits::of_case(tx, &work.case).await? {
        let Some(accused) = visit.staff.take() else {
            continue;
        };
        if !visit.is_open() || !work.facts.excluded.contains(&accused) {
            continue;
        }
        visit.staff.clone_from(&work.responsible);
        visits::put(tx, &work.case, &visit, at).await?;
        if visit.staff.is_none() {
            outbox::part_changed(tx, &work.case, visit.id, &accused, false).await?;
        }
    }
    Ok(())
}
