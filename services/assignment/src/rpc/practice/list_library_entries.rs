//! Lists the solution library, newest first.

use redress_model::Fault;
use redress_model::words::Category;
use redress_proto::assignment::v1::{ListLibraryEntriesRequest, ListLibraryEntriesResponse};
use redress_proto::convert::from_wire;
use redress_rpc::Caller;
use redress_rpc::page::Page;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::super::{Shared, parse as names};
use super::matter::{self, Key};
use super::render;
use crate::domain::practice::library::Entry;
use crate::store::library::{self, Said};
use crate::store::matters::{Filter, Kept};

pub(super) async fn run(
    shared: &Shared,
    request: Request<ListLibraryEntriesRequest>,
) -> Result<ListLibraryEntriesResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let size = std::mem::take(&mut request.page_size);
    let token = std::mem::take(&mut request.page_token);
    let page: Page<Key> = Page::of("ListLibraryEntries", size, &token, &request)?;
    let category: Option<Category> = from_wire(request.category);
    let filter = Filter {
        site: names::site_or_any(&request.parent)?,
        open: !request.show_retired,
        any_of: [
            category
                .map(|c| format!("category={c}"))
                .into_iter()
                .collect(),
            Vec::new(),
            Vec::new(),
        ],
        ..Default::default()
    };
    let (rows, next_page_token) = matter::list::<Entry>(shared, &caller, filter, &page).await?;
    let rows = with_said(shared, &caller, rows).await?;
    Ok(ListLibraryEntriesResponse {
        entries: rows
            .into_iter()
            .map(|(kept, said)| render::library(kept, said, Vec::new()))
            .collect(),
        next_page_token,
    })
}

/// Entries with what complainants said of them.
pub(super) async fn with_said(
    shared: &Shared,
    caller: &Caller,
    entries: Vec<Kept<Entry>>,
) -> Result<Vec<(Kept<Entry>, Said)>, Fault> {
    let scope = redress_runtime::scope(caller);
    shared.db.read(&scope, &WithSaid(entries)).await
}

struct WithSaid(Vec<Kept<Entry>>);

impl Operation for WithSaid {
    const NAME: &'static str = "assignment.said_of_entries";
    type Output = Vec<(Kept<Entry>, Said)>;

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        library::said(tx, self.0.clone()).await
    }
}
