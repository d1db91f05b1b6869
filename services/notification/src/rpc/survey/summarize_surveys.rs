//! SummarizeSurveys: what the surveys of a period came to, by site, kind and department.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{SiteId, SiteName};
use redress_proto::convert;
use redress_proto::notification::v1 as proto;
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::Surveys;
use crate::store::matters;
use crate::store::surveys::{self, Tally};

struct SummarizeSurveys {
    /// None: every site in scope.
    site: Option<SiteId>,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
}

impl Operation for SummarizeSurveys {
    const NAME: &'static str = "notification.summarize_surveys";
    type Output = Vec<Tally>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<Tally>, Fault> {
        let site = self.site.as_ref();
        let rows = surveys::tally(tx, site, self.from, self.until).await?;
        matters::found(tx, site, rows).await
    }
}

pub(super) async fn handle(
    service: &Surveys,
    request: Request<proto::SummarizeSurveysRequest>,
) -> Result<proto::SummarizeSurveysResponse, Fault> {
    let caller = Caller::of(&request)?;
    let asked = request.get_ref();
    let site = match asked.parent.as_str() {
        "sites/-" => None,
        parent => Some(parse_field::<SiteName>("parent", parent)?.0),
    };
    if let Some(site) = &site {
        caller.require_site(site)?;
    }
    let time = |field: &str, time: &Option<_>| {
        time.as_ref()
            .map(|t| convert::from_timestamp(field, t))
            .transpose()
    };
    let operation = SummarizeSurveys {
        site,
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
        site: SiteName(row.site.clone()).to_string(),
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
