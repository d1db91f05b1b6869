//! CalendarService: which file answers what, and calendars as the wire has them.

use std::collections::BTreeMap;

use jiff::civil::Date;
use redress_calendar::{Calendar, Day, DayKind, Hours, Interval};
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{SiteId, SiteName};
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::triage::v1::calendar_service_server::CalendarService;
use redress_proto::triage::v1::{
    self as wire, AddWorkingTimeRequest, AddWorkingTimeResponse, GetCalendarRequest,
    GetCalendarResponse, ImportCalendarRequest, ImportCalendarResponse,
    ListCalendarRevisionsRequest, ListCalendarRevisionsResponse, SpecialDayKind,
};
use redress_rpc::{etag, status};
use tonic::{Request, Response, Status};

use super::{
    TriageRpc, add_working_time, answer, get_calendar, import_calendar, list_calendar_revisions,
};
use crate::casework;
use crate::domain::calendars::{CalendarCause, Content, Revision};
use crate::store::sites::Site;

#[tonic::async_trait]
impl CalendarService for TriageRpc {
    async fn get_calendar(
        &self,
        request: Request<GetCalendarRequest>,
    ) -> Result<Response<GetCalendarResponse>, Status> {
        answer!(&self.0, request, get_calendar)
    }

    async fn list_calendar_revisions(
        &self,
        request: Request<ListCalendarRevisionsRequest>,
    ) -> Result<Response<ListCalendarRevisionsResponse>, Status> {
        answer!(&self.0, request, list_calendar_revisions)
    }

    async fn import_calendar(
        &self,
        request: Request<ImportCalendarRequest>,
    ) -> Result<Response<ImportCalendarResponse>, Status> {
        answer!(&self.0, request, import_calendar)
    }

    async fn add_working_time(
        &self,
        request: Request<AddWorkingTimeRequest>,
    ) -> Result<Response<AddWorkingTimeResponse>, Status> {
        answer!(&self.0, request, add_working_time)
    }
}

/// The site of `sites/{site}/calendar`.
pub(super) fn site_of(name: &str) -> Result<SiteId, Fault> {
    let site = name.strip_suffix("/calendar").unwrap_or_default();
    let site: SiteName = parse_field("name", site)?;
    Ok(site.0)
}

/// That there is no such calendar among the caller's sites.
pub(super) fn missing(site: &SiteId) -> Fault {
    Fault::not_found("Calendar", format!("sites/{site}/calendar"))
}

/// A date; none where it is left out.
pub(super) fn date(field: &str, text: &str) -> Result<Option<Date>, Fault> {
    if text.is_empty() {
        return Ok(None);
    }
    let read = text.parse();
    read.map(Some)
        .map_err(|_| Fault::invalid(field, "must be a date, for example 2026-10-01"))
}

/// Weekly hours of a request.
pub(super) fn hours(hours: &wire::WeeklyHours) -> Result<Hours, Fault> {
    let days = [
        ("monday", &hours.monday),
        ("tuesday", &hours.tuesday),
        ("wednesday", &hours.wednesday),
        ("thursday", &hours.thursday),
        ("friday", &hours.friday),
        ("saturday", &hours.saturday),
        ("sunday", &hours.sunday),
        ("make_up", &hours.make_up),
    ];
    let mut read: Vec<Vec<Interval>> = Vec::with_capacity(days.len());
    for (name, day) in days {
        let texts = day
            .as_ref()
            .map(|d| d.intervals.as_slice())
            .unwrap_or_default();
        let mut intervals = Vec::with_capacity(texts.len());
        for (i, text) in texts.iter().enumerate() {
            let interval: Interval = text.parse().map_err(|e: redress_calendar::HoursError| {
                Fault::invalid(format!("hours.{name}.intervals[{i}]"), e.to_string())
            })?;
            intervals.push(interval);
        }
        read.push(intervals);
    }
    let make_up = read.pop().unwrap_or_default();
    let week = read
        .try_into()
        .map_err(|_| Fault::internal("a week of other than seven days"))?;
    Hours::new(week, make_up).map_err(|e| Fault::invalid("hours", e.to_string()))
}

/// Days of a request.
pub(super) fn special_days(days: &[wire::SpecialDay]) -> Result<BTreeMap<Date, Day>, Fault> {
    let mut read = BTreeMap::new();
    for (i, day) in days.iter().enumerate() {
        let field = format!("days[{i}].date");
        let at = date(&field, &day.date)?
            .ok_or_else(|| Fault::invalid(field.as_str(), "must not be empty"))?;
        let kind = match day.kind() {
            SpecialDayKind::MakeUp => DayKind::On,
            SpecialDayKind::Holiday => DayKind::Off,
            SpecialDayKind::Unspecified => {
                return Err(Fault::invalid(format!("days[{i}].kind"), "must be given"));
            }
        };
        let name = day.name.clone().into();
        if read.insert(at, Day { kind, name }).is_some() {
            return Err(Fault::invalid(
                field,
                format!("{at} stands in the list twice"),
            ));
        }
    }
    Ok(read)
}

fn day_hours(text: &str) -> wire::DayHours {
    let parts = text.split(',').filter(|part| !part.is_empty());
    wire::DayHours {
        intervals: parts.map(str::to_owned).collect(),
    }
}

fn weekly(hours: &Hours) -> wire::WeeklyHours {
    let week = hours.week_texts();
    let day = |index: usize| Some(day_hours(&week[index]));
    wire::WeeklyHours {
        monday: day(0),
        tuesday: day(1),
        wednesday: day(2),
        thursday: day(3),
        friday: day(4),
        saturday: day(5),
        sunday: day(6),
        make_up: Some(day_hours(&hours.make_up_text())),
    }
}

fn kind(kind: DayKind) -> i32 {
    match kind {
        DayKind::Off => SpecialDayKind::Holiday.into(),
        DayKind::On => SpecialDayKind::MakeUp.into(),
    }
}

/// A calendar as its revision says it; without one, as the site's policy does.
pub(super) fn render(
    site: &SiteId,
    content: &Content,
    revision: Option<&Revision>,
) -> wire::Calendar {
    let number = revision.map_or(0, |r| r.number);
    let own = content.own_days.iter().map(|(date, day)| wire::SpecialDay {
        date: date.to_string(),
        kind: kind(day.kind),
        name: day.name.clone().into_owned(),
    });
    wire::Calendar {
        name: format!("sites/{site}/calendar"),
        revision: i32::try_from(number).unwrap_or(i32::MAX),
        cause: to_wire(revision.map_or(CalendarCause::First, |r| r.cause)),
        effective_date: revision
            .and_then(|r| r.effective)
            .map(|date| date.to_string())
            .unwrap_or_default(),
        time_zone: content.zone.clone(),
        holidays: to_wire(content.holidays),
        data_version: i32::try_from(content.data_version).unwrap_or(i32::MAX),
        own_hours: content.own_hours,
        hours: Some(weekly(&content.hours)),
        own_days: own.collect(),
        published_through_year: content.days().published_through().map_or(0, i32::from),
        author: revision.map(|r| r.author.clone()).unwrap_or_default(),
        note: revision.map(|r| r.note.clone()).unwrap_or_default(),
        create_time: revision.map(|r| to_timestamp(r.created)),
        etag: etag::of(i64::from(number)),
    }
}

/// The newest calendar of a site.
pub(super) fn newest(site: &Site) -> wire::Calendar {
    match site.calendars.newest() {
        Some(revision) => render(&site.id, &revision.content, Some(revision)),
        None => render(&site.id, &casework::content(site), None),
    }
}

/// One day of a site's calendar, as it holds on that day.
pub(super) fn day(site: &Site, calendar: &Calendar, date: Date) -> wire::CalendarDay {
    let view = calendar.day(date);
    let holds = site.calendars.on(date);
    wire::CalendarDay {
        date: date.to_string(),
        kind: view.special.map_or(0, |day| kind(day.kind)),
        name: view
            .special
            .map(|day| day.name.clone().into_owned())
            .unwrap_or_default(),
        own: holds.is_some_and(|r| r.content.own_days.contains_key(&date)),
        intervals: view.intervals.iter().map(Interval::to_string).collect(),
        provisional: view.provisional,
    }
}
