//! Statements: their versions and verdicts, which are only ever added, and where each stands.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::{SiteId, StaffName, StatementName};
use redress_store::{OneRowExt as _, StoreResultExt as _, Tx};
use uuid::Uuid;

use super::{givers, read, read_givers};
use crate::domain::statement::{Content, Digest, Fact, Person, Review, Told, is_first_word};
use crate::domain::words::{Audience, ReviewStep, Stage, StatementKind, StatementState, Verdict};

/// A statement with the version that stands.
#[derive(Debug, Clone)]
pub struct Statement {
    /// Site and id.
    pub name: StatementName,
    /// Its incident.
    pub incident: Uuid,
    /// The published one whose place it takes.
    pub supersedes: Option<Uuid>,
    /// Where it stands.
    pub state: StatementState,
    /// Which version stands.
    pub version: i64,
    /// What it says.
    pub content: Content,
    /// How it left; none before.
    pub published: Option<Publication>,
    /// When it was first written.
    pub created: Timestamp,
    /// Last change.
    pub updated: Timestamp,
    /// Rises with every change.
    pub revision: i64,
}

/// How a statement left.
#[derive(Debug, Clone)]
pub struct Publication {
    /// In which stage.
    pub stage: Stage,
    /// As exactly what.
    pub digest: Digest,
    /// By whom.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// A verdict with what people want to know of it.
#[derive(Debug, Clone)]
pub struct Said {
    /// Counts from 1.
    pub number: i64,
    /// The verdict.
    pub review: Review,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

struct Row {
    site: String,
    id: Uuid,
    incident: Uuid,
    kind: String,
    supersedes: Option<Uuid>,
    state: String,
    version: i64,
    stage: Option<String>,
    digest: Option<Vec<u8>>,
    published_by: Option<String>,
    publish_time: Option<jiff_sqlx::Timestamp>,
    create_time: jiff_sqlx::Timestamp,
    update_time: jiff_sqlx::Timestamp,
    revision: i64,
    audience: String,
    language: String,
    text: String,
    facts: serde_json::Value,
    wording_reason: String,
    correction: String,
}

impl TryFrom<Row> for Statement {
    type Error = Fault;

    fn try_from(row: Row) -> Result<Self, Fault> {
        let published = match (row.stage, row.digest, row.published_by, row.publish_time) {
            (Some(stage), Some(digest), Some(by), Some(at)) => Some(Publication {
                stage: read(&stage)?,
                digest: whole(&digest)?,
                by,
                at: at.to_jiff(),
            }),
            _ => None,
        };
        Ok(Self {
            name: StatementName::new(read(&row.site)?, row.id),
            incident: row.incident,
            supersedes: row.supersedes,
            state: read(&row.state)?,
            version: row.version,
            content: Content {
                kind: read::<StatementKind>(&row.kind)?,
                audience: read(&row.audience)?,
                language: row.language,
                text: row.text,
                facts: facts(row.facts)?,
                wording_reason: row.wording_reason,
                correction: row.correction,
            },
            published,
            created: row.create_time.to_jiff(),
            updated: row.update_time.to_jiff(),
            revision: row.revision,
        })
    }
}

fn whole(digest: &[u8]) -> Result<Digest, Fault> {
    digest.try_into().map_err(Fault::internal)
}

/// The facts of a version, as they are stored.
pub(super) fn facts(value: serde_json::Value) -> Result<Vec<Fact>, Fault> {
    serde_json::from_value(value).map_err(Fault::internal)
}

/// Inserts a draft without its words, which [`write`] adds.
///
/// # Errors
/// When Postgres is away.
pub async fn insert(tx: &mut Tx, statement: &Statement) -> Result<(), Fault> {
    sqlx::query!(
        "-- crisis::store::statements::insert
        INSERT INTO statement (site, id, incident, kind, supersedes, state, version, create_time, update_time, revision)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        statement.name.site.as_str(),
        statement.name.id,
        statement.incident,
        statement.content.kind.word(),
        statement.supersedes,
        statement.state.word(),
        statement.version,
        statement.created.to_sqlx(),
        statement.updated.to_sqlx(),
        statement.revision,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Adds the words of the statement's version.
///
/// # Errors
/// When Postgres is away.
pub async fn write(
    tx: &mut Tx,
    statement: &Statement,
    by: &Person,
    at: Timestamp,
) -> Result<(), Fault> {
    let content = &statement.content;
    let facts = serde_json::to_value(&content.facts).map_err(Fault::internal)?;
    let (staff, home) = staff_of(by, &statement.name.site);
    sqlx::query!(
        "-- crisis::store::statements::write
        INSERT INTO statement_version (site, statement, number, audience, language, text, facts, author, staff, staff_site,
                                       write_time, wording_reason, correction)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        statement.name.site.as_str(),
        statement.name.id,
        statement.version,
        content.audience.word(),
        content.language,
        content.text,
        facts,
        by.subject,
        staff,
        home,
        at.to_sqlx(),
        content.wording_reason,
        content.correction,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Writes what may change of a statement, under its row's lock.
///
/// # Errors
/// When Postgres is away.
pub async fn update(tx: &mut Tx, statement: &Statement) -> Result<(), Fault> {
    let left = statement.published.as_ref();
    sqlx::query!(
        "-- crisis::store::statements::update
        UPDATE statement SET state = $3, version = $4, stage = $5, digest = $6, published_by = $7, publish_time = $8,
                             update_time = $9, revision = $10
        WHERE site = $1 AND id = $2 AND revision < $10",
        statement.name.site.as_str(),
        statement.name.id,
        statement.state.word(),
        statement.version,
        left.map(|p| p.stage.word()),
        left.map(|p| p.digest.to_vec()),
        left.map(|p| p.by.as_str()),
        left.map(|p| p.at.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        statement.updated.to_sqlx(),
        statement.revision,
    )
    .execute(&mut **tx)
    .await
    .one_row("a statement was changed without its lock")
}

/// A statement.
///
/// # Errors
/// When Postgres is away.
pub async fn get(tx: &mut Tx, site: &SiteId, id: Uuid) -> Result<Option<Statement>, Fault> {
    sqlx::query_as!(
        Row,
        "-- crisis::store::statements::get
        SELECT s.site, s.id, s.incident, s.kind, s.supersedes, s.state, s.version, s.stage, s.digest, s.published_by,
               s.publish_time, s.create_time, s.update_time, s.revision, v.audience, v.language, v.text, v.facts,
               v.wording_reason, v.correction
        FROM statement s JOIN statement_version v ON v.site = s.site AND v.statement = s.id AND v.number = s.version
        WHERE s.site = $1 AND s.id = $2",
        site.as_str(),
        id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?
    .map(TryInto::try_into)
    .transpose()
}

/// Moves the drafts of one incident to the one that it goes into, and says which, oldest first. The caller holds both.
///
/// # Errors
/// When Postgres is away.
pub async fn move_drafts(
    tx: &mut Tx,
    site: &SiteId,
    from: Uuid,
    into: Uuid,
    at: Timestamp,
) -> Result<Vec<StatementName>, Fault> {
    let mut moved = sqlx::query_scalar!(
        "-- crisis::store::statements::move_drafts
        UPDATE statement SET incident = $3, update_time = $4, revision = revision + 1
        WHERE site = $1 AND incident = $2 AND state = 'DRAFT' RETURNING id",
        site.as_str(),
        from,
        into,
        at.to_sqlx(),
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    // Ids are in the order of their making.
    moved.sort_unstable();
    Ok(moved
        .into_iter()
        .map(|id| StatementName::new(site.clone(), id))
        .collect())
}

/// The incident of a statement.
///
/// # Errors
/// When Postgres is away.
pub async fn incident_of(tx: &mut Tx, site: &SiteId, id: Uuid) -> Result<Option<Uuid>, Fault> {
    sqlx::query_scalar!(
        "-- crisis::store::statements::incident_of
        SELECT incident FROM statement WHERE site = $1 AND id = $2",
        site.as_str(),
        id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()
}

/// What a list is narrowed by.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    /// State.
    pub state: Option<StatementState>,
    /// Audience.
    pub audience: Option<Audience>,
}

/// Statements of an incident, newest first, below a key.
///
/// # Errors
/// When Postgres is away.
pub async fn list(
    tx: &mut Tx,
    site: &SiteId,
    incident: Uuid,
    filter: Filter,
    before: Option<&(Timestamp, Uuid)>,
    limit: i64,
) -> Result<Vec<Statement>, Fault> {
    sqlx::query_as!(
        Row,
        "-- crisis::store::statements::list
        SELECT s.site, s.id, s.incident, s.kind, s.supersedes, s.state, s.version, s.stage, s.digest, s.published_by,
               s.publish_time, s.create_time, s.update_time, s.revision, v.audience, v.language, v.text, v.facts,
               v.wording_reason, v.correction
        FROM statement s JOIN statement_version v ON v.site = s.site AND v.statement = s.id AND v.number = s.version
        WHERE s.site = $1 AND s.incident = $2
          AND ($3::text IS NULL OR s.state = $3)
          AND ($4::text IS NULL OR v.audience = $4)
          AND ($5::timestamptz IS NULL OR (s.create_time, s.id) < ($5, $6))
        ORDER BY s.create_time DESC, s.id DESC LIMIT $7",
        site.as_str(),
        incident,
        filter.state.map(|s| s.word()),
        filter.audience.map(|a| a.word()),
        before.map(|b| b.0.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        before.map(|b| b.1),
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?
    .into_iter()
    .map(TryInto::try_into)
    .collect()
}

/// Everybody who wrote a version.
///
/// # Errors
/// When Postgres is away.
pub async fn authors(tx: &mut Tx, site: &SiteId, id: Uuid) -> Result<Vec<Person>, Fault> {
    let rows = sqlx::query!(
        "-- crisis::store::statements::authors
        SELECT DISTINCT author, staff, staff_site FROM statement_version WHERE site = $1 AND statement = $2 ORDER BY author",
        site.as_str(),
        id,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|r| person(site, r.author, r.staff, r.staff_site))
        .collect()
}

/// The columns of a person's place on the roster: who, and of which other site than the row's.
pub(super) fn staff_of<'a>(
    person: &'a Person,
    site: &SiteId,
) -> (Option<&'a str>, Option<&'a str>) {
    let staff = person.staff.as_ref();
    let elsewhere = staff.filter(|s| s.site != *site);
    (
        staff.map(|s| s.id.as_str()),
        elsewhere.map(|s| s.site.as_str()),
    )
}

/// A person as these columns name them.
pub(super) fn person(
    site: &SiteId,
    subject: String,
    staff: Option<String>,
    home: Option<String>,
) -> Result<Person, Fault> {
    let home = home.map_or_else(|| Ok(site.clone()), |home| read(&home))?;
    let staff = staff.map(|id| Ok::<_, Fault>(StaffName::new(home, read(&id)?)));
    Ok(Person {
        subject,
        staff: staff.transpose()?,
    })
}

/// Adds a verdict. The caller holds the incident's row, so that numbers follow each other.
///
/// # Errors
/// When Postgres is away.
pub async fn say(
    tx: &mut Tx,
    name: &StatementName,
    review: &Review,
    reason: &str,
    at: Timestamp,
) -> Result<(), Fault> {
    let (staff, home) = staff_of(&review.by, &name.site);
    sqlx::query!(
        "-- crisis::store::statements::say
        INSERT INTO statement_review (site, statement, number, step, verdict, digest, reviewer, staff, staff_site, reason,
                                      review_time, givers)
        SELECT $1, $2, 1 + coalesce(max(number), 0), $3, $4, $5, $6, $7, $8, $9, $10, $11
        FROM statement_review WHERE site = $1 AND statement = $2",
        name.site.as_str(),
        name.id,
        review.step.word(),
        review.verdict.word(),
        review.digest.to_vec(),
        review.by.subject,
        staff,
        home,
        reason,
        at.to_sqlx(),
        givers(&review.givers)?,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Everything that was said of a statement, oldest first.
///
/// # Errors
/// When Postgres is away.
pub async fn said(tx: &mut Tx, site: &SiteId, id: Uuid) -> Result<Vec<Said>, Fault> {
    let rows = sqlx::query!(
        "-- crisis::store::statements::said
        SELECT number, step, verdict, digest, reviewer, staff, staff_site, reason, review_time, givers
        FROM statement_review
        WHERE site = $1 AND statement = $2 ORDER BY number",
        site.as_str(),
        id,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|r| {
            Ok(Said {
                number: r.number,
                review: Review {
                    step: read::<ReviewStep>(&r.step)?,
                    verdict: read::<Verdict>(&r.verdict)?,
                    digest: whole(&r.digest)?,
                    by: person(site, r.reviewer, r.staff, r.staff_site)?,
                    givers: read_givers(r.givers)?,
                },
                reason: r.reason,
                at: r.review_time.to_jiff(),
            })
        })
        .collect()
}

/// What everything told that left on an incident and on those that were merged into it, hidden from whoever asks or not; oldest
/// first. `replaced` is the statement whose place is being taken.
///
/// # Errors
/// When Postgres is away.
pub async fn told(
    tx: &mut Tx,
    site: &SiteId,
    incident: Uuid,
    replaced: Option<Uuid>,
) -> Result<Vec<Told>, Fault> {
    let rows = sqlx::query!(
        r#"-- crisis::store::statements::told
        SELECT v.facts, v.correction <> '' AS "corrects!", s.state <> 'PUBLISHED' AS "superseded!",
               s.id IS NOT DISTINCT FROM $3 AS "replaced!"
        FROM statement s
        JOIN statement_version v ON v.site = s.site AND v.statement = s.id AND v.number = s.version
        WHERE s.site = $1 AND s.publish_time IS NOT NULL
          AND s.incident IN (SELECT $2::uuid UNION ALL SELECT merged_of($1, $2))
        -- Of one instant, whatever stands follows what gave way, and a correction what it corrects.
        ORDER BY s.publish_time, s.state = 'PUBLISHED', v.correction <> '', s.id"#,
        site.as_str(),
        incident,
        replaced,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|row| {
            Ok(Told {
                facts: facts(row.facts)?,
                corrects: row.corrects,
                superseded: row.superseded,
                replaced: row.replaced,
            })
        })
        .collect()
}

/// Whether the first word of an incident, or of one that was merged into it, has left; also where that one is hidden from
/// whoever asks.
///
/// # Errors
/// When Postgres is away.
pub async fn first_word_left(tx: &mut Tx, site: &SiteId, incident: Uuid) -> Result<bool, Fault> {
    let all = StatementKind::ALL.iter().flat_map(|&kind| {
        let to = Audience::ALL.iter().map(move |&audience| (kind, audience));
        to.filter(|&(kind, audience)| is_first_word(kind, audience))
    });
    let (kinds, audiences): (Vec<String>, Vec<String>) = all
        .map(|(kind, audience)| (kind.word().to_owned(), audience.word().to_owned()))
        .unzip();
    sqlx::query_scalar!(
        r#"-- crisis::store::statements::first_word_left
        SELECT EXISTS (SELECT FROM statement s
                       JOIN statement_version v ON v.site = s.site AND v.statement = s.id AND v.number = s.version
                       WHERE s.site = $1 AND s.publish_time IS NOT NULL
                         AND (s.kind, v.audience) IN (SELECT * FROM unnest($3::text[], $4::text[]))
                         AND s.incident IN (SELECT $2::uuid UNION ALL SELECT merged_of($1, $2))) AS "left!""#,
        site.as_str(),
        incident,
        &kinds,
        &audiences,
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()
}
