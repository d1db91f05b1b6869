//! Gets an entry with what was done with it.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::LedgerEntryName;
use redress_proto::assignment::v1::{GetLedgerEntryRequest, GetLedgerEntryResponse, LedgerAct};
use redress_proto::convert::{to_timestamp, to_wire};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Shared, render_entry, visible_entry};
use crate::store::ledger::{self, Act, Entry};

pub(super) async fn run(
    shared: &Shared,
    request: Request<GetLedgerEntryRequest>,
) -> Result<GetLedgerEntryResponse, Fault> {
    let caller = Caller::of(&request)?;
    let operation = Get {
        name: parse_field("name", &request.get_ref().name)?,
        caller,
    };
    let scope = redress_runtime::scope(caller);
    let (entry, acts) = shared.db.read(&scope, &operation).await?;
    Ok(GetLedgerEntryResponse {
        entry: Some(render_entry(&entry)),
        acts: acts
            .into_iter()
            .map(|act| LedgerAct {
                state: to_wire(act.state),
                act_time: Some(to_timestamp(act.at)),
                actor: act.actor,
                reason: act.reason,
            })
            .collect(),
    })
}

struct Get<'a> {
    name: LedgerEntryName,
    caller: &'a Caller,
}

impl Operation for Get<'_> {
    const NAME: &'static str = "assignment.get_ledger_entry";
    type Output = (Entry, Vec<Act>);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let missing = || Fault::not_found("LedgerEntry", &self.name);
        let (entry, acts) = ledger::get(tx, &self.name.site, self.name.id)
            .await?
            .ok_or_else(missing)?;
        let entry = visible_entry(tx, self.caller, entry).await?;
        Ok((entry.ok_or_else(missing)?, acts))
    }
}
