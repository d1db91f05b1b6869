//! Adds leave and tells others who has which duty now.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::ids::new_id;
use redress_model::name::{LeaveName, SiteId};
use redress_proto::assignment::v1::{CreateLeaveRequest, CreateLeaveResponse};
use redress_rpc::Caller;
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use tonic::Request;
use uuid::Uuid;

use super::{Shared, person, render, require_people, window};
use crate::domain::plan::Leave;
use crate::rpc::parse;
use crate::store::{plan, sites};

const METHOD: &str = "redress.assignment.v1.RosterPlanService/CreateLeave";

pub(super) async fn run(
    shared: &Shared,
    request: Request<CreateLeaveRequest>,
) -> Result<CreateLeaveResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let site = parse::site(&request.parent)?;
    caller.require_site(&site)?;
    let request_id = std::mem::take(&mut request.request_id);
    let receipt = shared.receipt(&caller, METHOD, &site, request_id, &request);
    let given = request.leave.unwrap_or_default();
    let (from, until) = window("leave", given.start_time.as_ref(), given.end_time.as_ref())?;
    let leave = Leave {
        staff: person("leave.staff", &site, &given.staff)?,
        from,
        until,
    };
    let now = shared.clock.now();
    let operation = Create {
        receipt,
        id: new_id(now),
        leave,
        site,
        actor: caller.subject.clone(),
        now,
    };
    let id = shared
        .db
        .run(&redress_runtime::scope(&caller), &operation)
        .await?;
    Ok(CreateLeaveResponse {
        leave: Some(render::leave(&operation.site, id, &operation.leave)),
    })
}

struct Create {
    receipt: ReceiptKey,
    site: SiteId,
    id: Uuid,
    leave: Leave,
    actor: String,
    now: Timestamp,
}

impl Operation for Create {
    const NAME: &'static str = "assignment.create_leave";
    type Output = Uuid;

    async fn run(&self, tx: &mut Tx) -> Result<Uuid, Fault> {
        let site = &self.site;
        sites::require(tx, site).await?;
        plan::lock(tx, site, self.now).await?;
        if let Claim::Seen { resource, .. } = receipt::claim(tx, &self.receipt, self.now).await? {
            let name: LeaveName = parse_field("name", &resource).map_err(Fault::internal)?;
            return Ok(name.id);
        }
        require_people(tx, site, &[("leave.staff", &self.leave.staff)]).await?;
        plan::insert_leave(tx, site, self.id, &self.leave).await?;
        plan::announce(tx, site, &self.actor, self.now).await?;
        let name = LeaveName::new(site.clone(), self.id).to_string();
        receipt::complete(tx, &self.receipt, &name, "").await?;
        Ok(self.id)
    }
}
