//! What intake knows of people: who is on duty (for the first-contact owner of machine channels) and
//! which account is which person (so that nobody sees a case about themselves). Fed by events.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::{SiteId, StaffName};
use redress_model::words::DutyRole;
use redress_store::{StoreResultExt as _, Tx};

/// One stretch of duty.
#[derive(Debug, Clone)]
pub struct Slot {
    /// Which duty.
    pub role: DutyRole,
    /// Who.
    pub staff: StaffName,
    /// 0 for the holder, then the deputies.
    pub rank: i32,
    /// From here on.
    pub start: Timestamp,
    /// Until before here; none where open.
    pub end: Option<Timestamp>,
}

/// Replaces the roster of a site unless a newer one is known.
///
/// # Errors
/// When Postgres is away.
pub async fn replace_duties(
    tx: &mut Tx,
    site: &SiteId,
    revision: i64,
    slots: &[Slot],
) -> Result<(), Fault> {
    let newer = sqlx::query!(
        "-- intake::roster::replace_duties
        INSERT INTO duty_roster AS r (site, revision) VALUES ($1, $2)
        ON CONFLICT (site) DO UPDATE SET revision = $2 WHERE r.revision < $2",
        site.as_str(),
        revision,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?
    .rows_affected();
    if newer == 0 {
        return Ok(());
    }
    sqlx::query!(
        "-- intake::roster::replace_duties
        DELETE FROM duty_slot WHERE site = $1",
        site.as_str(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    for slot in slots {
        sqlx::query!(
            "-- intake::roster::replace_duties
            INSERT INTO duty_slot (site, role, staff, rank, start_time, end_time) VALUES ($1, $2, $3, $4, $5, $6)",
            site.as_str(),
            slot.role.word(),
            slot.staff.to_string(),
            slot.rank,
            slot.start.to_sqlx() as _,
            slot.end.map(|t| t.to_sqlx()) as _,
        )
        .execute(&mut **tx)
        .await
        .or_fault()?;
    }
    Ok(())
}

/// Who receives what no person received: the front office on duty, else the on-site lead (section 7).
/// Nobody who is in `except`.
///
/// # Errors
/// When Postgres is away.
pub async fn first_contact(
    tx: &mut Tx,
    site: &SiteId,
    at: Timestamp,
    except: &[String],
) -> Result<Option<String>, Fault> {
    let row = sqlx::query!(
        "-- intake::roster::first_contact
        SELECT staff FROM duty_slot
        WHERE site = $1 AND role = ANY ($2) AND start_time <= $3 AND (end_time IS NULL OR end_time > $3)
          AND NOT staff = ANY ($4)
        ORDER BY array_position($2, role), rank, start_time, staff LIMIT 1",
        site.as_str(),
        &[
            DutyRole::FrontOffice.word().to_owned(),
            DutyRole::OnSiteLead.word().to_owned()
        ] as &[String],
        at.to_sqlx() as _,
        except,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    Ok(row.map(|r| r.staff))
}

/// The first of these people who is not known at the site. None where nobody of the site is known here yet: a
/// complaint does not wait for the roster.
///
/// # Errors
/// When Postgres is away.
pub async fn unknown(tx: &mut Tx, site: &SiteId, names: &[String]) -> Result<Option<usize>, Fault> {
    if names.is_empty() {
        return Ok(None);
    }
    let known = sqlx::query_scalar!(
        r#"-- intake::roster::unknown
        SELECT n.ordinal AS "ordinal!" FROM unnest($2::text[]) WITH ORDINALITY AS n (name, ordinal)
        WHERE NOT EXISTS (SELECT FROM staff s WHERE s.site = $1 AND s.name = n.name)
          AND EXISTS (SELECT FROM staff s WHERE s.site = $1)
        ORDER BY n.ordinal LIMIT 1"#,
        site.as_str(),
        names,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    Ok(known.and_then(|ordinal| usize::try_from(ordinal - 1).ok()))
}

/// Writes down a person unless something newer is known.
///
/// # Errors
/// When Postgres is away.
pub async fn put_staff(
    tx: &mut Tx,
    staff: &StaffName,
    account: &str,
    retired: bool,
    revision: i64,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- intake::roster::put_staff
        INSERT INTO staff AS s (site, name, account, retired, revision) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT ON CONSTRAINT staff_key DO UPDATE SET account = $3, retired = $4, revision = $5
        WHERE s.revision < $5",
        staff.site.as_str(),
        staff.to_string(),
        account,
        retired,
        revision,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}
