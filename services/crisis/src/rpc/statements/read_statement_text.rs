//! ReadStatementText: what left, for whoever carries it. The permission is given to services alone.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::StatementName;
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::Statements;
use crate::domain::words::StatementState;
use crate::store::incidents;
use crate::store::statements::{self, Statement};

pub(super) async fn handle(
    api: &Statements,
    request: &Request<wire::ReadStatementTextRequest>,
) -> Result<wire::ReadStatementTextResponse, Fault> {
    let caller = Caller::of(request)?;
    let name: StatementName = parse_field("name", &request.get_ref().name)?;
    caller.require_site(&name.site)?;
    let db = &api.incidents.db;
    let statement = redress_runtime::sight(caller)
        .read(db, &Read { name })
        .await?;
    Ok(wire::ReadStatementTextResponse {
        text: statement.content.text,
        language: statement.content.language,
        superseded: statement.state == StatementState::Superseded,
    })
}

struct Read {
    name: StatementName,
}

impl Operation for Read {
    const NAME: &'static str = "crisis.read_statement_text";
    type Output = Statement;

    async fn run(&self, tx: &mut Tx) -> Result<Statement, Fault> {
        let StatementName { site, id } = &self.name;
        let missing = || Fault::not_found("Statement", &self.name);
        let statement = statements::get(tx, site, *id).await?;
        let statement = statement
            .filter(|s| s.published.is_some())
            .ok_or_else(missing)?;
        // Whoever may not see the incident sees nothing that was said on it.
        let incident = incidents::get(tx, site, statement.incident).await?;
        incident.map(|_| statement).ok_or_else(missing)
    }
}
