//! ListFeed: what a site published, oldest first.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{SiteId, SiteName};
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Statements, view};
use crate::store::feed::{self, Entry};
use crate::store::sites;

/// Entries of an answer where nobody asks for a number.
const PAGE: i32 = 50;

pub(super) async fn handle(
    api: &Statements,
    request: &Request<wire::ListFeedRequest>,
) -> Result<wire::ListFeedResponse, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    let SiteName(site) = parse_field("parent", &r.parent)?;
    caller.require_site(&site)?;
    let list = List {
        site,
        after: r.after_number,
        limit: if r.page_size == 0 { PAGE } else { r.page_size },
    };
    let db = &api.incidents.db;
    let entries = redress_runtime::sight(caller).read(db, &list).await?;
    Ok(wire::ListFeedResponse {
        entries: entries.iter().map(view::entry).collect(),
    })
}

struct List {
    site: SiteId,
    after: i64,
    limit: i32,
}

impl Operation for List {
    const NAME: &'static str = "crisis.list_feed";
    type Output = Vec<Entry>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<Entry>, Fault> {
        let rows = feed::after(tx, &self.site, self.after, i64::from(self.limit)).await?;
        // Whoever reads the feed of a mistyped site would wait for ever.
        sites::found(tx, Some(&self.site), rows).await
    }
}
