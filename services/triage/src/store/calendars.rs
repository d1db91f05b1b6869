//! The calendars of sites: revisions that are only added, and what is computed from them.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use jiff::civil::Date;
use jiff_sqlx::ToSqlx as _;
use redress_calendar::{Day, DayKind, Hours};
use redress_clock::Event;
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_store::{Database, StoreResultExt as _, Tx};
use uuid::Uuid;

use super::word;
use crate::domain::calendars::{Content, HolidaySource, Revision, SiteCalendars};

/// Sites whose calendars are kept in memory.
const CACHED_MAX: usize = 4096;

/// Calendars by the id of their newest revision. Rows never change, so an entry is never stale.
static CACHE: LazyLock<Mutex<HashMap<Uuid, Arc<SiteCalendars>>>> = LazyLock::new(Mutex::default);

/// Keeps every change of the site's calendar apart until the transaction ends.
pub async fn lock(tx: &mut Tx, site: &SiteId) -> Result<(), Fault> {
    sqlx::query!(
        "-- triage::store::calendars::lock
        SELECT pg_advisory_xact_lock(hashtextextended('triage.calendar/' || $1, 0)) AS locked",
        site.as_str(),
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// The calendars of a site whose newest revision has this id.
pub(super) async fn of_newest(
    tx: &mut Tx,
    site: &SiteId,
    newest: Uuid,
) -> Result<Option<Arc<SiteCalendars>>, Fault> {
    let cached = CACHE
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .get(&newest)
        .cloned();
    if cached.is_some() {
        return Ok(cached);
    }
    self::newest(tx, site).await
}

/// The calendars of a site, read anew; none where it has none yet.
pub async fn newest(tx: &mut Tx, site: &SiteId) -> Result<Option<Arc<SiteCalendars>>, Fault> {
    let mut revisions = all(tx, site).await?.into_iter();
    let Some(first) = revisions.next() else {
        return Ok(None);
    };
    let calendars = Arc::new(SiteCalendars::of(first, revisions.collect()));
    if let Some(newest) = calendars.newest() {
        let mut cache = CACHE.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.len() >= CACHED_MAX {
            cache.clear();
        }
        cache.insert(newest.id, Arc::clone(&calendars));
    }
    Ok(Some(calendars))
}

struct Row {
    revision: i32,
    id: Uuid,
    cause: String,
    effective_date: Option<jiff_sqlx::Date>,
    time_zone: String,
    holidays: String,
    data_version: i32,
    own_hours: bool,
    week: Vec<String>,
    make_up: String,
    day_dates: Vec<String>,
    day_kinds: Vec<String>,
    day_names: Vec<String>,
    own_years: Vec<i16>,
    author: String,
    note: String,
    create_time: jiff_sqlx::Timestamp,
}

impl Row {
    fn read(self) -> Result<Revision, Fault> {
        let week: [String; 7] = self
            .week
            .try_into()
            .map_err(|_| Fault::internal("a week of other than seven days"))?;
        let days = self
            .day_dates
            .iter()
            .zip(&self.day_kinds)
            .zip(self.day_names);
        let own_days = days
            .map(|((date, kind), name)| {
                let date: Date = date.parse().map_err(Fault::internal)?;
                let name = name.into();
                Ok((
                    date,
                    Day {
                        kind: kind_of_row(kind)?,
                        name,
                    },
                ))
            })
            .collect::<Result<_, Fault>>()?;
        Ok(Revision {
            number: u32::try_from(self.revision).map_err(Fault::internal)?,
            id: self.id,
            cause: word(&self.cause)?,
            effective: self.effective_date.map(jiff_sqlx::Date::to_jiff),
            content: Content {
                zone: self.time_zone,
                holidays: word::<HolidaySource>(&self.holidays)?,
                data_version: u32::try_from(self.data_version).map_err(Fault::internal)?,
                own_hours: self.own_hours,
                hours: Hours::parse(&week, &self.make_up).map_err(Fault::internal)?,
                own_days,
                own_years: self.own_years.into_iter().collect(),
            },
            author: self.author,
            note: self.note,
            created: self.create_time.to_jiff(),
        })
    }
}

fn kind_to_row(kind: DayKind) -> &'static str {
    match kind {
        DayKind::Off => "off",
        DayKind::On => "on",
    }
}

fn kind_of_row(kind: &str) -> Result<DayKind, Fault> {
    match kind {
        "off" => Ok(DayKind::Off),
        "on" => Ok(DayKind::On),
        _ => Err(Fault::internal("a day that is neither off nor on")),
    }
}

async fn all(tx: &mut Tx, site: &SiteId) -> Result<Vec<Revision>, Fault> {
    sqlx::query_as!(
        Row,
        "-- triage::store::calendars::all
        SELECT revision, id, cause, effective_date AS \"effective_date: jiff_sqlx::Date\", time_zone, holidays,
               data_version, own_hours, week, make_up, day_dates, day_kinds, day_names, own_years, author, note,
               create_time
        FROM calendar_revision WHERE site = $1 ORDER BY revision",
        site.as_str(),
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?
    .into_iter()
    .map(Row::read)
    .collect()
}

/// Revisions, newest first, below a number.
pub async fn page(
    tx: &mut Tx,
    site: &SiteId,
    below: Option<i32>,
    limit: i64,
) -> Result<Vec<Revision>, Fault> {
    sqlx::query_as!(
        Row,
        "-- triage::store::calendars::page
        SELECT revision, id, cause, effective_date AS \"effective_date: jiff_sqlx::Date\", time_zone, holidays,
               data_version, own_hours, week, make_up, day_dates, day_kinds, day_names, own_years, author, note,
               create_time
        FROM calendar_revision WHERE site = $1 AND ($2::integer IS NULL OR revision < $2)
        ORDER BY revision DESC LIMIT $3",
        site.as_str(),
        below,
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?
    .into_iter()
    .map(Row::read)
    .collect()
}

/// Adds a revision.
pub async fn insert(tx: &mut Tx, site: &SiteId, revision: &Revision) -> Result<(), Fault> {
    let content = &revision.content;
    let dates: Vec<String> = content.own_days.keys().map(Date::to_string).collect();
    let kinds: Vec<String> = content
        .own_days
        .values()
        .map(|day| kind_to_row(day.kind).to_owned())
        .collect();
    let names: Vec<String> = content
        .own_days
        .values()
        .map(|day| day.name.clone().into_owned())
        .collect();
    let years: Vec<i16> = content.own_years.iter().copied().collect();
    sqlx::query!(
        "-- triage::store::calendars::insert
        INSERT INTO calendar_revision (site, revision, id, cause, effective_date, time_zone, holidays, data_version,
          own_hours, week, make_up, day_dates, day_kinds, day_names, own_years, moves, author, note, create_time)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
        site.as_str(),
        i32::try_from(revision.number).unwrap_or(i32::MAX),
        revision.id,
        revision.cause.word(),
        revision.effective.map(|date| date.to_sqlx()) as Option<jiff_sqlx::Date>,
        content.zone,
        content.holidays.word(),
        i32::try_from(content.data_version).unwrap_or(i32::MAX),
        content.own_hours,
        &content.hours.week_texts() as &[String],
        content.hours.make_up_text(),
        &dates,
        &kinds,
        &names,
        &years,
        revision.moves(),
        revision.author,
        revision.note,
        revision.created.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// A running clock with the events of its fold.
#[derive(Debug)]
pub struct Running {
    /// The clock.
    pub id: Uuid,
    /// Its case.
    pub case: Uuid,
    /// In the order in which they happened.
    pub events: Vec<Event>,
}

/// Running clocks of a site that promise something, the nearest deadline first; without those of cases
/// about this person, `sites/{site}/staff/{staff}`.
pub async fn running(
    tx: &mut Tx,
    site: &SiteId,
    not_about: Option<&str>,
    limit: i64,
) -> Result<Vec<Running>, Fault> {
    let rows = sqlx::query!(
        "-- triage::store::calendars::running
        SELECT c.id, c.case_id,
               (SELECT jsonb_agg(e.event ORDER BY e.sequence) FROM clock_event e
                WHERE e.site = c.site AND e.clock_id = c.id AND e.event IS NOT NULL) AS events
        FROM clock c JOIN case_file f ON f.site = c.site AND f.id = c.case_id
        WHERE c.site = $1 AND c.stop_time IS NULL AND c.kind NOT IN ('AGE_CHECK', 'HOLD_END', 'CONFIRM_SIGNAL')
          AND ($2::text IS NULL OR NOT $2 = ANY (f.excluded))
        ORDER BY c.due_time, c.id LIMIT $3",
        site.as_str(),
        not_about,
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|row| {
            let events = row.events.unwrap_or_else(|| serde_json::json!([]));
            Ok(Running {
                id: row.id,
                case: row.case_id,
                events: serde_json::from_value(events).map_err(Fault::internal)?,
            })
        })
        .collect()
}

/// Cases with a running clock that counts by a calendar older than the newest that moves clocks, after a
/// key, in order: the worker's view.
pub async fn behind(
    db: &Database,
    after: Option<&(SiteId, Uuid)>,
    limit: i64,
) -> Result<Vec<(SiteId, Uuid)>, Fault> {
    let rows = sqlx::query!(
        "-- triage::store::calendars::behind
        SELECT DISTINCT c.site, c.case_id
        FROM (SELECT site, max(revision) AS target FROM calendar_revision WHERE moves GROUP BY site) AS r
        JOIN clock c ON c.site = r.site AND c.stop_time IS NULL AND c.calendar_revision < r.target
        WHERE $1::text IS NULL OR (c.site, c.case_id) > ($1, $2)
        ORDER BY c.site, c.case_id LIMIT $3",
        after.map(|(site, _)| site.as_str()),
        after.map(|(_, case)| *case),
        limit,
    )
    .fetch_all(db.worker())
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|row| Ok((row.site.parse().map_err(Fault::internal)?, row.case_id)))
        .collect()
}

/// Sites after a key, in order: the worker's view.
pub async fn sites(db: &Database, after: &str, limit: i64) -> Result<Vec<SiteId>, Fault> {
    sqlx::query_scalar!(
        "-- triage::store::calendars::sites
        SELECT site FROM site WHERE site > $1 ORDER BY site LIMIT $2",
        after,
        limit,
    )
    .fetch_all(db.worker())
    .await
    .or_fault()?
    .iter()
    .map(|site| site.parse().map_err(Fault::internal))
    .collect()
}
