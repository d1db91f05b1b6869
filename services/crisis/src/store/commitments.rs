//! What was promised at briefings.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::{BriefingName, CommitmentName, SiteId, StaffId};
use redress_model::words::{ClockKind, ClockState};
use redress_store::{OneRowExt as _, StoreResultExt as _, Tx};
use uuid::Uuid;

use super::read;
use crate::domain::briefing::{CommitmentState, Promised, Settled};
use crate::domain::words::Stage;

/// A commitment.
#[derive(Debug, Clone)]
pub struct Commitment {
    /// Site and id.
    pub name: CommitmentName,
    /// Its incident.
    pub incident: Uuid,
    /// The briefing at which it was made.
    pub briefing: BriefingName,
    /// That one's number.
    pub number: i32,
    /// What.
    pub text: String,
    /// Who keeps it.
    pub owner: StaffId,
    /// The stage in which it was made.
    pub stage: Stage,
    /// By when.
    pub due: Timestamp,
    /// The entry of the log that tells of it.
    pub log: i64,
    /// Where it stands.
    pub state: CommitmentState,
    /// What became of it; none while it is open.
    pub settled: Option<Settled>,
    /// Rises with every change.
    pub revision: i64,
    /// Where its clock stands.
    pub clock: ClockState,
}

struct Row {
    site: String,
    id: Uuid,
    incident: Uuid,
    briefing: Uuid,
    number: i32,
    text: String,
    owner: String,
    stage: String,
    due_time: jiff_sqlx::Timestamp,
    make_log: i64,
    state: String,
    settle_time: Option<jiff_sqlx::Timestamp>,
    settled_by: Option<String>,
    outcome: Option<String>,
    settle_log: Option<i64>,
    revision: i64,
    clock: String,
}

impl TryFrom<Row> for Commitment {
    type Error = Fault;

    fn try_from(row: Row) -> Result<Self, Fault> {
        let site: SiteId = read(&row.site)?;
        Ok(Self {
            name: CommitmentName::new(site.clone(), row.id),
            incident: row.incident,
            briefing: BriefingName::new(site, row.briefing),
            number: row.number,
            text: row.text,
            owner: read(&row.owner)?,
            stage: read(&row.stage)?,
            due: row.due_time.to_jiff(),
            log: row.make_log,
            state: read(&row.state)?,
            settled: match (row.settle_time, row.settled_by, row.outcome, row.settle_log) {
                (Some(at), Some(by), Some(text), Some(log)) => Some(Settled {
                    log,
                    at: at.to_jiff(),
                    by,
                    text,
                }),
                _ => None,
            },
            revision: row.revision,
            clock: read(&row.clock)?,
        })
    }
}

/// Records a new commitment. Its clock is started beside it.
///
/// # Errors
/// When Postgres is away.
pub async fn insert(tx: &mut Tx, commitment: &Commitment) -> Result<(), Fault> {
    sqlx::query!(
        "-- crisis::store::commitments::insert
        INSERT INTO commitment (site, id, incident, briefing, text, owner, stage, due_time, make_log, state, revision)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        commitment.name.site.as_str(),
        commitment.name.id,
        commitment.incident,
        commitment.briefing.id,
        commitment.text,
        commitment.owner.as_str(),
        commitment.stage.word(),
        commitment.due.to_sqlx(),
        commitment.log,
        commitment.state.word(),
        commitment.revision,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Settles an open commitment, under the lock of its incident.
///
/// # Errors
/// When Postgres is away.
pub async fn settle(
    tx: &mut Tx,
    name: &CommitmentName,
    state: CommitmentState,
    settled: &Settled,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- crisis::store::commitments::settle
        UPDATE commitment SET state = $3, settle_time = $4, settled_by = $5, outcome = $6, settle_log = $7, revision = revision + 1
        WHERE site = $1 AND id = $2 AND state = 'OPEN'",
        name.site.as_str(),
        name.id,
        state.word(),
        settled.at.to_sqlx(),
        settled.by,
        settled.text,
        settled.log,
    )
    .execute(&mut **tx)
    .await
    .one_row("a commitment was settled without its lock")
}

/// A commitment.
///
/// # Errors
/// When Postgres is away.
pub async fn get(tx: &mut Tx, site: &SiteId, id: Uuid) -> Result<Option<Commitment>, Fault> {
    sqlx::query_as!(
        Row,
        r#"-- crisis::store::commitments::get
        SELECT c.site, c.id, c.incident, c.briefing, b.number, c.text, c.owner, c.stage, c.due_time, c.make_log, c.state,
               c.settle_time, c.settled_by, c.outcome, c.settle_log, c.revision, k.state AS clock
        FROM commitment c
        JOIN briefing b ON b.site = c.site AND b.id = c.briefing
        JOIN incident_clock k ON k.site = c.site AND k.kind = $3 AND k.subject = c.id
        WHERE c.site = $1 AND c.id = $2"#,
        site.as_str(),
        id,
        ClockKind::Commitment.word(),
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?
    .map(TryInto::try_into)
    .transpose()
}

/// Who keeps a commitment.
///
/// # Errors
/// When Postgres is away.
pub async fn owner(tx: &mut Tx, site: &SiteId, id: Uuid) -> Result<Option<StaffId>, Fault> {
    let owner = sqlx::query_scalar!(
        "-- crisis::store::commitments::owner
        SELECT owner FROM commitment WHERE site = $1 AND id = $2",
        site.as_str(),
        id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    owner.as_deref().map(read).transpose()
}

/// The commitments of an incident after a key, the soonest due first.
///
/// # Errors
/// When Postgres is away.
pub async fn list(
    tx: &mut Tx,
    site: &SiteId,
    incident: Uuid,
    state: Option<CommitmentState>,
    after: Option<&(Timestamp, Uuid)>,
    limit: i64,
) -> Result<Vec<Commitment>, Fault> {
    sqlx::query_as!(
        Row,
        r#"-- crisis::store::commitments::list
        SELECT c.site, c.id, c.incident, c.briefing, b.number, c.text, c.owner, c.stage, c.due_time, c.make_log, c.state,
               c.settle_time, c.settled_by, c.outcome, c.settle_log, c.revision, k.state AS clock
        FROM commitment c
        JOIN briefing b ON b.site = c.site AND b.id = c.briefing
        JOIN incident_clock k ON k.site = c.site AND k.incident = c.incident AND k.kind = $3 AND k.subject = c.id
        WHERE c.site = $1 AND c.incident = $2 AND ($4::text IS NULL OR c.state = $4)
          AND ($5::timestamptz IS NULL OR (c.due_time, c.id) > ($5, $6))
        ORDER BY c.due_time, c.id LIMIT $7"#,
        site.as_str(),
        incident,
        ClockKind::Commitment.word(),
        state.map(|s| s.word()),
        after.map(|a| a.0.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        after.map(|a| a.1),
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?
    .into_iter()
    .map(TryInto::try_into)
    .collect()
}

/// Commitments as the notes of an incident tell of them: those of its briefings, and those that came with an incident
/// that was merged into it, gone on since or not. What was settled elsewhere stays open here, since this log does not
/// tell of it.
///
/// # Errors
/// When Postgres is away.
pub async fn promised(tx: &mut Tx, site: &SiteId, incident: Uuid) -> Result<Vec<Promised>, Fault> {
    let rows = sqlx::query!(
        r#"-- crisis::store::commitments::promised
        SELECT CASE WHEN b.incident = $2 THEN b.number ELSE 0 END AS "briefing!",
               CASE WHEN b.incident = $2 THEN c.make_log ELSE coalesce(p.join_log, c.join_log, 0) END AS "log!",
               c.incident = $2 AS "here!", c.text, c.owner, c.due_time AS "due_time: jiff_sqlx::Timestamp", c.state,
               c.settle_time AS "settle_time: jiff_sqlx::Timestamp", c.settled_by, c.outcome, c.settle_log
        FROM commitment c JOIN briefing b ON b.site = c.site AND b.id = c.briefing
        LEFT JOIN commitment_passed p ON p.site = c.site AND p.commitment = c.id AND p.incident = $2
        WHERE c.site = $1 AND (c.incident = $2 OR b.incident = $2 OR p.incident = $2) ORDER BY c.due_time, c.id"#,
        site.as_str(),
        incident,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|r| {
            Ok(Promised {
                briefing: r.briefing,
                log: r.log,
                text: r.text,
                owner: read(&r.owner)?,
                due: r.due_time.to_jiff(),
                kept: read::<CommitmentState>(&r.state)? == CommitmentState::Kept,
                settled: match (r.settle_time, r.settled_by, r.outcome, r.settle_log) {
                    (Some(at), Some(by), Some(text), Some(log)) if r.here => Some(Settled {
                        log,
                        at: at.to_jiff(),
                        by,
                        text,
                    }),
                    _ => None,
                },
            })
        })
        .collect()
}

/// Moves the open commitments of one incident, and their clocks, to the one that it goes into; the entry of that one's
/// log tells of it. Of those that had come to it by a merger it is kept that they passed.
///
/// # Errors
/// When Postgres is away.
pub async fn move_open(
    tx: &mut Tx,
    site: &SiteId,
    from: Uuid,
    into: Uuid,
    log: i64,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- crisis::store::commitments::move_open
        WITH passed AS (
          -- As they are before they move: one statement sees one snapshot.
          INSERT INTO commitment_passed (site, commitment, incident, join_log)
          SELECT site, id, incident, join_log FROM commitment
          WHERE site = $1 AND incident = $2 AND state = 'OPEN' AND join_log IS NOT NULL
        ), moved AS (
          UPDATE commitment SET incident = $3, join_log = $5, revision = revision + 1
          WHERE site = $1 AND incident = $2 AND state = 'OPEN' RETURNING id
        )
        UPDATE incident_clock k SET incident = $3 FROM moved
        WHERE k.site = $1 AND k.incident = $2 AND k.kind = $4 AND k.subject = moved.id",
        site.as_str(),
        from,
        into,
        ClockKind::Commitment.word(),
        log,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}
