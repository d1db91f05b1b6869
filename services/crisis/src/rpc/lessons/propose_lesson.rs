//! ProposeLesson: NOT_FOUND when no such playbook holds at the site, INVALID_ARGUMENT by the field that it could not take,
//! FAILED_PRECONDITION as for all writes to a review.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{IncidentName, LessonName};
use redress_policy::playbook::Text;
use redress_proto::convert::required;
use redress_proto::crisis::v1 as wire;
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use tonic::Request;

use super::super::Incidents;
use super::view;
use crate::domain::lesson::{LessonKind, Teaching, Work};
use crate::flow::{Desk, Transition, Turn};
use crate::store::{incidents, lessons, reviews};

const METHOD: &str = "redress.crisis.v1.LessonService/ProposeLesson";

pub(super) async fn handle(
    api: &Incidents,
    request: &Request<wire::ProposeLessonRequest>,
) -> Result<wire::ProposeLessonResponse, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    let incident: IncidentName = parse_field("parent", &r.parent)?;
    caller.require_site(&incident.site)?;
    let lesson = r.lesson.as_ref();
    let lesson = lesson.ok_or_else(|| Fault::invalid("lesson", "must be given"))?;
    let unidentified = wire::ProposeLessonRequest {
        request_id: String::new(),
        ..r.clone()
    };
    let propose = Propose {
        desk: &api.desk,
        teaching: teaching(lesson)?,
        reason: &lesson.reason,
        actor: &caller.subject,
        receipt: ReceiptKey {
            caller: caller.key(),
            method: METHOD,
            request_id: r.request_id.clone(),
            site: incident.site.to_string(),
            fingerprint: api.fingerprints.of(METHOD, &unidentified).to_vec(),
        },
        incident,
    };
    let lesson = redress_runtime::sight(caller)
        .run(&api.db, &propose)
        .await?;
    Ok(wire::ProposeLessonResponse {
        lesson: Some(lesson),
    })
}

/// What a request proposes.
fn teaching(lesson: &wire::Lesson) -> Result<Teaching, Fault> {
    let text = lesson.text.clone().unwrap_or_default();
    let task = match required("lesson.kind", lesson.kind)? {
        LessonKind::Task => Some(Work {
            key: lesson.key.clone(),
            owner: required("lesson.owner", lesson.owner)?,
            within: parse_field("lesson.within", &lesson.within)?,
            optional: lesson.optional,
        }),
        LessonKind::Goal => {
            for (field, given) in [
                ("lesson.key", !lesson.key.is_empty()),
                ("lesson.owner", lesson.owner != 0),
                ("lesson.within", !lesson.within.is_empty()),
                ("lesson.optional", lesson.optional),
            ] {
                if given {
                    return Err(Fault::invalid(field, "must not be given for a goal"));
                }
            }
            None
        }
    };
    Ok(Teaching {
        playbook: lesson.playbook.clone(),
        stage: required("lesson.stage", lesson.stage)?,
        text: Text {
            zh_cn: text.zh_cn,
            en: text.en,
        },
        task,
    })
}

struct Propose<'a> {
    desk: &'a Desk,
    incident: IncidentName,
    teaching: Teaching,
    reason: &'a str,
    actor: &'a str,
    receipt: ReceiptKey,
}

impl Operation for Propose<'_> {
    const NAME: &'static str = "crisis.propose_lesson";
    type Output = wire::Lesson;

    async fn run(&self, tx: &mut Tx) -> Result<wire::Lesson, Fault> {
        let now = self.desk.clock.now();
        // Before the receipt, so that a foreign incident is NOT_FOUND and not a receipt out of scope.
        let locked = incidents::lock(tx, &self.incident.site, self.incident.id).await?;
        let locked = locked.ok_or_else(|| Fault::not_found("Incident", &self.incident))?;
        let name: LessonName = match receipt::claim(tx, &self.receipt, now).await? {
            Claim::Seen { resource, .. } => resource.parse().map_err(Fault::internal)?,
            Claim::New => {
                let review = reviews::get(tx, &self.incident).await?;
                let mut turn = Turn::take(tx, self.desk, now, locked).await?;
                let teaching = self.teaching.clone();
                let name = turn
                    .propose_lesson(review, teaching, self.reason, self.actor)
                    .await?;
                turn.finish(Transition::Noted).await?;
                receipt::complete(tx, &self.receipt, &name.to_string(), &etag::of(1)).await?;
                name
            }
        };
        let found = lessons::get(tx, &name).await?;
        let lesson = found.ok_or_else(|| Fault::not_found("Lesson", &name))?;
        Ok(view::lesson(&lesson))
    }
}
