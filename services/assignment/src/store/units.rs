//! Units of a site and the lengths of warranty that contracts and the site give.

use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_store::{StoreResultExt as _, Tx};

use super::parse;
use crate::domain::practice::warranty::{Term, Unit};

/// The unit id under which the site's own terms are kept.
const SITE: &str = "";

/// A unit with its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The unit.
    pub unit: Unit,
    /// Rises with every change.
    pub revision: i64,
}

struct Row {
    id: String,
    acceptance_date: jiff_sqlx::Date,
    handover_date: Option<jiff_sqlx::Date>,
    design_life_years: i16,
    revision: i64,
}

impl Row {
    fn read(self, terms: Vec<Term>) -> Kept {
        Kept {
            unit: Unit {
                id: self.id,
                accepted: self.acceptance_date.to_jiff(),
                handed_over: self.handover_date.map(jiff_sqlx::Date::to_jiff),
                design_life_years: u16::try_from(self.design_life_years).unwrap_or(0),
                terms,
            },
            revision: self.revision,
        }
    }
}

/// Writes a unit whole; one that is the same already keeps its version. Gives the version.
///
/// # Errors
/// When Postgres is away.
pub async fn put(tx: &mut Tx, site: &SiteId, unit: &Unit) -> Result<i64, Fault> {
    if let Some(known) = find(tx, site, &unit.id).await?
        && known.unit == *unit
    {
        return Ok(known.revision);
    }
    let revision = sqlx::query_scalar!(
        "-- assignment::store::units::put
        INSERT INTO unit AS u (site, id, acceptance_date, handover_date, design_life_years, revision)
        VALUES ($1, $2, $3, $4, $5, 1)
        ON CONFLICT ON CONSTRAINT unit_key DO UPDATE SET
          acceptance_date = $3, handover_date = $4, design_life_years = $5, revision = u.revision + 1
        RETURNING revision",
        site.as_str(),
        unit.id,
        unit.accepted.to_sqlx(),
        unit.handed_over.map(|d| d.to_sqlx()) as Option<jiff_sqlx::Date>,
        i16::try_from(unit.design_life_years).unwrap_or(i16::MAX),
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()?;
    write_terms(tx, site, &unit.id, &unit.terms).await?;
    Ok(revision)
}

/// Writes what the site gives, whole.
///
/// # Errors
/// When Postgres is away.
pub async fn set_site_terms(tx: &mut Tx, site: &SiteId, terms: &[Term]) -> Result<(), Fault> {
    write_terms(tx, site, SITE, terms).await
}

/// What the site gives.
///
/// # Errors
/// When Postgres is away.
pub async fn site_terms(tx: &mut Tx, site: &SiteId) -> Result<Vec<Term>, Fault> {
    terms(tx, site, SITE).await
}

async fn write_terms(tx: &mut Tx, site: &SiteId, unit: &str, terms: &[Term]) -> Result<(), Fault> {
    sqlx::query!(
        "-- assignment::store::units::write_terms
        DELETE FROM warranty_term WHERE site = $1 AND unit = $2",
        site.as_str(),
        unit,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    for term in terms {
        sqlx::query!(
            "-- assignment::store::units::write_terms
            INSERT INTO warranty_term (site, unit, defect_class, months, clause) VALUES ($1, $2, $3, $4, $5)",
            site.as_str(),
            unit,
            term.class.word(),
            i16::try_from(term.months).unwrap_or(i16::MAX),
            term.clause,
        )
        .execute(&mut **tx)
        .await
        .or_fault()?;
    }
    Ok(())
}

async fn terms(tx: &mut Tx, site: &SiteId, unit: &str) -> Result<Vec<Term>, Fault> {
    let rows = sqlx::query!(
        "-- assignment::store::units::terms
        SELECT defect_class, months, clause FROM warranty_term WHERE site = $1 AND unit = $2",
        site.as_str(),
        unit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    let mut terms: Vec<Term> = rows
        .into_iter()
        .map(|row| {
            Ok(Term {
                class: parse("warranty_term.defect_class", &row.defect_class)?,
                months: u16::try_from(row.months).unwrap_or(0),
                clause: row.clause,
            })
        })
        .collect::<Result<_, Fault>>()?;
    terms.sort_by_key(|term| term.class);
    Ok(terms)
}

/// The unit of this id; none where there is none in scope.
///
/// # Errors
/// When Postgres is away.
pub async fn find(tx: &mut Tx, site: &SiteId, id: &str) -> Result<Option<Kept>, Fault> {
    let row = sqlx::query_as!(
        Row,
        "-- assignment::store::units::find
        SELECT id, acceptance_date, handover_date, design_life_years, revision FROM unit WHERE site = $1 AND id = $2",
        site.as_str(),
        id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    match row {
        Some(row) => {
            let terms = terms(tx, site, id).await?;
            Ok(Some(row.read(terms)))
        }
        None => Ok(None),
    }
}

/// Units by id, after the given one.
///
/// # Errors
/// When Postgres is away.
pub async fn list(
    tx: &mut Tx,
    site: &SiteId,
    after: Option<&String>,
    limit: i64,
) -> Result<Vec<Kept>, Fault> {
    let rows = sqlx::query_as!(
        Row,
        "-- assignment::store::units::list
        SELECT id, acceptance_date, handover_date, design_life_years, revision FROM unit
        WHERE site = $1 AND ($2::text IS NULL OR id > $2) ORDER BY id LIMIT $3",
        site.as_str(),
        after.map(String::as_str),
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    let mut units = Vec::with_capacity(rows.len());
    for row in rows {
        let terms = terms(tx, site, &row.id).await?;
        units.push(row.read(terms));
    }
    Ok(units)
}
