//! Changes a site's calendar from tomorrow on; or only says what that would do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use redress_calendar::{Day, Hours, ics};
use redress_clock::{Event, fold};
use redress_model::Fault;
use redress_model::fault::Violation;
use redress_model::name::{CaseName, ClockName, SiteId};
use redress_proto::convert::{from_wire, to_timestamp};
use redress_proto::triage::v1::{self as wire, ImportCalendarRequest, ImportCalendarResponse};
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use tonic::Request;

use super::Shared;
use super::calendar_service::{hours, missing, newest, render, site_of, special_days};
use crate::casework::{self, CalendarChange};
use crate::domain::calendars::{Content, HolidaySource, Revision};
use crate::store::calendars::{self, Running};
use crate::store::sites::{self, Site};

const METHOD: &str = "redress.triage.v1.CalendarService/ImportCalendar";

/// So many years ahead a holiday that recurs is written out.
const YEARS_AHEAD: i16 = 5;
/// Running clocks that a preview looks at.
const CHECKED_MAX: i64 = 5_000;
/// Clocks that a preview shows.
const MOVES_MAX: usize = 200;

pub(super) async fn run(
    shared: &Shared,
    request: Request<ImportCalendarRequest>,
) -> Result<ImportCalendarResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let site = site_of(&request.name)?;
    caller.require_site(&site)?;
    let now = shared.desk.now();
    let wanted = Wanted::parse(&request, now)?;
    let request_id = std::mem::take(&mut request.request_id);
    let import = Import {
        receipt: shared.receipt(&caller, METHOD, &site, request_id, &request),
        site,
        etag: request.etag,
        wanted,
        author: caller.subject.clone(),
        note: request.note,
        caller: &caller,
        now,
    };
    let scope = redress_runtime::scope(&caller);
    let outcome = if request.validate_only {
        shared.desk.db.read(&scope, &Preview(&import)).await?
    } else {
        shared.desk.db.run(&scope, &import).await?
    };
    Ok(import.answer(outcome))
}

/// What a request asks for.
struct Wanted {
    own: Option<(BTreeMap<Date, Day>, BTreeSet<i16>)>,
    hours: Option<Hours>,
    holidays: Option<HolidaySource>,
    ignored: usize,
}

impl Wanted {
    fn parse(request: &ImportCalendarRequest, now: Timestamp) -> Result<Self, Fault> {
        let mut ignored = 0;
        let listed = match (request.icalendar.is_empty(), request.days.is_empty()) {
            (false, false) => {
                return Err(Fault::invalid("days", "must be empty beside icalendar"));
            }
            (false, true) => {
                let last_year = now.to_zoned(jiff::tz::TimeZone::UTC).year() + YEARS_AHEAD;
                let file = ics::read(&request.icalendar, last_year).map_err(of_file)?;
                if file.days.is_empty() {
                    return Err(Fault::invalid(
                        "icalendar",
                        "has no holiday and no make-up day; to end a year's own days, give years without a file",
                    ));
                }
                ignored = file.ignored;
                file.days
            }
            (true, false) => special_days(&request.days)?,
            (true, true) => BTreeMap::new(),
        };
        let mut years: BTreeSet<i16> = request
            .years
            .iter()
            .filter_map(|year| i16::try_from(*year).ok())
            .collect();
        if years.is_empty() {
            years = listed.keys().map(|date| date.year()).collect();
        } else if let Some(date) = listed.keys().find(|date| !years.contains(&date.year())) {
            return Err(Fault::invalid(
                "years",
                format!("must name the year of {date}"),
            ));
        }
        let wanted = Self {
            own: (!years.is_empty()).then_some((listed, years)),
            hours: request.hours.as_ref().map(hours).transpose()?,
            holidays: from_wire(request.holidays),
            ignored,
        };
        if wanted.own.is_none() && wanted.hours.is_none() && wanted.holidays.is_none() {
            return Err(Fault::invalid(
                "icalendar",
                "must have days, or give days, years, hours or holidays",
            ));
        }
        Ok(wanted)
    }

    fn apply(&self, content: &mut Content) {
        if let Some((days, years)) = &self.own {
            content.replace_own(days.clone(), years);
        }
        if let Some(hours) = &self.hours {
            content.hours = hours.clone();
            content.own_hours = true;
        }
        if let Some(holidays) = self.holidays {
            content.choose(holidays);
        }
    }
}

fn of_file(errors: Vec<ics::IcsError>) -> Fault {
    let violation = |error: ics::IcsError| Violation {
        field: "icalendar".to_owned(),
        description: error.to_string(),
    };
    Fault::violations(errors.into_iter().map(violation).collect())
}

struct Import<'a> {
    receipt: ReceiptKey,
    site: SiteId,
    etag: String,
    wanted: Wanted,
    author: String,
    note: String,
    caller: &'a Caller,
    now: Timestamp,
}

/// What an import did, or would do.
struct Outcome {
    calendar: wire::Calendar,
    /// Days before this one are without effect.
    first_day: Date,
    checked: usize,
    /// More clocks run than were looked at.
    truncated: bool,
    moves: Vec<wire::ClockMove>,
}

impl Import<'_> {
    /// The revision that it makes; none where it changes nothing.
    fn revision(&self, site: &Site) -> Result<Option<Revision>, Fault> {
        let number = i64::from(site.calendar_revision());
        etag::check(&self.etag, number, format!("sites/{}/calendar", self.site))?;
        let mut content = casework::content(site);
        self.wanted.apply(&mut content);
        let change = CalendarChange {
            content,
            author: self.author.clone(),
            note: self.note.clone(),
        };
        Ok(casework::revision(site, change, self.now))
    }

    fn answer(&self, outcome: Outcome) -> ImportCalendarResponse {
        let listed = self.wanted.own.iter().flat_map(|(days, _)| days.keys());
        let listed: Vec<&Date> = listed.collect();
        let past = listed.iter().filter(|d| ***d < outcome.first_day).count();
        let date = |date: Option<&&Date>| date.map_or_else(String::new, ToString::to_string);
        let count = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
        ImportCalendarResponse {
            calendar: Some(outcome.calendar),
            past_days: count(past),
            ignored_events: count(self.wanted.ignored),
            checked_clocks: count(outcome.checked),
            moving_clocks: count(outcome.moves.len()),
            truncated: outcome.truncated,
            listed_days: count(listed.len()),
            first_date: date(listed.first()),
            last_date: date(listed.last()),
            moves: outcome.moves.into_iter().take(MOVES_MAX).collect(),
        }
    }

    /// Clocks that a revision moves, the nearest deadline first: as `casework::recalendar` will move them, by what
    /// each was made under.
    async fn moves(
        &self,
        tx: &mut Tx,
        site: Site,
        revision: &Revision,
        running: Vec<Running>,
    ) -> Result<Vec<wire::ClockMove>, Fault> {
        let site = Site {
            calendars: Arc::new((*site.calendars).clone().with(revision.clone())),
            ..site
        };
        let event = Event::Recalendared {
            at: self.now,
            calendar: site.calendars.newest_moving(),
        };
        let mut moves = Vec::new();
        for Running {
            id,
            case,
            mut events,
        } in running
        {
            events.push(event);
            let calendars = site.calendars_of(tx, &events).await?;
            let Some(before) = fold(&events[..events.len() - 1], &calendars) else {
                continue;
            };
            let mut after = before.clone();
            after.apply(&event, &calendars);
            let (from, to) = (before.deadlines.due, after.deadlines.due);
            if from != to {
                moves.push(wire::ClockMove {
                    clock: ClockName::new(site.id.clone(), id).to_string(),
                    case: CaseName::new(site.id.clone(), case).to_string(),
                    from_time: Some(to_timestamp(from)),
                    to_time: Some(to_timestamp(to)),
                });
            }
        }
        Ok(moves)
    }
}

impl Operation for Import<'_> {
    const NAME: &'static str = "triage.import_calendar";
    type Output = Outcome;

    async fn run(&self, tx: &mut Tx) -> Result<Outcome, Fault> {
        let known = sites::get(tx, &self.site, self.now)
            .await?
            .ok_or_else(|| missing(&self.site))?;
        let claim = receipt::claim(tx, &self.receipt, self.now).await?;
        calendars::lock(tx, &self.site).await?;
        // A site that has no revision yet gets its first, so that there is one to change.
        let (site, _) = casework::follow_calendar(tx, known, self.now).await?;
        let site = casework::reread(tx, site).await?;
        let (calendar, first_day) = if let Claim::Seen { etag, .. } = claim {
            as_of(&site, &etag, self.now)
        } else {
            let calendar = match self.revision(&site)? {
                Some(revision) => {
                    calendars::insert(tx, &self.site, &revision).await?;
                    render(&self.site, &revision.content, Some(&revision))
                }
                None => newest(&site),
            };
            receipt::complete(tx, &self.receipt, &calendar.name, &calendar.etag).await?;
            (calendar, casework::first_day(&site, self.now))
        };
        Ok(Outcome {
            calendar,
            first_day,
            checked: 0,
            truncated: false,
            moves: Vec::new(),
        })
    }
}

/// The calendar that the first answer to this request had.
fn as_of(site: &Site, tag: &str, now: Timestamp) -> (wire::Calendar, Date) {
    let first_day = casework::first_day(site, now);
    match site
        .calendars
        .all()
        .iter()
        .find(|r| etag::of(i64::from(r.number)) == tag)
    {
        Some(revision) => (
            render(&site.id, &revision.content, Some(revision)),
            revision.effective.unwrap_or(first_day),
        ),
        None => (newest(site), first_day),
    }
}

struct Preview<'a>(&'a Import<'a>);

impl Operation for Preview<'_> {
    const NAME: &'static str = "triage.preview_calendar";
    type Output = Outcome;

    async fn run(&self, tx: &mut Tx) -> Result<Outcome, Fault> {
        let import = self.0;
        let site = sites::get(tx, &import.site, import.now)
            .await?
            .ok_or_else(|| missing(&import.site))?;
        let site = casework::with_first(site, import.now);
        let first_day = casework::first_day(&site, import.now);
        let Some(revision) = import.revision(&site)? else {
            return Ok(Outcome {
                calendar: newest(&site),
                first_day,
                checked: 0,
                truncated: false,
                moves: Vec::new(),
            });
        };
        let staff = import.caller.staff.as_ref().map(ToString::to_string);
        let looked_at = usize::try_from(CHECKED_MAX).unwrap_or(usize::MAX);
        let mut running =
            calendars::running(tx, &site.id, staff.as_deref(), CHECKED_MAX + 1).await?;
        let truncated = running.len() > looked_at;
        running.truncate(looked_at);
        Ok(Outcome {
            calendar: render(&site.id, &revision.content, Some(&revision)),
            first_day,
            checked: running.len(),
            truncated,
            moves: import.moves(tx, site, &revision, running).await?,
        })
    }
}
