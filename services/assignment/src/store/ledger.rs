//! The accountability ledger. [`book`] and [`save`] keep an entry and what was done with it in step, and tell whom it concerns, so
//! that no path that books, appeals or decides can forget it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::ids::new_id;
use redress_model::name::{CaseName, LedgerEntryName, SiteId, StaffId, StaffName};
use redress_model::words::SiteKind;
use redress_policy::{Accountability, Handling};
use redress_proto::event::v1::WorkNews;
use redress_store::{StoreResultExt as _, Tx};
use sqlx::PgPool;
use uuid::Uuid;

use super::outbox::{self, Notice};
use super::policy::SitePolicy;
use super::{bench, notices, parse, parse_opt, work};
use crate::domain::ledger::{EntryCause, EntryKind, EntryState, Standing, Year};
use crate::domain::person::Person;
use crate::domain::validity::APPEAL_LIMIT;

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its site.
    pub site: SiteId,
    /// Its id.
    pub id: Uuid,
    /// What it is, where it stands, and who had to do with it.
    pub standing: Standing,
    /// Why there is one.
    pub cause: EntryCause,
    /// In words.
    pub reason: String,
    /// The case.
    pub case: Option<Uuid>,
    /// Who bears or earns it; none: the site.
    pub staff: Option<StaffId>,
    /// How much.
    pub amount_fen: i64,
    /// The profile of the policy by which it was booked; empty for what was booked before entries said it.
    pub policy_profile: String,
    /// The number of that policy.
    pub policy_revision: i64,
    /// When it was booked.
    pub created_at: Timestamp,
    /// Last change.
    pub updated_at: Timestamp,
    /// Rises with every change.
    pub revision: i64,
}

impl Entry {
    /// Whether it is late: what is appealed once nobody decided within the time for it, a debt once it is due.
    fn is_late(&self, now: Timestamp) -> bool {
        match self.standing.state {
            EntryState::Appealed => self
                .updated_at
                .saturating_add(APPEAL_LIMIT)
                .is_ok_and(|end| end <= now),
            EntryState::Open | EntryState::Confirmed => {
                self.standing.kind.is_debt() && self.amount_fen > 0 && self.standing.due <= now
            }
            EntryState::Proposed | EntryState::Waived | EntryState::Settled => false,
        }
    }
}

struct Row {
    site: String,
    id: Uuid,
    kind: String,
    cause: String,
    reason: String,
    case_id: Option<Uuid>,
    staff: Option<String>,
    amount_fen: i64,
    policy_profile: String,
    policy_revision: i64,
    due_time: Timestamp,
    state: String,
    author: String,
    appellant: Option<String>,
    create_time: Timestamp,
    update_time: Timestamp,
    revision: i64,
}

impl Row {
    fn into_entry(self) -> Result<Entry, Fault> {
        Ok(Entry {
            site: parse("ledger_entry.site", &self.site)?,
            id: self.id,
            standing: Standing {
                kind: parse("ledger_entry.kind", &self.kind)?,
                state: parse("ledger_entry.state", &self.state)?,
                due: self.due_time,
                author: self.author,
                appellant: self.appellant,
            },
            cause: parse("ledger_entry.cause", &self.cause)?,
            reason: self.reason,
            case: self.case_id,
            staff: parse_opt("ledger_entry.staff", self.staff.as_deref())?,
            amount_fen: self.amount_fen,
            policy_profile: self.policy_profile,
            policy_revision: self.policy_revision,
            created_at: self.create_time,
            updated_at: self.update_time,
            revision: self.revision,
        })
    }
}

/// Books an entry; `staff` is who of the staff does, behind the subject that is its author. False where the same origin made one
/// before.
///
/// # Errors
/// When Postgres is away.
pub async fn book(
    tx: &mut Tx,
    entry: &Entry,
    staff: Option<&StaffName>,
    origin: Option<&str>,
) -> Result<bool, Fault> {
    let booked = sqlx::query!(
        "-- assignment::store::ledger::book
        INSERT INTO ledger_entry (site, id, origin, kind, cause, reason, case_id, staff, amount_fen, due_time, state,
                                  author, appellant, create_time, update_time, revision, policy_profile, policy_revision)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, NULL, $13, $13, 1, $14, $15)
        ON CONFLICT ON CONSTRAINT ledger_entry_origin DO NOTHING",
        entry.site.as_str(),
        entry.id,
        origin,
        entry.standing.kind.word(),
        entry.cause.word(),
        entry.reason,
        entry.case,
        entry.staff.as_ref().map(StaffId::as_str),
        entry.amount_fen,
        entry.standing.due.to_sqlx(),
        entry.standing.state.word(),
        entry.standing.author,
        entry.created_at.to_sqlx(),
        entry.policy_profile,
        entry.policy_revision,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?
    .rows_affected()
        == 1;
    if booked {
        let by = (entry.standing.author.as_str(), staff);
        act(tx, entry, by, &entry.reason).await?;
        notices::ledger_changed(tx, None, entry).await?;
    }
    Ok(booked)
}

/// Stores an entry that moved on from the revision before; who did it and why goes to its history.
///
/// # Errors
/// When Postgres is away.
pub async fn save(tx: &mut Tx, entry: &Entry, by: &Person, reason: &str) -> Result<(), Fault> {
    let before = sqlx::query_scalar!(
        r#"-- assignment::store::ledger::save
        UPDATE ledger_entry e SET due_time = $3, state = $4, appellant = $5, update_time = $6, revision = $7,
               late_told_time = NULL
        FROM (SELECT site, id, state FROM ledger_entry WHERE site = $1 AND id = $2) b
        WHERE e.site = b.site AND e.id = b.id
        RETURNING b.state AS "before!""#,
        entry.site.as_str(),
        entry.id,
        entry.standing.due.to_sqlx(),
        entry.standing.state.word(),
        entry.standing.appellant,
        entry.updated_at.to_sqlx(),
        entry.revision,
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()?;
    act(tx, entry, (&by.subject, by.staff.as_ref()), reason).await?;
    let before: EntryState = parse("ledger_entry.state", &before)?;
    notices::ledger_changed(tx, Some(before), entry).await
}

async fn act(
    tx: &mut Tx,
    entry: &Entry,
    (actor, staff): (&str, Option<&StaffName>),
    reason: &str,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- assignment::store::ledger::act
        INSERT INTO ledger_act (site, entry, revision, state, act_time, actor, reason, actor_staff)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        entry.site.as_str(),
        entry.id,
        entry.revision,
        entry.standing.state.word(),
        entry.updated_at.to_sqlx(),
        actor,
        reason,
        staff.map(ToString::to_string),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// An entry, held until the transaction ends; none where there is none in scope.
///
/// # Errors
/// When Postgres is away.
pub async fn lock(tx: &mut Tx, site: &SiteId, id: Uuid) -> Result<Option<Entry>, Fault> {
    sqlx::query_as!(
        Row,
        "-- assignment::store::ledger::lock
        SELECT site, id, kind, cause, reason, case_id, staff, amount_fen, policy_profile, policy_revision, due_time, state,
               author, appellant, create_time, update_time, revision
        FROM ledger_entry WHERE site = $1 AND id = $2 FOR UPDATE",
        site.as_str(),
        id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?
    .map(Row::into_entry)
    .transpose()
}

/// Late entries of which the leads were not told, any of them: those that nobody is there to hear of stay, and hold back no others
/// (P14). For the worker role.
///
/// # Errors
/// When Postgres is away.
pub async fn late(
    worker: &PgPool,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<LedgerEntryName>, Fault> {
    let rows = sqlx::query!(
        "-- assignment::store::ledger::late
        SELECT site, id FROM ledger_entry
        WHERE late_told_time IS NULL AND (
          (state = 'APPEALED' AND update_time + make_interval(secs => $2) <= $1)
          OR (state IN ('OPEN', 'CONFIRMED') AND kind IN ('PENALTY', 'FEE') AND amount_fen > 0 AND due_time <= $1))
        ORDER BY random() LIMIT $3",
        now.to_sqlx(),
        APPEAL_LIMIT.as_secs_f64(),
        limit,
    )
    .fetch_all(worker)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|row| {
            let site = parse("ledger_entry.site", &row.site)?;
            Ok(LedgerEntryName::new(site, row.id))
        })
        .collect()
}

/// Tells the leads that an entry is late, but for who is complained about in its case; it is told without the case, which may have
/// ended (P06). False where it is not late, they were told before, or nobody is there to hear it: then it is looked at again.
///
/// # Errors
/// When Postgres is away.
pub async fn tell_late(tx: &mut Tx, name: &LedgerEntryName, now: Timestamp) -> Result<bool, Fault> {
    let site = &name.site;
    let known = lock(tx, site, name.id).await?;
    let Some(entry) = known.filter(|entry| entry.is_late(now)) else {
        return Ok(false);
    };
    let work = match entry.case {
        Some(id) => work::find(tx, &CaseName::new(site.clone(), id)).await?,
        None => None,
    };
    let accused: BTreeSet<StaffId> = work.map(|work| work.facts.excluded).unwrap_or_default();
    let bench = bench::load(tx, site, now).await?;
    let people = notices::leads(&bench, &accused, now);
    if people.is_empty() {
        return Ok(false);
    }
    let told = sqlx::query!(
        "-- assignment::store::ledger::tell_late
        UPDATE ledger_entry SET late_told_time = $3 WHERE site = $1 AND id = $2 AND late_told_time IS NULL",
        site.as_str(),
        name.id,
        now.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?
    .rows_affected()
        == 1;
    if told {
        let notice = Notice {
            id: new_id(now),
            news: WorkNews::LedgerOverdue,
            staff: people.into_iter().collect(),
            work: None,
            resource: name.to_string(),
        };
        outbox::work_noticed(tx, site, &notice).await?;
    }
    Ok(told)
}

/// The entry that this origin made, held until the transaction ends.
///
/// # Errors
/// When Postgres is away.
pub async fn lock_origin(tx: &mut Tx, site: &SiteId, origin: &str) -> Result<Option<Entry>, Fault> {
    let id = sqlx::query_scalar!(
        "-- assignment::store::ledger::lock_origin
        SELECT id FROM ledger_entry WHERE site = $1 AND origin = $2",
        site.as_str(),
        origin,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    match id {
        Some(id) => lock(tx, site, id).await,
        None => Ok(None),
    }
}

/// Something that was done with an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// Where the entry stood after it.
    pub state: EntryState,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// Why.
    pub reason: String,
}

/// An entry with what was done with it, oldest first.
///
/// # Errors
/// When Postgres is away.
pub async fn get(tx: &mut Tx, site: &SiteId, id: Uuid) -> Result<Option<(Entry, Vec<Act>)>, Fault> {
    let row = sqlx::query_as!(
        Row,
        "-- assignment::store::ledger::get
        SELECT site, id, kind, cause, reason, case_id, staff, amount_fen, policy_profile, policy_revision, due_time, state,
               author, appellant, create_time, update_time, revision
        FROM ledger_entry WHERE site = $1 AND id = $2",
        site.as_str(),
        id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    let Some(entry) = row.map(Row::into_entry).transpose()? else {
        return Ok(None);
    };
    let acts: Result<Vec<Act>, Fault> = sqlx::query!(
        "-- assignment::store::ledger::get
        SELECT state, act_time, actor, reason FROM ledger_act WHERE site = $1 AND entry = $2 ORDER BY revision",
        site.as_str(),
        id,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?
    .into_iter()
    .map(|row| {
        Ok(Act {
            state: parse("ledger_act.state", &row.state)?,
            at: row.act_time.to_jiff(),
            actor: row.actor,
            reason: row.reason,
        })
    })
    .collect();
    Ok(Some((entry, acts?)))
}

/// Whether this person did something with the entry before, under whatever token.
///
/// # Errors
/// When Postgres is away.
pub async fn acted(tx: &mut Tx, entry: &Entry, by: &Person) -> Result<bool, Fault> {
    sqlx::query_scalar!(
        r#"-- assignment::store::ledger::acted
        SELECT EXISTS (
          SELECT FROM ledger_act WHERE site = $1 AND entry = $2 AND (actor = $3 OR actor_staff = $4)) AS "acted!""#,
        entry.site.as_str(),
        entry.id,
        by.subject,
        by.staff.as_ref().map(ToString::to_string),
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()
}

/// Who of the roster did something with the entry before, as their token said or by their accounts.
///
/// # Errors
/// When Postgres is away.
pub async fn had_a_hand(tx: &mut Tx, entry: &Entry) -> Result<BTreeSet<StaffId>, Fault> {
    sqlx::query_scalar!(
        "-- assignment::store::ledger::had_a_hand
        SELECT DISTINCT s.id FROM ledger_act a
        JOIN staff s ON s.site = a.site AND (s.account = a.actor OR a.actor_staff = 'sites/' || s.site || '/staff/' || s.id)
        WHERE a.site = $1 AND a.entry = $2",
        entry.site.as_str(),
        entry.id,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?
    .iter()
    .map(|id| parse("staff.id", id))
    .collect()
}

/// What was booked or proposed together with an entry, in fen: by the same person for the same at the same instant.
///
/// # Errors
/// When Postgres is away.
pub async fn sum_of_booking(tx: &mut Tx, entry: &Entry) -> Result<i64, Fault> {
    sqlx::query_scalar!(
        r#"-- assignment::store::ledger::sum_of_booking
        SELECT coalesce(sum(amount_fen), 0)::bigint AS "sum!" FROM ledger_entry
        WHERE site = $1 AND case_id IS NOT DISTINCT FROM $2 AND kind = $3 AND cause = $4 AND author = $5 AND create_time = $6"#,
        entry.site.as_str(),
        entry.case,
        entry.standing.kind.word(),
        entry.cause.word(),
        entry.standing.author,
        entry.created_at.to_sqlx(),
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()
}

/// Whether something that was neither waived nor only proposed was booked for a case by this kind and cause, at another instant
/// than the given one: what is booked together has one. What the site is to pay and nobody appealed does not count where it
/// gives way.
///
/// # Errors
/// When Postgres is away.
pub async fn stands(
    tx: &mut Tx,
    case: &CaseName,
    (kind, cause): (EntryKind, EntryCause),
    but: Option<Timestamp>,
    gives_way: bool,
) -> Result<bool, Fault> {
    sqlx::query_scalar!(
        r#"-- assignment::store::ledger::stands
        SELECT EXISTS (
          SELECT FROM ledger_entry WHERE site = $1 AND case_id = $2 AND kind = $3 AND cause = $4
            AND state NOT IN ('WAIVED', 'PROPOSED') AND create_time IS DISTINCT FROM $5::timestamptz
            AND NOT ($6::boolean AND staff IS NULL AND state = 'OPEN'))
          AS "stands!""#,
        case.site.as_str(),
        case.id,
        kind.word(),
        cause.word(),
        but.map(|but| but.to_sqlx()),
        gives_way,
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()
}

/// What was booked for a case by this kind and cause and not waived, the oldest first, held until the transaction ends.
///
/// # Errors
/// When Postgres is away.
pub async fn lock_of_case(
    tx: &mut Tx,
    case: &CaseName,
    (kind, cause): (EntryKind, EntryCause),
) -> Result<Vec<Entry>, Fault> {
    sqlx::query_as!(
        Row,
        "-- assignment::store::ledger::lock_of_case
        SELECT site, id, kind, cause, reason, case_id, staff, amount_fen, policy_profile, policy_revision, due_time, state,
               author, appellant, create_time, update_time, revision
        FROM ledger_entry
        WHERE site = $1 AND case_id = $2 AND kind = $3 AND cause = $4 AND state <> 'WAIVED'
        ORDER BY create_time, id FOR UPDATE",
        case.site.as_str(),
        case.id,
        kind.word(),
        cause.word(),
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?
    .into_iter()
    .map(Row::into_entry)
    .collect()
}

/// A report that costs (M17): a clock says that nobody clarified it in time, or the media desk of an incident that it is true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What makes the entry that is booked for it.
    pub origin: String,
    /// The clock; what the desk found true has none, and counts by itself as one of the desk.
    pub clock: Uuid,
    /// Whether the media desk of an incident owed it or spoke of it; else a case owed it by itself.
    pub desk: bool,
    /// The case, or those of the incident.
    pub cases: Vec<Uuid>,
    /// From when on the report was out, as far as is known: when it came out, as the desk recorded it; of a case, when its promise
    /// was made. None where an older crisis does not say: such a report is taken for no other.
    pub from: Option<Timestamp>,
    /// When the promise was broken, or the desk found it true.
    pub until: Timestamp,
}

/// What makes the entry for a clarification that a clock says was missed.
pub fn clarification(clock: Uuid) -> String {
    format!("clarification:{clock}")
}

/// The entry that counts for a clock that missed a report, or for one that the desk found true: its own or one that it shares, held
/// until the transaction ends.
///
/// # Errors
/// When Postgres is away.
pub async fn lock_missed(tx: &mut Tx, site: &SiteId, clock: Uuid) -> Result<Option<Entry>, Fault> {
    let id = sqlx::query_scalar!(
        "-- assignment::store::ledger::lock_missed
        SELECT id FROM ledger_entry
        WHERE site = $1 AND (origin = $2 OR (cause = 'EXPOSURE' AND (own_clock = $3 OR desk_clock = $3)))
        ORDER BY create_time DESC, id DESC LIMIT 1",
        site.as_str(),
        clarification(clock),
        clock,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    match id {
        Some(id) => lock(tx, site, id).await,
        None => Ok(None),
    }
}

/// Lets a missed report count by the entry that stands for it already: one of a clock of the other sort, or booked by hand, about one
/// of the same cases, at the same time, that stands for no other of this sort. So one report is booked once, and two are two,
/// whichever is heard of first. Of what people bear together by hand the first part stands for all. False where there is none. The
/// caller holds the lock of the site.
///
/// # Errors
/// When Postgres is away.
pub async fn share(tx: &mut Tx, site: &SiteId, report: &Report) -> Result<bool, Fault> {
    let entry = sqlx::query_scalar!(
        "-- assignment::store::ledger::share
        SELECT id FROM ledger_entry e
        WHERE site = $1 AND cause = 'EXPOSURE' AND state NOT IN ('WAIVED', 'PROPOSED')
          AND CASE WHEN $2::boolean THEN desk_clock IS NULL AND (own_clock IS NOT NULL OR author = 'triage' OR origin IS NULL)
                   ELSE own_clock IS NULL AND (desk_clock IS NOT NULL OR author = 'crisis' OR origin IS NULL) END
          AND (origin IS NOT NULL OR NOT EXISTS (
            SELECT FROM ledger_entry j
            WHERE j.site = e.site AND j.cause = 'EXPOSURE' AND j.state NOT IN ('WAIVED', 'PROPOSED') AND j.origin IS NULL
              AND j.case_id = e.case_id AND j.author = e.author AND j.create_time = e.create_time AND j.id < e.id))
          AND coalesce(report_cases, ARRAY[case_id]) && $3::uuid[]
          AND coalesce(report_from, create_time - interval '5 days') <= $4::timestamptz
          AND coalesce(report_until, create_time) >= $5::timestamptz
        ORDER BY create_time, id LIMIT 1 FOR UPDATE",
        site.as_str(),
        report.desk,
        &report.cases,
        report.until.to_sqlx(),
        report.from.map(|from| from.to_sqlx()),
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    let Some(entry) = entry else {
        return Ok(false);
    };
    name_report(tx, site, entry, report).await?;
    Ok(true)
}

/// Names the report that an entry stands for. What the desk of an incident says of it comes before what a case knows. An entry of
/// an older release names its own clock in its origin alone: it stands for that one too from here on.
///
/// # Errors
/// When Postgres is away.
pub async fn name_report(
    tx: &mut Tx,
    site: &SiteId,
    entry: Uuid,
    report: &Report,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- assignment::store::ledger::name_report
        UPDATE ledger_entry SET
          own_clock = CASE WHEN NOT $3::boolean THEN $4::uuid
                           WHEN author = 'triage' THEN coalesce(own_clock, split_part(origin, ':', 2)::uuid)
                           ELSE own_clock END,
          desk_clock = CASE WHEN $3 THEN $4
                            WHEN author = 'crisis' THEN coalesce(desk_clock, split_part(origin, ':', 2)::uuid)
                            ELSE desk_clock END,
          report_cases = CASE WHEN $3 THEN $5::uuid[] ELSE coalesce(report_cases, $5) END,
          report_from = CASE WHEN $3 THEN $6::timestamptz ELSE coalesce(report_from, $6) END,
          report_until = CASE WHEN $3 THEN $7::timestamptz ELSE coalesce(report_until, $7) END
        WHERE site = $1 AND id = $2",
        site.as_str(),
        entry,
        report.desk,
        report.clock,
        &report.cases,
        report.from.map(|from| from.to_sqlx()),
        report.until.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// A clock missed nothing after all: its entry stands for it no more. Whether it stands for another clock, or by the hand of somebody.
///
/// # Errors
/// When Postgres is away.
pub async fn let_go(tx: &mut Tx, site: &SiteId, entry: Uuid, clock: Uuid) -> Result<bool, Fault> {
    sqlx::query_scalar!(
        r#"-- assignment::store::ledger::let_go
        UPDATE ledger_entry SET own_clock = nullif(own_clock, $3), desk_clock = nullif(desk_clock, $3)
        WHERE site = $1 AND id = $2
        RETURNING (own_clock IS NOT NULL OR desk_clock IS NOT NULL OR origin IS NULL) AS "stands!""#,
        site.as_str(),
        entry,
        clock,
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()
}

/// What a list is narrowed by.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only of this site.
    pub site: Option<SiteId>,
    /// Only in this state.
    pub state: Option<EntryState>,
    /// Only of this person.
    pub staff: Option<StaffId>,
    /// Without what others bear for cases that complain about this person.
    pub not_about: Option<StaffName>,
}

/// Entries, newest first, after the given one.
///
/// # Errors
/// When Postgres is away.
pub async fn list(
    tx: &mut Tx,
    filter: &Filter,
    after: Option<&(Timestamp, Uuid)>,
    limit: i64,
) -> Result<Vec<Entry>, Fault> {
    sqlx::query_as!(
        Row,
        "-- assignment::store::ledger::list
        SELECT site, id, kind, cause, reason, case_id, staff, amount_fen, policy_profile, policy_revision, due_time, state,
               author, appellant, create_time, update_time, revision
        FROM ledger_entry e
        WHERE ($1::text IS NULL OR site = $1) AND ($2::text IS NULL OR state = $2) AND ($3::text IS NULL OR staff = $3)
          AND ($4::timestamptz IS NULL OR (create_time, id) < ($4, $5))
          AND ($6::text IS NULL OR (site = $6 AND staff IS NOT DISTINCT FROM $7) OR NOT EXISTS (
            SELECT FROM work w WHERE w.site = e.site AND w.case_id = e.case_id AND w.site = $6
              AND w.excluded @> ARRAY[$7::text]))
        ORDER BY create_time DESC, id DESC LIMIT $8",
        filter.site.as_ref().map(SiteId::as_str),
        filter.state.map(EntryState::word),
        filter.staff.as_ref().map(StaffId::as_str),
        after.map(|(time, _)| time.to_sqlx()),
        after.map(|(_, id)| *id),
        filter.not_about.as_ref().map(|staff| staff.site.as_str()),
        filter.not_about.as_ref().map(|staff| staff.id.as_str()),
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?
    .into_iter()
    .map(Row::into_entry)
    .collect()
}

/// A year of every site of this kind in scope. Entries that were waived, are under appeal or only proposed do not count; a year is the
/// site's own. A person's part of a joint penalty counts as one with the others' parts: those are booked for one case at one
/// instant.
///
/// # Errors
/// When Postgres is away.
pub async fn years(tx: &mut Tx, kind: SiteKind, year: i32) -> Result<Vec<Year>, Fault> {
    let rows = sqlx::query!(
        r#"-- assignment::store::ledger::years
        SELECT p.site, s.document AS "document?",
               count(DISTINCT (e.case_id, e.create_time)) FILTER (WHERE e.cause = 'UPHELD_COMPLAINT' AND e.kind = 'PENALTY') AS "upheld!",
               count(DISTINCT (e.case_id, e.create_time)) FILTER (WHERE e.cause = 'EXPOSURE' AND e.kind = 'PENALTY') AS "exposures!",
               count(DISTINCT (e.case_id, e.create_time)) FILTER (WHERE e.cause = 'TAKE_OVER') AS "take_overs!",
               count(e.id) FILTER (WHERE e.kind IN ('RECOGNITION', 'THANKS')) AS "praise!",
               coalesce(sum(e.amount_fen) FILTER (WHERE e.kind IN ('PENALTY', 'FEE')), 0)::bigint AS "penalties!",
               coalesce(sum(e.amount_fen) FILTER (WHERE e.kind = 'PENALTY' AND e.state = 'SETTLED'), 0)::bigint AS "paid!",
               (SELECT coalesce(sum(t.cases), 0)::bigint FROM tally t
                WHERE t.site = p.site AND t.pair = 17 AND NOT t.historical AND t.month BETWEEN $2::integer * 12 AND $2::integer * 12 + 11)
                 AS "cases!"
        FROM place p
        LEFT JOIN site_policy s ON s.site = p.site
        LEFT JOIN ledger_entry e ON e.site = p.site AND e.state NOT IN ('WAIVED', 'APPEALED', 'PROPOSED')
          AND extract(year FROM e.create_time AT TIME ZONE p.time_zone) = $2::integer
        WHERE p.kind = $1
        GROUP BY p.site, p.time_zone, s.document"#,
        kind.word(),
        year,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    let shipped = SitePolicy::of_kind(kind).handling;
    rows.into_iter()
        .map(|row| {
            let told = row.document.map(serde_json::from_value::<Handling>);
            let told = told.transpose().map_err(Fault::internal)?;
            let prizes = &told.as_ref().unwrap_or(&shipped).accountability.prizes;
            Ok(Year {
                prizes_fen: prizes.iter().map(|p| Accountability::fen(*p)).collect(),
                site: row.site,
                upheld: row.upheld,
                exposures: row.exposures,
                take_overs: row.take_overs,
                praise: row.praise,
                penalties_fen: row.penalties,
                paid_fen: row.paid,
                cases: row.cases,
            })
        })
        .collect()
}

/// Whether a prize of the site was booked in this year of its zone and stands.
///
/// # Errors
/// When Postgres is away.
pub async fn prize_stands(tx: &mut Tx, site: &SiteId, year: i32) -> Result<bool, Fault> {
    sqlx::query_scalar!(
        r#"-- assignment::store::ledger::prize_stands
        SELECT EXISTS (
          SELECT FROM ledger_entry e JOIN place p ON p.site = e.site
          WHERE e.site = $1 AND e.kind = 'PRIZE' AND e.state <> 'WAIVED'
            AND extract(year FROM e.create_time AT TIME ZONE p.time_zone) = $2::integer)
          AS "stands!""#,
        site.as_str(),
        year,
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()
}

/// A new entry, booked now by a policy.
#[must_use]
pub fn new_entry(
    site: SiteId,
    id: Uuid,
    (kind, cause): (EntryKind, EntryCause),
    author: &str,
    due: Timestamp,
    now: Timestamp,
    policy: &SitePolicy,
) -> Entry {
    Entry {
        site,
        id,
        standing: Standing {
            kind,
            state: EntryState::Open,
            due,
            author: author.to_owned(),
            appellant: None,
        },
        cause,
        reason: String::new(),
        case: None,
        staff: None,
        amount_fen: 0,
        policy_profile: policy.profile.clone(),
        policy_revision: policy.revision,
        created_at: now,
        updated_at: now,
        revision: 1,
    }
}
