//! Rows and statements. Knows the domain's types and nothing of gRPC or events' bytes.

pub mod briefings;
pub mod callouts;
pub mod cases;
pub mod changes;
pub mod clocks;
pub mod commitments;
pub mod deliveries;
pub mod deputies;
pub mod duty;
pub mod feed;
pub mod handovers;
pub mod held;
pub mod incidents;
pub mod late;
pub mod lessons;
pub mod links;
pub mod log;
pub mod media;
pub mod playbooks;
pub mod policy;
pub mod reviews;
pub mod roles;
pub mod sites;
pub mod stages;
pub mod standing;
pub mod statements;
pub mod story;
pub mod tasks;
pub mod terms;
pub mod told;
pub mod updates;
pub mod wording;

use redress_model::Fault;
use redress_model::name::SiteId;
use redress_store::{StoreResultExt as _, Tx};

use crate::domain::statement::Person;

/// The migrations of this schema.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

/// Everything that opens, joins or merges incidents of a site, or changes its command, happens one at a
/// time: whether an incident exists, and which cluster goes by which name, has to hold until the commit.
/// Incidents are rare and such a transaction takes milliseconds.
///
/// # Errors
/// When Postgres is away.
pub async fn lock_site(tx: &mut Tx, site: &SiteId) -> Result<(), Fault> {
    sqlx::query!(
        "-- crisis::store::lock_site
        SELECT pg_advisory_xact_lock(hashtextextended('crisis/' || $1, 0))",
        site.as_str(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// What a column holds, as the type it was written from.
pub(crate) fn read<T>(text: &str) -> Result<T, Fault>
where
    T: std::str::FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    text.parse().map_err(|e: T::Err| Fault::internal(e))
}

/// A person as a subject and the whole name of a place on a roster, which is empty where the token named none.
fn person_of(subject: String, staff: &str) -> Result<Person, Fault> {
    let staff = (!staff.is_empty()).then(|| read(staff)).transpose()?;
    Ok(Person { subject, staff })
}

/// As [`read`], for several.
pub(crate) fn read_all<T, C>(texts: &[String]) -> Result<C, Fault>
where
    T: std::str::FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
    C: FromIterator<T>,
{
    texts.iter().map(|t| read(t)).collect()
}

/// A person as a column of several holds it.
#[derive(serde::Serialize, serde::Deserialize)]
struct Giver {
    subject: String,
    staff: Option<String>,
}

/// By whose word something is, as a column holds it.
pub(crate) fn givers(persons: &[Person]) -> Result<serde_json::Value, Fault> {
    let givers = persons.iter().map(|person| Giver {
        subject: person.subject.clone(),
        staff: person.staff.as_ref().map(ToString::to_string),
    });
    serde_json::to_value(givers.collect::<Vec<_>>()).map_err(Fault::internal)
}

/// The same, read.
pub(crate) fn read_givers(value: serde_json::Value) -> Result<Vec<Person>, Fault> {
    let givers: Vec<Giver> = serde_json::from_value(value).map_err(Fault::internal)?;
    let person = |giver: Giver| {
        Ok(Person {
            subject: giver.subject,
            staff: giver.staff.as_deref().map(read).transpose()?,
        })
    };
    givers.into_iter().map(person).collect()
}

/// As columns want it.
pub(crate) fn texts<'a, T: ToString + 'a>(values: impl IntoIterator<Item = &'a T>) -> Vec<String> {
    values.into_iter().map(ToString::to_string).collect()
}
