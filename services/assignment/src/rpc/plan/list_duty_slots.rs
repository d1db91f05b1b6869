//! Lists who has which duty in a window: rules, fixed duties, swaps and leave together.

use jiff::{SignedDuration, Timestamp};
use redress_model::Fault;
use redress_model::name::{SiteId, StaffId};
use redress_model::words::DutyRole;
use redress_proto::assignment::v1::{ListDutySlotsRequest, ListDutySlotsResponse};
use redress_proto::convert::{from_timestamp, from_wire};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::Shared;
use crate::domain::bench::Stretch;
use crate::rpc::{parse, render};
use crate::store::plan;

/// Longest window, in days: two months.
const WINDOW_DAYS_MAX: i64 = 62;

pub(super) async fn run(
    shared: &Shared,
    request: Request<ListDutySlotsRequest>,
) -> Result<ListDutySlotsResponse, Fault> {
    let scope = redress_runtime::scope(Caller::of(&request)?);
    let request = request.into_inner();
    let site = parse::site(&request.parent)?;
    let start = request.start_time.unwrap_or_default();
    let from = from_timestamp("start_time", &start)?;
    let until = match &request.end_time {
        Some(end) => from_timestamp("end_time", end)?,
        None => from
            .saturating_add(SignedDuration::from_nanos(1))
            .unwrap_or(Timestamp::MAX),
    };
    if until <= from || until.duration_since(from).as_hours() > 24 * WINDOW_DAYS_MAX {
        let text = format!("must be after start_time, by {WINDOW_DAYS_MAX} days at most");
        return Err(Fault::invalid("end_time", text));
    }
    let operation = List {
        role: from_wire(request.role),
        staff: parse::staff_of("staff", Some(&site), &request.staff)?,
        site,
        from,
        until,
    };
    let (zone, slots) = shared.db.read(&scope, &operation).await?;
    Ok(ListDutySlotsResponse {
        slots: slots
            .iter()
            .map(|s| render::duty(&operation.site, s))
            .collect(),
        time_zone: zone,
    })
}

struct List {
    site: SiteId,
    from: Timestamp,
    until: Timestamp,
    role: Option<DutyRole>,
    staff: Option<StaffId>,
}

impl Operation for List {
    const NAME: &'static str = "assignment.list_duty_slots";
    type Output = (String, Vec<Stretch>);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let roster = plan::roster(tx, &self.site, self.from).await?;
        let mut slots = roster.between(self.from, self.until);
        slots.retain(|s| {
            self.role.is_none_or(|role| s.role == role)
                && self.staff.as_ref().is_none_or(|staff| s.staff == *staff)
        });
        let zone = roster.zone.iana_name().unwrap_or_default().to_owned();
        Ok((zone, slots))
    }
}
