//! Records what households said to a settlement.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_proto::assignment::v1::{RecordHouseholdsRequest, RecordHouseholdsResponse};
use redress_rpc::Caller;
use redress_store::receipt::ReceiptKey;
use redress_store::{Operation, Tx};
use tonic::Request;
use uuid::Uuid;

use super::super::Shared;
use super::create_settlement::entries;
use super::matter::{self, Step as Change};
use super::render;
use crate::domain::practice::settlement::{Entry, Settlement, Step};
use crate::store::limits;
use crate::store::matters::Kept;

const METHOD: &str = "redress.assignment.v1.SettlementService/RecordHouseholds";

pub(super) async fn run(
    shared: &Shared,
    request: Request<RecordHouseholdsRequest>,
) -> Result<RecordHouseholdsResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let (site, id) = matter::parse::<Settlement>("name", &request.name)?;
    caller.require_site(&site)?;
    let request_id = std::mem::take(&mut request.request_id);
    let say = Say {
        receipt: shared.receipt(&caller, METHOD, &site, request_id, &request),
        site,
        id,
        etag: request.etag,
        entries: entries(request.households)?,
        caller: &caller,
        now: shared.clock.now(),
    };
    let scope = redress_runtime::scope(&caller);
    let kept = shared.db.run(&scope, &say).await?;
    Ok(RecordHouseholdsResponse {
        settlement: Some(render::settlement(kept, true, Vec::new())),
    })
}

struct Say<'a> {
    receipt: ReceiptKey,
    site: SiteId,
    id: Uuid,
    etag: String,
    entries: Vec<Entry>,
    caller: &'a Caller,
    now: Timestamp,
}

impl Operation for Say<'_> {
    const NAME: &'static str = "assignment.record_households";
    type Output = Kept<Settlement>;

    async fn run(&self, tx: &mut Tx) -> Result<Kept<Settlement>, Fault> {
        let change = Change::<Settlement> {
            receipt: self.receipt.clone(),
            site: self.site.clone(),
            id: self.id,
            etag: self.etag.clone(),
            step: Step::Recorded {
                entries: self.entries.clone(),
                limits: limits::of_site(tx, &self.site).await?,
            },
            text: String::new(),
            caller: self.caller,
            now: self.now,
        };
        change.run(tx).await
    }
}
