//! A small calculator: the deadline of a clock of this length, and what it counts.

use jiff::{Timestamp, ToSpan as _};
use redress_clock::{Length, Shares, Term, deadlines};
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_proto::convert::{from_timestamp, to_timestamp};
use redress_proto::triage::v1::{AddWorkingTimeRequest, AddWorkingTimeResponse, WorkingStretch};
use redress_rpc::Caller;
use tonic::Request;

use super::calendar_service::{day, site_of};
use super::get_calendar::GetSite;
use super::{Shared, clock_view};

/// Stretches and days of an answer.
const SHOWN_MAX: usize = 400;

pub(super) async fn run(
    shared: &Shared,
    request: Request<AddWorkingTimeRequest>,
) -> Result<AddWorkingTimeResponse, Fault> {
    let caller = Caller::of(&request)?;
    let asked = request.get_ref();
    let length: Length = parse_field("length", &asked.length)?;
    let length = clock_view::promise("length", length)?;
    let start = match &asked.start_time {
        Some(start) => from_timestamp("start_time", start)?,
        None => shared.desk.now(),
    };
    let get = GetSite(site_of(&asked.name)?, shared.desk.now());
    let scope = redress_runtime::scope(caller);
    let site = shared.desk.db.read(&scope, &get).await?;
    let calendar = site.calendar();
    let due = deadlines(start, length, Shares::default(), &calendar).due;
    if due == Timestamp::MAX {
        return Err(Fault::invalid(
            "length",
            "does not end within a hundred years",
        ));
    }
    let last = calendar.date(due);
    let special = calendar
        .date(start)
        .series(1.day())
        .take_while(|date| *date <= last)
        .filter(|date| calendar.day(*date).special.is_some());
    Ok(AddWorkingTimeResponse {
        start_time: Some(to_timestamp(start)),
        due_time: Some(to_timestamp(due)),
        length: length.to_string(),
        working: length.is_working(),
        stretches: calendar
            .open_between(start, due)
            .take(SHOWN_MAX)
            .map(|(opens, closes)| WorkingStretch {
                start_time: Some(to_timestamp(opens)),
                end_time: Some(to_timestamp(closes)),
            })
            .collect(),
        special_days: special
            .take(SHOWN_MAX)
            .map(|date| day(&site, &calendar, date))
            .collect(),
        provisional: Term::from(length).asks_the_calendar() && calendar.is_provisional(start, due),
        time_zone: site.zone_name,
    })
}
