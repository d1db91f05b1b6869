//! AnswerInquiry: by a statement, and by nothing else.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{InquiryName, StatementName};
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

const METHOD: &str = "redress.crisis.v1.MediaService/AnswerInquiry";

pub(super) async fn handle(
    api: &Media,
    request: &Request<wire::AnswerInquiryRequest>,
) -> Result<wire::AnswerInquiryResponse, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    let name: InquiryName = parse_field("name", &r.name)?;
    let unidentified = wire::AnswerInquiryRequest {
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
    let act = Answering {
        statement: super::statement(&name.site, &r.statement)?,
        by: person(caller),
    };
    let inquiry = run(&api.incidents, caller, order, act).await?;
    Ok(wire::AnswerInquiryResponse {
        inquiry: Some(inquiry),
    })
}

struct Answering {
    statement: StatementName,
    by: Person,
}

impl Command for Answering {
    const NAME: &'static str = "crisis.answer_inquiry";
    type Subject = Inquiry;

    async fn act(
        &self,
        turn: &mut Turn<'_>,
        inquiry: Inquiry,
    ) -> Result<Option<Transition>, Fault> {
        turn.answer_inquiry(inquiry, &self.statement, &self.by)
            .await?;
        Ok(Some(Transition::Noted))
    }
}
