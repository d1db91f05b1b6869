//! GetStatement: with everything that was said of it.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::StatementName;
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::Statements;
use super::view;
use crate::flow::Desk;
use crate::store::{incidents, statements};

pub(super) async fn handle(
    api: &Statements,
    request: &Request<wire::GetStatementRequest>,
) -> Result<wire::GetStatementResponse, Fault> {
    let caller = Caller::of(request)?;
    let name: StatementName = parse_field("name", &request.get_ref().name)?;
    caller.require_site(&name.site)?;
    let get = Get {
        desk: &api.incidents.desk,
        name,
    };
    let db = &api.incidents.db;
    let statement = redress_runtime::sight(caller).read(db, &get).await?;
    Ok(wire::GetStatementResponse {
        statement: Some(statement),
    })
}

struct Get<'a> {
    desk: &'a Desk,
    name: StatementName,
}

impl Operation for Get<'_> {
    const NAME: &'static str = "crisis.get_statement";
    type Output = wire::Statement;

    async fn run(&self, tx: &mut Tx) -> Result<wire::Statement, Fault> {
        let StatementName { site, id } = &self.name;
        let missing = || Fault::not_found("Statement", &self.name);
        let statement = statements::get(tx, site, *id).await?.ok_or_else(missing)?;
        let incident = incidents::get(tx, site, statement.incident).await?;
        let stage = incident.ok_or_else(missing)?.stage;
        view::load(tx, self.desk, statement, stage).await
    }
}
