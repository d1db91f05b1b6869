//! Analysis, one file per RPC. Each asks the counts in one read.

mod ask;
mod classify_cause;
mod get_monthly_report;
mod list_recurring_causes;
mod query_report;

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{OrganizationName, RegionName};
use redress_model::words::Word as _;
use redress_proto::assignment::v1 as wire;
use redress_proto::assignment::v1::report_service_server::ReportService;
use redress_rpc::{Caller, status};
use tonic::{Request, Response, Status};

use super::{Shared, parse};
use crate::domain::monthly::{Cause, Measures};
use crate::domain::report::{Month, Trend, rate};
use crate::store::reports::read::Parent;

/// Analysis.
#[derive(Debug, Clone)]
pub struct ReportRpc(pub Shared);

#[tonic::async_trait]
impl ReportService for ReportRpc {
    async fn query_report(
        &self,
        request: Request<wire::QueryReportRequest>,
    ) -> Result<Response<wire::QueryReportResponse>, Status> {
        answer!(&self.0, request, query_report)
    }

    async fn list_recurring_causes(
        &self,
        request: Request<wire::ListRecurringCausesRequest>,
    ) -> Result<Response<wire::ListRecurringCausesResponse>, Status> {
        answer!(&self.0, request, list_recurring_causes)
    }

    async fn get_monthly_report(
        &self,
        request: Request<wire::GetMonthlyReportRequest>,
    ) -> Result<Response<wire::GetMonthlyReportResponse>, Status> {
        answer!(&self.0, request, get_monthly_report)
    }

    async fn classify_cause(
        &self,
        request: Request<wire::ClassifyCauseRequest>,
    ) -> Result<Response<wire::ClassifyCauseResponse>, Status> {
        answer!(&self.0, request, classify_cause)
    }
}

/// Whose counts are asked for.
fn parent(caller: &Caller, text: &str) -> Result<Parent, Fault> {
    if text == "sites/-" {
        return Ok(Parent::Any);
    }
    if !text.starts_with("organizations/") {
        let site = parse::site(text)?;
        caller.require_site(&site)?;
        return Ok(Parent::Site(site));
    }
    // A report is headed by what it is of: whoever sees part of it asks for that part.
    let missing = |kind| Err(Fault::not_found(kind, text));
    if text.contains("/regions/") {
        let name: RegionName = parse_field("parent", text)?;
        let sees = caller.organizations.contains(&name.organization);
        if !sees && !caller.regions.contains(&name) {
            return missing("Region");
        }
        Ok(Parent::Region(name))
    } else {
        let name: OrganizationName = parse_field("parent", text)?;
        if !caller.organizations.contains(&name.0) {
            return missing("Organization");
        }
        Ok(Parent::Organization(name.0))
    }
}

/// The month of a field; the given one where it is empty.
fn month(field: &'static str, text: &str, or: Month) -> Result<Month, Fault> {
    if text.is_empty() {
        return Ok(or);
    }
    Month::parse(text)
        .ok_or_else(|| Fault::invalid(field, "must be a month such as 2026-05, from 1970 on"))
}

/// The month that it is now where most sites are.
fn this_month(shared: &Shared) -> Month {
    let zone = jiff::tz::TimeZone::get("Asia/Shanghai").unwrap_or(jiff::tz::TimeZone::UTC);
    Month::of(shared.clock.now().to_zoned(zone).date())
}

fn measures(m: &Measures) -> wire::ReportMeasures {
    let times = |times: Option<[jiff::SignedDuration; 2]>, i: usize| {
        times.map(|times| prost_types::Duration {
            seconds: times[i].as_secs(),
            nanos: 0,
        })
    };
    wire::ReportMeasures {
        cases: m.cases,
        resolved: m.resolved,
        on_time: m.on_time,
        late: m.late,
        on_time_rate: rate(m.on_time, m.late),
        surveys: m.surveys,
        satisfaction: m.satisfaction(),
        answer_p50: times(m.answer, 0),
        answer_p90: times(m.answer, 1),
        resolve_p50: times(m.resolve, 0),
        resolve_p90: times(m.resolve, 1),
        promises: m
            .promises
            .iter()
            .map(|(kind, on_time, late)| wire::PromiseMeasure {
                kind: kind.number(),
                on_time: *on_time,
                late: *late,
            })
            .collect(),
    }
}

fn recurring(cause: &Cause) -> wire::RecurringCause {
    wire::RecurringCause {
        cause: cause.cause.clone(),
        category: cause.category.clone(),
        cases: cause.cases(),
        months_seen: i32::try_from(cause.months_seen()).unwrap_or(i32::MAX),
        months: cause
            .months
            .iter()
            .map(|(month, cases)| wire::CauseMonth {
                month: month.to_string(),
                cases: *cases,
            })
            .collect(),
        trend: match cause.trend {
            Trend::Rising => wire::CauseTrend::Rising,
            Trend::Steady => wire::CauseTrend::Steady,
            Trend::Falling => wire::CauseTrend::Falling,
        }
        .into(),
    }
}
