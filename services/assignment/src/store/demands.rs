//! What a site demands of routing, and who is lent to whom.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::{DepartmentId, LoanName, SiteId, StaffId};
use redress_proto::event::v1::WorkNews;
use redress_store::{StoreResultExt as _, Tx};
use sqlx::PgPool;
use uuid::Uuid;

use super::{document, notices, parse};
use crate::domain::demand::Demands;

/// The demands with their revision; none of revision 0 where none were set.
///
/// # Errors
/// When Postgres is away.
pub async fn get(tx: &mut Tx, site: &SiteId) -> Result<(Demands, i64), Fault> {
    let row = sqlx::query!(
        "-- assignment::store::demands::get
        SELECT rules, revision FROM routing_rules WHERE site = $1",
        site.as_str(),
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    document(row.map(|row| (row.rules, row.revision)))
}

/// Replaces the demands.
///
/// # Errors
/// When Postgres is away.
pub async fn set(
    tx: &mut Tx,
    site: &SiteId,
    demands: &Demands,
    revision: i64,
) -> Result<(), Fault> {
    let rules = serde_json::to_value(demands).map_err(Fault::internal)?;
    sqlx::query!(
        "-- assignment::store::demands::set
        INSERT INTO routing_rules (site, rules, revision) VALUES ($1, $2, $3)
        ON CONFLICT ON CONSTRAINT routing_rules_key DO UPDATE SET rules = $2, revision = $3",
        site.as_str(),
        rules,
        revision,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// A person lent to another department.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loan {
    /// Who.
    pub staff: StaffId,
    /// Which department borrows.
    pub department: DepartmentId,
    /// From this instant on.
    pub from: Timestamp,
    /// Until before this instant.
    pub until: Timestamp,
}

struct Row {
    id: Uuid,
    staff: String,
    department: String,
    start_time: Timestamp,
    end_time: Timestamp,
}

impl Row {
    fn into_loan(self) -> Result<(Uuid, Loan), Fault> {
        let loan = Loan {
            staff: parse("loan.staff", &self.staff)?,
            department: parse("loan.department", &self.department)?,
            from: self.start_time,
            until: self.end_time,
        };
        Ok((self.id, loan))
    }
}

/// Adds a loan.
///
/// # Errors
/// When Postgres is away.
pub async fn lend(tx: &mut Tx, site: &SiteId, id: Uuid, loan: &Loan) -> Result<(), Fault> {
    sqlx::query!(
        "-- assignment::store::demands::lend
        INSERT INTO loan (site, id, staff, department, start_time, end_time) VALUES ($1, $2, $3, $4, $5, $6)",
        site.as_str(),
        id,
        loan.staff.as_str(),
        loan.department.as_str(),
        loan.from.to_sqlx(),
        loan.until.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Loans that ended and were not told of, the longest first. For the worker role.
///
/// # Errors
/// When Postgres is away.
pub async fn ended(worker: &PgPool, now: Timestamp, limit: i64) -> Result<Vec<LoanName>, Fault> {
    let rows = sqlx::query!(
        "-- assignment::store::demands::ended
        SELECT site, id FROM loan WHERE NOT end_told AND end_time <= $1 ORDER BY end_time LIMIT $2",
        now.to_sqlx(),
        limit,
    )
    .fetch_all(worker)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|row| Ok(LoanName::new(parse("loan.site", &row.site)?, row.id)))
        .collect()
}

/// Tells once that a loan ended. False where it has not, or was told.
///
/// # Errors
/// When Postgres is away.
pub async fn tell_end(tx: &mut Tx, name: &LoanName, now: Timestamp) -> Result<bool, Fault> {
    let told = sqlx::query!(
        "-- assignment::store::demands::tell_end
        UPDATE loan SET end_told = true WHERE site = $1 AND id = $2 AND NOT end_told AND end_time <= $3",
        name.site.as_str(),
        name.id,
        now.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?
    .rows_affected();
    let (1, Some(ended)) = (told, loan(tx, &name.site, name.id).await?) else {
        return Ok(false);
    };
    let (resource, news) = (name.to_string(), WorkNews::LoanEnded);
    notices::loan(tx, &name.site, resource, &ended, news, now).await?;
    Ok(true)
}

/// Whether the person is lent at any time of the window.
///
/// # Errors
/// When Postgres is away.
pub async fn is_lent(
    tx: &mut Tx,
    site: &SiteId,
    staff: &StaffId,
    from: Timestamp,
    until: Timestamp,
) -> Result<bool, Fault> {
    sqlx::query_scalar!(
        "-- assignment::store::demands::is_lent
        SELECT EXISTS (SELECT FROM loan WHERE site = $1 AND staff = $2 AND start_time < $4 AND end_time > $3) AS \"lent!\"",
        site.as_str(),
        staff.as_str(),
        from.to_sqlx(),
        until.to_sqlx(),
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()
}

/// A loan, none where there is none in scope.
///
/// # Errors
/// When Postgres is away.
pub async fn loan(tx: &mut Tx, site: &SiteId, id: Uuid) -> Result<Option<Loan>, Fault> {
    let row = sqlx::query_as!(
        Row,
        "-- assignment::store::demands::loan
        SELECT id, staff, department, start_time, end_time FROM loan WHERE site = $1 AND id = $2",
        site.as_str(),
        id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    Ok(row.map(Row::into_loan).transpose()?.map(|(_, loan)| loan))
}

/// Ends a loan.
///
/// # Errors
/// When Postgres is away.
pub async fn end_loan(tx: &mut Tx, site: &SiteId, id: Uuid, at: Timestamp) -> Result<(), Fault> {
    sqlx::query!(
        "-- assignment::store::demands::end_loan
        UPDATE loan SET end_time = greatest(start_time, $3) WHERE site = $1 AND id = $2 AND end_time > $3",
        site.as_str(),
        id,
        at.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Loans, what ends last first, after the given one.
///
/// # Errors
/// When Postgres is away.
pub async fn loans(
    tx: &mut Tx,
    site: &SiteId,
    after: Option<&(Timestamp, Uuid)>,
    limit: i64,
) -> Result<Vec<(Uuid, Loan)>, Fault> {
    let rows = sqlx::query_as!(
        Row,
        "-- assignment::store::demands::loans
        SELECT id, staff, department, start_time, end_time FROM loan
        WHERE site = $1 AND ($2::timestamptz IS NULL OR (end_time, id) < ($2, $3))
        ORDER BY end_time DESC, id DESC LIMIT $4",
        site.as_str(),
        after.map(|(time, _)| time.to_sqlx()),
        after.map(|(_, id)| *id),
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter().map(Row::into_loan).collect()
}
