//! What a site published: a chain of signed entries, only ever added to.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::{SiteId, StatementName};
use redress_store::{StoreResultExt as _, Tx};
use uuid::Uuid;

use super::read;
use super::statements::Statement;
use crate::domain::feed::{Form, Said, hash};
use crate::domain::statement::Digest;
use crate::domain::words::{Audience, StatementKind};

/// Signs the hash of an entry of a site, and that it is of [`Form::NEWEST`]: `(site, number, hash in hexadecimal)`.
pub type Sign = dyn Fn(&SiteId, i64, &str) -> Result<String, Fault> + Send + Sync;

/// An entry with the words that left.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Counts from 1 within the site.
    pub number: i64,
    /// The statement.
    pub statement: StatementName,
    /// What it is for.
    pub kind: StatementKind,
    /// To whom it speaks.
    pub audience: Audience,
    /// BCP 47.
    pub language: String,
    /// The words.
    pub text: String,
    /// The entry whose place it takes; 0 where none.
    pub supersedes_number: i64,
    /// When.
    pub published: Timestamp,
    /// Hash of the entry before; empty for the first.
    pub previous_hash: Vec<u8>,
    /// Hash of this one.
    pub hash: Vec<u8>,
    /// The platform's signature of the hash.
    pub signature: String,
    /// As exactly what it left.
    pub digest: Vec<u8>,
}

/// Adds a statement that is leaving. One site publishes one at a time, so that its chain has no forks.
///
/// # Errors
/// When Postgres is away or it cannot be signed.
pub async fn append(
    tx: &mut Tx,
    statement: &Statement,
    digest: Digest,
    at: Timestamp,
    sign: &Sign,
) -> Result<Entry, Fault> {
    let StatementName { site, id } = &statement.name;
    sqlx::query!(
        "-- crisis::store::feed::append
        SELECT pg_advisory_xact_lock(hashtextextended('crisis/feed/' || $1, 0))",
        site.as_str(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    let last = sqlx::query!(
        "-- crisis::store::feed::append
        SELECT number, hash FROM feed_entry WHERE site = $1 ORDER BY number DESC LIMIT 1",
        site.as_str(),
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    let (number, previous_hash) = last.map_or((1, Vec::new()), |l| (l.number + 1, l.hash));
    let supersedes_number = match statement.supersedes {
        None => 0,
        Some(old) => number_of(tx, site, old).await?.unwrap_or(0),
    };
    let content = &statement.content;
    let hash = hash(
        Form::NEWEST,
        &Said {
            site,
            number,
            previous: &previous_hash,
            digest: &digest,
            statement: &statement.name,
            kind: content.kind,
            audience: content.audience,
            language: &content.language,
            text: &content.text,
            supersedes_number,
            published: at,
        },
    );
    let signature = sign(site, number, &hex::encode(hash))?;
    sqlx::query!(
        "-- crisis::store::feed::append
        INSERT INTO feed_entry (site, number, statement, supersedes_number, publish_time, previous_hash, hash, signature)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        site.as_str(),
        number,
        id,
        supersedes_number,
        at.to_sqlx(),
        previous_hash,
        hash.to_vec(),
        signature,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(Entry {
        number,
        statement: statement.name.clone(),
        kind: content.kind,
        audience: content.audience,
        language: content.language.clone(),
        text: content.text.clone(),
        supersedes_number,
        published: at,
        previous_hash,
        hash: hash.to_vec(),
        signature,
        digest: digest.to_vec(),
    })
}

/// The number of a statement's entry; none while it has not left.
///
/// # Errors
/// When Postgres is away.
pub async fn number_of(tx: &mut Tx, site: &SiteId, statement: Uuid) -> Result<Option<i64>, Fault> {
    sqlx::query_scalar!(
        "-- crisis::store::feed::number_of
        SELECT number FROM feed_entry WHERE site = $1 AND statement = $2",
        site.as_str(),
        statement,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()
}

/// Entries of a site after a number, oldest first.
///
/// # Errors
/// When Postgres is away.
pub async fn after(
    tx: &mut Tx,
    site: &SiteId,
    after: i64,
    limit: i64,
) -> Result<Vec<Entry>, Fault> {
    let rows = sqlx::query!(
        r#"-- crisis::store::feed::after
        SELECT f.number, f.statement, f.supersedes_number, f.publish_time, f.previous_hash, f.hash, f.signature,
               s.kind, s.digest AS "digest!", v.audience, v.language, v.text
        FROM feed_entry f
        JOIN statement s ON s.site = f.site AND s.id = f.statement
        JOIN statement_version v ON v.site = s.site AND v.statement = s.id AND v.number = s.version
        WHERE f.site = $1 AND f.number > $2 ORDER BY f.number LIMIT $3"#,
        site.as_str(),
        after,
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|r| {
            Ok(Entry {
                number: r.number,
                statement: StatementName::new(site.clone(), r.statement),
                kind: read(&r.kind)?,
                audience: read(&r.audience)?,
                language: r.language,
                text: r.text,
                supersedes_number: r.supersedes_number,
                published: r.publish_time.to_jiff(),
                previous_hash: r.previous_hash,
                hash: r.hash,
                signature: r.signature,
                digest: r.digest,
            })
        })
        .collect()
}
