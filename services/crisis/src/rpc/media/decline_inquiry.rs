//! DeclineInquiry: no answer, with a reason.

use redress_model::Fault;
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use tonic::Request;

use super::super::command::Order;
use super::super::statements::person;
use super::super::subject::{Command, run};
use super::Media;
use crate::domain::statement::Person;
use crate::flow::{Transition, Turn};
use crate::store::media::Inquiry;

const METHOD: &str = "redress.crisis.v1.MediaService/DeclineInquiry";

pub(super) async fn handle(
    api: &Media,
    request: &Request<wire::DeclineInquiryRequest>,
) -> Result<wire::DeclineInquiryResponse, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    let unidentified = wire::DeclineInquiryRequest {
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
    let act = Declining {
        reason: &r.reason,
        by: person(caller),
    };
    let inquiry = run(&api.incidents, caller, order, act).await?;
    Ok(wire::DeclineInquiryResponse {
        inquiry: Some(inquiry),
    })
}

struct Declining<'a> {
    reason: &'a str,
    by: Person,
}

impl Command for Declining<'_> {
    const NAME: &'static str = "crisis.decline_inquiry";
    type Subject = Inquiry;

    async fn act(
        &self,
        turn: &mut Turn<'_>,
        inquiry: Inquiry,
    ) -> Result<Option<Transition>, Fault> {
        turn.decline_inquiry(inquiry, self.reason, &self.by).await?;
        Ok(Some(Transition::Noted))
    }
}
