//! GetIncidentPlan. NOT_FOUND when there is no such incident in the caller's sites.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::IncidentName;
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::Playbooks;
use super::view::Plan;
use crate::domain::words::State;
use crate::flow::{Desk, Turn};
use crate::store::{incidents, roles, stages, tasks, terms};

pub(super) async fn handle(
    api: &Playbooks,
    request: &Request<wire::GetIncidentPlanRequest>,
) -> Result<wire::GetIncidentPlanResponse, Fault> {
    let caller = Caller::of(request)?;
    let plan = read(api, caller, "name", &request.get_ref().name).await?;
    Ok(wire::GetIncidentPlanResponse { plan: Some(plan) })
}

/// Reads the plan of an incident, for a caller of its site.
pub(super) async fn read(
    api: &Playbooks,
    caller: &Caller,
    field: &str,
    name: &str,
) -> Result<wire::IncidentPlan, Fault> {
    let name: IncidentName = parse_field(field, name)?;
    caller.require_site(&name.site)?;
    let incidents = &api.incidents;
    let read = ReadPlan {
        desk: &incidents.desk,
        name: &name,
    };
    redress_runtime::sight(caller)
        .read(&incidents.db, &read)
        .await
}

struct ReadPlan<'a> {
    desk: &'a Desk,
    name: &'a IncidentName,
}

impl Operation for ReadPlan<'_> {
    const NAME: &'static str = "crisis.get_incident_plan";
    type Output = wire::IncidentPlan;

    async fn run(&self, tx: &mut Tx) -> Result<wire::IncidentPlan, Fault> {
        let IncidentName { site, id } = self.name;
        let found = incidents::get(tx, site, *id).await?;
        let incident = found.ok_or_else(|| Fault::not_found("Incident", self.name))?;
        let now = self.desk.clock.now();
        let gaps = if incident.state == State::Open {
            let mut turn = Turn::take(tx, self.desk, now, incident.clone()).await?;
            turn.gaps().await?
        } else {
            Vec::new()
        };
        let frozen = terms::newest(tx, &self.desk.settings, site, *id).await?;
        let visit = stages::visit(tx, site, *id).await?;
        let (tasks, said) = match visit {
            Some(visit) => (
                tasks::of_visit(tx, site, *id, visit.number).await?,
                stages::words(tx, site, *id, visit.number).await?,
            ),
            None => (Vec::new(), Vec::new()),
        };
        Plan {
            terms: self.desk.terms(frozen.clone())?,
            roles: roles::of_incident(tx, site, *id).await?,
            incident,
            frozen,
            visit,
            tasks,
            said,
            gaps,
        }
        .render()
    }
}
