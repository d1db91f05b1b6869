//! Lists causes that come up again (M08, M15).

use redress_model::Fault;
use redress_proto::assignment::v1::{ListRecurringCausesRequest, ListRecurringCausesResponse};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Shared, ask, month, parent, recurring, this_month};
use crate::domain::monthly::Cause;
use crate::domain::report::Month;
use crate::store::reports::read::{self, Parent};

/// Over how many months causes are looked for where nothing is said.
pub(super) const MONTHS_DEFAULT: i32 = 6;

/// In how many cases a cause recurs where nothing is said.
pub(super) const CASES_DEFAULT: i64 = 3;

pub(super) async fn run(
    shared: &Shared,
    request: Request<ListRecurringCausesRequest>,
) -> Result<ListRecurringCausesResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let request = request.into_inner();
    let to = month("to_month", &request.to_month, this_month(shared))?;
    let months = match request.months {
        0 => MONTHS_DEFAULT,
        1 => return Err(Fault::invalid("months", "must be from 2 to 24")),
        months => months,
    };
    let operation = List {
        parent: parent(&caller, &request.parent)?,
        months: (to.plus(1 - months), to),
        min_cases: match request.min_cases {
            0 => CASES_DEFAULT,
            cases => i64::from(cases),
        },
        limit: match usize::try_from(request.page_size) {
            Ok(size) if size > 0 => size,
            _ => 50,
        },
    };
    let scope = redress_runtime::scope(&caller);
    let causes = shared.db.read(&scope, &operation).await?;
    Ok(ListRecurringCausesResponse {
        causes: causes.iter().map(recurring).collect(),
    })
}

struct List {
    parent: Parent,
    months: (Month, Month),
    min_cases: i64,
    limit: usize,
}

impl Operation for List {
    const NAME: &'static str = "assignment.list_recurring_causes";
    type Output = Vec<Cause>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<Cause>, Fault> {
        read::prepare(tx).await?;
        let sites = read::sites(tx, &self.parent).await?;
        ask::causes(tx, sites, self.months, self.min_cases, self.limit).await
    }
}
