//! One batch on its way to one subscriber: load, send, and what the answer means for each event.

use std::collections::BTreeSet;

use jiff_sqlx::Timestamp;
use redress_model::Fault;
use redress_proto::event::v1::{DeliverOutcome, DeliverRequest};
use redress_store::{Database, StoreResultExt as _, UrgentEvent};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::Event;
use crate::outbox::partition;
use crate::peer::Peer;

/// Events of one request at most.
pub(crate) const EVENTS_MAX: usize = 200;
/// Payload of one request at most; gRPC refuses messages above 4 MiB.
const PAYLOAD_BYTES_MAX: usize = 1 << 20;
/// The longest reason kept of a refusal.
const REASON_CHARS_MAX: usize = 200;

/// An event of the outbox on its way.
#[derive(Debug, Clone)]
pub(crate) struct Outgoing {
    pub(crate) id: i64,
    pub(crate) event: Event,
    /// Whether an earlier event of its subject is held back.
    pub(crate) behind: bool,
}

struct Stored {
    id: i64,
    event_id: Uuid,
    r#type: String,
    site: String,
    subject: String,
    historical: bool,
    traceparent: String,
    payload: Vec<u8>,
    time: Timestamp,
    behind: bool,
}

/// Loads events by id, in order, and says which have a held one before them.
pub(crate) async fn load(
    db: &Database,
    subscriber: &str,
    ids: &[i64],
) -> Result<Vec<Outgoing>, Fault> {
    let rows = sqlx::query_as!(
        Stored,
        "-- events::batch::load
        SELECT o.id, o.event_id, o.type, o.site, o.subject, o.historical, o.traceparent, o.payload, o.time,
               EXISTS (SELECT FROM outbox_held h WHERE h.subscriber = $1 AND h.subject = o.subject) AS \"behind!\"
        FROM outbox o WHERE o.id = ANY ($2) ORDER BY o.id",
        subscriber,
        ids,
    )
    .fetch_all(db.worker())
    .await
    .or_fault()?;
    outgoing(db, rows)
}

/// Loads urgent events in order, each behind what was said of its subject before and may not have arrived; at most as
/// many as one request takes.
pub(crate) async fn load_urgent(
    db: &Database,
    subscriber: &str,
    types: &[String],
    urgent: &[UrgentEvent],
) -> Result<Vec<Outgoing>, Fault> {
    let subjects: Vec<&str> = urgent.iter().map(|e| e.subject.as_str()).collect();
    let partitions: Vec<i16> = subjects.iter().map(|s| partition(s)).collect();
    let ids: Vec<i64> = urgent.iter().map(|e| e.outbox_id).collect();
    let rows = sqlx::query_as!(
        Stored,
        "-- events::batch::load_urgent
        SELECT o.id, o.event_id, o.type, o.site, o.subject, o.historical, o.traceparent, o.payload, o.time,
               EXISTS (SELECT FROM outbox_held h WHERE h.subscriber = $1 AND h.subject = o.subject) AS \"behind!\"
        FROM unnest($3::text[], $4::smallint[], $5::bigint[]) AS u (subject, partition, id)
        JOIN outbox_cursor c ON c.subscriber = $1 AND c.partition = u.partition
        JOIN outbox o ON o.subject = u.subject AND o.id <= u.id AND o.stamp >= c.low_stamp
          AND (o.stamp >= c.high_stamp OR o.id > c.last_id)
        WHERE o.type = ANY ($2) ORDER BY o.id LIMIT $6",
        subscriber,
        types,
        &subjects as &[&str],
        &partitions,
        &ids,
        i64::try_from(EVENTS_MAX).unwrap_or(i64::MAX),
    )
    .fetch_all(db.worker())
    .await
    .or_fault()?;
    outgoing(db, rows)
}

fn outgoing(db: &Database, rows: Vec<Stored>) -> Result<Vec<Outgoing>, Fault> {
    rows.into_iter()
        .map(|row| {
            Ok(Outgoing {
                id: row.id,
                behind: row.behind,
                event: Event {
                    id: row.event_id,
                    source: db.service().to_owned(),
                    event_type: row.r#type,
                    site: row.site.parse().map_err(Fault::internal)?,
                    subject: row.subject,
                    historical: row.historical,
                    time: row.time.to_jiff(),
                    traceparent: row.traceparent,
                    data: row.payload.into(),
                },
            })
        })
        .collect()
}

/// What became of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The subscriber has it.
    Taken,
    /// Not now.
    Later(String),
    /// The subscriber refuses it.
    Refused(String),
}

/// Why a whole batch stays where it is.
#[derive(Debug)]
pub(crate) enum Away {
    /// The subscriber cannot be reached or is not ready.
    Peer(Status),
    /// Our Postgres cannot be reached.
    Store(Fault),
}

impl Away {
    /// Whether it is gone, and not merely slow.
    pub(crate) fn is_gone(&self) -> bool {
        !matches!(self, Self::Peer(status) if status.code() == Code::DeadlineExceeded)
    }
}

/// Sends events and returns each one's fate. Once an event of a subject failed, the later ones of it are not sent. A request that
/// is refused as a whole is taken apart, so that one event that breaks it does not stand in for the others.
pub(crate) async fn send(
    peer: &dyn Peer,
    events: &[&Event],
    is_urgent: bool,
) -> Result<Vec<Fate>, Away> {
    let mut fates = Vec::with_capacity(events.len());
    let mut failed: BTreeSet<&str> = BTreeSet::new();
    for part in parts(events) {
        let stays: Vec<bool> = part
            .iter()
            .map(|event| failed.contains(event.subject.as_str()))
            .collect();
        let free = part.iter().zip(&stays).filter(|(_, stays)| !**stays);
        let free: Vec<&Event> = free.map(|(event, _)| *event).collect();
        let mut sent = match free.is_empty() {
            true => Vec::new(),
            false => match send_part(peer, &free, is_urgent).await {
                Ok(fates) => fates,
                Err(status) if is_about_the_request(&status) => {
                    one_by_one(peer, &free, is_urgent).await?
                }
                Err(status) => return Err(Away::Peer(status)),
            },
        }
        .into_iter();
        for (event, stays) in part.iter().zip(stays) {
            let fate = match stays {
                true => earlier_failed(),
                false => sent.next().unwrap_or_else(no_answer),
            };
            if fate != Fate::Taken {
                failed.insert(event.subject.as_str());
            }
            fates.push(fate);
        }
    }
    Ok(fates)
}

async fn one_by_one(
    peer: &dyn Peer,
    events: &[&Event],
    is_urgent: bool,
) -> Result<Vec<Fate>, Away> {
    let mut fates = Vec::with_capacity(events.len());
    let mut failed: BTreeSet<&str> = BTreeSet::new();
    for event in events {
        let fate = if failed.contains(event.subject.as_str()) {
            earlier_failed()
        } else {
            match send_part(peer, &[*event], is_urgent).await {
                Ok(mut one) => one.pop().unwrap_or_else(no_answer),
                Err(status) if is_about_the_request(&status) => {
                    Fate::Refused(format!("{:?}", status.code()))
                }
                Err(status) => return Err(Away::Peer(status)),
            }
        };
        if fate != Fate::Taken {
            failed.insert(event.subject.as_str());
        }
        fates.push(fate);
    }
    Ok(fates)
}

async fn send_part(
    peer: &dyn Peer,
    events: &[&Event],
    is_urgent: bool,
) -> Result<Vec<Fate>, Status> {
    let request = DeliverRequest {
        events: events.iter().map(|e| e.to_cloud_event()).collect(),
        urgent: is_urgent,
    };
    let response = peer.deliver(request).await?;
    let mut fates: Vec<Fate> = response
        .results
        .into_iter()
        .zip(events)
        .map(|(result, event)| {
            let reason = || result.reason.chars().take(REASON_CHARS_MAX).collect();
            if result.event_id != event.id.to_string() {
                return Fate::Later("ANSWER_TO_ANOTHER_EVENT".to_owned());
            }
            match result.outcome() {
                DeliverOutcome::Applied | DeliverOutcome::Waiting => Fate::Taken,
                DeliverOutcome::Rejected => Fate::Refused(reason()),
                DeliverOutcome::Retry | DeliverOutcome::Unspecified => Fate::Later(reason()),
            }
        })
        .collect();
    fates.resize_with(events.len(), no_answer);
    Ok(fates)
}

fn earlier_failed() -> Fate {
    Fate::Later("EARLIER_EVENT_FAILED".to_owned())
}

fn no_answer() -> Fate {
    Fate::Later("NO_ANSWER".to_owned())
}

/// Whether the receiver refuses these bytes, as opposed to being away, overloaded or misconfigured.
fn is_about_the_request(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::InvalidArgument
            | Code::OutOfRange
            | Code::Internal
            | Code::FailedPrecondition
            | Code::DataLoss
            | Code::NotFound
            | Code::AlreadyExists
    )
}

/// Cuts where the payload gets too big for one message.
fn parts<'a, 'e>(events: &'a [&'e Event]) -> Vec<&'a [&'e Event]> {
    let mut parts = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (i, event) in events.iter().enumerate() {
        if i > start && (bytes + event.data.len() > PAYLOAD_BYTES_MAX || i - start >= EVENTS_MAX) {
            parts.push(&events[start..i]);
            (start, bytes) = (i, 0);
        }
        bytes += event.data.len();
    }
    if start < events.len() {
        parts.push(&events[start..]);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(bytes: usize) -> Event {
        Event {
            id: Uuid::now_v7(),
            source: "intake".to_owned(),
            event_type: "redress.case.received.v1".to_owned(),
            site: "lake".parse().expect("a slug"),
            subject: "s".to_owned(),
            historical: false,
            time: jiff::Timestamp::UNIX_EPOCH,
            traceparent: String::new(),
            data: vec![0; bytes].into(),
        }
    }

    #[test]
    fn requests_stay_below_the_limits_and_lose_nothing() {
        let events: Vec<Event> = [10, PAYLOAD_BYTES_MAX, 5, 5, PAYLOAD_BYTES_MAX * 2, 1]
            .into_iter()
            .map(event)
            .collect();
        let all: Vec<&Event> = events.iter().collect();
        let sizes: Vec<usize> = parts(&all).iter().map(|p| p.len()).collect();
        assert_eq!(sizes, [1, 1, 2, 1, 1]);
        assert!(parts(&[]).is_empty());
    }
}
