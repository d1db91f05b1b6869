//! ListMessages: newest first, without text.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{CaseName, IncidentName, MessageName, SiteId, SiteName, StaffName};
use redress_proto::convert;
use redress_proto::notification::v1 as proto;
use redress_rpc::Caller;
use redress_rpc::page::Page;
use redress_store::{Operation, Tx};
use tonic::Request;
use uuid::Uuid;

use super::{Messages, wire};
use crate::domain::words::{MessageState, RecipientKind};
use crate::store::matters;
use crate::store::messages::{self, Filter, Message};

/// Whoever asks.
const ME: &str = "me";

struct ListMessages<'a> {
    filter: Filter,
    page: &'a Page<Uuid>,
}

impl Operation for ListMessages<'_> {
    const NAME: &'static str = "notification.list_messages";
    type Output = Vec<Message>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<Message>, Fault> {
        let after = self.page.after().copied();
        let rows = messages::list(tx, &self.filter, after, self.page.limit()).await?;
        matters::found(tx, self.filter.site.as_ref(), rows).await
    }
}

pub(super) async fn handle(
    service: &Messages,
    request: Request<proto::ListMessagesRequest>,
) -> Result<proto::ListMessagesResponse, Fault> {
    let caller = Caller::of(&request)?;
    let asked = request.get_ref();
    let filter = read(asked, caller.staff.as_ref())?;
    if let Some(site) = &filter.site {
        caller.require_site(site)?;
    }
    let question = proto::ListMessagesRequest {
        page_size: 0,
        page_token: String::new(),
        ..asked.clone()
    };
    let page = Page::of(
        "ListMessages",
        asked.page_size,
        &asked.page_token,
        &question,
    )?;
    let operation = ListMessages {
        filter,
        page: &page,
    };
    let rows = redress_runtime::sight(caller)
        .read(&service.db, &operation)
        .await?;
    let (rows, next_page_token) = page.finish(rows, |message| message.name.id);
    Ok(proto::ListMessagesResponse {
        messages: rows.iter().map(wire::message).collect(),
        next_page_token,
    })
}

/// `me`: the person on the roster who asks.
fn read(asked: &proto::ListMessagesRequest, me: Option<&StaffName>) -> Result<Filter, Fault> {
    super::texts::plain(&[("template", &asked.template), ("reason", &asked.reason)])?;
    let mut site = match asked.parent.as_str() {
        "sites/-" => None,
        parent => Some(parse_field::<SiteName>("parent", parent)?.0),
    };
    let mut within = |field: &str, of: SiteId| match &site {
        Some(site) if *site != of => Err(Fault::invalid(field, "must lie in the parent")),
        _ => {
            site = Some(of);
            Ok(())
        }
    };
    let mut filter = Filter {
        template: asked.template.clone(),
        reason: asked.reason.clone(),
        recipient_kind: convert::from_wire(asked.recipient_kind),
        ..Filter::default()
    };
    if !asked.case.is_empty() {
        let case: CaseName = parse_field("case", &asked.case)?;
        within("case", case.site)?;
        filter.case = Some(case.id);
    }
    if !asked.incident.is_empty() {
        let incident: IncidentName = parse_field("incident", &asked.incident)?;
        within("incident", incident.site)?;
        filter.incident = Some(incident.id);
    }
    if !asked.digest.is_empty() {
        let digest: MessageName = parse_field("digest", &asked.digest)?;
        within("digest", digest.site)?;
        filter.digest = Some(digest.id);
    }
    if !asked.recipient.is_empty() {
        let recipient: StaffName = match (asked.recipient.as_str(), me) {
            (ME, Some(me)) => me.clone(),
            (ME, None) => {
                let rule = "must name somebody of staff, `sites/{site}/staff/{staff}`: the token names no person; one that is made for a person (`staff`) does";
                return Err(Fault::invalid("recipient", rule));
            }
            (name, _) => parse_field("recipient", name)?,
        };
        filter.recipient = Some(recipient.to_string());
        // The one kind that has such names, and by which they are found.
        let staff = RecipientKind::Staff;
        filter.recipient_kind = filter.recipient_kind.or(Some(staff));
        within("recipient", recipient.site)?;
    }
    for state in &asked.states {
        let state: MessageState = convert::required("states", *state)?;
        filter.states.push(state.word().to_owned());
    }
    filter.site = site;
    Ok(filter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_of_another_site_is_named_as_the_wrong_field() {
        let id = "0190a6c2-0000-7000-8000-000000000001";
        let asked = |parent: &str, case: String| proto::ListMessagesRequest {
            parent: parent.to_owned(),
            case,
            ..Default::default()
        };
        let fault = read(
            &asked("sites/lake", format!("sites/river/cases/{id}")),
            None,
        )
        .err()
        .map(|f| f.to_string());
        assert_eq!(fault.as_deref(), Some("case must lie in the parent"));
        let any = read(&asked("sites/-", format!("sites/river/cases/{id}")), None).unwrap();
        assert_eq!(any.site.map(|s| s.to_string()).as_deref(), Some("river"));
        assert!(read(&asked("sites/lake", "nonsense".to_owned()), None).is_err());
    }
}
