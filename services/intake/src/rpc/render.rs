//! A stored case as the wire carries it: whole for one reader of one case, without the personal part in
//! lists.

use redress_model::Fault;
use redress_model::name::CaseName;
use redress_proto::convert::{to_money, to_timestamp, to_wire, to_wire_opt};
use redress_proto::intake::v1 as pb;
use redress_rpc::{Caller, etag};
use redress_store::{Keyring, Tx};

use crate::domain::complaint::{Place, excerpt};
use crate::store::case::{self, Clock, Record};
use crate::store::viewer::{Viewer, look_as_platform};
use crate::store::{evidence, people};

/// Without text, place, complainants, evidence, needs and earlier cases.
pub(super) fn basic(case: &Record) -> pb::Case {
    pb::Case {
        name: case.name.to_string(),
        number: case.number.clone(),
        mode: to_wire(case.mode),
        channel: to_wire(case.channel),
        received_time: Some(to_timestamp(case.received)),
        complainants: Vec::new(),
        headcount: case.headcount,
        text: String::new(),
        place: None,
        quality_impact: to_wire_opt(case.quality_impact),
        wants: to_wire_opt(case.wants),
        claim: case.claim.map(to_money),
        assessed_claim: case.assessed_claim.map(to_money),
        repeat: case.repeat,
        needs_advisers: case.needs_advisers,
        signals: case.signals.iter().map(|s| s.to_wire()).collect(),
        stated_category: to_wire_opt(case.stated_category),
        evidence: Vec::new(),
        first_contact_owner: case.first_contact_owner.clone(),
        staff_complained_about: case
            .staff_complained_about
            .iter()
            .map(ToString::to_string)
            .collect(),
        create_time: Some(to_timestamp(case.created)),
        update_time: Some(to_timestamp(case.updated)),
        creator: case.creator.clone(),
        excerpt: excerpt(&case.text),
        complainant_count: case.complainant_count(),
        status: to_wire(case.status),
        status_time: Some(to_timestamp(case.status_since)),
        epoch: case.epoch,
        grade: case.grade.map_or(0, |g| i32::from(g.value())),
        criterion_ids: case.criterion_ids.clone(),
        nature: to_wire_opt(case.nature),
        urgency: to_wire_opt(case.urgency),
        category: to_wire_opt(case.category),
        decision_revision: case.decision_revision,
        owner: case.owner.clone(),
        offered_to: case.offered_to.clone(),
        department: case.department.clone(),
        clocks: case.clocks.iter().map(clock).collect(),
        incident: case.incident.clone(),
        cluster: case.cluster.clone(),
        merged_into: case.merged_into_name(),
        earlier_cases: Vec::new(),
        erased: case.erased,
        etag: etag::of(case.revision),
        needs: None,
        complaining_store: case.complaining_store_name(),
    }
}

/// The answer to whoever wrote, though they may not see the case afterwards: whole, but without earlier
/// cases that are hidden from them. The transaction looks as the caller from here on.
pub(super) async fn answer(
    tx: &mut Tx,
    keyring: &Keyring,
    caller: &Caller,
    case: &Record,
) -> Result<pb::Case, Fault> {
    look_as_platform(tx).await?;
    let mut whole = full(tx, keyring, case).await?;
    Viewer::of(caller).look(tx).await?;
    whole.earlier_cases = earlier(tx, case).await?;
    Ok(whole)
}

async fn earlier(tx: &mut Tx, case: &Record) -> Result<Vec<String>, Fault> {
    let visible = case::visible(tx, &case.name.site, &case.earlier_cases).await?;
    Ok(visible
        .into_iter()
        .map(|id| CaseName::new(case.name.site.clone(), id).to_string())
        .collect())
}

/// With everything that the viewer may see, but the needs, which depend on who asks.
pub(super) async fn full(tx: &mut Tx, keyring: &Keyring, case: &Record) -> Result<pb::Case, Fault> {
    let people = people::open(tx, keyring, &case.name).await?;
    Ok(pb::Case {
        complainants: people.into_iter().map(|p| p.complainant).collect(),
        text: case.text.clone(),
        place: place(&case.place),
        evidence: evidence::of_case(tx, &case.name).await?,
        earlier_cases: earlier(tx, case).await?,
        ..basic(case)
    })
}

/// A place; none where nothing is known.
pub(super) fn place(place: &Place) -> Option<pb::Place> {
    (*place != Place::default()).then(|| pb::Place {
        building: place.building.clone(),
        unit: place.unit.clone(),
        detail: place.detail.clone(),
    })
}

fn clock(clock: &Clock) -> pb::RunningClock {
    pb::RunningClock {
        clock: clock.clock.clone(),
        kind: to_wire(clock.kind),
        state: to_wire(clock.state),
        start_time: Some(to_timestamp(clock.start)),
        due_time: Some(to_timestamp(clock.due)),
        level: clock.level,
        held: clock.is_held,
    }
}
