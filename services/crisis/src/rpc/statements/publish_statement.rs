//! PublishStatement: exactly the text of the digest leaves, and never changes.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::StatementName;
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::super::command::Order;
use super::Statements;
use super::command::{Command, run};
use super::view;
use crate::domain::statement::Person;
use crate::flow::{StatementCase, Turn};
use crate::store::feed::{self, Entry, Sign};

const METHOD: &str = "redress.crisis.v1.StatementService/PublishStatement";

pub(super) async fn handle(
    api: &Statements,
    request: &Request<wire::PublishStatementRequest>,
) -> Result<wire::PublishStatementResponse, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    let unidentified = wire::PublishStatementRequest {
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
    let publish = Publish {
        digest: &r.digest,
        sign: &*api.sign,
    };
    let statement = run(api, caller, order, publish).await?;
    let name: StatementName = parse_field("name", &r.name)?;
    let db = &api.incidents.db;
    let entry = redress_runtime::sight(caller)
        .read(db, &InFeed { name })
        .await?;
    Ok(wire::PublishStatementResponse {
        statement: Some(statement),
        feed_entry: entry.as_ref().map(view::entry),
    })
}

struct Publish<'a> {
    digest: &'a str,
    sign: &'a Sign,
}

impl Command for Publish<'_> {
    const NAME: &'static str = "crisis.publish_statement";

    fn read(&self) -> Option<&str> {
        Some(self.digest)
    }

    async fn act(
        &self,
        turn: &mut Turn<'_>,
        case: StatementCase,
        by: &Person,
    ) -> Result<(), Fault> {
        turn.publish_statement(case, by, self.sign).await
    }
}

struct InFeed {
    name: StatementName,
}

impl Operation for InFeed {
    const NAME: &'static str = "crisis.feed_entry";
    type Output = Option<Entry>;

    async fn run(&self, tx: &mut Tx) -> Result<Option<Entry>, Fault> {
        let StatementName { site, id } = &self.name;
        let Some(number) = feed::number_of(tx, site, *id).await? else {
            return Ok(None);
        };
        Ok(feed::after(tx, site, number - 1, 1).await?.pop())
    }
}
