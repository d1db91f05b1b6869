//! DropMessage: a message that waits never goes.

use redress_model::Fault;
use redress_proto::notification::v1 as proto;
use redress_rpc::Caller;
use tonic::Request;

use super::Voice;
use super::decide::{Order, run};
use crate::domain::words::HoldDecision;

const METHOD: &str = "redress.notification.v1.VoiceService/DropMessage";

pub(super) async fn handle(
    service: &Voice,
    request: Request<proto::DropMessageRequest>,
) -> Result<proto::DropMessageResponse, Fault> {
    let caller = Caller::of(&request)?;
    let asked = request.get_ref();
    let unnumbered = proto::DropMessageRequest {
        request_id: String::new(),
        ..asked.clone()
    };
    let order = Order {
        method: METHOD,
        name: &asked.name,
        reason: &asked.reason,
        etag: &asked.etag,
        request_id: &asked.request_id,
        fingerprint: service.fingerprints.of(METHOD, &unnumbered).to_vec(),
        decision: HoldDecision::Dropped,
    };
    Ok(proto::DropMessageResponse {
        held_message: Some(run(service, caller, order).await?),
    })
}
