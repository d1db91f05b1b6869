//! Gets a cluster with its newest cases. Cases about the caller are left out.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::ClusterName;
use redress_proto::triage::v1::{Cluster, GetClusterRequest, GetClusterResponse};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Shared, render};
use crate::casework::cluster_facts;
use crate::store::{cases, clusters, sites};

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

/// The cluster as the caller may see it.
pub(super) async fn read(
    tx: &mut Tx,
    caller: &Caller,
    name: &ClusterName,
    now: Timestamp,
) -> Result<Cluster, Fault> {
    let missing = || Fault::not_found("Cluster", name);
    let site = sites::get(tx, &name.site).await?.ok_or_else(missing)?;
    let cluster = clusters::get(tx, &name.site, name.id)
        .await?
        .ok_or_else(missing)?;
    let mut members = clusters::members(tx, &name.site, name.id).await?;
    let facts = cluster_facts(&site, &members, now, false);
    if let Some(staff) = caller.staff.as_ref().map(ToString::to_string) {
        let mut visible = Vec::with_capacity(members.len());
        for member in members {
            if cases::is_visible(tx, &name.site, member.case, Some(&staff)).await? {
                visible.push(member);
            }
        }
        members = visible;
    }
    Ok(render::cluster(&name.site, cluster, &members, facts))
}
