//! Decides an appeal, by somebody else than who made the decision. A granted one has the case opened again.

use redress_model::Fault;
use redress_model::words::Channel;
use redress_proto::assignment::v1::{DecideAppealRequest, DecideAppealResponse};
use redress_proto::convert::{from_wire, required};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;
use uuid::Uuid;

use super::{decided_above, pieces, require_known};
use crate::domain::outward::Kind;
use crate::domain::practice::DemandState;
use crate::domain::transition::Action;
use crate::domain::validity::{Appeal, Decision, Validity};
use crate::rpc::asked::{Asked, person_of};
use crate::rpc::outward::{Outward, require_no_money};
use crate::rpc::solution::level::level_of;
use crate::rpc::{Shared, parse, render};
use crate::store::outbox::{self, Spoken};
use crate::store::validity::Verdict;
use crate::store::{appeals, upheld, validity};

const METHOD: &str = "redress.assignment.v1.ValidityService/DecideAppeal";

/// Why intake is asked to open a case again.
const APPEAL_GRANTED: &str = "appeal_granted";

pub(super) async fn run(
    shared: &Shared,
    request: Request<DecideAppealRequest>,
) -> Result<DecideAppealResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let case = parse::case_of_work(&request.name)?;
    let request_id = std::mem::take(&mut request.request_id);
    let asked = shared.asked(&caller, METHOD, case, request_id, &request, "")?;
    let granted: Option<Validity> = from_wire(request.validity);
    if granted.is_some() != request.grant {
        let wrong = "must say what it is after all where the appeal is granted, and only there";
        return Err(Fault::invalid("validity", wrong));
    }
    require_no_money("reason", &request.reason)?;
    let pieces = pieces(&asked.case, &request.evidence, !request.grant)?;
    let operation = Decide {
        granted,
        reason: request.reason,
        evidence: request.evidence,
        pieces,
        override_reason: request.wording_override_reason,
        channel: required("channel", request.channel)?,
        asked,
    };
    let appeal = shared
        .db
        .run(&redress_runtime::scope(&caller), &operation)
        .await?;
    Ok(DecideAppealResponse {
        appeal: Some(render::appeal(appeal)),
    })
}

struct Decide<'a> {
    asked: Asked<'a>,
    granted: Option<Validity>,
    reason: String,
    evidence: Vec<String>,
    /// The pieces of evidence that it names, in their order.
    pieces: Vec<Uuid>,
    override_reason: String,
    channel: Channel,
}

impl Operation for Decide<'_> {
    const NAME: &'static str = "assignment.decide_appeal";
    type Output = Appeal;

    async fn run(&self, tx: &mut Tx) -> Result<Appeal, Fault> {
        let begun = self.asked.begin(tx).await?;
        let (case, name) = (&self.asked.case, parse::work_name(&self.asked.case));
        let known = validity::appeal(tx, case).await?;
        if begun.done.is_some() {
            return known.ok_or_else(|| Fault::not_found("Appeal", name));
        }
        let (caller, now) = (self.asked.caller, self.asked.now);
        let outward = Outward {
            site: &case.site,
            kind: Kind::Answer,
            texts: vec![("reason".to_owned(), self.reason.as_str())],
            override_reason: &self.override_reason,
            caller,
            now,
        };
        let in_spite_of = outward.run(tx).await?;
        let Some(appeal) = known.filter(|appeal| appeal.decided.is_none()) else {
            return Err(Fault::illegal(
                "NOT_APPEALED",
                "no appeal waits for a decision; legal now: take one in, once",
                name,
            ));
        };
        let decider = person_of(caller);
        // Opened again before it was heard, the complaint may have been turned down anew by somebody else.
        let stands = validity::of_case(tx, case).await?.into_iter().next();
        let is_own = |decided: &Decision| decider.is(&decided.decider);
        if decider.is(&appeal.against) || stands.as_ref().is_some_and(is_own) {
            return Err(Fault::illegal(
                "OWN_DECISION",
                "who made the decision does not hear the appeal; legal now: somebody else decides it",
                name,
            ));
        }
        require_known(tx, case, &self.pieces).await?;
        let is_granted = self.granted.is_some();
        let said = if is_granted { "granted" } else { "dismissed" };
        let action = Action::Appeal(format!("appeal {said}: {}{in_spite_of}", self.reason));
        let after = self.asked.change(tx, &begun.work, action).await?;
        appeals::end(tx, case, DemandState::Met(now), &caller.subject).await?;
        let verdict = Verdict {
            granted: is_granted,
            decider: &caller.subject,
            reason: &self.reason,
            evidence: &self.evidence,
        };
        validity::decide_appeal(tx, case, &verdict, now).await?;
        if let Some(validity) = self.granted {
            let decision = Decision {
                sequence: 0,
                validity,
                reason: self.reason.clone(),
                evidence: self.evidence.clone(),
                decider,
                level: level_of(tx, caller, &case.site).await?,
                at: now,
                on_appeal: true,
            };
            decision
                .may_follow(stands.as_ref())
                .map_err(|e| decided_above(&e, case))?;
            let sequence = validity::add(tx, case, &decision).await?;
            let decision = Decision {
                sequence,
                ..decision
            };
            upheld::decided(tx, case, stands.as_ref(), &decision).await?;
            outbox::reopening_asked(tx, &after, APPEAL_GRANTED, now).await?;
        }
        outbox::appeal_decided(tx, &after, is_granted, now).await?;
        let spoken = Spoken {
            channel: self.channel,
            substantive: true,
            visit: false,
            follow_up: false,
            promised: None,
            staff: caller.staff.as_ref(),
            at: now,
        };
        outbox::contact_recorded(tx, case, &spoken).await?;
        self.asked.keep(tx, &after).await?;
        Ok(Appeal {
            decided: Some((is_granted, now)),
            evidence: self.evidence.clone(),
            ..appeal
        })
    }
}
