//! Moves some cases of a cluster into a new one: a person says that they are about another issue.

use std::collections::BTreeSet;

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::ClusterName;
use redress_proto::triage::v1::{Cluster, SplitClusterRequest, SplitClusterResponse};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use redress_timers::Entry;
use tonic::Request;
use uuid::Uuid;

use super::cluster_service::{Change, cases_of};
use super::{Shared, get_cluster};
use crate::casework::{self, Work};
use crate::store::cluster_acts::{self, Act};

const METHOD: &str = "redress.triage.v1.ClusterService/SplitCluster";

pub(super) async fn run(
    shared: &Shared,
    request: Request<SplitClusterRequest>,
) -> Result<SplitClusterResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let name: ClusterName = parse_field("name", &request.name)?;
    caller.require_site(&name.site)?;
    let request_id = std::mem::take(&mut request.request_id);
    let split = Split {
        cases: cases_of(&name, &request.cases)?,
        change: Change {
            receipt: shared.receipt(&caller, METHOD, &name.site, request_id, &request),
            name,
            etag: request.etag,
            caller: &caller,
            now: shared.desk.now(),
        },
        reason: request.reason,
    };
    let scope = redress_runtime::scope(&caller);
    let (cluster, new, entries) = shared.desk.db.run(&scope, &split).await?;
    shared.desk.schedule(entries);
    Ok(SplitClusterResponse {
        cluster: Some(cluster),
        new_cluster: Some(new),
    })
}

struct Split<'a> {
    change: Change<'a>,
    cases: BTreeSet<Uuid>,
    reason: String,
}

impl Operation for Split<'_> {
    const NAME: &'static str = "triage.split_cluster";
    type Output = (Cluster, Cluster, Vec<Entry>);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let Change {
            name, caller, now, ..
        } = &self.change;
        let open = self.change.begin(tx).await?;
        let (new, entries) = match &open.done_before {
            Some(resource) => (resource.parse().map_err(Fault::internal)?, Vec::new()),
            None => {
                self.change.check(&open)?;
                self.may_leave(tx, open.cluster.cases).await?;
                let mut work = Work::new(tx, &open.site, *now);
                let new = casework::split(&mut work, name.id, &self.cases).await?;
                let entries = work.entries;
                let (here, there) = (self.act(new), self.act(name.id));
                cluster_acts::record(tx, &name.site, name.id, &here).await?;
                cluster_acts::record(tx, &name.site, new, &there).await?;
                (ClusterName::new(name.site.clone(), new), entries)
            }
        };
        let cluster = get_cluster::read(tx, caller, name, *now).await?;
        let new = get_cluster::read(tx, caller, &new, *now).await?;
        if open.done_before.is_none() {
            self.change.finish(tx, &new.name, &new.etag).await?;
        }
        Ok((cluster, new, entries))
    }
}

impl Split<'_> {
    /// Refuses to move what is not there, what was confirmed, and everything.
    async fn may_leave(&self, tx: &mut Tx, all: u32) -> Result<(), Fault> {
        let name = &self.change.name;
        let found = self.change.named(tx, &self.cases).await?;
        if found.iter().any(|(_, confirmed)| *confirmed) {
            return Err(Fault::illegal(
                "CASE_CONFIRMED",
                "somebody confirmed that a case belongs here; withdraw that first",
                name,
            ));
        }
        if u32::try_from(found.len()).unwrap_or(u32::MAX) >= all {
            return Err(Fault::illegal(
                "NOTHING_STAYS",
                "a split leaves at least one case; leave one out",
                name,
            ));
        }
        Ok(())
    }

    fn act(&self, other: Uuid) -> Act {
        Act {
            act: "split".to_owned(),
            actor: self.change.caller.subject.clone(),
            reason: self.reason.clone(),
            other: Some(other),
            cases: self.cases.iter().copied().collect(),
            at: self.change.now,
        }
    }
}
