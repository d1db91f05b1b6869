//! Makes a corrective action (M16).

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::ids::new_id;
use redress_model::name::{CaseName, CorrectiveActionName, StaffName};
use redress_proto::assignment::v1::{
    CreateCorrectiveActionRequest, CreateCorrectiveActionResponse,
};
use redress_proto::convert::from_deadline;
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use tonic::Request;

use super::super::visible_work;
use super::{Shared, action_name, case_at, parse, render_action};
use crate::domain::action::ActionState;
use crate::rpc::asked::person_of;
use crate::store::actions::{self, CorrectiveAction};
use crate::store::{sites, staff};

const METHOD: &str = "redress.assignment.v1.LedgerService/CreateCorrectiveAction";

pub(super) async fn run(
    shared: &Shared,
    request: Request<CreateCorrectiveActionRequest>,
) -> Result<CreateCorrectiveActionResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let site = parse::site(&request.parent)?;
    caller.require_site(&site)?;
    let request_id = std::mem::take(&mut request.request_id);
    let receipt = shared.receipt(&caller, METHOD, &site, request_id, &request);
    let now = shared.clock.now();
    let owner = parse::staff_of("owner", Some(&site), &request.owner)?
        .ok_or_else(|| Fault::invalid("owner", "must be given"))?;
    let due = ahead(request.due_time.as_ref(), now)?;
    let operation = Create {
        receipt,
        action: CorrectiveAction {
            id: new_id(now),
            title: parse::text("title", request.title)?,
            cause: parse::text("cause", request.cause)?,
            case: case_at(&site, &request.case)?,
            owner,
            due,
            state: ActionState::Open,
            note: String::new(),
            done_by: None,
            failed_checks: 0,
            created_at: now,
            updated_at: now,
            revision: 1,
            site,
        },
        caller: &caller,
        now,
    };
    let scope = redress_runtime::scope(&caller);
    let action = shared.db.run(&scope, &operation).await?;
    Ok(CreateCorrectiveActionResponse {
        action: Some(render_action(&action, now)),
    })
}

/// A time that lies ahead, by five years at most.
pub(super) fn ahead(
    time: Option<&prost_types::Timestamp>,
    now: Timestamp,
) -> Result<Timestamp, Fault> {
    let time = time.ok_or_else(|| Fault::invalid("due_time", "must be given"))?;
    let due = from_deadline("due_time", time, now)?;
    if due <= now {
        return Err(Fault::invalid("due_time", "must lie ahead"));
    }
    Ok(due)
}

struct Create<'a> {
    receipt: ReceiptKey,
    action: CorrectiveAction,
    caller: &'a Caller,
    now: Timestamp,
}

impl Create<'_> {
    /// The case is one that the caller may see, and nobody removes the cause of a complaint about themselves.
    async fn require_case(&self, tx: &mut Tx) -> Result<(), Fault> {
        let Some(id) = self.action.case else {
            return Ok(());
        };
        let case = CaseName::new(self.action.site.clone(), id);
        let work = visible_work(tx, self.caller, &case).await?;
        if work.facts.excluded.contains(&self.action.owner) {
            // Not said why: who is complained about is nobody else's business.
            return Err(Fault::invalid(
                "owner",
                "must be somebody who may handle the case",
            ));
        }
        Ok(())
    }
}

impl Operation for Create<'_> {
    const NAME: &'static str = "assignment.create_corrective_action";
    type Output = CorrectiveAction;

    async fn run(&self, tx: &mut Tx) -> Result<CorrectiveAction, Fault> {
        let site = &self.action.site;
        sites::require(tx, site).await?;
        if let Claim::Seen { resource, .. } = receipt::claim(tx, &self.receipt, self.now).await? {
            let name: CorrectiveActionName = parse_field("name", &resource)?;
            return actions::lock(tx, &name.site, name.id)
                .await?
                .ok_or_else(|| Fault::not_found("CorrectiveAction", &name));
        }
        staff::get(tx, &StaffName::new(site.clone(), self.action.owner.clone())).await?;
        self.require_case(tx).await?;
        actions::make(tx, &self.action, &person_of(self.caller)).await?;
        let resource = action_name(&self.action).to_string();
        receipt::complete(tx, &self.receipt, &resource, &etag::of(1)).await?;
        Ok(self.action.clone())
    }
}
