//! What only the export of a whole incident reads.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::{IncidentName, StatementName};
use redress_store::{StoreResultExt as _, Tx};

use super::statements::facts;
use crate::domain::statement::Fact;

/// One version of a statement, with all of it that is approved.
#[derive(Debug, Clone)]
pub struct Version {
    /// Counts from 1.
    pub number: i64,
    /// To whom.
    pub audience: String,
    /// BCP 47.
    pub language: String,
    /// The words.
    pub text: String,
    /// What its figures rest upon.
    pub facts: Vec<Fact>,
    /// Why it says what a rule of wording forbids; empty where it does not.
    pub wording_reason: String,
    /// Why it says otherwise than what was published; empty where it does not.
    pub correction: String,
    /// Who wrote it.
    pub author: String,
    /// When.
    pub at: Timestamp,
}

/// Every version of a statement, oldest first.
///
/// # Errors
/// When Postgres is away.
pub async fn versions(tx: &mut Tx, statement: &StatementName) -> Result<Vec<Version>, Fault> {
    let rows = sqlx::query!(
        r#"-- crisis::store::story::versions
        SELECT number, audience, language, text, facts, wording_reason, correction, author,
               write_time AS "write_time: jiff_sqlx::Timestamp"
        FROM statement_version WHERE site = $1 AND statement = $2 ORDER BY number"#,
        statement.site.as_str(),
        statement.id,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|r| {
            Ok(Version {
                number: r.number,
                audience: r.audience,
                language: r.language,
                text: r.text,
                facts: facts(r.facts)?,
                wording_reason: r.wording_reason,
                correction: r.correction,
                author: r.author,
                at: r.write_time.to_jiff(),
            })
        })
        .collect()
}

/// A deputy who was appointed, whether or not the time is over.
#[derive(Debug, Clone)]
pub struct Deputy {
    /// The role.
    pub role: String,
    /// Who.
    pub staff: String,
    /// Until before here.
    pub end: Timestamp,
    /// By whom.
    pub by: String,
}

/// Everybody who was appointed to act for a role.
///
/// # Errors
/// When Postgres is away.
pub async fn deputies(tx: &mut Tx, incident: &IncidentName) -> Result<Vec<Deputy>, Fault> {
    let rows = sqlx::query!(
        r#"-- crisis::store::story::deputies
        SELECT role, staff, end_time AS "end_time: jiff_sqlx::Timestamp", appointed_by FROM incident_deputy
        WHERE site = $1 AND incident = $2 ORDER BY role, staff"#,
        incident.site.as_str(),
        incident.id,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    let deputies = rows.into_iter().map(|r| Deputy {
        role: r.role,
        staff: r.staff,
        end: r.end_time.to_jiff(),
        by: r.appointed_by,
    });
    Ok(deputies.collect())
}
