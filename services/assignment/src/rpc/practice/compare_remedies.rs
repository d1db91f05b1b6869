//! Says what like cases got, so that like cases get like remedies (M10).

use redress_model::Fault;
use redress_model::name::CaseName;
use redress_proto::assignment::v1::{CompareRemediesRequest, CompareRemediesResponse};
use redress_proto::convert::{from_wire, to_money};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::super::{Shared, visible_work};
use super::{parse, render};
use crate::domain::practice::law::DefectClass;
use crate::domain::practice::library::{Entry, spread};
use crate::store::library::{self, Said};
use crate::store::matters::Kept;

/// Like cases that are shown at most.
const SHOWN_MAX: usize = 10;

pub(super) async fn run(
    shared: &Shared,
    request: Request<CompareRemediesRequest>,
) -> Result<CompareRemediesResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let request = request.into_inner();
    let compare = Compare {
        case: parse::case(&request.case)?,
        class: from_wire(request.defect_class),
        caller: &caller,
    };
    let scope = redress_runtime::scope(&caller);
    let like = shared.db.read(&scope, &compare).await?;
    let amounts: Vec<_> = like
        .iter()
        .filter_map(|(kept, _)| kept.matter.amount)
        .collect();
    let paid = amounts.len();
    let spread = spread(amounts);
    let count = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    Ok(CompareRemediesResponse {
        count: count(like.len()),
        paid: count(paid),
        min: spread.map(|s| to_money(s.0)),
        median: spread.map(|s| to_money(s.1)),
        max: spread.map(|s| to_money(s.2)),
        entries: like
            .into_iter()
            .take(SHOWN_MAX)
            .map(|(kept, said)| render::library(kept, said, Vec::new()))
            .collect(),
    })
}

struct Compare<'a> {
    case: CaseName,
    class: Option<DefectClass>,
    caller: &'a Caller,
}

impl Operation for Compare<'_> {
    const NAME: &'static str = "assignment.compare_remedies";
    type Output = Vec<(Kept<Entry>, Said)>;

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let work = visible_work(tx, self.caller, &self.case).await?;
        library::like(tx, &work, self.caller.staff.as_ref(), self.class).await
    }
}
