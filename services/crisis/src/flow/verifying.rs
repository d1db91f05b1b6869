//! Whether the log of an incident stands as it was written (I12).

use redress_model::Fault;
use redress_model::name::IncidentName;
use redress_store::Tx;
use redress_vault::chain::{Broken, first_broken};

use crate::store::log;

/// What a look at a log found.
#[derive(Debug, Clone)]
pub struct Verified {
    /// How many entries it has.
    pub entries: i64,
    /// The last one that is hashed, and its hash in hexadecimal, as the incident remembers them; 0 where none is.
    pub hashed: i64,
    /// As `hashed`; empty where none is.
    pub hash: String,
    /// The first that does not stand as it was written.
    pub broken: Option<Broken>,
}

/// Holds every entry of a log against its hash.
///
/// # Errors
/// When Postgres is away.
pub async fn verified(tx: &mut Tx, incident: &IncidentName) -> Result<Verified, Fault> {
    let head = log::head(tx, incident).await?;
    let kept = log::kept_after(tx, incident, 0).await?;
    Ok(Verified {
        entries: i64::try_from(kept.len()).unwrap_or(i64::MAX),
        hashed: head.count,
        hash: hex::encode(&head.hash),
        broken: first_broken(incident, &kept, &head),
    })
}
