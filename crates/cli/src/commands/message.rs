//! `redress message`: what was told to whom, and the local outbox.

use redress_proto::notification::v1::{
    AcknowledgeMessageRequest, GetMessageRequest, ListMessagesRequest, Message, MessageChannel,
    MessageState, RedriveMessagesRequest, RedriveMessagesResponse, RetryMessageRequest,
    SendMessageRequest,
};

use super::case;
use crate::args::MessageCommand;
use crate::connect::{Platform, all_pages, parent, request};
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, heading, line, short, when};

/// Runs a subcommand.
pub(crate) async fn run(
    platform: &Platform,
    command: MessageCommand,
    out: Output,
) -> Result<(), Failure> {
    match command {
        MessageCommand::List {
            site,
            case,
            template,
            digest,
            state,
            reason,
            paging,
        } => {
            let states = state
                .map(|word| {
                    let parse = MessageState::from_str_name;
                    super::task::wire("state", "MESSAGE_STATE_", &word, parse)
                })
                .transpose()?
                .into_iter()
                .map(i32::from)
                .collect();
            let filter = ListMessagesRequest {
                parent: parent(site.as_deref()),
                case: case::name_or_any(platform, case.as_deref()).await?,
                template: template.unwrap_or_default(),
                digest: digest.unwrap_or_default(),
                states,
                reason: reason.unwrap_or_default(),
                ..Default::default()
            };
            let client = platform.messages();
            let messages = all_pages(paging.limit, |page_size, page_token| {
                let mut client = client.clone();
                let filter = ListMessagesRequest {
                    page_size,
                    page_token,
                    ..filter.clone()
                };
                async move {
                    let answer = client.list_messages(request(filter)).await?.into_inner();
                    Ok((answer.messages, answer.next_page_token))
                }
            })
            .await?;
            out.rows(
                &[
                    "Message", "Template", "To", "About", "By", "State", "Why", "Made",
                ],
                &messages,
                |m| {
                    let about = if m.case.is_empty() {
                        &m.incident
                    } else {
                        &m.case
                    };
                    vec![
                        m.name.clone(),
                        m.template.clone(),
                        short(&m.recipient),
                        short(about),
                        channel(m.channel),
                        standing(m),
                        m.reason.clone(),
                        when(m.create_time.as_ref()),
                    ]
                },
                |m| json::of("notification.v1.Message", m),
            );
        }
        MessageCommand::Show { name } => {
            let answer = platform
                .messages()
                .get_message(request(GetMessageRequest { name }))
                .await?
                .into_inner();
            out.one(
                || json::of("notification.v1.GetMessageResponse", &answer),
                || {
                    let message = answer.message.clone().unwrap_or_default();
                    heading(&format!("Message {}", message.template));
                    line("name", &message.name);
                    line("to", &message.recipient);
                    line("state", standing(&message));
                    line("attempts", message.attempt_count);
                    if !message.blocked_rules.is_empty() {
                        line("kept back by", message.blocked_rules.join(", "));
                    }
                    for rendered in &answer.rendered_messages {
                        heading(&rendered.subject);
                        anstream::println!("{}", rendered.body);
                    }
                },
            );
        }
        MessageCommand::Send {
            case,
            text,
            person_tokens,
            override_wording,
        } => {
            let asked = SendMessageRequest {
                parent: case::name_of(platform, &case).await?,
                text,
                person_tokens,
                override_reason: override_wording,
                request_id: uuid::Uuid::new_v4().to_string(),
            };
            let answer = platform.messages().send_message(request(asked)).await?;
            let messages = answer.into_inner().messages;
            out.rows(
                &["Message", "To", "State"],
                &messages,
                |m| vec![m.name.clone(), short(&m.recipient), standing(m)],
                |m| json::of("notification.v1.Message", m),
            );
        }
        MessageCommand::Retry {
            name,
            override_wording,
        } => {
            let asked = RetryMessageRequest {
                name,
                override_reason: override_wording,
                request_id: uuid::Uuid::new_v4().to_string(),
                ..Default::default()
            };
            let answer = platform.messages().retry_message(request(asked)).await?;
            let message = answer.into_inner().message.unwrap_or_default();
            out.one(
                || json::of("notification.v1.Message", &message),
                || anstream::println!("{} {}", message.name, standing(&message)),
            );
        }
        MessageCommand::Redrive {
            site,
            reason,
            template,
        } => {
            let mut whole = RedriveMessagesResponse::default();
            // A call takes up to 500; each is repeatable by itself.
            loop {
                let asked = RedriveMessagesRequest {
                    parent: format!("sites/{site}"),
                    reason: reason.clone(),
                    template: template.clone(),
                    request_id: uuid::Uuid::new_v4().to_string(),
                    ..Default::default()
                };
                let answer = platform.messages().redrive_messages(request(asked)).await?;
                let some = answer.into_inner();
                whole.retried_count += some.retried_count;
                whole.ended_count += some.ended_count;
                if !some.more {
                    break;
                }
            }
            out.one(
                || json::of("notification.v1.RedriveMessagesResponse", &whole),
                || {
                    anstream::println!(
                        "{} queued anew, {} cancelled since their matter has ended",
                        whole.retried_count,
                        whole.ended_count
                    );
                },
            );
        }
        MessageCommand::Acknowledge { name } => {
            let asked = AcknowledgeMessageRequest {
                name,
                request_id: uuid::Uuid::new_v4().to_string(),
                ..Default::default()
            };
            let answer = platform
                .messages()
                .acknowledge_message(request(asked))
                .await?
                .into_inner();
            let message = answer.message.unwrap_or_default();
            out.one(
                || json::of("notification.v1.Message", &message),
                || anstream::println!("{} {}", message.name, standing(&message)),
            );
        }
    }
    Ok(())
}

/// Where a message stands, and which digest tells it or how many it tells.
fn standing(message: &Message) -> String {
    let state = state(message.state);
    match (message.digest.is_empty(), message.bundled_count) {
        (false, _) => format!("{state} by {}", short(&message.digest)),
        (true, 0) => state,
        (true, count) => format!("{state}, tells {count}"),
    }
}

fn state(value: i32) -> String {
    MessageState::try_from(value)
        .map_or("–", |s| s.as_str_name())
        .trim_start_matches("MESSAGE_STATE_")
        .to_owned()
}

fn channel(value: i32) -> String {
    MessageChannel::try_from(value)
        .map_or("–", |s| s.as_str_name())
        .trim_start_matches("MESSAGE_CHANNEL_")
        .to_owned()
}
