//! Lists the signals of a case, newest first.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::CaseName;
use redress_proto::triage::v1::{ListSignalsRequest, ListSignalsResponse};
use redress_rpc::Caller;
use redress_rpc::page::Page;
use redress_store::{Operation, Tx};
use tonic::Request;
use uuid::Uuid;

use super::{Shared, render, require_visible};
use crate::store::signals::{self, SignalRow};

type Key = (Timestamp, Uuid);

pub(super) async fn run(
    shared: &Shared,
    request: Request<ListSignalsRequest>,
) -> Result<ListSignalsResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let size = std::mem::take(&mut request.page_size);
    let token = std::mem::take(&mut request.page_token);
    let page: Page<Key> = Page::of("ListSignals", size, &token, &request)?;
    let list = List {
        case: parse_field("parent", &request.parent)?,
        after: page.after().copied(),
        limit: page.limit(),
        caller: &caller,
    };
    let rows = shared
        .desk
        .db
        .read(&redress_runtime::scope(&caller), &list)
        .await?;
    let (rows, next_page_token) = page.finish(rows, |row| (row.created, row.id));
    Ok(ListSignalsResponse {
        signals: rows
            .into_iter()
            .map(|row| render::signal(&list.case.site, row))
            .collect(),
        next_page_token,
    })
}

struct List<'a> {
    case: CaseName,
    after: Option<Key>,
    limit: i64,
    caller: &'a Caller,
}

impl Operation for List<'_> {
    const NAME: &'static str = "triage.list_signals";
    type Output = Vec<SignalRow>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<SignalRow>, Fault> {
        require_visible(tx, self.caller, &self.case).await?;
        signals::page(tx, &self.case.site, self.case.id, self.after, self.limit).await
    }
}
