//! Lists the revisions of a site's calendar, newest first.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{SiteId, SiteName};
use redress_proto::triage::v1::{ListCalendarRevisionsRequest, ListCalendarRevisionsResponse};
use redress_rpc::Caller;
use redress_rpc::page::Page;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::Shared;
use super::calendar_service::{missing, render};
use crate::domain::calendars::Revision;
use crate::store::{calendars, sites};

pub(super) async fn run(
    shared: &Shared,
    request: Request<ListCalendarRevisionsRequest>,
) -> Result<ListCalendarRevisionsResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let size = std::mem::take(&mut request.page_size);
    let token = std::mem::take(&mut request.page_token);
    let page: Page<i32> = Page::of("ListCalendarRevisions", size, &token, &request)?;
    let site: SiteName = parse_field("parent", &request.parent)?;
    let list = List {
        site: site.0,
        below: page.after().copied(),
        limit: page.limit(),
    };
    let scope = redress_runtime::scope(&caller);
    let rows = shared.desk.db.read(&scope, &list).await?;
    let (rows, next_page_token) =
        page.finish(rows, |row| i32::try_from(row.number).unwrap_or(i32::MAX));
    Ok(ListCalendarRevisionsResponse {
        calendars: rows
            .iter()
            .map(|row| render(&list.site, &row.content, Some(row)))
            .collect(),
        next_page_token,
    })
}

struct List {
    site: SiteId,
    below: Option<i32>,
    limit: i64,
}

impl Operation for List {
    const NAME: &'static str = "triage.list_calendar_revisions";
    type Output = Vec<Revision>;

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        if !sites::exists(tx, &self.site).await? {
            return Err(missing(&self.site));
        }
        calendars::page(tx, &self.site, self.below, self.limit).await
    }
}
