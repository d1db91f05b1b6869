//! Cases as grading reads them.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx as _;
use redress_model::name::{CaseName, SiteId};
use redress_model::words::{CaseStatus, Category, Channel, QualityImpact, Wants};
use redress_model::{Fault, Grade};
use redress_store::{StoreResultExt as _, Tx};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{count_of_row, count_to_row, word};
use crate::domain::people::People;

/// What intake says of a case.
#[derive(Debug, Clone)]
pub struct CaseFacts {
    /// Number for people.
    pub number: String,
    /// How it came in.
    pub channel: Channel,
    /// Only kept: no clock, no incident.
    pub historical: bool,
    /// When the complaint was made.
    pub received: Timestamp,
    /// Its people.
    pub people: People,
    /// How a defect affects the home.
    pub quality_impact: QualityImpact,
    /// What the complainant wants.
    pub wants: Wants,
    /// Claimed sum.
    pub claim: Option<Decimal>,
    /// Assessed sum.
    pub assessed_claim: Option<Decimal>,
    /// Complained again.
    pub repeat: bool,
    /// Needs advisers.
    pub needs_advisers: bool,
    /// Category stated by a person.
    pub stated_category: Option<Category>,
    /// First-contact owner.
    pub first_contact: Option<String>,
    /// Staff complained about.
    pub excluded: Vec<String>,
    /// Revision of these facts.
    pub revision: i64,
}

/// A case.
#[derive(Debug, Clone)]
pub struct Case {
    /// Its id.
    pub id: Uuid,
    /// What intake says.
    pub facts: CaseFacts,
    /// Where it stands.
    pub status: CaseStatus,
    /// Intake's epoch of that status.
    pub epoch: i64,
    /// The case it is merged into.
    pub merged_into: Option<Uuid>,
    /// Since when its age does not count.
    pub resolved_since: Option<Timestamp>,
    /// When it ended; none while it has not, and of a case that ended before this was kept.
    pub ended_since: Option<Timestamp>,
    /// For how long its age did not count before.
    pub held: SignedDuration,
    /// Since when its age does not count because it is held.
    pub held_since: Option<Timestamp>,
    /// Since when there is a proposal.
    pub proposed_since: Option<Timestamp>,
    /// When a person last went to the customer.
    pub last_outward: Option<Timestamp>,
    /// When a person last gave the customer a substantive answer.
    pub last_word: Option<Timestamp>,
    /// Who is responsible.
    pub responsible: Option<String>,
    /// Category suggested from its words.
    pub suggested_category: Option<Category>,
    /// The words that led to it.
    pub category_words: Vec<String>,
    /// Its cluster.
    pub cluster: Uuid,
    /// Revision of its newest decision; 0 before the first.
    pub decision: i64,
    /// Its grade.
    pub grade: Option<Grade>,
    /// Its text, or a later message, says that people are trapped in a lift.
    pub trapped: bool,
    /// Since when it is known that its people last came back after it was handled.
    pub again_since: Option<Timestamp>,
    /// Next words promised to the customer that no word has kept and that wait behind the one on the clock, which is due no later.
    pub promised_later: Vec<PromisedWord>,
    /// Whether a message about it waits for the spokesperson of an incident.
    pub voice_waits: bool,
}

/// A next word that a person promised to the customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromisedWord {
    /// When it was promised.
    pub at: Timestamp,
    /// Until when.
    pub due: Timestamp,
}

impl Case {
    /// Its resource name.
    pub fn name(&self, site: &SiteId) -> CaseName {
        CaseName::new(site.clone(), self.id)
    }

    /// Its category: stated, else suggested.
    pub fn category(&self) -> Option<Category> {
        self.facts.stated_category.or(self.suggested_category)
    }
}

struct Row {
    id: Uuid,
    number: String,
    channel: String,
    historical: bool,
    received_time: jiff_sqlx::Timestamp,
    headcount: i32,
    person_tokens: Vec<String>,
    quality_impact: String,
    wants: String,
    claim: Option<Decimal>,
    assessed_claim: Option<Decimal>,
    repeat: bool,
    needs_advisers: bool,
    stated_category: Option<String>,
    first_contact: Option<String>,
    excluded: Vec<String>,
    facts_revision: i64,
    status: String,
    epoch: i64,
    merged_into: Option<Uuid>,
    resolved_since: Option<jiff_sqlx::Timestamp>,
    held_micros: i64,
    held_since: Option<jiff_sqlx::Timestamp>,
    proposed_since: Option<jiff_sqlx::Timestamp>,
    last_outward: Option<jiff_sqlx::Timestamp>,
    last_word: Option<jiff_sqlx::Timestamp>,
    responsible: Option<String>,
    suggested_category: Option<String>,
    category_words: Vec<String>,
    cluster: Uuid,
    decision: i64,
    grade: Option<i16>,
    trapped: bool,
    again_since: Option<jiff_sqlx::Timestamp>,
    promised_later: serde_json::Value,
    ended_since: Option<jiff_sqlx::Timestamp>,
    voice_waits: bool,
}

impl Row {
    fn read(self) -> Result<Case, Fault> {
        Ok(Case {
            id: self.id,
            facts: CaseFacts {
                number: self.number,
                channel: word(&self.channel)?,
                historical: self.historical,
                received: self.received_time.to_jiff(),
                people: People {
                    headcount: count_of_row(self.headcount),
                    tokens: self.person_tokens.into_iter().collect(),
                },
                quality_impact: word(&self.quality_impact)?,
                wants: word(&self.wants)?,
                claim: self.claim,
                assessed_claim: self.assessed_claim,
                repeat: self.repeat,
                needs_advisers: self.needs_advisers,
                stated_category: self.stated_category.as_deref().map(word).transpose()?,
                first_contact: self.first_contact,
                excluded: self.excluded,
                revision: self.facts_revision,
            },
            status: word(&self.status)?,
            epoch: self.epoch,
            merged_into: self.merged_into,
            resolved_since: self.resolved_since.map(jiff_sqlx::Timestamp::to_jiff),
            ended_since: self.ended_since.map(jiff_sqlx::Timestamp::to_jiff),
            held: SignedDuration::from_micros(self.held_micros),
            held_since: self.held_since.map(jiff_sqlx::Timestamp::to_jiff),
            proposed_since: self.proposed_since.map(jiff_sqlx::Timestamp::to_jiff),
            last_outward: self.last_outward.map(jiff_sqlx::Timestamp::to_jiff),
            last_word: self.last_word.map(jiff_sqlx::Timestamp::to_jiff),
            responsible: self.responsible,
            suggested_category: self.suggested_category.as_deref().map(word).transpose()?,
            category_words: self.category_words,
            cluster: self.cluster,
            decision: self.decision,
            grade: self.grade.and_then(grade_of_row),
            trapped: self.trapped,
            again_since: self.again_since.map(jiff_sqlx::Timestamp::to_jiff),
            promised_later: serde_json::from_value(self.promised_later).map_err(Fault::internal)?,
            voice_waits: self.voice_waits,
        })
    }
}

/// A grade as we wrote it.
pub(crate) fn grade_of_row(grade: i16) -> Option<Grade> {
    u8::try_from(grade).ok().and_then(Grade::new)
}

/// The case, locked until the transaction ends; none when it is not known.
pub async fn lock(tx: &mut Tx, site: &SiteId, id: Uuid) -> Result<Option<Case>, Fault> {
    sqlx::query_as!(
        Row,
        "-- triage::store::cases::lock
        SELECT id, number, channel, historical, received_time, headcount, person_tokens, quality_impact, wants,
               claim, assessed_claim, repeat, needs_advisers, stated_category, first_contact, excluded,
               facts_revision, status, epoch, merged_into, resolved_since, held_micros, held_since,
               proposed_since, last_outward, last_word, responsible, suggested_category,
               category_words, cluster, decision, grade, trapped, again_since, promised_later,
               ended_since, voice_waits
        FROM case_file WHERE site = $1 AND id = $2 FOR UPDATE",
        site.as_str(),
        id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?
    .map(Row::read)
    .transpose()
}

/// Forgets what somebody wrote about an erased case in their own words, for good: the tables keep none of it any more
/// (migration 0100). A repeat changes nothing. The case is locked.
///
/// # Errors
/// When Postgres is away.
pub async fn erase(tx: &mut Tx, site: &SiteId, id: Uuid) -> Result<(), Fault> {
    sqlx::query!(
        "-- triage::cases::erase
        UPDATE case_file SET erased = true WHERE site = $1 AND id = $2 AND NOT erased",
        site.as_str(),
        id,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    sqlx::query!(
        "-- triage::cases::erase
        UPDATE case_hold SET note = note WHERE site = $1 AND case_id = $2",
        site.as_str(),
        id,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    sqlx::query!(
        "-- triage::cases::erase
        UPDATE signal SET dismiss_reason = dismiss_reason WHERE site = $1 AND case_id = $2 AND dismiss_reason IS NOT NULL",
        site.as_str(),
        id,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// The case as it is now, not locked; none when it is not known.
pub async fn get(tx: &mut Tx, site: &SiteId, id: Uuid) -> Result<Option<Case>, Fault> {
    sqlx::query_as!(
        Row,
        "-- triage::store::cases::get
        SELECT id, number, channel, historical, received_time, headcount, person_tokens, quality_impact, wants,
               claim, assessed_claim, repeat, needs_advisers, stated_category, first_contact, excluded,
               facts_revision, status, epoch, merged_into, resolved_since, held_micros, held_since,
               proposed_since, last_outward, last_word, responsible, suggested_category,
               category_words, cluster, decision, grade, trapped, again_since, promised_later,
               ended_since, voice_waits
        FROM case_file WHERE site = $1 AND id = $2",
        site.as_str(),
        id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?
    .map(Row::read)
    .transpose()
}

/// These cases, locked in order until the transaction ends.
pub async fn lock_many(
    tx: &mut Tx,
    site: &SiteId,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Case>, Fault> {
    sqlx::query_as!(
        Row,
        "-- triage::store::cases::lock_many
        SELECT id, number, channel, historical, received_time, headcount, person_tokens, quality_impact, wants,
               claim, assessed_claim, repeat, needs_advisers, stated_category, first_contact, excluded,
               facts_revision, status, epoch, merged_into, resolved_since, held_micros, held_since,
               proposed_since, last_outward, last_word, responsible, suggested_category,
               category_words, cluster, decision, grade, trapped, again_since, promised_later,
               ended_since, voice_waits
        FROM case_file WHERE site = $1 AND id = ANY ($2) ORDER BY id FOR UPDATE",
        site.as_str(),
        ids,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?
    .into_iter()
    .map(|row| Ok((row.id, row.read()?)))
    .collect()
}

/// Live cases in one of these statuses after this id, as they are now; not locked.
pub async fn in_status(
    tx: &mut Tx,
    site: &SiteId,
    statuses: &[CaseStatus],
    after: Uuid,
    limit: i64,
) -> Result<Vec<Case>, Fault> {
    let statuses: Vec<String> = statuses.iter().map(|s| s.word().to_owned()).collect();
    sqlx::query_as!(
        Row,
        "-- triage::store::cases::in_status
        SELECT id, number, channel, historical, received_time, headcount, person_tokens, quality_impact, wants,
               claim, assessed_claim, repeat, needs_advisers, stated_category, first_contact, excluded,
               facts_revision, status, epoch, merged_into, resolved_since, held_micros, held_since,
               proposed_since, last_outward, last_word, responsible, suggested_category,
               category_words, cluster, decision, grade, trapped, again_since, promised_later,
               ended_since, voice_waits
        FROM case_file
        WHERE site = $1 AND NOT historical AND status = ANY ($2) AND id > $3 ORDER BY id LIMIT $4",
        site.as_str(),
        &statuses,
        after,
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?
    .into_iter()
    .map(Row::read)
    .collect()
}

/// The cases that were merged into this one, as they are now; not locked.
pub async fn merged_into(tx: &mut Tx, site: &SiteId, head: Uuid) -> Result<Vec<Case>, Fault> {
    sqlx::query_as!(
        Row,
        "-- triage::store::cases::merged_into
        SELECT id, number, channel, historical, received_time, headcount, person_tokens, quality_impact, wants,
               claim, assessed_claim, repeat, needs_advisers, stated_category, first_contact, excluded,
               facts_revision, status, epoch, merged_into, resolved_since, held_micros, held_since,
               proposed_since, last_outward, last_word, responsible,
               suggested_category, category_words, cluster, decision, grade, trapped, again_since, promised_later,
               ended_since, voice_waits
        FROM case_file WHERE site = $1 AND merged_into = $2 ORDER BY id",
        site.as_str(),
        head,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?
    .into_iter()
    .map(Row::read)
    .collect()
}

/// When the first complaint of those was made that were merged into this case; none where none was.
pub async fn first_merged(
    tx: &mut Tx,
    site: &SiteId,
    head: Uuid,
) -> Result<Option<Timestamp>, Fault> {
    let first = sqlx::query_scalar!(
        "-- triage::store::cases::first_merged
        SELECT min(received_time) FROM case_file WHERE site = $1 AND merged_into = $2",
        site.as_str(),
        head,
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()?;
    Ok(first.map(jiff_sqlx::Timestamp::to_jiff))
}

/// Where a case stands, as it was last committed; none where it is not known.
pub async fn status(tx: &mut Tx, site: &SiteId, id: Uuid) -> Result<Option<CaseStatus>, Fault> {
    let status = sqlx::query_scalar!(
        "-- triage::store::cases::status
        SELECT status FROM case_file WHERE site = $1 AND id = $2",
        site.as_str(),
        id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    status.as_deref().map(word).transpose()
}

/// Whether the case is known.
pub async fn exists(tx: &mut Tx, site: &SiteId, id: Uuid) -> Result<bool, Fault> {
    sqlx::query_scalar!(
        "-- triage::store::cases::exists
        SELECT EXISTS (SELECT FROM case_file WHERE site = $1 AND id = $2) AS \"exists!\"",
        site.as_str(),
        id,
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()
}

/// Whether one of its people had complained about the same matter before, and that had been handled when this case came
/// in. Nobody who filed once costs more than a look at the cluster's people, however many cases it has.
pub async fn came_back(tx: &mut Tx, site: &SiteId, case: &Case) -> Result<bool, Fault> {
    let tokens: Vec<String> = case.facts.people.tokens.iter().cloned().collect();
    if tokens.is_empty() {
        return Ok(false);
    }
    sqlx::query_scalar!(
        "-- triage::store::cases::came_back
        SELECT EXISTS (
          SELECT FROM cluster_person p WHERE p.site = $1 AND p.cluster = $2 AND p.token = ANY ($5) AND p.cases > 1
        ) AND EXISTS (
          SELECT FROM case_file c
          WHERE c.site = $1 AND c.cluster = $2 AND c.id <> $3 AND c.received_time <= $4
            AND c.person_tokens && $5
            AND (c.status IN ('RESOLVED', 'CLOSED', 'ARCHIVED') AND c.resolved_since <= $4
                 OR EXISTS (SELECT FROM case_file o WHERE o.site = $1 AND o.id = $3 AND c.id = ANY (o.again_of)))
        ) AS \"came_back!\"",
        site.as_str(),
        case.cluster,
        case.id,
        case.facts.received.to_sqlx(),
        &tokens,
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()
}

/// The earlier cases of its people in the same matter that were resolved, and not more, when this one came in: each with
/// intake's epoch of that resolution, and each named once. History is opened for nobody. The case must be locked.
pub async fn take_resolved(
    tx: &mut Tx,
    site: &SiteId,
    case: &Case,
) -> Result<Vec<(Uuid, i64)>, Fault> {
    let tokens: Vec<String> = case.facts.people.tokens.iter().cloned().collect();
    let rows = sqlx::query!(
        "-- triage::store::cases::take_resolved
        WITH found AS (
          SELECT c.id, c.epoch FROM case_file c
          WHERE c.site = $1 AND c.cluster = $2 AND c.id <> $3 AND NOT c.historical AND c.received_time <= $4
            AND c.status = 'RESOLVED' AND c.resolved_since <= $4 AND c.person_tokens && $5
            AND NOT EXISTS (SELECT FROM case_file o WHERE o.site = $1 AND o.id = $3 AND c.id = ANY (o.again_of))),
        kept AS (
          UPDATE case_file SET again_of = again_of || ARRAY (SELECT f.id FROM found f)
          WHERE site = $1 AND id = $3 AND EXISTS (SELECT FROM found))
        SELECT f.id AS \"id!\", f.epoch AS \"epoch!\" FROM found f ORDER BY f.id",
        site.as_str(),
        case.cluster,
        case.id,
        case.facts.received.to_sqlx(),
        &tokens,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    Ok(rows.into_iter().map(|row| (row.id, row.epoch)).collect())
}

/// The live cases with which people of a resolved case came back, as far as they came in at its resolution or after it and
/// before that was heard of here. Nobody who filed once costs more than a look at the cluster's people.
pub async fn came_after(tx: &mut Tx, site: &SiteId, case: &Case) -> Result<Vec<Uuid>, Fault> {
    let tokens: Vec<String> = case.facts.people.tokens.iter().cloned().collect();
    let Some(resolved) = case.resolved_since.filter(|_| !tokens.is_empty()) else {
        return Ok(Vec::new());
    };
    sqlx::query_scalar!(
        "-- triage::store::cases::came_after
        SELECT o.id FROM case_file o
        WHERE o.site = $1 AND o.cluster = $2 AND o.id <> $3 AND NOT o.historical AND o.received_time >= $4
          AND o.person_tokens && $5 AND NOT $3 = ANY (o.again_of)
          AND EXISTS (SELECT FROM cluster_person p
                      WHERE p.site = $1 AND p.cluster = $2 AND p.token = ANY ($5) AND p.cases > 1)",
        site.as_str(),
        case.cluster,
        case.id,
        resolved.to_sqlx(),
        &tokens,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()
}

/// Whether the case is known and this person may see it: whoever is complained about finds nothing.
pub async fn is_visible(
    tx: &mut Tx,
    site: &SiteId,
    id: Uuid,
    staff: Option<&str>,
) -> Result<bool, Fault> {
    sqlx::query_scalar!(
        "-- triage::store::cases::is_visible
        SELECT EXISTS (SELECT FROM case_file
                       WHERE site = $1 AND id = $2 AND ($3::text IS NULL OR NOT $3 = ANY (excluded))) AS \"visible!\"",
        site.as_str(),
        id,
        staff,
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()
}

/// Cases of a site that this person may see, by id, each with the revision of its newest decision.
pub async fn decided(
    tx: &mut Tx,
    site: &SiteId,
    case: Option<Uuid>,
    after: Option<Uuid>,
    staff: Option<&str>,
    limit: i64,
) -> Result<Vec<(Uuid, i64)>, Fault> {
    let rows = sqlx::query!(
        "-- triage::store::cases::decided
        SELECT id, decision FROM case_file
        WHERE site = $1 AND ($2::uuid IS NULL OR id = $2) AND ($3::uuid IS NULL OR id > $3)
          AND ($4::text IS NULL OR NOT $4 = ANY (excluded))
        ORDER BY id LIMIT $5",
        site.as_str(),
        case,
        after,
        staff,
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    Ok(rows.into_iter().map(|row| (row.id, row.decision)).collect())
}

/// Adds a case.
pub async fn insert(
    tx: &mut Tx,
    site: &SiteId,
    case: &Case,
    similarity: f64,
    now: Timestamp,
) -> Result<(), Fault> {
    let facts = &case.facts;
    let tokens: Vec<String> = facts.people.tokens.iter().cloned().collect();
    sqlx::query!(
        "-- triage::store::cases::insert
        INSERT INTO case_file (site, id, number, channel, historical, received_time, headcount, person_tokens,
          quality_impact, wants, claim, assessed_claim, repeat, needs_advisers, stated_category, first_contact,
          excluded, facts_revision, status, epoch, resolved_since, suggested_category, category_words, cluster,
          similarity, create_time, merged_into, trapped, ended_since)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
          $22, $23, $24, $25, $26, $27, $28, $29)",
        site.as_str(),
        case.id,
        facts.number,
        facts.channel.word(),
        facts.historical,
        facts.received.to_sqlx(),
        count_to_row(facts.people.headcount),
        &tokens,
        facts.quality_impact.word(),
        facts.wants.word(),
        facts.claim,
        facts.assessed_claim,
        facts.repeat,
        facts.needs_advisers,
        facts.stated_category.map(Category::word),
        facts.first_contact,
        &facts.excluded,
        facts.revision,
        case.status.word(),
        case.epoch,
        case.resolved_since.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        case.suggested_category.map(Category::word),
        &case.category_words,
        case.cluster,
        similarity,
        now.to_sqlx(),
        case.merged_into,
        case.trapped,
        case.ended_since.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Replaces the facts of a case.
pub async fn set_facts(
    tx: &mut Tx,
    site: &SiteId,
    id: Uuid,
    facts: &CaseFacts,
) -> Result<(), Fault> {
    let tokens: Vec<String> = facts.people.tokens.iter().cloned().collect();
    sqlx::query!(
        "-- triage::store::cases::set_facts
        UPDATE case_file SET number = $3, channel = $4, received_time = $5, headcount = $6, person_tokens = $7,
          quality_impact = $8, wants = $9, claim = $10, assessed_claim = $11, repeat = $12, needs_advisers = $13,
          stated_category = $14, first_contact = $15, excluded = $16, facts_revision = $17
        WHERE site = $1 AND id = $2",
        site.as_str(),
        id,
        facts.number,
        facts.channel.word(),
        facts.received.to_sqlx(),
        count_to_row(facts.people.headcount),
        &tokens,
        facts.quality_impact.word(),
        facts.wants.word(),
        facts.claim,
        facts.assessed_claim,
        facts.repeat,
        facts.needs_advisers,
        facts.stated_category.map(Category::word),
        facts.first_contact,
        &facts.excluded,
        facts.revision,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Keeps where a case stands and for how long its age did not count.
pub async fn set_status(tx: &mut Tx, site: &SiteId, case: &Case) -> Result<(), Fault> {
    let held = i64::try_from(case.held.as_micros()).unwrap_or(i64::MAX);
    sqlx::query!(
        "-- triage::store::cases::set_status
        UPDATE case_file SET status = $3, epoch = $4, resolved_since = $5, held_micros = $6, merged_into = $7,
          held_since = $8, proposed_since = $9, ended_since = $10
        WHERE site = $1 AND id = $2",
        site.as_str(),
        case.id,
        case.status.word(),
        case.epoch,
        case.resolved_since.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        held,
        case.merged_into,
        case.held_since.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        case.proposed_since.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        case.ended_since.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Keeps when a person last went to the customer, and last with a substantive answer, and which promised words wait.
pub async fn set_words(tx: &mut Tx, site: &SiteId, case: &Case) -> Result<(), Fault> {
    let promised_later = serde_json::to_value(&case.promised_later).map_err(Fault::internal)?;
    sqlx::query!(
        "-- triage::store::cases::set_words
        UPDATE case_file SET last_outward = $3, last_word = $4, promised_later = $5 WHERE site = $1 AND id = $2",
        site.as_str(),
        case.id,
        case.last_outward.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        case.last_word.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        promised_later,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Keeps whether a message about a case waits for the spokesperson of an incident.
pub async fn set_voice_waits(tx: &mut Tx, site: &SiteId, case: &Case) -> Result<(), Fault> {
    sqlx::query!(
        "-- triage::store::cases::set_voice_waits
        UPDATE case_file SET voice_waits = $3 WHERE site = $1 AND id = $2",
        site.as_str(),
        case.id,
        case.voice_waits,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Keeps that a later message says that people are trapped in a lift.
pub async fn set_trapped(tx: &mut Tx, site: &SiteId, case: Uuid) -> Result<(), Fault> {
    sqlx::query!(
        "-- triage::store::cases::set_trapped
        UPDATE case_file SET trapped = true WHERE site = $1 AND id = $2",
        site.as_str(),
        case,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Keeps since when it is known that the people of a case came back after it was handled.
pub async fn set_again(tx: &mut Tx, site: &SiteId, case: &Case) -> Result<(), Fault> {
    sqlx::query!(
        "-- triage::store::cases::set_again
        UPDATE case_file SET again_since = $3 WHERE site = $1 AND id = $2",
        site.as_str(),
        case.id,
        case.again_since.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Keeps until when the media desk of their incident has said of every report what is true of it, unless it is known to have
/// done so later. Returns those of the cases that did not know it, which must be locked.
pub async fn set_assessed(
    tx: &mut Tx,
    site: &SiteId,
    ids: &[Uuid],
    until: Timestamp,
) -> Result<Vec<Uuid>, Fault> {
    sqlx::query_scalar!(
        "-- triage::store::cases::set_assessed
        UPDATE case_file SET assessed_until = $3
        WHERE site = $1 AND id = ANY ($2) AND (assessed_until IS NULL OR assessed_until < $3)
        RETURNING id",
        site.as_str(),
        ids,
        until.to_sqlx(),
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()
}

/// Until when the media desks of these cases' incidents have said of every report what is true of it.
pub async fn assessed_until(
    tx: &mut Tx,
    site: &SiteId,
    ids: &[Uuid],
) -> Result<Option<Timestamp>, Fault> {
    let until = sqlx::query_scalar!(
        "-- triage::store::cases::assessed_until
        SELECT max(assessed_until) FROM case_file WHERE site = $1 AND id = ANY ($2)",
        site.as_str(),
        ids,
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()?;
    Ok(until.map(jiff_sqlx::Timestamp::to_jiff))
}

/// Keeps who is responsible, unless a newer owner is known.
pub async fn set_owner(
    tx: &mut Tx,
    site: &SiteId,
    id: Uuid,
    responsible: Option<&str>,
    revision: i64,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- triage::store::cases::set_owner
        UPDATE case_file SET responsible = $3, owner_revision = $4
        WHERE site = $1 AND id = $2 AND owner_revision < $4",
        site.as_str(),
        id,
        responsible,
        revision,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Keeps the newest decision of a case.
pub async fn set_decision(
    tx: &mut Tx,
    site: &SiteId,
    id: Uuid,
    revision: i64,
    grade: Grade,
    proposed: Option<Grade>,
    people_aside: bool,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- triage::store::cases::set_decision
        UPDATE case_file SET decision = $3, grade = $4, proposed_grade = $5, people_aside = $6
        WHERE site = $1 AND id = $2",
        site.as_str(),
        id,
        revision,
        i16::from(grade.value()),
        proposed.map(|grade| i16::from(grade.value())),
        people_aside,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}
