//! Asks a person or a department of the site to bring evidence by a time (M13); a clock of its own runs on the case.

use std::collections::BTreeSet;

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::{DepartmentId, DepartmentName, StaffId};
use redress_proto::assignment::v1::{RequestEvidenceRequest, RequestEvidenceResponse};
use redress_proto::event::v1::WorkNews;
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::super::asked::Asked;
use super::super::{Shared, parse as names, require_present};
use super::{parse, power};
use crate::domain::bench::Bench;
use crate::domain::practice::power::{EvidenceRequest, EvidenceState, EvidenceStep};
use crate::domain::routing::helper;
use crate::domain::work::{StepKind, Work, is_live};
use crate::store::matters::Kept;
use crate::store::{bench, departments, notices};

const METHOD: &str = "redress.assignment.v1.PowerService/RequestEvidence";

pub(super) async fn run(
    shared: &Shared,
    request: Request<RequestEvidenceRequest>,
) -> Result<RequestEvidenceResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let case = names::case_of_work(&request.name)?;
    let request_id = std::mem::take(&mut request.request_id);
    let asked = shared.asked(&caller, METHOD, case, request_id, &request, "")?;
    let site = Some(&asked.case.site);
    let operation = Ask {
        what: names::text("what", request.what)?,
        staff: names::staff_of("staff", site, &request.staff)?,
        department: names::department_of("department", site, &request.department)?,
        due: parse::deadline("due_time", request.due_time.as_ref(), asked.now)?,
        asked,
    };
    let scope = redress_runtime::scope(&caller);
    let kept = shared.db.run(&scope, &operation).await?;
    Ok(RequestEvidenceResponse {
        evidence_request: Some(power::evidence_request(kept)),
    })
}

struct Ask<'a> {
    asked: Asked<'a>,
    what: String,
    staff: Option<StaffId>,
    department: Option<DepartmentId>,
    due: Timestamp,
}

impl Operation for Ask<'_> {
    const NAME: &'static str = "assignment.request_evidence";
    type Output = Kept<EvidenceRequest>;

    async fn run(&self, tx: &mut Tx) -> Result<Kept<EvidenceRequest>, Fault> {
        let begun = self.asked.begin(tx).await?;
        let (work, caller, now) = (&begun.work, self.asked.caller, self.asked.now);
        if let Some(done) = &begun.done {
            return power::seen(tx, caller, done).await;
        }
        let site = &self.asked.case.site;
        let bench = bench::load(tx, site, now).await?;
        if !power::supervises(tx, caller, site, &bench).await? {
            self.asked.require_part(tx, work).await?;
        }
        let staff = self.choose(tx, work, &bench).await?;
        let request = EvidenceRequest {
            what: self.what.clone(),
            staff: staff.clone(),
            department: self.department.clone(),
            asked: now,
            due: self.due,
            asker: caller.subject.clone(),
            state: EvidenceState::Asked,
            evidence: None,
        };
        let said = format!("{staff} is to bring, by {}: {}", self.due, self.what);
        let note = (StepKind::EvidenceAsked, said);
        let kept = power::begin(tx, &self.asked, work, request, &EvidenceStep::Asked, note).await?;
        let (news, people) = (WorkNews::EvidenceAsked, BTreeSet::from([staff]));
        notices::tell(tx, work, &bench, news, kept.name(), people, now).await?;
        Ok(kept)
    }
}

impl Ask<'_> {
    /// The person, else the least loaded one of the department.
    async fn choose(&self, tx: &mut Tx, work: &Work, bench: &Bench) -> Result<StaffId, Fault> {
        let name = names::work_name(&self.asked.case);
        if !is_live(work.status) {
            let text = format!(
                "evidence is asked for while a case lives, this one is {}",
                work.status
            );
            return Err(Fault::illegal("NOT_ASKABLE", text, name));
        }
        let excluded = &work.facts.excluded;
        if let Some(department) = &self.department {
            let of_site = DepartmentName::new(self.asked.case.site.clone(), department.clone());
            departments::get(tx, &of_site)
                .await
                .map_err(|fault| match fault {
                    Fault::NotFound { .. } => Fault::invalid("department", "does not exist"),
                    other => other,
                })?;
        }
        match (&self.staff, &self.department) {
            (Some(staff), department) if bench.may_handle(staff, excluded) => {
                let of = bench.people.get(staff).and_then(|p| p.department.as_ref());
                if department.is_some() && of != department.as_ref() {
                    let text = "must belong to the department that is asked";
                    return Err(Fault::invalid("staff", text));
                }
                require_present(bench, staff, name)?;
                Ok(staff.clone())
            }
            // Not said which: who is complained about is nobody else's business.
            (Some(_), _) => Err(Fault::invalid(
                "staff",
                "must be somebody who works here and may see the case",
            )),
            (None, Some(department)) => helper(department, excluded, bench, self.asked.now)
                .ok_or_else(|| {
                    let text = format!("nobody of {department} may see the case; name somebody");
                    Fault::illegal("NOT_ASKABLE", text, name)
                }),
            (None, None) => Err(Fault::invalid("staff", "or department must be given")),
        }
    }
}
