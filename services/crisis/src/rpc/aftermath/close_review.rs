//! CloseReview: FAILED_PRECONDITION `REVIEW_INCOMPLETE` names what is missing. A repeat changes nothing and succeeds.

use redress_model::Fault;
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use tonic::Request;

use super::super::Incidents;
use super::super::command::Order;
use super::super::subject::{Command, run};
use crate::flow::{Transition, Turn};
use crate::store::reviews::Review;

const METHOD: &str = "redress.crisis.v1.AftermathService/CloseReview";

pub(super) async fn handle(
    api: &Incidents,
    request: &Request<wire::CloseReviewRequest>,
) -> Result<wire::CloseReviewResponse, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    let unidentified = wire::CloseReviewRequest {
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
    let command = CloseReview {
        actor: &caller.subject,
    };
    let review = run(api, caller, order, command).await?;
    Ok(wire::CloseReviewResponse {
        review: Some(review),
    })
}

struct CloseReview<'a> {
    actor: &'a str,
}

impl Command for CloseReview<'_> {
    const NAME: &'static str = "crisis.close_review";
    const OPEN: bool = false;
    type Subject = Review;

    async fn act(&self, turn: &mut Turn<'_>, review: Review) -> Result<Option<Transition>, Fault> {
        let changed = turn.close_review(review, self.actor).await?;
        Ok(changed.then_some(Transition::Noted))
    }
}
