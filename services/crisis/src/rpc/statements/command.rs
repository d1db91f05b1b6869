//! What all writes to one statement share: receipt, the lock of its incident, etag, the digest that the caller read,
//! the act, and the statement as it is then.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{IncidentName, StatementName};
use redress_proto::crisis::v1 as wire;
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use redress_timers::Entry;

use super::super::command::Order;
use super::Statements;
use super::view;
use crate::domain::statement::Person;
use crate::flow::{Desk, StatementCase, Transition, Turn};
use crate::store::{incidents, statements};

/// One kind of write.
pub(super) trait Command: Send + Sync {
    /// Name of the transaction.
    const NAME: &'static str;

    /// The digest of what the caller read; none where the act does not hang on it.
    fn read(&self) -> Option<&str> {
        None
    }

    /// Does it.
    fn act(
        &self,
        turn: &mut Turn<'_>,
        case: StatementCase,
        by: &Person,
    ) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// Runs a command.
pub(super) async fn run<C: Command>(
    api: &Statements,
    caller: &Caller,
    order: Order<'_>,
    command: C,
) -> Result<wire::Statement, Fault> {
    let name: StatementName = parse_field(order.field, order.name)?;
    caller.require_site(&name.site)?;
    let write = Write {
        desk: &api.incidents.desk,
        by: super::person(caller),
        receipt: ReceiptKey {
            caller: caller.key(),
            method: order.method,
            request_id: order.request_id.to_owned(),
            site: name.site.to_string(),
            fingerprint: order.fingerprint.to_vec(),
        },
        name,
        etag: order.etag,
        command,
    };
    let db = &api.incidents.db;
    let (statement, armed) = redress_runtime::sight(caller).run(db, &write).await?;
    api.incidents.committed(armed);
    Ok(statement)
}

struct Write<'a, C> {
    desk: &'a Desk,
    by: Person,
    receipt: ReceiptKey,
    name: StatementName,
    etag: &'a str,
    command: C,
}

impl<C: Command> Operation for Write<'_, C> {
    const NAME: &'static str = C::NAME;
    type Output = (wire::Statement, Vec<Entry>);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let now = self.desk.clock.now();
        let StatementName { site, id } = &self.name;
        let missing = || Fault::not_found("Statement", &self.name);
        let incident = statements::incident_of(tx, site, *id)
            .await?
            .ok_or_else(missing)?;
        let incident = IncidentName::new(site.clone(), incident);
        // Whoever touches a statement holds its incident, so that no stage moves under a review.
        let stage = incidents::lock(tx, site, incident.id)
            .await?
            .ok_or_else(missing)?
            .stage;
        let mut armed = Vec::new();
        let new = receipt::claim(tx, &self.receipt, now).await? == Claim::New;
        if new {
            let mut turn = Turn::take_open(tx, self.desk, now, &incident).await?;
            let case = turn.statement(&self.name).await?;
            let revision = case.statement.revision;
            etag::check(self.etag, revision, &self.name)?;
            if self
                .command
                .read()
                .is_some_and(|read| read != hex::encode(case.digest))
            {
                return Err(Fault::conflict(&self.name, etag::of(revision)));
            }
            self.command.act(&mut turn, case, &self.by).await?;
            armed = turn.finish(Transition::Noted).await?.1;
        }
        let statement = statements::get(tx, site, *id).await?.ok_or_else(missing)?;
        let etag = etag::of(statement.revision);
        let shown = view::load(tx, self.desk, statement, stage).await?;
        if new {
            receipt::complete(tx, &self.receipt, &self.name.to_string(), &etag).await?;
        }
        Ok((shown, armed))
    }
}
