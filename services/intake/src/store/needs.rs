//! What complainants need, sealed as one (M15).

use jiff::Timestamp;
use prost::Message as _;
use redress_model::Fault;
use redress_model::name::CaseName;
use redress_proto::intake::v1 as pb;
use redress_store::{Keyring, StoreResultExt as _, Tx};
use redress_vault::Place;
use uuid::Uuid;

use crate::domain::needs::Needs;

/// Writes the needs of a case, in place of those before.
///
/// # Errors
/// When Postgres is away.
pub async fn put(
    tx: &mut Tx,
    keyring: &Keyring,
    name: &CaseName,
    needs: &Needs,
    now: Timestamp,
) -> Result<(), Fault> {
    let key = keyring.sealing(tx, &name.site, now).await?;
    let id = redress_model::ids::new_id(now);
    let sealed = key.seal(&place(id), &needs.to_wire().encode_to_vec());
    sqlx::query!(
        "-- intake::needs::put
        INSERT INTO need (site, case_id, id, sealed) VALUES ($1, $2, $3, $4)
        ON CONFLICT ON CONSTRAINT need_key DO UPDATE SET id = $3, sealed = $4",
        name.site.as_str(),
        name.id,
        id,
        sealed,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Opens the needs of a case; empty ones where nobody said any.
///
/// # Errors
/// INTERNAL when they do not open; when Postgres is away.
pub async fn open(tx: &mut Tx, keyring: &Keyring, name: &CaseName) -> Result<Needs, Fault> {
    let row = sqlx::query!(
        "-- intake::needs::open
        SELECT id, sealed FROM need WHERE site = $1 AND case_id = $2",
        name.site.as_str(),
        name.id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    let Some(row) = row else {
        return Ok(Needs::default());
    };
    let place = place(row.id);
    let plain = keyring.open(tx, &name.site, &place, &row.sealed).await?;
    let wire = pb::Needs::decode(plain.as_slice()).map_err(Fault::internal)?;
    Needs::from_sealed(wire)
}

/// Takes them away.
///
/// # Errors
/// When Postgres is away.
pub async fn erase(tx: &mut Tx, name: &CaseName) -> Result<(), Fault> {
    sqlx::query!(
        "-- intake::needs::erase
        DELETE FROM need WHERE site = $1 AND case_id = $2",
        name.site.as_str(),
        name.id,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

fn place(row: Uuid) -> Place<'static> {
    Place {
        table: "need",
        row,
        field: "sealed",
    }
}
