//! GetBriefing. NOT_FOUND when there is none in the caller's sites, or its incident is hidden from the caller.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::BriefingName;
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use tonic::Request;

use super::super::Incidents;
use super::super::subject::Read;
use crate::store::briefings::Briefing;

pub(super) async fn handle(
    api: &Incidents,
    request: &Request<wire::GetBriefingRequest>,
) -> Result<wire::GetBriefingResponse, Fault> {
    let caller = Caller::of(request)?;
    let name: BriefingName = parse_field("name", &request.get_ref().name)?;
    caller.require_site(&name.site)?;
    let read: Read<'_, Briefing> = Read {
        desk: &api.desk,
        name,
    };
    let briefing = redress_runtime::sight(caller).read(&api.db, &read).await?;
    Ok(wire::GetBriefingResponse {
        briefing: Some(briefing),
    })
}
