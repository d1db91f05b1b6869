//! The case row: read whole, changed in memory, saved whole.
//!
//! One read and one write serve every RPC and every event, so that no two of them disagree about what a
//! case is. The row is locked before it is changed; a case is small and changes a few times an hour.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::name::{CaseName, SiteId, SiteName, StaffName};
use redress_model::words::{
    CaseMode, CaseStatus, Category, Channel, ClockKind, ClockState, Nature, QualityImpact, Urgency,
    Wants,
};
use redress_model::{Fault, Grade};
use redress_store::{OneRowExt as _, StoreResultExt as _, Tx};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::{stored, word, word_opt};
use crate::domain::complaint::{Place, Signal};

/// A case as it is stored, without its complainants and evidence. `Debug` shows no personal part.
#[derive(Clone)]
pub struct Record {
    /// Its name.
    pub name: CaseName,
    /// Number for people.
    pub number: String,
    /// Live or historical.
    pub mode: CaseMode,
    /// How it came in.
    pub channel: Channel,
    /// When the complaint was made.
    pub received: Timestamp,
    /// When it was entered.
    pub created: Timestamp,
    /// When anything changed last.
    pub updated: Timestamp,
    /// Who entered it.
    pub creator: String,
    /// Stated headcount.
    pub headcount: i32,
    /// Distinct people listed.
    pub listed_count: i32,
    /// Tokens of the people listed, each once.
    pub person_tokens: Vec<String>,
    /// What they said.
    pub text: String,
    /// Where.
    pub place: Place,
    /// How a quality defect affects the home.
    pub quality_impact: Option<QualityImpact>,
    /// What the complainant wants.
    pub wants: Option<Wants>,
    /// Claimed sum.
    pub claim: Option<Decimal>,
    /// Assessed sum.
    pub assessed_claim: Option<Decimal>,
    /// Complained again after handling.
    pub repeat: bool,
    /// Needs advisers or another company.
    pub needs_advisers: bool,
    /// Signals known at receipt.
    pub signals: Vec<Signal>,
    /// Category stated by a person.
    pub stated_category: Option<Category>,
    /// Language of the first complainant; empty for the site's.
    pub language: String,
    /// Who received it; empty where nobody did.
    pub first_contact_owner: String,
    /// Staff complained about.
    pub staff_complained_about: Vec<StaffName>,
    /// Earlier cases of the same people.
    pub earlier_cases: Vec<Uuid>,
    /// The personal part is gone.
    pub erased: bool,
    /// Where it stands.
    pub status: CaseStatus,
    /// Since when.
    pub status_since: Timestamp,
    /// Where it stood when it was merged.
    pub status_before_merge: Option<CaseStatus>,
    /// The case it was merged into.
    pub merged_into: Option<Uuid>,
    /// Rises with intake's own moves.
    pub epoch: i64,
    /// Rises with facts and own moves.
    pub revision: i64,
    /// Decision of triage.
    pub grade: Option<Grade>,
    /// What matched.
    pub criterion_ids: Vec<String>,
    /// How public.
    pub nature: Option<Nature>,
    /// How soon.
    pub urgency: Option<Urgency>,
    /// What it is about.
    pub category: Option<Category>,
    /// Revision of the decision; 0 before the first.
    pub decision_revision: i64,
    /// Cluster name; empty before the first decision.
    pub cluster: String,
    /// Who is responsible; empty where nobody is known.
    pub owner: String,
    /// Whom it is offered to.
    pub offered_to: String,
    /// The department.
    pub department: String,
    /// Revision of the ownership; 0 before assignment spoke.
    pub owner_revision: i64,
    /// Incident name; empty where none.
    pub incident: String,
    /// Entries of the timeline.
    pub timeline_length: i64,
    /// Hash of the last entry.
    pub timeline_hash: Vec<u8>,
    /// Promises that run; read with the case, saved apart.
    pub clocks: Vec<Clock>,
    /// The agency store that complains about this one (M17).
    pub complaining_store: Option<SiteId>,
}

impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Record")
            .field("name", &self.name)
            .field("status", &self.status)
            .field("revision", &self.revision)
            .finish_non_exhaustive()
    }
}

impl Record {
    /// Goes to another status by an own move: epoch and revision rise.
    pub fn move_to(&mut self, status: CaseStatus, now: Timestamp) {
        self.status = status;
        self.status_since = now;
        self.epoch += 1;
        self.revision += 1;
    }

    /// People who complain together.
    pub fn complainant_count(&self) -> i32 {
        self.headcount.max(self.listed_count)
    }

    /// Name of the case that this one was merged into.
    pub fn merged_into_name(&self) -> String {
        self.merged_into
            .map(|id| CaseName::new(self.name.site.clone(), id).to_string())
            .unwrap_or_default()
    }

    /// Name of the agency store that complains about this one; empty for a customer's complaint.
    pub fn complaining_store_name(&self) -> String {
        self.complaining_store
            .clone()
            .map(|id| SiteName(id).to_string())
            .unwrap_or_default()
    }

    /// Whether it is kept only.
    pub fn is_historical(&self) -> bool {
        self.mode == CaseMode::Historical
    }

    /// Whether by what was stated it may be grade 1 (section 4), whatever the policy says of it: it is graded ahead of
    /// others. Which it is not is graded in its turn.
    pub fn may_be_grave(&self) -> bool {
        let harmless = [QualityImpact::None, QualityImpact::Cosmetic];
        let is_crowd = self.headcount.max(self.listed_count) > 1;
        let is_bad = self.quality_impact.is_some_and(|i| !harmless.contains(&i));
        is_crowd || is_bad || self.claim.is_some() || !self.signals.is_empty()
    }
}

/// A promise that runs on a case.
#[derive(Debug, Clone)]
pub struct Clock {
    /// Its name.
    pub clock: String,
    /// Which promise.
    pub kind: ClockKind,
    /// Running or breached.
    pub state: ClockState,
    /// When it was made.
    pub start: Timestamp,
    /// The deadline.
    pub due: Timestamp,
    /// Rung of the ladder reached.
    pub level: i32,
    /// Whether it stands still.
    pub is_held: bool,
}

/// Locks a case against every other change and reads it.
///
/// # Errors
/// NOT_FOUND when there is none in scope, or the viewer must not see it.
pub async fn lock(tx: &mut Tx, name: &CaseName) -> Result<Record, Fault> {
    lock_rows(tx, std::slice::from_ref(name)).await?;
    get(tx, name).await
}

/// Locks cases of a site against every other change and reads them, without their clocks; those out of sight are left out.
///
/// # Errors
/// When Postgres is away.
pub async fn lock_all(tx: &mut Tx, names: &[CaseName]) -> Result<HashMap<CaseName, Record>, Fault> {
    lock_rows(tx, names).await?;
    records(tx, names).await
}

/// Locks rows of a site, in one order for everybody.
async fn lock_rows(tx: &mut Tx, names: &[CaseName]) -> Result<(), Fault> {
    let Some(first) = names.first() else {
        return Ok(());
    };
    let ids: Vec<Uuid> = names.iter().map(|n| n.id).collect();
    sqlx::query!(
        "-- intake::case::lock
        SELECT id FROM complaint WHERE site = $1 AND id = ANY ($2) ORDER BY id FOR UPDATE",
        first.site.as_str(),
        &ids,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Reads a case.
///
/// # Errors
/// NOT_FOUND when there is none in scope, or the viewer must not see it.
pub async fn get(tx: &mut Tx, name: &CaseName) -> Result<Record, Fault> {
    load(tx, std::slice::from_ref(name))
        .await?
        .pop()
        .ok_or_else(|| Fault::not_found("Case", name))
}

/// Reads cases, in the order of the names; those out of sight are left out.
///
/// # Errors
/// When Postgres is away.
pub async fn load(tx: &mut Tx, names: &[CaseName]) -> Result<Vec<Record>, Fault> {
    let mut found = records(tx, names).await?;
    for (name, clock) in clocks(tx, names).await? {
        if let Some(record) = found.get_mut(&name) {
            record.clocks.push(clock);
        }
    }
    Ok(names.iter().filter_map(|n| found.remove(n)).collect())
}

/// Reads cases without their clocks.
async fn records(tx: &mut Tx, names: &[CaseName]) -> Result<HashMap<CaseName, Record>, Fault> {
    let sites: Vec<String> = names.iter().map(|n| n.site.to_string()).collect();
    let ids: Vec<Uuid> = names.iter().map(|n| n.id).collect();
    let rows = sqlx::query!(
        "-- intake::case::load
        SELECT c.site, c.id, c.number, c.mode, c.channel, c.received_time, c.create_time, c.update_time, c.creator,
               c.headcount, c.listed_count, c.person_tokens, c.text, c.building, c.unit, c.place_detail,
               c.quality_impact, c.wants, c.claim, c.assessed_claim, c.repeat, c.needs_advisers, c.signals,
               c.stated_category, c.language, c.first_contact_owner, c.staff_complained_about, c.earlier_cases,
               c.erased, c.status, c.status_time, c.status_before_merge, c.merged_into, c.epoch, c.revision,
               c.grade, c.criterion_ids, c.nature, c.urgency, c.category, c.decision_revision, c.cluster,
               c.owner, c.offered_to, c.department, c.owner_revision, c.incident, c.timeline_length, c.timeline_hash,
               c.complaining_store
        FROM unnest($1::text[], $2::uuid[]) AS wanted (site, id)
        JOIN complaint c ON c.site = wanted.site AND c.id = wanted.id",
        &sites,
        &ids,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    let mut found = HashMap::new();
    for row in rows {
        let site: SiteId = stored(&row.site)?;
        let record = Record {
            name: CaseName::new(site, row.id),
            number: row.number,
            mode: word(&row.mode)?,
            channel: word(&row.channel)?,
            received: row.received_time.to_jiff(),
            created: row.create_time.to_jiff(),
            updated: row.update_time.to_jiff(),
            creator: row.creator,
            headcount: row.headcount,
            listed_count: row.listed_count,
            person_tokens: row.person_tokens,
            text: row.text,
            place: Place {
                building: row.building,
                unit: row.unit,
                detail: row.place_detail,
            },
            quality_impact: word_opt(row.quality_impact.as_deref())?,
            wants: word_opt(row.wants.as_deref())?,
            claim: row.claim,
            assessed_claim: row.assessed_claim,
            repeat: row.repeat,
            needs_advisers: row.needs_advisers,
            signals: serde_json::from_value(row.signals).map_err(Fault::internal)?,
            stated_category: word_opt(row.stated_category.as_deref())?,
            language: row.language,
            first_contact_owner: row.first_contact_owner,
            staff_complained_about: row
                .staff_complained_about
                .iter()
                .map(|s| stored(s))
                .collect::<Result<_, _>>()?,
            earlier_cases: row.earlier_cases,
            erased: row.erased,
            status: word(&row.status)?,
            status_since: row.status_time.to_jiff(),
            status_before_merge: word_opt(row.status_before_merge.as_deref())?,
            merged_into: row.merged_into,
            epoch: row.epoch,
            revision: row.revision,
            grade: row
                .grade
                .and_then(|g| u8::try_from(g).ok())
                .and_then(Grade::new),
            criterion_ids: row.criterion_ids,
            nature: word_opt(row.nature.as_deref())?,
            urgency: word_opt(row.urgency.as_deref())?,
            category: word_opt(row.category.as_deref())?,
            decision_revision: row.decision_revision,
            cluster: row.cluster,
            owner: row.owner,
            offered_to: row.offered_to,
            department: row.department,
            owner_revision: row.owner_revision,
            incident: row.incident,
            timeline_length: row.timeline_length,
            timeline_hash: row.timeline_hash,
            clocks: Vec::new(),
            complaining_store: row.complaining_store.as_deref().map(stored).transpose()?,
        };
        found.insert(record.name.clone(), record);
    }
    Ok(found)
}

async fn clocks(tx: &mut Tx, names: &[CaseName]) -> Result<Vec<(CaseName, Clock)>, Fault> {
    let sites: Vec<String> = names.iter().map(|n| n.site.to_string()).collect();
    let ids: Vec<Uuid> = names.iter().map(|n| n.id).collect();
    let rows = sqlx::query!(
        "-- intake::case::clocks
        SELECT k.site, k.case_id, k.clock, k.kind, k.state, k.start_time, k.due_time, k.level, k.held
        FROM unnest($1::text[], $2::uuid[]) AS wanted (site, id)
        JOIN case_clock k ON k.site = wanted.site AND k.case_id = wanted.id
        WHERE k.state IN ('RUNNING', 'BREACHED')
        ORDER BY k.due_time, k.clock",
        &sites,
        &ids,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|row| {
            let clock = Clock {
                clock: row.clock,
                kind: word(&row.kind)?,
                state: word(&row.state)?,
                start: row.start_time.to_jiff(),
                due: row.due_time.to_jiff(),
                level: row.level,
                is_held: row.held,
            };
            Ok((CaseName::new(stored(&row.site)?, row.case_id), clock))
        })
        .collect()
}

/// Writes a new case.
///
/// # Errors
/// When Postgres is away or the site is out of scope.
pub async fn insert(tx: &mut Tx, case: &Record) -> Result<(), Fault> {
    sqlx::query!(
        "-- intake::case::insert
        INSERT INTO complaint (site, id, number, mode, channel, received_time, create_time, update_time, creator,
          headcount, listed_count, person_tokens, text, building, unit, place_detail, quality_impact, wants, claim,
          assessed_claim, repeat, needs_advisers, signals, stated_category, language, first_contact_owner,
          staff_complained_about, earlier_cases, status, status_time, epoch, revision, owner, complaining_store)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
          $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34)",
        case.name.site.as_str(),
        case.name.id,
        case.number,
        case.mode.word(),
        case.channel.word(),
        case.received.to_sqlx() as _,
        case.created.to_sqlx() as _,
        case.updated.to_sqlx() as _,
        case.creator,
        case.headcount,
        case.listed_count,
        &case.person_tokens,
        case.text,
        case.place.building,
        case.place.unit,
        case.place.detail,
        case.quality_impact.map(QualityImpact::word),
        case.wants.map(Wants::word),
        case.claim,
        case.assessed_claim,
        case.repeat,
        case.needs_advisers,
        serde_json::to_value(&case.signals).map_err(Fault::internal)?,
        case.stated_category.map(Category::word),
        case.language,
        case.first_contact_owner,
        &texts(&case.staff_complained_about),
        &case.earlier_cases,
        case.status.word(),
        case.status_since.to_sqlx() as _,
        case.epoch,
        case.revision,
        case.owner,
        case.complaining_store.as_ref().map(SiteId::as_str),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Saves a locked case and tells the watchers.
///
/// # Errors
/// When Postgres is away.
pub async fn save(tx: &mut Tx, case: &mut Record, now: Timestamp) -> Result<(), Fault> {
    save_all(tx, std::slice::from_mut(case), now).await
}

/// Saves locked cases of a site and tells the watchers.
///
/// # Errors
/// When Postgres is away.
pub async fn save_all(tx: &mut Tx, cases: &mut [Record], now: Timestamp) -> Result<(), Fault> {
    for case in &mut *cases {
        case.updated = now;
        save_quietly(tx, case).await?;
    }
    let names: Vec<CaseName> = cases.iter().map(|case| case.name.clone()).collect();
    changed(tx, &names, now).await
}

/// Saves a locked case whose view did not change, only its timeline.
///
/// # Errors
/// When Postgres is away.
pub async fn save_quietly(tx: &mut Tx, case: &Record) -> Result<(), Fault> {
    sqlx::query!(
        "-- intake::case::save
        UPDATE complaint SET
          update_time = $3, headcount = $4, listed_count = $5, person_tokens = $6, text = $7, building = $8,
          unit = $9, place_detail = $10, quality_impact = $11, wants = $12, claim = $13, assessed_claim = $14,
          repeat = $15, needs_advisers = $16, stated_category = $17, language = $18, staff_complained_about = $19,
          erased = $20, status = $21, status_time = $22, status_before_merge = $23, merged_into = $24, epoch = $25,
          revision = $26, grade = $27, criterion_ids = $28, nature = $29, urgency = $30, category = $31,
          decision_revision = $32, cluster = $33, owner = $34, offered_to = $35, department = $36,
          owner_revision = $37, incident = $38, timeline_length = $39, timeline_hash = $40
        WHERE site = $1 AND id = $2",
        case.name.site.as_str(),
        case.name.id,
        case.updated.to_sqlx() as _,
        case.headcount,
        case.listed_count,
        &case.person_tokens,
        case.text,
        case.place.building,
        case.place.unit,
        case.place.detail,
        case.quality_impact.map(QualityImpact::word),
        case.wants.map(Wants::word),
        case.claim,
        case.assessed_claim,
        case.repeat,
        case.needs_advisers,
        case.stated_category.map(Category::word),
        case.language,
        &texts(&case.staff_complained_about),
        case.erased,
        case.status.word(),
        case.status_since.to_sqlx() as _,
        case.status_before_merge.map(CaseStatus::word),
        case.merged_into,
        case.epoch,
        case.revision,
        case.grade.map(|g| i16::from(g.value())),
        &case.criterion_ids,
        case.nature.map(Nature::word),
        case.urgency.map(Urgency::word),
        case.category.map(Category::word),
        case.decision_revision,
        case.cluster,
        case.owner,
        case.offered_to,
        case.department,
        case.owner_revision,
        case.incident,
        case.timeline_length,
        case.timeline_hash,
    )
    .execute(&mut **tx)
    .await
    .one_row("a locked case was not there to be saved")
}

/// Tells the watchers that cases of a site changed.
async fn changed(tx: &mut Tx, names: &[CaseName], now: Timestamp) -> Result<(), Fault> {
    let Some(first) = names.first() else {
        return Ok(());
    };
    let ids: Vec<Uuid> = names.iter().map(|n| n.id).collect();
    sqlx::query!(
        "-- intake::case::changed
        INSERT INTO case_change (site, case_id, change_time) SELECT $1, unnest($2::uuid[]), $3",
        first.site.as_str(),
        &ids,
        now.to_sqlx() as _,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    tx.wake();
    Ok(())
}

/// Whether other cases were merged into this one.
///
/// # Errors
/// When Postgres is away.
pub async fn has_merged_cases(tx: &mut Tx, name: &CaseName) -> Result<bool, Fault> {
    let row = sqlx::query!(
        r#"-- intake::case::has_merged_cases
        SELECT EXISTS (SELECT 1 FROM complaint WHERE site = $1 AND merged_into = $2) AS "found!""#,
        name.site.as_str(),
        name.id,
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()?;
    Ok(row.found)
}

/// Which of these cases of a site the viewer may see, in the given order.
///
/// # Errors
/// When Postgres is away.
pub async fn visible(tx: &mut Tx, site: &SiteId, ids: &[Uuid]) -> Result<Vec<Uuid>, Fault> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query!(
        "-- intake::case::visible
        SELECT id FROM complaint WHERE site = $1 AND id = ANY ($2)",
        site.as_str(),
        ids,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    Ok(ids
        .iter()
        .copied()
        .filter(|id| rows.iter().any(|r| r.id == *id))
        .collect())
}

fn texts<T: ToString>(names: &[T]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}
