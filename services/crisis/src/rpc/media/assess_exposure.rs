//! AssessExposure: what is true of it, and how far it has reached.

use redress_model::Fault;
use redress_proto::convert::required;
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use tonic::Request;

use super::super::command::Order;
use super::super::subject::{Command, run};
use super::Media;
use crate::domain::words::ExposureTruth;
use crate::flow::{Transition, Turn};
use crate::store::media::Exposure;

const METHOD: &str = "redress.crisis.v1.MediaService/AssessExposure";

pub(super) async fn handle(
    api: &Media,
    request: &Request<wire::AssessExposureRequest>,
) -> Result<wire::AssessExposureResponse, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    let unidentified = wire::AssessExposureRequest {
        request_id: String::new(),
        ..r.clone()
    };
    let order = Order {
        method: METHOD,
        field: "name",
        name: &r.name,
        etag: &r.etag,
        request_id: &r.request_id,
        fingerprint: api.incidents.fingerprints.of(METHOD, &unidentified),
    };
    let act = Assessing {
        truth: required("truth", r.truth)?,
        reach: r.reach,
        reason: &r.reason,
        actor: &caller.subject,
    };
    let exposure = run(&api.incidents, caller, order, act).await?;
    Ok(wire::AssessExposureResponse {
        exposure: Some(exposure),
    })
}

struct Assessing<'a> {
    truth: ExposureTruth,
    reach: Option<i64>,
    reason: &'a str,
    actor: &'a str,
}

impl Command for Assessing<'_> {
    const NAME: &'static str = "crisis.assess_exposure";
    type Subject = Exposure;

    async fn act(
        &self,
        turn: &mut Turn<'_>,
        exposure: Exposure,
    ) -> Result<Option<Transition>, Fault> {
        let reach = self.reach.unwrap_or(exposure.reach);
        let transition = turn
            .assess_exposure(exposure, self.truth, reach, self.reason, self.actor)
            .await?;
        Ok(Some(transition))
    }
}
