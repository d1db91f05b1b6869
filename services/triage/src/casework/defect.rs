//! A defect of many homes (M19): proposed when complaints about one issue come from enough different units,
//! then a person decides. Nobody outside is told by it here.

use redress_events::{NewEvent, publish};
use redress_model::Fault;
use redress_model::name::ClusterName;
use redress_model::words::Category;
use redress_proto::convert::{to_timestamp, to_wire_opt};
use redress_proto::event::v1::DefectChanged;
use uuid::Uuid;

use super::Work;
use super::status::complains;
use crate::domain::defect::{Defect, DefectState, is_of_the_building};
use crate::store::cases::Case;
use crate::store::cluster_acts;
use crate::store::clusters::{self, Cluster};

/// Proposes a notice where this case, which has just joined or whose place or category has just changed, makes its cluster
/// reach the policy's number of units (M19). What was proposed already stays. The site's clusters must be locked.
pub async fn propose(work: &mut Work<'_>, case: &Case) -> Result<(), Fault> {
    let category = case.category();
    let counts = !case.facts.historical && complains(case.status);
    if !counts || !category.is_some_and(is_of_the_building) {
        return Ok(());
    }
    if !cluster_acts::has_unit(work.tx, &work.site.id, case.id).await? {
        return Ok(());
    }
    match clusters::get(work.tx, &work.site.id, case.cluster).await? {
        Some(cluster) => propose_of(work, &cluster, category).await,
        None => Ok(()),
    }
}

/// Another cluster, about which this was said, was merged into this one: the weightier of what was said of the two stands, and
/// where nothing was, both together may reach the number. The site's clusters must be locked.
pub(super) async fn merged(
    work: &mut Work<'_>,
    said: &Defect,
    cluster: &Cluster,
) -> Result<(), Fault> {
    let site = &work.site.id;
    if said.state.weight() > cluster.defect.state.weight() {
        // Nothing new is said by it, so nobody is told.
        return cluster_acts::set_defect(work.tx, site, cluster.id, said).await;
    }
    let category = clusters::category(work.tx, site, cluster.id).await?;
    if category.is_some_and(is_of_the_building) {
        propose_of(work, cluster, category).await?;
    }
    Ok(())
}

/// Cases of a cluster were moved into another, and this is one of the two: a proposal stands no longer where too few units are
/// left, and where nothing was said yet what there is now may reach the number. What a person decided stays. The site's
/// clusters must be locked.
pub(super) async fn parted(work: &mut Work<'_>, cluster: Uuid) -> Result<(), Fault> {
    let site = &work.site.id;
    let Some(cluster) = clusters::get(work.tx, site, cluster).await? else {
        return Ok(());
    };
    if cluster.defect.state == DefectState::Proposed {
        let enough = work.site.profile().clusters.general_defect_units;
        if cluster_acts::units(work.tx, site, cluster.id).await? >= enough {
            return Ok(());
        }
        // Nobody outside has heard of a proposal, so nobody is told.
        return cluster_acts::set_defect(work.tx, site, cluster.id, &Defect::default()).await;
    }
    let category = clusters::category(work.tx, site, cluster.id).await?;
    if category.is_some_and(is_of_the_building) {
        propose_of(work, &cluster, category).await?;
    }
    Ok(())
}

async fn propose_of(
    work: &mut Work<'_>,
    cluster: &Cluster,
    category: Option<Category>,
) -> Result<(), Fault> {
    let enough = work.site.profile().clusters.general_defect_units;
    // Fewer cases than that cannot be about so many units.
    if cluster.defect.state != DefectState::None || cluster.cases < enough {
        return Ok(());
    }
    let units = cluster_acts::units(work.tx, &work.site.id, cluster.id).await?;
    if units < enough {
        return Ok(());
    }
    let defect = Defect {
        state: DefectState::Proposed,
        units,
        since: Some(work.now),
        by: String::new(),
        reason: String::new(),
    };
    stand(work, cluster, &defect, category).await
}

/// Keeps what a person decided: who, and why. The site's clusters must be locked.
pub async fn review_defect(
    work: &mut Work<'_>,
    cluster: &Cluster,
    to: DefectState,
    (by, reason): (&str, &str),
) -> Result<(), Fault> {
    let defect = Defect {
        state: to,
        units: cluster_acts::units(work.tx, &work.site.id, cluster.id).await?,
        since: Some(work.now),
        by: by.to_owned(),
        reason: reason.to_owned(),
    };
    let category = clusters::category(work.tx, &work.site.id, cluster.id).await?;
    stand(work, cluster, &defect, category).await
}

async fn stand(
    work: &mut Work<'_>,
    cluster: &Cluster,
    defect: &Defect,
    category: Option<Category>,
) -> Result<(), Fault> {
    let site = &work.site.id;
    cluster_acts::set_defect(work.tx, site, cluster.id, defect).await?;
    let name = ClusterName::new(site.clone(), cluster.id).to_string();
    let payload = DefectChanged {
        cluster: name.clone(),
        state: defect.state.word().to_owned(),
        units: i32::try_from(defect.units).unwrap_or(i32::MAX),
        category: to_wire_opt(category),
        state_time: Some(to_timestamp(work.now)),
    };
    let event = NewEvent {
        event_type: "redress.defect.changed.v1",
        site,
        subject: &name,
        historical: false,
        payload: &payload,
    };
    publish(work.tx, &event).await?;
    Ok(())
}
