//! Replaces what routing demands at a site.

use redress_model::name::{DepartmentName, SiteId, StaffName};
use redress_model::{Fault, Violation};
use redress_proto::assignment::v1::{
    self as wire, RoutingRules, SetRoutingRulesRequest, SetRoutingRulesResponse,
};
use redress_proto::convert::{from_wire, required};
use redress_rpc::{Caller, etag};
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Shared, person, render};
use crate::domain::demand::{Demands, Position};
use crate::rpc::parse;
use crate::store::{bench, demands, departments, sites, staff};

pub(super) async fn run(
    shared: &Shared,
    request: Request<SetRoutingRulesRequest>,
) -> Result<SetRoutingRulesResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let request = request.into_inner();
    let site = parse::site(&request.parent)?;
    caller.require_site(&site)?;
    let operation = Set {
        demands: read(&site, request.rules.unwrap_or_default())?,
        site,
        etag: request.etag,
    };
    let scope = redress_runtime::scope(&caller);
    let rules = shared.db.run(&scope, &operation).await?;
    Ok(SetRoutingRulesResponse { rules: Some(rules) })
}

fn read(site: &SiteId, rules: wire::RoutingRules) -> Result<Demands, Fault> {
    let mut demands = Demands::default();
    for (i, skill) in rules.required_skills.into_iter().enumerate() {
        let field = format!("rules.required_skills[{i}].skill");
        parse::storable(&field, &skill.skill)?;
        if let Some(category) = from_wire(skill.category) {
            demands.skills.insert((category, skill.skill));
        }
    }
    for (i, position) in rules.positions.iter().enumerate() {
        let field = |name: &str| format!("rules.positions[{i}].{name}");
        demands.positions.push(Position {
            kind: required(&field("kind"), position.kind)?,
            department: parse::department_of(
                &field("department"),
                Some(site),
                &position.department,
            )?,
            staff: person(&field("staff"), site, &position.staff)?,
        });
    }
    Ok(demands)
}

struct Set {
    site: SiteId,
    demands: Demands,
    etag: String,
}

impl Operation for Set {
    const NAME: &'static str = "assignment.set_routing_rules";
    type Output = RoutingRules;

    async fn run(&self, tx: &mut Tx) -> Result<RoutingRules, Fault> {
        let site = &self.site;
        sites::require(tx, site).await?;
        bench::lock(tx, site).await?;
        let (before, mut revision) = demands::get(tx, site).await?;
        etag::check(&self.etag, revision, format!("sites/{site}/routingRules"))?;
        self.require_known(tx).await?;
        if before != self.demands {
            revision += 1;
            demands::set(tx, site, &self.demands, revision).await?;
        }
        Ok(render::rules(site, self.demands.clone(), revision))
    }
}

impl Set {
    async fn require_known(&self, tx: &mut Tx) -> Result<(), Fault> {
        let ids: Vec<String> = self
            .demands
            .positions
            .iter()
            .map(|p| p.staff.to_string())
            .collect();
        let active = staff::active(tx, &self.site, &ids).await?;
        let mut violations = Vec::new();
        for (i, position) in self.demands.positions.iter().enumerate() {
            let mut wrong = |field: &str, description: String| {
                violations.push(Violation {
                    field: format!("rules.positions[{i}].{field}"),
                    description,
                });
            };
            if !active.contains(&position.staff) {
                let name = StaffName::new(self.site.clone(), position.staff.clone());
                wrong("staff", format!("{name} does not exist or has retired"));
            }
            if let Some(id) = &position.department {
                let name = DepartmentName::new(self.site.clone(), id.clone());
                match departments::get(tx, &name).await {
                    Ok(_) => {}
                    Err(Fault::NotFound { .. }) => {
                        wrong("department", format!("{name} does not exist"))
                    }
                    Err(other) => return Err(other),
                }
            }
        }
        if violations.is_empty() {
            Ok(())
        } else {
            Err(Fault::violations(violations))
        }
    }
}
