//! Lists the opening-day windows of a site.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{SiteId, SiteName};
use redress_proto::triage::v1::{ListOpeningWindowsRequest, ListOpeningWindowsResponse};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::Shared;
use super::policy_service::windows;
use crate::store::openings::{self, Windows};
use crate::store::sites;

pub(super) async fn run(
    shared: &Shared,
    request: Request<ListOpeningWindowsRequest>,
) -> Result<ListOpeningWindowsResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let site: SiteName = parse_field("parent", &request.get_ref().parent)?;
    caller.require_site(&site.0)?;
    let scope = redress_runtime::scope(&caller);
    let list = List(site.0);
    let found = shared.desk.db.read(&scope, &list).await?;
    Ok(ListOpeningWindowsResponse {
        opening_windows: Some(windows(&list.0, found, shared.desk.now())),
    })
}

struct List(SiteId);

impl Operation for List {
    const NAME: &'static str = "triage.list_opening_windows";
    type Output = Windows;

    async fn run(&self, tx: &mut Tx) -> Result<Windows, Fault> {
        if !sites::exists(tx, &self.0).await? {
            return Err(Fault::not_found("Site", SiteName(self.0.clone())));
        }
        openings::get(tx, &self.0).await
    }
}
