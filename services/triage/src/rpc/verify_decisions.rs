//! Verifies the chains of decisions (I12).

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{CaseName, SiteId, SiteName};
use redress_proto::triage::v1::{BrokenChain, VerifyDecisionsRequest, VerifyDecisionsResponse};
use redress_rpc::Caller;
use redress_rpc::page::Page;
use redress_store::{Operation, Tx};
use tonic::Request;
use uuid::Uuid;

use super::{Shared, require_visible};
use crate::store::{cases, decisions};

pub(super) async fn run(
    shared: &Shared,
    request: Request<VerifyDecisionsRequest>,
) -> Result<VerifyDecisionsResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let size = std::mem::take(&mut request.page_size);
    let token = std::mem::take(&mut request.page_token);
    let page: Page<Uuid> = Page::of("VerifyDecisions", size, &token, &request)?;
    let (site, case) = if request.parent.contains("/cases/") {
        let case: CaseName = parse_field("parent", &request.parent)?;
        (case.site.clone(), Some(case))
    } else {
        let site: SiteName = parse_field("parent", &request.parent)?;
        (site.0, None)
    };
    caller.require_site(&site)?;
    let verify = Verify {
        site,
        case,
        after: page.after().copied(),
        limit: page.limit(),
        caller: &caller,
    };
    let scope = redress_runtime::scope(&caller);
    let verdicts = shared.desk.db.read(&scope, &verify).await?;
    let (verdicts, next_page_token) = page.finish(verdicts, |verdict| verdict.case);
    Ok(VerifyDecisionsResponse {
        case_count: i32::try_from(verdicts.len()).unwrap_or(i32::MAX),
        decision_count: verdicts.iter().map(|v| v.decisions).sum(),
        broken: verdicts
            .iter()
            .filter_map(|verdict| {
                Some(BrokenChain {
                    case: CaseName::new(verify.site.clone(), verdict.case).to_string(),
                    revision: verdict.broken?,
                })
            })
            .collect(),
        next_page_token,
    })
}

struct Verify<'a> {
    site: SiteId,
    case: Option<CaseName>,
    after: Option<Uuid>,
    limit: i64,
    caller: &'a Caller,
}

struct Verdict {
    case: Uuid,
    decisions: i64,
    broken: Option<i64>,
}

impl Operation for Verify<'_> {
    const NAME: &'static str = "triage.verify_decisions";
    type Output = Vec<Verdict>;

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        if let Some(case) = &self.case {
            require_visible(tx, self.caller, case).await?;
        }
        let staff = self.caller.staff.as_ref().map(ToString::to_string);
        let one = self.case.as_ref().map(|case| case.id);
        let decided = cases::decided(
            tx,
            &self.site,
            one,
            self.after,
            staff.as_deref(),
            self.limit,
        )
        .await?;
        let mut verdicts = Vec::with_capacity(decided.len());
        for (case, newest) in decided {
            let chain = decisions::chain(tx, &self.site, case).await?;
            verdicts.push(Verdict {
                case,
                decisions: i64::try_from(chain.len()).unwrap_or(i64::MAX),
                broken: decisions::first_broken(&chain, newest),
            });
        }
        Ok(verdicts)
    }
}
