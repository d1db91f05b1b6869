//! Lists the units of a site by id.

use redress_model::Fault;
use redress_model::name::SiteId;
use redress_proto::assignment::v1::{ListUnitsRequest, ListUnitsResponse};
use redress_rpc::Caller;
use redress_rpc::page::Page;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::super::{Shared, parse as names};
use super::render;
use crate::store::{sites, units};

pub(super) async fn run(
    shared: &Shared,
    request: Request<ListUnitsRequest>,
) -> Result<ListUnitsResponse, Fault> {
    let scope = redress_runtime::scope(Caller::of(&request)?);
    let mut request = request.into_inner();
    let size = std::mem::take(&mut request.page_size);
    let token = std::mem::take(&mut request.page_token);
    let page: Page<String> = Page::of("ListUnits", size, &token, &request)?;
    let list = List {
        site: names::site(&request.parent)?,
        after: page.after().cloned(),
        limit: page.limit(),
    };
    let rows = shared.db.read(&scope, &list).await?;
    let (rows, next_page_token) = page.finish(rows, |kept| kept.unit.id.clone());
    Ok(ListUnitsResponse {
        units: rows
            .into_iter()
            .map(|kept| render::unit(&list.site, kept))
            .collect(),
        next_page_token,
    })
}

struct List {
    site: SiteId,
    after: Option<String>,
    limit: i64,
}

impl Operation for List {
    const NAME: &'static str = "assignment.list_units";
    type Output = Vec<units::Kept>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<units::Kept>, Fault> {
        sites::require(tx, &self.site).await?;
        units::list(tx, &self.site, self.after.as_ref(), self.limit).await
    }
}
