//! Contact rows. What was said lies in the personal part of the contact's timeline entry.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::CaseName;
use redress_model::words::Channel;
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::intake::v1 as pb;
use redress_store::{StoreResultExt as _, Tx};
use uuid::Uuid;

use super::{timeline, word};
use crate::domain::contact::NewContact;

/// Writes a contact whose timeline entry has this sequence, and returns its id.
///
/// # Errors
/// When Postgres is away.
pub async fn add(
    tx: &mut Tx,
    case: &CaseName,
    contact: &NewContact,
    staff: &str,
    sequence: i64,
    now: Timestamp,
) -> Result<Uuid, Fault> {
    let id = redress_model::ids::new_id(now);
    sqlx::query!(
        "-- intake::contact::add
        INSERT INTO contact (site, id, case_id, direction, channel, by_person, substantive, visit, contact_time,
          promised_next_time, staff, sequence)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        case.site.as_str(),
        id,
        case.id,
        i32::from(contact.direction),
        contact.channel.word(),
        contact.by_person,
        contact.substantive,
        contact.visit,
        contact.at.to_sqlx() as _,
        contact.promised_next.map(|t| t.to_sqlx()) as _,
        staff,
        sequence,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(id)
}

/// Reads a contact of a case.
///
/// # Errors
/// NOT_FOUND when there is none; when Postgres is away.
pub async fn get(tx: &mut Tx, case: &CaseName, id: Uuid) -> Result<pb::Contact, Fault> {
    let name = format!("{case}/contacts/{id}");
    let row = sqlx::query!(
        "-- intake::contact::get
        SELECT direction, channel, by_person, substantive, visit, contact_time, promised_next_time, staff, sequence
        FROM contact WHERE site = $1 AND id = $2 AND case_id = $3",
        case.site.as_str(),
        id,
        case.id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?
    .ok_or_else(|| Fault::not_found("Contact", &name))?;
    Ok(pb::Contact {
        name,
        direction: row.direction,
        channel: to_wire(word::<Channel>(&row.channel)?),
        by_person: row.by_person,
        substantive: row.substantive,
        visit: row.visit,
        contact_time: Some(to_timestamp(row.contact_time.to_jiff())),
        promised_next_time: row.promised_next_time.map(|t| to_timestamp(t.to_jiff())),
        staff: row.staff,
        note: timeline::note(tx, case, row.sequence)
            .await?
            .unwrap_or_default(),
    })
}
