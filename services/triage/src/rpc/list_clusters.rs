//! Lists clusters, newest complaint first. Those of which the caller may know no case are left out.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::{ClusterName, SiteId};
use redress_proto::triage::v1::{
    Cluster, GeneralDefectState, ListClustersRequest, ListClustersResponse,
};
use redress_rpc::Caller;
use redress_rpc::page::Page;
use redress_store::{Operation, Tx};
use tonic::Request;
use uuid::Uuid;

use super::{Shared, get_cluster, parse};
use crate::domain::defect::DefectState;
use crate::store::clusters::{self, Filter};
use crate::store::sites;

type Key = (Timestamp, Uuid);

pub(super) async fn run(
    shared: &Shared,
    request: Request<ListClustersRequest>,
) -> Result<ListClustersResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let size = std::mem::take(&mut request.page_size);
    let token = std::mem::take(&mut request.page_token);
    let page: Page<Key> = Page::of("ListClusters", size, &token, &request)?;
    let list = List {
        filter: Filter {
            site: parse::site_or_any(&request.parent)?,
            min_cases: request.min_cases,
            defect: match request.general_defect() {
                GeneralDefectState::Unspecified => None,
                GeneralDefectState::Proposed => Some(DefectState::Proposed),
                GeneralDefectState::Accepted => Some(DefectState::Accepted),
                GeneralDefectState::Dismissed => Some(DefectState::Dismissed),
            },
            not_about: caller.staff.as_ref().map(ToString::to_string),
        },
        after: page.after().copied(),
        limit: page.limit(),
        caller: &caller,
        now: shared.desk.now(),
    };
    let scope = redress_runtime::scope(&caller);
    let rows = shared.desk.db.read(&scope, &list).await?;
    let (rows, next_page_token) = page.finish(rows, |(key, _)| *key);
    Ok(ListClustersResponse {
        clusters: rows.into_iter().map(|(_, cluster)| cluster).collect(),
        next_page_token,
    })
}

struct List<'a> {
    filter: Filter,
    after: Option<Key>,
    limit: i64,
    caller: &'a Caller,
    now: Timestamp,
}

impl Operation for List<'_> {
    const NAME: &'static str = "triage.list_clusters";
    type Output = Vec<(Key, Cluster)>;

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let rows: Vec<(SiteId, Uuid, Timestamp)> =
            clusters::page(tx, &self.filter, self.after, self.limit).await?;
        let rows = sites::found(tx, self.filter.site.as_ref(), rows).await?;
        let mut listed = Vec::with_capacity(rows.len());
        for (site, id, newest) in rows {
            let name = ClusterName::new(site, id);
            let cluster = get_cluster::row(tx, self.caller, &name, self.now).await?;
            listed.push(((newest, id), cluster));
        }
        Ok(listed)
    }
}
