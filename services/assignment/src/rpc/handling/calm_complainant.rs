//! Records a calming move: another person, another place, another time (M16). It is a contact with the complainant.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::ids::new_id;
use redress_model::name::StaffId;
use redress_model::words::Channel;
use redress_proto::assignment::v1::{CalmComplainantRequest, CalmComplainantResponse};
use redress_proto::convert::{from_deadline, required};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use crate::domain::handling::{CalmingMove, Visit, VisitPurpose};
use crate::domain::past_office::{is_between_stores, is_kept_above};
use crate::domain::transition::Action;
use crate::domain::work::{StepKind, Work};
use crate::rpc::asked::Asked;
use crate::rpc::{Shared, parse, render, require_present_at};
use crate::store::outbox::{self, Spoken};
use crate::store::{bench, past_office, visits};

const METHOD: &str = "redress.assignment.v1.HandlingService/CalmComplainant";

pub(super) async fn run(
    shared: &Shared,
    request: Request<CalmComplainantRequest>,
) -> Result<CalmComplainantResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let case = parse::case_of_work(&request.name)?;
    let request_id = std::mem::take(&mut request.request_id);
    let asked = shared.asked(&caller, METHOD, case, request_id, &request, &request.etag)?;
    let kind: CalmingMove = required("move", request.r#move)?;
    let to = parse::staff_of("staff", Some(&asked.case.site), &request.staff)?;
    let meeting = request
        .meeting_time
        .as_ref()
        .map(|t| from_deadline("meeting_time", t, asked.now))
        .transpose()?;
    if (kind == CalmingMove::Person) != to.is_some() {
        return Err(Fault::invalid(
            "staff",
            "must be given for PERSON, and only there",
        ));
    }
    let is_ahead = meeting.is_some_and(|t| t > asked.now);
    if (kind == CalmingMove::Time) != is_ahead || meeting.is_some() != is_ahead {
        let wrong = "must be given for TIME, ahead of now, and only there";
        return Err(Fault::invalid("meeting_time", wrong));
    }
    let operation = Calm {
        kind,
        to,
        meeting,
        reason: request.reason,
        channel: required("channel", request.channel)?,
        asked,
    };
    let work = shared
        .db
        .run(&redress_runtime::scope(&caller), &operation)
        .await?;
    Ok(CalmComplainantResponse {
        work: Some(render::work(work)),
    })
}

struct Calm<'a> {
    asked: Asked<'a>,
    kind: CalmingMove,
    to: Option<StaffId>,
    meeting: Option<Timestamp>,
    reason: String,
    channel: Channel,
}

impl Operation for Calm<'_> {
    const NAME: &'static str = "assignment.calm_complainant";
    type Output = Work;

    async fn run(&self, tx: &mut Tx) -> Result<Work, Fault> {
        let begun = self.asked.begin(tx).await?;
        if begun.done.is_some() {
            return Ok(begun.work);
        }
        let (before, now) = (&begun.work, self.asked.now);
        self.asked.require_part(tx, before).await?;
        let case = &before.case;
        let text = format!("{}: {}", self.kind, self.reason);
        let action = match &self.to {
            None => Action::Note(StepKind::Calmed, text),
            Some(to) => {
                let bench = bench::load(tx, &case.site, now).await?;
                if !bench.is_lead(to, now) || !bench.may_handle(to, &before.facts.excluded) {
                    let wrong = "must be somebody on the lead ladder now who may handle the case";
                    return Err(Fault::invalid("staff", wrong));
                }
                if is_between_stores(before, to, &bench, now) {
                    let wrong = "must stand above both stores: one complains about the other";
                    return Err(Fault::invalid("staff", wrong));
                }
                let mark = past_office::of_case(tx, case).await?;
                if mark.is_none() && is_kept_above(before, to, &bench, now) {
                    let wrong = "must stand above the store: the company centre took the case over and keeps it";
                    return Err(Fault::invalid("staff", wrong));
                }
                if mark.is_some_and(|m| m.waits_for_consent(to, &bench, now)) {
                    let wrong = "must stand above the office that the complainant went past, or be offered the case with consent";
                    return Err(Fault::invalid("staff", wrong));
                }
                Action::HandUp {
                    to: to.clone(),
                    text,
                }
            }
        };
        let work = self.asked.change(tx, before, action).await?;
        if let Some(planned) = self.meeting {
            let who = work.responsible.clone();
            if let Some(staff) = &who {
                // Nobody is named with it: whoever has the case meets them.
                let legal = "name another time";
                require_present_at(tx, case, staff, planned, legal).await?;
            }
            let visit = Visit::plan(new_id(now), VisitPurpose::Meeting, who, planned);
            visits::put(tx, case, &visit, now).await?;
        }
        let spoken = Spoken {
            channel: self.channel,
            substantive: false,
            visit: false,
            follow_up: false,
            promised: self.meeting,
            staff: self.asked.caller.staff.as_ref(),
            at: now,
        };
        outbox::contact_recorded(tx, case, &spoken).await?;
        self.asked.keep(tx, &work).await?;
        Ok(work)
    }
}
