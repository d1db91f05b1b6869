//! People who work at a site.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::{DepartmentId, SiteId, StaffId, StaffName};
use redress_store::{StoreResultExt as _, Tx, constraint};

use super::departments::split;
use super::{parse, parse_opt};

/// A person as stored, with what the person has on their hands; contact points apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staff {
    /// Its name.
    pub name: StaffName,
    /// Name for people.
    pub display_name: String,
    /// Name for people who read English; empty: the other.
    pub display_name_en: String,
    /// Department; none for leads who belong to none.
    pub department: Option<DepartmentId>,
    /// Skills, in the site's words.
    pub skills: Vec<String>,
    /// Languages, the preferred one first.
    pub languages: Vec<String>,
    /// Subject of the person's tokens.
    pub account: Option<String>,
    /// Open cases before routing passes them over; none: no limit.
    pub max_open_cases: Option<i32>,
    /// No longer works here.
    pub retired: bool,
    /// Kinds of contact points, in the order to try.
    pub contact_kinds: Vec<String>,
    /// Open cases now.
    pub open_cases: i32,
    /// When the person was added.
    pub created_at: Timestamp,
    /// Last change.
    pub updated_at: Timestamp,
    /// Rises with every change.
    pub revision: i64,
}

struct Row {
    site: String,
    id: String,
    display_name: String,
    display_name_en: String,
    department: Option<String>,
    skills: Vec<String>,
    languages: Vec<String>,
    account: Option<String>,
    max_open_cases: Option<i32>,
    retired: bool,
    contact_kinds: Vec<String>,
    open_cases: i32,
    create_time: Timestamp,
    update_time: Timestamp,
    revision: i64,
}

impl Row {
    fn into_staff(self) -> Result<Staff, Fault> {
        Ok(Staff {
            name: StaffName::new(
                parse("staff.site", &self.site)?,
                parse("staff.id", &self.id)?,
            ),
            display_name: self.display_name,
            display_name_en: self.display_name_en,
            department: parse_opt("staff.department", self.department.as_deref())?,
            skills: self.skills,
            languages: self.languages,
            account: self.account,
            max_open_cases: self.max_open_cases,
            retired: self.retired,
            contact_kinds: self.contact_kinds,
            open_cases: self.open_cases,
            created_at: self.create_time,
            updated_at: self.update_time,
            revision: self.revision,
        })
    }
}

fn write_fault(error: sqlx::Error, staff: &Staff) -> Fault {
    match constraint(&error) {
        Some("staff_key") => Fault::exists(&staff.name),
        Some("staff_account") => Fault::exists(format!(
            "a person of sites/{} with this account",
            staff.name.site
        )),
        Some("staff_department") => {
            Fault::invalid("staff.department", "must be a department of the site")
        }
        _ => redress_store::fault(error),
    }
}

/// Adds a person.
///
/// # Errors
/// ALREADY_EXISTS when the id or the account is taken, INVALID_ARGUMENT when the department does not exist.
pub async fn insert(tx: &mut Tx, staff: &Staff) -> Result<(), Fault> {
    sqlx::query!(
        "-- assignment::store::staff::insert
        INSERT INTO staff (site, id, display_name, department, skills, languages, account, max_open_cases, retired,
                           create_time, update_time, revision, display_name_en)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        staff.name.site.as_str(),
        staff.name.id.as_str(),
        staff.display_name,
        staff.department.as_ref().map(DepartmentId::as_str),
        &staff.skills,
        &staff.languages,
        staff.account,
        staff.max_open_cases,
        staff.retired,
        staff.created_at.to_sqlx(),
        staff.updated_at.to_sqlx(),
        staff.revision,
        staff.display_name_en,
    )
    .execute(&mut **tx)
    .await
    .map_err(|e| write_fault(e, staff))?;
    Ok(())
}

/// Writes a person back whose row the transaction has locked.
///
/// # Errors
/// As [`insert`].
pub async fn update(tx: &mut Tx, staff: &Staff) -> Result<(), Fault> {
    let rows = sqlx::query!(
        "-- assignment::store::staff::update
        UPDATE staff SET display_name = $3, department = $4, skills = $5, languages = $6, account = $7,
               max_open_cases = $8, retired = $9, update_time = $10, revision = $11, display_name_en = $12
        WHERE site = $1 AND id = $2",
        staff.name.site.as_str(),
        staff.name.id.as_str(),
        staff.display_name,
        staff.department.as_ref().map(DepartmentId::as_str),
        &staff.skills,
        &staff.languages,
        staff.account,
        staff.max_open_cases,
        staff.retired,
        staff.updated_at.to_sqlx(),
        staff.revision,
        staff.display_name_en,
    )
    .execute(&mut **tx)
    .await
    .map_err(|e| write_fault(e, staff))?
    .rows_affected();
    if rows == 1 {
        Ok(())
    } else {
        Err(Fault::not_found("Staff", &staff.name))
    }
}

/// The person of this name.
///
/// # Errors
/// NOT_FOUND when there is none in scope.
pub async fn get(tx: &mut Tx, name: &StaffName) -> Result<Staff, Fault> {
    sqlx::query_as!(
        Row,
        r#"-- assignment::store::staff::get
        SELECT s.site, s.id, s.display_name, s.display_name_en, s.department, s.skills, s.languages, s.account, s.max_open_cases,
               s.retired, s.create_time, s.update_time, s.revision,
               ARRAY(SELECT c.kind FROM staff_contact c WHERE c.site = s.site AND c.staff = s.id
                     ORDER BY c.position) AS "contact_kinds!",
               coalesce(l.open_cases, 0) AS "open_cases!"
        FROM staff s LEFT JOIN staff_load l ON l.site = s.site AND l.staff = s.id
        WHERE s.site = $1 AND s.id = $2"#,
        name.site.as_str(),
        name.id.as_str(),
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?
    .ok_or_else(|| Fault::not_found("Staff", name))?
    .into_staff()
}

/// What a list of people is narrowed by.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only of this site.
    pub site: Option<SiteId>,
    /// Only of this department.
    pub department: Option<DepartmentId>,
    /// Those who no longer work here too.
    pub show_retired: bool,
}

/// People, newest first, after the given one.
///
/// # Errors
/// When Postgres is away.
pub async fn list(
    tx: &mut Tx,
    filter: &Filter,
    after: Option<&(Timestamp, String, String)>,
    limit: i64,
) -> Result<Vec<Staff>, Fault> {
    let (time, after_site, after_id) = split(after);
    let rows = sqlx::query_as!(
        Row,
        r#"-- assignment::store::staff::list
        SELECT s.site, s.id, s.display_name, s.display_name_en, s.department, s.skills, s.languages, s.account, s.max_open_cases,
               s.retired, s.create_time, s.update_time, s.revision,
               ARRAY(SELECT c.kind FROM staff_contact c WHERE c.site = s.site AND c.staff = s.id
                     ORDER BY c.position) AS "contact_kinds!",
               coalesce(l.open_cases, 0) AS "open_cases!"
        FROM staff s LEFT JOIN staff_load l ON l.site = s.site AND l.staff = s.id
        WHERE ($1::text IS NULL OR s.site = $1)
          AND ($2::text IS NULL OR s.department = $2)
          AND ($3 OR NOT s.retired)
          AND ($4::timestamptz IS NULL OR s.create_time < $4
               OR (s.create_time = $4 AND (s.site, s.id) > ($5, $6)))
        ORDER BY s.create_time DESC, s.site, s.id LIMIT $7"#,
        filter.site.as_ref().map(SiteId::as_str),
        filter.department.as_ref().map(DepartmentId::as_str),
        filter.show_retired,
        time,
        after_site,
        after_id,
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter().map(Row::into_staff).collect()
}

/// Which of these people exist and have not retired.
///
/// # Errors
/// When Postgres is away.
pub async fn active(tx: &mut Tx, site: &SiteId, ids: &[String]) -> Result<Vec<StaffId>, Fault> {
    let rows = sqlx::query_scalar!(
        "-- assignment::store::staff::active
        SELECT id FROM staff WHERE site = $1 AND id = ANY ($2) AND NOT retired",
        site.as_str(),
        ids,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.iter().map(|id| parse("staff.id", id)).collect()
}

/// Who works at the site under this account; none where nobody does.
///
/// # Errors
/// When Postgres is away.
pub async fn of_account(
    tx: &mut Tx,
    site: &SiteId,
    account: &str,
) -> Result<Option<StaffId>, Fault> {
    let id = sqlx::query_scalar!(
        "-- assignment::store::staff::of_account
        SELECT id FROM staff WHERE site = $1 AND account = $2 AND NOT retired",
        site.as_str(),
        account,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    parse_opt("staff.id", id.as_deref())
}

/// A person's own department, wherever they are lent to.
///
/// # Errors
/// When Postgres is away.
pub async fn department(
    tx: &mut Tx,
    site: &SiteId,
    id: &StaffId,
) -> Result<Option<DepartmentId>, Fault> {
    let department = sqlx::query_scalar!(
        "-- assignment::store::staff::department
        SELECT department FROM staff WHERE site = $1 AND id = $2",
        site.as_str(),
        id.as_str(),
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    parse_opt("staff.department", department.flatten().as_deref())
}

/// Adds to what a person has on their hands.
///
/// # Errors
/// When Postgres is away.
pub async fn add_load(
    tx: &mut Tx,
    site: &SiteId,
    staff: &StaffId,
    by: i32,
    offered_at: Option<Timestamp>,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- assignment::store::staff::add_load
        INSERT INTO staff_load AS l (site, staff, open_cases, offered_time) VALUES ($1, $2, greatest($3, 0), $4)
        ON CONFLICT ON CONSTRAINT staff_load_key
        DO UPDATE SET open_cases = l.open_cases + $3, offered_time = coalesce($4, l.offered_time)",
        site.as_str(),
        staff.as_str(),
        by,
        offered_at.map(|t| t.to_sqlx()),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Id and name of everybody who works at a site.
///
/// # Errors
/// When Postgres is away.
pub async fn names(tx: &mut Tx, site: &SiteId) -> Result<Vec<(StaffId, String)>, Fault> {
    let rows = sqlx::query!(
        "-- assignment::store::staff::names
        SELECT id, display_name FROM staff WHERE site = $1 AND NOT retired",
        site.as_str(),
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|row| Ok((parse("staff.id", &row.id)?, row.display_name)))
        .collect()
}
