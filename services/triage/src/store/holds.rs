//! Holds of a case: while one lasts, the reason lies with somebody else.

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_model::words::HoldReason;
use redress_store::{StoreResultExt as _, Tx};
use uuid::Uuid;

use super::word;

/// A hold.
#[derive(Debug, Clone)]
pub struct Hold {
    /// Its id.
    pub id: Uuid,
    /// The case.
    pub case: Uuid,
    /// With whom the reason lies.
    pub reason: HoldReason,
    /// From when on.
    pub start: Timestamp,
    /// When it ends by itself.
    pub until: Timestamp,
    /// When it ended.
    pub end: Option<Timestamp>,
    /// Why it ended; empty while it lasts.
    pub end_cause: String,
    /// Who allowed it: subject of a token.
    pub approver: String,
    /// What for, in that person's words.
    pub note: String,
    /// Whether it was allowed beyond the budget of its reason.
    pub beyond: bool,
}

impl Hold {
    /// How long it lasts: as planned while it does.
    pub fn length(&self) -> SignedDuration {
        self.start.duration_until(self.end.unwrap_or(self.until))
    }

    /// How long it lasted by now.
    pub fn length_by(&self, now: Timestamp) -> SignedDuration {
        let until = self.end.unwrap_or(self.until).min(now).max(self.start);
        self.start.duration_until(until)
    }
}

struct Row {
    id: Uuid,
    case_id: Uuid,
    reason: String,
    start_time: jiff_sqlx::Timestamp,
    until_time: jiff_sqlx::Timestamp,
    end_time: Option<jiff_sqlx::Timestamp>,
    end_cause: String,
    approver: String,
    note: String,
    beyond: bool,
}

impl Row {
    fn read(self) -> Result<Hold, Fault> {
        Ok(Hold {
            id: self.id,
            case: self.case_id,
            reason: word(&self.reason)?,
            start: self.start_time.to_jiff(),
            until: self.until_time.to_jiff(),
            end: self.end_time.map(jiff_sqlx::Timestamp::to_jiff),
            end_cause: self.end_cause,
            approver: self.approver,
            note: self.note,
            beyond: self.beyond,
        })
    }
}

/// Adds a hold.
pub async fn insert(tx: &mut Tx, site: &SiteId, hold: &Hold) -> Result<(), Fault> {
    sqlx::query!(
        "-- triage::store::holds::insert
        INSERT INTO case_hold (site, id, case_id, reason, start_time, until_time, approver, note, beyond, create_time)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $5)",
        site.as_str(),
        hold.id,
        hold.case,
        hold.reason.word(),
        hold.start.to_sqlx(),
        hold.until.to_sqlx(),
        hold.approver,
        hold.note,
        hold.beyond,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Every hold that a case ever had, oldest first. The case must be locked where one may be added or ended.
pub async fn of_case(tx: &mut Tx, site: &SiteId, case: Uuid) -> Result<Vec<Hold>, Fault> {
    sqlx::query_as!(
        Row,
        "-- triage::store::holds::of_case
        SELECT id, case_id, reason, start_time, until_time, end_time, end_cause, approver, note, beyond
        FROM case_hold WHERE site = $1 AND case_id = $2 ORDER BY start_time, id",
        site.as_str(),
        case,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?
    .into_iter()
    .map(Row::read)
    .collect()
}

/// The holds of a case that last.
pub async fn lasting(tx: &mut Tx, site: &SiteId, case: Uuid) -> Result<Vec<Hold>, Fault> {
    let all = of_case(tx, site, case).await?;
    Ok(all.into_iter().filter(|hold| hold.end.is_none()).collect())
}

/// Ends a hold.
pub async fn end(
    tx: &mut Tx,
    site: &SiteId,
    id: Uuid,
    at: Timestamp,
    cause: &str,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- triage::store::holds::end
        UPDATE case_hold SET end_time = $3, end_cause = $4
        WHERE site = $1 AND id = $2 AND end_time IS NULL",
        site.as_str(),
        id,
        at.to_sqlx(),
        cause,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}
