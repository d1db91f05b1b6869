//! Gets a cluster with its newest cases and what people did to it. Cases about the caller are left out.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::ClusterName;
use redress_proto::triage::v1::{Cluster, GetClusterRequest, GetClusterResponse};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Shared, render_cluster as render};
use crate::casework::{cluster_facts, facts_without};
use crate::store::{cluster_acts, clusters, sites};

/// The newest members that a cluster shows.
const MEMBERS_MAX: i64 = 200;

/// The newest acts that a cluster shows.
const ACTS_MAX: i64 = 50;

pub(super) async fn run(
    shared: &Shared,
    request: Request<GetClusterRequest>,
) -> Result<GetClusterResponse, Fault> {
    let caller = Caller::of(&request)?;
    let get = Get {
        name: parse_field("name", &request.get_ref().name)?,
        caller,
        now: shared.desk.now(),
    };
    let cluster = shared
        .desk
        .db
        .read(&redress_runtime::scope(caller), &get)
        .await?;
    Ok(GetClusterResponse {
        cluster: Some(cluster),
    })
}

struct Get<'a> {
    name: ClusterName,
    caller: &'a Caller,
    now: Timestamp,
}

impl Operation for Get<'_> {
    const NAME: &'static str = "triage.get_cluster";
    type Output = Cluster;

    async fn run(&self, tx: &mut Tx) -> Result<Cluster, Fault> {
        read(tx, self.caller, &self.name, self.now).await
    }
}

/// The cluster as the caller may see it, with its cases and acts.
pub(super) async fn read(
    tx: &mut Tx,
    caller: &Caller,
    name: &ClusterName,
    now: Timestamp,
) -> Result<Cluster, Fault> {
    let mut cluster = row(tx, caller, name, now).await?;
    let staff = caller.staff.as_ref().map(ToString::to_string);
    let staff = staff.as_deref();
    let seats = clusters::seats(tx, &name.site, name.id, staff, MEMBERS_MAX).await?;
    render::show_members(&mut cluster, &name.site, seats)?;
    let acts = cluster_acts::of_cluster(tx, &name.site, name.id, staff, ACTS_MAX).await?;
    cluster.acts = render::acts(&name.site, acts);
    Ok(cluster)
}

/// The cluster as the caller may see it, without its cases and acts.
pub(super) async fn row(
    tx: &mut Tx,
    caller: &Caller,
    name: &ClusterName,
    now: Timestamp,
) -> Result<Cluster, Fault> {
    let missing = || Fault::not_found("Cluster", name);
    let site = sites::get(tx, &name.site, now).await?.ok_or_else(missing)?;
    let mut cluster = clusters::get(tx, &name.site, name.id)
        .await?
        .ok_or_else(missing)?;
    let staff = caller.staff.as_ref().map(ToString::to_string);
    let visible = clusters::visible(tx, &name.site, name.id, staff.as_deref()).await?;
    let facts = match staff {
        // Nothing that is counted tells of the cases that are left out.
        Some(staff) if visible.cases < cluster.cases => {
            if visible.cases == 0 {
                return Err(missing());
            }
            cluster.newest = visible.newest;
            cluster.defect.units = cluster.defect.units.min(visible.cases);
            facts_without(tx, &site, name.id, now, &staff).await?
        }
        _ => cluster_facts(tx, &site, name.id, now, false).await?,
    };
    Ok(render::cluster(&name.site, cluster, visible, facts))
}
