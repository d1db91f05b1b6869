//! Lists clocks that fired late, with the reason.

use jiff::SignedDuration;
use redress_model::Fault;
use redress_model::name::{CaseName, ClockName};
use redress_proto::convert::{from_wire, to_timestamp, to_wire};
use redress_proto::triage::v1::{LateFiring, ListLateFiringsRequest, ListLateFiringsResponse};
use redress_rpc::Caller;
use redress_rpc::page::Page;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Shared, clock_view, parse};
use crate::store::late::{self, Filter, Key, Late};
use crate::store::sites;

pub(super) async fn run(
    shared: &Shared,
    request: Request<ListLateFiringsRequest>,
) -> Result<ListLateFiringsResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let size = std::mem::take(&mut request.page_size);
    let token = std::mem::take(&mut request.page_token);
    let page: Page<Key> = Page::of("ListLateFirings", size, &token, &request)?;
    let list = List {
        filter: Filter {
            site: parse::site_or_any(&request.parent)?,
            lag: request.min_lag.map_or(SignedDuration::ZERO, |lag| {
                SignedDuration::new(lag.seconds, lag.nanos)
            }),
            causes: request
                .causes
                .iter()
                .filter_map(|n| from_wire(*n))
                .collect(),
            not_about: caller.staff.as_ref().map(ToString::to_string),
        },
        after: page.after().copied(),
        limit: page.limit(),
    };
    let scope = redress_runtime::scope(&caller);
    let rows = shared.desk.db.read(&scope, &list).await?;
    let (rows, next_page_token) =
        page.finish(rows, |late| (late.fired, late.clock, late.generation));
    Ok(ListLateFiringsResponse {
        late_firings: rows.into_iter().map(show).collect(),
        next_page_token,
    })
}

fn show(late: Late) -> LateFiring {
    LateFiring {
        clock: ClockName::new(late.site.clone(), late.clock).to_string(),
        case: CaseName::new(late.site, late.case).to_string(),
        kind: to_wire(late.kind),
        generation: late.generation,
        due_time: Some(to_timestamp(late.due)),
        fire_time: Some(to_timestamp(late.fired)),
        lag: Some(clock_view::duration(late.fired.duration_since(late.due))),
        cause: to_wire(late.cause),
    }
}

struct List {
    filter: Filter,
    after: Option<Key>,
    limit: i64,
}

impl Operation for List {
    const NAME: &'static str = "triage.list_late_firings";
    type Output = Vec<Late>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<Late>, Fault> {
        let rows = late::page(tx, &self.filter, self.after, self.limit).await?;
        sites::found(tx, self.filter.site.as_ref(), rows).await
    }
}
