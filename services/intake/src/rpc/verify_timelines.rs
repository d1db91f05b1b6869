//! VerifyTimelines: walks the chains of a site's cases, so that nobody needs to suspect a case first (I12).

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::SiteName;
use redress_proto::intake::v1 as pb;
use redress_rpc::Caller;
use redress_rpc::page::Page;
use redress_store::{Operation, Tx};
use tonic::Request;
use uuid::Uuid;

use super::verify_timeline::{Walked, walk};
use crate::intake::Intake;
use crate::store::{directory, list};

/// Cases of a page at most: every entry of each is read.
const CASES_MAX: i32 = 200;

/// Answers VerifyTimelines.
pub(super) async fn verify(
    intake: &Intake,
    request: Request<pb::VerifyTimelinesRequest>,
) -> Result<pb::VerifyTimelinesResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let token = std::mem::take(&mut request.page_token);
    let size = std::mem::take(&mut request.page_size).min(CASES_MAX);
    let page: Page<Uuid> = Page::of("VerifyTimelines", size, &token, &request)?;
    let site: SiteName = parse_field("parent", &request.parent)?;
    caller.require_site(&site.0)?;
    let operation = Verify { site, page: &page };
    let walked = intake.read(&caller, &operation).await?;
    let (walked, next_page_token) = page.finish(walked, |w| w.case.id);
    Ok(pb::VerifyTimelinesResponse {
        case_count: i32::try_from(walked.len()).unwrap_or(i32::MAX),
        entry_count: walked.iter().map(|w| w.entry_count).sum(),
        broken: walked
            .iter()
            .filter_map(|w| {
                let (first_bad_sequence, finding) = w.broken?;
                Some(pb::BrokenTimeline {
                    case: w.case.to_string(),
                    first_bad_sequence,
                    finding: finding.to_owned(),
                })
            })
            .collect(),
        next_page_token,
    })
}

struct Verify<'a> {
    site: SiteName,
    page: &'a Page<Uuid>,
}

impl Operation for Verify<'_> {
    const NAME: &'static str = "intake.verify_timelines";
    type Output = Vec<Walked>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<Walked>, Fault> {
        directory::get_site(tx, &self.site.0).await?;
        let after = self.page.after().copied();
        let cases = list::by_id(tx, &self.site.0, after, self.page.limit()).await?;
        let mut walked = Vec::with_capacity(cases.len());
        for case in &cases {
            walked.push(walk(tx, case).await?);
        }
        Ok(walked)
    }
}
