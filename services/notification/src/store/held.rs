//! Messages that wait for the spokesperson, and what became of them. Rows stay.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::{CaseName, IncidentName, MessageName, SiteId};
use redress_model::words::ClockKind;
use redress_store::{StoreResultExt as _, Tx};
use uuid::Uuid;

use super::messages::Message;
use super::word;
use crate::domain::words::HoldDecision;

/// A message that is or was held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The message.
    pub message: MessageName,
    /// The incident that holds it.
    pub incident: Uuid,
    /// Its case.
    pub case: Option<Uuid>,
    /// Since when.
    pub since: Timestamp,
    /// By when it is to be decided.
    pub decide_by: Timestamp,
    /// Whom that was told: 0 nobody, 1 the spokesperson, 2 the top lead too.
    pub told: i16,
    /// What became of it; none while it waits.
    pub decision: Option<HoldDecision>,
    /// Who decided.
    pub decided_by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub decided: Option<Timestamp>,
}

struct Row {
    site: String,
    message_id: Uuid,
    incident_id: Uuid,
    case_id: Option<Uuid>,
    hold_time: jiff_sqlx::Timestamp,
    due_time: jiff_sqlx::Timestamp,
    told: i16,
    decision: String,
    decided_by: String,
    reason: String,
    decide_time: Option<jiff_sqlx::Timestamp>,
}

impl Row {
    fn read(self) -> Result<Held, Fault> {
        let site: SiteId = self.site.parse().map_err(Fault::internal)?;
        let decision = match self.decision.as_str() {
            "" => None,
            decided => Some(word(decided)?),
        };
        Ok(Held {
            message: MessageName::new(site, self.message_id),
            incident: self.incident_id,
            case: self.case_id,
            since: self.hold_time.to_jiff(),
            decide_by: self.due_time.to_jiff(),
            told: self.told,
            decision,
            decided_by: self.decided_by,
            reason: self.reason,
            decided: self.decide_time.map(|t| t.to_jiff()),
        })
    }
}

/// The open incident that affects a reader, or a case; none where nobody has to wait. It affects whoever complains in one of
/// its cases, or in another case of their clusters. Those cases are found by what the reader was written about, which has an
/// index: operators of arrays use none under row security.
pub async fn open_incident(
    tx: &mut Tx,
    site: &SiteId,
    token: &str,
    case: Option<Uuid>,
) -> Result<Option<Uuid>, Fault> {
    sqlx::query_scalar!(
        "-- notification::held::open_incident
        SELECT i.incident_id FROM incident_view i
        WHERE i.site = $1 AND NOT i.merged AND NOT i.closed
          AND ($3 = ANY (i.case_ids)
               OR EXISTS (SELECT FROM case_view c
                          WHERE c.site = i.site AND (c.case_id = ANY (i.case_ids) OR c.merged_into = ANY (i.case_ids))
                            AND $2 = ANY (c.person_tokens))
               OR EXISTS (SELECT FROM message r
                          JOIN case_view n ON n.site = r.site AND n.case_id = r.case_id
                          JOIN case_view c ON c.site = n.site AND c.cluster_ids && n.cluster_ids
                          WHERE r.site = i.site AND r.recipient_kind = 'COMPLAINANT' AND r.recipient = $2
                            AND $2 = ANY (n.person_tokens) AND c.case_id = ANY (i.case_ids)))
        ORDER BY i.incident_id LIMIT 1",
        site.as_str(),
        token,
        case,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()
}

/// When the next of a case's running promises of these kinds is due; none where none runs.
pub async fn promise_due(
    tx: &mut Tx,
    case: &CaseName,
    kinds: &[ClockKind],
) -> Result<Option<Timestamp>, Fault> {
    let kinds: Vec<String> = kinds.iter().map(|kind| kind.word().to_owned()).collect();
    let due = sqlx::query_scalar!(
        "-- notification::held::promise_due
        SELECT min(due_time) AS due FROM clock_view
        WHERE site = $1 AND case_id = $2 AND kind = ANY ($3) AND state IN ('RUNNING', 'BREACHED')",
        case.site.as_str(),
        case.id,
        &kinds,
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()?;
    Ok(due.map(|t: jiff_sqlx::Timestamp| t.to_jiff()))
}

/// Whether a promise of these kinds runs for a message's case that lets it pass an open incident: one that the message's own
/// writer did not make for it. It was entered before the incident opened; or before the message was written, and on another's word
/// than its writer's. One of which triage did not say that counts.
pub async fn passes_by(
    tx: &mut Tx,
    message: &Message,
    case: &CaseName,
    incident: Uuid,
    kinds: &[ClockKind],
) -> Result<bool, Fault> {
    let kinds: Vec<String> = kinds.iter().map(|kind| kind.word().to_owned()).collect();
    sqlx::query_scalar!(
        r#"-- notification::held::passes_by
        SELECT EXISTS (
          SELECT FROM clock_view c
          LEFT JOIN incident_view i ON i.site = c.site AND i.incident_id = $4
          LEFT JOIN said_text s ON s.site = c.site AND s.message_id = $5
          WHERE c.site = $1 AND c.case_id = $2 AND c.kind = ANY ($3) AND c.state IN ('RUNNING', 'BREACHED')
            AND (c.made_time IS NULL OR c.made_time < i.open_time
                 OR (c.made_time <= $6 AND (c.made_by = '' OR c.made_by IS DISTINCT FROM s.author)))) AS "any!""#,
        case.site.as_str(),
        case.id,
        &kinds,
        incident,
        message.name.id,
        message.create_time.to_sqlx(),
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()
}

/// Begins to hold a message, also one that was let go without anybody's decision: nobody decided about this one.
pub async fn insert(tx: &mut Tx, held: &Held) -> Result<(), Fault> {
    sqlx::query!(
        "-- notification::held::insert
        INSERT INTO held_message (site, message_id, incident_id, case_id, hold_time, due_time)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT ON CONSTRAINT held_message_key DO UPDATE
        SET incident_id = excluded.incident_id, case_id = excluded.case_id, hold_time = excluded.hold_time,
            due_time = excluded.due_time, told = 0, decision = '', reason = '', decide_time = NULL
        WHERE held_message.decision <> '' AND held_message.decided_by = ''",
        held.message.site.as_str(),
        held.message.id,
        held.incident,
        held.case,
        held.since.to_sqlx(),
        held.decide_by.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// What is known of a message that waits or was decided; none where it never waited, or was let go without anybody's
/// decision, which decides nothing for the next incident. The message is locked.
pub async fn get(tx: &mut Tx, message: &MessageName) -> Result<Option<Held>, Fault> {
    sqlx::query_as!(
        Row,
        "-- notification::held::get
        SELECT site, message_id, incident_id, case_id, hold_time, due_time, told, decision, decided_by, reason, decide_time
        FROM held_message WHERE site = $1 AND message_id = $2 AND NOT (decision <> '' AND decided_by = '')",
        message.site.as_str(),
        message.id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?
    .map(Row::read)
    .transpose()
}

/// Writes by when it is to be decided, whom that was told, or what was decided.
pub async fn update(tx: &mut Tx, held: &Held) -> Result<(), Fault> {
    sqlx::query!(
        "-- notification::held::update
        UPDATE held_message
        SET told = $3, decision = $4, decided_by = $5, reason = $6, decide_time = $7, due_time = $8
        WHERE site = $1 AND message_id = $2",
        held.message.site.as_str(),
        held.message.id,
        held.told,
        held.decision.map_or("", HoldDecision::word),
        held.decided_by,
        held.reason,
        held.decided.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        held.decide_by.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// What a list is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// One site; none: all in scope.
    pub site: Option<SiteId>,
    /// One incident.
    pub incident: Option<Uuid>,
    /// Also those that were decided.
    pub decided: bool,
}

/// Held messages, newest first.
pub async fn list(
    tx: &mut Tx,
    filter: &Filter,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Held>, Fault> {
    sqlx::query_as!(
        Row,
        "-- notification::held::list
        SELECT site, message_id, incident_id, case_id, hold_time, due_time, told, decision, decided_by, reason, decide_time
        FROM held_message
        WHERE ($1::text IS NULL OR site = $1) AND ($2::uuid IS NULL OR incident_id = $2)
          AND ($3 OR decision = '') AND ($4::uuid IS NULL OR message_id < $4)
        ORDER BY message_id DESC LIMIT $5",
        filter.site.as_ref().map(SiteId::as_str),
        filter.incident,
        filter.decided,
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

/// How many wait, were released and were dropped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Wait for a decision.
    pub waiting: i64,
    /// Went.
    pub released: i64,
    /// Never went.
    pub dropped: i64,
}

/// Counts what a filter finds, decided or not.
pub async fn count(tx: &mut Tx, filter: &Filter) -> Result<Counts, Fault> {
    sqlx::query_as!(
        Counts,
        r#"-- notification::held::count
        SELECT count(*) FILTER (WHERE decision = '') AS "waiting!",
               count(*) FILTER (WHERE decision = 'RELEASED') AS "released!",
               count(*) FILTER (WHERE decision = 'DROPPED') AS "dropped!"
        FROM held_message WHERE ($1::text IS NULL OR site = $1) AND ($2::uuid IS NULL OR incident_id = $2)"#,
        filter.site.as_ref().map(SiteId::as_str),
        filter.incident,
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()
}

/// How many messages of a case wait. The case is locked, so that two who decide at once do not both see the other's.
pub async fn waiting_of(tx: &mut Tx, case: &CaseName) -> Result<i64, Fault> {
    sqlx::query_scalar!(
        r#"-- notification::held::waiting_of
        SELECT count(*) AS "waiting!" FROM held_message WHERE site = $1 AND case_id = $2 AND decision = ''"#,
        case.site.as_str(),
        case.id,
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()
}

/// Which messages of these cases wait, in the order in which they are locked.
pub async fn waiting_in(
    tx: &mut Tx,
    site: &SiteId,
    cases: &[Uuid],
) -> Result<Vec<MessageName>, Fault> {
    let ids = sqlx::query_scalar!(
        "-- notification::held::waiting_in
        SELECT message_id FROM held_message WHERE site = $1 AND case_id = ANY ($2) AND decision = '' ORDER BY message_id",
        site.as_str(),
        cases,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    Ok(ids
        .into_iter()
        .map(|id| MessageName::new(site.clone(), id))
        .collect())
}

/// An incident went into another, whose spokesperson decides from now on.
pub async fn follow(tx: &mut Tx, from: &IncidentName, into: Uuid) -> Result<(), Fault> {
    sqlx::query!(
        "-- notification::held::follow
        UPDATE held_message SET incident_id = $3 WHERE site = $1 AND incident_id = $2 AND decision = ''",
        from.site.as_str(),
        from.id,
        into,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// What people were about to say or to write, and of which no open incident affects the reader any more, is held no
/// longer: returns what that was. The messages are locked: one that is being held meanwhile stays so. Messages that are
/// HELD are decided by a person alone.
pub async fn free(tx: &mut Tx, site: &SiteId, now: Timestamp) -> Result<Vec<Held>, Fault> {
    sqlx::query_as!(
        Row,
        "-- notification::held::free
        UPDATE held_message h SET decision = 'RELEASED', reason = 'no open incident affects the reader any more', decide_time = $2
        FROM (SELECT m.site, m.message_id, m.recipient FROM message m
              JOIN held_message w ON w.site = m.site AND w.message_id = m.message_id
              WHERE m.site = $1 AND w.decision = '' AND m.state <> 'HELD' FOR UPDATE OF m) m
        WHERE h.site = $1 AND h.decision = '' AND m.site = h.site AND m.message_id = h.message_id
          AND NOT EXISTS (
            SELECT FROM incident_view i
            WHERE i.site = h.site AND NOT i.merged AND NOT i.closed
              AND (h.case_id = ANY (i.case_ids)
                   OR EXISTS (SELECT FROM case_view c
                              WHERE c.site = i.site AND (c.case_id = ANY (i.case_ids) OR c.merged_into = ANY (i.case_ids))
                                AND m.recipient = ANY (c.person_tokens))
                   OR EXISTS (SELECT FROM message r
                              JOIN case_view n ON n.site = r.site AND n.case_id = r.case_id
                              JOIN case_view c ON c.site = n.site AND c.cluster_ids && n.cluster_ids
                              WHERE r.site = i.site AND r.recipient_kind = 'COMPLAINANT' AND r.recipient = m.recipient
                                AND m.recipient = ANY (n.person_tokens) AND c.case_id = ANY (i.case_ids))))
        RETURNING h.site, h.message_id, h.incident_id, h.case_id, h.hold_time, h.due_time, h.told, h.decision, h.decided_by,
                  h.reason, h.decide_time",
        site.as_str(),
        now.to_sqlx(),
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?
    .into_iter()
    .map(Row::read)
    .collect()
}

/// An incident has ended: whatever it still holds is put up for decision now.
pub async fn put_up(tx: &mut Tx, incident: &IncidentName, now: Timestamp) -> Result<(), Fault> {
    let put_up = sqlx::query!(
        "-- notification::held::put_up
        WITH waits AS (
          UPDATE held_message SET told = 0, due_time = least(due_time, $3)
          WHERE site = $1 AND incident_id = $2 AND decision = '' RETURNING message_id)
        UPDATE message SET due_time = $3, revision = revision + 1
        WHERE site = $1 AND state = 'HELD' AND message_id IN (SELECT message_id FROM waits)",
        incident.site.as_str(),
        incident.id,
        now.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?
    .rows_affected();
    if put_up > 0 {
        tx.wake();
    }
    Ok(())
}
