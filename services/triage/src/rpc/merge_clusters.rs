//! Moves every case of one cluster into another: a person says that they are about the same issue.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::ClusterName;
use redress_proto::triage::v1::{Cluster, MergeClustersRequest, MergeClustersResponse};
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use redress_timers::Entry;
use tonic::Request;

use super::{Shared, get_cluster};
use crate::casework::{self, Work};
use crate::store::{clusters, sites};

const METHOD: &str = "redress.triage.v1.TriageService/MergeClusters";

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
        receipt: shared.receipt(&caller, METHOD, &target.site, request_id, &request),
        target,
        source,
        etag: request.etag,
        caller: &caller,
        now: shared.desk.now(),
    };
    let scope = redress_runtime::scope(&caller);
    let (cluster, entries) = shared.desk.db.run(&scope, &merge).await?;
    shared.desk.schedule(entries);
    Ok(MergeClustersResponse {
        cluster: Some(cluster),
    })
}

struct Merge<'a> {
    receipt: ReceiptKey,
    target: ClusterName,
    source: ClusterName,
    etag: String,
    caller: &'a Caller,
    now: Timestamp,
}

impl Operation for Merge<'_> {
    const NAME: &'static str = "triage.merge_clusters";
    type Output = (Cluster, Vec<Entry>);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let id = &self.target.site;
        let missing = |name: &ClusterName| Fault::not_found("Cluster", name);
        let site = sites::get(tx, id)
            .await?
            .ok_or_else(|| missing(&self.target))?;
        let repeated = matches!(
            receipt::claim(tx, &self.receipt, self.now).await?,
            Claim::Seen { .. }
        );
        sites::lock_clusters(tx, id).await?;
        let target = clusters::get(tx, id, self.target.id)
            .await?
            .ok_or_else(|| missing(&self.target))?;
        let source = clusters::get(tx, id, self.source.id)
            .await?
            .ok_or_else(|| missing(&self.source))?;
        let mut entries = Vec::new();
        if !repeated && source.merged_into != Some(target.id) {
            etag::check(&self.etag, target.revision, &self.target)?;
            for (cluster, name) in [(&target, &self.target), (&source, &self.source)] {
                if let Some(into) = cluster.merged_into {
                    let into = ClusterName::new(id.clone(), into);
                    return Err(Fault::illegal(
                        "CLUSTER_MERGED",
                        format!("{name} was merged into {into}; name that one"),
                        name,
                    ));
                }
            }
            let mut work = Work::new(tx, &site, self.now);
            casework::merge(&mut work, source.id, target.id).await?;
            entries = work.entries;
        }
        let cluster = get_cluster::read(tx, self.caller, &self.target, self.now).await?;
        if !repeated {
            let resource = self.target.to_string();
            receipt::complete(tx, &self.receipt, &resource, &cluster.etag).await?;
        }
        Ok((cluster, entries))
    }
}
