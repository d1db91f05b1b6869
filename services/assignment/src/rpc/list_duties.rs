//! Lists duties; with an instant, who is on duty then.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_model::words::DutyRole;
use redress_proto::assignment::v1::{ListDutiesRequest, ListDutiesResponse};
use redress_proto::convert::{from_timestamp, from_wire};
use redress_rpc::page::Page;
use redress_rpc::{Caller, etag};
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Shared, parse, render};
use crate::domain::bench::Stretch;
use crate::store::{duties, sites};

/// The roster's revision, and the position in it.
type Key = (i64, i32);

pub(super) async fn run(
    shared: &Shared,
    request: Request<ListDutiesRequest>,
) -> Result<ListDutiesResponse, Fault> {
    let scope = redress_runtime::scope(Caller::of(&request)?);
    let mut request = request.into_inner();
    let size = std::mem::take(&mut request.page_size);
    let token = std::mem::take(&mut request.page_token);
    let page: Page<Key> = Page::of("ListDuties", size, &token, &request)?;
    let at = request
        .at_time
        .as_ref()
        .map(|t| from_timestamp("at_time", t))
        .transpose()?;
    let operation = List {
        site: parse::site(&request.parent)?,
        at,
        role: from_wire(request.role),
        after: page.after().copied(),
        limit: page.limit(),
    };
    let (revision, rows) = shared.db.read(&scope, &operation).await?;
    let (rows, next_page_token) = page.finish(rows, |(position, _)| (revision, *position));
    Ok(ListDutiesResponse {
        duties: rows
            .iter()
            .map(|(_, s)| render::duty(&operation.site, s))
            .collect(),
        next_page_token,
        etag: etag::of(revision),
    })
}

struct List {
    site: SiteId,
    at: Option<Timestamp>,
    role: Option<DutyRole>,
    after: Option<Key>,
    limit: i64,
}

impl Operation for List {
    const NAME: &'static str = "assignment.list_duties";
    type Output = (i64, Vec<(i32, Stretch)>);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        sites::require(tx, &self.site).await?;
        let revision = duties::revision(tx, &self.site).await?;
        if self.after.is_some_and(|(seen, _)| seen != revision) {
            return Err(Fault::out_of_range(
                "the roster was set anew; list again from the start",
            ));
        }
        let after = self.after.map(|(_, position)| position);
        let rows = duties::list(tx, &self.site, self.at, self.role, after, self.limit).await?;
        Ok((revision, rows))
    }
}
