//! RecordDeliveryReceipt: what a gateway learned of a message that it had taken. Idempotent by itself: a
//! report that was taken before finds nothing left to change. A gateway reports once, so that what it says counts
//! also while the worker that handed the message over has not heard of its being taken, never will, or has died.

use jiff::{SignedDuration, Timestamp};
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::MessageName;
use redress_proto::convert;
use redress_proto::notification::v1 as proto;
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::Delivery;
use crate::domain::words::{DeliveryReport, MessageChannel, MessageState};
use crate::jobs::{announce, steps};
use crate::rpc::wire;
use crate::store::attempts;
use crate::store::messages::{self, Message};

/// Why a message that a provider had taken is queued once more.
const CAME_BACK: &str = "BOUNCED";

struct RecordDeliveryReceipt<'a> {
    name: &'a MessageName,
    page: i32,
    channel: MessageChannel,
    report: DeliveryReport,
    reason: &'a str,
    time: Timestamp,
    /// How long somebody called out has to acknowledge.
    callout_answer: SignedDuration,
    now: Timestamp,
}

impl Operation for RecordDeliveryReceipt<'_> {
    const NAME: &'static str = "notification.record_delivery_receipt";
    /// The message, whether this call changed it, and whether it is sent by that.
    type Output = (Message, bool, bool);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let mut message = messages::lock(tx, self.name)
            .await?
            .ok_or_else(|| Fault::not_found("Message", self.name))?;
        let before = message.fate.state;
        let fresh = match self.report {
            DeliveryReport::Bounced => self.bounced(tx, &mut message).await?,
            DeliveryReport::Delivered | DeliveryReport::Read => {
                self.arrived(tx, &mut message).await?
            }
        };
        if fresh {
            announce::reported(tx, &message, self.report, self.now).await?;
        }
        let sent = message.fate.state == MessageState::Sent && before != MessageState::Sent;
        Ok((message, fresh, sent))
    }
}

impl RecordDeliveryReceipt<'_> {
    /// Opened means arrived, whichever is reported first. Not news once it came back. A worker that has it, alive or dead,
    /// loses its lease, and nobody claims it anew: what has arrived is sent, and not twice for one cause (P21). Nor does
    /// anybody decide any more whether it may go, or look for its reader after it was given up. The reader of a call-out has
    /// from now on as long to answer as if its worker had heard; one that was given up has passed on to others by then, and
    /// pages nobody anew.
    async fn arrived(&self, tx: &mut Tx, message: &mut Message) -> Result<bool, Fault> {
        let (page, channel) = (self.page, self.channel);
        let fate = &mut message.fate;
        let current = fate.page == page && fate.channel == Some(channel);
        let known = match self.report {
            DeliveryReport::Read => fate.read_time.is_some(),
            _ => fate.deliver_time.is_some(),
        };
        if !current || known || !attempts::stands(tx, self.name, page, channel, self.time).await? {
            return Ok(false);
        }
        fate.deliver_time = fate.deliver_time.or(Some(self.time));
        if self.report == DeliveryReport::Read {
            fate.read_time = Some(self.time);
        }
        let callout = message.template.is_callout();
        let is_open = match fate.state {
            MessageState::Queued | MessageState::Sending | MessageState::Held => true,
            MessageState::Failed => !callout,
            _ => false,
        };
        if is_open {
            attempts::arrived(tx, self.name, page, channel, self.now).await?;
            let due = callout.then(|| {
                let due = self.now.saturating_add(self.callout_answer);
                due.unwrap_or(self.now)
            });
            steps::sent(tx, message, due, self.now).await?;
        } else {
            messages::settle(tx, message).await?;
        }
        Ok(true)
    }

    /// The way is used up. Where it was the last one taken, the next one is tried now; a page that is no longer
    /// the current one, or was answered, needs none.
    async fn bounced(&self, tx: &mut Tx, message: &mut Message) -> Result<bool, Fault> {
        let reason = if self.reason.is_empty() {
            CAME_BACK
        } else {
            self.reason
        };
        let (page, channel, times) = (self.page, self.channel, (self.time, self.now));
        let stood = attempts::came_back(tx, self.name, page, channel, reason, times).await?;
        let fate = &mut message.fate;
        let current = fate.page == page && fate.channel == Some(channel);
        // A worker that has it, alive or dead, took it by this way or is about to: it loses its lease.
        let gone = matches!(fate.state, MessageState::Sent | MessageState::Sending);
        if !stood || !current || !gone {
            return Ok(false);
        }
        fate.state = MessageState::Queued;
        fate.lease_token = None;
        fate.due_time = Some(self.now);
        fate.deliver_time = None;
        fate.rest_time = None;
        CAME_BACK.clone_into(&mut fate.reason);
        messages::settle(tx, message).await?;
        Ok(true)
    }
}

pub(super) async fn handle(
    service: &Delivery,
    request: Request<proto::RecordDeliveryReceiptRequest>,
) -> Result<proto::RecordDeliveryReceiptResponse, Fault> {
    let caller = Caller::of(&request)?;
    let asked = request.get_ref();
    let name: MessageName = parse_field("name", &asked.name)?;
    caller.require_site(&name.site)?;
    let now = service.clock.now();
    let time = asked
        .report_time
        .as_ref()
        .map(|t| convert::from_timestamp("report_time", t))
        .transpose()?;
    let operation = RecordDeliveryReceipt {
        name: &name,
        page: asked.page.max(1),
        channel: convert::required("channel", asked.channel)?,
        report: convert::required("report", asked.report)?,
        reason: &asked.reason,
        // A gateway's clock may be ahead of ours.
        time: time.unwrap_or(now).min(now),
        callout_answer: service.callout_answer,
        now,
    };
    let (message, fresh, sent) = redress_runtime::sight(caller)
        .run(&service.db, &operation)
        .await?;
    if sent {
        service.metrics.reached(&message);
    }
    if fresh {
        service.metrics.reported(operation.report);
        tracing::info!(
            message.name = %message.name,
            report = operation.report.word(),
            channel = operation.channel.word(),
            "a gateway reported on a message",
        );
    }
    Ok(proto::RecordDeliveryReceiptResponse {
        message: Some(wire::message(&message)),
    })
}
