//! RedriveMessages: failed messages are queued anew in bulk, after a gateway was mended.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{SiteId, SiteName};
use redress_proto::convert;
use redress_proto::notification::v1 as proto;
use redress_rpc::Caller;
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Messages, retry_message};
use crate::jobs::{steps, voice};
use crate::store::messages::{self, Failed};
use crate::store::tasks;

const METHOD: &str = "redress.notification.v1.MessageService/RedriveMessages";
/// Messages that one call looks at.
const MESSAGES_MAX: i64 = 500;

struct Redriven {
    retried: i32,
    ended: i32,
    more: bool,
}

struct RedriveMessages<'a> {
    site: &'a SiteId,
    failed: Failed,
    receipt: ReceiptKey,
    now: Timestamp,
}

impl Operation for RedriveMessages<'_> {
    const NAME: &'static str = "notification.redrive_messages";
    type Output = Redriven;

    async fn run(&self, tx: &mut Tx) -> Result<Redriven, Fault> {
        let claim = receipt::claim(tx, &self.receipt, self.now).await?;
        if let Claim::Seen { resource, .. } = claim {
            return seen(&resource);
        }
        let names = messages::failed(tx, self.site, &self.failed, MESSAGES_MAX + 1).await?;
        let limit = usize::try_from(MESSAGES_MAX).unwrap_or(usize::MAX);
        let mut redriven = Redriven {
            retried: 0,
            ended: 0,
            more: names.len() > limit,
        };
        for name in names.iter().take(limit) {
            let Some(mut message) = messages::lock(tx, name).await? else {
                continue;
            };
            if retry_message::has_ended(tx, &message).await? {
                // Nobody needs it any more: it leaves the list of what waits for a person.
                let state = steps::unneeded(tx, &message).await?;
                let fate = &mut message.fate;
                fate.state = state;
                "MATTER_ENDED".clone_into(&mut fate.reason);
                messages::settle(tx, &mut message).await?;
                voice::overtaken(tx, &message, self.now).await?;
                tasks::end_search(tx, name, self.now).await?;
                redriven.ended += 1;
                continue;
            }
            retry_message::queue_anew(&mut message.fate, message.template.is_callout(), self.now);
            messages::settle(tx, &mut message).await?;
            redriven.retried += 1;
        }
        let told = format!("{}/{}/{}", redriven.retried, redriven.ended, redriven.more);
        receipt::complete(tx, &self.receipt, &told, "").await?;
        Ok(redriven)
    }
}

/// The same answer again: what was redriven is no resource, so the receipt holds the counts.
fn seen(told: &str) -> Result<Redriven, Fault> {
    let mut parts = told.split('/');
    let mut next = || parts.next().unwrap_or_default();
    let broken = |_| Fault::internal("a receipt of redriven messages without its counts");
    Ok(Redriven {
        retried: next().parse().map_err(broken)?,
        ended: next().parse().map_err(broken)?,
        more: next() == "true",
    })
}

pub(super) async fn handle(
    service: &Messages,
    request: Request<proto::RedriveMessagesRequest>,
) -> Result<proto::RedriveMessagesResponse, Fault> {
    let caller = Caller::of(&request)?;
    let asked = request.get_ref();
    let SiteName(site) = parse_field("parent", &asked.parent)?;
    caller.require_site(&site)?;
    let instant = |field, time: &Option<prost_types::Timestamp>| {
        time.as_ref()
            .map(|time| convert::from_timestamp(field, time))
            .transpose()
    };
    for (field, text) in [("template", &asked.template), ("reason", &asked.reason)] {
        if text.contains('\0') {
            return Err(Fault::invalid(field, "must not hold U+0000"));
        }
    }
    let unnumbered = proto::RedriveMessagesRequest {
        request_id: String::new(),
        ..asked.clone()
    };
    let operation = RedriveMessages {
        site: &site,
        failed: Failed {
            template: asked.template.clone(),
            reason: asked.reason.clone(),
            from: instant("start_time", &asked.start_time)?,
            until: instant("end_time", &asked.end_time)?,
        },
        receipt: ReceiptKey {
            caller: caller.key(),
            method: METHOD,
            request_id: asked.request_id.clone(),
            site: site.to_string(),
            fingerprint: service.fingerprints.of(METHOD, &unnumbered).to_vec(),
        },
        now: service.clock.now(),
    };
    let redriven = redress_runtime::sight(caller)
        .run(&service.db, &operation)
        .await?;
    Ok(proto::RedriveMessagesResponse {
        retried_count: redriven.retried,
        ended_count: redriven.ended,
        more: redriven.more,
    })
}
