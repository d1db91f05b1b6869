//! Custody rows: added and never changed.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::CaseName;
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::intake::v1 as pb;
use redress_store::{StoreResultExt as _, Tx};
use uuid::Uuid;

use super::stored;
use crate::domain::custody::{CustodyAct, NewCustody};

/// Adds an act as the next of its piece. The case is locked, so no two get one number.
///
/// # Errors
/// When Postgres is away.
pub async fn add(
    tx: &mut Tx,
    case: &CaseName,
    evidence: Uuid,
    (act, new): (CustodyAct, &NewCustody),
    recorder: &str,
    now: Timestamp,
) -> Result<i32, Fault> {
    let sequence = sqlx::query_scalar!(
        "-- intake::custody::add
        INSERT INTO custody (site, evidence, case_id, sequence, act, holder, outside_body, sha256, act_time, record_time, recorder)
        SELECT $1, $2, $3, coalesce(max(sequence), 0) + 1, $4, $5, $6, $7, $8, $9, $10
        FROM custody WHERE site = $1 AND evidence = $2
        RETURNING sequence",
        case.site.as_str(),
        evidence,
        case.id,
        act.word(),
        new.holder.as_ref().map(ToString::to_string).unwrap_or_default(),
        new.outside_body,
        new.sha256,
        new.at.to_sqlx() as _,
        now.to_sqlx() as _,
        recorder,
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()?;
    Ok(sequence)
}

/// The custody of every piece of a case, each with its piece, oldest first.
///
/// # Errors
/// When Postgres is away.
pub async fn of_case(tx: &mut Tx, case: &CaseName) -> Result<Vec<(Uuid, pb::CustodyEntry)>, Fault> {
    let rows = sqlx::query!(
        "-- intake::custody::of_case
        SELECT evidence, sequence, act, holder, outside_body, sha256, act_time, record_time, recorder FROM custody
        WHERE site = $1 AND case_id = $2 ORDER BY evidence, sequence",
        case.site.as_str(),
        case.id,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|row| {
            let act: CustodyAct = stored(&row.act)?;
            let entry = pb::CustodyEntry {
                sequence: row.sequence,
                act: to_wire(act),
                holder: row.holder,
                outside_body: row.outside_body,
                sha256: row.sha256,
                act_time: Some(to_timestamp(row.act_time.to_jiff())),
                record_time: Some(to_timestamp(row.record_time.to_jiff())),
                recorder: row.recorder,
            };
            Ok((row.evidence, entry))
        })
        .collect()
}
