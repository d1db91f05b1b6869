//! Events as triage reads them. Senders are our own services, so what does not read is refused with
//! the field's name and parked for an operator.

use std::collections::BTreeSet;

use jiff::Timestamp;
use redress_events::Event;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::CaseName;
use redress_model::words::{CaseMode, CaseStatus, QualityImpact, SignalBasis, Wants};
use redress_proto::convert::{from_money, from_timestamp, from_wire, required};
use redress_proto::{event::v1 as wire, words};
use uuid::Uuid;

use crate::domain::Signal;
use crate::domain::people::People;
use crate::store::cases::CaseFacts;
use crate::store::signals::SignalRow;

/// The id of a case at the event's own site.
pub(super) fn case_id(event: &Event, name: &str) -> Result<Uuid, Fault> {
    let name: CaseName = parse_field("case", name)?;
    if name.site == event.site {
        Ok(name.id)
    } else {
        Err(Fault::invalid(
            "case",
            "must belong to the site of the event",
        ))
    }
}

/// The case that one was merged into, if any.
pub(super) fn merged_into(event: &Event, name: &str) -> Result<Option<Uuid>, Fault> {
    given(name).map(|name| case_id(event, &name)).transpose()
}

pub(super) fn time(field: &str, time: Option<&prost_types::Timestamp>) -> Result<Timestamp, Fault> {
    let time = time.ok_or_else(|| Fault::invalid(field, "must be given"))?;
    from_timestamp(field, time)
}

fn given(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// The facts in an event.
pub(super) struct Parsed {
    pub(super) id: Uuid,
    pub(super) facts: CaseFacts,
    pub(super) status: CaseStatus,
    pub(super) epoch: i64,
    pub(super) merged_into: Option<Uuid>,
    pub(super) signals: Vec<SignalRow>,
}

pub(super) fn facts(
    event: &Event,
    facts: Option<&wire::CaseFacts>,
    now: Timestamp,
) -> Result<Parsed, Fault> {
    let facts = facts.ok_or_else(|| Fault::invalid("facts", "must be given"))?;
    let id = case_id(event, &facts.case)?;
    let received = time("facts.received_time", facts.received_time.as_ref())?;
    let money = |field: &str, money: &Option<redress_proto::Money>| {
        money.as_ref().map(|m| from_money(field, m)).transpose()
    };
    let signals = facts
        .signals
        .iter()
        .enumerate()
        .map(|(i, signal)| stated(id, i, signal, received, now))
        .collect::<Result<_, Fault>>()?;
    Ok(Parsed {
        id,
        status: required("facts.status", facts.status)?,
        epoch: facts.epoch,
        merged_into: merged_into(event, &facts.merged_into)?,
        signals,
        facts: CaseFacts {
            number: facts.number.clone(),
            channel: required("facts.channel", facts.channel)?,
            historical: event.historical
                || from_wire::<CaseMode>(facts.mode) == Some(CaseMode::Historical),
            received,
            people: People {
                headcount: u32::try_from(facts.headcount)
                    .map_err(|_| Fault::invalid("facts.headcount", "must be 0 or more"))?,
                tokens: facts.person_tokens.iter().cloned().collect::<BTreeSet<_>>(),
            },
            quality_impact: from_wire(facts.quality_impact).unwrap_or(QualityImpact::None),
            wants: from_wire(facts.wants).unwrap_or(Wants::Remedy),
            claim: money("facts.claim", &facts.claim)?,
            assessed_claim: money("facts.assessed_claim", &facts.assessed_claim)?,
            repeat: facts.repeat,
            needs_advisers: facts.needs_advisers,
            stated_category: from_wire(facts.stated_category),
            first_contact: given(&facts.first_contact_owner),
            excluded: facts.staff_complained_about.clone(),
            revision: facts.revision,
        },
    })
}

/// A signal that a caller stated. One without an id gets one that is the same at every delivery.
fn stated(
    case: Uuid,
    position: usize,
    signal: &words::Signal,
    received: Timestamp,
    now: Timestamp,
) -> Result<SignalRow, Fault> {
    let id = match given(&signal.signal_id) {
        Some(id) => parse_field("facts.signals.signal_id", &id)?,
        None => {
            // Lists are short: a position changes the last bytes alone.
            Uuid::from_u128(case.as_u128() ^ (position as u128 + 1))
        }
    };
    let known = match &signal.known_time {
        Some(time) => from_timestamp("facts.signals.known_time", time)?,
        None => received,
    };
    Ok(SignalRow {
        id,
        case,
        signal: Signal {
            kind: required("facts.signals.kind", signal.kind)?,
            basis: required::<SignalBasis>("facts.signals.basis", signal.basis)?,
            reach: u64::try_from(signal.reach).unwrap_or(0),
            provisional: false,
            since: now,
        },
        known,
        recorder: "intake".to_owned(),
        confirmed: None,
        dismissed: None,
        created: now,
        before_law: false,
        revision: 1,
    })
}
