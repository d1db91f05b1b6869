//! Lists clocks, newest first. Age checks promise nothing to anybody and are shown only when asked for.

use std::collections::HashMap;

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{CaseName, SiteId};
use redress_model::words::ClockKind;
use redress_proto::convert::from_wire;
use redress_proto::triage::v1::{ListClocksRequest, ListClocksResponse};
use redress_rpc::Caller;
use redress_rpc::page::Page;
use redress_store::{Operation, Tx};
use tonic::Request;
use uuid::Uuid;

use super::{Shared, clock_view, parse, render};
use crate::store::clocks::{self, Clock, Filter};
use crate::store::pages::{self, PageRow};
use crate::store::sites;

type Key = (Timestamp, Uuid);

pub(super) async fn run(
    shared: &Shared,
    request: Request<ListClocksRequest>,
) -> Result<ListClocksResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let size = std::mem::take(&mut request.page_size);
    let token = std::mem::take(&mut request.page_token);
    let page: Page<Key> = Page::of("ListClocks", size, &token, &request)?;
    let list = List {
        parent: parse::site_or_any(&request.parent)?,
        filter: filter(&request, &caller)?,
        after: page.after().copied(),
        limit: page.limit(),
        now: shared.desk.now(),
    };
    let (rows, pages) = shared
        .desk
        .db
        .read(&redress_runtime::scope(&caller), &list)
        .await?;
    let (rows, next_page_token) = page.finish(rows, |(_, clock)| (clock.created, clock.id));
    Ok(ListClocksResponse {
        clocks: rows
            .into_iter()
            .map(|(site, clock)| {
                let page = pages.get(&clock.id);
                render::paged(&site, clock, page)
            })
            .collect(),
        next_page_token,
    })
}

fn filter(request: &ListClocksRequest, caller: &Caller) -> Result<Filter, Fault> {
    let mut site = parse::site_or_any(&request.parent)?;
    let mut case = None;
    if !request.case.is_empty() {
        let name: CaseName = parse_field("case", &request.case)?;
        if site.as_ref().is_some_and(|site| *site != name.site) {
            return Err(Fault::invalid("case", "must be a case of parent"));
        }
        case = Some(name.id);
        site = Some(name.site);
    }
    let mut kinds: Vec<ClockKind> = request.kinds.iter().filter_map(|n| from_wire(*n)).collect();
    if kinds.is_empty() {
        let shown = |kind: &ClockKind| !clock_view::SILENT.contains(kind);
        kinds = ClockKind::ALL.iter().copied().filter(shown).collect();
    }
    Ok(Filter {
        site,
        case,
        states: request
            .states
            .iter()
            .filter_map(|n| from_wire(*n))
            .collect(),
        kinds,
        held: request.held,
        hold_reasons: request
            .hold_reasons
            .iter()
            .filter_map(|n| from_wire(*n))
            .collect(),
        not_about: caller.staff.as_ref().map(ToString::to_string),
    })
}

struct List {
    parent: Option<SiteId>,
    filter: Filter,
    after: Option<Key>,
    limit: i64,
    now: Timestamp,
}

impl Operation for List {
    const NAME: &'static str = "triage.list_clocks";
    type Output = (Vec<(SiteId, Clock)>, HashMap<Uuid, PageRow>);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let rows = clocks::page(tx, &self.filter, self.after, self.limit, self.now).await?;
        let rows = sites::found(tx, self.parent.as_ref(), rows).await?;
        let ids: Vec<Uuid> = rows.iter().map(|(_, clock)| clock.id).collect();
        let pages = pages::last_of(tx, &ids).await?;
        Ok((rows, pages))
    }
}
