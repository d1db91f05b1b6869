//! Gets a site's calendar and its days in a range.

use jiff::Timestamp;
use jiff::ToSpan as _;
use jiff::civil::Date;
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_proto::triage::v1::{GetCalendarRequest, GetCalendarResponse};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::Shared;
use super::calendar_service::{date, day, missing, newest, site_of};
use crate::store::sites::{self, Site};

/// Days of an answer.
const DAYS_MAX: usize = 401;

pub(super) async fn run(
    shared: &Shared,
    request: Request<GetCalendarRequest>,
) -> Result<GetCalendarResponse, Fault> {
    let caller = Caller::of(&request)?;
    let range = range(request.get_ref())?;
    let get = GetSite(site_of(&request.get_ref().name)?, shared.desk.now());
    let scope = redress_runtime::scope(caller);
    let site = shared.desk.db.read(&scope, &get).await?;
    let calendar = site.calendar();
    Ok(GetCalendarResponse {
        calendar: Some(newest(&site)),
        days: range
            .into_iter()
            .map(|date| day(&site, &calendar, date))
            .collect(),
    })
}

fn range(request: &GetCalendarRequest) -> Result<Vec<Date>, Fault> {
    let end = date("end_date", &request.end_date)?;
    let Some(start) = date("start_date", &request.start_date)? else {
        return match end {
            None => Ok(Vec::new()),
            Some(_) => Err(Fault::invalid("start_date", "must be given with end_date")),
        };
    };
    let end = end.unwrap_or(start);
    let days: Vec<Date> = start
        .series(1.day())
        .take_while(|date| *date <= end)
        .take(DAYS_MAX + 1)
        .collect();
    if days.is_empty() || days.len() > DAYS_MAX {
        return Err(Fault::invalid(
            "end_date",
            "must not be before start_date, nor more than 400 days after it",
        ));
    }
    Ok(days)
}

/// Reads a site that the caller may see.
pub(super) struct GetSite(pub(super) SiteId, pub(super) Timestamp);

impl Operation for GetSite {
    const NAME: &'static str = "triage.get_calendar";
    type Output = Site;

    async fn run(&self, tx: &mut Tx) -> Result<Site, Fault> {
        sites::get(tx, &self.0, self.1)
            .await?
            .ok_or_else(|| missing(&self.0))
    }
}
