//! AddReviewAction: somebody is asked to do something by a time. FAILED_PRECONDITION `NOT_ON_ROSTER`, and as for all writes
//! to a review.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{IncidentName, ReviewActionName, StaffId, StaffName};
use redress_proto::convert::from_timestamp;
use redress_proto::crisis::v1 as wire;
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use redress_timers::Entry;
use tonic::Request;

use super::super::Incidents;
use super::view;
use crate::flow::{Desk, Transition, Turn};
use crate::store::{incidents, reviews};

const METHOD: &str = "redress.crisis.v1.AftermathService/AddReviewAction";

pub(super) async fn handle(
    api: &Incidents,
    request: &Request<wire::AddReviewActionRequest>,
) -> Result<wire::AddReviewActionResponse, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    let incident: IncidentName = parse_field("parent", &r.parent)?;
    caller.require_site(&incident.site)?;
    let owner: StaffName = parse_field("owner", &r.owner)?;
    if owner.site != incident.site {
        return Err(Fault::invalid(
            "owner",
            "must belong to the incident's site",
        ));
    }
    let due = r.due_time.as_ref();
    let due = due.ok_or_else(|| Fault::invalid("due_time", "must be given"))?;
    let unidentified = wire::AddReviewActionRequest {
        request_id: String::new(),
        ..r.clone()
    };
    let add = Add {
        desk: &api.desk,
        text: &r.text,
        owner: owner.id,
        due: from_timestamp("due_time", due)?,
        actor: &caller.subject,
        receipt: ReceiptKey {
            caller: caller.key(),
            method: METHOD,
            request_id: r.request_id.clone(),
            site: incident.site.to_string(),
            fingerprint: api.fingerprints.of(METHOD, &unidentified).to_vec(),
        },
        incident,
    };
    let (action, armed) = redress_runtime::sight(caller).run(&api.db, &add).await?;
    api.committed(armed);
    Ok(wire::AddReviewActionResponse {
        action: Some(action),
    })
}

struct Add<'a> {
    desk: &'a Desk,
    incident: IncidentName,
    text: &'a str,
    owner: StaffId,
    due: Timestamp,
    actor: &'a str,
    receipt: ReceiptKey,
}

impl Operation for Add<'_> {
    const NAME: &'static str = "crisis.add_review_action";
    type Output = (wire::ReviewAction, Vec<Entry>);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let now = self.desk.clock.now();
        let site = &self.incident.site;
        // Before the receipt, so that a foreign incident is NOT_FOUND and not a receipt out of scope.
        let locked = incidents::lock(tx, site, self.incident.id).await?;
        let locked = locked.ok_or_else(|| Fault::not_found("Incident", &self.incident))?;
        let mut armed = Vec::new();
        let name: ReviewActionName = match receipt::claim(tx, &self.receipt, now).await? {
            Claim::Seen { resource, .. } => resource.parse().map_err(Fault::internal)?,
            Claim::New => {
                let review = reviews::get(tx, &self.incident).await?;
                let mut turn = Turn::take(tx, self.desk, now, locked).await?;
                let name = turn
                    .ask_for_action(review, self.text, &self.owner, self.due, self.actor)
                    .await?;
                armed = turn.finish(Transition::Noted).await?.1;
                receipt::complete(tx, &self.receipt, &name.to_string(), &etag::of(1)).await?;
                name
            }
        };
        let found = reviews::action(tx, site, name.id).await?;
        let action = found.ok_or_else(|| Fault::not_found("ReviewAction", &name))?;
        Ok((view::action(&action), armed))
    }
}
