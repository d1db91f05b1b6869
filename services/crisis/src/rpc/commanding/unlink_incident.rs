//! UnlinkIncident. A repeat changes nothing and succeeds.

use redress_model::Fault;
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use tonic::Request;

use super::Commanding;
use super::link_incident::{Two, run};
use super::view::read;

const METHOD: &str = "redress.crisis.v1.CommandService/UnlinkIncident";

pub(super) async fn handle(
    api: &Commanding,
    request: &Request<wire::UnlinkIncidentRequest>,
) -> Result<wire::UnlinkIncidentResponse, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    let unidentified = wire::UnlinkIncidentRequest {
        request_id: String::new(),
        ..r.clone()
    };
    let two = Two {
        method: METHOD,
        name: &r.name,
        led: &r.led,
        reason: &r.reason,
        etag: &r.etag,
        request_id: &r.request_id,
        fingerprint: api.incidents.fingerprints.of(METHOD, &unidentified),
        link: false,
    };
    run(api, caller, two).await?;
    let command = read(api, caller, &r.name).await?;
    Ok(wire::UnlinkIncidentResponse {
        command: Some(command),
    })
}
