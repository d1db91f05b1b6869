//! Complainants' rows: sealed, with keyed hashes that find a person again.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use prost::Message as _;
use redress_model::Fault;
use redress_model::name::{CaseName, OrganizationId, SiteId};
use redress_proto::intake::v1 as pb;
use redress_store::{Keyring, StoreResultExt as _, Tx};
use redress_vault::{Identity, Place, Vault};
use uuid::Uuid;

use crate::domain::people::{Complainant, distinct};

/// Earlier cases that are remembered on a new one.
const EARLIER_CASES_MAX: i64 = 20;

/// What a list of people comes to.
#[derive(Debug, Clone)]
pub struct Recognised {
    /// One token for each complainant; none for an anonymous one.
    pub tokens: Vec<Option<String>>,
    phones: Vec<Option<String>>,
}

impl Recognised {
    /// Recognises people within an organization; `written` is the number of a case that came in writing.
    pub fn of(
        vault: &Vault,
        organization: &OrganizationId,
        people: &[Complainant],
        written: Option<&str>,
    ) -> Self {
        let token = |identity: Identity| vault.person_token(organization, &identity);
        Self {
            tokens: people
                .iter()
                .map(|p| p.identity(written).map(token))
                .collect(),
            phones: people
                .iter()
                .map(|p| vault.phone_index(organization, &p.phone).ok())
                .collect(),
        }
    }

    /// The known people's tokens, each once.
    pub fn known(&self) -> Vec<String> {
        let known: BTreeSet<&String> = self.tokens.iter().flatten().collect();
        known.into_iter().cloned().collect()
    }

    /// Distinct people, known and anonymous.
    pub fn count(&self) -> i32 {
        i32::try_from(distinct(&self.tokens)).unwrap_or(i32::MAX)
    }
}

/// One complainant as stored, opened.
pub struct Opened {
    /// Position in the list.
    pub position: i32,
    /// What was sealed.
    pub complainant: pb::Complainant,
    /// The person's token; empty for an anonymous one.
    pub person_token: String,
}

/// Writes the list of a case, in place of the one before.
///
/// # Errors
/// When Postgres is away.
pub async fn replace(
    tx: &mut Tx,
    keyring: &Keyring,
    name: &CaseName,
    people: &[Complainant],
    recognised: &Recognised,
    now: Timestamp,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- intake::people::replace
        DELETE FROM complainant WHERE site = $1 AND case_id = $2",
        name.site.as_str(),
        name.id,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    if people.is_empty() {
        return Ok(());
    }
    let key = keyring.sealing(tx, &name.site, now).await?;
    let ids: Vec<Uuid> = people
        .iter()
        .map(|_| redress_model::ids::new_id(now))
        .collect();
    let sealed: Vec<Vec<u8>> = people
        .iter()
        .zip(&ids)
        .map(|(p, id)| key.seal(&place(*id), &p.to_wire().encode_to_vec()))
        .collect();
    let positions: Vec<i32> = (0..).take(people.len()).collect();
    sqlx::query!(
        "-- intake::people::replace
        INSERT INTO complainant (site, case_id, position, id, person_token, phone_index, sealed)
        SELECT $1, $2, p.position, p.id, p.person_token, p.phone_index, p.sealed
        FROM unnest($3::integer[], $4::uuid[], $5::text[], $6::text[], $7::bytea[])
          AS p (position, id, person_token, phone_index, sealed)",
        name.site.as_str(),
        name.id,
        &positions,
        &ids,
        &recognised.tokens as &[Option<String>],
        &recognised.phones as &[Option<String>],
        &sealed,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Opens the list of a case.
///
/// # Errors
/// INTERNAL when a field does not open; when Postgres is away.
pub async fn open(tx: &mut Tx, keyring: &Keyring, name: &CaseName) -> Result<Vec<Opened>, Fault> {
    let rows = sqlx::query!(
        "-- intake::people::open
        SELECT position, id, person_token, sealed FROM complainant
        WHERE site = $1 AND case_id = $2 ORDER BY position",
        name.site.as_str(),
        name.id,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    let mut people = Vec::with_capacity(rows.len());
    for row in rows {
        let Some(sealed) = row.sealed else {
            continue;
        };
        let place = place(row.id);
        let plain = keyring.open(tx, &name.site, &place, &sealed).await?;
        people.push(Opened {
            position: row.position,
            complainant: pb::Complainant::decode(plain.as_slice()).map_err(Fault::internal)?,
            person_token: row.person_token.unwrap_or_default(),
        });
    }
    Ok(people)
}

/// Takes everything personal of a case's people away.
///
/// # Errors
/// When Postgres is away.
pub async fn erase(tx: &mut Tx, name: &CaseName) -> Result<(), Fault> {
    sqlx::query!(
        "-- intake::people::erase
        UPDATE complainant SET person_token = NULL, phone_index = NULL, sealed = NULL
        WHERE site = $1 AND case_id = $2",
        name.site.as_str(),
        name.id,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Cases of these people at the site that were received at or before `received`, newest first.
///
/// # Errors
/// When Postgres is away.
pub async fn earlier_cases(
    tx: &mut Tx,
    site: &SiteId,
    tokens: &[String],
    received: Timestamp,
) -> Result<Vec<Uuid>, Fault> {
    if tokens.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_scalar!(
        "-- intake::people::earlier_cases
        SELECT c.id FROM complaint c
        WHERE c.site = $1 AND c.received_time <= $3
          AND c.id IN (SELECT k.case_id FROM complainant k WHERE k.site = $1 AND k.person_token = ANY ($2))
        ORDER BY c.received_time DESC, c.id DESC LIMIT $4",
        site.as_str(),
        tokens,
        received.to_sqlx() as _,
        EARLIER_CASES_MAX,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()
}

fn place(row: Uuid) -> Place<'static> {
    Place {
        table: "complainant",
        row,
        field: "sealed",
    }
}
