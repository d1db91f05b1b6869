//! Decides whether a complaint is justified.

use redress_model::Fault;
use redress_model::words::CaseStatus;
use redress_proto::assignment::v1::{DecideValidityRequest, DecideValidityResponse};
use redress_proto::convert::required;
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;
use uuid::Uuid;

use super::{decided_above, pieces, require_borne, require_known};
use crate::domain::authority::Level;
use crate::domain::transition::Action;
use crate::domain::validity::{Decision, Validity};
use crate::domain::work::{Illegal, StepKind, is_in_hand};
use crate::rpc::asked::{Asked, person_of};
use crate::rpc::solution::level::level_of;
use crate::rpc::{Shared, illegal, parse, render};
use crate::store::{take_over, upheld, validity};

const METHOD: &str = "redress.assignment.v1.ValidityService/DecideValidity";

/// Lets its holder call a complaint malicious.
const DECIDE_MALICIOUS: &str = "validity.decide_malicious";

pub(super) async fn run(
    shared: &Shared,
    request: Request<DecideValidityRequest>,
) -> Result<DecideValidityResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let case = parse::case_of_work(&request.name)?;
    let request_id = std::mem::take(&mut request.request_id);
    let asked = shared.asked(&caller, METHOD, case, request_id, &request, &request.etag)?;
    let kind: Validity = required("validity", request.validity)?;
    let pieces = pieces(&asked.case, &request.evidence, !kind.is_valid())?;
    let operation = Decide {
        decision: Decision {
            sequence: 0,
            validity: kind,
            reason: request.reason,
            evidence: request.evidence,
            decider: person_of(&caller),
            level: Level::Handler,
            at: asked.now,
            on_appeal: false,
        },
        pieces,
        asked,
    };
    let decision = shared
        .db
        .run(&redress_runtime::scope(&caller), &operation)
        .await?;
    Ok(DecideValidityResponse {
        decision: Some(render::validity(decision)),
    })
}

struct Decide<'a> {
    asked: Asked<'a>,
    decision: Decision,
    /// The pieces of evidence that it names, in their order.
    pieces: Vec<Uuid>,
}

impl Operation for Decide<'_> {
    const NAME: &'static str = "assignment.decide_validity";
    type Output = Decision;

    async fn run(&self, tx: &mut Tx) -> Result<Decision, Fault> {
        let begun = self.asked.begin(tx).await?;
        let (work, case) = (&begun.work, &self.asked.case);
        if let Some(done) = begun.done {
            let decisions = validity::of_case(tx, case).await?;
            let is_it = |d: &Decision| done.ends_with(&format!("/{}", d.sequence));
            let found = decisions.into_iter().find(is_it);
            return found.ok_or_else(|| Fault::not_found("ValidityDecision", done));
        }
        if !is_in_hand(work.status) {
            let wanted = CaseStatus::Rejected;
            let status = work.status;
            return Err(illegal(&Illegal { status, wanted }, case));
        }
        self.asked.require_part(tx, work).await?;
        let stands = validity::of_case(tx, case).await?.into_iter().next();
        let decision = self.ranked(tx, stands.as_ref()).await?;
        require_known(tx, case, &self.pieces).await?;
        require_borne(tx, case, decision.validity).await?;
        let sequence = validity::add(tx, case, &decision).await?;
        let decision = Decision {
            sequence,
            ..decision
        };
        upheld::decided(tx, case, stands.as_ref(), &decision).await?;
        if !decision.validity.is_valid() {
            take_over::without_fault(tx, case, &decision.decider, self.asked.now).await?;
        }
        // The history is read by more people than the decision: it keeps to what may be said of it.
        let text = if decision.validity.is_valid() {
            "valid"
        } else {
            "not valid"
        };
        let action = Action::Note(StepKind::ValidityDecided, text.to_owned());
        let after = self.asked.change(tx, work, action).await?;
        let name = format!("{}/validityDecisions/{sequence}", parse::work_name(case));
        self.asked.keep_as(tx, &name, after.revision).await?;
        Ok(decision)
    }
}

impl Decide<'_> {
    /// The decision with its decider's level, where it may take the place of the one that stands.
    async fn ranked(&self, tx: &mut Tx, stands: Option<&Decision>) -> Result<Decision, Fault> {
        let (caller, case) = (self.asked.caller, &self.asked.case);
        let decision = Decision {
            level: level_of(tx, caller, &case.site).await?,
            ..self.decision.clone()
        };
        let malicious = |d: &Decision| d.validity == Validity::Malicious;
        if malicious(&decision) || stands.is_some_and(malicious) {
            caller.require(DECIDE_MALICIOUS)?;
        }
        decision
            .may_follow(stands)
            .map_err(|e| decided_above(&e, case))?;
        Ok(decision)
    }
}
