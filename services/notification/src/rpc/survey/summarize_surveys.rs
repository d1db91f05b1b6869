//! SummarizeSurveys: what the surveys of a period came to, by kind and department.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::SiteName;
use redress_proto::convert;
use redress_proto::notification::v1 as proto;
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::Surveys;
use crate::store::matters;
use crate::store::surveys::{self, Tally};

struct SummarizeSurveys<'a> {
    site: &'a SiteName,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
}

impl Operation for SummarizeSurveys<'_> {
    const NAME: &'static str = "notification.summarize_surveys";
    type Output = Vec<Tally>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<Tally>, Fault> {
        matters::site(tx, &self.site.0)
            .await?
            .ok_or_else(|| Fault::not_found("Site", self.site))?;
        surveys::tally(tx, &self.site.0, self.from, self.until).await
    }
}

pub(super) async fn handle(
    service: &Surveys,
    request: Request<proto::SummarizeSurveysRequest>,
) -> Result<proto::SummarizeSurveysResponse, Fault> {
    let caller = Caller::of(&request)?;
    let asked = request.get_ref();
    let site: SiteName = parse_field("parent", &asked.parent)?;
    caller.require_site(&site.0)?;
    let time = |field: &str, time: &Option<_>| {
        time.as_ref()
            .map(|t| convert::from_timestamp(field, t))
            .transpose()
    };
    let operation = SummarizeSurveys {
        site: &site,
        from: time("start_time", &asked.start_time)?,
        until: time("end_time", &asked.end_time)?,
    };
    let rows = redress_runtime::sight(caller)
        .read(&service.db, &operation)
        .await?;
    Ok(proto::SummarizeSurveysResponse {
        results: rows.iter().map(result).collect(),
    })
}

fn result(row: &Tally) -> proto::SurveyResult {
    let count = |n: i64| i32::try_from(n).unwrap_or(i32::MAX);
    proto::SurveyResult {
        kind: convert::to_wire(row.kind),
        department: row.department.clone(),
        asked_count: count(row.asked),
        answered_count: count(row.answered),
        mean_score: row.mean,
        dissatisfied_count: count(row.dissatisfied),
        unsolved_count: count(row.unsolved),
        praising_count: count(row.praising),
    }
}
