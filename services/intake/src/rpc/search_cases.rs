//! SearchCases: all words of a query, Chinese or not.

use redress_model::Fault;
use redress_model::name::SiteId;
use redress_proto::intake::v1 as pb;
use redress_rpc::Caller;
use redress_rpc::page::Page;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{list_cases, parse_parent, refuse_nul, render};
use crate::domain::search::query;
use crate::intake::Intake;
use crate::store::case::{self, Record};
use crate::store::list::CaseKey;
use crate::store::{directory, search};

/// Answers SearchCases.
pub(super) async fn search(
    intake: &Intake,
    request: Request<pb::SearchCasesRequest>,
) -> Result<pb::SearchCasesResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let token = std::mem::take(&mut request.page_token);
    let size = std::mem::take(&mut request.page_size);
    let page = Page::of("SearchCases", size, &token, &request)?;
    let site = parse_parent(&request.parent)?;
    refuse_nul("query", &request.query)?;
    let words = query(&request.query);
    if words.is_empty() {
        return Err(Fault::invalid(
            "query",
            "must hold at least one letter, digit or character",
        ));
    }
    let operation = Search {
        words,
        site,
        page: &page,
    };
    let found = intake.read(&caller, &operation).await?;
    let (cases, next_page_token) = page.finish(found, list_cases::key);
    Ok(pb::SearchCasesResponse {
        cases: cases.iter().map(render::basic).collect(),
        next_page_token,
    })
}

struct Search<'a> {
    words: Vec<String>,
    site: Option<SiteId>,
    page: &'a Page<CaseKey>,
}

impl Operation for Search<'_> {
    const NAME: &'static str = "intake.search_cases";
    type Output = Vec<Record>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<Record>, Fault> {
        let site = self.site.as_ref();
        let names =
            search::names(tx, &self.words, site, self.page.after(), self.page.limit()).await?;
        let names = directory::found(tx, site, names).await?;
        case::load(tx, &names).await
    }
}
