//! DropStatement: a draft that nobody wants any more. A repeat changes nothing and succeeds.

use redress_model::Fault;
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use tonic::Request;

use super::super::command::Order;
use super::Statements;
use super::command::{Command, run};
use crate::domain::statement::Person;
use crate::flow::{StatementCase, Turn};

const METHOD: &str = "redress.crisis.v1.StatementService/DropStatement";

pub(super) async fn handle(
    api: &Statements,
    request: &Request<wire::DropStatementRequest>,
) -> Result<wire::DropStatementResponse, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    let unidentified = wire::DropStatementRequest {
        request_id: String::new(),
        ..r.clone()
    };
    let order = Order {
        method: METHOD,
        field: "name",
        name: &r.name,
        etag: &r.etag,
        request_id: &r.request_id,
        fingerprint: api.incidents.fingerprints.of(METHOD, &unidentified),
    };
    let statement = run(api, caller, order, Dropping { reason: &r.reason }).await?;
    Ok(wire::DropStatementResponse {
        statement: Some(statement),
    })
}

struct Dropping<'a> {
    reason: &'a str,
}

impl Command for Dropping<'_> {
    const NAME: &'static str = "crisis.drop_statement";

    async fn act(
        &self,
        turn: &mut Turn<'_>,
        case: StatementCase,
        by: &Person,
    ) -> Result<(), Fault> {
        turn.drop_statement(&case, self.reason, by).await?;
        Ok(())
    }
}
