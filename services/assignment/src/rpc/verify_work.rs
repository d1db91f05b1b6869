//! Verifies that the history of work, and the terms of its solutions, stand as they were written (I12).

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{CaseName, SiteId, SiteName, SolutionName};
use redress_proto::assignment::v1::{BrokenWork, VerifyWorkRequest, VerifyWorkResponse};
use redress_rpc::Caller;
use redress_rpc::page::Page;
use redress_store::{Operation, Tx};
use redress_vault::chain::first_broken;
use tonic::Request;
use uuid::Uuid;

use super::{Shared, parse, solution, visible_work};
use crate::store::{history, sites, solutions};

/// Cases of a page at most: every step of each is read.
const CASES_MAX: i32 = 200;

pub(super) async fn run(
    shared: &Shared,
    request: Request<VerifyWorkRequest>,
) -> Result<VerifyWorkResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let token = std::mem::take(&mut request.page_token);
    let size = std::mem::take(&mut request.page_size).min(CASES_MAX);
    let page: Page<Uuid> = Page::of("VerifyWork", size, &token, &request)?;
    let (site, case) = if request.parent.contains("/cases/") {
        let case: CaseName = parse_field("parent", &request.parent)?;
        (case.site.clone(), Some(case))
    } else {
        let site: SiteName = parse_field("parent", &request.parent)?;
        (site.0, None)
    };
    caller.require_site(&site)?;
    let operation = Verify {
        site,
        case,
        after: page.after().copied(),
        limit: page.limit(),
        caller: &caller,
    };
    let scope = redress_runtime::scope(&caller);
    let walked = shared.db.read(&scope, &operation).await?;
    let (walked, next_page_token) = page.finish(walked, |w| w.case.id);
    Ok(VerifyWorkResponse {
        case_count: i32::try_from(walked.len()).unwrap_or(i32::MAX),
        step_count: walked.iter().map(|w| w.steps).sum(),
        broken: walked.into_iter().flat_map(|w| w.broken).collect(),
        next_page_token,
    })
}

/// What a look at one case found.
struct Walked {
    case: CaseName,
    steps: i64,
    broken: Vec<BrokenWork>,
}

struct Verify<'a> {
    site: SiteId,
    case: Option<CaseName>,
    after: Option<Uuid>,
    limit: i64,
    caller: &'a Caller,
}

impl Operation for Verify<'_> {
    const NAME: &'static str = "assignment.verify_work";
    type Output = Vec<Walked>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<Walked>, Fault> {
        let cases = match &self.case {
            Some(case) => {
                visible_work(tx, self.caller, case).await?;
                vec![case.clone()]
            }
            None => {
                sites::require(tx, &self.site).await?;
                let staff = self.caller.staff.as_ref();
                let staff = staff.filter(|s| s.site == self.site).map(|s| &s.id);
                history::cases(tx, &self.site, self.after, staff, self.limit).await?
            }
        };
        let mut walked = Vec::with_capacity(cases.len());
        for case in cases {
            walked.push(walk(tx, case).await?);
        }
        Ok(walked)
    }
}

async fn walk(tx: &mut Tx, case: CaseName) -> Result<Walked, Fault> {
    let steps = history::after(tx, &case, 0).await?;
    let head = history::head(tx, &case).await?.unwrap_or_default();
    let name = parse::work_name(&case).to_string();
    let step = first_broken(&case, &steps, &head).map(|broken| BrokenWork {
        name: name.clone(),
        first_bad_sequence: broken.number,
        finding: broken.finding.to_owned(),
        solution: String::new(),
    });
    let tampered = solutions::of_case(tx, &case).await?;
    let tampered = tampered
        .into_iter()
        .filter(|s| solution::intact(s).is_err());
    let terms = tampered.map(|s| BrokenWork {
        name: name.clone(),
        first_bad_sequence: 0,
        finding: "the terms are not those that were proposed".to_owned(),
        solution: SolutionName::new(case.site.clone(), s.id).to_string(),
    });
    let broken = step.into_iter().chain(terms).collect();
    Ok(Walked {
        steps: i64::try_from(steps.len()).unwrap_or(i64::MAX),
        broken,
        case,
    })
}
