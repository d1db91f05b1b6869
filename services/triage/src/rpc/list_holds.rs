//! Lists the holds of a case with the budget of each reason.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::CaseName;
use redress_proto::triage::v1::{ListHoldsRequest, ListHoldsResponse};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Shared, clock_view, require_visible};
use crate::casework;
use crate::store::holds::{self, Hold};
use crate::store::sites::{self, Site};

pub(super) async fn run(
    shared: &Shared,
    request: Request<ListHoldsRequest>,
) -> Result<ListHoldsResponse, Fault> {
    let caller = Caller::of(&request)?;
    let list = List {
        case: parse_field("parent", &request.get_ref().parent)?,
        caller,
        now: shared.desk.now(),
    };
    let scope = redress_runtime::scope(caller);
    let (site, holds) = shared.desk.db.read(&scope, &list).await?;
    let budgets = clock_view::budgets(&site, &holds, |reason, all| {
        casework::budget(&site, reason, all, list.now)
    });
    Ok(ListHoldsResponse {
        holds: holds
            .into_iter()
            .map(|hold| clock_view::hold(&site.id, hold))
            .collect(),
        budgets,
    })
}

struct List<'a> {
    case: CaseName,
    caller: &'a Caller,
    now: Timestamp,
}

impl Operation for List<'_> {
    const NAME: &'static str = "triage.list_holds";
    type Output = (Site, Vec<Hold>);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        require_visible(tx, self.caller, &self.case).await?;
        let site = sites::get(tx, &self.case.site, self.now)
            .await?
            .ok_or_else(|| Fault::not_found("Case", &self.case))?;
        let holds = holds::of_case(tx, &site.id, self.case.id).await?;
        Ok((site, holds))
    }
}
