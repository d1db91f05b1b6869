//! `redress message`: what was told to whom, and the local outbox.

use redress_proto::convert::to_timestamp;
use redress_proto::notification::v1::{
    AcknowledgeMessageRequest, Appointment, Attempt, DropMessageRequest, GetMessageRequest,
    HeldMessage, ListHeldMessagesRequest, ListMessagesRequest, Message, MessageChannel,
    MessagePreview, MessagePurpose, MessageState, RedriveMessagesRequest, RedriveMessagesResponse,
    ReleaseMessageRequest, RetryMessageRequest, SendMessageRequest, VisitPlace,
};

use super::people::person_if_given;
use super::{case, choice, spelled};
use crate::args::MessageCommand;
use crate::connect::{Platform, all_pages, parent, request, request_id};
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, Tail as _, counted, excerpt, heading, line, short, when};

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
            to,
            reason,
            paging,
        } => {
            let states = state
                .map(|word| choice("state", "MESSAGE_STATE_", &word, MessageState::as_str_name))
                .transpose()?
                .into_iter()
                .collect();
            let filter = ListMessagesRequest {
                parent: parent(site.as_deref()),
                case: case::name_or_any(platform, case.as_deref()).await?,
                template: template.unwrap_or_default(),
                digest: digest.unwrap_or_default(),
                states,
                reason: reason.unwrap_or_default(),
                recipient: to.unwrap_or_default(),
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
            let matters = messages.iter().map(about);
            let numbers = case::Numbers::look_up(platform, matters, out).await;
            out.rows(
                &[
                    "Message", "Template", "To", "About", "By", "State", "Why", "Made",
                ],
                &messages,
                |m| {
                    vec![
                        m.name.clone(),
                        m.template.clone(),
                        short(&m.recipient),
                        numbers.of(about(m)),
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
            let message = answer.message.clone().unwrap_or_default();
            let matter = about(&message);
            let numbers = case::Numbers::look_up(platform, [matter].into_iter(), out).await;
            out.one(
                || json::of("notification.v1.GetMessageResponse", &answer),
                || {
                    heading(&format!("Message {}", message.template));
                    line("name", &message.name);
                    line("to", &message.recipient);
                    if !matter.is_empty() {
                        line("about", numbers.of(matter));
                    }
                    line("state", standing(&message));
                    if !message.reason.is_empty() {
                        line("why", &message.reason);
                    }
                    if let Some(next) = next_sending(&message) {
                        line("next", when(Some(next)));
                    }
                    line("attempts", message.attempt_count);
                    for attempt in &answer.attempts {
                        line(&format!("attempt {}", attempt.number), tried(attempt));
                    }
                    if !message.blocked_rules.is_empty() {
                        line("kept back by", message.blocked_rules.join(", "));
                    }
                    if let Some(preview) = &answer.preview {
                        heading(&would_go(preview));
                        crate::output::say!("{}", preview.body);
                    } else if answer.rendered_messages.is_empty() && !answer.said_text.is_empty() {
                        heading("Written for it");
                        crate::output::say!("{}", answer.said_text);
                    }
                    for rendered in &answer.rendered_messages {
                        heading(&rendered.subject);
                        crate::output::say!("{}", rendered.body);
                    }
                },
            );
        }
        MessageCommand::Send {
            case,
            text,
            visit,
            place,
            visitor,
            person_tokens,
            purpose,
            override_wording,
        } => {
            let parent = case::name_of(platform, &case).await?;
            let appointment = match visit {
                Some(time) => Some(Appointment {
                    visit_time: Some(to_timestamp(time)),
                    place: choice("place", "VISIT_PLACE_", &place, VisitPlace::as_str_name)?,
                    visitor: person_if_given(platform, &parent, visitor.as_deref()).await?,
                }),
                None => None,
            };
            let name = MessagePurpose::as_str_name;
            let purpose = match &appointment {
                Some(_) => MessagePurpose::Appointment.into(),
                None => choice("purpose", "MESSAGE_PURPOSE_", &purpose, name)?,
            };
            let asked = SendMessageRequest {
                purpose,
                appointment,
                parent,
                text: text.unwrap_or_default(),
                person_tokens,
                override_reason: override_wording,
                request_id: request_id(),
            };
            let answer = platform.messages().send_message(request(asked)).await?;
            let answer = answer.into_inner();
            out.rows(
                &["Message", "To", "State"],
                &answer.messages,
                |m| {
                    let state = sent(m, &answer.waiting_messages);
                    vec![m.name.clone(), short(&m.recipient), state]
                },
                |m| json::of("notification.v1.Message", m),
            );
            if !out.json && !answer.waiting_messages.is_empty() {
                let count = answer.waiting_messages.len();
                crate::output::say!(
                    "{} for the spokesperson of an open incident, who decides also after it has ended: `redress message held` lists what waits",
                    counted(&count, "message waits", "messages wait"),
                );
            }
        }
        MessageCommand::Held {
            site,
            incident,
            decided,
            paging,
        } => held(platform, site, incident, decided, paging.limit, out).await?,
        MessageCommand::Release { name, reason } => {
            let asked = ReleaseMessageRequest {
                name,
                reason,
                request_id: request_id(),
                ..Default::default()
            };
            let answer = platform.voice().release_message(request(asked)).await?;
            decided(&answer.into_inner().held_message.unwrap_or_default(), out);
        }
        MessageCommand::Drop { name, reason } => {
            let asked = DropMessageRequest {
                name,
                reason,
                request_id: request_id(),
                ..Default::default()
            };
            let answer = platform.voice().drop_message(request(asked)).await?;
            decided(&answer.into_inner().held_message.unwrap_or_default(), out);
        }
        MessageCommand::Retry {
            name,
            override_wording,
        } => {
            let asked = RetryMessageRequest {
                name,
                override_reason: override_wording,
                request_id: request_id(),
                ..Default::default()
            };
            let answer = platform.messages().retry_message(request(asked)).await?;
            let message = answer.into_inner().message.unwrap_or_default();
            out.one(
                || json::of("notification.v1.Message", &message),
                || crate::output::say!("{} {}", message.name, standing(&message)),
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
                    request_id: request_id(),
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
                    crate::output::say!(
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
                request_id: request_id(),
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
                || crate::output::say!("{} {}", message.name, standing(&message)),
            );
        }
    }
    Ok(())
}

/// What waits for the spokesperson, and how many were decided.
async fn held(
    platform: &Platform,
    site: Option<String>,
    incident: Option<String>,
    decided: bool,
    limit: Option<usize>,
    out: Output,
) -> Result<(), Failure> {
    let filter = ListHeldMessagesRequest {
        parent: parent(site.as_deref()),
        incident: incident.unwrap_or_default(),
        decided,
        ..Default::default()
    };
    let client = platform.voice();
    let rows = all_pages(limit, |page_size, page_token| {
        let mut client = client.clone();
        let filter = ListHeldMessagesRequest {
            page_size: page_size.min(200),
            page_token,
            ..filter.clone()
        };
        async move {
            let answer = client
                .list_held_messages(request(filter))
                .await?
                .into_inner();
            Ok((answer.held_messages, answer.next_page_token))
        }
    })
    .await?;
    let matters = rows.iter().flat_map(|h| {
        let matter = h.message.as_ref().map(about);
        matter.into_iter().chain([h.incident.as_str()])
    });
    let numbers = case::Numbers::look_up(platform, matters, out).await;
    out.rows(
        &[
            "Message",
            "Template",
            "About",
            "Held by",
            "Since",
            "Decide by",
            "Decision",
            "Why",
            "Says",
        ],
        &rows,
        |h| {
            let message = h.message.clone().unwrap_or_default();
            vec![
                message.name.clone(),
                message.template.clone(),
                numbers.of(about(&message)),
                numbers.of(&h.incident),
                when(h.hold_time.as_ref()),
                when(h.decide_by_time.as_ref()),
                decision(h),
                h.reason.clone(),
                excerpt(&says(h), 80),
            ]
        },
        |h| json::of("notification.v1.HeldMessage", h),
    );
    if !out.json && rows.iter().any(|h| h.preview.is_some()) {
        crate::output::say!("`redress message show MESSAGE` shows the whole text that would go");
    }
    Ok(())
}

/// What a held message says, in one line: what somebody wrote, else the text that would go.
fn says(held: &HeldMessage) -> String {
    let whole = match &held.preview {
        Some(preview) if held.text.is_empty() => format!("{}: {}", preview.subject, preview.body),
        _ => held.text.clone(),
    };
    whole.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Over a text that would go.
fn would_go(preview: &MessagePreview) -> String {
    format!("Would go ({}): {}", preview.language, preview.subject)
}

/// What became of a held message.
fn decided(held: &HeldMessage, out: Output) {
    let name = held.message.as_ref().map_or("", |m| m.name.as_str());
    out.one(
        || json::of("notification.v1.HeldMessage", held),
        || crate::output::say!("{name} {}", decision(held)),
    );
}

fn decision(held: &HeldMessage) -> String {
    spelled(held.decision().as_str_name(), "HOLD_DECISION_")
}

/// What a message is about: its case, else its incident; empty for neither.
fn about(message: &Message) -> &str {
    if message.case.is_empty() {
        &message.incident
    } else {
        &message.case
    }
}

/// What became of an attempt: when it began, by which way, and what went wrong.
fn tried(attempt: &Attempt) -> String {
    let provider = spelled(attempt.provider().as_str_name(), "MESSAGE_PROVIDER_");
    let outcome = spelled(attempt.outcome().as_str_name(), "ATTEMPT_OUTCOME_");
    let why = match attempt.reason.as_str() {
        "" => String::new(),
        reason => format!(", {reason}"),
    };
    format!(
        "{} by {} ({provider}), {outcome}{why}",
        when(attempt.start_time.as_ref()),
        channel(attempt.channel)
    )
}

/// When a message is sent next, or its next page: what waits for a person is only looked at again.
fn next_sending(message: &Message) -> Option<&prost_types::Timestamp> {
    let is_planned = matches!(message.state(), MessageState::Queued | MessageState::Sent);
    message.next_time.as_ref().filter(|_| is_planned)
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

/// Where a message stands that was just sent: what waits for the spokesperson is queued only until the sender looks at it.
fn sent(message: &Message, waiting: &[String]) -> String {
    if waiting.contains(&message.name) {
        "HELD, waits for the spokesperson".to_owned()
    } else {
        standing(message)
    }
}

fn state(value: i32) -> String {
    MessageState::try_from(value)
        .map_or("–", |s| s.as_str_name())
        .tail("MESSAGE_STATE_")
        .to_owned()
}

fn channel(value: i32) -> String {
    MessageChannel::try_from(value)
        .map_or("–", |s| s.as_str_name())
        .tail("MESSAGE_CHANNEL_")
        .to_owned()
}

#[cfg(test)]
mod tests {
    use redress_proto::notification::v1::{AttemptOutcome, MessageProvider};

    use super::*;

    #[test]
    fn a_message_that_waits_for_the_spokesperson_is_not_said_to_be_queued() {
        let message = Message {
            name: "sites/lake/messages/one".to_owned(),
            state: MessageState::Queued.into(),
            ..Default::default()
        };
        let waiting = [message.name.clone()];
        assert_eq!(sent(&message, &waiting), "HELD, waits for the spokesperson");
        assert_eq!(sent(&message, &[]), "QUEUED");
    }

    #[test]
    fn i7_whoever_decides_reads_the_products_own_texts_too() {
        let mut held = HeldMessage {
            preview: Some(MessagePreview {
                language: "en".to_owned(),
                subject: "News of what you told us: LS-1".to_owned(),
                body: "Hello,\n\nWe have begun to find out.".to_owned(),
            }),
            ..Default::default()
        };
        let said = "News of what you told us: LS-1: Hello, We have begun to find out.";
        assert_eq!(says(&held), said);
        let over = held.preview.as_ref().map(would_go);
        assert_eq!(
            over.as_deref(),
            Some("Would go (en): News of what you told us: LS-1")
        );
        held.text = "We come tomorrow.".to_owned();
        assert_eq!(says(&held), "We come tomorrow.");
    }

    #[test]
    fn an_attempt_says_by_which_way_it_went_and_why_it_failed() {
        let mut attempt = Attempt {
            number: 1,
            channel: MessageChannel::Sms.into(),
            provider: MessageProvider::Webhook.into(),
            outcome: AttemptOutcome::Permanent.into(),
            reason: "HTTP_422".to_owned(),
            ..Default::default()
        };
        let said = tried(&attempt);
        assert!(
            said.ends_with(" by SMS (WEBHOOK), PERMANENT, HTTP_422"),
            "{said}"
        );
        attempt.set_outcome(AttemptOutcome::Accepted);
        attempt.reason.clear();
        let said = tried(&attempt);
        assert!(said.ends_with(" by SMS (WEBHOOK), ACCEPTED"), "{said}");
    }

    #[test]
    fn only_what_is_to_be_sent_has_a_next_time() {
        let next = |state: MessageState| {
            let message = Message {
                state: state.into(),
                next_time: Some(prost_types::Timestamp::default()),
                ..Default::default()
            };
            next_sending(&message).is_some()
        };
        assert!(next(MessageState::Queued), "its time, or a retry");
        assert!(next(MessageState::Sent), "the next page of a call-out");
        assert!(!next(MessageState::Held), "waits for the spokesperson");
        assert!(!next(MessageState::Asked), "waits for a person who calls");
    }
}
