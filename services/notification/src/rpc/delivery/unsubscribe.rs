//! Unsubscribe: the reader of a message does not want to be told more of the kind, said by the one click of a
//! mailbox (RFC 8058).

use jiff::Timestamp;
use redress_model::Fault;
use redress_proto::notification::v1 as proto;
use redress_rpc::{Caller, etag};
use redress_store::{Operation, Tx};
use tonic::Request;

use super::Delivery;
use crate::domain::preference::Preference;
use crate::domain::words::MessageTopic;
use crate::jobs::voice;
use crate::store::preferences;
use crate::token::Refusal;

struct Unsubscribe<'a> {
    refusal: &'a Refusal,
    now: Timestamp,
}

impl Operation for Unsubscribe<'_> {
    const NAME: &'static str = "notification.unsubscribe";
    type Output = ();

    async fn run(&self, tx: &mut Tx) -> Result<(), Fault> {
        let Refusal {
            site,
            person,
            topic,
        } = self.refusal;
        if !preferences::is_known(tx, site, person).await? {
            return Err(Fault::not_found(
                "Preference",
                super::preference_name(site, person),
            ));
        }
        let current = preferences::get(tx, site, person).await?;
        if current.refused.contains(topic) {
            return Ok(());
        }
        let mut wanted = Preference {
            revision: current.revision + 1,
            ..current
        };
        wanted.refused.push(*topic);
        if !preferences::keep(tx, site, person, &wanted, self.now).await? {
            let now = preferences::get(tx, site, person).await?;
            return Err(Fault::Conflict {
                name: super::preference_name(site, person),
                current_etag: etag::of(now.revision),
            });
        }
        if *topic == MessageTopic::Survey {
            voice::surveys_refused(tx, site, person, self.now).await?;
        }
        Ok(())
    }
}

pub(super) async fn handle(
    service: &Delivery,
    request: Request<proto::UnsubscribeRequest>,
) -> Result<proto::UnsubscribeResponse, Fault> {
    let caller = Caller::of(&request)?;
    let refusal = service
        .tokens
        .read_refusal(&request.get_ref().token)
        .ok_or_else(|| Fault::invalid("token", "must be the whole token of a link in a message"))?;
    caller.require_site(&refusal.site)?;
    let operation = Unsubscribe {
        refusal: &refusal,
        now: service.clock.now(),
    };
    redress_runtime::sight(caller)
        .run(&service.db, &operation)
        .await?;
    tracing::info!(topic = refusal.topic.word(), "a reader refused a topic");
    Ok(proto::UnsubscribeResponse {})
}
