//! The work on cases. Every change goes through [`save`], which keeps history, loads and what others are told in step
//! with it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::name::{CaseName, DepartmentId, SiteId, StaffId};
use redress_model::words::{CaseStatus, Category, Urgency};
use redress_model::{Fault, Grade};
use redress_store::{StoreResultExt as _, Tx};
use uuid::Uuid;

use super::{
    appeals, bench, handovers, hints, history, library, notices, outbox, parse, parse_opt,
    past_office, person, powers, reports, staff, take_over, visits,
};
use crate::domain::handling::{Ending, Restatement};
use crate::domain::handover;
use crate::domain::past_office::is_above;
use crate::domain::practice::DemandState;
use crate::domain::transition::{Action, Outcome, transition};
use crate::domain::work::{Decision, Facts, OPEN, Resolution, Step, StepKind, Work, is_live};

/// How many steps of the history are read at most.
pub const STEPS_MAX: i64 = 200;

struct Row {
    site: String,
    case_id: Uuid,
    number: String,
    language: String,
    received_time: Timestamp,
    first_contact: Option<String>,
    excluded: Vec<String>,
    facts_status: String,
    facts_epoch: i64,
    facts_revision: i64,
    decision_revision: Option<i64>,
    decision_epoch: Option<i64>,
    category: Option<String>,
    grade: Option<i16>,
    urgency: Option<String>,
    status: String,
    epoch: i64,
    responsible: Option<String>,
    offered_to: Option<String>,
    department: Option<String>,
    explanation: Vec<String>,
    assign_time: Option<jiff_sqlx::Timestamp>,
    accept_time: Option<jiff_sqlx::Timestamp>,
    resolve_time: Option<jiff_sqlx::Timestamp>,
    resolution_summary: Option<String>,
    root_cause: Option<String>,
    resolver: Option<String>,
    resolver_staff: Option<String>,
    gravest_grade: Option<i16>,
    restatement: Option<String>,
    restatement_confirmed: bool,
    restate_time: Option<jiff_sqlx::Timestamp>,
    ending: Option<String>,
    close_time: Option<jiff_sqlx::Timestamp>,
    take_over_time: Option<jiff_sqlx::Timestamp>,
    create_time: Timestamp,
    update_time: Timestamp,
    revision: i64,
    complaining_store: Option<String>,
}

fn grade_of(number: i16) -> Result<Grade, Fault> {
    u8::try_from(number)
        .ok()
        .and_then(Grade::new)
        .ok_or_else(|| Fault::internal("a grade of work is out of range"))
}

impl Row {
    fn into_work(self) -> Result<Work, Fault> {
        let decision = match (self.decision_revision, self.decision_epoch, self.grade) {
            (Some(revision), Some(epoch), Some(grade)) => Some(Decision {
                revision,
                epoch,
                category: parse_opt::<Category>("work.category", self.category.as_deref())?,
                grade: grade_of(grade)?,
                urgency: parse_opt::<Urgency>("work.urgency", self.urgency.as_deref())?,
            }),
            _ => None,
        };
        let gravest = self.gravest_grade.map(grade_of).transpose()?;
        let resolver = person(
            "work.resolver_staff",
            self.resolver.unwrap_or_default(),
            self.resolver_staff.as_deref(),
        )?;
        let excluded: Result<BTreeSet<StaffId>, Fault> = self
            .excluded
            .iter()
            .map(|id| parse("work.excluded", id))
            .collect();
        let facts = Facts {
            number: self.number,
            language: self.language,
            first_contact: parse_opt("work.first_contact", self.first_contact.as_deref())?,
            excluded: excluded?,
            received_at: self.received_time,
            status: parse("work.facts_status", &self.facts_status)?,
            epoch: self.facts_epoch,
            revision: self.facts_revision,
            complaining_store: parse_opt(
                "work.complaining_store",
                self.complaining_store.as_deref(),
            )?,
        };
        Ok(Work {
            case: CaseName::new(parse("work.site", &self.site)?, self.case_id),
            facts,
            // Work of before it was kept has at least the grade that it has.
            gravest: gravest.or(decision.as_ref().map(|d| d.grade)),
            decision,
            status: parse("work.status", &self.status)?,
            epoch: self.epoch,
            responsible: parse_opt("work.responsible", self.responsible.as_deref())?,
            offered_to: parse_opt("work.offered_to", self.offered_to.as_deref())?,
            department: parse_opt("work.department", self.department.as_deref())?,
            explanation: self.explanation,
            assigned_at: self.assign_time.map(jiff_sqlx::Timestamp::to_jiff),
            accepted_at: self.accept_time.map(jiff_sqlx::Timestamp::to_jiff),
            resolved_at: self.resolve_time.map(jiff_sqlx::Timestamp::to_jiff),
            resolution: self.resolution_summary.zip(self.root_cause).map(
                |(summary, root_cause)| Resolution {
                    summary,
                    root_cause,
                    resolver,
                },
            ),
            restatement: self
                .restatement
                .zip(self.restate_time)
                .map(|(text, at)| Restatement {
                    text,
                    confirmed: self.restatement_confirmed,
                    at: at.to_jiff(),
                }),
            ending: parse_opt::<Ending>("work.ending", self.ending.as_deref())?
                .zip(self.close_time.map(jiff_sqlx::Timestamp::to_jiff)),
            taken_over_at: self.take_over_time.map(jiff_sqlx::Timestamp::to_jiff),
            created_at: self.create_time,
            updated_at: self.update_time,
            revision: self.revision,
        })
    }
}

/// The work on a case, none where there is none in scope. Take the site's lock first where it is to change.
///
/// # Errors
/// When Postgres is away.
pub async fn find(tx: &mut Tx, case: &CaseName) -> Result<Option<Work>, Fault> {
    sqlx::query_as!(
        Row,
        "-- assignment::store::work::find
        SELECT site, case_id, number, language, received_time, first_contact, excluded, facts_status, facts_epoch,
               facts_revision, decision_revision, decision_epoch, category, grade, urgency, status, epoch, responsible,
               offered_to, department, explanation, assign_time, accept_time, resolve_time, resolution_summary,
               root_cause, resolver, resolver_staff, gravest_grade, restatement, restatement_confirmed, restate_time,
               ending, close_time, take_over_time, create_time, update_time, revision, complaining_store
        FROM work WHERE site = $1 AND case_id = $2",
        case.site.as_str(),
        case.id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?
    .map(Row::into_work)
    .transpose()
}

/// Keeps that a case belongs to a cluster. Those that it left are kept too: what was made of them may still be about it.
///
/// # Errors
/// When Postgres is away.
pub async fn join_cluster(tx: &mut Tx, case: &CaseName, cluster: &str) -> Result<(), Fault> {
    sqlx::query!(
        "-- assignment::store::work::join_cluster
        UPDATE work SET clusters = array_append(clusters, $3::text)
        WHERE site = $1 AND case_id = $2 AND NOT clusters @> ARRAY[$3::text]",
        case.site.as_str(),
        case.id,
        cluster,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Whether a case that is or was of a cluster complains about somebody.
///
/// # Errors
/// When Postgres is away.
pub async fn cluster_accuses(
    tx: &mut Tx,
    site: &SiteId,
    cluster: &str,
    staff: &StaffId,
) -> Result<bool, Fault> {
    sqlx::query_scalar!(
        r#"-- assignment::store::work::cluster_accuses
        SELECT EXISTS (SELECT FROM work WHERE site = $1 AND excluded <> '{}' AND excluded @> ARRAY[$2::text]
          AND clusters @> ARRAY[$3::text]) AS "accuses!""#,
        site.as_str(),
        staff.as_str(),
        cluster,
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()
}

/// Stores what came of an action: the work, its new steps, the loads of those who hold it, and what others are told.
/// Does nothing where nothing changed.
///
/// # Errors
/// When Postgres is away.
pub async fn save(
    tx: &mut Tx,
    before: Option<&Work>,
    outcome: &Outcome,
    actor: &str,
    at: Timestamp,
) -> Result<(), Fault> {
    let work = &outcome.work;
    if before.is_some_and(|b| b.revision == work.revision) {
        return Ok(());
    }
    write(tx, work).await?;
    history::append(tx, &work.case, &outcome.steps, actor, at).await?;
    count_loads(tx, before, work, at).await?;
    if let Some(before) = before.filter(|b| handover::is_open(b) && !handover::is_open(work)) {
        handovers::forget(tx, &work.case).await?;
        notices::handover_ended(tx, before, work, &outcome.steps, at).await?;
        if work.responsible != before.offered_to {
            forget_unused_consent(tx, before, at).await?;
        }
    }
    notices::passed_on(tx, before, work, &outcome.steps, at).await?;
    if !is_live(work.status) {
        hints::forget(tx, &work.case).await?;
        visits::cancel_open(tx, &work.case, at).await?;
    }
    powers::worked(tx, outcome, actor, at).await?;
    reports::facts::worked(tx, work).await?;
    if let Some(reason) = outcome.owner {
        outbox::owner_changed(tx, work, reason).await?;
    }
    for status in &outcome.moves {
        outbox::case_moved(tx, work, *status, actor, at).await?;
    }
    let rejected = |work: &Work| work.status == CaseStatus::Rejected;
    if before.is_some_and(rejected) && !rejected(work) {
        // Nobody hears an appeal against what does not stand any more.
        appeals::end(tx, &work.case, DemandState::Cancelled, actor).await?;
    }
    if outcome.moves.contains(&CaseStatus::Closed) {
        library::keep(tx, work, actor, at).await?;
    }
    Ok(())
}

/// The consent to go back to the office (M18) ends with the offer that it was given for, where nobody took it. What the office
/// has already was handed back by it, and keeps it.
async fn forget_unused_consent(tx: &mut Tx, before: &Work, at: Timestamp) -> Result<(), Fault> {
    let case = &before.case;
    let mark = past_office::of_case(tx, case).await?;
    if mark.is_none_or(|mark| mark.consent.is_none()) {
        return Ok(());
    }
    let bench = bench::load(tx, &case.site, at).await?;
    let giver = before.responsible.as_ref();
    if giver.is_some_and(|staff| is_above(staff, &bench, at)) {
        past_office::forget_consent(tx, case).await?;
    }
    Ok(())
}

async fn write(tx: &mut Tx, work: &Work) -> Result<(), Fault> {
    let excluded: Vec<String> = work.facts.excluded.iter().map(StaffId::to_string).collect();
    let decision = work.decision.as_ref();
    let resolver = work.resolution.as_ref().map(|r| &r.resolver);
    sqlx::query!(
        "-- assignment::store::work::write
        INSERT INTO work (site, case_id, number, language, received_time, first_contact, excluded, facts_status,
                          facts_epoch, facts_revision, decision_revision, decision_epoch, category, grade, urgency,
                          status, epoch, responsible, offered_to, department, explanation, assign_time, accept_time,
                          resolve_time, resolution_summary, root_cause, create_time, update_time, revision, resolver,
                          restatement, restatement_confirmed, restate_time, ending, close_time, take_over_time,
                          resolver_staff, gravest_grade, complaining_store)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
                $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39)
        ON CONFLICT ON CONSTRAINT work_key DO UPDATE SET
          number = $3, language = $4, received_time = $5, first_contact = $6, excluded = $7, facts_status = $8,
          facts_epoch = $9, facts_revision = $10, decision_revision = $11, decision_epoch = $12, category = $13,
          grade = $14, urgency = $15, status = $16, epoch = $17, responsible = $18, offered_to = $19,
          department = $20, explanation = $21, assign_time = $22, accept_time = $23, resolve_time = $24,
          resolution_summary = $25, root_cause = $26, update_time = $28, revision = $29, resolver = $30,
          restatement = $31, restatement_confirmed = $32, restate_time = $33, ending = $34, close_time = $35,
          take_over_time = $36, resolver_staff = $37, gravest_grade = $38, complaining_store = $39",
        work.case.site.as_str(),
        work.case.id,
        work.facts.number,
        work.facts.language,
        work.facts.received_at.to_sqlx(),
        work.facts.first_contact.as_ref().map(StaffId::as_str),
        &excluded,
        work.facts.status.word(),
        work.facts.epoch,
        work.facts.revision,
        decision.map(|d| d.revision),
        decision.map(|d| d.epoch),
        decision.and_then(|d| d.category).map(Category::word),
        decision.map(|d| i16::from(d.grade.value())),
        decision.and_then(|d| d.urgency).map(Urgency::word),
        work.status.word(),
        work.epoch,
        work.responsible.as_ref().map(StaffId::as_str),
        work.offered_to.as_ref().map(StaffId::as_str),
        work.department.as_ref().map(DepartmentId::as_str),
        &work.explanation,
        work.assigned_at.map(|t| t.to_sqlx()),
        work.accepted_at.map(|t| t.to_sqlx()),
        work.resolved_at.map(|t| t.to_sqlx()),
        work.resolution.as_ref().map(|r| r.summary.as_str()),
        work.resolution.as_ref().map(|r| r.root_cause.as_str()),
        work.created_at.to_sqlx(),
        work.updated_at.to_sqlx(),
        work.revision,
        resolver.map(|r| r.subject.as_str()),
        work.restatement.as_ref().map(|r| r.text.as_str()),
        work.restatement.as_ref().is_some_and(|r| r.confirmed),
        work.restatement.as_ref().map(|r| r.at.to_sqlx()),
        work.ending.map(|(ending, _)| ending.word()),
        work.ending.map(|(_, at)| at.to_sqlx()),
        work.taken_over_at.map(|t| t.to_sqlx()),
        resolver
            .and_then(|r| r.staff.as_ref())
            .map(ToString::to_string),
        work.gravest.map(|g| i16::from(g.value())),
        work.facts.complaining_store.as_ref().map(SiteId::as_str),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Those on whom the work counts as load.
fn holders(work: &Work) -> BTreeSet<&StaffId> {
    if OPEN.contains(&work.status) {
        work.responsible.iter().chain(&work.offered_to).collect()
    } else {
        BTreeSet::new()
    }
}

async fn count_loads(
    tx: &mut Tx,
    before: Option<&Work>,
    work: &Work,
    at: Timestamp,
) -> Result<(), Fault> {
    let site = &work.case.site;
    let had = before.map(holders).unwrap_or_default();
    let has = holders(work);
    for person in had.difference(&has) {
        staff::add_load(tx, site, person, -1, None).await?;
    }
    for person in has.difference(&had) {
        staff::add_load(tx, site, person, 1, None).await?;
    }
    let offered_before = before.and_then(|b| b.offered_to.as_ref());
    if let Some(offered) = &work.offered_to
        && offered_before != Some(offered)
    {
        staff::add_load(tx, site, offered, 0, Some(at)).await?;
    }
    Ok(())
}

/// A step with its place in the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredStep {
    /// Counts from 1.
    pub sequence: i64,
    /// The step.
    pub step: Step,
    /// When.
    pub at: Timestamp,
    /// Who did it.
    pub actor: String,
}

/// The newest [`STEPS_MAX`] steps of a case's work, newest first.
///
/// # Errors
/// When Postgres is away.
pub async fn steps(tx: &mut Tx, case: &CaseName) -> Result<Vec<StoredStep>, Fault> {
    let rows = sqlx::query!(
        "-- assignment::store::work::steps
        SELECT sequence, kind, status, step_time, actor, responsible, offered_to, text FROM work_step
        WHERE site = $1 AND case_id = $2 ORDER BY sequence DESC LIMIT $3",
        case.site.as_str(),
        case.id,
        STEPS_MAX,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|row| {
            let step = Step {
                kind: StepKind::parse(&row.kind)
                    .ok_or_else(|| Fault::internal("column work_step.kind is unknown"))?,
                status: parse("work_step.status", &row.status)?,
                responsible: parse_opt("work_step.responsible", row.responsible.as_deref())?,
                offered_to: parse_opt("work_step.offered_to", row.offered_to.as_deref())?,
                text: row.text,
            };
            Ok(StoredStep {
                sequence: row.sequence,
                step,
                at: row.step_time.to_jiff(),
                actor: row.actor,
            })
        })
        .collect()
}

/// What a list of work is narrowed by.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only of this site.
    pub site: Option<SiteId>,
    /// Only in one of these statuses; empty: any.
    pub statuses: Vec<CaseStatus>,
    /// Only what this person is responsible for.
    pub responsible: Option<StaffId>,
    /// Only what is offered to this person.
    pub offered_to: Option<StaffId>,
    /// Only of this department.
    pub department: Option<DepartmentId>,
    /// Without cases that complain about this person of this site.
    pub not_about: Option<(SiteId, StaffId)>,
}

/// Work, newest first, after the given one.
///
/// # Errors
/// When Postgres is away.
pub async fn list(
    tx: &mut Tx,
    filter: &Filter,
    after: Option<&(Timestamp, Uuid)>,
    limit: i64,
) -> Result<Vec<Work>, Fault> {
    let statuses: Vec<String> = filter.statuses.iter().map(CaseStatus::to_string).collect();
    let rows = sqlx::query_as!(
        Row,
        "-- assignment::store::work::list
        SELECT site, case_id, number, language, received_time, first_contact, excluded, facts_status, facts_epoch,
               facts_revision, decision_revision, decision_epoch, category, grade, urgency, status, epoch, responsible,
               offered_to, department, explanation, assign_time, accept_time, resolve_time, resolution_summary,
               root_cause, resolver, resolver_staff, gravest_grade, restatement, restatement_confirmed, restate_time,
               ending, close_time, take_over_time, create_time, update_time, revision, complaining_store
        FROM work
        WHERE ($1::text IS NULL OR site = $1)
          AND (cardinality($2::text[]) = 0 OR status = ANY ($2))
          AND ($3::text IS NULL OR responsible = $3)
          AND ($4::text IS NULL OR offered_to = $4)
          AND ($5::text IS NULL OR department = $5)
          AND ($6::text IS NULL OR NOT (site = $6 AND excluded @> ARRAY[$7::text]))
          AND ($8::timestamptz IS NULL OR (create_time, case_id) < ($8, $9))
        ORDER BY create_time DESC, case_id DESC LIMIT $10",
        filter.site.as_ref().map(SiteId::as_str),
        &statuses,
        filter.responsible.as_ref().map(StaffId::as_str),
        filter.offered_to.as_ref().map(StaffId::as_str),
        filter.department.as_ref().map(DepartmentId::as_str),
        filter.not_about.as_ref().map(|(site, _)| site.as_str()),
        filter.not_about.as_ref().map(|(_, staff)| staff.as_str()),
        after.map(|(time, _)| time.to_sqlx()),
        after.map(|(_, id)| *id),
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter().map(Row::into_work).collect()
}

/// Cases that a change of people may concern: those nobody is responsible for or offered to though they live, those that
/// somebody on leave has or is offered, and those that the given person holds.
///
/// # Errors
/// When Postgres is away.
pub async fn unsettled(
    tx: &mut Tx,
    site: &SiteId,
    of: Option<&StaffId>,
    at: Timestamp,
) -> Result<Vec<CaseName>, Fault> {
    let ids = sqlx::query_scalar!(
        "-- assignment::store::work::unsettled
        SELECT case_id FROM work
        WHERE site = $1
          AND status NOT IN ('CLOSED', 'ARCHIVED', 'WITHDRAWN', 'REJECTED', 'MERGED')
          AND (responsible IS NULL OR responsible = $2 OR offered_to = $2
               OR EXISTS (SELECT FROM leave l WHERE l.site = $1 AND l.start_time <= $3 AND l.end_time > $3
                          AND l.staff IN (work.offered_to, work.responsible))
               OR (offered_to IS NULL AND decision_revision IS NOT NULL
                   AND status IN ('RECEIVED', 'TRIAGED', 'REOPENED', 'ASSIGNED')))
        ORDER BY received_time, case_id",
        site.as_str(),
        of.map(StaffId::as_str),
        at.to_sqlx(),
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    Ok(ids
        .into_iter()
        .map(|id| CaseName::new(site.clone(), id))
        .collect())
}

/// Brings every case that a change of people may concern back to one responsible person and, where graded, an offer. What went
/// past the office stays above it (M18). The site's lock is held.
///
/// # Errors
/// When Postgres is away.
pub async fn settle(
    tx: &mut Tx,
    site: &SiteId,
    of: Option<&StaffId>,
    actor: &str,
    at: Timestamp,
) -> Result<(), Fault> {
    for case in unsettled(tx, site, of, at).await? {
        let Some(work) = find(tx, &case).await? else {
            continue;
        };
        // Anew for each: whoever took the last one has more to do now.
        let bench = bench::load(tx, site, at).await?;
        let outcome =
            transition(&work, Action::RosterChanged, &bench, at).map_err(Fault::internal)?;
        save(tx, Some(&work), &outcome, actor, at).await?;
        take_over::keep_above(tx, &work, outcome.work, actor, at).await?;
    }
    Ok(())
}
