//! What intake tells the other services, in the transaction of the change. No payload carries a personal
//! field: people are tokens, words of complainants stay here.

use jiff::Timestamp;
use redress_events::{NewEvent, publish, publish_urgent};
use redress_model::Fault;
use redress_model::name::SiteName;
use redress_proto::convert::{to_money, to_timestamp, to_wire, to_wire_opt};
use redress_proto::event::v1 as events;
use redress_store::Tx;

use super::case::Record;
use super::directory::Site;
use crate::domain::contact::NewContact;

/// The facts of a case as grading reads them.
pub fn facts(case: &Record) -> events::CaseFacts {
    events::CaseFacts {
        case: case.name.to_string(),
        number: case.number.clone(),
        channel: to_wire(case.channel),
        mode: to_wire(case.mode),
        received_time: Some(to_timestamp(case.received)),
        create_time: Some(to_timestamp(case.created)),
        headcount: case.complainant_count(),
        person_tokens: case.person_tokens.clone(),
        quality_impact: to_wire_opt(case.quality_impact),
        wants: to_wire_opt(case.wants),
        claim: case.claim.map(to_money),
        assessed_claim: case.assessed_claim.map(to_money),
        repeat: case.repeat,
        needs_advisers: case.needs_advisers,
        signals: case.signals.iter().map(|s| s.to_wire()).collect(),
        stated_category: to_wire_opt(case.stated_category),
        first_contact_owner: case.first_contact_owner.clone(),
        staff_complained_about: case
            .staff_complained_about
            .iter()
            .map(ToString::to_string)
            .collect(),
        status: to_wire(case.status),
        epoch: case.epoch,
        revision: case.revision,
        language: case.language.clone(),
        merged_into: case.merged_into_name(),
        complaining_store: case.complaining_store_name(),
        erased: case.erased,
    }
}

/// A case came in.
///
/// # Errors
/// When Postgres is away.
pub async fn received(tx: &mut Tx, case: &Record) -> Result<(), Fault> {
    let payload = events::CaseReceived {
        facts: Some(facts(case)),
    };
    let subject = case.name.to_string();
    let event = about_case(case, &subject, "redress.case.received.v1", &payload);
    match case.may_be_grave() && !case.is_historical() {
        true => publish_urgent(tx, &event).await.map(drop),
        false => publish(tx, &event).await.map(drop),
    }
}

/// A piece of evidence was recorded with a case.
///
/// # Errors
/// When Postgres is away.
pub async fn evidence(tx: &mut Tx, case: &Record, name: &str) -> Result<(), Fault> {
    let payload = events::EvidenceAdded {
        case: case.name.to_string(),
        evidence: name.to_owned(),
    };
    about(tx, case, "redress.evidence.added.v1", &payload).await
}

/// Facts of a case changed.
///
/// # Errors
/// When Postgres is away.
pub async fn updated(tx: &mut Tx, case: &Record, same_place: bool) -> Result<(), Fault> {
    let payload = events::CaseUpdated {
        facts: Some(facts(case)),
        same_place,
    };
    about(tx, case, "redress.case.updated.v1", &payload).await
}

/// Intake moved a case.
///
/// # Errors
/// When Postgres is away.
pub async fn moved(tx: &mut Tx, case: &Record, actor: &str) -> Result<(), Fault> {
    moved_for(tx, case, actor, false).await
}

/// Intake opened a case again; `complained` where its complainant came back after it was handled (G3.3).
///
/// # Errors
/// When Postgres is away.
pub async fn reopened(
    tx: &mut Tx,
    case: &Record,
    actor: &str,
    complained: bool,
) -> Result<(), Fault> {
    moved_for(tx, case, actor, complained).await
}

async fn moved_for(
    tx: &mut Tx,
    case: &Record,
    actor: &str,
    complained_again: bool,
) -> Result<(), Fault> {
    let payload = events::CaseMoved {
        case: case.name.to_string(),
        status: to_wire(case.status),
        epoch: case.epoch,
        move_time: Some(to_timestamp(case.status_since)),
        merged_into: case.merged_into_name(),
        actor: actor.to_owned(),
        complained_again,
    };
    about(tx, case, "redress.case.moved.v1", &payload).await
}

/// Somebody spoke with a complainant.
///
/// # Errors
/// When Postgres is away.
pub async fn contact(
    tx: &mut Tx,
    case: &Record,
    id: uuid::Uuid,
    contact: &NewContact,
    staff: &str,
) -> Result<(), Fault> {
    let payload = events::ContactRecorded {
        case: case.name.to_string(),
        contact_id: id.to_string(),
        direction: contact.direction.into(),
        channel: to_wire(contact.channel),
        by_person: contact.by_person,
        substantive: contact.substantive,
        contact_time: Some(to_timestamp(contact.at)),
        visit: contact.visit,
        promised_next_time: contact.promised_next.map(to_timestamp),
        staff: staff.to_owned(),
        follow_up: false,
        has_note: !contact.note.is_empty(),
    };
    about(tx, case, "redress.contact.recorded.v1", &payload).await
}

/// A site was made or changed.
///
/// # Errors
/// When Postgres is away.
pub async fn site(tx: &mut Tx, site: &Site) -> Result<(), Fault> {
    let subject = SiteName(site.id.clone()).to_string();
    let payload = events::SiteChanged {
        site: subject.clone(),
        organization: format!("organizations/{}", site.organization()),
        region: site.region.to_string(),
        kind: to_wire(site.kind),
        time_zone: site.time_zone.clone(),
        display_name: site.display_name.clone(),
        revision: site.revision,
        language: site.language.clone(),
        display_name_en: site.display_name_en.clone(),
    };
    let event = NewEvent {
        event_type: "redress.site.changed.v1",
        site: &site.id,
        subject: &subject,
        historical: false,
        payload: &payload,
    };
    publish(tx, &event).await.map(drop)
}

async fn about<M: prost::Message>(
    tx: &mut Tx,
    case: &Record,
    event_type: &'static str,
    payload: &M,
) -> Result<(), Fault> {
    let subject = case.name.to_string();
    let event = about_case(case, &subject, event_type, payload);
    publish(tx, &event).await.map(drop)
}

fn about_case<'a, M>(
    case: &'a Record,
    subject: &'a str,
    event_type: &'static str,
    payload: &'a M,
) -> NewEvent<'a, M> {
    NewEvent {
        event_type,
        site: &case.name.site,
        subject,
        historical: case.is_historical(),
        payload,
    }
}

/// An optional instant of a payload that has to be there.
///
/// # Errors
/// INVALID_FIELD naming the field: the sender's mistake, the event is parked.
pub fn instant(field: &str, wire: Option<&prost_types::Timestamp>) -> Result<Timestamp, Fault> {
    let wire = wire.ok_or_else(|| Fault::invalid(field, "must be given"))?;
    redress_proto::convert::from_timestamp(field, wire)
}
