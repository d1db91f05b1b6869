//! Messages: made by drafts, found by what is due, moved by whoever holds their row.
//!
//! Every move goes through [`settle`], which writes the whole mutable part and bumps the revision; the
//! row is locked by [`lock`] before anybody decides, so that two workers, an operator and a reader
//! never overwrite each other.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::name::{CaseName, ClockName, IncidentName, MessageName, SiteId};
use redress_model::{Fault, ids};
use redress_rpc::trace_context;
use redress_store::{Database, StoreResultExt as _, Tx};
use sqlx::types::Json;
use uuid::Uuid;

use super::{surveys, word};
use crate::domain::message::{Draft, Facts, Recipient};
use crate::domain::paging::CALLOUT_PAGES_MAX;
use crate::domain::words::{MessageChannel, MessageState, Provider, RecipientKind, Template};

/// A message.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Its name.
    pub name: MessageName,
    /// What is said.
    pub template: Template,
    /// To whom.
    pub recipient: Recipient,
    /// About which case.
    pub case: Option<CaseName>,
    /// The reader's own case, where it was merged into that one.
    pub known_by: Option<CaseName>,
    /// About which incident.
    pub incident: Option<IncidentName>,
    /// About which clock.
    pub clock: Option<ClockName>,
    /// Which change of that clock; 0 where none.
    pub clock_generation: i64,
    /// Carrying which call-out.
    pub callout_id: Option<Uuid>,
    /// The digest that tells it.
    pub digest: Option<MessageName>,
    /// How many messages a digest tells.
    pub bundled_count: i64,
    /// How it is ordered among others; smaller is graver.
    pub priority: i16,
    /// What the text needs.
    pub facts: Facts,
    /// Wording rules that keep it back, or did at the last attempt.
    pub blocked_rules: Vec<String>,
    /// When it was caused.
    pub create_time: Timestamp,
    /// Its case was erased: text and address are gone.
    pub erased: bool,
    /// The part that moves.
    pub fate: Fate,
}

impl Message {
    /// The case and the incident that it is about.
    pub fn matter(&self) -> (Option<Uuid>, Option<Uuid>) {
        let case = self.case.as_ref().map(|case| case.id);
        (case, self.incident.as_ref().map(|incident| incident.id))
    }
}

/// The part of a message that moves.
#[derive(Debug, Clone, PartialEq)]
pub struct Fate {
    /// Where it stands.
    pub state: MessageState,
    /// When something happens next.
    pub due_time: Option<Timestamp>,
    /// Who holds it while SENDING.
    pub lease_token: Option<Uuid>,
    /// Rises when an operator retries it.
    pub round: i32,
    /// Page of a call-out, from 1.
    pub page: i32,
    /// Last page.
    pub page_max: i32,
    /// Attempts over all rounds and pages.
    pub attempt_count: i32,
    /// How often it was put off in a row, since nobody could say how to reach the reader.
    pub defer_count: i32,
    /// Language of the last attempt; empty before.
    pub language: String,
    /// Channel of the last attempt.
    pub channel: Option<MessageChannel>,
    /// Provider of the last attempt.
    pub provider: Option<Provider>,
    /// Why it failed, was cancelled or was put off.
    pub reason: String,
    /// Since when it waits for machines that rest; none where it waits for none.
    pub rest_time: Option<Timestamp>,
    /// When a provider first took it.
    pub send_time: Option<Timestamp>,
    /// When a gateway reported that it reached the reader.
    pub deliver_time: Option<Timestamp>,
    /// When a gateway reported that the reader opened it.
    pub read_time: Option<Timestamp>,
    /// When it was acknowledged.
    pub acknowledge_time: Option<Timestamp>,
    /// Who acknowledged it; empty before.
    pub acknowledged_by: String,
    /// Rises with every change.
    pub revision: i64,
}

struct Row {
    site: String,
    message_id: Uuid,
    template: String,
    recipient_kind: String,
    recipient: String,
    case_id: Option<Uuid>,
    known_by: Option<Uuid>,
    incident_id: Option<Uuid>,
    clock_id: Option<Uuid>,
    clock_generation: i64,
    callout_id: Option<Uuid>,
    digest_id: Option<Uuid>,
    bundled_count: i64,
    priority: i16,
    facts: Json<Facts>,
    state: String,
    due_time: Option<jiff_sqlx::Timestamp>,
    lease_token: Option<Uuid>,
    round: i32,
    page: i32,
    page_max: i32,
    attempt_count: i32,
    defer_count: i32,
    language: String,
    channel: Option<String>,
    provider: Option<String>,
    reason: String,
    create_time: Timestamp,
    rest_time: Option<jiff_sqlx::Timestamp>,
    send_time: Option<jiff_sqlx::Timestamp>,
    deliver_time: Option<jiff_sqlx::Timestamp>,
    read_time: Option<jiff_sqlx::Timestamp>,
    acknowledge_time: Option<jiff_sqlx::Timestamp>,
    acknowledged_by: String,
    revision: i64,
    blocked_rules: Vec<String>,
    erased: bool,
}

impl Row {
    fn message(self) -> Result<Message, Fault> {
        let site: SiteId = self.site.parse().map_err(Fault::internal)?;
        let recipient = match word(&self.recipient_kind)? {
            RecipientKind::Complainant => Recipient::Complainant(self.recipient),
            RecipientKind::Staff => {
                Recipient::Staff(self.recipient.parse().map_err(Fault::internal)?)
            }
        };
        let template = Template::of_key(&self.template)
            .ok_or_else(|| Fault::internal("a template of a newer release"))?;
        Ok(Message {
            template,
            recipient,
            case: self.case_id.map(|id| CaseName::new(site.clone(), id)),
            known_by: self.known_by.map(|id| CaseName::new(site.clone(), id)),
            incident: self
                .incident_id
                .map(|id| IncidentName::new(site.clone(), id)),
            clock: self.clock_id.map(|id| ClockName::new(site.clone(), id)),
            clock_generation: self.clock_generation,
            callout_id: self.callout_id,
            digest: self.digest_id.map(|id| MessageName::new(site.clone(), id)),
            bundled_count: self.bundled_count,
            priority: self.priority,
            facts: self.facts.0,
            blocked_rules: self.blocked_rules,
            create_time: self.create_time,
            erased: self.erased,
            fate: Fate {
                state: word(&self.state)?,
                due_time: self.due_time.map(|t| t.to_jiff()),
                lease_token: self.lease_token,
                round: self.round,
                page: self.page,
                page_max: self.page_max,
                attempt_count: self.attempt_count,
                defer_count: self.defer_count,
                language: self.language,
                channel: self.channel.as_deref().map(word).transpose()?,
                provider: self.provider.as_deref().map(word).transpose()?,
                reason: self.reason,
                rest_time: self.rest_time.map(|t| t.to_jiff()),
                send_time: self.send_time.map(|t| t.to_jiff()),
                deliver_time: self.deliver_time.map(|t| t.to_jiff()),
                read_time: self.read_time.map(|t| t.to_jiff()),
                acknowledge_time: self.acknowledge_time.map(|t| t.to_jiff()),
                acknowledged_by: self.acknowledged_by,
                revision: self.revision,
            },
            name: MessageName::new(site, self.message_id),
        })
    }
}

/// Queues drafts, each as a message of its own. One whose cause was answered before is left out: no
/// message twice for one cause. Returns how many are new.
pub async fn queue(
    tx: &mut Tx,
    site: &SiteId,
    drafts: &[Draft],
    now: Timestamp,
) -> Result<u64, Fault> {
    let mut queued = 0;
    for draft in drafts {
        queued += u64::from(insert(tx, site, ids::new_id(now), draft, None, now).await?);
    }
    if queued > 0 {
        tx.wake();
    }
    Ok(queued)
}

/// Adds one message, told by this digest or by itself. Returns whether it is new.
pub async fn insert(
    tx: &mut Tx,
    site: &SiteId,
    id: Uuid,
    draft: &Draft,
    digest: Option<Uuid>,
    now: Timestamp,
) -> Result<bool, Fault> {
    let traceparent = trace_context::traceparent().unwrap_or_default();
    let page_max = if draft.template.is_callout() {
        CALLOUT_PAGES_MAX
    } else {
        1
    };
    // What a digest tells has no time of its own.
    let (state, due) = match digest {
        Some(_) => (MessageState::Bundled, None),
        None => (MessageState::Queued, Some(draft.due)),
    };
    let rows = sqlx::query!(
        "-- notification::messages::insert
        INSERT INTO message (site, message_id, cause, template, recipient_kind, recipient, case_id,
                             incident_id, clock_id, clock_generation, callout_id, digest_id, priority, facts,
                             state, due_time, page_max, create_time, traceparent, known_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
        ON CONFLICT ON CONSTRAINT message_cause_key DO NOTHING",
        site.as_str(),
        id,
        draft.cause,
        draft.template.key(),
        draft.recipient.kind().word(),
        draft.recipient.to_string(),
        draft.case.as_ref().map(|name| name.id),
        draft.incident.as_ref().map(|name| name.id),
        draft.clock.as_ref().map(|name| name.id),
        draft.clock_generation,
        draft.callout_id,
        digest,
        draft.priority.number(),
        Json(&draft.facts) as _,
        state.word(),
        due.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        page_max,
        now.to_sqlx(),
        traceparent,
        draft.known_by.as_ref().map(|name| name.id),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?
    .rows_affected();
    Ok(rows > 0)
}

/// Which messages one worker looks for: the grave ones (call-outs, grade 1, incidents) or the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Call-outs and grade 1.
    Grave,
    /// Everything else.
    Routine,
}

impl Lane {
    fn priorities(self) -> (i16, i16) {
        match self {
            Self::Grave => (0, 1),
            Self::Routine => (2, 3),
        }
    }
}

/// A message whose time has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueMessage {
    /// Its name.
    pub name: MessageName,
    /// W3C trace context of its cause; empty where none was recorded.
    pub traceparent: String,
}

/// What is due in all sites, gravest first, then oldest. One short statement of the worker role.
pub async fn due(
    db: &Database,
    lane: Lane,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<DueMessage>, Fault> {
    let (from, to) = lane.priorities();
    let rows = sqlx::query!(
        "-- notification::messages::due
        SELECT site, message_id, traceparent FROM message
        WHERE due_time <= $1 AND priority BETWEEN $2 AND $3
        ORDER BY priority, due_time LIMIT $4",
        now.to_sqlx(),
        from,
        to,
        limit,
    )
    .fetch_all(db.worker())
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|row| {
            let site = row.site.parse().map_err(Fault::internal)?;
            Ok(DueMessage {
                name: MessageName::new(site, row.message_id),
                traceparent: row.traceparent,
            })
        })
        .collect()
}

/// The trace context of the first that was told of a case: that of the complaint itself.
pub async fn origin(tx: &mut Tx, case: &CaseName) -> Result<String, Fault> {
    let found = sqlx::query_scalar!(
        "-- notification::messages::origin
        SELECT traceparent FROM message
        WHERE site = $1 AND case_id = $2 AND traceparent <> '' ORDER BY create_time, message_id LIMIT 1",
        case.site.as_str(),
        case.id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    Ok(found.unwrap_or_default())
}

/// What waits over all sites.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backlog {
    /// Messages whose time has come.
    pub overdue: i64,
    /// How many seconds ago that of the oldest one came.
    pub age: f64,
    /// Messages that failed for good and wait for a person.
    pub dead: i64,
}

/// What waits over all sites.
pub async fn backlog(db: &Database, now: Timestamp) -> Result<Backlog, Fault> {
    sqlx::query_as!(
        Backlog,
        r#"-- notification::messages::backlog
        SELECT count(*) AS "overdue!",
               coalesce(extract(epoch FROM $1 - min(due_time)), 0)::double precision AS "age!",
               (SELECT count(*) FROM message WHERE state = 'FAILED') AS "dead!"
        FROM message WHERE due_time <= $1"#,
        now.to_sqlx(),
    )
    .fetch_one(db.worker())
    .await
    .or_fault()
}

/// A message under a lock until the end of the transaction.
pub async fn lock(tx: &mut Tx, name: &MessageName) -> Result<Option<Message>, Fault> {
    sqlx::query!(
        "-- notification::messages::lock
        SELECT 1 AS one FROM message WHERE site = $1 AND message_id = $2 FOR UPDATE",
        name.site.as_str(),
        name.id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    get(tx, name).await
}

/// A message.
pub async fn get(tx: &mut Tx, name: &MessageName) -> Result<Option<Message>, Fault> {
    sqlx::query_as!(
        Row,
        r#"-- notification::messages::get
        SELECT site, message_id, template, recipient_kind, recipient, case_id, incident_id, clock_id,
               clock_generation, callout_id, digest_id,
               CASE WHEN template = 'clock.digest' THEN (
                 SELECT count(*) FROM message b WHERE b.site = message.site AND b.digest_id = message.message_id
               ) ELSE 0 END AS "bundled_count!", priority, facts AS "facts: Json<Facts>", state, due_time, lease_token, round,
               page, page_max, attempt_count, defer_count, language, channel, provider, reason,
               create_time, known_by, rest_time, send_time, deliver_time, read_time, acknowledge_time, acknowledged_by, revision, blocked_rules, erased
        FROM message WHERE site = $1 AND message_id = $2"#,
        name.site.as_str(),
        name.id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?
    .map(Row::message)
    .transpose()
}

/// What a list is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// One site; none: all in scope.
    pub site: Option<SiteId>,
    /// One case.
    pub case: Option<Uuid>,
    /// One incident.
    pub incident: Option<Uuid>,
    /// Any of these states; empty: all.
    pub states: Vec<String>,
    /// One template; empty: all.
    pub template: String,
    /// One kind of reader; none: all.
    pub recipient_kind: Option<RecipientKind>,
    /// One reader, as messages name them; none: all.
    pub recipient: Option<String>,
    /// What one digest tells.
    pub digest: Option<Uuid>,
    /// One reason; empty: all.
    pub reason: String,
}

/// Messages, newest first.
pub async fn list(
    tx: &mut Tx,
    filter: &Filter,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Message>, Fault> {
    let rows = sqlx::query_as!(
        Row,
        r#"-- notification::messages::list
        SELECT site, message_id, template, recipient_kind, recipient, case_id, incident_id, clock_id,
               clock_generation, callout_id, digest_id,
               CASE WHEN template = 'clock.digest' THEN (
                 SELECT count(*) FROM message b WHERE b.site = message.site AND b.digest_id = message.message_id
               ) ELSE 0 END AS "bundled_count!", priority, facts AS "facts: Json<Facts>", state, due_time, lease_token, round,
               page, page_max, attempt_count, defer_count, language, channel, provider, reason,
               create_time, known_by, rest_time, send_time, deliver_time, read_time, acknowledge_time, acknowledged_by, revision, blocked_rules, erased
        FROM message
        WHERE ($1::text IS NULL OR site = $1)
          AND ($2::uuid IS NULL OR case_id = $2)
          AND ($3::uuid IS NULL OR incident_id = $3)
          AND (cardinality($4::text[]) = 0 OR state = ANY ($4))
          AND ($5::text = '' OR template = $5)
          AND ($6::text IS NULL OR recipient_kind = $6)
          AND ($7::uuid IS NULL OR message_id < $7)
          AND ($9::uuid IS NULL OR digest_id = $9)
          AND ($10::text = '' OR reason = $10)
          AND ($11::text IS NULL OR recipient = $11)
        ORDER BY message_id DESC LIMIT $8"#,
        filter.site.as_ref().map(SiteId::as_str),
        filter.case,
        filter.incident,
        &filter.states,
        filter.template,
        filter.recipient_kind.map(RecipientKind::word),
        after,
        limit,
        filter.digest,
        filter.reason,
        filter.recipient,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter().map(Row::message).collect()
}

/// What one cause led to, to every reader.
pub async fn of_cause(tx: &mut Tx, site: &SiteId, cause: &str) -> Result<Vec<Message>, Fault> {
    let ids = sqlx::query_scalar!(
        "-- notification::messages::of_cause
        SELECT message_id FROM message WHERE site = $1 AND cause = $2 ORDER BY message_id",
        site.as_str(),
        cause,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    let mut messages = Vec::with_capacity(ids.len());
    for id in ids {
        messages.extend(get(tx, &MessageName::new(site.clone(), id)).await?);
    }
    Ok(messages)
}

/// Drops what one cause led to and nobody has been sent yet: it was overtaken. Returns what that was.
pub async fn drop_unsent(
    tx: &mut Tx,
    site: &SiteId,
    cause: &str,
    reason: &str,
) -> Result<Vec<Message>, Fault> {
    let ids = sqlx::query_scalar!(
        "-- notification::messages::drop_unsent
        UPDATE message SET state = 'CANCELLED', due_time = NULL, reason = $3, revision = revision + 1
        WHERE site = $1 AND cause = $2 AND state = 'QUEUED' AND send_time IS NULL
        RETURNING message_id",
        site.as_str(),
        cause,
        reason,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    let mut dropped = Vec::with_capacity(ids.len());
    for id in ids {
        dropped.extend(get(tx, &MessageName::new(site.clone(), id)).await?);
    }
    Ok(dropped)
}

/// Which failed messages are meant.
#[derive(Debug, Clone, Default)]
pub struct Failed {
    /// One template; empty: all.
    pub template: String,
    /// One reason; empty: all.
    pub reason: String,
    /// Caused then or later.
    pub from: Option<Timestamp>,
    /// Caused before.
    pub until: Option<Timestamp>,
}

/// Failed messages of a site, oldest first.
pub async fn failed(
    tx: &mut Tx,
    site: &SiteId,
    failed: &Failed,
    limit: i64,
) -> Result<Vec<MessageName>, Fault> {
    let ids = sqlx::query_scalar!(
        "-- notification::messages::failed
        SELECT message_id FROM message
        WHERE site = $1 AND state = 'FAILED'
          AND ($2::text = '' OR template = $2)
          AND ($3::text = '' OR reason = $3)
          AND ($4::timestamptz IS NULL OR create_time >= $4)
          AND ($5::timestamptz IS NULL OR create_time < $5)
        ORDER BY message_id LIMIT $6",
        site.as_str(),
        failed.template,
        failed.reason,
        failed.from.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        failed.until.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    Ok(ids
        .into_iter()
        .map(|id| MessageName::new(site.clone(), id))
        .collect())
}

/// Writes the part that moves and bumps its revision. The row is locked by this transaction. An address that was kept for
/// it alone goes with its end.
pub async fn settle(tx: &mut Tx, message: &mut Message) -> Result<(), Fault> {
    let fate = &message.fate;
    let settled = sqlx::query!(
        "-- notification::messages::settle
        UPDATE message
        SET state = $4, due_time = $5, lease_token = $6, round = $7, page = $8, page_max = $9,
            attempt_count = $10, defer_count = $11, language = $12, channel = $13, provider = $14,
            reason = $15, send_time = $16, acknowledge_time = $17, acknowledged_by = $18,
            deliver_time = $19, read_time = $20, rest_time = $21, revision = revision + 1
        WHERE site = $1 AND message_id = $2 AND revision = $3",
        message.name.site.as_str(),
        message.name.id,
        fate.revision,
        fate.state.word(),
        fate.due_time.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        fate.lease_token,
        fate.round,
        fate.page,
        fate.page_max,
        fate.attempt_count,
        fate.defer_count,
        fate.language,
        fate.channel.map(MessageChannel::word),
        fate.provider.map(Provider::word),
        fate.reason,
        fate.send_time.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        fate.acknowledge_time.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        fate.acknowledged_by,
        fate.deliver_time.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        fate.read_time.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        fate.rest_time.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?
    .rows_affected();
    if settled != 1 {
        return Err(Fault::internal("a message was settled without its lock"));
    }
    message.fate.revision += 1;
    if message.fate.state == MessageState::Queued {
        tx.wake();
    }
    let ended = matches!(
        message.fate.state,
        MessageState::Sent | MessageState::Failed | MessageState::Cancelled
    );
    if let (true, Template::PraiseThanked, Some(survey)) =
        (ended, message.template, message.facts.survey)
    {
        surveys::thanked(tx, &message.name.site, survey).await?;
    }
    Ok(())
}
