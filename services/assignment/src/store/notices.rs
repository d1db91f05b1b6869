//! Who hears of what happens to the work. Nobody who is complained about in the case, and nobody twice of one thing.

use std::collections::BTreeSet;

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::ids::new_id;
use redress_model::name::{CaseName, DepartmentId, LedgerEntryName, SiteId, SolutionName, StaffId};
use redress_proto::event::v1::WorkNews;
use redress_store::Tx;

use super::demands::Loan;
use super::ledger::{self, Entry};
use super::outbox::{self, Notice};
use super::{bench, staff, work};
use crate::domain::authority::Level;
use crate::domain::bench::{Bench, LADDER};
use crate::domain::demand::PositionKind;
use crate::domain::ledger::EntryState;
use crate::domain::person::Person;
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
    people.extend(leads(bench, &work.facts.excluded, at));
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

/// The leads on duty who may know of it; where no lead of the site may, the region's contact.
pub(super) fn leads(
    bench: &Bench,
    excluded: &BTreeSet<StaffId>,
    at: Timestamp,
) -> BTreeSet<StaffId> {
    let ladder = LADDER.map(|role| bench.on_duty(role, at, excluded).cloned());
    let above = bench.lead(at, excluded).map(|(_, lead)| lead.clone());
    ladder.into_iter().flatten().chain(above).collect()
}

/// An entry of the ledger is proposed, is owed from now on, is appealed, or was decided or fell (M17). `before` is where it stood.
/// Whoever bears it hears of it, else the leads; of a proposal or an appeal whoever may decide it, as far as the site knows: whoever stands there for its manager,
/// had no hand in it and does not bear it. The case is not named: whoever bears an entry may be complained about in it.
///
/// # Errors
/// When Postgres is away.
pub async fn ledger_changed(
    tx: &mut Tx,
    before: Option<EntryState>,
    now: &Entry,
) -> Result<(), Fault> {
    use EntryState::{Appealed, Confirmed, Open, Proposed, Waived};
    let news = match (before, now.standing.state) {
        (None | Some(Proposed), Open) => WorkNews::LedgerBooked,
        (None, Proposed) => WorkNews::LedgerProposalAwaits,
        (Some(Open), Appealed) => WorkNews::LedgerAppealAwaits,
        // What was booked and falls without an appeal is told to those who heard that it was booked.
        (Some(Appealed), Confirmed) | (Some(Open | Appealed | Confirmed), Waived) => {
            WorkNews::LedgerDecided
        }
        _ => return Ok(()),
    };
    let (site, at) = (&now.site, now.updated_at);
    let bench = bench::load(tx, site, at).await?;
    let work = match now.case {
        Some(id) => work::find(tx, &CaseName::new(site.clone(), id)).await?,
        None => None,
    };
    let accused = work.as_ref().map(|work| work.facts.excluded.clone());
    let mut left_out = accused.unwrap_or_default();
    let awaits = [WorkNews::LedgerProposalAwaits, WorkNews::LedgerAppealAwaits];
    let people = if awaits.contains(&news) {
        left_out.extend(now.staff.clone());
        left_out.extend(ledger::had_a_hand(tx, now).await?);
        let department = work.as_ref().and_then(|work| work.department.as_ref());
        let level = (Level::SiteManager, false);
        standing_for(&bench, level, department, &left_out, at)
    } else {
        let works_here = |staff: &&StaffId| bench.may_handle(staff, &BTreeSet::new());
        let bearer = now.staff.iter().filter(works_here).cloned();
        let mut people: BTreeSet<StaffId> = bearer.collect();
        if people.is_empty() {
            people = leads(&bench, &left_out, at);
        }
        if news == WorkNews::LedgerDecided
            && let Some(appellant) = &now.standing.appellant
        {
            let appellant = staff::of_account(tx, site, appellant).await?;
            people.extend(appellant.filter(|staff| !left_out.contains(staff)));
        }
        people
    };
    let notice = Notice {
        id: new_id(at),
        news,
        staff: people.into_iter().collect(),
        work: None,
        resource: LedgerEntryName::new(site.clone(), now.id).to_string(),
    };
    outbox::work_noticed(tx, site, &notice).await
}

/// A solution waits for somebody's approval, climbed to somebody else, or was decided. Returns who was asked first, where somebody
/// was.
///
/// # Errors
/// When Postgres is away.
pub async fn solution_changed(
    tx: &mut Tx,
    before: Option<&Solution>,
    now: &Solution,
) -> Result<Option<StaffId>, Fault> {
    let reviewed = before.is_some_and(|b| b.reviews.len() < now.reviews.len());
    // An approval that is owed anew, or by others.
    let owed = |s: &Solution| s.approval.map(|approval| approval.demand);
    let asks = now.state == State::AwaitingApproval
        && before.is_none_or(|b| owed(b) != owed(now) || now.required.asks_others_than(b.required));
    // What was told before the case became graver goes on only after a review at the new level.
    let binds = matches!(now.state, State::Told | State::Agreed);
    let waits = !reviewed && binds && now.approval.is_some();
    let climbed = waits && before.is_some_and(|b| b.required < now.required);
    // A limit that was set back gives back what was approved under it.
    let no_longer_waits = before.is_some_and(|b| b.state == State::AwaitingApproval);
    let is_late = |s: &Solution| s.approval.is_some_and(|approval| approval.climbed);
    let late = is_late(now) && !before.is_some_and(is_late);
    let news = match now.state {
        State::Approved if reviewed || no_longer_waits => WorkNews::SolutionApproved,
        State::Refused if reviewed => WorkNews::SolutionRefused,
        _ if asks || climbed || late => WorkNews::SolutionAwaits,
        _ => return Ok(None),
    };
    let Some(work) = work::find(tx, &now.case).await? else {
        return Ok(None);
    };
    let at = now.updated_at;
    let site = &now.case.site;
    let bench = bench::load(tx, site, at).await?;
    let author = on_roster(tx, site, &now.author).await?;
    let mut asked = None;
    let people = if news == WorkNews::SolutionAwaits {
        let mut authors: BTreeSet<StaffId> = author.into_iter().collect();
        for former in &now.former_authors {
            authors.extend(on_roster(tx, site, former).await?);
        }
        let people = approvers(&work, &bench, (now.required, late), authors, at);
        asked = people.first().cloned();
        people
    } else {
        author
            .or_else(|| work.responsible.clone())
            .into_iter()
            .collect()
    };
    let name = SolutionName::new(site.clone(), now.id).to_string();
    tell(tx, &work, &bench, news, name, people, at).await?;
    Ok(asked)
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
    against: &Person,
    at: Timestamp,
) -> Result<BTreeSet<StaffId>, Fault> {
    let mut deciders = BTreeSet::new();
    for decider in [&stands.decider, against] {
        deciders.extend(on_roster(tx, &work.case.site, decider).await?);
    }
    let level = stands.level.max(Level::SiteManager);
    Ok(approvers(work, bench, (level, false), deciders, at))
}

/// Who of the site's roster somebody is; none where they are not on it.
async fn on_roster(tx: &mut Tx, site: &SiteId, person: &Person) -> Result<Option<StaffId>, Fault> {
    match person.staff.as_ref().filter(|s| s.site == *site) {
        Some(staff) => Ok(Some(staff.id.clone())),
        None => staff::of_account(tx, site, &person.subject).await,
    }
}

/// Who is asked for an approval of this level: never an author. Levels come with tokens, so this is whoever stands for them
/// at the site; where there is nobody, or it is late, whoever stands above; where there is nobody either, the highest lead on
/// duty. What a region decides at least is put to its contact, too: whoever stands for the company at the site may hold no
/// token of the region.
fn approvers(
    work: &Work,
    bench: &Bench,
    level: (Level, bool),
    authors: impl IntoIterator<Item = StaffId>,
    at: Timestamp,
) -> BTreeSet<StaffId> {
    let mut left_out = work.facts.excluded.clone();
    left_out.extend(authors);
    standing_for(bench, level, work.department.as_ref(), &left_out, at)
}

/// Who stands at the site for a level, but for those who are left out.
fn standing_for(
    bench: &Bench,
    (level, late): (Level, bool),
    department: Option<&DepartmentId>,
    left_out: &BTreeSet<StaffId>,
    at: Timestamp,
) -> BTreeSet<StaffId> {
    let position = level.position();
    let may = |staff: &StaffId| bench.may_handle(staff, left_out);
    let mut found = bench.demands.at_or_above(position, department, &may);
    let region = bench.demands.region.iter();
    let region = region.filter(|staff| level >= Level::Region && may(staff));
    let mut people: BTreeSet<StaffId> = region.cloned().collect();
    if late {
        let asked = found.first().map_or(position, |(kind, _)| *kind);
        found = bench.demands.above(asked, department, may);
    }
    people.extend(found.into_iter().map(|(_, staff)| staff));
    if people.is_empty() {
        people.extend(bench.top_lead(at, left_out).map(|(_, lead)| lead.clone()));
    }
    people
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
