//! Records that a visit was made. It meets the promises that wait for one.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::ids::new_id;
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
use crate::rpc::asked::Asked;
use crate::rpc::{Shared, parse, render};
use crate::store::outbox::{self, Spoken};
use crate::store::visits;

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
    let operation = Record {
        planned,
        purpose,
        made,
        findings: request.findings,
        asked,
    };
    let visit = shared
        .db
        .run(&redress_runtime::scope(&caller), &operation)
        .await?;
    Ok(RecordVisitResponse {
        visit: Some(render::visit(&site, visit)),
    })
}

struct Record<'a> {
    asked: Asked<'a>,
    planned: Option<Uuid>,
    purpose: Option<VisitPurpose>,
    made: Timestamp,
    findings: String,
}

impl Operation for Record<'_> {
    const NAME: &'static str = "assignment.record_visit";
    type Output = Visit;

    async fn run(&self, tx: &mut Tx) -> Result<Visit, Fault> {
        let begun = self.asked.begin(tx).await?;
        let (case, now) = (&self.asked.case, self.asked.now);
        if let Some(done) = begun.done {
            return visit_of(tx, case, &done).await;
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
                findings: String::new(),
            },
        };
        if visit.made.is_some() {
            let name = visit_name(case, &visit);
            self.asked.keep_as(tx, &name, begun.work.revision).await?;
            return Ok(visit);
        }
        visit.made = Some(self.made);
        visit.findings.clone_from(&self.findings);
        // Who records it went there, unless somebody else was named.
        visit.staff = visit
            .staff
            .or_else(|| self.asked.person())
            .or_else(|| begun.work.responsible.clone());
        let text = format!("{}: {}", visit.purpose, self.findings);
        let work = self
            .asked
            .change(tx, &begun.work, Action::Visit(text))
            .await?;
        visits::put(tx, case, &visit, now).await?;
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
        Ok(visit)
    }
}
