//! ListHeldMessages: what waits for the spokesperson, with the text that would go, newest first. Who speaks for an incident sees
//! what that one holds, whatever their office.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{IncidentName, SiteName};
use redress_proto::notification::v1 as proto;
use redress_rpc::Caller;
use redress_rpc::page::Page;
use redress_store::{Keyring, Operation, Tx};
use tonic::Request;
use uuid::Uuid;

use super::{Shown, Voice};
use crate::jobs::compose::Previews;
use crate::store::held::{self, Counts, Filter};
use crate::store::{matters, messages, texts};

/// The permission to see what every incident holds.
const LIST: &str = "voice.list";

struct List<'a> {
    caller: &'a Caller,
    filter: Filter,
    /// The one that the filter names.
    incident: Option<IncidentName>,
    now: Timestamp,
    keys: &'a Keyring,
    previews: &'a Previews,
    page: &'a Page<Uuid>,
}

impl Operation for List<'_> {
    const NAME: &'static str = "notification.list_held";
    type Output = (Vec<Shown>, Counts);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        super::require(tx, self.caller, LIST, self.incident.as_ref(), self.now).await?;
        let after = self.page.after().copied();
        let rows = held::list(tx, &self.filter, after, self.page.limit()).await?;
        let rows = matters::found(tx, self.filter.site.as_ref(), rows).await?;
        let mut all = Vec::with_capacity(rows.len());
        for held in rows {
            // Row security shows the hold exactly where it shows the message.
            if let Some(message) = messages::get(tx, &held.message).await? {
                let text = texts::said(tx, self.keys, &held.message).await?;
                let preview = match held.decision {
                    None => self.previews.of(tx, self.keys, &message, self.now).await?,
                    Some(_) => None,
                };
                all.push(Shown {
                    held,
                    message,
                    text,
                    preview,
                });
            }
        }
        Ok((all, held::count(tx, &self.filter).await?))
    }
}

pub(super) async fn handle(
    service: &Voice,
    request: Request<proto::ListHeldMessagesRequest>,
) -> Result<proto::ListHeldMessagesResponse, Fault> {
    let caller = Caller::of(&request)?;
    let asked = request.get_ref();
    let mut filter = Filter {
        decided: asked.decided,
        ..Filter::default()
    };
    if asked.parent != "sites/-" {
        let SiteName(site) = parse_field("parent", &asked.parent)?;
        caller.require_site(&site)?;
        filter.site = Some(site);
    }
    let mut named = None;
    if !asked.incident.is_empty() {
        let incident: IncidentName = parse_field("incident", &asked.incident)?;
        if filter
            .site
            .as_ref()
            .is_some_and(|site| *site != incident.site)
        {
            return Err(Fault::invalid("incident", "must lie in the parent"));
        }
        filter.site = Some(incident.site.clone());
        filter.incident = Some(incident.id);
        named = Some(incident);
    }
    let question = proto::ListHeldMessagesRequest {
        page_size: 0,
        page_token: String::new(),
        ..asked.clone()
    };
    let page = Page::of(
        "ListHeldMessages",
        asked.page_size,
        &asked.page_token,
        &question,
    )?;
    let list = List {
        caller,
        filter,
        incident: named,
        now: service.clock.now(),
        keys: &service.keys,
        previews: &service.previews,
        page: &page,
    };
    let (rows, counts) = redress_runtime::sight(caller)
        .read(&service.db, &list)
        .await?;
    let (rows, next_page_token) = page.finish(rows, |shown: &Shown| shown.held.message.id);
    Ok(proto::ListHeldMessagesResponse {
        held_messages: rows.into_iter().map(super::shown).collect(),
        next_page_token,
        waiting_count: counts.waiting,
        released_count: counts.released,
        dropped_count: counts.dropped,
    })
}
