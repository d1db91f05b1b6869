//! How people are reached: sealed under the site's data key, opened for services only, every opening kept.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::ids::new_id;
use redress_model::name::StaffName;
use redress_store::{Keyring, StoreResultExt as _, Tx};
use redress_vault::Place;
use uuid::Uuid;
use zeroize::Zeroizing;

/// One way to reach a person, open. `Debug` shows no value.
pub struct ContactPoint {
    /// `PHONE`, `EMAIL` or `WEBHOOK`.
    pub kind: String,
    /// The number or address.
    pub value: Zeroizing<String>,
}

impl std::fmt::Debug for ContactPoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ContactPoint")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

fn place(row: Uuid) -> Place<'static> {
    Place {
        table: "staff_contact",
        row,
        field: "value",
    }
}

/// Replaces the contact points of a person.
///
/// # Errors
/// When Postgres is away or the key file does not hold the site's key.
pub async fn replace(
    tx: &mut Tx,
    keyring: &Keyring,
    staff: &StaffName,
    points: &[ContactPoint],
    now: Timestamp,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- assignment::store::contacts::replace
        DELETE FROM staff_contact WHERE site = $1 AND staff = $2",
        staff.site.as_str(),
        staff.id.as_str(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    if points.is_empty() {
        return Ok(());
    }
    let key = keyring.sealing(tx, &staff.site, now).await?;
    for (position, point) in (0_i32..).zip(points) {
        let row = new_id(now);
        sqlx::query!(
            "-- assignment::store::contacts::replace
            INSERT INTO staff_contact (site, staff, position, id, kind, sealed) VALUES ($1, $2, $3, $4, $5, $6)",
            staff.site.as_str(),
            staff.id.as_str(),
            position,
            row,
            point.kind,
            key.seal(&place(row), point.value.as_bytes()),
        )
        .execute(&mut **tx)
        .await
        .or_fault()?;
    }
    Ok(())
}

/// Opens the contact points of a person, in the order to try.
///
/// # Errors
/// When Postgres is away, or something does not open.
pub async fn open(
    tx: &mut Tx,
    keyring: &Keyring,
    staff: &StaffName,
) -> Result<Vec<ContactPoint>, Fault> {
    let rows = sqlx::query!(
        "-- assignment::store::contacts::open
        SELECT id, kind, sealed FROM staff_contact WHERE site = $1 AND staff = $2 ORDER BY position",
        staff.site.as_str(),
        staff.id.as_str(),
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    let mut points = Vec::with_capacity(rows.len());
    for row in rows {
        let place = place(row.id);
        let plain = keyring.open(tx, &staff.site, &place, &row.sealed).await?;
        let text = std::str::from_utf8(&plain).map_err(Fault::internal)?;
        points.push(ContactPoint {
            kind: row.kind,
            value: Zeroizing::new(text.to_owned()),
        });
    }
    Ok(points)
}

/// Keeps who opened the contact points of a person, and what for.
///
/// # Errors
/// When Postgres is away.
pub async fn record_access(
    tx: &mut Tx,
    staff: &StaffName,
    service: &str,
    purpose: &str,
    now: Timestamp,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- assignment::store::contacts::record_access
        INSERT INTO contact_access (site, id, staff, service, purpose, access_time) VALUES ($1, $2, $3, $4, $5, $6)",
        staff.site.as_str(),
        new_id(now),
        staff.id.as_str(),
        service,
        purpose,
        now.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}
