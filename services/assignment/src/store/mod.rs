//! The tables of assignment. Functions take the transaction of their caller; whatever changes work first takes the
//! site's lock ([`bench::lock`]), so that loads are exact and nobody is routed to twice from the same look.

pub mod accesses;
pub mod accused;
pub mod actions;
pub mod appeals;
pub mod bench;
pub mod contacts;
pub mod demands;
pub mod departments;
pub mod duties;
pub mod erasure;
pub mod evidence;
pub mod exposures;
pub mod handovers;
pub mod hints;
pub mod history;
pub mod joint_visits;
pub mod judgements;
pub mod ledger;
pub mod library;
pub mod limits;
pub mod matters;
pub mod notices;
pub mod outbox;
pub mod parts;
pub mod past_office;
pub mod plan;
pub mod policy;
pub mod powers;
pub mod promises;
pub mod reports;
pub mod sites;
pub mod solutions;
pub mod staff;
pub mod store_reports;
pub mod summonses;
pub mod supports;
pub mod take_over;
pub mod units;
pub mod upheld;
pub mod validity;
pub mod visits;
pub mod wording;
pub mod work;

use std::fmt;
use std::str::FromStr;

use redress_model::Fault;

use crate::domain::person::Person;

/// The migrations of this service's own tables.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

/// Reads back what this service wrote; anything else in the column is our mistake.
fn parse<T>(column: &'static str, text: &str) -> Result<T, Fault>
where
    T: FromStr,
    T::Err: fmt::Display,
{
    text.parse()
        .map_err(|e: T::Err| Fault::internal(format!("column {column}: {e}")))
}

/// A document that is set whole, with its revision; an empty one of revision 0 where none was set.
fn document<T>(row: Option<(serde_json::Value, i64)>) -> Result<(T, i64), Fault>
where
    T: serde::de::DeserializeOwned + Default,
{
    let Some((document, revision)) = row else {
        return Ok((T::default(), 0));
    };
    let document = serde_json::from_value(document).map_err(Fault::internal)?;
    Ok((document, revision))
}

/// Whoever stands in two columns: the subject of the token, and the member of staff behind it.
fn person(column: &'static str, subject: String, staff: Option<&str>) -> Result<Person, Fault> {
    Ok(Person {
        subject,
        staff: parse_opt(column, staff)?,
    })
}

fn parse_opt<T>(column: &'static str, text: Option<&str>) -> Result<Option<T>, Fault>
where
    T: FromStr,
    T::Err: fmt::Display,
{
    text.map(|t| parse(column, t)).transpose()
}
