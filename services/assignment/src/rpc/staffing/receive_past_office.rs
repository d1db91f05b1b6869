//! The region or the head office receives a case past the site's office (M18), and keeps it.

use redress_model::Fault;
use redress_model::name::StaffId;
use redress_proto::assignment::v1::{ReceivePastOfficeRequest, ReceivePastOfficeResponse};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Shared, require_one_of, require_present};
use crate::domain::past_office::{PastOffice, is_above, receive};
use crate::domain::work::Work;
use crate::rpc::asked::Asked;
use crate::rpc::{illegal, parse, render};
use crate::store::{bench, past_office};

const METHOD: &str = "redress.assignment.v1.StaffingService/ReceivePastOffice";

pub(super) async fn run(
    shared: &Shared,
    request: Request<ReceivePastOfficeRequest>,
) -> Result<ReceivePastOfficeResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let case = parse::case_of_work(&request.name)?;
    let request_id = std::mem::take(&mut request.request_id);
    let asked = shared.asked(&caller, METHOD, case, request_id, &request, &request.etag)?;
    let receiver = parse::staff_of("staff", Some(&asked.case.site), &request.staff)?
        .or_else(|| asked.person())
        .ok_or_else(|| {
            Fault::invalid("staff", "must be given: the caller is nobody of the site")
        })?;
    let site = asked.case.site.clone();
    let operation = Receive { asked, receiver };
    let scope = redress_runtime::scope(&caller);
    let (work, mark) = shared.db.run(&scope, &operation).await?;
    Ok(ReceivePastOfficeResponse {
        past_office: Some(render::past_office(&site, mark)),
        work: Some(render::work(work)),
    })
}

struct Receive<'a> {
    asked: Asked<'a>,
    receiver: StaffId,
}

impl Operation for Receive<'_> {
    const NAME: &'static str = "assignment.receive_past_office";
    type Output = (Work, PastOffice);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let begun = self.asked.begin(tx).await?;
        let (before, case, now) = (begun.work, &self.asked.case, self.asked.now);
        if begun.done.is_some() {
            let kept = past_office::of_case(tx, case).await?;
            let mark = kept.ok_or_else(|| Fault::internal("a received case lost its mark"))?;
            return Ok((before, mark));
        }
        let caller = self.asked.caller;
        require_one_of(caller, case, &[Some(&self.receiver)])?;
        let bench = bench::load(tx, &case.site, now).await?;
        let may = bench.may_handle(&self.receiver, &before.facts.excluded);
        if !may || !is_above(&self.receiver, &bench, now) {
            return Err(Fault::invalid(
                "staff",
                "must be somebody of the company centre, the region's contact or the top lead who may handle the case",
            ));
        }
        require_present(&bench, &self.receiver, parse::work_name(case))?;
        let (outcome, mark) = receive(&before, &self.receiver, &bench, &caller.subject, now)
            .map_err(|e| illegal(&e, case))?;
        let earlier = past_office::of_case(tx, case).await?;
        let owner = before.responsible.as_ref();
        if earlier.is_some() && owner.is_some_and(|staff| is_above(staff, &bench, now)) {
            // Marked anew, it would forget past whom the complainant went, and what they consented to.
            return Err(Fault::illegal(
                "ALREADY_PAST_OFFICE",
                "the complainant went past the office already, and somebody above it has the case; legal now: OfferHandover by whoever is responsible",
                parse::work_name(case),
            ));
        }
        let mark = mark.after(earlier);
        past_office::mark(tx, case, &mark).await?;
        let work = self.asked.save(tx, &before, outcome).await?;
        Ok((work, mark))
    }
}
