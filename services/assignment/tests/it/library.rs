//! The solution library: kept at closing, found by likeness, compared by what was paid (M03, M10).

use redress_assignment::domain::solution::Answer;
use redress_model::name::CaseName;
use redress_model::words::{CaseStatus, Category, Channel};
use redress_proto::Money;
use redress_proto::assignment::v1 as wire;
use redress_proto::assignment::v1::handling_service_server::HandlingService;
use redress_proto::assignment::v1::library_service_server::LibraryService;
use redress_proto::assignment::v1::solution_service_server::SolutionService;
use redress_proto::assignment::v1::work_service_server::WorkService;
use redress_proto::convert::to_wire;
use redress_rpc::Caller;
use tonic::{Code, Status};

use crate::world::{World, by, site};

const SITE: &str = "sites/lakeside";

const QUALITY: Category = Category::EngineeringQuality;

fn yuan(units: i64) -> Money {
    Money {
        currency_code: "CNY".to_owned(),
        units,
        nanos: 0,
    }
}

impl World {
    /// A case that was solved so, followed up and closed.
    async fn closed(&self, category: Category, summary: &str, satisfied: bool) -> CaseName {
        let case = self.offered(category).await;
        self.solve(&case, summary, satisfied).await;
        self.read(&case).await;
        case
    }

    /// What was settled on the spot is withheld until a person has read it; one that may name somebody even then.
    async fn read(&self, case: &CaseName) {
        let mut entries = self.entries(self.manager()).await;
        entries.retain(|entry| entry.case == case.to_string());
        let entry = entries.remove(0);
        assert_eq!(
            entry.state(),
            wire::LibraryState::Withheld,
            "nobody read it"
        );
        let edit = wire::EditLibraryEntryRequest {
            name: entry.name,
            etag: entry.etag,
            ..Default::default()
        };
        self.edit(edit).await.expect("read");
    }

    async fn solve(&self, case: &CaseName, summary: &str, satisfied: bool) {
        self.accept(self.manager(), case, "")
            .await
            .expect("offered");
        self.progress(self.manager(), case, "looked")
            .await
            .expect("accepted");
        let resolve = wire::ResolveWorkRequest {
            name: Self::name_of(case),
            summary: summary.to_owned(),
            root_cause: "接缝开裂".to_owned(),
            ..Default::default()
        };
        let resolver = self.caller("lakeside", "manager", Some("lead-duty"));
        self.work
            .resolve_work(by(resolver, resolve))
            .await
            .expect("on the spot");
        let satisfaction = if satisfied {
            wire::Satisfaction::Satisfied
        } else {
            wire::Satisfaction::Dissatisfied
        };
        let follow_up = wire::FollowUpWorkRequest {
            name: Self::name_of(case),
            satisfaction: satisfaction.into(),
            channel: to_wire(Channel::Hotline),
            last_word: !satisfied,
            note: "as explained".to_owned(),
            ..Default::default()
        };
        self.handling
            .follow_up_work(by(self.above("region"), follow_up))
            .await
            .expect("asked");
        let close = wire::CloseWorkRequest {
            name: Self::name_of(case),
            ..Default::default()
        };
        self.handling
            .close_work(by(self.manager(), close))
            .await
            .expect("closed");
    }

    async fn entries(&self, caller: Caller) -> Vec<wire::LibraryEntry> {
        let list = wire::ListLibraryEntriesRequest {
            parent: "sites/-".to_owned(),
            ..Default::default()
        };
        let answer = self.library.list_library_entries(by(caller, list)).await;
        answer.expect("listed").into_inner().entries
    }

    async fn suggest(&self, case: &CaseName, query: &str) -> Vec<wire::SolutionSuggestion> {
        self.suggest_to(self.manager(), case, query).await
    }

    async fn suggest_to(
        &self,
        caller: Caller,
        case: &CaseName,
        query: &str,
    ) -> Vec<wire::SolutionSuggestion> {
        let suggest = wire::SuggestSolutionsRequest {
            case: case.to_string(),
            query: query.to_owned(),
            ..Default::default()
        };
        let answer = self.library.suggest_solutions(by(caller, suggest)).await;
        answer.expect("suggested").into_inner().suggestions
    }

    /// What is shown with a case of what solved cases like it.
    async fn shown(&self, caller: Caller, case: &CaseName) -> Vec<wire::SolutionSuggestion> {
        let got = self.try_get(caller, case).await;
        got.expect("there").like_solutions
    }

    /// The same for whoever gives the text of the case.
    async fn shown_by(&self, case: &CaseName, query: &str) -> Vec<wire::SolutionSuggestion> {
        let request = wire::GetWorkRequest {
            name: Self::name_of(case),
            query: query.to_owned(),
        };
        let got = self.work.get_work(by(self.manager(), request)).await;
        got.expect("there").into_inner().like_solutions
    }

    async fn edit(
        &self,
        edit: wire::EditLibraryEntryRequest,
    ) -> Result<wire::LibraryEntry, Status> {
        let answer = self
            .library
            .edit_library_entry(by(self.manager(), edit))
            .await?;
        Ok(answer.into_inner().entry.expect("an entry"))
    }
}

#[tokio::test]
async fn m03_what_solved_a_case_is_suggested_to_the_next_like_it() {
    let world = World::staffed().await;
    let wall = world
        .closed(
            Category::EngineeringQuality,
            "外墙接缝重新打胶,渗漏处更换防水",
            true,
        )
        .await;
    world
        .closed(Category::EngineeringQuality, "墙面重新粉刷", false)
        .await;
    world
        .closed(Category::SalesManagement, "重签认购书", true)
        .await;

    let next = world.offered(Category::EngineeringQuality).await;
    let suggested = world.suggest(&next, "外墙渗漏").await;
    assert_eq!(suggested.len(), 2);
    let first = suggested[0].entry.clone().expect("an entry");
    assert_eq!(
        first.case,
        wall.to_string(),
        "it names the case that it came from"
    );
    assert_eq!((first.satisfied, first.dissatisfied), (1, 0));
    assert!(suggested[0].likeness > suggested[1].likeness);
    assert!(
        suggested[0].reasons.iter().any(|r| r.contains("渗漏")),
        "{:?}",
        suggested[0].reasons
    );

    // By category alone, the one that satisfied comes first.
    let suggested = world.suggest(&next, "").await;
    assert_eq!(
        suggested[0].entry.clone().expect("an entry").case,
        wall.to_string()
    );

    // A retired one is suggested no more.
    let retire = wire::RetireLibraryEntryRequest {
        name: first.name.clone(),
        reason: "the sealant failed".to_owned(),
        ..Default::default()
    };
    world
        .library
        .retire_library_entry(by(world.manager(), retire))
        .await
        .expect("retired");
    assert_eq!(world.suggest(&next, "外墙渗漏").await.len(), 1);
    let edit = wire::EditLibraryEntryRequest {
        name: first.name,
        summary: "x".to_owned(),
        ..Default::default()
    };
    assert_eq!(
        world.edit(edit).await.expect_err("retired").code(),
        Code::FailedPrecondition
    );
}

#[tokio::test]
async fn m10_an_entry_that_may_name_somebody_is_withheld_until_a_person_edits_it() {
    let world = World::staffed().await;
    world
        .closed(
            Category::EngineeringQuality,
            "电话 13800000000 约好后修复",
            true,
        )
        .await;
    let next = world.offered(Category::EngineeringQuality).await;
    assert!(world.suggest(&next, "修复").await.is_empty());
    let withheld = world.entries(world.manager()).await.remove(0);
    assert_eq!(withheld.state(), wire::LibraryState::Withheld);
    let edit = wire::EditLibraryEntryRequest {
        name: withheld.name,
        summary: "约好后修复".to_owned(),
        etag: withheld.etag,
        ..Default::default()
    };
    let edited = world.edit(edit.clone()).await.expect("edited");
    assert_eq!(edited.state(), wire::LibraryState::Published);
    assert_eq!((edited.satisfied, edited.dissatisfied), (1, 0));
    assert_eq!(
        world.edit(edit).await.expect_err("an old etag").code(),
        Code::Aborted
    );
    assert_eq!(world.suggest(&next, "修复").await.len(), 1);
}

#[tokio::test]
async fn m10_like_cases_are_compared_by_what_was_paid() {
    let world = World::staffed().await;
    for (summary, paid) in [("甲", 500), ("乙", 1_500), ("丙", 900)] {
        let case = world
            .closed(Category::EngineeringQuality, summary, true)
            .await;
        let mut entries = world.entries(world.manager()).await;
        entries.retain(|entry| entry.case == case.to_string());
        let entry = entries.remove(0);
        let edit = wire::EditLibraryEntryRequest {
            name: entry.name,
            amount: Some(yuan(paid)),
            ..Default::default()
        };
        world.edit(edit).await.expect("edited");
    }
    world
        .closed(Category::EngineeringQuality, "只道歉", true)
        .await;
    world
        .closed(Category::SalesManagement, "另签协议", true)
        .await;
    let next = world.offered(Category::EngineeringQuality).await;
    let compare = wire::CompareRemediesRequest {
        case: next.to_string(),
        ..Default::default()
    };
    let like = world
        .library
        .compare_remedies(by(world.manager(), compare))
        .await
        .expect("compared")
        .into_inner();
    assert_eq!((like.count, like.paid), (4, 3));
    assert_eq!(
        (like.min, like.median, like.max),
        (Some(yuan(500)), Some(yuan(900)), Some(yuan(1_500)))
    );
    assert_eq!(like.entries.len(), 4);
}

impl World {
    /// A case of this category with a solution that pays so much, and what is shown beside that.
    async fn proposed(
        &self,
        category: Category,
        units: i64,
    ) -> (CaseName, wire::Solution, wire::LikeCases) {
        let case = self.offered(category).await;
        let ask = || self.manager();
        self.accept(ask(), &case, "").await.expect("offered");
        let looked = self.progress(ask(), &case, "looked").await;
        looked.expect("accepted");
        let propose = wire::ProposeSolutionRequest {
            parent: Self::name_of(&case),
            terms: Some(self.terms(units)),
            ..Default::default()
        };
        let answer = self.solutions.propose_solution(by(ask(), propose)).await;
        let answer = answer.expect("proposed").into_inner();
        let solution = answer.solution.expect("a solution");
        (case, solution, answer.like_cases.expect("shown"))
    }

    /// A case of this category whose complainant was told that so much is paid.
    async fn promised(&self, category: Category, units: i64) -> (CaseName, wire::Solution) {
        let (case, solution, _) = self.proposed(category, units).await;
        let approver = self.above("region");
        let approved = self.review(approver, &solution, true).await;
        approved.expect("within its limits");
        let tell = wire::TellSolutionRequest {
            name: solution.name.clone(),
            channel: to_wire(Channel::Hotline),
            ..Default::default()
        };
        let told = self.solutions.tell_solution(by(self.manager(), tell)).await;
        told.expect("approved");
        (case, solution)
    }

    /// What the solution shows this reader of like cases.
    async fn like(&self, reader: Caller, solution: &wire::Solution) -> wire::LikeCases {
        let get = wire::GetSolutionRequest {
            name: solution.name.clone(),
        };
        let seen = self.solutions.get_solution(by(reader, get)).await;
        seen.expect("there").into_inner().like_cases.expect("shown")
    }
}

/// So many cases, in which this was paid: the least, the middle, the most.
fn got(count: i32, paid: &[i64]) -> wire::LikeCases {
    let middle = paid.len().saturating_sub(1) / 2;
    let of = |at: usize| paid.get(at).map(|units| yuan(*units));
    wire::LikeCases {
        count,
        paid: i32::try_from(paid.len()).expect("few"),
        min: of(0),
        median: of(middle),
        max: paid.last().map(|units| yuan(*units)),
    }
}

#[tokio::test]
async fn m10_what_like_cases_got_counts_from_the_telling_on_and_not_before() {
    let world = World::staffed().await;
    for units in [1_500, 500, 0] {
        world.promised(QUALITY, units).await;
    }
    // Of another category, only proposed, and declined: none of them is what somebody in a like case got.
    world.promised(Category::SalesManagement, 8_000).await;
    world.proposed(QUALITY, 7_000).await;
    let (_, declined) = world.promised(QUALITY, 9_000).await;
    let no = wire::ConfirmSolutionRequest {
        name: declined.name,
        answer: to_wire(Answer::Declined),
        ..Default::default()
    };
    let ask = || world.manager();
    let declined = world.solutions.confirm_solution(by(ask(), no)).await;
    declined.expect("a no");

    // Whoever proposes is shown it, and so is whoever looks at what is proposed.
    let (_, solution, shown) = world.proposed(QUALITY, 1_000).await;
    assert_eq!(shown, got(3, &[500, 1_500]));
    assert_eq!(world.like(world.above("region"), &solution).await, shown);
}

#[tokio::test]
async fn m10_i8_what_like_cases_got_is_compared_over_the_sites_that_the_reader_sees() {
    let world = World::staffed().await;
    world.learn(&site("riverside")).await;
    world.promised(QUALITY, 500).await;
    let (there, _) = world.promised(QUALITY, 1_500).await;
    // The same as if it had been promised at the other site.
    for sql in [
        "INSERT INTO assignment.work SELECT (jsonb_populate_record(w, jsonb_build_object('site', 'riverside',
           'responsible', NULL, 'offered_to', NULL, 'department', NULL))).* FROM assignment.work w WHERE case_id = $1",
        "INSERT INTO assignment.solution SELECT (jsonb_populate_record(s, '{\"site\": \"riverside\"}')).*
           FROM assignment.solution s WHERE case_id = $1",
        "UPDATE assignment.solution SET state = 'SUPERSEDED' WHERE case_id = $1 AND site = 'lakeside'",
    ] {
        sqlx::query(sql)
            .bind(there.id)
            .execute(&world.database.admin)
            .await
            .expect("moved");
    }
    let (_, solution, _) = world.proposed(QUALITY, 1_000).await;
    let both = world.like(world.above("region"), &solution).await;
    assert_eq!(both, got(2, &[500, 1_500]));
    let own = world.like(world.manager(), &solution).await;
    assert_eq!(own, got(1, &[500]), "another site is hidden");
}

#[tokio::test]
async fn i8_who_was_complained_about_is_shown_nothing_of_what_that_case_got() {
    let world = World::staffed().await;
    let (case, _) = world.promised(QUALITY, 500).await;
    let (_, solution, _) = world.proposed(QUALITY, 1_000).await;
    let reader = || world.caller("lakeside", "manager", Some("eng-two"));
    assert_eq!(world.like(reader(), &solution).await, got(1, &[500]));
    let mut facts = world.facts(&case);
    facts.revision = 2;
    facts.staff_complained_about = vec!["sites/lakeside/staff/eng-two".to_owned()];
    world.tell(&[world.updated(facts)]).await;
    assert_eq!(world.like(reader(), &solution).await, got(0, &[]));
}

#[tokio::test]
async fn a_case_that_is_closed_again_keeps_one_entry_with_its_newest_solution() {
    let world = World::staffed().await;
    let case = world.closed(Category::EngineeringQuality, "甲", true).await;
    let graded = world.graded(&case, 2, 2, Some(Category::EngineeringQuality));
    world
        .tell(&[world.moved(&case, CaseStatus::Reopened, 2), graded])
        .await;
    world.solve(&case, "乙", true).await;
    let entries = world.entries(world.manager()).await;
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].summary, "乙");
}

#[tokio::test]
async fn i8_another_site_finds_no_solution_and_compares_none() {
    let world = World::staffed().await;
    world.learn(&site("riverside")).await;
    world.closed(Category::EngineeringQuality, "甲", true).await;
    let next = world.offered(Category::EngineeringQuality).await;
    let stranger = || world.caller("riverside", "manager", None);
    assert!(world.entries(stranger()).await.is_empty());
    let suggest = wire::SuggestSolutionsRequest {
        case: next.to_string(),
        ..Default::default()
    };
    let refused = world
        .library
        .suggest_solutions(by(stranger(), suggest))
        .await
        .expect_err("hidden");
    assert_eq!(refused.code(), Code::NotFound);
    let compare = wire::CompareRemediesRequest {
        case: next.to_string(),
        ..Default::default()
    };
    let refused = world
        .library
        .compare_remedies(by(stranger(), compare))
        .await
        .expect_err("hidden");
    assert_eq!(refused.code(), Code::NotFound);
    let entry = world.entries(world.manager()).await.remove(0);
    assert!(entry.name.starts_with(SITE));
    let retire = wire::RetireLibraryEntryRequest {
        name: entry.name,
        reason: "x".to_owned(),
        ..Default::default()
    };
    let refused = world
        .library
        .retire_library_entry(by(stranger(), retire))
        .await
        .expect_err("hidden");
    assert_eq!(refused.code(), Code::NotFound);
}

#[tokio::test]
async fn i8_who_was_complained_about_is_shown_nothing_of_that_case() {
    let world = World::staffed().await;
    let case = world.offered(Category::EngineeringQuality).await;
    let mut facts = world.facts(&case);
    facts.revision = 2;
    facts.staff_complained_about = vec!["sites/lakeside/staff/eng-one".to_owned()];
    world.tell(&[world.updated(facts)]).await;
    world.solve(&case, "上门道歉", true).await;
    world.read(&case).await;
    let next = world.offered(Category::EngineeringQuality).await;
    for (person, seen) in [("eng-one", 0), ("eng-two", 1)] {
        let caller = || world.handler(person);
        let suggested = world.suggest_to(caller(), &next, "道歉").await;
        assert_eq!(suggested.len(), seen, "{person}");
        assert_eq!(world.entries(caller()).await.len(), seen, "{person}");
        let compare = wire::CompareRemediesRequest {
            case: next.to_string(),
            ..Default::default()
        };
        let answer = world.library.compare_remedies(by(caller(), compare)).await;
        let like = answer.expect("compared").into_inner();
        assert_eq!(like.entries.len(), seen, "{person}");
    }
}

#[tokio::test]
async fn m03_who_opens_a_case_is_shown_what_solved_cases_like_it() {
    let world = World::staffed().await;
    let wall = "外墙接缝重新打胶,渗漏处更换防水";
    for (category, summary, satisfied) in [
        (Category::EngineeringQuality, wall, false),
        (Category::EngineeringQuality, "甲", true),
        (Category::EngineeringQuality, "乙", true),
        (Category::EngineeringQuality, "丙", true),
        (Category::SalesManagement, "重签认购书", true),
    ] {
        world.closed(category, summary, satisfied).await;
    }
    let next = world.offered(Category::EngineeringQuality).await;
    let summaries = |shown: &[wire::SolutionSuggestion]| -> Vec<String> {
        let summary = |s: &wire::SolutionSuggestion| s.entry.clone().expect("an entry").summary;
        shown.iter().map(summary).collect()
    };

    // Three of its category; the one that left somebody dissatisfied is not among them.
    let by_category = world.shown(world.manager(), &next).await;
    assert_eq!(by_category.len(), 3);
    assert!(!summaries(&by_category).contains(&wall.to_owned()));
    let first = by_category[0].entry.clone().expect("an entry");
    assert_eq!((first.satisfied, first.dissatisfied), (1, 0));
    assert!(by_category[0].likeness > 0.0);

    // By the text of the case the one like it leads, though it left somebody dissatisfied.
    let by_text = world.shown_by(&next, "我家外墙又渗漏了").await;
    assert_eq!(summaries(&by_text)[0], wall);
    assert!(by_text[0].likeness > by_text[1].likeness);
    // Of a case of which nobody knows what it is about it is found by that alone.
    let unknown = world.new_case();
    world
        .tell(&[
            world.received(world.facts(&unknown)),
            world.graded(&unknown, 1, 1, None),
        ])
        .await;
    assert!(world.shown(world.manager(), &unknown).await.is_empty());
    let by_text = world.shown_by(&unknown, "我家外墙又渗漏了").await;
    assert_eq!(summaries(&by_text), [wall]);
    assert!(
        world
            .shown(world.handler("eng-two"), &next)
            .await
            .is_empty(),
        "a role without library.suggest"
    );

    // Once the matter was said back, its words decide.
    world
        .accept(world.manager(), &next, "")
        .await
        .expect("offered");
    let restate = wire::RestateWorkRequest {
        name: World::name_of(&next),
        text: "外墙渗漏".to_owned(),
        confirmed: true,
        ..Default::default()
    };
    let restated = world
        .handling
        .restate_work(by(world.manager(), restate))
        .await;
    restated.expect("accepted");
    let by_words = world.shown(world.manager(), &next).await;
    assert_eq!(summaries(&by_words)[0], wall);
    assert!(by_words[0].reasons.iter().any(|r| r.contains("渗漏")));

    world
        .progress(world.manager(), &next, "looked")
        .await
        .expect("accepted");
    let resolve = wire::ResolveWorkRequest {
        name: World::name_of(&next),
        summary: "丁".to_owned(),
        root_cause: "接缝开裂".to_owned(),
        ..Default::default()
    };
    let resolver = world.caller("lakeside", "manager", Some("lead-duty"));
    let resolved = world.work.resolve_work(by(resolver, resolve)).await;
    resolved.expect("on the spot");
    assert!(
        world.shown(world.manager(), &next).await.is_empty(),
        "it is resolved"
    );
}

#[tokio::test]
async fn i8_what_solved_a_case_is_not_shown_to_whom_it_complained_about() {
    let world = World::staffed().await;
    let case = world.offered(Category::EngineeringQuality).await;
    let mut facts = world.facts(&case);
    facts.revision = 2;
    facts.staff_complained_about = vec!["sites/lakeside/staff/eng-one".to_owned()];
    world.tell(&[world.updated(facts)]).await;
    world.solve(&case, "上门道歉", true).await;
    world.read(&case).await;
    let next = world.offered(Category::EngineeringQuality).await;
    for (person, seen) in [("eng-one", 0), ("eng-two", 1)] {
        let caller = world.caller("lakeside", "manager", Some(person));
        assert_eq!(world.shown(caller, &next).await.len(), seen, "{person}");
    }
}
