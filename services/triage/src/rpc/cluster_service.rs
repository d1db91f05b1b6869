//! ClusterService: which file answers what, and how every change of a cluster begins and ends.

use std::collections::BTreeSet;

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{CaseName, ClusterName};
use redress_proto::triage::v1::cluster_service_server::ClusterService;
use redress_proto::triage::v1::{
    ConfirmClusterRequest, ConfirmClusterResponse, GetClusterRequest, GetClusterResponse,
    ListClustersRequest, ListClustersResponse, MergeClustersRequest, MergeClustersResponse,
    ReviewGeneralDefectRequest, ReviewGeneralDefectResponse, SplitClusterRequest,
    SplitClusterResponse,
};
use redress_rpc::{Caller, etag, status};
use redress_store::Tx;
use redress_store::receipt::{self, Claim, ReceiptKey};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{
    TriageRpc, answer, confirm_cluster, get_cluster, list_clusters, merge_clusters,
    require_visible, review_general_defect, split_cluster,
};
use crate::store::clusters::Cluster;
use crate::store::sites::Site;
use crate::store::{cases, cluster_acts, clusters, sites};

#[tonic::async_trait]
impl ClusterService for TriageRpc {
    async fn get_cluster(
        &self,
        request: Request<GetClusterRequest>,
    ) -> Result<Response<GetClusterResponse>, Status> {
        answer!(&self.0, request, get_cluster)
    }

    async fn list_clusters(
        &self,
        request: Request<ListClustersRequest>,
    ) -> Result<Response<ListClustersResponse>, Status> {
        answer!(&self.0, request, list_clusters)
    }

    async fn merge_clusters(
        &self,
        request: Request<MergeClustersRequest>,
    ) -> Result<Response<MergeClustersResponse>, Status> {
        answer!(&self.0, request, merge_clusters)
    }

    async fn split_cluster(
        &self,
        request: Request<SplitClusterRequest>,
    ) -> Result<Response<SplitClusterResponse>, Status> {
        answer!(&self.0, request, split_cluster)
    }

    async fn confirm_cluster(
        &self,
        request: Request<ConfirmClusterRequest>,
    ) -> Result<Response<ConfirmClusterResponse>, Status> {
        answer!(&self.0, request, confirm_cluster)
    }

    async fn review_general_defect(
        &self,
        request: Request<ReviewGeneralDefectRequest>,
    ) -> Result<Response<ReviewGeneralDefectResponse>, Status> {
        answer!(&self.0, request, review_general_defect)
    }
}

/// A change of one cluster that a person asks for.
#[derive(Debug)]
pub(super) struct Change<'a> {
    pub(super) receipt: ReceiptKey,
    pub(super) name: ClusterName,
    pub(super) etag: String,
    pub(super) caller: &'a Caller,
    pub(super) now: Timestamp,
}

/// A change that has begun: the site's clusters are locked.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) site: Site,
    pub(super) cluster: Cluster,
    /// What the same request led to before.
    pub(super) done_before: Option<String>,
}

impl Change<'_> {
    /// Claims the receipt and locks the site's clusters.
    pub(super) async fn begin(&self, tx: &mut Tx) -> Result<Open, Fault> {
        let missing = || Fault::not_found("Cluster", &self.name);
        let id = &self.name.site;
        let site = sites::get(tx, id, self.now).await?.ok_or_else(missing)?;
        let done_before = match receipt::claim(tx, &self.receipt, self.now).await? {
            Claim::New => None,
            Claim::Seen { resource, .. } => Some(resource),
        };
        sites::lock_clusters(tx, id).await?;
        let cluster = self.find(tx, &self.name).await?;
        Ok(Open {
            site,
            cluster,
            done_before,
        })
    }

    /// A cluster that the caller may handle. One with a case about the caller is not there: whatever is done to it changes what
    /// counts for that case (decision 53).
    pub(super) async fn find(&self, tx: &mut Tx, name: &ClusterName) -> Result<Cluster, Fault> {
        let missing = || Fault::not_found("Cluster", name);
        let cluster = clusters::get(tx, &name.site, name.id)
            .await?
            .ok_or_else(missing)?;
        let Some(staff) = self.caller.staff.as_ref().map(ToString::to_string) else {
            return Ok(cluster);
        };
        let seen = clusters::visible(tx, &name.site, name.id, Some(&staff)).await?;
        if seen.cases < cluster.cases {
            return Err(missing());
        }
        Ok(cluster)
    }

    /// Refuses a cluster that changed since the caller saw it, and one that was merged.
    pub(super) fn check(&self, open: &Open) -> Result<(), Fault> {
        etag::check(&self.etag, open.cluster.revision, &self.name)?;
        not_merged(&self.name, &open.cluster)
    }

    /// These cases of the cluster, or all where none is named, each with whether it is confirmed. One that the caller may not
    /// know of is missing; one that is in another cluster, or in none, is told to be there.
    pub(super) async fn named(
        &self,
        tx: &mut Tx,
        wanted: &BTreeSet<Uuid>,
    ) -> Result<Vec<(Uuid, bool)>, Fault> {
        let (site, staff) = (&self.name.site, self.caller.staff.as_ref());
        let staff = staff.map(ToString::to_string);
        let found = cluster_acts::named(tx, site, self.name.id, wanted, staff.as_deref()).await?;
        let missing = wanted
            .iter()
            .find(|case| !found.iter().any(|(id, _)| id == *case));
        let Some(&case) = missing else {
            return Ok(found);
        };
        let name = CaseName::new(site.clone(), case);
        require_visible(tx, self.caller, &name).await?;
        let elsewhere = cases::get(tx, site, case)
            .await?
            .ok_or_else(|| Fault::not_found("Case", &name))?
            .cluster;
        let elsewhere = ClusterName::new(site.clone(), elsewhere);
        // A cluster that the caller may not handle is not named.
        let is_in = match self.find(tx, &elsewhere).await {
            Ok(_) => format!(", it is in {elsewhere}"),
            Err(Fault::NotFound { .. }) => String::new(),
            Err(fault) => return Err(fault),
        };
        Err(Fault::illegal(
            "NOT_IN_CLUSTER",
            format!("{name} is not in {}{is_in}", self.name),
            name,
        ))
    }

    /// Completes the receipt.
    pub(super) async fn finish(
        &self,
        tx: &mut Tx,
        resource: &str,
        etag: &str,
    ) -> Result<(), Fault> {
        receipt::complete(tx, &self.receipt, resource, etag).await
    }
}

/// Refuses a cluster that another took whole.
pub(super) fn not_merged(name: &ClusterName, cluster: &Cluster) -> Result<(), Fault> {
    let Some(into) = cluster.merged_into else {
        return Ok(());
    };
    let into = ClusterName::new(name.site.clone(), into);
    Err(Fault::illegal(
        "CLUSTER_MERGED",
        format!("{name} was merged into {into}; name that one"),
        name,
    ))
}

/// The ids of cases of the cluster's site.
pub(super) fn cases_of(cluster: &ClusterName, cases: &[String]) -> Result<BTreeSet<Uuid>, Fault> {
    cases
        .iter()
        .enumerate()
        .map(|(i, case)| {
            let field = format!("cases[{i}]");
            let name: CaseName = parse_field(&field, case)?;
            if name.site == cluster.site {
                Ok(name.id)
            } else {
                Err(Fault::invalid(field, "must be a case of the same site"))
            }
        })
        .collect()
}
