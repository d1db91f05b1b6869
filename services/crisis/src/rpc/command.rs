//! What all writes to one incident share: receipt, lock, etag, the act, and the incident as it is then.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::IncidentName;
use redress_proto::crisis::v1 as wire;
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use redress_timers::Entry;

use super::Incidents;
use super::view::{Depth, view};
use crate::flow::{Desk, Transition, Turn};
use crate::store::incidents;

/// One kind of write.
pub(super) trait Command: Send + Sync {
    /// Name of the transaction.
    const NAME: &'static str;

    /// Does it. None where it changes nothing.
    fn act(
        &self,
        turn: &mut Turn<'_>,
    ) -> impl Future<Output = Result<Option<Transition>, Fault>> + Send;
}

/// The parts of a request that are the same for every write.
pub(super) struct Order<'a> {
    /// The method, for the receipt.
    pub(super) method: &'static str,
    /// The field that names the resource.
    pub(super) field: &'static str,
    /// The resource's name as sent.
    pub(super) name: &'a str,
    /// The etag as sent.
    pub(super) etag: &'a str,
    /// The request's id as sent.
    pub(super) request_id: &'a str,
    /// Fingerprint of the request without its id.
    pub(super) fingerprint: [u8; 32],
}

/// Runs a command.
pub(super) async fn run<C: Command>(
    api: &Incidents,
    caller: &Caller,
    order: Order<'_>,
    command: C,
) -> Result<wire::Incident, Fault> {
    let name: IncidentName = parse_field(order.field, order.name)?;
    caller.require_site(&name.site)?;
    let write = Write {
        desk: &api.desk,
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
    let (incident, armed) = redress_runtime::sight(caller).run(&api.db, &write).await?;
    api.committed(armed);
    Ok(incident)
}

struct Write<'a, C> {
    desk: &'a Desk,
    receipt: ReceiptKey,
    name: IncidentName,
    etag: &'a str,
    command: C,
}

impl<C: Command> Operation for Write<'_, C> {
    const NAME: &'static str = C::NAME;
    type Output = (wire::Incident, Vec<Entry>);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let now = self.desk.clock.now();
        // Before the receipt, so that a foreign incident is NOT_FOUND and not a receipt out of scope.
        let known = incidents::lock(tx, &self.name.site, self.name.id).await?;
        known.ok_or_else(|| Fault::not_found("Incident", &self.name))?;
        let mut armed = Vec::new();
        let new = receipt::claim(tx, &self.receipt, now).await? == Claim::New;
        if new {
            let mut turn = Turn::take_open(tx, self.desk, now, &self.name).await?;
            etag::check(self.etag, turn.incident.revision, &self.name)?;
            if let Some(transition) = self.command.act(&mut turn).await? {
                armed = turn.finish(transition).await?.1;
            }
        }
        let found = incidents::get(tx, &self.name.site, self.name.id).await?;
        let incident = found.ok_or_else(|| Fault::not_found("Incident", &self.name))?;
        let etag = etag::of(incident.revision);
        let shown = view(tx, incident, Depth::Whole).await?;
        if new {
            receipt::complete(tx, &self.receipt, &self.name.to_string(), &etag).await?;
        }
        Ok((shown, armed))
    }
}
