//! The SurveyService. One RPC a file; this one knows which file is which, and how a survey looks on the wire.

mod answer_survey;
mod get_survey;
mod list_surveys;
mod record_survey_call;
mod schedule_survey;
mod summarize_surveys;

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use redress_model::Fault;
use redress_model::name::{MessageName, SiteId, SiteName, StaffName};
use redress_model::time::SharedClock;
use redress_proto::convert;
use redress_proto::notification::v1 as wire;
use redress_proto::notification::v1::survey_service_server::SurveyService;
use redress_rpc::{Fingerprints, etag, status};
use redress_store::{Database, Keyring, Tx};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::domain::causes;
use crate::domain::survey::{self, Answer, asks_solved};
use crate::domain::words::{MessageTopic, SurveyState};
use crate::jobs::{announce, voice};
use crate::store::surveys::{self, Call, Survey};
use crate::store::{matters, messages, preferences};
use crate::token::Tokens;

/// Answers callers.
#[derive(Debug)]
pub struct Surveys {
    /// The database.
    pub db: Database,
    /// Keys of what is sealed.
    pub keys: Arc<Keyring>,
    /// Time.
    pub clock: SharedClock,
    /// What signed the links in messages.
    pub tokens: Tokens,
    /// What tells a repeated request from another one.
    pub fingerprints: Fingerprints,
}

#[tonic::async_trait]
impl SurveyService for Surveys {
    async fn schedule_survey(
        &self,
        request: Request<wire::ScheduleSurveyRequest>,
    ) -> Result<Response<wire::ScheduleSurveyResponse>, Status> {
        schedule_survey::handle(self, request)
            .await
            .map(Response::new)
            .map_err(status)
    }

    async fn get_survey(
        &self,
        request: Request<wire::GetSurveyRequest>,
    ) -> Result<Response<wire::GetSurveyResponse>, Status> {
        get_survey::handle(self, request)
            .await
            .map(Response::new)
            .map_err(status)
    }

    async fn list_surveys(
        &self,
        request: Request<wire::ListSurveysRequest>,
    ) -> Result<Response<wire::ListSurveysResponse>, Status> {
        list_surveys::handle(self, request)
            .await
            .map(Response::new)
            .map_err(status)
    }

    async fn answer_survey(
        &self,
        request: Request<wire::AnswerSurveyRequest>,
    ) -> Result<Response<wire::AnswerSurveyResponse>, Status> {
        answer_survey::handle(self, request)
            .await
            .map(Response::new)
            .map_err(status)
    }

    async fn record_survey_call(
        &self,
        request: Request<wire::RecordSurveyCallRequest>,
    ) -> Result<Response<wire::RecordSurveyCallResponse>, Status> {
        record_survey_call::handle(self, request)
            .await
            .map(Response::new)
            .map_err(status)
    }

    async fn summarize_surveys(
        &self,
        request: Request<wire::SummarizeSurveysRequest>,
    ) -> Result<Response<wire::SummarizeSurveysResponse>, Status> {
        summarize_surveys::handle(self, request)
            .await
            .map(Response::new)
            .map_err(status)
    }
}

/// Site and id of `sites/{site}/surveys/{survey}`.
fn survey_name(name: &str) -> Result<(SiteId, Uuid), Fault> {
    let read = || {
        let (site, id) = name.split_once("/surveys/")?;
        let site: SiteName = site.parse().ok()?;
        let id: Uuid = id.parse().ok()?;
        // One spelling a survey.
        (id.to_string() == name.rsplit('/').next()?).then_some((site.0, id))
    };
    read().ok_or_else(|| Fault::invalid("name", "must look like sites/{site}/surveys/{survey}"))
}

/// Whoever asks how it was writes no praise of their own down, as nobody books their own recognition.
fn not_of_caller(answer: &Answer, caller: &StaffName) -> Result<(), Fault> {
    if answer.praised.contains(&caller.to_string()) {
        return Err(Fault::invalid(
            "answer.praised_staff",
            "must not name who calls: somebody else asks a customer who praises them",
        ));
    }
    Ok(())
}

/// Tells others what the customer answered, and thanks whoever praised somebody by name (M02).
async fn answered(tx: &mut Tx, survey: &Survey, now: Timestamp) -> Result<(), Fault> {
    announce::answered(tx, survey).await?;
    if survey.praised.is_empty() {
        return Ok(());
    }
    let (about, own) = (survey.case.as_ref(), survey.known_by.as_ref());
    let case = match own.or(about) {
        Some(case) => matters::case(tx, case).await?,
        None => None,
    };
    let number = case.map(|view| view.number).unwrap_or_default();
    let draft = causes::praise(survey.id, &survey.person, (about, own), &number, now);
    messages::queue(tx, &survey.site, &[draft], now).await?;
    Ok(())
}

/// What the customer answered.
fn answer(site: &SiteId, answer: &wire::SurveyAnswer) -> Result<Answer, Fault> {
    let mut praised = Vec::with_capacity(answer.praised_staff.len());
    for name in &answer.praised_staff {
        let staff: StaffName = redress_model::fault::parse_field("answer.praised_staff", name)?;
        if staff.site != *site {
            return Err(Fault::invalid(
                "answer.praised_staff",
                "must be people of the survey's site",
            ));
        }
        praised.push(staff.to_string());
    }
    Ok(Answer {
        score: answer.score,
        solved: answer.solved,
        comment: answer.comment.trim().to_owned(),
        praised,
    })
}

/// Whether it is solved is asked after a complaint and a repair, and nowhere else.
fn check(survey: &Survey, answer: &Answer) -> Result<(), Fault> {
    if asks_solved(survey.kind) == answer.solved.is_some() {
        return Ok(());
    }
    let description = "must be given exactly after a complaint or a repair";
    Err(Fault::invalid("answer.solved", description))
}

fn ended(survey: &Survey) -> Fault {
    Fault::illegal(
        "SURVEY_ENDED",
        "only a survey in state OPEN takes calls and an answer",
        survey.name(),
    )
}

fn refused(name: impl std::fmt::Display) -> Fault {
    Fault::illegal(
        "SURVEY_REFUSED",
        "the customer does not want to be asked how it was",
        name,
    )
}

/// Whether this person may call the customer at this instant. Returns the site's zone.
pub(super) async fn may_call(
    tx: &mut Tx,
    survey: &Survey,
    staff: &StaffName,
    at: Timestamp,
) -> Result<TimeZone, Fault> {
    if survey.state != SurveyState::Open {
        return Err(ended(survey));
    }
    let handlers = surveys::handlers(tx, survey).await?;
    if handlers.contains(&staff.to_string()) {
        return Err(Fault::illegal(
            "CALLER_HANDLED",
            "somebody who had no part in the matter asks how it was",
            survey.name(),
        ));
    }
    let preference = preferences::get(tx, &survey.site, &survey.person).await?;
    if preference.refuses(Some(MessageTopic::Survey)) {
        return Err(refused(survey.name()));
    }
    let site = matters::site(tx, &survey.site).await?;
    let zone = site
        .and_then(|site| TimeZone::get(&site.time_zone).ok())
        .unwrap_or(TimeZone::UTC);
    if !survey::may_call(survey.next_call_time, at, &zone) {
        return Err(Fault::illegal(
            "CALL_NOT_NOW",
            "a customer is called from next_call_time on, between 09:00 and 20:00 at the site, three times at most",
            survey.name(),
        ));
    }
    if let Some(question) = surveys::question(tx, survey).await? {
        let question = MessageName::new(survey.site.clone(), question);
        voice::may_speak(tx, &question, survey.name()).await?;
    }
    Ok(zone)
}

fn survey(survey: &Survey, calls: &[Call]) -> wire::Survey {
    wire::Survey {
        name: survey.name(),
        etag: etag::of(survey.revision),
        kind: convert::to_wire(survey.kind),
        state: convert::to_wire(survey.state),
        person: survey.person.clone(),
        case: survey
            .case
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        department: survey.department.clone(),
        handlers: survey.handlers.clone(),
        create_time: Some(convert::to_timestamp(survey.create_time)),
        open_time: Some(convert::to_timestamp(survey.open_time)),
        next_call_time: survey.next_call_time.map(convert::to_timestamp),
        calls: calls
            .iter()
            .map(|call| wire::SurveyCall {
                caller: call.caller.clone(),
                call_time: Some(convert::to_timestamp(call.call_time)),
                outcome: convert::to_wire(call.outcome),
            })
            .collect(),
        score: survey.score.unwrap_or_default(),
        solved: survey.solved,
        praised_staff: survey.praised.clone(),
        answer_time: survey.answer_time.map(convert::to_timestamp),
        commented: survey.commented,
    }
}
