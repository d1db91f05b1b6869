//! ReviewStatement: a verdict on exactly the text that the reviewer read (I7).

use redress_model::Fault;
use redress_proto::convert::required;
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use tonic::Request;

use super::super::command::Order;
use super::Statements;
use super::command::{Command, run};
use crate::domain::statement::{Person, Review};
use crate::domain::words::{ReviewStep, Verdict};
use crate::flow::{StatementCase, Turn};
use crate::store::statements::Said;

const METHOD: &str = "redress.crisis.v1.StatementService/ReviewStatement";

pub(super) async fn handle(
    api: &Statements,
    request: &Request<wire::ReviewStatementRequest>,
) -> Result<wire::ReviewStatementResponse, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    let verdict = required("verdict", r.verdict)?;
    if verdict != Verdict::Approve && redress_model::text::is_blank(&r.reason) {
        return Err(Fault::invalid(
            "reason",
            "must say why; only an approval may go without",
        ));
    }
    let unidentified = wire::ReviewStatementRequest {
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
    let give = Give {
        step: required("step", r.step)?,
        verdict,
        digest: &r.digest,
        reason: &r.reason,
    };
    let statement = run(api, caller, order, give).await?;
    Ok(wire::ReviewStatementResponse {
        statement: Some(statement),
    })
}

struct Give<'a> {
    step: ReviewStep,
    verdict: Verdict,
    digest: &'a str,
    reason: &'a str,
}

impl Command for Give<'_> {
    const NAME: &'static str = "crisis.review_statement";

    fn read(&self) -> Option<&str> {
        Some(self.digest)
    }

    async fn act(
        &self,
        turn: &mut Turn<'_>,
        case: StatementCase,
        by: &Person,
    ) -> Result<(), Fault> {
        let review = Review {
            step: self.step,
            verdict: self.verdict,
            digest: case.digest,
            by: by.clone(),
            givers: Vec::new(),
        };
        let said = Said {
            number: 0,
            review,
            reason: self.reason.to_owned(),
            at: turn.now(),
        };
        turn.review(case, said).await
    }
}
