//! Hands over at a change of shifts: everything that a person has in hand, by name (M12).

use std::collections::BTreeSet;

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::{SiteId, StaffId, StaffName};
use redress_proto::assignment::v1::{HandOverShiftRequest, HandOverShiftResponse, Unmoved};
use redress_rpc::Caller;
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use tonic::Request;

use super::offer_handover::offer_text;
use super::{Shared, end_of, person, require_present};
use crate::domain::handover::{self, LIMIT_HOURS};
use crate::domain::past_office::PastOffice;
use crate::domain::work::{OPEN, Work, is_in_hand};
use crate::rpc::asked::require_override;
use crate::rpc::{parse, render};
use crate::store::work::{self, Filter};
use crate::store::{bench, handovers, past_office, sites};

const METHOD: &str = "redress.assignment.v1.StaffingService/HandOverShift";

/// Cases of a call at most.
const CASES_MAX: i64 = 200;

pub(super) async fn run(
    shared: &Shared,
    request: Request<HandOverShiftRequest>,
) -> Result<HandOverShiftResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let site = parse::site(&request.parent)?;
    caller.require_site(&site)?;
    let request_id = std::mem::take(&mut request.request_id);
    let now = shared.clock.now();
    let operation = HandOver {
        receipt: shared.receipt(&caller, METHOD, &site, request_id, &request),
        giver: person("staff", &site, &request.staff)?,
        receiver: person("receiver", &site, &request.receiver)?,
        due: end_of(request.limit.as_ref(), LIMIT_HOURS, now),
        site,
        caller: &caller,
        now,
    };
    if operation.giver == operation.receiver {
        return Err(Fault::invalid("receiver", "must be somebody else"));
    }
    let scope = redress_runtime::scope(&caller);
    let (moved, unmoved) = shared.db.run(&scope, &operation).await?;
    Ok(HandOverShiftResponse {
        work: moved.into_iter().map(render::work).collect(),
        unmoved,
    })
}

struct HandOver<'a> {
    receipt: ReceiptKey,
    site: SiteId,
    giver: StaffId,
    receiver: StaffId,
    due: Timestamp,
    caller: &'a Caller,
    now: Timestamp,
}

impl Operation for HandOver<'_> {
    const NAME: &'static str = "assignment.hand_over_shift";
    type Output = (Vec<Work>, Vec<Unmoved>);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        sites::require(tx, &self.site).await?;
        let is_giver = self
            .caller
            .staff
            .as_ref()
            .is_some_and(|s| s.site == self.site && s.id == self.giver);
        if !is_giver {
            let giver = StaffName::new(self.site.clone(), self.giver.clone());
            require_override(self.caller, format!("the shift is {giver}'s"))?;
        }
        bench::lock(tx, &self.site).await?;
        let mut held = self.held(tx).await?;
        held.sort_by_key(|w| {
            (
                w.decision.as_ref().map(|d| d.grade.value()),
                w.facts.received_at,
            )
        });
        if let Claim::Seen { .. } = receipt::claim(tx, &self.receipt, self.now).await? {
            held.retain(|w| w.offered_to.as_ref() == Some(&self.receiver));
            return Ok((held, Vec::new()));
        }
        let bench = bench::load(tx, &self.site, self.now).await?;
        if !bench.may_handle(&self.receiver, &BTreeSet::new()) {
            return Err(Fault::invalid(
                "receiver",
                "must be somebody who works here",
            ));
        }
        require_present(&bench, &self.receiver, format!("sites/{}", self.site))?;
        let (mut moved, mut unmoved) = (Vec::new(), Vec::new());
        for before in held {
            let text = offer_text("change of shifts", self.due);
            let mark = past_office::of_case(tx, &before.case).await?;
            let waits = |m: &PastOffice| m.waits_for_consent(&self.receiver, &bench, self.now);
            let reason = if !is_in_hand(before.status) {
                "is not accepted yet"
            } else if mark.as_ref().is_some_and(waits) {
                "the complainant went past the office and has not consented to go back"
            } else if bench.may_handle(&self.receiver, &before.facts.excluded) {
                let outcome = handover::offer(&before, self.receiver.clone(), text, self.now)
                    .map_err(Fault::internal)?;
                work::save(tx, Some(&before), &outcome, &self.caller.subject, self.now).await?;
                handovers::keep(tx, &before.case, self.due).await?;
                moved.push(outcome.work);
                continue;
            } else {
                "the receiver may not handle it"
            };
            unmoved.push(Unmoved {
                work: parse::work_name(&before.case).to_string(),
                number: before.facts.number,
                reason: reason.to_owned(),
            });
        }
        let parent = format!("sites/{}", self.site);
        receipt::complete(tx, &self.receipt, &parent, "").await?;
        Ok((moved, unmoved))
    }
}

impl HandOver<'_> {
    /// What the giver is responsible for and the caller may see.
    async fn held(&self, tx: &mut Tx) -> Result<Vec<Work>, Fault> {
        let filter = Filter {
            site: Some(self.site.clone()),
            statuses: OPEN.to_vec(),
            responsible: Some(self.giver.clone()),
            not_about: self.caller.staff.clone().map(|s| (s.site, s.id)),
            ..Filter::default()
        };
        work::list(tx, &filter, None, CASES_MAX).await
    }
}
