//! Receipts: the same `request_id` leads to the same result once, however often it is sent (I2).
//!
//! A mutation claims its receipt before it does anything else, in the same transaction. A concurrent
//! duplicate waits on the receipt's key until the first one has committed or rolled back, and then
//! sees the result or does the work itself. Failed requests leave no receipt.

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;

use crate::fault::{OneRowExt as _, StoreResultExt};
use crate::{Database, Tx};

/// How long a receipt is kept: a client that retries later than this makes a new resource.
pub const RETENTION: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Rows that one purge statement deletes at most.
const PURGE_ROWS_MAX: i64 = 1_000;

/// What a receipt is found by.
#[derive(Debug, Clone)]
pub struct ReceiptKey {
    /// Subject of the caller's token.
    pub caller: String,
    /// Full name of the RPC, `redress.intake.v1.CaseService/CreateCase`.
    pub method: &'static str,
    /// The client's id; empty means no receipt.
    pub request_id: String,
    /// The site; empty where the request is about none.
    pub site: String,
    /// Keyed hash over the request without its request_id. Tells a retry from another request.
    pub fingerprint: Vec<u8>,
}

/// What a claim found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// Never seen: do the work and [`complete`].
    New,
    /// Done before: answer with this resource as it is now.
    Seen {
        /// Name of the resource that the first request made or changed.
        resource: String,
        /// Its etag right after that.
        etag: String,
    },
}

/// Claims the receipt, insert first.
///
/// # Errors
/// REQUEST_ID_REUSED when the id was used for another request.
pub async fn claim(tx: &mut Tx, key: &ReceiptKey, now: Timestamp) -> Result<Claim, Fault> {
    if key.request_id.is_empty() {
        return Ok(Claim::New);
    }
    // The one character that a text of Postgres cannot hold.
    if key.request_id.contains('\0') {
        return Err(Fault::invalid(
            "request_id",
            "must not hold the character U+0000",
        ));
    }
    let inserted = sqlx::query!(
        "-- store::receipt::claim
        INSERT INTO receipt (site, caller, method, request_id, fingerprint, create_time)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT ON CONSTRAINT receipt_key DO NOTHING",
        key.site,
        key.caller,
        key.method,
        key.request_id,
        key.fingerprint,
        now.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?
    .rows_affected();
    if inserted == 1 {
        return Ok(Claim::New);
    }
    let seen = sqlx::query!(
        "-- store::receipt::claim
        SELECT fingerprint, resource, etag FROM receipt
        WHERE site = $1 AND caller = $2 AND method = $3 AND request_id = $4",
        key.site,
        key.caller,
        key.method,
        key.request_id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?
    // Purged between the two statements: the retention is over, the client begins anew.
    .ok_or_else(|| Fault::unavailable(crate::fault::LOST_RACE))?;
    if seen.fingerprint != key.fingerprint {
        return Err(Fault::request_id_reused());
    }
    if seen.resource.is_empty() {
        return Err(Fault::internal("a receipt was committed without a result"));
    }
    Ok(Claim::Seen {
        resource: seen.resource,
        etag: seen.etag,
    })
}

/// Writes down what the request led to.
///
/// # Errors
/// INTERNAL when the receipt was not claimed in this transaction.
pub async fn complete(
    tx: &mut Tx,
    key: &ReceiptKey,
    resource: &str,
    etag: &str,
) -> Result<(), Fault> {
    if key.request_id.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "-- store::receipt::complete
        UPDATE receipt SET resource = $5, etag = $6
        WHERE site = $1 AND caller = $2 AND method = $3 AND request_id = $4 AND resource = ''",
        key.site,
        key.caller,
        key.method,
        key.request_id,
        resource,
        etag,
    )
    .execute(&mut **tx)
    .await
    .one_row("a receipt was completed that was not claimed")
}

/// Deletes receipts older than [`RETENTION`], in batches of one short statement each. Returns how many.
///
/// # Errors
/// When Postgres is away.
pub async fn purge(db: &Database, now: Timestamp) -> Result<u64, Fault> {
    let before = now.saturating_sub(RETENTION).unwrap_or(Timestamp::MIN);
    let mut purged = 0;
    loop {
        let rows = sqlx::query!(
            "-- store::receipt::purge
            DELETE FROM receipt WHERE ctid = ANY (ARRAY(
              SELECT ctid FROM receipt WHERE create_time < $1 ORDER BY create_time LIMIT $2))",
            before.to_sqlx(),
            PURGE_ROWS_MAX,
        )
        .execute(db.worker())
        .await
        .or_fault()?
        .rows_affected();
        purged += rows;
        if rows < PURGE_ROWS_MAX.unsigned_abs() {
            return Ok(purged);
        }
    }
}
