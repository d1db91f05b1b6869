//! Lists solutions.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::CaseName;
use redress_proto::assignment::v1::{ListSolutionsRequest, ListSolutionsResponse};
use redress_proto::convert::from_wire;
use redress_rpc::Caller;
use redress_rpc::page::Page;
use redress_store::{Operation, Tx};
use tonic::Request;
use uuid::Uuid;

use crate::domain::solution::Solution;
use crate::rpc::{Shared, parse, render};
use crate::store::sites;
use crate::store::solutions::{self, Filter};

type Key = (Timestamp, Uuid);

pub(super) async fn run(
    shared: &Shared,
    request: Request<ListSolutionsRequest>,
) -> Result<ListSolutionsResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let size = std::mem::take(&mut request.page_size);
    let token = std::mem::take(&mut request.page_token);
    let page: Page<Key> = Page::of("ListSolutions", size, &token, &request)?;
    let mut site = parse::site_or_any(&request.parent)?;
    let case = match request.case.as_str() {
        "" => None,
        name => {
            let case: CaseName = parse_field("case", name)?;
            if site.as_ref().is_some_and(|site| *site != case.site) {
                return Err(Fault::invalid("case", "must lie in the parent"));
            }
            site = Some(case.site);
            Some(case.id)
        }
    };
    let operation = List {
        filter: Filter {
            case,
            states: request
                .states
                .iter()
                .filter_map(|n| from_wire(*n))
                .collect(),
            required: from_wire(request.required_level),
            not_about: caller.staff.clone().map(|s| (s.site, s.id)),
            site,
        },
        after: page.after().copied(),
        limit: page.limit(),
    };
    let rows = shared
        .db
        .read(&redress_runtime::scope(&caller), &operation)
        .await?;
    let (rows, next_page_token) = page.finish(rows, |s| (s.created_at, s.id));
    Ok(ListSolutionsResponse {
        solutions: rows.into_iter().map(render::solution).collect(),
        next_page_token,
    })
}

struct List {
    filter: Filter,
    after: Option<Key>,
    limit: i64,
}

impl Operation for List {
    const NAME: &'static str = "assignment.list_solutions";
    type Output = Vec<Solution>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<Solution>, Fault> {
        let rows = solutions::list(tx, &self.filter, self.after.as_ref(), self.limit).await?;
        sites::found(tx, self.filter.site.as_ref(), rows).await
    }
}
