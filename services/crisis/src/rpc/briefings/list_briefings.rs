//! ListBriefings: of an incident, newest first, by keyset pages.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::IncidentName;
use redress_model::words::Word as _;
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use redress_rpc::page::Page;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::super::Incidents;
use super::view::listed;
use crate::domain::briefing::{BriefingState, form};
use crate::store::briefings::{self, Briefing};
use crate::store::incidents;

pub(super) async fn handle(
    api: &Incidents,
    request: &Request<wire::ListBriefingsRequest>,
) -> Result<wire::ListBriefingsResponse, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    let incident: IncidentName = parse_field("parent", &r.parent)?;
    caller.require_site(&incident.site)?;
    let question = wire::ListBriefingsRequest {
        page_size: 0,
        page_token: String::new(),
        ..r.clone()
    };
    let list = List {
        incident,
        state: BriefingState::from_number(r.state),
        page: Page::of("ListBriefings", r.page_size, &r.page_token, &question)?,
    };
    let (briefings, next_page_token) = redress_runtime::sight(caller).read(&api.db, &list).await?;
    Ok(wire::ListBriefingsResponse {
        briefings,
        next_page_token,
    })
}

struct List {
    incident: IncidentName,
    state: Option<BriefingState>,
    page: Page<i32>,
}

impl Operation for List {
    const NAME: &'static str = "crisis.list_briefings";
    type Output = (Vec<wire::Briefing>, String);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let IncidentName { site, id } = &self.incident;
        let found = incidents::get(tx, site, *id).await?;
        found.ok_or_else(|| Fault::not_found("Incident", &self.incident))?;
        let (before, limit) = (self.page.after().copied(), self.page.limit());
        let rows = briefings::list(tx, site, *id, self.state, before, limit).await?;
        let (rows, next) = self.page.finish(rows, |b: &Briefing| b.number);
        let now = form(briefings::complainants(tx, site, *id).await?);
        let shown = rows
            .iter()
            .map(|b| listed(b, b.held.as_ref().map_or(now, |h| h.form)));
        Ok((shown.collect(), next))
    }
}
