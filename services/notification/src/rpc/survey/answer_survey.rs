//! AnswerSurvey: a customer answers on a portal, by the token of the link. The first answer stands.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_proto::notification::v1 as proto;
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Keyring, Operation, Tx};
use tonic::Request;
use uuid::Uuid;

use super::Surveys;
use crate::domain::survey::Answer;
use crate::domain::task::TaskOutcome;
use crate::domain::words::SurveyState;
use crate::jobs::voice;
use crate::store::{surveys, tasks};

const METHOD: &str = "redress.notification.v1.SurveyService/AnswerSurvey";

struct AnswerSurvey<'a> {
    keys: &'a Keyring,
    site: &'a SiteId,
    id: Uuid,
    answer: Answer,
    by: &'a str,
    receipt: ReceiptKey,
    now: Timestamp,
}

impl Operation for AnswerSurvey<'_> {
    const NAME: &'static str = "notification.answer_survey";
    type Output = ();

    async fn run(&self, tx: &mut Tx) -> Result<(), Fault> {
        let name = format!("sites/{}/surveys/{}", self.site, self.id);
        let claim = receipt::claim(tx, &self.receipt, self.now).await?;
        let mut survey = surveys::lock(tx, self.site, self.id)
            .await?
            .ok_or_else(|| Fault::not_found("Survey", &name))?;
        if matches!(claim, Claim::Seen { .. }) {
            return Ok(());
        }
        if survey.state != SurveyState::Open {
            return Err(super::ended(&survey));
        }
        super::check(&survey, &self.answer)?;
        surveys::answer(tx, self.keys, &mut survey, &self.answer, self.by, self.now).await?;
        voice::survey_ended(tx, &survey, self.now).await?;
        super::answered(tx, &survey, self.now).await?;
        tasks::end_survey(tx, &survey, TaskOutcome::NotNeeded, "", self.now).await?;
        receipt::complete(tx, &self.receipt, &name, &etag::of(survey.revision)).await
    }
}

pub(super) async fn handle(
    service: &Surveys,
    request: Request<proto::AnswerSurveyRequest>,
) -> Result<proto::AnswerSurveyResponse, Fault> {
    let caller = Caller::of(&request)?;
    let asked = request.get_ref();
    let (site, id) = service
        .tokens
        .read_survey(&asked.token)
        .ok_or_else(|| Fault::invalid("token", "must be the whole token of a link in a message"))?;
    caller.require_site(&site)?;
    let given = asked
        .answer
        .as_ref()
        .ok_or_else(|| Fault::invalid("answer", "must be given"))?;
    let unnumbered = proto::AnswerSurveyRequest {
        request_id: String::new(),
        ..asked.clone()
    };
    let operation = AnswerSurvey {
        keys: &service.keys,
        site: &site,
        id,
        answer: super::answer(&site, given)?,
        by: &caller.subject,
        receipt: ReceiptKey {
            caller: caller.key(),
            method: METHOD,
            request_id: asked.request_id.clone(),
            site: site.to_string(),
            fingerprint: service.fingerprints.of(METHOD, &unnumbered).to_vec(),
        },
        now: service.clock.now(),
    };
    redress_runtime::sight(caller)
        .run(&service.db, &operation)
        .await?;
    Ok(proto::AnswerSurveyResponse {})
}
