//! Events as their producers write them.

use jiff::Timestamp;
use prost::Message;
use redress_events::Event;
use redress_model::name::{
    CaseName, ClockName, ClusterName, IncidentName, SiteId, StaffName, SummonsName,
};
use redress_model::words::{
    CaseMode, CaseStatus, Category, ClockKind, ClockState, ClockTransition, DutyRole,
};
use redress_proto::convert;
use redress_proto::event::v1::{
    AppealDecided, CallOutRequested, CaseFacts, CaseGraded, CaseMoved, CaseReceived, CaseUpdated,
    ClockChanged, ClusterChanged, DefectChanged, DutyChanged, DutySlot, IncidentChanged,
    IncidentVoice, OwnerChanged, PartChanged, RosterMember, SiteChanged, SolutionChanged,
    StaffChanged, StatementPublished, WorkNews, WorkNoticed, WorkSummoned,
};
use uuid::Uuid;

fn event(
    source: &str,
    event_type: &str,
    site: &SiteId,
    subject: impl ToString,
    payload: &impl Message,
) -> Event {
    Event {
        id: Uuid::now_v7(),
        source: source.to_owned(),
        event_type: event_type.to_owned(),
        site: site.clone(),
        subject: subject.to_string(),
        historical: false,
        time: Timestamp::now(),
        traceparent: String::new(),
        data: payload.encode_to_vec().into(),
    }
}

pub(crate) fn site_changed(id: &str, language: &str) -> Event {
    let payload = SiteChanged {
        site: format!("sites/{id}"),
        organization: "organizations/demo".to_owned(),
        region: "organizations/demo/regions/north".to_owned(),
        kind: 1,
        time_zone: "Asia/Shanghai".to_owned(),
        display_name: "Lake Garden".to_owned(),
        revision: 1,
        language: language.to_owned(),
        display_name_en: String::new(),
    };
    let site = super::site(id);
    let subject = format!("sites/{id}");
    event(
        "intake",
        "redress.site.changed.v1",
        &site,
        subject,
        &payload,
    )
}

/// The site has a Chinese name, and one in English.
pub(crate) fn site_named(name: &str, english: &str, revision: i64) -> Event {
    let payload = SiteChanged {
        site: "sites/lake".to_owned(),
        organization: "organizations/demo".to_owned(),
        region: "organizations/demo/regions/north".to_owned(),
        kind: 1,
        time_zone: "Asia/Shanghai".to_owned(),
        display_name: name.to_owned(),
        revision,
        language: "en".to_owned(),
        display_name_en: english.to_owned(),
    };
    let site = super::site("lake");
    event(
        "intake",
        "redress.site.changed.v1",
        &site,
        "sites/lake",
        &payload,
    )
}

pub(crate) fn staff_changed(staff: &StaffName, revision: i64, retired: bool) -> Event {
    let payload = StaffChanged {
        staff: staff.to_string(),
        revision,
        retired,
        ..StaffChanged::default()
    };
    let subject = format!("sites/{}", staff.site);
    event(
        "assignment",
        "redress.staff.changed.v1",
        &staff.site,
        subject,
        &payload,
    )
}

fn facts(case: &CaseName, number: &str, tokens: &[&str]) -> CaseFacts {
    CaseFacts {
        case: case.to_string(),
        number: number.to_owned(),
        mode: convert::to_wire(CaseMode::Live),
        person_tokens: tokens.iter().map(|t| (*t).to_owned()).collect(),
        status: convert::to_wire(CaseStatus::Received),
        epoch: 1,
        revision: 1,
        ..CaseFacts::default()
    }
}

pub(crate) fn received(case: &CaseName, number: &str, tokens: &[&str]) -> Event {
    let payload = CaseReceived {
        facts: Some(facts(case, number, tokens)),
    };
    event(
        "intake",
        "redress.case.received.v1",
        &case.site,
        case,
        &payload,
    )
}

pub(crate) fn updated(case: &CaseName, number: &str, tokens: &[&str], revision: i64) -> Event {
    let payload = CaseUpdated {
        facts: Some(CaseFacts {
            revision,
            ..facts(case, number, tokens)
        }),
        ..Default::default()
    };
    event(
        "intake",
        "redress.case.updated.v1",
        &case.site,
        case,
        &payload,
    )
}

/// The language of a case came out.
pub(crate) fn spoken(case: &CaseName, number: &str, tokens: &[&str], language: &str) -> Event {
    let payload = CaseUpdated {
        facts: Some(CaseFacts {
            revision: 2,
            language: language.to_owned(),
            ..facts(case, number, tokens)
        }),
        ..Default::default()
    };
    event(
        "intake",
        "redress.case.updated.v1",
        &case.site,
        case,
        &payload,
    )
}

/// Intake erased a case that is over.
pub(crate) fn erased(case: &CaseName, number: &str, revision: i64) -> Event {
    let payload = CaseUpdated {
        facts: Some(CaseFacts {
            revision,
            status: convert::to_wire(CaseStatus::Withdrawn),
            epoch: 2,
            erased: true,
            ..facts(case, number, &[])
        }),
        ..Default::default()
    };
    event(
        "intake",
        "redress.case.updated.v1",
        &case.site,
        case,
        &payload,
    )
}

/// Who is at work when: one stretch a person.
pub(crate) fn duties(slots: &[(&StaffName, DutyRole, &str, Option<&str>)], revision: i64) -> Event {
    rostered(slots, &[], revision)
}

/// The same with everybody whom the roster names.
pub(crate) fn rostered(
    slots: &[(&StaffName, DutyRole, &str, Option<&str>)],
    members: &[(&StaffName, DutyRole)],
    revision: i64,
) -> Event {
    let time = |text: &str| convert::to_timestamp(text.parse().expect("an instant"));
    let site = super::site("lake");
    let payload = DutyChanged {
        site: format!("sites/{site}"),
        slots: slots
            .iter()
            .map(|(staff, role, start, end)| DutySlot {
                role: convert::to_wire(*role),
                staff: staff.to_string(),
                rank: 0,
                start_time: Some(time(start)),
                end_time: end.map(time),
            })
            .collect(),
        revision,
        members: members
            .iter()
            .map(|(staff, role)| RosterMember {
                staff: staff.to_string(),
                roles: vec![convert::to_wire(*role)],
            })
            .collect(),
    };
    event(
        "assignment",
        "redress.duty.changed.v1",
        &site,
        format!("sites/{site}"),
        &payload,
    )
}

/// The same as history.
pub(crate) fn historical(mut event: Event) -> Event {
    event.historical = true;
    event
}

pub(crate) fn moved(case: &CaseName, status: CaseStatus, epoch: i64) -> Event {
    moved_at(case, status, epoch, Timestamp::UNIX_EPOCH)
}

pub(crate) fn moved_at(case: &CaseName, status: CaseStatus, epoch: i64, time: Timestamp) -> Event {
    let payload = CaseMoved {
        move_time: Some(convert::to_timestamp(time)),
        case: case.to_string(),
        status: convert::to_wire(status),
        epoch,
        ..CaseMoved::default()
    };
    event(
        "intake",
        "redress.case.moved.v1",
        &case.site,
        case,
        &payload,
    )
}

/// Intake merged a case into another.
pub(crate) fn merged(case: &CaseName, into: &CaseName, epoch: i64) -> Event {
    let payload = CaseMoved {
        case: case.to_string(),
        status: convert::to_wire(CaseStatus::Merged),
        epoch,
        merged_into: into.to_string(),
        ..CaseMoved::default()
    };
    event(
        "intake",
        "redress.case.moved.v1",
        &case.site,
        case,
        &payload,
    )
}

/// Facts of a case changed after it was merged in its second epoch.
pub(crate) fn updated_merged(
    case: &CaseName,
    into: &CaseName,
    number: &str,
    tokens: &[&str],
    revision: i64,
) -> Event {
    let payload = CaseUpdated {
        facts: Some(CaseFacts {
            revision,
            status: convert::to_wire(CaseStatus::Merged),
            epoch: 2,
            merged_into: into.to_string(),
            ..facts(case, number, tokens)
        }),
        ..Default::default()
    };
    event(
        "intake",
        "redress.case.updated.v1",
        &case.site,
        case,
        &payload,
    )
}

/// How much of a solution may be promised, as its revision says.
pub(crate) fn promised(
    case: &CaseName,
    solution: Uuid,
    (may_be_promised, yuan): (bool, i64),
    revision: i64,
) -> Event {
    let payload = SolutionChanged {
        case: case.to_string(),
        solution: format!("sites/{}/solutions/{solution}", case.site),
        epoch: 1,
        may_be_promised,
        sum: Some(convert::to_money(yuan.into())),
        expire_time: None,
        revision,
    };
    event(
        "assignment",
        "redress.solution.changed.v1",
        &case.site,
        case,
        &payload,
    )
}

pub(crate) fn appeal_decided(case: &CaseName, granted: bool) -> Event {
    let payload = AppealDecided {
        case: case.to_string(),
        epoch: 1,
        granted,
        decide_time: None,
    };
    event(
        "assignment",
        "redress.appeal.decided.v1",
        &case.site,
        case,
        &payload,
    )
}

pub(crate) fn graded(case: &CaseName, grade: i32) -> Event {
    decided(case, grade, 1)
}

/// A later decision gives another grade.
pub(crate) fn decided(case: &CaseName, grade: i32, revision: i64) -> Event {
    let payload = CaseGraded {
        case: case.to_string(),
        grade,
        revision,
        epoch: 1,
        ..CaseGraded::default()
    };
    event(
        "triage",
        "redress.case.graded.v1",
        &case.site,
        case,
        &payload,
    )
}

pub(crate) fn offered(
    case: &CaseName,
    responsible: &StaffName,
    offered_to: Option<&StaffName>,
    revision: i64,
) -> Event {
    let payload = OwnerChanged {
        case: case.to_string(),
        responsible: responsible.to_string(),
        offered_to: offered_to.map(ToString::to_string).unwrap_or_default(),
        department: format!("sites/{}/departments/engineering", case.site),
        revision,
        grade: 3,
        ..OwnerChanged::default()
    };
    event(
        "assignment",
        "redress.owner.changed.v1",
        &case.site,
        case,
        &payload,
    )
}

/// What happened to a clock of a case.
pub(crate) fn clock(
    clock: &ClockName,
    case: &CaseName,
    kind: ClockKind,
    (transition, generation): (ClockTransition, i64),
    notify: &[&StaffName],
    grade: i32,
) -> Event {
    let state = match transition {
        ClockTransition::Breached | ClockTransition::Climbed => ClockState::Breached,
        ClockTransition::Met => ClockState::Met,
        ClockTransition::Cancelled => ClockState::Cancelled,
        _ => ClockState::Running,
    };
    let payload = ClockChanged {
        clock: clock.to_string(),
        case: case.to_string(),
        kind: convert::to_wire(kind),
        state: convert::to_wire(state),
        transition: convert::to_wire(transition),
        due_time: Some(convert::to_timestamp(
            "2026-11-21T06:00:00Z".parse().expect("an instant"),
        )),
        level: 1,
        notify: notify.iter().map(ToString::to_string).collect(),
        grade,
        generation,
        number: "LAKE-1".to_owned(),
        ..ClockChanged::default()
    };
    event(
        "triage",
        "redress.clock.changed.v1",
        &case.site,
        case,
        &payload,
    )
}

/// A deadline that the law sets begins to run for a case, entered then, on this person's word.
pub(crate) fn deadline(clock: &ClockName, case: &CaseName, made: Timestamp, by: &str) -> Event {
    let payload = ClockChanged {
        clock: clock.to_string(),
        case: case.to_string(),
        kind: convert::to_wire(ClockKind::OutsideDeadline),
        state: convert::to_wire(ClockState::Running),
        transition: convert::to_wire(ClockTransition::Started),
        due_time: Some(convert::to_timestamp(
            made + jiff::SignedDuration::from_hours(72),
        )),
        generation: 1,
        number: "LAKE-1".to_owned(),
        started_by: by.to_owned(),
        create_time: Some(convert::to_timestamp(made)),
        ..ClockChanged::default()
    };
    event(
        "triage",
        "redress.clock.changed.v1",
        &case.site,
        case,
        &payload,
    )
}

/// What happened to a clock of an incident.
pub(crate) fn clock_of_incident(
    clock: &ClockName,
    incident: &IncidentName,
    kind: ClockKind,
    (transition, generation): (ClockTransition, i64),
    notify: &[&StaffName],
) -> Event {
    let payload = ClockChanged {
        clock: clock.to_string(),
        incident: incident.to_string(),
        kind: convert::to_wire(kind),
        state: convert::to_wire(ClockState::Breached),
        transition: convert::to_wire(transition),
        due_time: Some(convert::to_timestamp(
            "2026-11-21T06:00:00Z".parse().expect("an instant"),
        )),
        level: 1,
        notify: notify.iter().map(ToString::to_string).collect(),
        generation,
        number: "LAKE-1".to_owned(),
        ..ClockChanged::default()
    };
    event(
        "crisis",
        "redress.clock.changed.v1",
        &incident.site,
        incident,
        &payload,
    )
}

pub(crate) fn incident(
    incident: &IncidentName,
    cases: &[&CaseName],
    merged_into: Option<&IncidentName>,
    revision: i64,
) -> Event {
    incident_changed(
        incident,
        cases,
        IncidentChanged {
            merged_into: merged_into.map(ToString::to_string).unwrap_or_default(),
            revision,
            ..IncidentChanged::default()
        },
    )
}

/// An incident of which crisis says who speaks for it, and until when.
pub(crate) fn spoken_for(
    incident: &IncidentName,
    cases: &[&CaseName],
    voices: &[(&StaffName, Option<Timestamp>)],
    revision: i64,
) -> Event {
    let voice = |(staff, end): &(&StaffName, Option<Timestamp>)| IncidentVoice {
        staff: staff.to_string(),
        end_time: end.map(convert::to_timestamp),
    };
    incident_changed(
        incident,
        cases,
        IncidentChanged {
            voices: voices.iter().map(voice).collect(),
            revision,
            ..IncidentChanged::default()
        },
    )
}

fn incident_changed(incident: &IncidentName, cases: &[&CaseName], rest: IncidentChanged) -> Event {
    let payload = IncidentChanged {
        incident: incident.to_string(),
        cases: cases.iter().map(ToString::to_string).collect(),
        ..rest
    };
    event(
        "crisis",
        "redress.incident.changed.v1",
        &incident.site,
        incident,
        &payload,
    )
}

pub(crate) fn callout(
    callout_id: Uuid,
    incident: &IncidentName,
    case: &CaseName,
    staff: &StaffName,
) -> Event {
    let payload = CallOutRequested {
        callout_id: callout_id.to_string(),
        incident: incident.to_string(),
        case: case.to_string(),
        role: convert::to_wire(DutyRole::Spokesperson),
        staff: staff.to_string(),
        number: "LAKE-1".to_owned(),
        public_mode: true,
        provisional: false,
    };
    event(
        "crisis",
        "redress.callout.requested.v1",
        &incident.site,
        incident,
        &payload,
    )
}

/// Facts, received or changed, that complain about a person.
pub(crate) fn complains_about(case: &CaseName, staff: &StaffName, revision: i64) -> Event {
    accuses(case, &[staff], revision)
}

/// The same about several.
pub(crate) fn accuses(case: &CaseName, staff: &[&StaffName], revision: i64) -> Event {
    let payload = CaseUpdated {
        facts: Some(CaseFacts {
            revision,
            staff_complained_about: staff.iter().map(ToString::to_string).collect(),
            ..facts(case, "LAKE-1", &[])
        }),
        ..Default::default()
    };
    event(
        "intake",
        "redress.case.updated.v1",
        &case.site,
        case,
        &payload,
    )
}

/// A case came into a cluster: from another one that was merged whole, or split.
pub(crate) fn clustered(
    case: &CaseName,
    cluster: &ClusterName,
    from: Option<(&ClusterName, bool)>,
) -> Event {
    let payload = ClusterChanged {
        case: case.to_string(),
        cluster: cluster.to_string(),
        previous_cluster: from.map(|(c, _)| c.to_string()).unwrap_or_default(),
        merged: from.is_some_and(|(_, merged)| merged),
    };
    event(
        "triage",
        "redress.cluster.changed.v1",
        &case.site,
        case,
        &payload,
    )
}

/// What a person, or the count of units, said of a defect.
pub(crate) fn defect(cluster: &ClusterName, state: &str, category: Category) -> Event {
    let payload = DefectChanged {
        cluster: cluster.to_string(),
        state: state.to_owned(),
        units: 5,
        category: convert::to_wire(category),
        ..DefectChanged::default()
    };
    event(
        "triage",
        "redress.defect.changed.v1",
        &cluster.site,
        cluster,
        &payload,
    )
}

/// Somebody has a part in a case, or has it no more.
pub(crate) fn part(case: &CaseName, part: Uuid, staff: &StaffName, open: bool) -> Event {
    let payload = PartChanged {
        case: case.to_string(),
        part: part.to_string(),
        staff: staff.to_string(),
        open,
    };
    event(
        "assignment",
        "redress.part.changed.v1",
        &case.site,
        case,
        &payload,
    )
}

/// Somebody has to appear.
pub(crate) fn summoned(case: &CaseName, staff: &StaffName) -> Event {
    let payload = WorkSummoned {
        case: case.to_string(),
        summons: SummonsName::new(case.site.clone(), Uuid::now_v7()).to_string(),
        staff: staff.to_string(),
        position: "VICE_PRESIDENT".to_owned(),
        complainants: 3,
        number: "LAKE-1".to_owned(),
        grade: 2,
        told_count: 1,
    };
    event(
        "assignment",
        "redress.work.summoned.v1",
        &case.site,
        case,
        &payload,
    )
}

/// People have to know what happened to the work on a case.
pub(crate) fn work_noticed(
    case: &CaseName,
    what: WorkNews,
    staff: &[&StaffName],
    grade: i32,
) -> Event {
    let payload = WorkNoticed {
        notice_id: Uuid::now_v7().to_string(),
        news: what.into(),
        staff: staff.iter().map(ToString::to_string).collect(),
        case: case.to_string(),
        number: "LAKE-1".to_owned(),
        grade,
        ..WorkNoticed::default()
    };
    event(
        "assignment",
        "redress.work.noticed.v1",
        &case.site,
        case,
        &payload,
    )
}

/// A roster without end.
pub(crate) fn on_duty(duties: &[(DutyRole, &StaffName)]) -> Event {
    let site = super::site("lake");
    let payload = DutyChanged {
        site: "sites/lake".to_owned(),
        slots: duties
            .iter()
            .map(|(role, staff)| DutySlot {
                role: convert::to_wire(*role),
                staff: staff.to_string(),
                rank: 0,
                start_time: Some(convert::to_timestamp(Timestamp::UNIX_EPOCH)),
                end_time: None,
            })
            .collect(),
        revision: 1,
        ..DutyChanged::default()
    };
    event(
        "assignment",
        "redress.duty.changed.v1",
        &site,
        "sites/lake",
        &payload,
    )
}

/// Something left as the company's word.
pub(crate) fn statement(payload: &StatementPublished) -> Event {
    event(
        "crisis",
        "redress.statement.published.v1",
        &super::site("lake"),
        &payload.incident,
        payload,
    )
}

/// An incident that was stood down.
pub(crate) fn stood_down(incident: &IncidentName, cases: &[&CaseName], revision: i64) -> Event {
    let payload = IncidentChanged {
        incident: incident.to_string(),
        cases: cases.iter().map(ToString::to_string).collect(),
        closed: true,
        revision,
        ..IncidentChanged::default()
    };
    event(
        "crisis",
        "redress.incident.changed.v1",
        &incident.site,
        incident,
        &payload,
    )
}
