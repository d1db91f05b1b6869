//! Replaces the rules of a site's roster and tells others of it.

use jiff::Timestamp;
use redress_model::name::SiteId;
use redress_model::{Fault, Violation};
use redress_proto::assignment::v1::{RosterPlan, SetRosterPlanRequest, SetRosterPlanResponse};
use redress_rpc::{Caller, etag};
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Shared, render};
use crate::domain::plan::Rules;
use crate::rpc::parse;
use crate::store::{plan, staff};

pub(super) async fn run(
    shared: &Shared,
    request: Request<SetRosterPlanRequest>,
) -> Result<SetRosterPlanResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let request = request.into_inner();
    let site = parse::site(&request.parent)?;
    caller.require_site(&site)?;
    let operation = Set {
        rules: render::rules(&site, request.plan.unwrap_or_default())?,
        site,
        etag: request.etag,
        actor: caller.subject.clone(),
        now: shared.clock.now(),
    };
    let scope = redress_runtime::scope(&caller);
    let plan = shared.db.run(&scope, &operation).await?;
    Ok(SetRosterPlanResponse { plan: Some(plan) })
}

struct Set {
    site: SiteId,
    rules: Rules,
    etag: String,
    actor: String,
    now: Timestamp,
}

impl Operation for Set {
    const NAME: &'static str = "assignment.set_roster_plan";
    type Output = RosterPlan;

    async fn run(&self, tx: &mut Tx) -> Result<RosterPlan, Fault> {
        let site = &self.site;
        let zone = plan::zone(tx, site).await?;
        plan::lock(tx, site, self.now).await?;
        let (before, mut revision) = plan::rules(tx, site).await?;
        etag::check(&self.etag, revision, format!("sites/{site}/rosterPlan"))?;
        self.require_sense(tx).await?;
        if before != self.rules {
            revision += 1;
            plan::set_rules(tx, site, &self.rules, revision).await?;
            plan::announce(tx, site, &self.actor, self.now).await?;
        }
        let zone = zone.iana_name().unwrap_or_default();
        Ok(render::plan(site, zone, self.rules.clone(), revision))
    }
}

impl Set {
    async fn require_sense(&self, tx: &mut Tx) -> Result<(), Fault> {
        let ids: Vec<String> = self
            .rules
            .people()
            .iter()
            .map(|id| id.to_string())
            .collect();
        let active = staff::active(tx, &self.site, &ids).await?;
        let problems = self.rules.problems(|person| active.contains(person));
        if problems.is_empty() {
            return Ok(());
        }
        let violation = |(field, description)| Violation { field, description };
        Err(render::of_plan(
            problems.into_iter().map(violation).collect(),
        ))
    }
}
