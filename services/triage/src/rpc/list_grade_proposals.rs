//! Lists the cases whose facts give a lower grade than the one that stands: what somebody with authority
//! is to look at.

use redress_model::Fault;
use redress_model::name::SiteId;
use redress_proto::triage::v1::{ListGradeProposalsRequest, ListGradeProposalsResponse};
use redress_rpc::Caller;
use redress_rpc::page::Page;
use redress_store::{Operation, Tx};
use tonic::Request;
use uuid::Uuid;

use super::{Shared, parse, render};
use crate::casework::ended_statuses;
use crate::store::decisions::{self, DecisionRow};
use crate::store::sites;

pub(super) async fn run(
    shared: &Shared,
    request: Request<ListGradeProposalsRequest>,
) -> Result<ListGradeProposalsResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let size = std::mem::take(&mut request.page_size);
    let token = std::mem::take(&mut request.page_token);
    let page: Page<Uuid> = Page::of("ListGradeProposals", size, &token, &request)?;
    let list = List {
        site: parse::site_or_any(&request.parent)?,
        after: page.after().copied(),
        not_about: caller.staff.as_ref().map(ToString::to_string),
        limit: page.limit(),
    };
    let scope = redress_runtime::scope(&caller);
    let rows = shared.desk.db.read(&scope, &list).await?;
    let (rows, next_page_token) = page.finish(rows, |(_, row)| row.case);
    Ok(ListGradeProposalsResponse {
        decisions: rows
            .into_iter()
            .map(|(site, row)| render::decision(&site, row))
            .collect(),
        next_page_token,
    })
}

struct List {
    site: Option<SiteId>,
    after: Option<Uuid>,
    not_about: Option<String>,
    limit: i64,
}

impl Operation for List {
    const NAME: &'static str = "triage.list_grade_proposals";
    type Output = Vec<(SiteId, DecisionRow)>;

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let ended: Vec<String> = ended_statuses().map(|s| s.word().to_owned()).collect();
        let rows = decisions::proposals(
            tx,
            self.site.as_ref(),
            self.after,
            &ended,
            self.not_about.as_deref(),
            self.limit,
        )
        .await?;
        sites::found(tx, self.site.as_ref(), rows).await
    }
}
