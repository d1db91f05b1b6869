//! Who hears of what happens to the work. Nobody who is complained about in the case, and nobody twice of one thing.

use std::collections::BTreeSet;

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::ids::new_id;
use redress_model::name::{SiteId, SolutionName, StaffId};
use redress_proto::event::v1::WorkNews;
use redress_store::Tx;

use super::demands::Loan;
use super::outbox::{self, Notice};
use super::{bench, staff, work};
use crate::domain::authority::Level;
use crate::domain::bench::{Bench, LADDER};
use crate::domain::demand::PositionKind;
use crate::domain::solution::{Solution, State};
use crate::domain::validity::Decision;
use crate::domain::work::{Step, StepKind, Work};

/// Tells people of the work on a case; whoever is complained about in it is left out.
///
/// # Errors
/// When Postgres is away.
pub async fn tell(
    tx: &mut Tx,
    work: &Work,
    bench: &Bench,
    news: WorkNews,
    resource: String,
    people: BTreeSet<StaffId>,
    at: Timestamp,
) -> Result<(), Fault> {
    let may = |staff: &StaffId| bench.may_handle(staff, &work.facts.excluded);
    let notice = Notice {
        id: new_id(at),
        news,
        staff: people.into_iter().filter(may).collect(),
        work: Some(work),
        resource,
    };
    outbox::work_noticed(tx, &work.case.site, &notice).await
}

/// A hand-over came to nothing: the giver keeps the case, and the lead on duty hears of it; of one that nobody answered the
/// receiver hears, too.
///
/// # Errors
/// When Postgres is away.
pub async fn handover_ended(
    tx: &mut Tx,
    before: &Work,
    work: &Work,
    steps: &[Step],
    at: Timestamp,
) -> Result<(), Fault> {
    let news = steps.iter().find_map(|step| match step.kind {
        StepKind::HandoverExpired => Some(WorkNews::HandoverExpired),
        StepKind::HandoverDeclined => Some(WorkNews::HandoverDeclined),
        _ => None,
    });
    let Some(news) = news else {
        return Ok(());
    };
    let bench = bench::load(tx, &work.case.site, at).await?;
    let lead = bench.lead(at, &work.facts.excluded);
    let mut people: BTreeSet<StaffId> = lead.map(|(_, lead)| lead.clone()).into_iter().collect();
    people.extend(work.responsible.clone());
    if news == WorkNews::HandoverExpired {
        people.extend(before.offered_to.clone());
    }
    tell(tx, work, &bench, news, String::new(), people, at).await
}

/// A case went to somebody else because whoever had it may not or cannot handle it any more, without an offer: whoever has it
/// now, and the lead on duty.
///
/// # Errors
/// When Postgres is away.
pub async fn passed_on(
    tx: &mut Tx,
    before: Option<&Work>,
    work: &Work,
    steps: &[Step],
    at: Timestamp,
) -> Result<(), Fault> {
    // Who accepts a hand-over knows of it.
    let asked = |before: &Work| before.offered_to == work.responsible;
    let passed = steps.iter().any(|step| step.kind == StepKind::HandedOver);
    let (Some(_), Some(now), true) = (before.filter(|b| !asked(b)), &work.responsible, passed)
    else {
        return Ok(());
    };
    let bench = bench::load(tx, &work.case.site, at).await?;
    let lead = bench.lead(at, &work.facts.excluded);
    let mut people: BTreeSet<StaffId> = lead.map(|(_, lead)| lead.clone()).into_iter().collect();
    people.insert(now.clone());
    let news = WorkNews::PassedOn;
    tell(tx, work, &bench, news, String::new(), people, at).await
}

/// The company centre took a case over: whoever has it now, whoever had it or was offered it, and the lead ladder.
///
/// # Errors
/// When Postgres is away.
pub async fn taken_over(
    tx: &mut Tx,
    before: &Work,
    work: &Work,
    bench: &Bench,
    at: Timestamp,
) -> Result<(), Fault> {
    let had = [&before.responsible, &before.offered_to, &work.responsible];
    let mut people: BTreeSet<StaffId> = had.into_iter().flatten().cloned().collect();
    let excluded = &work.facts.excluded;
    let leads = LADDER.map(|role| bench.on_duty(role, at, excluded).cloned());
    people.extend(leads.into_iter().flatten());
    // Where no lead of the site may know, the region does.
    people.extend(bench.lead(at, excluded).map(|(_, lead)| lead.clone()));
    tell(
        tx,
        work,
        bench,
        WorkNews::TakenOver,
        String::new(),
        people,
        at,
    )
    .await
}

/// A solution waits for somebody's approval, climbed to somebody else, or was decided.
///
/// # Errors
/// When Postgres is away.
pub async fn solution_changed(
    tx: &mut Tx,
    before: Option<&Solution>,
    now: &Solution,
) -> Result<(), Fault> {
    let reviewed = before.is_some_and(|b| b.reviews.len() < now.reviews.len());
    let asks = now.state == State::AwaitingApproval
        && before.is_none_or(|b| {
            b.state != State::AwaitingApproval
                || b.required != now.required
                || b.digest != now.digest
        });
    // What was told before the case became graver goes on only after a review at the new level.
    let binds = matches!(now.state, State::Told | State::Agreed);
    let climbed = !reviewed && binds && before.is_some_and(|b| b.required < now.required);
    let news = match now.state {
        State::Approved if reviewed => WorkNews::SolutionApproved,
        State::Refused if reviewed => WorkNews::SolutionRefused,
        _ if asks || climbed => WorkNews::SolutionAwaits,
        _ => return Ok(()),
    };
    let Some(work) = work::find(tx, &now.case).await? else {
        return Ok(());
    };
    let at = now.updated_at;
    let site = &now.case.site;
    let bench = bench::load(tx, site, at).await?;
    let author = match now.author.staff.as_ref().filter(|s| s.site == *site) {
        Some(staff) => Some(staff.id.clone()),
        None => staff::of_account(tx, site, &now.author.subject).await?,
    };
    let people = if news == WorkNews::SolutionAwaits {
        approvers(&work, &bench, now.required, author.as_ref())
    } else {
        author
            .or_else(|| work.responsible.clone())
            .into_iter()
            .collect()
    };
    let name = SolutionName::new(site.clone(), now.id).to_string();
    tell(tx, &work, &bench, news, name, people, at).await
}

/// Who may decide an appeal, as far as the site knows: whoever stands there for the level that decided, at least for its manager,
/// and did not decide; where there is nobody, the highest lead on duty who did not.
///
/// # Errors
/// When Postgres is away.
pub async fn appeal_deciders(
    tx: &mut Tx,
    work: &Work,
    bench: &Bench,
    stands: &Decision,
    at: Timestamp,
) -> Result<BTreeSet<StaffId>, Fault> {
    let site = &work.case.site;
    let decider = &stands.decider;
    let decider = match decider.staff.as_ref().filter(|s| s.site == *site) {
        Some(staff) => Some(staff.id.clone()),
        None => staff::of_account(tx, site, &decider.subject).await?,
    };
    let level = stands.level.max(Level::SiteManager);
    let mut people = approvers(work, bench, level, decider.as_ref());
    if people.is_empty() {
        let mut left_out = work.facts.excluded.clone();
        left_out.extend(decider);
        people.extend(bench.top_lead(at, &left_out).map(|(_, lead)| lead.clone()));
    }
    Ok(people)
}

/// Who is asked for an approval of this level: never the author. Levels come with tokens, so this is whoever stands for them
/// at the site; where there is nobody, whoever stands above.
fn approvers(
    work: &Work,
    bench: &Bench,
    level: Level,
    author: Option<&StaffId>,
) -> BTreeSet<StaffId> {
    let position = match level {
        Level::Handler | Level::DepartmentManager => PositionKind::DepartmentManager,
        Level::SiteManager => PositionKind::VicePresident,
        Level::Region | Level::HeadOffice => PositionKind::CompanyHead,
    };
    let may =
        |staff: &StaffId| Some(staff) != author && bench.may_handle(staff, &work.facts.excluded);
    let department = work.department.as_ref();
    let found = bench.demands.at_or_above(position, department, &may);
    found.into_iter().map(|(_, staff)| staff).collect()
}

/// A person is lent, or comes back: the person, the managers of both departments, and the lead on duty.
///
/// # Errors
/// When Postgres is away.
pub async fn loan(
    tx: &mut Tx,
    site: &SiteId,
    name: String,
    loan: &Loan,
    news: WorkNews,
    at: Timestamp,
) -> Result<(), Fault> {
    let bench = bench::load(tx, site, at).await?;
    let nobody = BTreeSet::new();
    let may = |staff: &StaffId| bench.may_handle(staff, &nobody);
    let own = staff::department(tx, site, &loan.staff).await?;
    let mut people = BTreeSet::from([loan.staff.clone()]);
    for department in [own.as_ref(), Some(&loan.department)].into_iter().flatten() {
        let managers =
            bench
                .demands
                .at_or_above(PositionKind::DepartmentManager, Some(department), &may);
        people.extend(managers.into_iter().map(|(_, staff)| staff));
    }
    people.extend(bench.lead(at, &nobody).map(|(_, lead)| lead.clone()));
    let notice = Notice {
        id: new_id(at),
        news,
        staff: people.into_iter().filter(may).collect(),
        work: None,
        resource: name,
    };
    outbox::work_noticed(tx, site, &notice).await
}
