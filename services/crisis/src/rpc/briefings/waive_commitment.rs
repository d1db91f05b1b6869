//! WaiveCommitment: whoever commands decided that it is not to be kept; PERMISSION_DENIED to anybody else. FAILED_PRECONDITION `COMMITMENT_SETTLED` when it was settled before.

use redress_model::Fault;
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use tonic::Request;

use super::super::Incidents;
use super::super::command::Order;
use super::super::statements;
use super::super::subject::{Command, run};
use crate::domain::statement::Person;
use crate::flow::{Transition, Turn};
use crate::store::commitments::Commitment;

const METHOD: &str = "redress.crisis.v1.BriefingService/WaiveCommitment";

pub(super) async fn handle(
    api: &Incidents,
    request: &Request<wire::WaiveCommitmentRequest>,
) -> Result<wire::WaiveCommitmentResponse, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    let unidentified = wire::WaiveCommitmentRequest {
        request_id: String::new(),
        ..r.clone()
    };
    let order = Order {
        method: METHOD,
        field: "name",
        name: &r.name,
        etag: &r.etag,
        request_id: &r.request_id,
        fingerprint: api.fingerprints.of(METHOD, &unidentified),
    };
    let waive = Waive {
        reason: &r.reason,
        by: statements::person(caller),
    };
    let commitment = run(api, caller, order, waive).await?;
    Ok(wire::WaiveCommitmentResponse {
        commitment: Some(commitment),
    })
}

struct Waive<'a> {
    reason: &'a str,
    by: Person,
}

impl Command for Waive<'_> {
    const NAME: &'static str = "crisis.waive_commitment";
    type Subject = Commitment;

    async fn act(
        &self,
        turn: &mut Turn<'_>,
        commitment: Commitment,
    ) -> Result<Option<Transition>, Fault> {
        turn.settle_commitment(&commitment, false, self.reason, &self.by)
            .await?;
        Ok(Some(Transition::Noted))
    }
}
