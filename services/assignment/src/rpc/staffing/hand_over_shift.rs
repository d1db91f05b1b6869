//! Hands over at a change of shifts: everything that a person has in hand, by name, and names what stays: what was only offered
//! to the person, and what else the person has promised (M12).

use std::collections::BTreeSet;

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::{SiteId, StaffId, StaffName};
use redress_model::words::CaseStatus;
use redress_proto::assignment::v1::{HandOverShiftRequest, HandOverShiftResponse, Unmoved};
use redress_rpc::Caller;
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use tonic::Request;
use uuid::Uuid;

use super::offer_handover::offer_text;
use super::{Shared, end_of, person, require_present};
use crate::domain::bench::Bench;
use crate::domain::handover::{self, LIMIT_HOURS};
use crate::domain::past_office::{is_between_stores, is_kept_above};
use crate::domain::work::{Work, is_in_hand, is_live};
use crate::rpc::asked::require_override;
use crate::rpc::{parse, promises, render};
use crate::store::promises::{Promise, PromiseKind};
use crate::store::work::{self, Filter};
use crate::store::{bench, handovers, past_office, sites};

const METHOD: &str = "redress.assignment.v1.StaffingService/HandOverShift";

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
    let told = shared.db.run(&scope, &operation).await?;
    Ok(HandOverShiftResponse {
        work: told.moved.into_iter().map(render::work).collect(),
        unmoved: told.unmoved,
        promises: told
            .promises
            .into_iter()
            .map(|promise| promises::render(promise, now))
            .collect(),
    })
}

/// What is told of a change of shifts.
struct Told {
    /// What is on offer to who comes, most urgent first.
    moved: Vec<Work>,
    /// What stays with who goes, and why.
    unmoved: Vec<Unmoved>,
    /// What else who goes has promised.
    promises: Vec<Promise>,
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
    type Output = Told;

    async fn run(&self, tx: &mut Tx) -> Result<Told, Fault> {
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
        let claim = receipt::claim(tx, &self.receipt, self.now).await?;
        let is_new = matches!(claim, Claim::New);
        let bench = bench::load(tx, &self.site, self.now).await?;
        if is_new {
            self.require_receiver(&bench)?;
        }
        let held = self.held(tx).await?;
        let cases: BTreeSet<Uuid> = held.iter().map(|w| w.case.id).collect();
        let (mut moved, mut unmoved) = (Vec::new(), Vec::new());
        for before in held {
            let stays = self.why_it_stays(tx, &before, &bench).await?;
            let reason = match stays {
                Some(reason) => reason,
                None if is_new => {
                    moved.push(self.offer(tx, &before).await?);
                    continue;
                }
                None if before.offered_to.as_ref() == Some(&self.receiver) => {
                    moved.push(before);
                    continue;
                }
                None => "is not on offer to the receiver, or no longer",
            };
            unmoved.push(Unmoved {
                work: parse::work_name(&before.case).to_string(),
                number: before.facts.number,
                reason: reason.to_owned(),
            });
        }
        let mut promises = promises::owed_by(tx, self.caller, &self.site, &self.giver).await?;
        // Clocks go with their case, which is named; all else stays with whom it was asked of.
        promises.retain(|p| {
            p.kind != PromiseKind::Clock || p.case.is_none_or(|case| !cases.contains(&case))
        });
        if is_new {
            let parent = format!("sites/{}", self.site);
            receipt::complete(tx, &self.receipt, &parent, "").await?;
        }
        Ok(Told {
            moved,
            unmoved,
            promises,
        })
    }
}

impl HandOver<'_> {
    /// Everything that lives, the giver is responsible for or is asked to accept, and the caller may see, most urgent first. What
    /// is resolved is still owed its follow-up visit. What another hands over to the giver is named among the promises.
    async fn held(&self, tx: &mut Tx) -> Result<Vec<Work>, Fault> {
        let live = CaseStatus::ALL.iter().filter(|status| is_live(**status));
        let of_giver = Filter {
            site: Some(self.site.clone()),
            statuses: live.copied().collect(),
            responsible: Some(self.giver.clone()),
            not_about: self.caller.staff.clone().map(|s| (s.site, s.id)),
            ..Filter::default()
        };
        let offered = Filter {
            statuses: vec![CaseStatus::Assigned],
            responsible: None,
            offered_to: Some(self.giver.clone()),
            ..of_giver.clone()
        };
        let mut held = work::list(tx, &of_giver, None, i64::MAX).await?;
        let waiting = work::list(tx, &offered, None, i64::MAX).await?;
        let is_new = |w: &Work| w.responsible.as_ref() != Some(&self.giver);
        held.extend(waiting.into_iter().filter(is_new));
        held.sort_by_key(|w| {
            (
                w.decision.as_ref().map(|d| d.grade.value()),
                w.facts.received_at,
            )
        });
        Ok(held)
    }

    /// That who comes works here and is here.
    fn require_receiver(&self, bench: &Bench) -> Result<(), Fault> {
        if !bench.may_handle(&self.receiver, &BTreeSet::new()) {
            return Err(Fault::invalid(
                "receiver",
                "must be somebody who works here",
            ));
        }
        require_present(bench, &self.receiver, format!("sites/{}", self.site))
    }

    /// Why a case cannot be handed over; none where it can.
    async fn why_it_stays(
        &self,
        tx: &mut Tx,
        work: &Work,
        bench: &Bench,
    ) -> Result<Option<&'static str>, Fault> {
        if !is_in_hand(work.status) {
            return Ok(Some(match work.offered_to.as_ref() {
                Some(offered) if *offered == self.giver => {
                    "is offered to who goes and not accepted: they accept it and hand it over, or decline it, and another is asked"
                }
                _ => "is not accepted yet",
            }));
        }
        let mark = past_office::of_case(tx, &work.case).await?;
        let is_marked = mark.is_some();
        if mark.is_some_and(|m| m.waits_for_consent(&self.receiver, bench, self.now)) {
            return Ok(Some(
                "the complainant went past the office and has not consented to go back",
            ));
        }
        if is_between_stores(work, &self.receiver, bench, self.now) {
            return Ok(Some(
                "one store complains about another, and the receiver does not stand above both",
            ));
        }
        if !is_marked && is_kept_above(work, &self.receiver, bench, self.now) {
            return Ok(Some(
                "the company centre took it over and keeps it, and the receiver does not stand above the store",
            ));
        }
        if !bench.may_handle(&self.receiver, &work.facts.excluded) {
            return Ok(Some("the receiver may not handle it"));
        }
        Ok(None)
    }

    /// Offers a case in hand to who comes.
    async fn offer(&self, tx: &mut Tx, before: &Work) -> Result<Work, Fault> {
        let text = offer_text("change of shifts", self.due);
        let outcome = handover::offer(before, self.receiver.clone(), text, self.now)
            .map_err(Fault::internal)?;
        work::save(tx, Some(before), &outcome, &self.caller.subject, self.now).await?;
        handovers::keep(tx, &before.case, self.due).await?;
        Ok(outcome.work)
    }
}
