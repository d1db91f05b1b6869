//! Clusters as the contract shows them.

use redress_model::Fault;
use redress_model::name::{CaseName, ClusterName, SiteId};
use redress_model::words::{Category, Word as _};
use redress_proto::convert::{to_timestamp, to_wire_opt};
use redress_proto::triage::v1 as wire;
use redress_rpc::etag;

use super::render::count;
use crate::domain::ClusterFacts;
use crate::domain::defect::{Defect, DefectState};
use crate::domain::similarity::{Place, PlaceMatch};
use crate::store::cluster_acts::Act;
use crate::store::clusters::{Cluster, Seat, Visible};

/// A cluster without its cases and acts.
pub(super) fn cluster(
    site: &SiteId,
    cluster: Cluster,
    visible: Visible,
    facts: ClusterFacts,
) -> wire::Cluster {
    let name = |id| ClusterName::new(site.clone(), id).to_string();
    wire::Cluster {
        name: name(cluster.id),
        create_time: Some(to_timestamp(cluster.created)),
        case_count: count(visible.cases),
        complainants: count(facts.complainants),
        recent_cases: count(facts.recent_cases),
        members: Vec::new(),
        merged_into: cluster.merged_into.map(name).unwrap_or_default(),
        revision: cluster.revision,
        etag: etag::of(cluster.revision),
        newest_time: cluster.newest.map(to_timestamp),
        grade: visible.grade.map_or(0, i32::from),
        general_defect: Some(defect(cluster.defect)),
        acts: Vec::new(),
        place_case: String::new(),
    }
}

fn defect(defect: Defect) -> wire::GeneralDefect {
    let state = match defect.state {
        DefectState::None => wire::GeneralDefectState::Unspecified,
        DefectState::Proposed => wire::GeneralDefectState::Proposed,
        DefectState::Accepted => wire::GeneralDefectState::Accepted,
        DefectState::Dismissed => wire::GeneralDefectState::Dismissed,
    };
    wire::GeneralDefect {
        state: state.into(),
        units: count(defect.units),
        state_time: defect.since.map(to_timestamp),
        actor: defect.by,
        reason: defect.reason,
    }
}

/// Shows the cases of a cluster, newest first, and how their places stand to that of one of them: the first whose place is
/// known, since those without one say nothing of the others.
pub(super) fn show_members(
    cluster: &mut wire::Cluster,
    site: &SiteId,
    seats: Vec<Seat>,
) -> Result<(), Fault> {
    let first = |has: fn(&Place) -> bool| seats.iter().rev().find(|seat| has(&seat.place));
    let first = first(|place| place.unit.is_some()).or_else(|| first(|p| p.building.is_some()));
    let first = first.map(|seat| (seat.case, seat.place));
    cluster.place_case = first.map_or_else(String::new, |(case, _)| {
        CaseName::new(site.clone(), case).to_string()
    });
    let members = seats.into_iter().map(|seat| {
        let other = first.filter(|(case, _)| *case != seat.case);
        member(site, seat, other.map(|(_, place)| place))
    });
    cluster.members = members.collect::<Result<_, Fault>>()?;
    Ok(())
}

fn member(site: &SiteId, seat: Seat, other: Option<Place>) -> Result<wire::ClusterMember, Fault> {
    let category = seat.category.as_deref().map(Category::parse).transpose();
    let place_match = other.map_or(PlaceMatch::Unknown, |other| seat.place.matched(other));
    let place_match = match place_match {
        PlaceMatch::Unknown => wire::PlaceMatch::Unspecified,
        PlaceMatch::SameUnit => wire::PlaceMatch::SameUnit,
        PlaceMatch::SameBuilding => wire::PlaceMatch::SameBuilding,
        PlaceMatch::Different => wire::PlaceMatch::Different,
    };
    let (confirmer, confirmed) = seat.confirmed.unzip();
    Ok(wire::ClusterMember {
        case: CaseName::new(site.clone(), seat.case).to_string(),
        received_time: Some(to_timestamp(seat.received)),
        similarity: seat.similarity,
        number: seat.number,
        grade: seat.grade.map_or(0, i32::from),
        category: to_wire_opt(category.map_err(Fault::internal)?),
        place_match: place_match.into(),
        confirmer: confirmer.unwrap_or_default(),
        confirm_time: confirmed.map(to_timestamp),
    })
}

/// What people did to a cluster.
pub(super) fn acts(site: &SiteId, acts: Vec<Act>) -> Vec<wire::ClusterAct> {
    let name = |id| ClusterName::new(site.clone(), id).to_string();
    acts.into_iter()
        .map(|act| wire::ClusterAct {
            act: act.act,
            actor: act.actor,
            reason: act.reason,
            other: act.other.map(name).unwrap_or_default(),
            case_count: i32::try_from(act.cases.len()).unwrap_or(i32::MAX),
            act_time: Some(to_timestamp(act.at)),
        })
        .collect()
}
