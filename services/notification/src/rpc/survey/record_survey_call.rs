//! RecordSurveyCall: somebody who did not handle the matter calls the customer: by day, a day apart, three times at
//! most (M12).

use jiff::Timestamp;
use jiff::tz::TimeZone;
use redress_model::Fault;
use redress_model::name::{SiteId, StaffName};
use redress_proto::convert;
use redress_proto::notification::v1 as proto;
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Keyring, Operation, Tx};
use tonic::Request;
use uuid::Uuid;

use super::Surveys;
use crate::domain::survey::{self, Answer};
use crate::domain::task::{TaskOutcome, TaskState};
use crate::domain::words::{SurveyCallOutcome, SurveyState};
use crate::jobs::voice::{self, ByHand};
use crate::store::surveys::{self, Call, Survey};
use crate::store::tasks;

const METHOD: &str = "redress.notification.v1.SurveyService/RecordSurveyCall";

struct RecordSurveyCall<'a> {
    keys: &'a Keyring,
    site: &'a SiteId,
    id: Uuid,
    etag: &'a str,
    staff: &'a StaffName,
    subject: &'a str,
    outcome: SurveyCallOutcome,
    answer: Option<Answer>,
    receipt: ReceiptKey,
    now: Timestamp,
}

impl Operation for RecordSurveyCall<'_> {
    const NAME: &'static str = "notification.record_survey_call";
    type Output = (Survey, Vec<Call>);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let name = format!("sites/{}/surveys/{}", self.site, self.id);
        let claim = receipt::claim(tx, &self.receipt, self.now).await?;
        let mut survey = surveys::lock(tx, self.site, self.id)
            .await?
            .ok_or_else(|| Fault::not_found("Survey", &name))?;
        let mut calls = surveys::calls(tx, &survey).await?;
        if matches!(claim, Claim::Seen { .. }) {
            return Ok((survey, calls));
        }
        let zone = self.may_call(tx, &survey).await?;
        etag::check(self.etag, survey.revision, &name)?;
        if let Some(answer) = &self.answer {
            super::check(&survey, answer)?;
        }
        let call = Call {
            caller: self.staff.to_string(),
            call_time: self.now,
            outcome: self.outcome,
        };
        surveys::add_call(tx, &survey, calls.len() + 1, &call).await?;
        calls.push(call);
        match (self.outcome, &self.answer) {
            (SurveyCallOutcome::Answered, Some(answer)) => {
                let by = self.staff.to_string();
                surveys::answer(tx, self.keys, &mut survey, answer, &by, self.now).await?;
                super::answered(tx, &survey, self.now).await?;
            }
            (SurveyCallOutcome::Refused, _) => {
                surveys::postpone(tx, &mut survey, None, true).await?;
            }
            _ => {
                let next = survey::next_call(self.now, calls.len(), &zone);
                // Nothing else ends a survey without a case: whom no call reached is asked no more, and the address is forgotten.
                let ends = next.is_none() && survey.case.is_none();
                surveys::postpone(tx, &mut survey, next, ends).await?;
            }
        }
        if survey.state != SurveyState::Open {
            voice::survey_ended(tx, &survey, self.now).await?;
        }
        let ended = match self.outcome {
            SurveyCallOutcome::Answered => TaskOutcome::Delivered,
            SurveyCallOutcome::NotReached => TaskOutcome::Unreachable,
            SurveyCallOutcome::Refused => TaskOutcome::NotNeeded,
        };
        tasks::end_survey(tx, &survey, ended, self.subject, self.now).await?;
        receipt::complete(tx, &self.receipt, &name, &etag::of(survey.revision)).await?;
        Ok((survey, calls))
    }
}

impl RecordSurveyCall<'_> {
    /// Whether this person may call, or might when taking the task: a call that ends late was begun in time. Returns
    /// the site's zone.
    async fn may_call(&self, tx: &mut Tx, survey: &Survey) -> Result<TimeZone, Fault> {
        let task = tasks::of_survey(tx, self.site, survey.id).await?;
        let taken = task.filter(|task| task.state == TaskState::Claimed);
        if let Some(task) = taken.as_ref().filter(|task| task.taken_by != self.subject) {
            return Err(Fault::illegal(
                "TASK_TAKEN",
                "somebody else has taken the call; take the task over, or leave it",
                &task.name,
            ));
        }
        let at = taken.and_then(|task| task.take_time).unwrap_or(self.now);
        super::may_call(tx, survey, self.staff, at).await
    }
}

pub(super) async fn handle(
    service: &Surveys,
    request: Request<proto::RecordSurveyCallRequest>,
) -> Result<proto::RecordSurveyCallResponse, Fault> {
    let caller = Caller::of(&request)?;
    let asked = request.get_ref();
    let (site, id) = super::survey_name(&asked.name)?;
    caller.require_site(&site)?;
    let outcome = convert::required("outcome", asked.outcome)?;
    if (outcome == SurveyCallOutcome::Answered) != asked.answer.is_some() {
        return Err(Fault::invalid(
            "answer",
            "must be given exactly where the outcome is ANSWERED",
        ));
    }
    let staff = caller
        .staff
        .as_ref()
        .filter(|staff| staff.site == site)
        .ok_or_else(|| Fault::only("a person on the roster"))?;
    let unnumbered = proto::RecordSurveyCallRequest {
        request_id: String::new(),
        ..asked.clone()
    };
    let answer = asked
        .answer
        .as_ref()
        .map(|answer| super::answer(&site, answer))
        .transpose()?;
    if let Some(answer) = &answer {
        super::not_of_caller(answer, staff)?;
    }
    let operation = RecordSurveyCall {
        keys: &service.keys,
        site: &site,
        id,
        etag: &asked.etag,
        staff,
        subject: &caller.subject,
        outcome,
        answer,
        receipt: ReceiptKey {
            caller: caller.key(),
            method: METHOD,
            request_id: asked.request_id.clone(),
            site: site.to_string(),
            fingerprint: service.fingerprints.of(METHOD, &unnumbered).to_vec(),
        },
        now: service.clock.now(),
    };
    let recorded = redress_runtime::sight(caller)
        .run(&service.db, &operation)
        .await;
    let (survey, calls) = match recorded {
        Ok(recorded) => recorded,
        Err(refused) => {
            let (what, now) = (ByHand::Survey(&site, id), operation.now);
            return Err(voice::put_before(&service.db, refused, what, now).await);
        }
    };
    Ok(proto::RecordSurveyCallResponse {
        survey: Some(super::survey(&survey, &calls)),
    })
}
