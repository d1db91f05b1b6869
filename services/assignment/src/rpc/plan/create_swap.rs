//! Adds a swap and tells others who has which duty now.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::ids::new_id;
use redress_model::name::{SiteId, SwapName};
use redress_proto::assignment::v1::{CreateSwapRequest, CreateSwapResponse};
use redress_proto::convert::from_wire;
use redress_rpc::Caller;
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use tonic::Request;
use uuid::Uuid;

use super::{Shared, person, render, require_people, window};
use crate::domain::plan::Swap;
use crate::rpc::parse;
use crate::store::{plan, sites};

const METHOD: &str = "redress.assignment.v1.RosterPlanService/CreateSwap";

pub(super) async fn run(
    shared: &Shared,
    request: Request<CreateSwapRequest>,
) -> Result<CreateSwapResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let site = parse::site(&request.parent)?;
    caller.require_site(&site)?;
    let request_id = std::mem::take(&mut request.request_id);
    let receipt = shared.receipt(&caller, METHOD, &site, request_id, &request);
    let given = request.swap.unwrap_or_default();
    let (from, until) = window("swap", given.start_time.as_ref(), given.end_time.as_ref())?;
    let swap = Swap {
        staff: person("swap.staff", &site, &given.staff)?,
        substitute: person("swap.substitute", &site, &given.substitute)?,
        role: from_wire(given.role),
        from,
        until,
    };
    if swap.staff == swap.substitute {
        return Err(Fault::invalid("swap.substitute", "must be somebody else"));
    }
    let now = shared.clock.now();
    let operation = Create {
        receipt,
        id: new_id(now),
        swap,
        site,
        actor: caller.subject.clone(),
        now,
    };
    let id = shared
        .db
        .run(&redress_runtime::scope(&caller), &operation)
        .await?;
    Ok(CreateSwapResponse {
        swap: Some(render::swap(&operation.site, id, &operation.swap)),
    })
}

struct Create {
    receipt: ReceiptKey,
    site: SiteId,
    id: Uuid,
    swap: Swap,
    actor: String,
    now: Timestamp,
}

impl Operation for Create {
    const NAME: &'static str = "assignment.create_swap";
    type Output = Uuid;

    async fn run(&self, tx: &mut Tx) -> Result<Uuid, Fault> {
        let site = &self.site;
        sites::require(tx, site).await?;
        plan::lock(tx, site, self.now).await?;
        if let Claim::Seen { resource, .. } = receipt::claim(tx, &self.receipt, self.now).await? {
            let name: SwapName = parse_field("name", &resource).map_err(Fault::internal)?;
            return Ok(name.id);
        }
        let people = [
            ("swap.staff", &self.swap.staff),
            ("swap.substitute", &self.swap.substitute),
        ];
        require_people(tx, site, &people).await?;
        plan::insert_swap(tx, site, self.id, &self.swap).await?;
        plan::announce(tx, site, &self.actor, self.now).await?;
        let name = SwapName::new(site.clone(), self.id).to_string();
        receipt::complete(tx, &self.receipt, &name, "").await?;
        Ok(self.id)
    }
}
