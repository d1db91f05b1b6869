//! Which cases reached the region or the head office past the site's office, and who consented to what (M18).

use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::{CaseName, DepartmentId, StaffId};
use redress_model::words::Channel;
use redress_store::{StoreResultExt as _, Tx};

use super::{parse, parse_opt};
use crate::domain::past_office::{Consent, PastOffice};

/// Marks a case, in place of an older mark and the consent to it.
///
/// # Errors
/// When Postgres is away.
pub async fn mark(tx: &mut Tx, case: &CaseName, mark: &PastOffice) -> Result<(), Fault> {
    sqlx::query!(
        "-- assignment::store::past_office::mark
        INSERT INTO past_office (site, case_id, receiver, past_staff, past_department, recorder, receive_time)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT ON CONSTRAINT past_office_key DO UPDATE SET
          receiver = $3, past_staff = $4, past_department = $5, recorder = $6, receive_time = $7,
          consent_channel = NULL, consent_recorder = NULL, consent_time = NULL",
        case.site.as_str(),
        case.id,
        mark.receiver.as_str(),
        mark.past_staff.as_ref().map(StaffId::as_str),
        mark.past_department.as_ref().map(DepartmentId::as_str),
        mark.recorder,
        mark.at.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Keeps the complainant's consent that the office has a marked case again.
///
/// # Errors
/// When Postgres is away.
pub async fn consented(tx: &mut Tx, case: &CaseName, consent: &Consent) -> Result<(), Fault> {
    sqlx::query!(
        "-- assignment::store::past_office::consented
        UPDATE past_office SET consent_channel = $3, consent_recorder = $4, consent_time = $5
        WHERE site = $1 AND case_id = $2",
        case.site.as_str(),
        case.id,
        consent.channel.word(),
        consent.recorder,
        consent.at.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Forgets the consent to a marked case, which the office did not use well: it goes back by another one alone. The history
/// keeps that there was one.
///
/// # Errors
/// When Postgres is away.
pub async fn forget_consent(tx: &mut Tx, case: &CaseName) -> Result<(), Fault> {
    sqlx::query!(
        "-- assignment::store::past_office::forget_consent
        UPDATE past_office SET consent_channel = NULL, consent_recorder = NULL, consent_time = NULL
        WHERE site = $1 AND case_id = $2",
        case.site.as_str(),
        case.id,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// The mark of a case; none where nobody went past the office.
///
/// # Errors
/// When Postgres is away.
pub async fn of_case(tx: &mut Tx, case: &CaseName) -> Result<Option<PastOffice>, Fault> {
    let row = sqlx::query!(
        "-- assignment::store::past_office::of_case
        SELECT receiver, past_staff, past_department, recorder, receive_time, consent_channel, consent_recorder,
               consent_time
        FROM past_office WHERE site = $1 AND case_id = $2",
        case.site.as_str(),
        case.id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    row.map(|row| {
        let channel: Option<Channel> = parse_opt(
            "past_office.consent_channel",
            row.consent_channel.as_deref(),
        )?;
        let given = channel.zip(row.consent_recorder).zip(row.consent_time);
        Ok(PastOffice {
            receiver: parse("past_office.receiver", &row.receiver)?,
            past_staff: parse_opt("past_office.past_staff", row.past_staff.as_deref())?,
            past_department: parse_opt(
                "past_office.past_department",
                row.past_department.as_deref(),
            )?,
            recorder: row.recorder,
            at: row.receive_time.to_jiff(),
            consent: given.map(|((channel, recorder), at)| Consent {
                channel,
                recorder,
                at: at.to_jiff(),
            }),
        })
    })
    .transpose()
}
