//! Suggests what solved cases like this one: by category, kind of defect and the words of the solutions' own texts (M03).

use redress_model::Fault;
use redress_model::name::CaseName;
use redress_model::words::Category;
use redress_proto::assignment::v1::{
    SolutionSuggestion, SuggestSolutionsRequest, SuggestSolutionsResponse,
};
use redress_proto::convert::from_wire;
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::super::{Shared, visible_work};
use super::{parse, render};
use crate::domain::practice::library::{Asked, Entry, rank};
use crate::store::library::{self, Said};
use crate::store::matters::Kept;

/// Suggestions unless another number is asked for.
const SUGGESTIONS: usize = 5;

pub(super) async fn run(
    shared: &Shared,
    request: Request<SuggestSolutionsRequest>,
) -> Result<SuggestSolutionsResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let request = request.into_inner();
    let suggest = Suggest {
        case: parse::case(&request.case)?,
        caller: &caller,
    };
    let limit = match usize::try_from(request.limit) {
        Ok(0) | Err(_) => SUGGESTIONS,
        Ok(n) => n,
    };
    let scope = redress_runtime::scope(&caller);
    let (category, entries) = shared.db.read(&scope, &suggest).await?;
    let asked = Asked {
        category,
        class: from_wire(request.defect_class),
        query: request.query,
    };
    Ok(SuggestSolutionsResponse {
        suggestions: likest(&asked, entries, limit),
    })
}

/// The likest of the entries as they are shown, of those that are as like the one that satisfied more first.
pub(in crate::rpc) fn likest(
    asked: &Asked,
    entries: Vec<(Kept<Entry>, Said)>,
    limit: usize,
) -> Vec<SolutionSuggestion> {
    let net =
        |(_, (satisfied, dissatisfied)): &(Kept<Entry>, Said)| i64::from(satisfied - dissatisfied);
    rank(asked, entries, |(kept, _)| &kept.matter, net)
        .into_iter()
        .take(limit)
        .map(|((kept, said), likeness)| SolutionSuggestion {
            entry: Some(render::library(kept, said, Vec::new())),
            likeness: likeness.value,
            reasons: likeness.reasons,
        })
        .collect()
}

struct Suggest<'a> {
    case: CaseName,
    caller: &'a Caller,
}

impl Operation for Suggest<'_> {
    const NAME: &'static str = "assignment.suggest_solutions";
    type Output = (Option<Category>, Vec<(Kept<Entry>, Said)>);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let work = visible_work(tx, self.caller, &self.case).await?;
        let any = [Vec::new(), Vec::new()];
        let entries = library::usable(tx, &self.case, self.caller.staff.as_ref(), any).await?;
        Ok((work.category(), entries))
    }
}
