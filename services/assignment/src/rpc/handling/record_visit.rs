//! Records that a visit was made, by one person or jointly (M18). It meets the promises that wait for one.

use std::collections::BTreeSet;

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::ids::new_id;
use redress_model::name::{CaseName, StaffId};
use redress_model::words::Channel;
use redress_proto::assignment::v1::{RecordVisitRequest, RecordVisitResponse};
use redress_proto::convert::{from_timestamp, from_wire};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;
use uuid::Uuid;

use super::{visit_name, visit_of};
use crate::domain::handling::{Visit, VisitPurpose};
use crate::domain::transition::Action;
use crate::domain::work::Work;
use crate::rpc::asked::Asked;
use crate::rpc::{Shared, parse, render};
use crate::store::outbox::{self, Spoken};
use crate::store::{bench, joint_visits, visits};

const METHOD: &str = "redress.assignment.v1.HandlingService/RecordVisit";

pub(super) async fn run(
    shared: &Shared,
    request: Request<RecordVisitRequest>,
) -> Result<RecordVisitResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let case = parse::case_of_work(&request.name)?;
    let request_id = std::mem::take(&mut request.request_id);
    let asked = shared.asked(&caller, METHOD, case, request_id, &request, &request.etag)?;
    let planned: Option<Uuid> = match request.visit_id.as_str() {
        "" => None,
        id => Some(parse_field("visit_id", id)?),
    };
    let purpose = from_wire(request.purpose);
    if planned.is_none() && purpose.is_none() {
        return Err(Fault::invalid(
            "purpose",
            "must be given unless a planned visit is named",
        ));
    }
    let made = request
        .make_time
        .as_ref()
        .map_or(Ok(asked.now), |t| from_timestamp("make_time", t))?;
    if made > asked.now {
        return Err(Fault::invalid("make_time", "must not be ahead"));
    }
    let site = asked.case.site.clone();
    let mut participants = BTreeSet::new();
    for (i, name) in request.participants.iter().enumerate() {
        let field = format!("participants[{i}]");
        let staff = parse::staff_of(&field, Some(&site), name)?;
        participants.extend(staff);
    }
    let operation = Record {
        participants,
        planned,
        purpose,
        made,
        findings: request.findings,
        asked,
    };
    let (visit, participants) = shared
        .db
        .run(&redress_runtime::scope(&caller), &operation)
        .await?;
    Ok(RecordVisitResponse {
        visit: Some(render::visit(&site, visit, &participants)),
    })
}

struct Record<'a> {
    asked: Asked<'a>,
    planned: Option<Uuid>,
    purpose: Option<VisitPurpose>,
    made: Timestamp,
    findings: String,
    participants: BTreeSet<StaffId>,
}

impl Operation for Record<'_> {
    const NAME: &'static str = "assignment.record_visit";
    type Output = (Visit, BTreeSet<StaffId>);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let begun = self.asked.begin(tx).await?;
        let (case, now) = (&self.asked.case, self.asked.now);
        if let Some(done) = begun.done {
            let visit = visit_of(tx, case, &done).await?;
            return with_participants(tx, case, visit).await;
        }
        self.asked.require_part(tx, &begun.work).await?;
        let mut visit = match self.planned {
            Some(id) => visits::get(tx, case, id).await?,
            None => Visit {
                id: new_id(now),
                purpose: self.purpose.unwrap_or(VisitPurpose::Inspection),
                staff: None,
                planned: None,
                made: None,
                cancelled: None,
                findings: String::new(),
            },
        };
        if visit.made.is_some() {
            let (visit, kept) = with_participants(tx, case, visit).await?;
            if kept != self.participants {
                return Err(Fault::invalid(
                    "participants",
                    "must be those with whom the visit was recorded; what was made stays as it is",
                ));
            }
            let name = visit_name(case, &visit);
            self.asked.keep_as(tx, &name, begun.work.revision).await?;
            return Ok((visit, kept));
        }
        if visit.cancelled.is_some() {
            let text = "the visit was cancelled; legal now: record one that nobody planned";
            return Err(Fault::illegal(
                "VISIT_ENDED",
                text.to_owned(),
                parse::work_name(case),
            ));
        }
        visit.made = Some(self.made);
        visit.findings.clone_from(&self.findings);
        // Who records it went there, unless somebody else was named.
        visit.staff = visit
            .staff
            .or_else(|| self.asked.person())
            .or_else(|| begun.work.responsible.clone());
        self.require_others(tx, &begun.work, visit.staff.as_ref())
            .await?;
        let with: Vec<&str> = self.participants.iter().map(StaffId::as_str).collect();
        let jointly = match with.as_slice() {
            [] => String::new(),
            with => format!(", jointly with {}", with.join(", ")),
        };
        let text = format!("{}{jointly}: {}", visit.purpose, self.findings);
        let work = self
            .asked
            .change(tx, &begun.work, Action::Visit(text))
            .await?;
        visits::put(tx, case, &visit, now).await?;
        joint_visits::add(tx, case, visit.id, &self.participants).await?;
        let spoken = Spoken {
            channel: Channel::Visit,
            substantive: false,
            visit: true,
            follow_up: false,
            promised: None,
            staff: self.asked.caller.staff.as_ref(),
            at: self.made,
        };
        outbox::contact_recorded(tx, case, &spoken).await?;
        let name = visit_name(case, &visit);
        self.asked.keep_as(tx, &name, work.revision).await?;
        Ok((visit, self.participants.clone()))
    }
}

impl Record<'_> {
    /// Who takes part beside the visitor is somebody else, works here and may handle the case.
    async fn require_others(
        &self,
        tx: &mut Tx,
        work: &Work,
        visitor: Option<&StaffId>,
    ) -> Result<(), Fault> {
        if self.participants.is_empty() {
            return Ok(());
        }
        let bench = bench::load(tx, &work.case.site, self.asked.now).await?;
        let may = |staff: &StaffId| {
            visitor != Some(staff) && bench.may_handle(staff, &work.facts.excluded)
        };
        if self.participants.iter().all(may) {
            return Ok(());
        }
        // Not said which: who is complained about is nobody else's business.
        Err(Fault::invalid(
            "participants",
            "must be people who work here, may handle the case, and take part beside whoever visits",
        ))
    }
}

/// A visit that is known, with who took part in it.
async fn with_participants(
    tx: &mut Tx,
    case: &CaseName,
    visit: Visit,
) -> Result<(Visit, BTreeSet<StaffId>), Fault> {
    let mut joint = joint_visits::of_case(tx, case).await?;
    let participants = joint.remove(&visit.id).unwrap_or_default();
    Ok((visit, participants))
}
