//! ListStatements: of an incident, newest first, by keyset pages.

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

use super::Statements;
use super::view;
use crate::domain::words::{Audience, StatementState};
use crate::flow::Desk;
use crate::store::incidents;
use crate::store::statements::{self, Filter, Statement};

type Key = (Timestamp, Uuid);

pub(super) async fn handle(
    api: &Statements,
    request: &Request<wire::ListStatementsRequest>,
) -> Result<wire::ListStatementsResponse, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    let incident: IncidentName = parse_field("parent", &r.parent)?;
    caller.require_site(&incident.site)?;
    let question = wire::ListStatementsRequest {
        page_size: 0,
        page_token: String::new(),
        ..r.clone()
    };
    let list = List {
        incident,
        filter: Filter {
            state: StatementState::from_number(r.state),
            audience: Audience::from_number(r.audience),
        },
        page: Page::of("ListStatements", r.page_size, &r.page_token, &question)?,
        desk: &api.incidents.desk,
    };
    let db = &api.incidents.db;
    let (statements, next_page_token) = redress_runtime::sight(caller).read(db, &list).await?;
    Ok(wire::ListStatementsResponse {
        statements,
        next_page_token,
    })
}

struct List<'a> {
    incident: IncidentName,
    filter: Filter,
    page: Page<Key>,
    desk: &'a Desk,
}

impl Operation for List<'_> {
    const NAME: &'static str = "crisis.list_statements";
    type Output = (Vec<wire::Statement>, String);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let IncidentName { site, id } = &self.incident;
        let found = incidents::get(tx, site, *id).await?;
        let stage = found
            .ok_or_else(|| Fault::not_found("Incident", &self.incident))?
            .stage;
        let (after, limit) = (self.page.after(), self.page.limit());
        let rows = statements::list(tx, site, *id, self.filter, after, limit).await?;
        let (rows, next) = self
            .page
            .finish(rows, |s: &Statement| (s.created, s.name.id));
        let mut shown = Vec::with_capacity(rows.len());
        for statement in rows {
            shown.push(view::load(tx, self.desk, statement, stage).await?);
        }
        Ok((shown, next))
    }
}
