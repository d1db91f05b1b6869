//! `redress event`: events that could not be delivered, and their second chance.

use redress_proto::event::v1::{ListParkedEventsRequest, ParkedEvent, RedriveEventRequest};

use crate::args::{EventCommand, ServiceArg};
use crate::connect::{Platform, all_pages, request};
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, counted, when};

/// Runs a subcommand.
pub(crate) async fn run(
    platform: &Platform,
    command: EventCommand,
    out: Output,
) -> Result<(), Failure> {
    match command {
        EventCommand::Parked { service } => {
            let services = service.map_or_else(|| ServiceArg::ALL.to_vec(), |s| vec![s]);
            let mut parked: Vec<(&'static str, ParkedEvent)> = Vec::new();
            for service in services {
                let client = platform.events(service);
                let events = all_pages(None, |page_size, page_token| {
                    let mut client = client.clone();
                    async move {
                        let answer = client
                            .list_parked_events(request(ListParkedEventsRequest {
                                page_size,
                                page_token,
                            }))
                            .await?
                            .into_inner();
                        Ok((answer.parked_events, answer.next_page_token))
                    }
                })
                .await?;
                parked.extend(events.into_iter().map(|e| (service.name(), e)));
            }
            out.rows(
                &[
                    "From", "To", "Event", "Type", "Subject", "Reason", "Behind", "Since",
                ],
                &parked,
                |(from, e)| {
                    vec![
                        (*from).to_owned(),
                        e.subscriber.clone(),
                        e.event_id.clone(),
                        e.r#type.clone(),
                        e.subject.clone(),
                        e.reason.clone(),
                        e.held_behind.to_string(),
                        when(e.park_time.as_ref()),
                    ]
                },
                |(_, e)| json::of("event.v1.ParkedEvent", e),
            );
        }
        EventCommand::Redrive {
            service,
            subscriber,
            event_id,
        } => {
            let answer = platform
                .events(service)
                .redrive_event(request(RedriveEventRequest {
                    event_id,
                    subscriber,
                }))
                .await?
                .into_inner();
            out.one(
                || serde_json::json!({ "redriven": answer.redriven }),
                || {
                    let events = counted(
                        &answer.redriven,
                        "event is on its way",
                        "events are on their way",
                    );
                    crate::output::say!("{events} again");
                },
            );
        }
    }
    Ok(())
}
