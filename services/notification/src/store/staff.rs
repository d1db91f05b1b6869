//! How staff can be reached, sealed: call-outs depend on no other service.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::{SiteId, StaffName};
use redress_store::{Keyring, StoreResultExt as _, Tx};
use redress_vault::Place;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::domain::route::ContactPoints;

/// A person as messages need it.
#[derive(Clone)]
pub struct StaffContact {
    /// Name and addresses.
    pub points: ContactPoints,
    /// Language that the person asked for; empty for the site's.
    pub language: String,
    /// Name of the department; empty where the person belongs to none.
    pub department: String,
    /// The same in English; empty where there is no such name.
    pub department_en: String,
    /// No longer works here.
    pub retired: bool,
    /// Revision of the person that this belongs to.
    pub revision: i64,
}

fn field(staff: &StaffName) -> String {
    format!("sealed/{}", staff.id)
}

/// Keeps what is newer.
pub async fn keep(
    tx: &mut Tx,
    keys: &Keyring,
    staff: &StaffName,
    contact: &StaffContact,
    now: Timestamp,
) -> Result<(), Fault> {
    let plain = Zeroizing::new(serde_json::to_vec(&contact.points).map_err(Fault::internal)?);
    let field = field(staff);
    let place = Place {
        table: "staff_contact",
        row: Uuid::nil(),
        field: &field,
    };
    let sealed = keys.seal(tx, &staff.site, &place, &plain, now).await?;
    sqlx::query!(
        "-- notification::staff::keep
        INSERT INTO staff_contact AS s (site, staff, language, retired, revision, sealed, department, department_en)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT ON CONSTRAINT staff_contact_pkey DO UPDATE
        SET language = $3, retired = $4, revision = $5, sealed = $6, department = $7, department_en = $8
        WHERE s.revision <= $5",
        staff.site.as_str(),
        staff.id.as_str(),
        contact.language,
        contact.retired,
        contact.revision,
        sealed,
        contact.department,
        contact.department_en,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Everybody who works at a site.
pub async fn at_work(tx: &mut Tx, site: &SiteId) -> Result<Vec<StaffName>, Fault> {
    let names = sqlx::query_scalar!(
        "-- notification::staff::at_work
        SELECT staff FROM staff_contact WHERE site = $1 AND NOT retired ORDER BY staff",
        site.as_str(),
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    names
        .into_iter()
        .map(|name| {
            let id = name.parse().map_err(Fault::internal)?;
            Ok(StaffName::new(site.clone(), id))
        })
        .collect()
}

/// How a person can be reached; none for one not known here.
pub async fn get(
    tx: &mut Tx,
    keys: &Keyring,
    staff: &StaffName,
) -> Result<Option<StaffContact>, Fault> {
    let row = sqlx::query!(
        "-- notification::staff::get
        SELECT language, retired, revision, sealed, department, department_en FROM staff_contact WHERE site = $1 AND staff = $2",
        staff.site.as_str(),
        staff.id.as_str(),
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    let Some(row) = row else { return Ok(None) };
    let field = field(staff);
    let place = Place {
        table: "staff_contact",
        row: Uuid::nil(),
        field: &field,
    };
    let plain = keys.open(tx, &staff.site, &place, &row.sealed).await?;
    let points = serde_json::from_slice(&plain).map_err(|_| broken())?;
    Ok(Some(StaffContact {
        points,
        language: row.language,
        department: row.department,
        department_en: row.department_en,
        retired: row.retired,
        revision: row.revision,
    }))
}

/// Without the parser's words, which may repeat what it read.
fn broken() -> Fault {
    Fault::internal("a sealed contact is not what was sealed")
}
