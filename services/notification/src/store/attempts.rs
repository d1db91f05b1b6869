//! Attempts: written before a provider is asked, ended after it answered.

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::MessageName;
use redress_store::{StoreResultExt as _, Tx};

use super::word;
use crate::domain::route::{Past, Way};
use crate::domain::words::{AttemptOutcome, MessageChannel, Provider};

/// Most attempts that one message shows.
const SHOWN_MAX: i64 = 200;
/// Why an attempt failed for now of which nobody knows whether the provider took it: it may have had all of it before its
/// answer was lost.
const ANSWER_LOST: [&str; 6] = [
    "TIMEOUT",
    "SMTP_BROKEN",
    "HTTP_BROKEN",
    "HTTP_502",
    "HTTP_504",
    "WECOM_GARBLED",
];

/// How far the clock of a gateway, which may tell whole seconds, may be behind ours (own).
const CLOCKS_APART: SignedDuration = SignedDuration::from_mins(2);

/// One attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Counts from 1 within the message.
    pub number: i32,
    /// Page of a call-out, from 1.
    pub page: i32,
    /// By which way.
    pub way: Way,
    /// What became of it.
    pub outcome: AttemptOutcome,
    /// Closed word for what went wrong.
    pub reason: String,
    /// When it began.
    pub start_time: Timestamp,
    /// When it ended.
    pub end_time: Option<Timestamp>,
}

/// What a provider had of a page before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copies {
    /// How many of them are known not to have arrived by this channel: refused for good, or come back.
    pub lost: i64,
    /// It had the first of them by another channel.
    pub by_another: bool,
}

/// What a provider had of a page before, as far as it concerns this way.
pub async fn copies(
    tx: &mut Tx,
    message: &MessageName,
    page: i32,
    way: Way,
) -> Result<Copies, Fault> {
    sqlx::query_as!(
        Copies,
        r#"-- notification::attempts::copies
        SELECT count(*) FILTER (WHERE channel = $5 AND outcome IN ('PERMANENT', 'BOUNCED')) AS "lost!",
               coalesce((array_agg(channel ORDER BY number))[1] <> $5, false) AS "by_another!"
        FROM attempt WHERE site = $1 AND message_id = $2 AND page = $3 AND provider = $4"#,
        message.site.as_str(),
        message.id,
        page,
        way.provider.word(),
        way.channel.word(),
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()
}

/// Whether a message was told its reader, as far as is known: a provider or a person took it, and it has not come back. `but` is
/// an attempt that counts for nothing yet; 0 for none.
pub async fn have_told(tx: &mut Tx, message: &MessageName, but: i32) -> Result<bool, Fault> {
    sqlx::query_scalar!(
        r#"-- notification::attempts::have_told
        SELECT EXISTS (SELECT FROM attempt
                       WHERE site = $1 AND message_id = $2 AND outcome = 'ACCEPTED' AND number <> $3) AS "have_told!""#,
        message.site.as_str(),
        message.id,
        but,
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()
}

/// Writes down that an attempt begins.
pub async fn begin(
    tx: &mut Tx,
    message: &MessageName,
    number: i32,
    (round, page): (i32, i32),
    way: Way,
    now: Timestamp,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- notification::attempts::begin
        INSERT INTO attempt (site, message_id, number, round, page, channel, provider, outcome, start_time)
        VALUES ($1, $2, $3, $4, $5, $6, $7, 'PENDING', $8)",
        message.site.as_str(),
        message.id,
        number,
        round,
        page,
        way.channel.word(),
        way.provider.word(),
        now.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Writes down how an attempt ended, unless it was given up as lost, or reported as arrived or come back, before.
pub async fn end(
    tx: &mut Tx,
    message: &MessageName,
    number: i32,
    outcome: AttemptOutcome,
    reason: &str,
    now: Timestamp,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- notification::attempts::end
        UPDATE attempt SET outcome = $4, reason = $5, end_time = $6
        WHERE site = $1 AND message_id = $2 AND number = $3 AND outcome = 'PENDING'",
        message.site.as_str(),
        message.id,
        number,
        outcome.word(),
        reason,
        now.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Takes back that an attempt succeeded: it was a task, and the person could not do it. Says whether it stood.
pub async fn take_back(
    tx: &mut Tx,
    message: &MessageName,
    number: i32,
    outcome: AttemptOutcome,
    reason: &str,
) -> Result<bool, Fault> {
    let rows = sqlx::query!(
        "-- notification::attempts::take_back
        UPDATE attempt SET outcome = $4, reason = $5
        WHERE site = $1 AND message_id = $2 AND number = $3 AND provider = 'TASK'
          AND outcome IN ('ACCEPTED', 'UNKNOWN')",
        message.site.as_str(),
        message.id,
        number,
        outcome.word(),
        reason,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?
    .rows_affected();
    Ok(rows > 0)
}

/// Ends what a dead worker left open: nobody knows whether the provider took it. Returns the way of each.
pub async fn end_lost(
    tx: &mut Tx,
    message: &MessageName,
    now: Timestamp,
) -> Result<Vec<Way>, Fault> {
    let lost = sqlx::query!(
        "-- notification::attempts::end_lost
        UPDATE attempt SET outcome = 'UNKNOWN', reason = 'WORKER_LOST', end_time = $3
        WHERE site = $1 AND message_id = $2 AND outcome = 'PENDING'
        RETURNING channel, provider",
        message.site.as_str(),
        message.id,
        now.to_sqlx(),
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    lost.into_iter()
        .map(|row| way(&row.channel, &row.provider))
        .collect()
}

/// Whether an attempt at a message may have reached the reader: a provider or a person took it, it is under way, or the
/// provider had it and nobody knows what became of it. What was refused or came back has not.
pub async fn may_have_told(tx: &mut Tx, message: &MessageName) -> Result<bool, Fault> {
    sqlx::query_scalar!(
        r#"-- notification::attempts::may_have_told
        SELECT EXISTS (SELECT FROM attempt
                       WHERE site = $1 AND message_id = $2
                         AND (outcome IN ('PENDING', 'ACCEPTED', 'UNKNOWN')
                              OR outcome = 'TRANSIENT' AND reason = ANY ($3))) AS "may_have_told!""#,
        message.site.as_str(),
        message.id,
        &ANSWER_LOST as &[&str],
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()
}

/// Writes down that what a provider took by a channel came back. It may say so before the worker knows that it was taken,
/// though its answer was lost, and whatever became of that worker. Where a copy has come back before, a report of a time clearly
/// before the next one began is about that copy, told again. Returns whether an attempt stood.
pub async fn came_back(
    tx: &mut Tx,
    message: &MessageName,
    page: i32,
    channel: MessageChannel,
    reason: &str,
    (time, now): (Timestamp, Timestamp),
) -> Result<bool, Fault> {
    let rows = sqlx::query!(
        "-- notification::attempts::came_back
        UPDATE attempt SET outcome = 'BOUNCED', reason = $5, end_time = coalesce(end_time, $6)
        WHERE site = $1 AND message_id = $2 AND page = $3 AND channel = $4
          AND (outcome IN ('PENDING', 'ACCEPTED', 'UNKNOWN') OR outcome = 'TRANSIENT' AND reason = ANY ($7))
          AND NOT (start_time > $8 AND EXISTS (
            SELECT FROM attempt f
            WHERE f.site = attempt.site AND f.message_id = attempt.message_id AND f.page = attempt.page
              AND f.channel = attempt.channel AND f.number < attempt.number AND f.outcome = 'BOUNCED'))",
        message.site.as_str(),
        message.id,
        page,
        channel.word(),
        reason,
        now.to_sqlx(),
        &ANSWER_LOST as &[&str],
        began_by(time).to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?
    .rows_affected();
    Ok(rows > 0)
}

/// Writes down that a provider took what it reports as arrived by a channel, whatever became of its answer and of the worker
/// that handed it over.
pub async fn arrived(
    tx: &mut Tx,
    message: &MessageName,
    page: i32,
    channel: MessageChannel,
    now: Timestamp,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- notification::attempts::arrived
        UPDATE attempt SET outcome = 'ACCEPTED', reason = '', end_time = coalesce(end_time, $5)
        WHERE site = $1 AND message_id = $2 AND page = $3 AND channel = $4
          AND (outcome IN ('PENDING', 'UNKNOWN') OR outcome = 'TRANSIENT' AND reason = ANY ($6))",
        message.site.as_str(),
        message.id,
        page,
        channel.word(),
        now.to_sqlx(),
        &ANSWER_LOST as &[&str],
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Whether something of a page has come back, by whichever way.
pub async fn has_come_back(tx: &mut Tx, message: &MessageName, page: i32) -> Result<bool, Fault> {
    sqlx::query_scalar!(
        r#"-- notification::attempts::has_come_back
        SELECT EXISTS (SELECT FROM attempt
                       WHERE site = $1 AND message_id = $2 AND page = $3 AND outcome = 'BOUNCED') AS "has_come_back!""#,
        message.site.as_str(),
        message.id,
        page,
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()
}

/// Whether an attempt at a page by a channel stands: a provider took it, or has it perhaps, and it has not come back. Where a
/// copy has come back before, what is reported of a time clearly before the next one began says nothing about that.
pub async fn stands(
    tx: &mut Tx,
    message: &MessageName,
    page: i32,
    channel: MessageChannel,
    time: Timestamp,
) -> Result<bool, Fault> {
    sqlx::query_scalar!(
        r#"-- notification::attempts::stands
        SELECT EXISTS (SELECT FROM attempt
                       WHERE site = $1 AND message_id = $2 AND page = $3 AND channel = $4
                         AND (outcome IN ('PENDING', 'ACCEPTED', 'UNKNOWN')
                              OR outcome = 'TRANSIENT' AND reason = ANY ($5))
                         AND NOT (start_time > $6 AND EXISTS (
                           SELECT FROM attempt f
                           WHERE f.site = attempt.site AND f.message_id = attempt.message_id AND f.page = attempt.page
                             AND f.channel = attempt.channel AND f.number < attempt.number
                             AND f.outcome = 'BOUNCED'))) AS "stands!""#,
        message.site.as_str(),
        message.id,
        page,
        channel.word(),
        &ANSWER_LOST as &[&str],
        began_by(time).to_sqlx(),
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()
}

/// What was tried on this page in this round, oldest first.
pub async fn history(
    tx: &mut Tx,
    message: &MessageName,
    round: i32,
    page: i32,
) -> Result<Vec<Past>, Fault> {
    let rows = sqlx::query!(
        "-- notification::attempts::history
        SELECT channel, provider, outcome FROM attempt
        WHERE site = $1 AND message_id = $2 AND round = $3 AND page = $4 ORDER BY number",
        message.site.as_str(),
        message.id,
        round,
        page,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|row| {
            Ok(Past {
                way: way(&row.channel, &row.provider)?,
                outcome: word(&row.outcome)?,
            })
        })
        .collect()
}

/// The last attempts of a message, oldest first.
pub async fn list(tx: &mut Tx, message: &MessageName) -> Result<Vec<Attempt>, Fault> {
    let rows = sqlx::query!(
        "-- notification::attempts::list
        SELECT number, page, channel, provider, outcome, reason, start_time, end_time FROM attempt
        WHERE site = $1 AND message_id = $2 ORDER BY number DESC LIMIT $3",
        message.site.as_str(),
        message.id,
        SHOWN_MAX,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .rev()
        .map(|row| {
            Ok(Attempt {
                number: row.number,
                page: row.page,
                way: way(&row.channel, &row.provider)?,
                outcome: word(&row.outcome)?,
                reason: row.reason,
                start_time: row.start_time.to_jiff(),
                end_time: row.end_time.map(|t| t.to_jiff()),
            })
        })
        .collect()
}

/// By when an attempt began that a report of this time may be about.
fn began_by(time: Timestamp) -> Timestamp {
    time.saturating_add(CLOCKS_APART).unwrap_or(time)
}

fn way(channel: &str, provider: &str) -> Result<Way, Fault> {
    Ok(Way {
        channel: word::<MessageChannel>(channel)?,
        provider: word::<Provider>(provider)?,
    })
}
