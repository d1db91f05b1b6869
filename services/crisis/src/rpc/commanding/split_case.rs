//! SplitCase: a wrong join is set right. FAILED_PRECONDITION `NOT_A_MEMBER`, `SAME_MATTER`, `CASE_NOT_GRADED`, `CASE_ENDED`.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{CaseName, IncidentName};
use redress_proto::crisis::v1 as wire;
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use redress_timers::Entry;
use tonic::Request;

use super::Commanding;
use crate::flow::{Desk, Goal, Splitting, Turn, split};
use crate::rpc::view::{Depth, view};
use crate::store::{cases, incidents, lock_site};

const METHOD: &str = "redress.crisis.v1.CommandService/SplitCase";

pub(super) async fn handle(
    api: &Commanding,
    request: &Request<wire::SplitCaseRequest>,
) -> Result<wire::SplitCaseResponse, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    let name: IncidentName = parse_field("name", &r.name)?;
    let case: CaseName = parse_field("case", &r.case)?;
    if case.site != name.site {
        return Err(Fault::invalid("case", "must belong to the incident's site"));
    }
    caller.require_site(&name.site)?;
    let unidentified = wire::SplitCaseRequest {
        request_id: String::new(),
        ..r.clone()
    };
    let incidents = &api.incidents;
    let operation = Split {
        desk: &incidents.desk,
        goal: goal(r, &name)?,
        receipt: ReceiptKey {
            caller: caller.key(),
            method: METHOD,
            request_id: r.request_id.clone(),
            site: name.site.to_string(),
            fingerprint: incidents.fingerprints.of(METHOD, &unidentified).to_vec(),
        },
        name,
        case,
        reason: &r.reason,
        actor: &caller.subject,
        etag: &r.etag,
    };
    let (response, armed) = redress_runtime::sight(caller)
        .run(&incidents.db, &operation)
        .await?;
    incidents.committed(armed);
    Ok(response)
}

fn goal(r: &wire::SplitCaseRequest, name: &IncidentName) -> Result<Goal, Fault> {
    match (r.goal(), r.other.as_str()) {
        (wire::SplitGoal::Own, "") => Ok(Goal::Own),
        (wire::SplitGoal::None, "") => Ok(Goal::Nowhere),
        (wire::SplitGoal::Other, other) => {
            let other: IncidentName = parse_field("other", other)?;
            if other.site != name.site {
                let text = "must belong to the incident's site";
                return Err(Fault::invalid("other", text));
            }
            Ok(Goal::Other(other.id))
        }
        (wire::SplitGoal::Own | wire::SplitGoal::None, _) => Err(Fault::invalid(
            "other",
            "must be empty unless goal is OTHER",
        )),
        (wire::SplitGoal::Unspecified, _) => Err(Fault::invalid("goal", "must be given")),
    }
}

struct Split<'a> {
    desk: &'a Desk,
    name: IncidentName,
    case: CaseName,
    goal: Goal,
    reason: &'a str,
    actor: &'a str,
    etag: &'a str,
    receipt: ReceiptKey,
}

impl Operation for Split<'_> {
    const NAME: &'static str = "crisis.split_case";
    type Output = (wire::SplitCaseResponse, Vec<Entry>);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let now = self.desk.clock.now();
        let site = &self.name.site;
        lock_site(tx, site).await?;
        // Before the receipt, so that what is foreign is NOT_FOUND and not a receipt out of scope.
        let found = cases::lock(tx, site, self.case.id).await?;
        let case = found.ok_or_else(|| Fault::not_found("Case", &self.case))?;
        let known = incidents::lock(tx, site, self.name.id).await?;
        known.ok_or_else(|| Fault::not_found("Incident", &self.name))?;
        let mut armed = Vec::new();
        let new = receipt::claim(tx, &self.receipt, now).await? == Claim::New;
        if new {
            let mut turn = Turn::take_open(tx, self.desk, now, &self.name).await?;
            etag::check(self.etag, turn.incident.revision, &self.name)?;
            turn.may_split(&case, &self.goal).await?;
            let splitting = Splitting {
                goal: &self.goal,
                reason: self.reason,
                actor: self.actor,
            };
            armed = split(tx, self.desk, &self.name, &case, splitting).await?;
        }
        let left = incidents::get(tx, site, self.name.id).await?;
        let left = left.ok_or_else(|| Fault::not_found("Incident", &self.name))?;
        let etag = etag::of(left.revision);
        let now_in = cases::get(tx, site, case.id)
            .await?
            .and_then(|c| c.incident);
        let joined = match now_in {
            Some(id) => incidents::get(tx, site, id).await?,
            None => None,
        };
        let joined = match joined {
            Some(joined) => Some(view(tx, joined, Depth::Whole).await?),
            None => None,
        };
        let response = wire::SplitCaseResponse {
            incident: Some(view(tx, left, Depth::Whole).await?),
            joined,
        };
        if new {
            receipt::complete(tx, &self.receipt, &self.name.to_string(), &etag).await?;
        }
        Ok((response, armed))
    }
}
