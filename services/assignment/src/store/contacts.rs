//! How people are reached: sealed under the site's data key, opened for services only, every opening kept.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::ids::new_id;
use redress_model::name::{SiteId, StaffName};
use redress_store::{StoreResultExt as _, Tx};
use redress_vault::{DataKey, Place, Vault, WrappedKey};
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

/// The key that seals at this site; made at the first use.
async fn sealing_key(
    tx: &mut Tx,
    vault: &Vault,
    site: &SiteId,
    now: Timestamp,
) -> Result<DataKey, Fault> {
    if let Some(key) = active_key(tx, vault, site).await? {
        return Ok(key);
    }
    let id = new_id(now);
    let (key, wrapped) = vault.new_data_key(site, id);
    let inserted = sqlx::query!(
        "-- assignment::store::contacts::sealing_key
        INSERT INTO data_key (site, id, kek_id, wrapped, active, create_time) VALUES ($1, $2, $3, $4, true, $5)
        ON CONFLICT DO NOTHING",
        site.as_str(),
        id,
        wrapped.kek_id,
        wrapped.bytes,
        now.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?
    .rows_affected();
    if inserted == 1 {
        return Ok(key);
    }
    // Another transaction made the site's first key a moment ago.
    active_key(tx, vault, site)
        .await?
        .ok_or_else(|| Fault::internal("a site's data key vanished"))
}

async fn active_key(tx: &mut Tx, vault: &Vault, site: &SiteId) -> Result<Option<DataKey>, Fault> {
    let row = sqlx::query!(
        "-- assignment::store::contacts::active_key
        SELECT id, kek_id, wrapped FROM data_key WHERE site = $1 AND active",
        site.as_str(),
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    row.map(|r| {
        let wrapped = WrappedKey {
            kek_id: r.kek_id,
            bytes: r.wrapped,
        };
        vault.unwrap(site, r.id, &wrapped).map_err(Fault::internal)
    })
    .transpose()
}

/// Replaces the contact points of a person.
///
/// # Errors
/// When Postgres is away or the key file does not hold the site's key.
pub async fn replace(
    tx: &mut Tx,
    vault: &Vault,
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
    let key = sealing_key(tx, vault, &staff.site, now).await?;
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
    vault: &Vault,
    staff: &StaffName,
) -> Result<Vec<ContactPoint>, Fault> {
    let rows = sqlx::query!(
        "-- assignment::store::contacts::open
        SELECT c.id, c.kind, c.sealed, k.id AS key_id, k.kek_id, k.wrapped
        FROM staff_contact c JOIN data_key k ON k.site = c.site
        WHERE c.site = $1 AND c.staff = $2 ORDER BY c.position",
        staff.site.as_str(),
        staff.id.as_str(),
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    let mut points = Vec::new();
    for row in rows {
        // The join pairs each field with every key of the site; only its own opens it.
        if DataKey::id_of(&row.sealed) != Some(row.key_id) {
            continue;
        }
        let wrapped = WrappedKey {
            kek_id: row.kek_id,
            bytes: row.wrapped,
        };
        let plain = vault
            .unwrap(&staff.site, row.key_id, &wrapped)
            .and_then(|key| key.open(&place(row.id), &row.sealed))
            .map_err(Fault::internal)?;
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
