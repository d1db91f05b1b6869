//! Lists corrective actions.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::{SiteId, StaffName};
use redress_proto::assignment::v1::{ListCorrectiveActionsRequest, ListCorrectiveActionsResponse};
use redress_proto::convert::from_wire;
use redress_rpc::Caller;
use redress_rpc::page::Page;
use redress_store::{Operation, Tx};
use tonic::Request;
use uuid::Uuid;

use super::{Shared, parse, render_action};
use crate::domain::action::ActionState;
use crate::store::actions::{self, CorrectiveAction};
use crate::store::sites;

type Key = (Timestamp, Uuid);

pub(super) async fn run(
    shared: &Shared,
    request: Request<ListCorrectiveActionsRequest>,
) -> Result<ListCorrectiveActionsResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let size = std::mem::take(&mut request.page_size);
    let token = std::mem::take(&mut request.page_token);
    let page: Page<Key> = Page::of("ListCorrectiveActions", size, &token, &request)?;
    let operation = List {
        site: parse::site_or_any(&request.parent)?,
        state: from_wire(request.state),
        not_about: caller.staff.clone(),
        after: page.after().copied(),
        limit: page.limit(),
    };
    let scope = redress_runtime::scope(&caller);
    let rows = shared.db.read(&scope, &operation).await?;
    let (rows, next_page_token) = page.finish(rows, |a| (a.created_at, a.id));
    let now = shared.clock.now();
    Ok(ListCorrectiveActionsResponse {
        actions: rows.iter().map(|a| render_action(a, now)).collect(),
        next_page_token,
    })
}

struct List {
    site: Option<SiteId>,
    state: Option<ActionState>,
    not_about: Option<StaffName>,
    after: Option<Key>,
    limit: i64,
}

impl Operation for List {
    const NAME: &'static str = "assignment.list_corrective_actions";
    type Output = Vec<CorrectiveAction>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<CorrectiveAction>, Fault> {
        let after = self.after.as_ref();
        let (site, not_about) = (self.site.as_ref(), self.not_about.as_ref());
        let rows = actions::list(tx, site, self.state, not_about, after, self.limit).await?;
        sites::found(tx, site, rows).await
    }
}
