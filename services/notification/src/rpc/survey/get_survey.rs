//! GetSurvey: one survey with its calls, and the comment for those who may read it.

use redress_model::Fault;
use redress_model::name::SiteId;
use redress_proto::notification::v1 as proto;
use redress_rpc::Caller;
use redress_store::{Keyring, Operation, Tx};
use tonic::Request;
use uuid::Uuid;

use super::Surveys;
use crate::store::surveys::{self, Call, Survey};

/// What a caller needs besides the method's own permission to see what customers wrote.
const READ_COMMENT: &str = "surveys.read_comment";

struct GetSurvey<'a> {
    keys: &'a Keyring,
    site: &'a SiteId,
    id: Uuid,
    with_comment: bool,
}

impl Operation for GetSurvey<'_> {
    const NAME: &'static str = "notification.get_survey";
    type Output = Option<(Survey, Vec<Call>, String)>;

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let Some(survey) = surveys::get(tx, self.site, self.id).await? else {
            return Ok(None);
        };
        let calls = surveys::calls(tx, &survey).await?;
        let comment = if self.with_comment {
            surveys::comment(tx, self.keys, self.site, self.id).await?
        } else {
            String::new()
        };
        Ok(Some((survey, calls, comment)))
    }
}

pub(super) async fn handle(
    service: &Surveys,
    request: Request<proto::GetSurveyRequest>,
) -> Result<proto::GetSurveyResponse, Fault> {
    let caller = Caller::of(&request)?;
    let name = &request.get_ref().name;
    let (site, id) = super::survey_name(name)?;
    caller.require_site(&site)?;
    let operation = GetSurvey {
        keys: &service.keys,
        site: &site,
        id,
        with_comment: caller.may(READ_COMMENT),
    };
    let (survey, calls, comment) = redress_runtime::sight(caller)
        .read(&service.db, &operation)
        .await?
        .ok_or_else(|| Fault::not_found("Survey", name))?;
    Ok(proto::GetSurveyResponse {
        survey: Some(super::survey(&survey, &calls)),
        comment,
    })
}
