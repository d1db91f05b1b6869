//! Departments of a site.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::{DepartmentName, SiteId};
use redress_model::words::Category;
use redress_store::{OneRowExt as _, StoreResultExt as _, Tx, constraint};

use super::parse;

/// A department as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Department {
    /// Its name.
    pub name: DepartmentName,
    /// Name for people.
    pub display_name: String,
    /// Name for people who read English; empty: the other.
    pub display_name_en: String,
    /// Categories it lists for itself.
    pub categories: BTreeSet<Category>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Rises with every change.
    pub revision: i64,
}

struct Row {
    site: String,
    id: String,
    display_name: String,
    display_name_en: String,
    create_time: Timestamp,
    revision: i64,
    categories: Vec<String>,
}

impl Row {
    fn into_department(self) -> Result<Department, Fault> {
        let categories: Result<BTreeSet<Category>, Fault> = self
            .categories
            .iter()
            .map(|c| parse("department_category.category", c))
            .collect();
        Ok(Department {
            name: DepartmentName::new(
                parse("department.site", &self.site)?,
                parse("department.id", &self.id)?,
            ),
            display_name: self.display_name,
            display_name_en: self.display_name_en,
            categories: categories?,
            created_at: self.create_time,
            revision: self.revision,
        })
    }
}

/// Adds a department.
///
/// # Errors
/// ALREADY_EXISTS when the id is taken or one of the categories belongs to another department.
pub async fn insert(tx: &mut Tx, department: &Department) -> Result<(), Fault> {
    let (site, id) = (department.name.site.as_str(), department.name.id.as_str());
    sqlx::query!(
        "-- assignment::store::departments::insert
        INSERT INTO department (site, id, display_name, create_time, revision, display_name_en)
        VALUES ($1, $2, $3, $4, $5, $6)",
        site,
        id,
        department.display_name,
        department.created_at.to_sqlx(),
        department.revision,
        department.display_name_en,
    )
    .execute(&mut **tx)
    .await
    .map_err(|e| match constraint(&e) {
        Some("department_key") => Fault::exists(&department.name),
        _ => redress_store::fault(e),
    })?;
    for category in &department.categories {
        sqlx::query!(
            "-- assignment::store::departments::insert
            INSERT INTO department_category (site, category, department) VALUES ($1, $2, $3)",
            site,
            category.word(),
            id,
        )
        .execute(&mut **tx)
        .await
        .map_err(|e| match constraint(&e) {
            Some("department_category_key") => Fault::exists(format!(
                "a department of sites/{site} that takes {category}"
            )),
            _ => redress_store::fault(e),
        })?;
    }
    Ok(())
}

/// Writes the names of a department back, which is locked.
///
/// # Errors
/// When Postgres is away.
pub async fn rename(tx: &mut Tx, department: &Department) -> Result<(), Fault> {
    sqlx::query!(
        "-- assignment::store::departments::rename
        UPDATE department SET display_name = $3, display_name_en = $4, revision = $5 WHERE site = $1 AND id = $2",
        department.name.site.as_str(),
        department.name.id.as_str(),
        department.display_name,
        department.display_name_en,
        department.revision,
    )
    .execute(&mut **tx)
    .await
    .one_row("a department was renamed that was not there")
}

/// The department of this name.
///
/// # Errors
/// NOT_FOUND when there is none in scope.
pub async fn get(tx: &mut Tx, name: &DepartmentName) -> Result<Department, Fault> {
    sqlx::query_as!(
        Row,
        r#"-- assignment::store::departments::get
        SELECT d.site, d.id, d.display_name, d.display_name_en, d.create_time, d.revision,
               ARRAY(SELECT c.category FROM department_category c
                     WHERE c.site = d.site AND c.department = d.id) AS "categories!"
        FROM department d WHERE d.site = $1 AND d.id = $2"#,
        name.site.as_str(),
        name.id.as_str(),
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?
    .ok_or_else(|| Fault::not_found("Department", name))?
    .into_department()
}

/// Departments, newest first, after the given one.
///
/// # Errors
/// When Postgres is away.
pub async fn list(
    tx: &mut Tx,
    site: Option<&SiteId>,
    after: Option<&(Timestamp, String, String)>,
    limit: i64,
) -> Result<Vec<Department>, Fault> {
    let (time, after_site, after_id) = split(after);
    let rows = sqlx::query_as!(
        Row,
        r#"-- assignment::store::departments::list
        SELECT d.site, d.id, d.display_name, d.display_name_en, d.create_time, d.revision,
               ARRAY(SELECT c.category FROM department_category c
                     WHERE c.site = d.site AND c.department = d.id) AS "categories!"
        FROM department d
        WHERE ($1::text IS NULL OR d.site = $1)
          AND ($2::timestamptz IS NULL OR d.create_time < $2
               OR (d.create_time = $2 AND (d.site, d.id) > ($3, $4)))
        ORDER BY d.create_time DESC, d.site, d.id LIMIT $5"#,
        site.map(SiteId::as_str),
        time,
        after_site,
        after_id,
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter().map(Row::into_department).collect()
}

/// The keyset key of something with an id within a site, as statement arguments.
pub(super) fn split(
    after: Option<&(Timestamp, String, String)>,
) -> (Option<jiff_sqlx::Timestamp>, Option<&str>, Option<&str>) {
    match after {
        Some((time, site, id)) => (Some(time.to_sqlx()), Some(site), Some(id)),
        None => (None, None, None),
    }
}
