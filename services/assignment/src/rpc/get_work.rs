//! Gets the work on a case with its history, its running clocks, what the register holds that concerns it (M10), what was asked
//! for and ordered (M13), and what solved cases like it (M03).

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::CaseName;
use redress_proto::assignment::v1::{GetWorkRequest, GetWorkResponse, SolutionSuggestion};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Shared, parse, practice, promises, render, visible_work};
use crate::domain::past_office::PastOffice;
use crate::domain::practice::library::{self, Asked};
use crate::domain::practice::power::{EvidenceRequest, HandlingOrder};
use crate::domain::practice::register::{Entry, touching};
use crate::domain::work::{OPEN, Work};
use crate::store;
use crate::store::library::Said;
use crate::store::matters::{self, Filter, Kept};
use crate::store::powers;
use crate::store::promises::Running;
use crate::store::work::{self, StoredStep};

/// Entries of the register that are shown with a case.
const REGISTER_MAX: i64 = 20;
/// Entries of the library that are shown with a case.
const LIKE_MAX: usize = 3;
/// The newest entries of the library whose words are compared: cutting a text into words takes its time.
const COMPARED_BY_WORDS_MAX: usize = 100;

pub(super) async fn run(
    shared: &Shared,
    request: Request<GetWorkRequest>,
) -> Result<GetWorkResponse, Fault> {
    let caller = Caller::of(&request)?;
    let asked = request.get_ref();
    let operation = Get {
        case: parse::case_of_work(&asked.name)?,
        query: &asked.query,
        caller,
        now: shared.clock.now(),
    };
    let scope = redress_runtime::scope(caller);
    let found = shared.db.read(&scope, &operation).await?;
    let site = &operation.case.site;
    Ok(GetWorkResponse {
        steps: found
            .steps
            .into_iter()
            .map(|s| render::step(site, s))
            .collect(),
        clocks: found
            .clocks
            .iter()
            .map(|c| promises::clock(site, c))
            .collect(),
        register_entries: found.register.into_iter().map(practice::entry).collect(),
        joint_visit_wanted: found.joint_visit_wanted,
        past_office: found.past_office.map(|m| render::past_office(site, m)),
        evidence_requests: found
            .evidence
            .into_iter()
            .map(practice::evidence_request)
            .collect(),
        handling_orders: found
            .orders
            .into_iter()
            .map(practice::handling_order)
            .collect(),
        like_solutions: like_solutions(&found.work, operation.query, found.like),
        work: Some(render::work(found.work)),
    })
}

/// The matter in words: as it was said back, until then as the caller has it.
fn words<'a>(work: &'a Work, query: &'a str) -> &'a str {
    work.restatement.as_ref().map_or(query, |r| r.text.as_str())
}

/// What solved cases like this one.
fn like_solutions(
    work: &Work,
    query: &str,
    mut like: Vec<(Kept<library::Entry>, Said)>,
) -> Vec<SolutionSuggestion> {
    let words = words(work, query);
    if !words.is_empty() {
        like.truncate(COMPARED_BY_WORDS_MAX);
    }
    let asked = Asked {
        category: work.category(),
        class: None,
        query: words.to_owned(),
    };
    practice::likest(&asked, like, LIKE_MAX)
}

/// The work with what belongs to it.
struct Found {
    work: Work,
    steps: Vec<StoredStep>,
    clocks: Vec<Running>,
    register: Vec<Kept<Entry>>,
    past_office: Option<PastOffice>,
    joint_visit_wanted: bool,
    evidence: Vec<Kept<EvidenceRequest>>,
    orders: Vec<Kept<HandlingOrder>>,
    like: Vec<(Kept<library::Entry>, Said)>,
}

struct Get<'a> {
    case: CaseName,
    query: &'a str,
    caller: &'a Caller,
    now: Timestamp,
}

impl Operation for Get<'_> {
    const NAME: &'static str = "assignment.get_work";
    type Output = Found;

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let work = visible_work(tx, self.caller, &self.case).await?;
        let steps = work::steps(tx, &self.case).await?;
        let clocks = store::promises::clocks(tx, &self.case).await?;
        // What no category is known for may concern anything.
        let of_category = work.category().map(|c| touching("category", c.word()));
        let filter = Filter {
            site: Some(self.case.site.clone()),
            any_of: [of_category.unwrap_or_default(), Vec::new(), Vec::new()],
            on: store::sites::today(tx, &self.case.site, self.now).await?,
            ..Filter::default()
        };
        let register = matters::list::<Entry>(tx, &filter, None, REGISTER_MAX).await?;
        let past_office = store::past_office::of_case(tx, &self.case).await?;
        let wants = work.wants_joint_visit();
        let joint_visit_wanted = wants
            && store::joint_visits::of_case(tx, &self.case)
                .await?
                .is_empty();
        let like = if OPEN.contains(&work.status) && self.caller.may("library.suggest") {
            let reader = self.caller.staff.as_ref();
            if work.category().is_none() && !words(&work, self.query).is_empty() {
                let any = [Vec::new(), Vec::new()];
                store::library::usable(tx, &self.case, reader, any).await?
            } else {
                store::library::like(tx, &work, reader, None).await?
            }
        } else {
            Vec::new()
        };
        Ok(Found {
            work,
            steps,
            clocks,
            register,
            past_office,
            joint_visit_wanted,
            evidence: powers::of_case(tx, &self.case, false).await?,
            orders: powers::of_case(tx, &self.case, false).await?,
            like,
        })
    }
}
