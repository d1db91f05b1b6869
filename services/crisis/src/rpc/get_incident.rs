//! GetIncident. NOT_FOUND when there is none in the caller's sites.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::IncidentName;
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::Incidents;
use super::view::{Depth, view};
use crate::store::incidents;

pub(super) async fn handle(
    api: &Incidents,
    request: &Request<wire::GetIncidentRequest>,
) -> Result<wire::GetIncidentResponse, Fault> {
    let caller = Caller::of(request)?;
    let name: IncidentName = parse_field("name", &request.get_ref().name)?;
    caller.require_site(&name.site)?;
    let incident = redress_runtime::sight(caller)
        .read(&api.db, &ReadIncident { name: &name })
        .await?;
    Ok(wire::GetIncidentResponse {
        incident: Some(incident),
    })
}

/// Reads one incident, whole.
pub(super) struct ReadIncident<'a> {
    pub(super) name: &'a IncidentName,
}

impl Operation for ReadIncident<'_> {
    const NAME: &'static str = "crisis.get_incident";
    type Output = wire::Incident;

    async fn run(&self, tx: &mut Tx) -> Result<wire::Incident, Fault> {
        let found = incidents::get(tx, &self.name.site, self.name.id).await?;
        let incident = found.ok_or_else(|| Fault::not_found("Incident", self.name))?;
        view(tx, incident, Depth::Whole).await
    }
}
