//! OpenIncident by hand. ALREADY_EXISTS when the matter has an open incident; FAILED_PRECONDITION
//! `CASE_HISTORICAL`, `CASE_ENDED` or `CASE_NOT_GRADED` when the case cannot have one, `IN_ANOTHER_INCIDENT` when it is in the open
//! one of another matter.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{CaseName, IncidentName, SiteName};
use redress_model::words::Word as _;
use redress_proto::crisis::v1 as wire;
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use redress_timers::Entry;
use tonic::Request;

use super::Incidents;
use super::view::{Depth, view};
use crate::domain::words::{Mode, Stage};
use crate::flow::{Carried, Cause, Desk, open_by_hand};
use crate::store::{cases, incidents, lock_site};

const METHOD: &str = "redress.crisis.v1.IncidentService/OpenIncident";

pub(super) async fn handle(
    api: &Incidents,
    request: &Request<wire::OpenIncidentRequest>,
) -> Result<wire::OpenIncidentResponse, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    let SiteName(site) = parse_field("parent", &r.parent)?;
    let case: CaseName = parse_field("case", &r.case)?;
    if case.site != site {
        return Err(Fault::invalid("case", "must belong to parent"));
    }
    caller.require_site(&site)?;
    let unidentified = wire::OpenIncidentRequest {
        request_id: String::new(),
        ..r.clone()
    };
    let open = Open {
        desk: &api.desk,
        case,
        reason: &r.reason,
        actor: &caller.subject,
        mode: Mode::from_number(r.mode),
        stage: Stage::from_number(r.stage).unwrap_or(Stage::Outbreak),
        receipt: ReceiptKey {
            caller: caller.key(),
            method: METHOD,
            request_id: r.request_id.clone(),
            site: site.to_string(),
            fingerprint: api.fingerprints.of(METHOD, &unidentified).to_vec(),
        },
    };
    let (incident, armed) = redress_runtime::sight(caller).run(&api.db, &open).await?;
    api.committed(armed);
    Ok(wire::OpenIncidentResponse {
        incident: Some(incident),
    })
}

struct Open<'a> {
    desk: &'a Desk,
    case: CaseName,
    reason: &'a str,
    actor: &'a str,
    mode: Option<Mode>,
    stage: Stage,
    receipt: ReceiptKey,
}

impl Operation for Open<'_> {
    const NAME: &'static str = "crisis.open_incident";
    type Output = (wire::Incident, Vec<Entry>);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let now = self.desk.clock.now();
        let site = &self.case.site;
        lock_site(tx, site).await?;
        // Before the receipt, so that a foreign case is NOT_FOUND and not a receipt out of scope.
        let found = cases::lock(tx, site, self.case.id).await?;
        let case = found.ok_or_else(|| Fault::not_found("Case", &self.case))?;
        if let Claim::Seen { resource, .. } = receipt::claim(tx, &self.receipt, now).await? {
            let name: IncidentName = resource.parse().map_err(Fault::internal)?;
            let found = incidents::get(tx, site, name.id).await?;
            let incident = found.ok_or_else(|| Fault::not_found("Incident", &name))?;
            return Ok((view(tx, incident, Depth::Whole).await?, Vec::new()));
        }
        let illegal = |reason, text: &str| Err(Fault::illegal(reason, text, &self.case));
        if case.historical {
            return illegal("CASE_HISTORICAL", "imported history never has an incident");
        }
        if case.ended {
            return illegal("CASE_ENDED", "the case was ended; reopen it first");
        }
        let Some(cluster) = case.cluster else {
            return illegal(
                "CASE_NOT_GRADED",
                "the case has no matter before it is graded; try again then",
            );
        };
        let cause = Cause {
            reason: self.reason.to_owned(),
            actor: self.actor.to_owned(),
            mode: self.mode,
            stage: self.stage,
            at: now,
            joined: now,
            provisional: false,
            carried: Carried::new(),
        };
        let (incident, armed) = open_by_hand(tx, self.desk, site, &case, cluster, &cause).await?;
        let (name, etag) = (incident.name.to_string(), etag::of(incident.revision));
        receipt::complete(tx, &self.receipt, &name, &etag).await?;
        Ok((view(tx, incident, Depth::Whole).await?, armed))
    }
}
