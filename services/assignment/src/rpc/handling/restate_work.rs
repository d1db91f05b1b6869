//! Says back to the complainant what was understood, and keeps whether they confirmed it (M16).

use redress_model::Fault;
use redress_proto::assignment::v1::{RestateWorkRequest, RestateWorkResponse};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use crate::domain::handling::Restatement;
use crate::domain::transition::Action;
use crate::domain::work::Work;
use crate::rpc::asked::Asked;
use crate::rpc::{Shared, parse, render};

const METHOD: &str = "redress.assignment.v1.HandlingService/RestateWork";

pub(super) async fn run(
    shared: &Shared,
    request: Request<RestateWorkRequest>,
) -> Result<RestateWorkResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let case = parse::case_of_work(&request.name)?;
    let request_id = std::mem::take(&mut request.request_id);
    let asked = shared.asked(&caller, METHOD, case, request_id, &request, &request.etag)?;
    let operation = Restate {
        restatement: Restatement {
            text: request.text,
            confirmed: request.confirmed,
            at: asked.now,
        },
        asked,
    };
    let work = shared
        .db
        .run(&redress_runtime::scope(&caller), &operation)
        .await?;
    Ok(RestateWorkResponse {
        work: Some(render::work(work)),
    })
}

struct Restate<'a> {
    asked: Asked<'a>,
    restatement: Restatement,
}

impl Operation for Restate<'_> {
    const NAME: &'static str = "assignment.restate_work";
    type Output = Work;

    async fn run(&self, tx: &mut Tx) -> Result<Work, Fault> {
        let begun = self.asked.begin(tx).await?;
        if begun.done.is_some() {
            return Ok(begun.work);
        }
        self.asked.require_part(tx, &begun.work).await?;
        if begun.work.restatement.is_some() {
            self.asked.require_etag(&begun.work)?;
        }
        let action = Action::Restate(self.restatement.clone());
        let work = self.asked.change(tx, &begun.work, action).await?;
        self.asked.keep(tx, &work).await?;
        Ok(work)
    }
}
