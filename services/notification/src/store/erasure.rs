//! What is forgotten of an erased case. The tables themselves keep nothing new of it (migration 0083).

use redress_model::Fault;
use redress_model::name::{CaseName, MessageName, SiteId};
use redress_store::{StoreResultExt as _, Tx};
use uuid::Uuid;

/// What stands in the place of reasons that somebody wrote: that there was one has to be seen.
const GONE: &str = "erased with the case";

/// Locks what [`messages_of`] finds of these cases, but for owners of notices, and then their surveys.
pub async fn lock(tx: &mut Tx, site: &SiteId, cases: &[Uuid]) -> Result<(), Fault> {
    sqlx::query!(
        "-- notification::erasure::lock
        SELECT 1 AS one FROM message
        WHERE site = $1 AND (case_id = ANY ($2) OR known_by = ANY ($2)) AND recipient_kind = 'COMPLAINANT'
        ORDER BY message_id FOR UPDATE",
        site.as_str(),
        cases,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    sqlx::query!(
        "-- notification::erasure::lock
        SELECT 1 AS one FROM survey WHERE site = $1 AND (case_id = ANY ($2) OR known_by = ANY ($2))
        ORDER BY survey_id FOR UPDATE",
        site.as_str(),
        cases,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// What was told the people of a case and is not erased yet: of the case itself, of the case that it was merged into, and notices to owners who are known by it.
pub async fn messages_of(tx: &mut Tx, case: &CaseName) -> Result<Vec<MessageName>, Fault> {
    let ids = sqlx::query_scalar!(
        r#"-- notification::erasure::messages_of
        SELECT message_id AS "message_id!" FROM message
        WHERE site = $1 AND (case_id = $2 OR known_by = $2) AND recipient_kind = 'COMPLAINANT' AND NOT erased
        UNION
        SELECT m.message_id FROM owner_notice_recipient r
        JOIN message m ON m.site = r.site AND m.cause = 'notice:' || r.notice_id AND m.recipient = r.person
        WHERE r.site = $1 AND r.case_id = $2 AND m.recipient_kind = 'COMPLAINANT' AND NOT m.erased
        ORDER BY 1"#,
        case.site.as_str(),
        case.id,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    let name = |id| MessageName::new(case.site.clone(), id);
    Ok(ids.into_iter().map(name).collect())
}

/// Forgets what a message said and where it went, wherever that is kept. The message is locked.
pub async fn words_of(tx: &mut Tx, message: &MessageName) -> Result<(), Fault> {
    let (site, id) = (message.site.as_str(), message.id);
    sqlx::query!(
        "-- notification::erasure::words_of
        UPDATE message SET erased = true, revision = revision + 1 WHERE site = $1 AND message_id = $2",
        site,
        id,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    sqlx::query!(
        "-- notification::erasure::words_of
        DELETE FROM kept_text WHERE site = $1 AND message_id = $2",
        site,
        id,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    sqlx::query!(
        "-- notification::erasure::words_of
        DELETE FROM app_notice WHERE site = $1 AND message_id = $2",
        site,
        id,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    sqlx::query!(
        "-- notification::erasure::words_of
        DELETE FROM said_text WHERE site = $1 AND message_id = $2",
        site,
        id,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    sqlx::query!(
        "-- notification::erasure::words_of
        UPDATE task SET sealed = NULL WHERE site = $1 AND message_id = $2 AND sealed IS NOT NULL",
        site,
        id,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    sqlx::query!(
        "-- notification::erasure::words_of
        UPDATE wording_override SET reason = $3 WHERE site = $1 AND message_id = $2",
        site,
        id,
        GONE,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    sqlx::query!(
        "-- notification::erasure::words_of
        UPDATE held_message SET reason = $3 WHERE site = $1 AND message_id = $2 AND decided_by <> ''",
        site,
        id,
        GONE,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}
