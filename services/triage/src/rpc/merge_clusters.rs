//! Moves every case of one cluster into another: a person says that they are about the same issue. Confirmed
//! cases are carried along, and stay confirmed: who belonged together before does so after it.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::ClusterName;
use redress_proto::triage::v1::{Cluster, MergeClustersRequest, MergeClustersResponse};
use redress_rpc::{Caller, etag};
use redress_store::{Operation, Tx};
use redress_timers::Entry;
use tonic::Request;
use uuid::Uuid;

use super::cluster_service::{Change, not_merged};
use super::{Shared, get_cluster};
use crate::casework::{self, Work};
use crate::store::cluster_acts::{self, Act};

const METHOD: &str = "redress.triage.v1.ClusterService/MergeClusters";

pub(super) async fn run(
    shared: &Shared,
    request: Request<MergeClustersRequest>,
) -> Result<MergeClustersResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let target: ClusterName = parse_field("name", &request.name)?;
    let source: ClusterName = parse_field("source", &request.source)?;
    caller.require_site(&target.site)?;
    if source.site != target.site {
        return Err(Fault::invalid(
            "source",
            "must be a cluster of the same site",
        ));
    }
    if source == target {
        return Err(Fault::invalid("source", "must be another cluster"));
    }
    let request_id = std::mem::take(&mut request.request_id);
    let merge = Merge {
        change: Change {
            receipt: shared.receipt(&caller, METHOD, &target.site, request_id, &request),
            name: target,
            etag: request.etag,
            caller: &caller,
            now: shared.desk.now(),
        },
        source,
        source_etag: request.source_etag,
    };
    let scope = redress_runtime::scope(&caller);
    let (cluster, entries) = shared.desk.db.run(&scope, &merge).await?;
    shared.desk.schedule(entries);
    Ok(MergeClustersResponse {
        cluster: Some(cluster),
    })
}

struct Merge<'a> {
    change: Change<'a>,
    source: ClusterName,
    source_etag: String,
}

impl Operation for Merge<'_> {
    const NAME: &'static str = "triage.merge_clusters";
    type Output = (Cluster, Vec<Entry>);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let Change {
            name, caller, now, ..
        } = &self.change;
        let open = self.change.begin(tx).await?;
        let source = self.change.find(tx, &self.source).await?;
        let mut entries = Vec::new();
        if open.done_before.is_none() && source.merged_into != Some(name.id) {
            self.change.check(&open)?;
            etag::check(&self.source_etag, source.revision, &self.source)?;
            not_merged(&self.source, &source)?;
            let mut work = Work::new(tx, &open.site, *now);
            let moved = casework::merge(&mut work, source.id, name.id).await?;
            entries = work.entries;
            let act = self.act(source.id, moved);
            cluster_acts::record(tx, &name.site, name.id, &act).await?;
        }
        let cluster = get_cluster::read(tx, caller, name, *now).await?;
        if open.done_before.is_none() {
            self.change.finish(tx, &cluster.name, &cluster.etag).await?;
        }
        Ok((cluster, entries))
    }
}

impl Merge<'_> {
    fn act(&self, source: Uuid, cases: Vec<Uuid>) -> Act {
        Act {
            act: "merge".to_owned(),
            actor: self.change.caller.subject.clone(),
            reason: String::new(),
            other: Some(source),
            cases,
            at: self.change.now,
        }
    }
}
