//! RecordDeliveryReceipt: what a gateway learned of a message that it had taken. Idempotent by itself: a
//! report that was taken before finds nothing left to change.

use jiff::Timestamp;
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
use crate::jobs::{CAME_BACK, announce};
use crate::rpc::wire;
use crate::store::attempts;
use crate::store::messages::{self, Message};

struct RecordDeliveryReceipt<'a> {
    name: &'a MessageName,
    page: i32,
    channel: MessageChannel,
    report: DeliveryReport,
    reason: &'a str,
    time: Timestamp,
    now: Timestamp,
}

impl Operation for RecordDeliveryReceipt<'_> {
    const NAME: &'static str = "notification.record_delivery_receipt";
    /// The message, and whether this call changed it.
    type Output = (Message, bool);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let mut message = messages::lock(tx, self.name)
            .await?
            .ok_or_else(|| Fault::not_found("Message", self.name))?;
        let fresh = match self.report {
            DeliveryReport::Bounced => self.bounced(tx, &mut message).await?,
            DeliveryReport::Delivered | DeliveryReport::Read => self.arrived(&mut message),
        };
        if fresh {
            messages::settle(tx, &mut message).await?;
            announce::reported(tx, &message, self.report, self.now).await?;
        }
        Ok((message, fresh))
    }
}

impl RecordDeliveryReceipt<'_> {
    /// Opened means arrived, whichever is reported first. Not news once it came back.
    fn arrived(&self, message: &mut Message) -> bool {
        let fate = &mut message.fate;
        let by_this_way = fate.send_time.is_some()
            && fate.channel == Some(self.channel)
            && fate.page == self.page
            && matches!(fate.state, MessageState::Sent | MessageState::Acknowledged);
        let known = match self.report {
            DeliveryReport::Read => fate.read_time.is_some(),
            _ => fate.deliver_time.is_some(),
        };
        if !by_this_way || known {
            return false;
        }
        fate.deliver_time = fate.deliver_time.or(Some(self.time));
        if self.report == DeliveryReport::Read {
            fate.read_time = Some(self.time);
        }
        true
    }

    /// The way is used up. Where it was the last one taken, the next one is tried now; a page that is no longer
    /// the current one, or was answered, needs none.
    async fn bounced(&self, tx: &mut Tx, message: &mut Message) -> Result<bool, Fault> {
        let reason = if self.reason.is_empty() {
            CAME_BACK
        } else {
            self.reason
        };
        let (page, channel) = (self.page, self.channel);
        let taken = attempts::came_back(tx, self.name, page, channel, reason).await?;
        let fate = &mut message.fate;
        let current = fate.page == page && fate.channel == Some(channel);
        if !taken || !current || fate.state != MessageState::Sent {
            return Ok(false);
        }
        fate.state = MessageState::Queued;
        fate.due_time = Some(self.now);
        fate.deliver_time = None;
        CAME_BACK.clone_into(&mut fate.reason);
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
        now,
    };
    let (message, fresh) = redress_runtime::sight(caller)
        .run(&service.db, &operation)
        .await?;
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
