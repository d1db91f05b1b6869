//! Replaces the whole roster of a site and tells others of it.

use jiff::Timestamp;
use redress_model::name::{SiteId, StaffName};
use redress_model::{Fault, Violation};
use redress_proto::assignment::v1::{Duty, SetDutiesRequest, SetDutiesResponse};
use redress_proto::convert::{from_timestamp, required};
use redress_rpc::{Caller, etag};
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Shared, parse};
use crate::domain::bench::Stretch;
use crate::store::{bench, duties, outbox, sites, staff, work};

pub(super) async fn run(
    shared: &Shared,
    request: Request<SetDutiesRequest>,
) -> Result<SetDutiesResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let request = request.into_inner();
    let site = parse::site(&request.parent)?;
    caller.require_site(&site)?;
    let mut stretches = Vec::with_capacity(request.duties.len());
    let mut violations = Vec::new();
    for (i, duty) in request.duties.iter().enumerate() {
        match stretch(i, &site, duty) {
            Ok(stretch) => stretches.push((i, stretch)),
            Err(Fault::Invalid { violations: v, .. }) => violations.extend(v),
            Err(other) => return Err(other),
        }
    }
    if !violations.is_empty() {
        return Err(Fault::violations(violations));
    }
    // The order of listing: those that start last first.
    stretches.sort_by(|(_, a), (_, b)| {
        let by_start = b.from.cmp(&a.from);
        by_start.then_with(|| (a.role, a.rank, &a.staff).cmp(&(b.role, b.rank, &b.staff)))
    });
    let operation = Set {
        site,
        stretches,
        etag: request.etag,
        actor: caller.subject.clone(),
        now: shared.clock.now(),
    };
    let revision = shared
        .db
        .run(&redress_runtime::scope(&caller), &operation)
        .await?;
    Ok(SetDutiesResponse {
        duty_count: i32::try_from(operation.stretches.len()).unwrap_or(i32::MAX),
        etag: etag::of(revision),
    })
}

fn stretch(i: usize, site: &SiteId, duty: &Duty) -> Result<Stretch, Fault> {
    let field = |name: &str| format!("duties[{i}].{name}");
    let staff = parse::staff_of(&field("staff"), Some(site), &duty.staff)?
        .ok_or_else(|| Fault::invalid(field("staff"), "must be given"))?;
    let instant = |name: &str, given: Option<&prost_types::Timestamp>| {
        given.map(|t| from_timestamp(&field(name), t)).transpose()
    };
    let from = instant("start_time", duty.start_time.as_ref())?;
    let until = instant("end_time", duty.end_time.as_ref())?;
    if let (Some(from), Some(until)) = (from, until)
        && until <= from
    {
        return Err(Fault::invalid(
            field("end_time"),
            "must be after start_time",
        ));
    }
    Ok(Stretch {
        role: required(&field("role"), duty.role)?,
        staff,
        rank: duty.rank,
        from,
        until,
    })
}

struct Set {
    site: SiteId,
    /// With their places in the request.
    stretches: Vec<(usize, Stretch)>,
    etag: String,
    actor: String,
    now: Timestamp,
}

impl Operation for Set {
    const NAME: &'static str = "assignment.set_duties";
    type Output = i64;

    async fn run(&self, tx: &mut Tx) -> Result<i64, Fault> {
        let site = &self.site;
        sites::require(tx, site).await?;
        bench::lock(tx, site).await?;
        let revision = duties::lock_revision(tx, site, self.now).await?;
        etag::check(&self.etag, revision, format!("sites/{site}/duties"))?;
        self.require_people(tx).await?;

        let wanted: Vec<Stretch> = self.stretches.iter().map(|(_, s)| s.clone()).collect();
        if revision > 0 && duties::all(tx, site).await? == wanted {
            return Ok(revision);
        }
        duties::replace(tx, site, &wanted, revision + 1).await?;
        outbox::duty_changed(tx, site, self.now, false).await?;
        work::settle(tx, site, None, &self.actor, self.now).await?;
        Ok(revision + 1)
    }
}

impl Set {
    async fn require_people(&self, tx: &mut Tx) -> Result<(), Fault> {
        let mut ids: Vec<String> = self
            .stretches
            .iter()
            .map(|(_, s)| s.staff.to_string())
            .collect();
        ids.sort_unstable();
        ids.dedup();
        let active = staff::active(tx, &self.site, &ids).await?;
        let mut violations: Vec<(usize, Violation)> = self
            .stretches
            .iter()
            .filter(|(_, s)| !active.contains(&s.staff))
            .map(|(i, s)| {
                let name = StaffName::new(self.site.clone(), s.staff.clone());
                let violation = Violation {
                    field: format!("duties[{i}].staff"),
                    description: format!("{name} does not exist or has retired"),
                };
                (*i, violation)
            })
            .collect();
        violations.sort_by_key(|(i, _)| *i);
        if violations.is_empty() {
            Ok(())
        } else {
            Err(Fault::violations(
                violations.into_iter().map(|(_, v)| v).collect(),
            ))
        }
    }
}
