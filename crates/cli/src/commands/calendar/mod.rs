//! `redress calendar`: the working time of sites.

mod args;
mod hours;
mod month;

pub(crate) use args::CalendarCommand;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use redress_proto::convert::to_timestamp;
use redress_proto::triage::v1::{
    AddWorkingTimeRequest, AddWorkingTimeResponse, Calendar, CalendarCause, GetCalendarRequest,
    GetCalendarResponse, HolidaySource, ImportCalendarRequest, ImportCalendarResponse,
    ListCalendarRevisionsRequest,
};

use crate::connect::{Platform, all_pages, parent, request, request_id};
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, heading, instant, line, short, when};
use crate::paint::Paint as _;
use args::{HolidaysArg, ImportArgs};

/// Runs a subcommand.
pub(crate) async fn run(
    platform: &Platform,
    command: CalendarCommand,
    out: Output,
) -> Result<(), Failure> {
    match command {
        CalendarCommand::Show {
            site,
            month,
            months,
        } => show(platform, &site, month, months, out).await,
        CalendarCommand::History { site, limit } => history(platform, &site, limit, out).await,
        CalendarCommand::Import(args) => import(platform, *args, out).await,
        CalendarCommand::Add { site, from, length } => {
            add(platform, &site, from.as_deref(), length, out).await
        }
    }
}

fn name(site: &str) -> String {
    format!("{}/calendar", parent(Some(site)))
}

async fn get(
    platform: &Platform,
    site: &str,
    days: Option<(Date, Date)>,
) -> Result<GetCalendarResponse, Failure> {
    let (start, end) = days.unzip();
    let text = |date: Option<Date>| date.map(|d| d.to_string()).unwrap_or_default();
    let asked = GetCalendarRequest {
        name: name(site),
        start_date: text(start),
        end_date: text(end),
    };
    let answer = platform.calendars().get_calendar(request(asked)).await?;
    Ok(answer.into_inner())
}

async fn show(
    platform: &Platform,
    site: &str,
    month: Option<Date>,
    months: u8,
    out: Output,
) -> Result<(), Failure> {
    let first = match month {
        Some(month) => month,
        None => {
            let zone = zone(&get(platform, site, None).await?);
            zone.to_datetime(crate::now::now()).date().first_of_month()
        }
    };
    let last = first
        .saturating_add(i32::from(months - 1).months())
        .last_of_month();
    let answer = get(platform, site, Some((first, last))).await?;
    out.one(
        || json::of("triage.v1.GetCalendarResponse", &answer),
        || {
            answer.calendar.iter().for_each(describe);
            for month in answer
                .days
                .chunk_by(|a, b| a.date.get(..7) == b.date.get(..7))
            {
                crate::output::say!("\n{}", month::draw(month));
            }
        },
    );
    Ok(())
}

fn zone(answer: &GetCalendarResponse) -> TimeZone {
    let name = answer
        .calendar
        .as_ref()
        .map_or("", |c| c.time_zone.as_str());
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}

fn describe(calendar: &Calendar) {
    line("calendar", &calendar.name);
    line("revision", revision(calendar));
    line("zone", &calendar.time_zone);
    line("holidays", holidays(calendar));
    if let Some(hours) = &calendar.hours {
        let days = [
            ("Mon", &hours.monday),
            ("Tue", &hours.tuesday),
            ("Wed", &hours.wednesday),
            ("Thu", &hours.thursday),
            ("Fri", &hours.friday),
            ("Sat", &hours.saturday),
            ("Sun", &hours.sunday),
        ];
        let origin = if calendar.own_hours {
            "the site's own"
        } else {
            "the policy's"
        };
        for (n, run) in days.chunk_by(|a, b| a.1 == b.1).enumerate() {
            let label = match run {
                [(day, _)] => (*day).to_owned(),
                [(first, _), .., (last, _)] => format!("{first} to {last}"),
                [] => continue,
            };
            let worked = run[0]
                .1
                .as_ref()
                .map(|d| d.intervals.join(", "))
                .unwrap_or_default();
            let worked = if worked.is_empty() { "closed" } else { &worked };
            let origin = if n == 0 {
                format!(" ({origin})")
            } else {
                String::new()
            };
            line("", format!("{label:<10} {worked}{origin}"));
        }
    }
}

fn revision(calendar: &Calendar) -> String {
    let since = match calendar.effective_date.as_str() {
        "" => String::new(),
        date => format!(" from {date}"),
    };
    let note = match calendar.note.as_str() {
        "" => String::new(),
        note => format!(": {note}"),
    };
    format!("{}{since} ({}){note}", calendar.revision, cause(calendar))
}

fn cause(calendar: &Calendar) -> &'static str {
    match calendar.cause() {
        CalendarCause::Imported => "changed by a person",
        CalendarCause::Published => "newer public holidays",
        CalendarCause::Policy => "the policy's working time",
        CalendarCause::Zone => "another zone",
        CalendarCause::First | CalendarCause::Unspecified => "first",
    }
}

fn holidays(calendar: &Calendar) -> String {
    let source = match calendar.holidays() {
        HolidaySource::MainlandChina => "mainland China",
        HolidaySource::None | HolidaySource::Unspecified => "none of any country",
    };
    let own = match calendar.own_days.len() {
        0 => String::new(),
        1 => ", 1 day of its own".to_owned(),
        n => format!(", {n} days of its own"),
    };
    let published = match calendar.published_through_year {
        0 => String::new(),
        year => format!(", published through {year}"),
    };
    format!("{source}{own}{published}")
}

async fn history(
    platform: &Platform,
    site: &str,
    limit: Option<usize>,
    out: Output,
) -> Result<(), Failure> {
    let client = platform.calendars();
    let revisions = all_pages(limit, |page_size, page_token| {
        let mut client = client.clone();
        let asked = ListCalendarRevisionsRequest {
            parent: parent(Some(site)),
            page_size: page_size.min(100),
            page_token,
        };
        async move {
            let answer = client
                .list_calendar_revisions(request(asked))
                .await?
                .into_inner();
            Ok((answer.calendars, answer.next_page_token))
        }
    })
    .await?;
    out.rows(
        &["Revision", "From", "Why", "Holidays", "By", "Made", "Note"],
        &revisions,
        |c| {
            vec![
                c.revision.to_string(),
                c.effective_date.clone(),
                cause(c).to_owned(),
                holidays(c),
                c.author.clone(),
                when(c.create_time.as_ref()),
                c.note.clone(),
            ]
        },
        |c| json::of("triage.v1.Calendar", c),
    );
    Ok(())
}

async fn import(platform: &Platform, args: ImportArgs, out: Output) -> Result<(), Failure> {
    let icalendar = args
        .file
        .as_deref()
        .map(read)
        .transpose()?
        .unwrap_or_default();
    let hours = hours::parse(&args.hours)?;
    let before = get(platform, &args.site, None)
        .await?
        .calendar
        .unwrap_or_default();
    let holidays = args
        .holidays
        .map_or(HolidaySource::Unspecified, |h| match h {
            HolidaysArg::None => HolidaySource::None,
            HolidaysArg::MainlandChina => HolidaySource::MainlandChina,
        });
    let asked = ImportCalendarRequest {
        name: name(&args.site),
        icalendar,
        hours,
        holidays: holidays.into(),
        note: args.note,
        validate_only: args.preview,
        etag: before.etag.clone(),
        request_id: request_id(),
        ..Default::default()
    };
    let answer = platform
        .calendars()
        .import_calendar(request(asked))
        .await?
        .into_inner();
    out.one(
        || json::of("triage.v1.ImportCalendarResponse", &answer),
        || imported(&before, &answer, args.preview, out),
    );
    Ok(())
}

fn read(file: &std::path::Path) -> Result<String, Failure> {
    let text = if file == std::path::Path::new("-") {
        std::io::read_to_string(std::io::stdin())
    } else {
        std::fs::read_to_string(file)
    };
    text.map_err(|source| Failure::File {
        what: "cannot read",
        path: file.display().to_string(),
        source,
    })
}

/// Which days a file or list has, so that an old one is seen to be one.
fn covered(answer: &ImportCalendarResponse) -> String {
    let span = format!(
        "{}, from {} to {}",
        answer.listed_days, answer.first_date, answer.last_date
    );
    match answer.past_days {
        0 => span,
        past if past == answer.listed_days => {
            format!("{span}: all past, so nothing of it takes effect")
        }
        past => format!("{span}; {past} until today stay as they were"),
    }
}

fn imported(before: &Calendar, answer: &ImportCalendarResponse, preview: bool, out: Output) {
    let after = answer.calendar.clone().unwrap_or_default();
    if answer.listed_days > 0 {
        line("days", covered(answer));
    }
    if after.revision == before.revision {
        crate::output::say!("nothing changes: the calendar says so already");
        return;
    }
    let verb = if preview { "would be" } else { "is" };
    line("calendar", format!("{verb} revision {}", revision(&after)));
    line("holidays", holidays(&after));
    if answer.ignored_events > 0 {
        line(
            "ignored",
            format!("{} events close and open nothing", answer.ignored_events),
        );
    }
    if preview {
        let moving = format!(
            "{} of {} running clocks",
            answer.moving_clocks, answer.checked_clocks
        );
        line("would move", moving.bold());
        if answer.truncated {
            line("", "more clocks run; these have the nearest deadlines");
        }
        if !answer.moves.is_empty() {
            crate::output::say!();
            out.rows(
                &["Clock", "Case", "Due", "Would be due"],
                &answer.moves,
                |m| {
                    let (from, to) = (m.from_time.as_ref(), m.to_time.as_ref());
                    vec![short(&m.clock), short(&m.case), when(from), when(to)]
                },
                |m| json::of("triage.v1.ClockMove", m),
            );
        }
    } else {
        line(
            "clocks",
            "running ones follow within a minute; `redress clock list` shows them",
        );
    }
}

async fn add(
    platform: &Platform,
    site: &str,
    from: Option<&str>,
    length: String,
    out: Output,
) -> Result<(), Failure> {
    let start = match from {
        None => None,
        Some(text) => Some(match text.parse::<Timestamp>() {
            Ok(instant) => instant,
            Err(_) => in_zone(text, &zone(&get(platform, site, None).await?))?,
        }),
    };
    let asked = AddWorkingTimeRequest {
        name: name(site),
        start_time: start.map(to_timestamp),
        length,
    };
    let answer = platform
        .calendars()
        .add_working_time(request(asked))
        .await?
        .into_inner();
    out.one(
        || json::of("triage.v1.AddWorkingTimeResponse", &answer),
        || explain(&answer),
    );
    Ok(())
}

fn in_zone(text: &str, zone: &TimeZone) -> Result<Timestamp, Failure> {
    let wrong = || Failure::Argument {
        argument: "from",
        reason: format!("{text:?} must look like 2026-09-30T16:00 or 2026-09-30T16:00+08:00"),
    };
    let local: DateTime = text.parse().map_err(|_| wrong())?;
    zone.to_timestamp(local).map_err(|_| wrong())
}

/// The stretches day by day, and what was stepped over.
fn explain(answer: &AddWorkingTimeResponse) {
    let zone = TimeZone::get(&answer.time_zone).unwrap_or(TimeZone::UTC);
    let local = |t| instant(t).map(|t| zone.to_datetime(t));
    let text = |t: Option<DateTime>| {
        t.map(|t| t.strftime("%a %Y-%m-%d %H:%M").to_string())
            .unwrap_or_default()
    };
    line("from", text(local(answer.start_time.as_ref())));
    line("length", &answer.length);
    let due = text(local(answer.due_time.as_ref()));
    line(
        "due",
        format!("{} {}", due.bold(), answer.time_zone.dimmed()),
    );
    if answer.provisional {
        line(
            "",
            "provisional: it reaches into a year that is not published yet".yellow(),
        );
    }
    heading(if answer.working {
        "What counts"
    } else {
        "Working time on the way"
    });
    let mut total = SignedDuration::ZERO;
    for stretch in &answer.stretches {
        let ends = (
            instant(stretch.start_time.as_ref()),
            instant(stretch.end_time.as_ref()),
        );
        let (Some(opens), Some(closes)) = ends else {
            continue;
        };
        let long = opens.duration_until(closes);
        total += long;
        let (a, b) = (zone.to_datetime(opens), zone.to_datetime(closes));
        crate::output::say!(
            "  {} {}-{}  {:>6}  {:>7}",
            a.strftime("%a %m-%d"),
            a.strftime("%H:%M"),
            if b.time() == jiff::civil::Time::midnight() {
                "24:00".to_owned()
            } else {
                b.strftime("%H:%M").to_string()
            },
            span(long),
            format!("= {}", span(total)).dimmed(),
        );
    }
    if !answer.special_days.is_empty() {
        heading("Special days on the way");
        for day in &answer.special_days {
            let what = if day.intervals.is_empty() {
                "closed"
            } else {
                "worked"
            };
            crate::output::say!("  {} {what} {}", day.date, day.name);
        }
    }
}

fn span(length: SignedDuration) -> String {
    let minutes = length.as_mins();
    format!("{}h{:02}", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_time_is_read_in_the_sites_zone() {
        let zone = TimeZone::get("Asia/Shanghai").expect("a zone");
        let read = in_zone("2026-09-30T16:00", &zone).expect("an instant");
        assert_eq!(read.to_string(), "2026-09-30T08:00:00Z");
        assert!(in_zone("tomorrow", &zone).is_err());
    }

    #[test]
    fn spans_are_hours_and_minutes() {
        assert_eq!(span(SignedDuration::from_mins(210)), "3h30");
    }
}
