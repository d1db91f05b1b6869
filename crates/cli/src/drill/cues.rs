//! Lets an event of a script happen on the platform, through the contracts that the front office, the media desk and the
//! monitors use.

use std::collections::BTreeMap;

use redress_model::words::SignalBasis;
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::crisis::v1::{Exposure, Inquiry, RecordExposureRequest, RecordInquiryRequest};
use redress_proto::event::v1::ContactDirection;
use redress_proto::intake::v1::{
    Case, Complainant, Contact, CreateCaseRequest, GetCaseRequest, Place, RecordContactRequest,
};
use redress_proto::notification::v1::SendMessageRequest;
use redress_proto::triage::v1::RecordSignalRequest;
use redress_proto::words::Signal;
use tonic::{Code, Status};

use super::script::{Happening, Script};
use crate::connect::{Platform, patiently, request, request_id};
use crate::failure::Failure;
use crate::now::now;

/// Lets it happen. Says whether it did: what is about an incident waits until there is one.
pub(crate) async fn play(
    platform: &Platform,
    script: &Script,
    what: &Happening,
    cases: &mut BTreeMap<String, String>,
) -> Result<bool, Failure> {
    let parent = what
        .case()
        .and_then(|case| cases.get(case))
        .cloned()
        .unwrap_or_default();
    let request_id = request_id();
    let done = match what {
        Happening::Told { .. } => Ok(()),
        Happening::Message { text, .. } => {
            if incident_of(platform, parent.clone()).await?.is_none() {
                return Ok(false);
            }
            let send = SendMessageRequest {
                parent,
                text: text.clone(),
                request_id,
                ..Default::default()
            };
            let told = platform.messages().send_message(request(send)).await;
            told.map(|_| ())
        }
        Happening::Complaint { case, .. } => {
            let create = CreateCaseRequest {
                parent: format!("sites/{}", script.site),
                case: Some(complaint(what)),
                request_id,
                ..Default::default()
            };
            let client = platform.cases();
            let made = patiently(|| {
                let (mut client, create) = (client.clone(), create.clone());
                async move { client.create_case(request(create)).await }
            })
            .await?;
            let name = made.into_inner().case.unwrap_or_default().name;
            cases.insert(case.clone(), name);
            Ok(())
        }
        Happening::Signal {
            kind, basis, reach, ..
        } => {
            let record = RecordSignalRequest {
                parent,
                signal: Some(Signal {
                    kind: to_wire(*kind),
                    basis: to_wire(*basis),
                    reach: *reach,
                    ..Default::default()
                }),
                request_id,
            };
            let told = platform.triage().record_signal(request(record)).await;
            told.map(|_| ())
        }
        Happening::Contact { channel, note, .. } => {
            let record = RecordContactRequest {
                parent,
                contact: Some(Contact {
                    direction: ContactDirection::Inbound.into(),
                    channel: to_wire(*channel),
                    contact_time: Some(to_timestamp(now())),
                    note: note.clone(),
                    ..Default::default()
                }),
                request_id,
            };
            let told = platform.cases().record_contact(request(record)).await;
            told.map(|_| ())
        }
        Happening::Report {
            outlet,
            rank,
            medium,
            reach,
            link,
            ..
        } => {
            let Some(incident) = incident_of(platform, parent).await? else {
                return Ok(false);
            };
            let record = RecordExposureRequest {
                parent: incident,
                exposure: Some(Exposure {
                    outlet: outlet.clone(),
                    rank: (*rank).into(),
                    medium: (*medium).into(),
                    link: link.clone(),
                    reach: *reach,
                    ..Default::default()
                }),
                request_id,
            };
            let told = platform.media().record_exposure(request(record)).await;
            told.map(|_| ())
        }
        Happening::Inquiry {
            outlet,
            rank,
            question,
            due,
            ..
        } => {
            let Some(incident) = incident_of(platform, parent).await? else {
                return Ok(false);
            };
            let record = RecordInquiryRequest {
                parent: incident,
                inquiry: Some(Inquiry {
                    outlet: outlet.clone(),
                    rank: (*rank).into(),
                    question: question.clone(),
                    due_time: Some(to_timestamp(now() + *due)),
                    ..Default::default()
                }),
                request_id,
            };
            let told = platform.media().record_inquiry(request(record)).await;
            told.map(|_| ())
        }
    };
    match done {
        Ok(()) => Ok(true),
        // The case has not reached the other services yet.
        Err(status) if is_early(&status) => Ok(false),
        Err(status) => Err(status.into()),
    }
}

fn is_early(status: &Status) -> bool {
    crate::connect::is_transient(status)
        || matches!(
            status.code(),
            Code::NotFound | Code::Aborted | Code::FailedPrecondition
        )
}

async fn incident_of(platform: &Platform, name: String) -> Result<Option<String>, Failure> {
    let get = GetCaseRequest { name };
    let case = platform
        .cases()
        .get_case(request(get))
        .await?
        .into_inner()
        .case;
    let incident = case.unwrap_or_default().incident;
    Ok((!incident.is_empty()).then_some(incident))
}

fn complaint(what: &Happening) -> Case {
    let Happening::Complaint {
        case,
        channel,
        text,
        headcount,
        named,
        building,
        quality,
        signals,
    } = what
    else {
        return Case::default();
    };
    let complainants = (1..=*named).map(|n| Complainant {
        account: format!("drill-{case}-{n}"),
        email: format!("{case}-{n}@drill.example"),
        language: "zh-CN".to_owned(),
        ..Default::default()
    });
    Case {
        channel: to_wire(*channel),
        headcount: *headcount,
        complainants: complainants.collect(),
        text: text.clone(),
        place: (!building.is_empty()).then(|| Place {
            building: building.clone(),
            ..Default::default()
        }),
        quality_impact: quality.map_or(0, to_wire),
        signals: signals
            .iter()
            .map(|kind| Signal {
                kind: to_wire(*kind),
                basis: to_wire(SignalBasis::Confirmed),
                ..Default::default()
            })
            .collect(),
        ..Default::default()
    }
}
