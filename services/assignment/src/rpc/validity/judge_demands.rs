//! Judges what the complainant asks for, each demand by itself: lawful? reasonable? (M02).

use redress_model::text::is_blank;
use redress_model::{Fault, Violation};
use redress_proto::assignment::v1::{JudgeDemandsRequest, JudgeDemandsResponse, JudgedDemand};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use crate::domain::transition::Action;
use crate::domain::validity::{Demand, Judgement};
use crate::domain::work::StepKind;
use crate::rpc::asked::Asked;
use crate::rpc::{Shared, parse, render};
use crate::store::judgements;

const METHOD: &str = "redress.assignment.v1.ValidityService/JudgeDemands";

pub(super) async fn run(
    shared: &Shared,
    request: Request<JudgeDemandsRequest>,
) -> Result<JudgeDemandsResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let case = parse::case_of_work(&request.name)?;
    let request_id = std::mem::take(&mut request.request_id);
    let asked = shared.asked(&caller, METHOD, case, request_id, &request, &request.etag)?;
    let operation = Judge {
        judgement: Judgement {
            sequence: 0,
            demands: judged(request.demands)?,
            judge: caller.subject.clone(),
            at: asked.now,
        },
        asked,
    };
    let judgement = shared
        .db
        .run(&redress_runtime::scope(&caller), &operation)
        .await?;
    Ok(JudgeDemandsResponse {
        judgement: Some(render::judgement(judgement)),
    })
}

/// The demands, each with a reason where it is not met.
fn judged(wire: Vec<JudgedDemand>) -> Result<Vec<Demand>, Fault> {
    let mut violations = Vec::new();
    let mut demands = Vec::new();
    for (i, demand) in wire.into_iter().enumerate() {
        let demand = Demand {
            text: demand.text,
            lawful: demand.lawful,
            reasonable: demand.reasonable,
            reason: demand.reason,
        };
        if is_blank(&demand.text) {
            violations.push(Violation {
                field: format!("demands[{i}].text"),
                description: "must say what is asked for".to_owned(),
            });
        }
        if !demand.is_justified() && is_blank(&demand.reason) {
            violations.push(Violation {
                field: format!("demands[{i}].reason"),
                description: "must say why it is not lawful or not reasonable".to_owned(),
            });
        }
        demands.push(demand);
    }
    if violations.is_empty() {
        Ok(demands)
    } else {
        Err(Fault::violations(violations))
    }
}

struct Judge<'a> {
    asked: Asked<'a>,
    judgement: Judgement,
}

impl Operation for Judge<'_> {
    const NAME: &'static str = "assignment.judge_demands";
    type Output = Judgement;

    async fn run(&self, tx: &mut Tx) -> Result<Judgement, Fault> {
        let begun = self.asked.begin(tx).await?;
        let (work, case) = (&begun.work, &self.asked.case);
        let known = judgements::of_case(tx, case).await?;
        if let Some(done) = begun.done {
            let is_it = |j: &Judgement| done.ends_with(&format!("/{}", j.sequence));
            let found = known.into_iter().find(is_it);
            return found.ok_or_else(|| Fault::not_found("DemandJudgement", done));
        }
        self.asked.require_part(tx, work).await?;
        if !known.is_empty() {
            self.asked.require_etag(work)?;
        }
        let sequence = judgements::add(tx, case, &self.judgement).await?;
        // The history is read by more people than the demands: it keeps to how many there are.
        let (justified, all) = (self.judgement.justified(), self.judgement.demands.len());
        let text = format!("{justified} of {all} demands lawful and reasonable");
        let action = Action::Note(StepKind::ValidityDecided, text);
        let after = self.asked.change(tx, work, action).await?;
        let name = format!("{}/demandJudgements/{sequence}", parse::work_name(case));
        self.asked.keep_as(tx, &name, after.revision).await?;
        Ok(Judgement {
            sequence,
            ..self.judgement.clone()
        })
    }
}
