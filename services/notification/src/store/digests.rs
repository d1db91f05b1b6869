//! Digests: many offers, warnings, breaches, take-overs, bookings of the ledger and late orders at once reach a person as one message
//! (P22).
//!
//! Whether a message goes alone or into a digest is decided in the transaction that takes in its cause,
//! under a lock of its reader: the first few go at once, the others join the reader's open digest, which
//! is due when its window ends. A digest that somebody has begun to send takes nothing more, so that
//! every copy of it tells the same. Whatever the number of replicas, there is one (P21).
//!
//! What becomes grade 1 later leaves its digest and goes at once, unless an attempt may have told it: then
//! it stays, so that it is not told twice, and the digest itself waits for nothing any more. Of one that was
//! given up it leaves in any case: rather twice than never.

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx as _;
use redress_model::name::{CaseName, MessageName, SiteId};
use redress_model::{Fault, ids};
use redress_store::{StoreResultExt as _, Tx};
use sqlx::types::Json;
use uuid::Uuid;

use super::messages::Message;
use super::{attempts, messages, notices, word};
use crate::domain::case::is_silent;
use crate::domain::digest::Item;
use crate::domain::message::{BUNDLED_NEWS, Draft, Facts, Priority};
use crate::domain::paging;
use crate::domain::timing::{OFF_DUTY, RATE_LIMITED};
use crate::domain::words::{MessageState, Template};

/// When messages are bundled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bundling {
    /// So many go alone within one window.
    pub alone_max: u16,
    /// How long a digest collects; also the span over which messages are counted.
    pub window: SignedDuration,
}

/// Queues drafts; those of which too many come at once join their reader's digest. One whose cause was
/// answered before is left out. Returns how many are new.
pub async fn queue(
    tx: &mut Tx,
    site: &SiteId,
    drafts: &[Draft],
    bundling: Bundling,
    now: Timestamp,
) -> Result<u64, Fault> {
    let mut queued = 0;
    for draft in drafts {
        let digest = if draft.is_bundled() && is_new(tx, site, draft).await? {
            place(tx, site, draft, bundling, now).await?
        } else {
            None
        };
        let id = ids::new_id(now);
        queued += u64::from(messages::insert(tx, site, id, draft, digest, now).await?);
    }
    if queued > 0 {
        tx.wake();
    }
    Ok(queued)
}

/// Locks the reader and says whether nothing was queued for this cause yet.
async fn is_new(tx: &mut Tx, site: &SiteId, draft: &Draft) -> Result<bool, Fault> {
    let recipient = draft.recipient.to_string();
    sqlx::query!(
        "-- notification::digests::is_new
        SELECT pg_advisory_xact_lock(hashtextextended('notification.digest:' || $1, 0))",
        recipient,
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()?;
    let known = sqlx::query_scalar!(
        r#"-- notification::digests::is_new
        SELECT EXISTS (
          SELECT FROM message WHERE site = $1 AND cause = $2 AND recipient = $3 AND template = $4) AS "known!""#,
        site.as_str(),
        draft.cause,
        recipient,
        draft.template.key(),
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()?;
    Ok(!known)
}

/// The digest that tells the reader's next message; none while it may go alone.
async fn place(
    tx: &mut Tx,
    site: &SiteId,
    draft: &Draft,
    bundling: Bundling,
    now: Timestamp,
) -> Result<Option<Uuid>, Fault> {
    let recipient = &draft.recipient;
    let reader = recipient.to_string();
    let since = now.saturating_sub(bundling.window).unwrap_or(now);
    let due = now.saturating_add(bundling.window).unwrap_or(now);
    let news: Vec<String> = BUNDLED_NEWS.map(str::to_owned).to_vec();
    let alone = sqlx::query_scalar!(
        r#"-- notification::digests::place
        SELECT count(*) AS "alone!" FROM (
          SELECT FROM message
          WHERE site = $1 AND recipient = $2 AND priority = 2 AND digest_id IS NULL AND create_time > $3
            AND (clock_id IS NOT NULL OR template = 'case.assigned' OR facts->>'news' = ANY ($5))
          LIMIT $4) AS lately"#,
        site.as_str(),
        reader,
        since.to_sqlx(),
        i64::from(bundling.alone_max),
        &news,
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()?;
    if alone < i64::from(bundling.alone_max) {
        return Ok(None);
    }
    let open = sqlx::query_scalar!(
        "-- notification::digests::place
        SELECT message_id FROM message
        WHERE site = $1 AND recipient = $2 AND template = 'clock.digest' AND state = 'QUEUED'
          AND attempt_count = 0
        ORDER BY message_id DESC LIMIT 1 FOR UPDATE",
        site.as_str(),
        reader,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    if let Some(open) = open {
        if draft.template != Template::ClockWarned {
            hasten(tx, site, open, due).await?;
        }
        return Ok(Some(open));
    }
    let id = ids::new_id(now);
    let digest = Draft {
        cause: format!("digest:{id}"),
        template: Template::ClockDigest,
        recipient: recipient.clone(),
        case: None,
        incident: None,
        clock: None,
        clock_generation: 0,
        callout_id: None,
        known_by: None,
        priority: Priority::Staff,
        due,
        facts: Facts::default(),
    };
    messages::insert(tx, site, id, &digest, None, now).await?;
    Ok(Some(id))
}

/// Warnings alone wait for their reader's duty; what joins them does not.
async fn hasten(tx: &mut Tx, site: &SiteId, digest: Uuid, due: Timestamp) -> Result<(), Fault> {
    sqlx::query!(
        "-- notification::digests::hasten
        UPDATE message SET due_time = least(due_time, $3), revision = revision + 1
        WHERE site = $1 AND message_id = $2 AND reason = $4",
        site.as_str(),
        digest,
        due.to_sqlx(),
        OFF_DUTY,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// What a digest has to tell now: whatever it bundles that somebody still needs (P02, P06).
pub async fn items(tx: &mut Tx, digest: &MessageName) -> Result<Vec<Item>, Fault> {
    let rows = sqlx::query!(
        r#"-- notification::digests::items
        SELECT m.template, m.facts AS "facts: Json<Facts>", m.clock_id, m.case_id AS "case_id?",
               c.status AS "status?", c.historical AS "historical?", k.state AS "clock_state?",
               coalesce(m.recipient = ANY (c.complained_about), false) AS "about_reader!",
               -- Of several offers of a case to one reader only the newest.
               coalesce(m.recipient = c.offered_to AND m.cause = 'owner:' || m.case_id || ':' || c.owner_revision, false)
                 AS "offered!"
        FROM message m
        LEFT JOIN case_view c ON c.site = m.site AND c.case_id = m.case_id
        LEFT JOIN clock_view k ON k.site = m.site AND k.clock_id = m.clock_id
        WHERE m.site = $1 AND m.digest_id = $2 AND m.state = 'BUNDLED'"#,
        digest.site.as_str(),
        digest.id,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    let mut items = Vec::with_capacity(rows.len());
    for row in rows {
        let case_ended = match (row.status, row.historical) {
            (Some(status), Some(historical)) => {
                is_silent(word(&status)?, historical, row.facts.0.is_of_appeal())
            }
            _ => false,
        };
        let clock = row.clock_state.map(|state| word(&state)).transpose()?;
        let template = Template::of_key(&row.template)
            .ok_or_else(|| Fault::internal("a template of a newer release"))?;
        let unwanted = paging::promise_unwanted(case_ended, clock)
            .or_else(|| paging::offer_unwanted(template, row.offered));
        if row.about_reader || unwanted.is_some() {
            continue;
        }
        items.push(Item {
            template,
            clock: row.clock_id,
            facts: row.facts.0,
        });
    }
    Ok(items)
}

/// Lets everything that a digest tells be acknowledged soon: each becomes due, and the sender does it, one
/// transaction each, since each is told to its clock's owner. Returns how many.
pub async fn release(tx: &mut Tx, digest: &MessageName, now: Timestamp) -> Result<u64, Fault> {
    let released = sqlx::query!(
        "-- notification::digests::release
        UPDATE message SET due_time = $3, revision = revision + 1
        WHERE site = $1 AND digest_id = $2 AND state = $4 AND due_time IS NULL",
        digest.site.as_str(),
        digest.id,
        now.to_sqlx(),
        MessageState::Bundled.word(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?
    .rows_affected();
    if released > 0 {
        tx.wake();
    }
    Ok(released)
}

/// A case is grade 1: what staff have not been told about it waits for nothing any more, neither in a digest nor for
/// duty or its turn (P22). The case's row is locked, so that nothing of it joins a digest meanwhile.
pub async fn hurry(tx: &mut Tx, case: &CaseName, now: Timestamp) -> Result<(), Fault> {
    let digests = sqlx::query_scalar!(
        "-- notification::digests::hurry
        SELECT message_id FROM message
        WHERE site = $1 AND message_id IN (
          SELECT digest_id FROM message WHERE site = $1 AND case_id = $2 AND state = 'BUNDLED')
        ORDER BY recipient, message_id FOR UPDATE",
        case.site.as_str(),
        case.id,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    let mut told = Vec::new();
    for id in digests {
        let name = MessageName::new(case.site.clone(), id);
        let Some(mut digest) = messages::get(tx, &name).await? else {
            continue;
        };
        if !release_grave(tx, &mut digest, now).await? {
            told.push(id);
        }
    }
    // A digest that may have told it goes on as it is; what stands alone says the new grade.
    let hurried = sqlx::query!(
        "-- notification::digests::hurry
        UPDATE message
        SET priority = $3, revision = revision + 1,
            facts = CASE WHEN message_id = ANY ($7) THEN facts ELSE facts || jsonb_build_object('grade', 1) END,
            due_time = CASE WHEN state = 'QUEUED' AND (message_id = ANY ($7) OR reason IN ($4, $5))
                       THEN least(due_time, $6) ELSE due_time END
        WHERE site = $1 AND priority > $3
          AND (message_id = ANY ($7) OR case_id = $2 AND state = 'QUEUED' AND recipient_kind = 'STAFF')",
        case.site.as_str(),
        case.id,
        Priority::Grave.number(),
        OFF_DUTY,
        RATE_LIMITED,
        now.to_sqlx(),
        &told,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?
    .rows_affected();
    if hurried > 0 {
        tx.wake();
    }
    Ok(())
}

/// Lets what has become grade 1 leave a digest, whose row is locked, and go at once by itself. Not where it was told or
/// may have been: that is told as it was, so that nobody hears of one cause twice. A worker that holds the digest and
/// has not begun to send it loses it: what it read is not what there is to tell. Returns false where anything may have
/// been told by an attempt whose end nobody knows yet. Of one that was given up it leaves in any case: rather twice than
/// never.
pub async fn release_grave(
    tx: &mut Tx,
    digest: &mut Message,
    now: Timestamp,
) -> Result<bool, Fault> {
    match digest.fate.state {
        MessageState::Queued | MessageState::Sending | MessageState::Asked => {
            if attempts::may_have_told(tx, &digest.name).await? {
                return Ok(false);
            }
        }
        // Given up: nobody sends it any more, unless a person does.
        MessageState::Failed => {}
        _ => return Ok(true),
    }
    let released = sqlx::query!(
        "-- notification::digests::release_grave
        UPDATE message m
        SET state = 'QUEUED', digest_id = NULL, priority = $3, due_time = $4, revision = m.revision + 1,
            facts = m.facts || jsonb_build_object('grade', 1)
        FROM case_view c
        WHERE m.site = $1 AND m.digest_id = $2 AND m.state = 'BUNDLED'
          AND c.site = m.site AND c.case_id = m.case_id AND c.grade = 1",
        digest.name.site.as_str(),
        digest.name.id,
        Priority::Grave.number(),
        now.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?
    .rows_affected();
    if released == 0 {
        return Ok(true);
    }
    tx.wake();
    // Apps were told before the provider refused it.
    notices::take_back(tx, &digest.name, now).await?;
    if digest.fate.state == MessageState::Sending {
        digest.fate.state = MessageState::Queued;
        digest.fate.lease_token = None;
        digest.fate.due_time = Some(now);
        messages::settle(tx, digest).await?;
    }
    Ok(true)
}
