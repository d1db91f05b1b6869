//! Lists the register of a site: what was promised and what speaks against us, also for one case by its category (M10).

use redress_model::Fault;
use redress_model::name::CaseName;
use redress_model::words::Category;
use redress_proto::assignment::v1::{ListRegisterEntriesRequest, ListRegisterEntriesResponse};
use redress_proto::convert::from_wire;
use redress_rpc::Caller;
use redress_rpc::page::Page;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::super::{Shared, parse as names, visible_work};
use super::matter::{self, Key};
use super::{parse, render};
use crate::domain::practice::register::{Entry, Kind, touching};
use crate::store::matters::Filter;

pub(super) async fn run(
    shared: &Shared,
    request: Request<ListRegisterEntriesRequest>,
) -> Result<ListRegisterEntriesResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let size = std::mem::take(&mut request.page_size);
    let token = std::mem::take(&mut request.page_token);
    let page: Page<Key> = Page::of("ListRegisterEntries", size, &token, &request)?;
    let site = names::site_or_any(&request.parent)?;
    let mut category: Option<Category> = from_wire(request.category);
    if let Some(id) = parse::case_of(site.as_ref(), &request.case)?
        && let Some(site) = &site
    {
        let of_case = CategoryOf {
            case: CaseName::new(site.clone(), id),
            caller: &caller,
        };
        let known = shared
            .db
            .read(&redress_runtime::scope(&caller), &of_case)
            .await?;
        category = category.or(known);
    }
    let kind: Option<Kind> = from_wire(request.kind);
    let filter = Filter {
        any_of: [
            kind.map(|kind| format!("kind={kind}"))
                .into_iter()
                .collect(),
            category.map_or_else(Vec::new, |c| touching("category", c.word())),
            if request.unit.is_empty() {
                Vec::new()
            } else {
                touching("unit", &parse::unit_id("unit", &request.unit)?)
            },
        ],
        query: parse::text("query", request.query, 100)?,
        on: parse::day_opt("on_date", &request.on_date)?
            .map_or_else(String::new, |d| d.to_string()),
        site,
        ..Default::default()
    };
    let (rows, next_page_token) = matter::list::<Entry>(shared, &caller, filter, &page).await?;
    Ok(ListRegisterEntriesResponse {
        entries: rows
            .into_iter()
            .map(|kept| render::entry(kept, Vec::new()))
            .collect(),
        next_page_token,
    })
}

/// What a case is about, as last decided.
struct CategoryOf<'a> {
    case: CaseName,
    caller: &'a Caller,
}

impl Operation for CategoryOf<'_> {
    const NAME: &'static str = "assignment.category_of_case";
    type Output = Option<Category>;

    async fn run(&self, tx: &mut Tx) -> Result<Option<Category>, Fault> {
        Ok(visible_work(tx, self.caller, &self.case).await?.category())
    }
}
