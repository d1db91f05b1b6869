//! ListCommitments: of an incident, the soonest due first, by keyset pages.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::IncidentName;
use redress_model::words::Word as _;
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use redress_rpc::page::Page;
use redress_store::{Operation, Tx};
use tonic::Request;
use uuid::Uuid;

use super::super::Incidents;
use super::view::commitment;
use crate::domain::briefing::CommitmentState;
use crate::store::commitments::{self, Commitment};
use crate::store::incidents;

pub(super) async fn handle(
    api: &Incidents,
    request: &Request<wire::ListCommitmentsRequest>,
) -> Result<wire::ListCommitmentsResponse, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    let incident: IncidentName = parse_field("parent", &r.parent)?;
    caller.require_site(&incident.site)?;
    let question = wire::ListCommitmentsRequest {
        page_size: 0,
        page_token: String::new(),
        ..r.clone()
    };
    let list = List {
        incident,
        state: CommitmentState::from_number(r.state),
        page: Page::of("ListCommitments", r.page_size, &r.page_token, &question)?,
    };
    let (rows, next_page_token) = redress_runtime::sight(caller).read(&api.db, &list).await?;
    Ok(wire::ListCommitmentsResponse {
        commitments: rows.iter().map(commitment).collect(),
        next_page_token,
    })
}

struct List {
    incident: IncidentName,
    state: Option<CommitmentState>,
    page: Page<(Timestamp, Uuid)>,
}

impl Operation for List {
    const NAME: &'static str = "crisis.list_commitments";
    type Output = (Vec<Commitment>, String);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let IncidentName { site, id } = &self.incident;
        let found = incidents::get(tx, site, *id).await?;
        found.ok_or_else(|| Fault::not_found("Incident", &self.incident))?;
        let (after, limit) = (self.page.after(), self.page.limit());
        let rows = commitments::list(tx, site, *id, self.state, after, limit).await?;
        Ok(self.page.finish(rows, |c: &Commitment| (c.due, c.name.id)))
    }
}
