//! DeclineLesson: with a reason. Fails as AcceptLesson does.

use redress_model::Fault;
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use tonic::Request;

use super::super::Incidents;
use super::super::command::Order;
use super::super::subject::run;
use super::accept_lesson::Decide;

const METHOD: &str = "redress.crisis.v1.LessonService/DeclineLesson";

pub(super) async fn handle(
    api: &Incidents,
    request: &Request<wire::DeclineLessonRequest>,
) -> Result<wire::DeclineLessonResponse, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    let unidentified = wire::DeclineLessonRequest {
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
    let decide = Decide {
        accept: false,
        reason: &r.reason,
        caller,
    };
    let lesson = run(api, caller, order, decide).await?;
    Ok(wire::DeclineLessonResponse {
        lesson: Some(lesson),
    })
}
