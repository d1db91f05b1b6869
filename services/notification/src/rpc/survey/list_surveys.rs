//! ListSurveys: newest first, without comments; those whose customer may be called now, for callers.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{CaseName, SiteName};
use redress_proto::convert;
use redress_proto::notification::v1 as proto;
use redress_rpc::Caller;
use redress_rpc::page::Page;
use redress_store::{Operation, Tx};
use tonic::Request;
use uuid::Uuid;

use super::Surveys;
use crate::store::matters;
use crate::store::surveys::{self, Filter, Survey};

struct ListSurveys<'a> {
    filter: Filter,
    page: &'a Page<Uuid>,
}

impl Operation for ListSurveys<'_> {
    const NAME: &'static str = "notification.list_surveys";
    type Output = Vec<Survey>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<Survey>, Fault> {
        let after = self.page.after().copied();
        let rows = surveys::list(tx, &self.filter, after, self.page.limit()).await?;
        matters::found(tx, self.filter.site.as_ref(), rows).await
    }
}

pub(super) async fn handle(
    service: &Surveys,
    request: Request<proto::ListSurveysRequest>,
) -> Result<proto::ListSurveysResponse, Fault> {
    let caller = Caller::of(&request)?;
    let asked = request.get_ref();
    let filter = read(asked, service.clock.now())?;
    if let Some(site) = &filter.site {
        caller.require_site(site)?;
    }
    let question = proto::ListSurveysRequest {
        page_size: 0,
        page_token: String::new(),
        ..asked.clone()
    };
    let page = Page::of("ListSurveys", asked.page_size, &asked.page_token, &question)?;
    let operation = ListSurveys {
        filter,
        page: &page,
    };
    let rows = redress_runtime::sight(caller)
        .read(&service.db, &operation)
        .await?;
    let (rows, next_page_token) = page.finish(rows, |survey| survey.id);
    Ok(proto::ListSurveysResponse {
        surveys: rows.iter().map(|row| super::survey(row, &[])).collect(),
        next_page_token,
    })
}

fn read(asked: &proto::ListSurveysRequest, now: Timestamp) -> Result<Filter, Fault> {
    let mut filter = Filter {
        site: match asked.parent.as_str() {
            "sites/-" => None,
            parent => Some(parse_field::<SiteName>("parent", parent)?.0),
        },
        state: convert::from_wire(asked.state),
        kind: convert::from_wire(asked.kind),
        case: None,
        callable_at: asked.callable.then_some(now),
    };
    if !asked.case.is_empty() {
        let case: CaseName = parse_field("case", &asked.case)?;
        if filter.site.as_ref().is_some_and(|site| *site != case.site) {
            return Err(Fault::invalid("case", "must lie in the parent"));
        }
        filter.site = Some(case.site);
        filter.case = Some(case.id);
    }
    Ok(filter)
}
