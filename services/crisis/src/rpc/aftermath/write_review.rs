//! WriteReview: causes, what worked and what was lacking, whole. FAILED_PRECONDITION `NOT_STOOD_DOWN` before the stand-down,
//! `REVIEW_CLOSED` after the end.

use redress_model::Fault;
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use tonic::Request;

use super::super::Incidents;
use super::super::command::Order;
use super::super::subject::{Command, run};
use crate::flow::{Findings, Transition, Turn};
use crate::store::reviews::Review;

const METHOD: &str = "redress.crisis.v1.AftermathService/WriteReview";

pub(super) async fn handle(
    api: &Incidents,
    request: &Request<wire::WriteReviewRequest>,
) -> Result<wire::WriteReviewResponse, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    let unidentified = wire::WriteReviewRequest {
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
    let command = WriteReview {
        findings: Findings {
            causes: r.causes.clone(),
            worked: r.worked.clone(),
            lacking: r.lacking.clone(),
        },
        actor: &caller.subject,
    };
    let review = run(api, caller, order, command).await?;
    Ok(wire::WriteReviewResponse {
        review: Some(review),
    })
}

struct WriteReview<'a> {
    findings: Findings,
    actor: &'a str,
}

impl Command for WriteReview<'_> {
    const NAME: &'static str = "crisis.write_review";
    const OPEN: bool = false;
    type Subject = Review;

    async fn act(&self, turn: &mut Turn<'_>, review: Review) -> Result<Option<Transition>, Fault> {
        let changed = turn
            .write_review(review, &self.findings, self.actor)
            .await?;
        Ok(changed.then_some(Transition::Noted))
    }
}
