//! News of clusters: which complaints belong together, and that a defect is one of many homes.

use jiff::Timestamp;
use redress_events::{Applied, Event};
use redress_model::fault::parse_field;
use redress_model::name::{CaseName, ClusterName};
use redress_model::words::DutyRole;
use redress_model::{Fault, ids};
use redress_proto::convert;
use redress_proto::event::v1::{ClusterChanged, DefectChanged};
use redress_store::Tx;

use crate::domain::owner_notice::{self, Content};
use crate::domain::words::Language;
use crate::jobs::owner_notices::tell_lead;
use crate::store::matters;
use crate::store::owner_notices::{self, NewNotice};

pub(super) async fn cluster_changed(tx: &mut Tx, event: &Event) -> Result<Applied, Fault> {
    let news: ClusterChanged = event.decode()?;
    let case: CaseName = parse_field("case", &news.case)?;
    let cluster: ClusterName = parse_field("cluster", &news.cluster)?;
    if matters::lock_case(tx, &case).await?.is_none() {
        return Ok(Applied::Wait);
    }
    let left = if news.merged || news.previous_cluster.is_empty() {
        None
    } else {
        let previous: ClusterName = parse_field("previous_cluster", &news.previous_cluster)?;
        Some(previous.id)
    };
    owner_notices::keep_cluster(tx, &case, cluster.id, left).await?;
    Ok(Applied::Done)
}

/// A person said that the other owners are to be told (M19): a notice is drafted, and whoever is on duty hears that it
/// waits. Nobody outside is told by it.
pub(super) async fn defect_changed(
    tx: &mut Tx,
    event: &Event,
    now: Timestamp,
) -> Result<Applied, Fault> {
    let news: DefectChanged = event.decode()?;
    let cluster: ClusterName = parse_field("cluster", &news.cluster)?;
    if news.state != "ACCEPTED" || event.historical {
        return Ok(Applied::Done);
    }
    let category = convert::from_wire(news.category);
    let content = Content {
        cluster: Some(cluster.id),
        danger: false,
        include_known: true,
        chinese: owner_notice::draft(category, Language::Chinese),
        english: owner_notice::draft(category, Language::English),
        list_revision: 0,
    };
    let new = NewNotice {
        id: ids::new_id(now),
        category,
        units: news.units,
        proposed: true,
        content: &content,
        authors: &[],
    };
    if owner_notices::insert(tx, &cluster.site, &new, now).await?
        && let Some(notice) = owner_notices::get(tx, &cluster.site, new.id).await?
    {
        let roles = [DutyRole::DutyLead, DutyRole::TopLead];
        tell_lead(tx, &notice, false, roles, now).await?;
    }
    Ok(Applied::Done)
}
