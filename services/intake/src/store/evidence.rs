//! Evidence rows: metadata that is added and never changed.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::CaseName;
use redress_proto::convert::to_timestamp;
use redress_proto::intake::v1 as pb;
use redress_store::{StoreResultExt as _, Tx};
use uuid::Uuid;

use super::custody;
use crate::domain::evidence::{NewEvidence, kind_of, kind_word};

/// Adds a piece and returns its id.
///
/// # Errors
/// When Postgres is away.
pub async fn add(
    tx: &mut Tx,
    case: &CaseName,
    piece: &NewEvidence,
    adder: &str,
    now: Timestamp,
) -> Result<Uuid, Fault> {
    let id = redress_model::ids::new_id(now);
    sqlx::query!(
        "-- intake::evidence::add
        INSERT INTO evidence (site, id, case_id, kind, sha256, size_bytes, media_type, captured_time, kept_at, add_time, adder)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        case.site.as_str(),
        id,
        case.id,
        kind_word(piece.kind),
        piece.sha256,
        piece.size_bytes,
        piece.media_type,
        piece.captured.map(|t| t.to_sqlx()) as _,
        piece.kept_at,
        now.to_sqlx() as _,
        adder,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(id)
}

/// The evidence of a case, oldest first.
///
/// # Errors
/// When Postgres is away.
pub async fn of_case(tx: &mut Tx, case: &CaseName) -> Result<Vec<pb::Evidence>, Fault> {
    let rows = sqlx::query!(
        "-- intake::evidence::of_case
        SELECT id, kind, sha256, size_bytes, media_type, captured_time, kept_at, add_time, adder
        FROM evidence WHERE site = $1 AND case_id = $2 ORDER BY id",
        case.site.as_str(),
        case.id,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    let mut chains = BTreeMap::<Uuid, Vec<pb::CustodyEntry>>::new();
    if !rows.is_empty() {
        for (piece, entry) in custody::of_case(tx, case).await? {
            chains.entry(piece).or_default().push(entry);
        }
    }
    Ok(rows
        .into_iter()
        .map(|row| pb::Evidence {
            custody: chains.remove(&row.id).unwrap_or_default(),
            name: format!("{case}/evidence/{}", row.id),
            kind: kind_of(&row.kind).into(),
            sha256: row.sha256,
            size_bytes: row.size_bytes,
            media_type: row.media_type,
            captured_time: row.captured_time.map(|t| to_timestamp(t.to_jiff())),
            kept_at: row.kept_at,
            add_time: Some(to_timestamp(row.add_time.to_jiff())),
            adder: row.adder,
        })
        .collect())
}

/// How many pieces a case has.
///
/// # Errors
/// When Postgres is away.
pub async fn count(tx: &mut Tx, case: &CaseName) -> Result<i64, Fault> {
    let row = sqlx::query!(
        r#"-- intake::evidence::count
        SELECT count(*) AS "count!" FROM evidence WHERE site = $1 AND case_id = $2"#,
        case.site.as_str(),
        case.id,
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()?;
    Ok(row.count)
}
