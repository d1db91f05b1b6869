//! How customers want to be reached, by person token.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_store::{StoreResultExt as _, Tx};

use super::word;
use crate::domain::preference::Preference;
use crate::domain::timing::Quiet;

/// What a customer said; nothing where the customer said nothing.
pub async fn get(tx: &mut Tx, site: &SiteId, person: &str) -> Result<Preference, Fault> {
    let row = sqlx::query!(
        r#"-- notification::preferences::get
        SELECT channels, language, time_zone, quiet_start, quiet_end, refused,
               update_time AS "update_time: jiff_sqlx::Timestamp", revision
        FROM preference WHERE site = $1 AND person = $2"#,
        site.as_str(),
        person,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    let Some(row) = row else {
        return Ok(Preference::default());
    };
    let quiet = match (row.quiet_start, row.quiet_end) {
        (Some(start), Some(end)) => Some(Quiet::parse(&start, &end).map_err(Fault::internal)?),
        _ => None,
    };
    Ok(Preference {
        channels: row
            .channels
            .iter()
            .map(|c| word(c))
            .collect::<Result<_, _>>()?,
        language: row.language,
        time_zone: row.time_zone,
        quiet,
        refused: row
            .refused
            .iter()
            .map(|t| word(t))
            .collect::<Result<_, _>>()?,
        update_time: Some(row.update_time.to_jiff()),
        revision: row.revision,
    })
}

/// Replaces what a customer said, if it still is of the revision before. Returns whether it was.
pub async fn keep(
    tx: &mut Tx,
    site: &SiteId,
    person: &str,
    preference: &Preference,
    now: Timestamp,
) -> Result<bool, Fault> {
    let channels: Vec<String> = preference
        .channels
        .iter()
        .map(|c| c.word().to_owned())
        .collect();
    let refused: Vec<String> = preference
        .refused
        .iter()
        .map(|t| t.word().to_owned())
        .collect();
    let (start, end) = preference.quiet.map(Quiet::texts).unzip();
    let rows = sqlx::query!(
        "-- notification::preferences::keep
        INSERT INTO preference AS p (site, person, channels, language, time_zone, quiet_start, quiet_end, refused,
                                     update_time, revision)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        ON CONFLICT ON CONSTRAINT preference_pkey DO UPDATE
        SET channels = $3, language = $4, time_zone = $5, quiet_start = $6, quiet_end = $7, refused = $8,
            update_time = $9, revision = $10
        WHERE p.revision = $10 - 1",
        site.as_str(),
        person,
        &channels,
        preference.language,
        preference.time_zone,
        start,
        end,
        &refused,
        now.to_sqlx(),
        preference.revision,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?
    .rows_affected();
    Ok(rows == 1)
}

/// Whether anything was ever told to this person at this site.
pub async fn is_known(tx: &mut Tx, site: &SiteId, person: &str) -> Result<bool, Fault> {
    sqlx::query_scalar!(
        r#"-- notification::preferences::is_known
        SELECT EXISTS (SELECT FROM message
          WHERE site = $1 AND recipient = $2 AND recipient_kind = 'COMPLAINANT') AS "known!""#,
        site.as_str(),
        person,
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()
}
