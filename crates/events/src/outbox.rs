//! The sender's side: events are rows of the transaction that changes what they are about.

use redress_model::Fault;
use redress_model::name::SiteId;
use redress_rpc::trace_context;
use redress_store::{StoreResultExt as _, Tx, UrgentEvent};
use uuid::Uuid;

/// Subjects are spread over so many partitions, the units in which replicas share the work. Stored
/// with each row: raising it needs a migration of its own.
pub const PARTITIONS: i16 = 8;

/// What a service says about something that changed.
#[derive(Debug, Clone, Copy)]
pub struct NewEvent<'a, M> {
    /// Which payload it is, for example `redress.case.received.v1`.
    pub event_type: &'static str,
    /// The site.
    pub site: &'a SiteId,
    /// What it is about: name of the case, incident or site.
    pub subject: &'a str,
    /// Whether it is about a historical case.
    pub historical: bool,
    /// The message.
    pub payload: &'a M,
}

/// Writes the event into the outbox, to be delivered to every subscriber once `tx` commits. Events
/// about one subject are delivered in the order in which they were published; the subject is locked
/// until the commit. Publish last in a transaction, so that the lock is short.
///
/// # Errors
/// PERMISSION_DENIED when the site is outside the transaction's scope; UNAVAILABLE when Postgres is away.
pub async fn publish<M: prost::Message>(
    tx: &mut Tx,
    event: &NewEvent<'_, M>,
) -> Result<Uuid, Fault> {
    let (event_id, _) = write(tx, event).await?;
    Ok(event_id)
}

/// Returns the event's id and its place in the outbox.
async fn write<M: prost::Message>(
    tx: &mut Tx,
    event: &NewEvent<'_, M>,
) -> Result<(Uuid, i64), Fault> {
    let event_id = Uuid::now_v7();
    let outbox_id = sqlx::query_scalar!(
        "-- events::outbox::write
        SELECT redress_publish($1, $2, $3, $4, $5, $6, $7, $8) AS \"id!\"",
        event_id,
        event.event_type,
        event.site.as_str(),
        event.subject,
        partition(event.subject),
        event.historical,
        trace_context::traceparent().unwrap_or_default(),
        event.payload.encode_to_vec(),
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()?;
    tx.wake_relay();
    Ok((event_id, outbox_id))
}

/// Publishes an event as [`publish`] does, and has it carried as soon as `tx` has committed, ahead of whatever waits.
///
/// # Errors
/// As of [`publish`].
pub async fn publish_urgent<M: prost::Message>(
    tx: &mut Tx,
    event: &NewEvent<'_, M>,
) -> Result<Uuid, Fault> {
    let (event_id, outbox_id) = write(tx, event).await?;
    tx.hurry_relay(UrgentEvent {
        outbox_id,
        event_type: event.event_type,
        subject: event.subject.to_owned(),
    });
    Ok(event_id)
}

/// Writes several events as [`publish`] does, in this order and in one round trip, each in the trace that it comes with:
/// what comes due together was begun by different complaints.
///
/// # Errors
/// As of [`publish`].
pub async fn publish_many<M: prost::Message>(
    tx: &mut Tx,
    events: &[(NewEvent<'_, M>, &str)],
) -> Result<(), Fault> {
    if events.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = events.iter().map(|_| Uuid::now_v7()).collect();
    let of = |text: fn(&NewEvent<'_, M>) -> String| -> Vec<String> {
        events.iter().map(|(event, _)| text(event)).collect()
    };
    let partitions: Vec<i16> = events.iter().map(|(e, _)| partition(e.subject)).collect();
    let historical: Vec<bool> = events.iter().map(|(e, _)| e.historical).collect();
    let traces: Vec<String> = events.iter().map(|(_, t)| (*t).to_owned()).collect();
    let payloads: Vec<Vec<u8>> = events
        .iter()
        .map(|(e, _)| e.payload.encode_to_vec())
        .collect();
    sqlx::query!(
        "-- events::outbox::publish_many
        SELECT redress_publish(e.id, e.type, e.site, e.subject, e.partition, e.historical, e.trace, e.payload) AS id
        FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::smallint[], $6::boolean[], $7::text[],
                    $8::bytea[])
          WITH ORDINALITY AS e(id, type, site, subject, partition, historical, trace, payload, place)
        ORDER BY e.place",
        &ids,
        &of(|e| e.event_type.to_owned()),
        &of(|e| e.site.to_string()),
        &of(|e| e.subject.to_owned()),
        &partitions,
        &historical,
        &traces,
        &payloads,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    tx.wake_relay();
    Ok(())
}

/// The subject's partition, 0 to 7: its share of the relay's work. FNV-1a, since a hash that is stored
/// must never change.
pub fn partition(subject: &str) -> i16 {
    let hash = subject
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
    // The low bits of FNV are its weakest; fold the high half in. 0 to 7 always fits.
    i16::try_from((hash ^ (hash >> 32)) % PARTITIONS.unsigned_abs() as u64).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_keeps_its_partition_for_ever() {
        // Stored rows rely on these; a change here reorders what is under way.
        assert_eq!(
            ["", "sites/lake", "sites/lake/cases/1"].map(partition),
            [1, 1, 4]
        );
    }

    #[test]
    fn subjects_spread_over_all_partitions() {
        let mut counts = [0; 8];
        for i in 0..8_000 {
            counts
                [usize::try_from(partition(&format!("sites/lake/cases/{i}"))).expect("0 to 7")] +=
                1;
        }
        assert!(counts.iter().all(|c| (800..1200).contains(c)), "{counts:?}");
    }
}
