//! GetStatement: with everything that was said of it.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::StatementName;
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::Statements;
use super::view::view;
use crate::flow::StatementCase;
use crate::store::{incidents, statements};

pub(super) async fn handle(
    api: &Statements,
    request: &Request<wire::GetStatementRequest>,
) -> Result<wire::GetStatementResponse, Fault> {
    let caller = Caller::of(request)?;
    let name: StatementName = parse_field("name", &request.get_ref().name)?;
    caller.require_site(&name.site)?;
    let now = api.incidents.desk.clock.now();
    let get = Get { name, now };
    let db = &api.incidents.db;
    let case = redress_runtime::sight(caller).read(db, &get).await?;
    let quorum = api.incidents.desk.policy.statement_quorum;
    Ok(wire::GetStatementResponse {
        statement: Some(view(&case, quorum)),
    })
}

struct Get {
    name: StatementName,
    now: Timestamp,
}

impl Operation for Get {
    const NAME: &'static str = "crisis.get_statement";
    type Output = StatementCase;

    async fn run(&self, tx: &mut Tx) -> Result<StatementCase, Fault> {
        let StatementName { site, id } = &self.name;
        let missing = || Fault::not_found("Statement", &self.name);
        let statement = statements::get(tx, site, *id).await?.ok_or_else(missing)?;
        let incident = incidents::get(tx, site, statement.incident).await?;
        let stage = incident.ok_or_else(missing)?.stage;
        StatementCase::load(tx, statement, stage, self.now).await
    }
}
