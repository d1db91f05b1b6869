use proptest::prelude::*;
use redress_wording::Checker;

use super::*;
use crate::domain::outward::{Kind, found};

fn now() -> Timestamp {
    "2026-05-28T01:00:00Z".parse().expect("an instant")
}

fn later(hours: i64) -> Timestamp {
    now() + SignedDuration::from_hours(hours)
}

fn case() -> CaseName {
    CaseName::new("lakeside".parse().expect("a slug"), Uuid::nil())
}

fn person(subject: &str) -> Person {
    Person {
        subject: subject.to_owned(),
        staff: None,
    }
}

fn terms(amount: i64) -> Terms {
    Terms {
        summary: "seal the joint".to_owned(),
        root_cause: "a loose joint".to_owned(),
        remedies: vec![Remedy {
            kind: if amount == 0 {
                RemedyKind::Apology
            } else {
                RemedyKind::Compensation
            },
            text: "for the ceiling".to_owned(),
            amount: Decimal::from(amount),
            department: None,
            outside_party: String::new(),
        }],
        steps: vec![Step {
            text: "seal it".to_owned(),
            owner: Some("eng-one".parse().expect("a slug")),
            outside_party: String::new(),
            when: When::By(later(48)),
        }],
        basis: LegalBasisKind::Law,
        citation: "建设工程质量管理条例第四十条".to_owned(),
        ground: LiabilityGround::ContractClause,
        reference: "第十二条".to_owned(),
        no_clause_reason: String::new(),
        partner: String::new(),
        recourse: String::new(),
        final_offer: None,
    }
}

fn draft(terms: Terms, digest: u8) -> Draft {
    Draft {
        checklists: terms.checklists(&[]),
        digest: vec![digest],
        terms,
    }
}

fn proposed(amount: i64) -> Solution {
    let terms = terms(amount);
    let required = required(&Limits::default(), &terms, Decimal::ZERO, Some(Grade::TWO));
    Solution::propose(
        Uuid::nil(),
        case(),
        1,
        draft(terms, 1),
        person("author"),
        required,
        now(),
    )
}

fn review(reviewer: &str, level: Level, approved: bool) -> Review {
    Review {
        sequence: 0,
        approved,
        level,
        reviewer: person(reviewer),
        reason: String::new(),
        digest: Vec::new(),
        at: now(),
    }
}

fn approved(amount: i64, level: Level) -> Solution {
    let mut solution = proposed(amount);
    let required = solution.required;
    solution
        .review(review("boss", level, true), required, 1)
        .expect("may approve");
    solution
}

fn faults(terms: &Terms) -> Vec<String> {
    terms
        .faults(now())
        .into_iter()
        .map(|(field, _)| field)
        .collect()
}

#[test]
fn a_promise_is_exact_or_conditional_and_never_vague() {
    assert_eq!(faults(&terms(0)), Vec::<String>::new());
    let mut vague = terms(0);
    vague.steps[0].text = "我们会尽快处理".to_owned();
    assert_eq!(faults(&vague), ["terms.steps[0].text"]);
    let mut open = terms(0);
    open.steps[0].when = When::If("  ".to_owned());
    assert_eq!(faults(&open), ["terms.steps[0].due_time"]);
    open.steps[0].when = When::If("once the parts are here".to_owned());
    assert_eq!(faults(&open), Vec::<String>::new());
    let mut past = terms(0);
    past.steps[0].when = When::By(now());
    assert_eq!(faults(&past), ["terms.steps[0].due_time"]);
    let mut nobodys = terms(0);
    nobodys.steps[0].owner = None;
    assert_eq!(faults(&nobodys), ["terms.steps[0].owner"]);
    nobodys.steps[0].outside_party = "the contractor".to_owned();
    assert_eq!(faults(&nobodys), Vec::<String>::new());
}

#[test]
fn m01_liability_begins_with_the_contract_and_a_partner_means_recourse() {
    let mut statute = terms(0);
    statute.ground = LiabilityGround::Statute;
    assert_eq!(faults(&statute), ["terms.liability.no_clause_reason"]);
    statute.no_clause_reason = "the contract is silent on leaks".to_owned();
    assert_eq!(faults(&statute), Vec::<String>::new());
    statute.reference.clear();
    assert_eq!(faults(&statute), ["terms.liability.reference"]);
    let mut partner = terms(0);
    partner.partner = "the contractor".to_owned();
    assert_eq!(faults(&partner), ["terms.liability.recourse"]);
    partner.recourse = "from the retention".to_owned();
    assert_eq!(faults(&partner), Vec::<String>::new());
}

#[test]
fn a_final_offer_binds_up_to_its_ceiling_and_not_for_ever() {
    let mut offer = terms(1_000);
    offer.final_offer = Some(FinalOffer {
        ceiling: Decimal::from(999),
        expires: now(),
        text: "the last word".to_owned(),
    });
    assert_eq!(
        faults(&offer),
        ["terms.final_offer.ceiling", "terms.final_offer.expire_time"]
    );
    offer.final_offer = Some(FinalOffer {
        ceiling: Decimal::from(12_000),
        expires: later(24),
        text: "the last word".to_owned(),
    });
    assert_eq!(faults(&offer), Vec::<String>::new());
    // The ceiling is what the company may have to pay.
    let level = required(&Limits::default(), &offer, Decimal::ZERO, Some(Grade::TWO));
    assert_eq!(level, Level::Region);

    let mut solution = Solution::propose(
        Uuid::nil(),
        case(),
        1,
        draft(offer, 1),
        person("author"),
        level,
        now(),
    );
    solution
        .review(review("boss", level, true), level, 1)
        .expect("may");
    let late = solution.clone().tell(level, 1, later(24));
    assert_eq!(late, Err(Refused::Expired));
    solution.tell(level, 1, later(23)).expect("stands");
    let late = solution
        .clone()
        .confirm(Answer::Agreed, None, level, 1, later(24));
    assert_eq!(late, Err(Refused::Expired));
    // Nor does silence agree to what stands no more, though somebody asked.
    let mut silent = solution.clone();
    assert!(silent.unanswered(later(20)));
    let visited = Some(later(21));
    let late = silent
        .clone()
        .confirm(Answer::Silence, visited, level, 1, later(24));
    assert_eq!(late, Err(Refused::Expired));
    silent
        .confirm(Answer::Silence, visited, level, 1, later(23))
        .expect("it stands");
    solution
        .confirm(Answer::Declined, None, level, 1, later(24))
        .expect("a no is taken at any time");
}

#[test]
fn the_author_never_approves_and_nobody_approves_above_the_limit() {
    let mut solution = proposed(12_000);
    assert_eq!(solution.required, Level::Region);
    let own = solution.review(review("author", Level::HeadOffice, true), Level::Region, 1);
    assert_eq!(own, Err(Refused::OwnWork));
    let low = solution.review(review("boss", Level::SiteManager, true), Level::Region, 1);
    assert_eq!(
        low,
        Err(Refused::AboveLimit {
            required: Level::Region,
            level: Level::SiteManager
        })
    );
    assert_eq!(solution.state, State::AwaitingApproval);
    // Anybody but the author may say no.
    let no = solution.review(review("boss", Level::SiteManager, false), Level::Region, 1);
    assert_eq!(no, Ok(()));
    assert_eq!(solution.state, State::Refused);
}

#[test]
fn m10_promising_before_approval_is_refused() {
    let mut solution = proposed(0);
    let early = solution.tell(Level::Handler, 1, now());
    assert_eq!(
        early,
        Err(Refused::NotApproved {
            required: Level::Handler
        })
    );
}

#[test]
fn m03_whoever_wrote_of_a_solution_reviews_it_no_more() {
    let mut solution = proposed(1_000);
    let required = solution.required;
    for (author, digest) in [("second", 2), ("author", 3), ("second", 4)] {
        let other = draft(terms(1_000), digest);
        solution
            .revise(other, person(author), required, 1, now())
            .expect("not told yet");
    }
    assert_eq!(solution.former_authors, ["author", "second"].map(person));
    for author in ["author", "second"] {
        let own = solution.review(review(author, Level::Region, true), required, 1);
        assert_eq!(own, Err(Refused::OwnWork), "{author}");
    }
    solution
        .review(review("boss", Level::Region, true), required, 1)
        .expect("somebody else");
}

#[test]
fn m18_a_change_after_approval_voids_it() {
    let mut solution = approved(1_000, Level::SiteManager);
    let dearer = draft(terms(9_000), 2);
    solution
        .revise(dearer, person("author"), Level::SiteManager, 1, now())
        .expect("not told yet");
    assert!(solution.backed(Level::Handler).is_err());
    assert!(solution.tell(Level::SiteManager, 1, now()).is_err());
    // Approved again, the old approval still counts for nothing.
    solution
        .review(
            review("boss", Level::SiteManager, true),
            Level::SiteManager,
            1,
        )
        .expect("may");
    assert!(solution.backed(Level::SiteManager).is_ok());
    assert!(solution.backed(Level::Region).is_err());
}

#[test]
fn m10_no_old_word_approves_what_was_written_anew_or_refused_since_though_it_reads_the_same() {
    let low = Level::DepartmentManager;
    let yes = |who: &str| review(who, low, true);
    let same = || draft(terms(1_000), 1);
    let awaits = |solution: &mut Solution| {
        for required in [Level::Region, low] {
            assert!(solution.reassess(required, 1, now()), "{required}");
            assert_eq!(solution.state, State::AwaitingApproval, "{required}");
        }
        let early = solution.tell(low, 1, now());
        assert_eq!(early, Err(Refused::NotApproved { required: low }));
    };
    let revise = |solution: &mut Solution, who: &str, draft: Draft| {
        let revised = solution.revise(draft, person(who), low, 1, now());
        revised.expect("not told");
    };
    // Somebody said no, and the same is proposed again.
    let mut refused = approved(1_000, low);
    let no = refused.review(review("other", low, false), low, 1);
    no.expect("every level may");
    revise(&mut refused, "author", same());
    awaits(&mut refused);
    // The approver wrote of it, and is an author now.
    let mut own = approved(1_000, low);
    revise(&mut own, "boss", same());
    awaits(&mut own);
    own.former_reviews = 0;
    awaits(&mut own);
    // Back to what was approved once.
    let mut back = approved(1_000, low);
    revise(&mut back, "author", draft(terms(1_100), 2));
    revise(&mut back, "author", same());
    awaits(&mut back);
    // Approved since, it comes back.
    back.review(yes("boss"), low, 1).expect("within the limit");
    assert!(back.reassess(Level::Region, 1, now()));
    assert_eq!(back.state, State::AwaitingApproval);
    assert!(back.reassess(low, 1, now()));
    assert_eq!(back.state, State::Approved);
    // A release that did not count reviews of former terms leaves a no that stands.
    let mut before = approved(1_000, low);
    let no = before.review(review("other", low, false), low, 1);
    no.expect("every level may");
    revise(&mut before, "author", same());
    before.former_reviews = 0;
    awaits(&mut before);
}

#[test]
fn m10_where_a_lower_level_is_enough_others_have_their_own_time_and_the_same_people_no_more() {
    let lowered = |sum: i64, level: Level| {
        let mut late = proposed(sum);
        assert!(late.overdue(1, later(24)));
        let asked = late.approval.expect("it waits");
        assert!(late.reassess(level, 1, later(25)));
        (asked, late.approval.expect("it waits still"))
    };
    let (asked, same) = lowered(60_000, Level::Region);
    assert_eq!(same, asked);
    let (asked, others) = lowered(12_000, Level::SiteManager);
    assert_ne!(others.demand, asked.demand);
    assert_eq!((others.since, others.climbed), (later(25), false));
}

#[test]
fn a_graver_case_makes_an_approved_solution_climb() {
    let mut solution = approved(1_000, Level::DepartmentManager);
    assert!(solution.backed(Level::DepartmentManager).is_ok());
    assert!(solution.reassess(Level::Region, 1, now()));
    assert_eq!(solution.state, State::AwaitingApproval);
    assert!(!solution.reassess(Level::Region, 1, now()), "no news");
    // Approved by a region from the start, it stays.
    let mut solution = approved(1_000, Level::Region);
    assert!(solution.reassess(Level::Region, 1, now()));
    assert_eq!(solution.state, State::Approved);
}

#[test]
fn m10_a_higher_level_has_its_own_time_where_those_below_let_theirs_run_out() {
    let asked = proposed(1_000);
    let first = asked.approval.expect("it waits");
    // In time, the same clock asks the higher level.
    let mut early = asked.clone();
    assert!(early.reassess(Level::Region, 1, later(1)));
    assert_eq!(early.approval, Some(first));
    let mut late = asked;
    assert!(late.overdue(1, later(24)));
    let before = late.clone();
    assert!(late.reassess(Level::Region, 1, later(25)));
    let anew = late.approval.expect("it waits still");
    assert_eq!((anew.since, anew.due), (later(25), later(49)));
    let said: Vec<(Uuid, DemandState)> = late
        .demands(Some(&before))
        .iter()
        .map(|demand| (demand.id, demand.state))
        .collect();
    assert_eq!(
        said,
        [
            (anew.demand, DemandState::Open),
            (first.demand, DemandState::Cancelled)
        ]
    );
    assert!(late.overdue(1, later(49)), "it climbs in its own time");
}

#[test]
fn m03_silence_counts_only_after_a_visit_that_brought_none() {
    let mut solution = approved(0, Level::Handler);
    solution.tell(Level::Handler, 1, now()).expect("approved");
    let early = solution.confirm(Answer::Silence, Some(later(1)), Level::Handler, 1, later(2));
    assert_eq!(early, Err(Refused::NotAsked));
    assert!(solution.unanswered(later(72)));
    assert!(!solution.unanswered(later(73)), "once");
    for visited in [None, Some(later(71))] {
        let early = solution.confirm(Answer::Silence, visited, Level::Handler, 1, later(80));
        assert_eq!(early, Err(Refused::NotAsked), "{visited:?}");
    }
    solution
        .confirm(
            Answer::Silence,
            Some(later(75)),
            Level::Handler,
            1,
            later(80),
        )
        .expect("asked again");
    assert_eq!(solution.state, State::Agreed);
    assert_eq!(solution.answer, Some(Answer::Silence));
}

#[test]
fn a_solution_of_a_case_that_was_opened_again_is_not_told() {
    let mut solution = approved(0, Level::Handler);
    assert_eq!(
        solution.tell(Level::Handler, 2, now()),
        Err(Refused::Outdated)
    );
    assert!(solution.gives_way(2));
}

#[test]
fn m10_money_in_words_is_money() {
    let field = |t: &Terms| faults(t);
    let mut paid = terms(0);
    paid.remedies[0].kind = RemedyKind::Refund;
    assert_eq!(field(&paid), ["terms.remedies[0].amount"], "no sum");
    let mut worded = terms(0);
    worded.remedies[0].text = "赔偿五万元".to_owned();
    assert_eq!(
        field(&worded),
        ["terms.remedies[0].amount"],
        "an apology that pays"
    );
    let mut below = terms(1_000);
    below.remedies[0].text = "赔偿1.5万元".to_owned();
    assert_eq!(field(&below), ["terms.remedies[0].amount"], "more in words");
    below.remedies[0].amount = Decimal::from(15_000);
    assert_eq!(field(&below), Vec::<String>::new());
    let mut unsaid = terms(0);
    unsaid.summary = "承诺退一赔三".to_owned();
    assert_eq!(field(&unsaid), ["terms.summary"]);
    let mut summary = terms(0);
    summary.summary = "赔偿业主50000元现金".to_owned();
    let level = |t: &Terms| required(&Limits::default(), t, Decimal::ZERO, Some(Grade::TWO));
    assert_eq!(level(&summary), Level::Region);
    summary.summary = "修好".to_owned();
    summary.steps[0].text = "当面付给业主三千元".to_owned();
    assert_eq!(level(&summary), Level::SiteManager);
    // Sums of one text add, and so do those of the steps.
    let (one, another) = ("补偿1900元", "另补贴1900元");
    let mut twice = terms(1_900);
    twice.remedies[0].text = format!("{one},{another}");
    assert_eq!(field(&twice), ["terms.remedies[0].amount"]);
    twice.remedies[0].text = format!("{one}(大写:壹仟玖佰元整)");
    assert_eq!(field(&twice), Vec::<String>::new(), "its own sum, restated");
    assert_eq!(level(&twice), Level::DepartmentManager);
    twice.summary = format!("{one},{another}");
    assert_eq!(level(&twice), Level::SiteManager);
    twice.summary = one.to_owned();
    twice.steps[0].text = one.to_owned();
    assert_eq!(level(&twice), Level::DepartmentManager, "said in both");
    twice.steps.push(twice.steps[0].clone());
    twice.steps[1].text = another.to_owned();
    assert_eq!(level(&twice), Level::SiteManager);
    let refused = may_resolve(&format!("{one},{another}"), None, Some(twice.total()));
    assert_eq!(refused, Err(NotOnTheSpot::Paid));
    let mut offer = terms(1_000);
    offer.final_offer = Some(FinalOffer {
        ceiling: Decimal::from(1_000),
        expires: later(24),
        text: "最多补偿两千元".to_owned(),
    });
    assert_eq!(field(&offer), ["terms.final_offer.ceiling"]);
}

#[test]
fn m11_the_terms_of_a_solution_are_checked_as_every_outward_text() {
    let mut rude = terms(0);
    rude.remedies[0].text = "一分钱一分货".to_owned();
    let is_rude = |text: &str| !found(Checker::built_in(), Kind::Terms, text).is_empty();
    let texts = rude.texts().into_iter();
    let wrong: Vec<String> = texts
        .filter(|(_, text)| is_rude(text))
        .map(|(field, _)| field)
        .collect();
    assert_eq!(wrong, ["terms.remedies[0].text"]);
}

#[test]
fn m10_the_sums_of_a_case_add() {
    let mut first = approved(9_000, Level::SiteManager);
    assert_eq!(
        bound(std::slice::from_ref(&first), None),
        Decimal::ZERO,
        "not told"
    );
    first.tell(Level::SiteManager, 1, now()).expect("approved");
    first.supersede(now());
    let so_far = bound(std::slice::from_ref(&first), None);
    let level = required(&Limits::default(), &terms(9_000), so_far, Some(Grade::TWO));
    assert_eq!(level, Level::Region);
    assert_eq!(
        bound(std::slice::from_ref(&first), Some(first.id)),
        Decimal::ZERO
    );
    (first.state, first.answer) = (State::Declined, Some(Answer::Declined));
    assert_eq!(bound(&[first], None), Decimal::ZERO, "a no binds nobody");
}

#[test]
fn m18_what_was_agreed_to_and_is_not_carried_out_is_declined_and_counts_still() {
    let level = Level::SiteManager;
    let mut told = approved(9_000, level);
    told.tell(level, 1, now()).expect("approved");
    let mut silent = told.clone();
    silent.unanswered(later(1));
    for (answer, mut solution) in [(Answer::Agreed, told), (Answer::Silence, silent)] {
        solution
            .confirm(answer, Some(later(2)), level, 1, later(3))
            .expect("agreed to");
        let agreed = solution.clone();
        // The contractor defaults, or the complainant says no after all; in whatever round.
        assert!(solution.is_taken_back_by(Answer::Declined));
        solution
            .confirm(Answer::Declined, None, Level::HeadOffice, 3, later(9))
            .expect("a no is taken at any time");
        assert_eq!(solution.state, State::Declined);
        let said = (solution.answer, solution.answered);
        assert_eq!(said, (Some(answer), Some(later(3))), "what was said stays");
        assert_eq!(solution.last_word(), Some(Answer::Declined));
        let ended: Vec<DemandState> = solution
            .demands(Some(&agreed))
            .iter()
            .map(|d| d.state)
            .collect();
        assert_eq!(ended, [DemandState::Cancelled], "its step");
        assert!(!solution.may_be_promised());
        assert!(!solution.is_binding(1), "another may follow");
        assert_eq!(
            bound(std::slice::from_ref(&solution), None),
            Decimal::from(9_000)
        );
        for answer in Answer::ALL {
            let again = solution.confirm(*answer, None, level, 1, later(10));
            assert!(again.is_err(), "{answer}: it is over");
        }
    }
}

#[test]
fn m10_what_was_told_before_the_case_became_graver_goes_on_only_with_a_higher_word() {
    let low = Level::DepartmentManager;
    let mut solution = approved(1_000, low);
    solution.tell(low, 1, now()).expect("approved");
    assert!(solution.reassess(Level::Region, 1, now()));
    assert_eq!(solution.state, State::Told);
    let refused = Refused::NotApproved {
        required: Level::Region,
    };
    let region = Level::Region;
    let early = solution
        .clone()
        .confirm(Answer::Agreed, None, region, 1, now());
    assert_eq!(early, Err(refused.clone()));
    let mut declined = solution.clone();
    let no = declined.confirm(Answer::Declined, None, region, 1, now());
    no.expect("a no is taken at any time");
    let late = solution.review(review("boss", Level::Region, false), region, 1);
    assert!(late.is_err(), "what was told is not refused any more");
    solution
        .confirm(Answer::Agreed, None, low, 1, now())
        .expect("as it was");
    assert_eq!(solution.complete(0, region, 1, now()), Err(refused.clone()));
    assert_eq!(solution.carry_out(region, now()), Err(refused));
    solution
        .review(review("boss", region, true), region, 1)
        .expect("the higher word");
    assert_eq!(solution.state, State::Agreed);
    assert_eq!(solution.complete(0, region, 1, now()), Ok(Some(true)));
    assert_eq!(solution.carry_out(region, now()), Ok(()));
}

#[test]
fn m10_a_step_that_goes_on_with_the_sum_of_another_counts_once() {
    let level = |texts: &[&str]| {
        let mut of = terms(1_900);
        let step = of.steps.remove(0);
        let named = |text: &&str| Step {
            text: (*text).to_owned(),
            ..step.clone()
        };
        of.steps = texts.iter().map(named).collect();
        assert_eq!(faults(&of), Vec::<String>::new());
        required(&Limits::default(), &of, Decimal::ZERO, Some(Grade::TWO))
    };
    let once = level(&["向财务申请1900元", "现场验收", "支付1900.00元"]);
    assert_eq!(once, Level::DepartmentManager);
    for more in ["再支付1900元", "支付第二笔1900元", "支付1800元"] {
        let level = level(&["向财务申请1900元", more]);
        assert_eq!(level, Level::SiteManager, "{more}");
    }
}

#[test]
fn m18_what_was_told_is_carried_out_by_the_rules_of_its_day_unless_the_case_became_graver() {
    let low = Level::DepartmentManager;
    let mut solution = approved(1_900, low);
    // Approved on a day when this was read as one sum.
    solution.terms.summary = "补偿1900元,另补贴1900元".to_owned();
    let takes = |solution: &Solution, grade: Grade| {
        solution.required_now(&Limits::default(), Decimal::ZERO, Some(grade))
    };
    let above = takes(&solution, Grade::TWO);
    assert_eq!(above, Level::SiteManager);
    let early = solution.clone().tell(above, 1, now());
    let refused = Refused::NotApproved { required: above };
    assert_eq!(early, Err(refused), "it was not told on that day");
    solution.tell(low, 1, now()).expect("told on that day");
    assert_eq!(takes(&solution, Grade::TWO), low);
    assert!(!solution.reassess(low, 1, now()), "nobody is asked anew");
    let agreed = solution.confirm(Answer::Agreed, None, low, 1, now());
    agreed.expect("as it was told");
    assert_eq!(takes(&solution, Grade::TWO), low);
    assert_eq!(solution.complete(0, low, 1, now()), Ok(Some(true)));
    assert!(solution.may_be_promised());
    assert_eq!(solution.clone().carry_out(low, now()), Ok(()));
    let region = takes(&solution, Grade::ONE);
    assert_eq!(region, Level::Region);
    assert!(solution.reassess(region, 1, now()));
    assert!(solution.approval.is_some(), "the region is asked");
    let refused = Refused::NotApproved { required: region };
    assert_eq!(solution.carry_out(region, now()), Err(refused));
}

#[derive(Debug, Clone)]
enum Act {
    Revise(i64, &'static str),
    Review(bool, Level, &'static str),
    Tell,
    Confirm(Answer),
    Unanswered,
    Complete,
    Climb(Level),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let level = || prop::sample::select(Level::ALL);
    let who = || prop::sample::select(vec!["author", "second", "boss"]);
    let act = prop_oneof![
        (0..60_000_i64, who()).prop_map(|(sum, who)| Act::Revise(sum, who)),
        (any::<bool>(), level(), who()).prop_map(|(yes, level, who)| Act::Review(yes, level, who)),
        Just(Act::Tell),
        prop::sample::select(Answer::ALL).prop_map(Act::Confirm),
        Just(Act::Unanswered),
        Just(Act::Complete),
        level().prop_map(Act::Climb),
    ];
    prop::collection::vec(act, 0..30)
}

proptest! {
    #[test]
    fn whatever_is_tried_nothing_is_told_that_somebody_else_with_authority_did_not_approve(acts in acts()) {
        let mut solution = proposed(1_000);
        // What was said since the terms were last written, and since anybody said no.
        let mut said: Vec<Review> = Vec::new();
        for act in acts {
            let before = solution.clone();
            let limit = required(&Limits::default(), &solution.terms, Decimal::ZERO, Some(Grade::TWO));
            let done = match act {
                Act::Revise(sum, who) => {
                    // Few sums, so that terms come back that were approved once.
                    let digest = u8::try_from(sum % 3).expect("small");
                    let dearer = required(&Limits::default(), &terms(sum), Decimal::ZERO, Some(Grade::TWO));
                    solution.revise(draft(terms(sum), digest), person(who), dearer, 1, now()).is_ok()
                }
                Act::Review(yes, level, who) => solution.review(review(who, level, yes), limit, 1).is_ok(),
                Act::Tell => solution.tell(limit, 1, now()).is_ok(),
                Act::Confirm(answer) => solution.confirm(answer, Some(later(99)), limit, 1, later(100)).is_ok(),
                Act::Unanswered => solution.unanswered(now()),
                Act::Complete => solution.complete(0, limit, 1, now()) == Ok(Some(true)),
                Act::Climb(level) => solution.reassess(level, 1, now()),
            };
            if !done {
                prop_assert_eq!(&solution, &before, "what is refused changes nothing");
            }
            let is_written_anew = done && matches!(act, Act::Revise(..));
            if is_written_anew || solution.state == State::Refused {
                said.clear();
            } else {
                said.extend(solution.reviews.iter().skip(before.reviews.len()).cloned());
            }
            if solution.state == State::Approved {
                let enough = said.iter().any(|r| {
                    let wrote = solution.authors().any(|author| *author == r.reviewer);
                    r.approved && r.level >= solution.required && !wrote
                });
                prop_assert!(enough, "{solution:?}");
            }
            if solution.told.is_some() {
                let wrote = |who: &Person| solution.authors().any(|author| author == who);
                let enough = said.iter().any(|r| {
                    r.approved && r.digest == solution.digest && r.level >= limit && !wrote(&r.reviewer)
                });
                prop_assert!(enough);
                prop_assert!(solution.told == before.told || matches!(before.state, State::Approved));
            }
            prop_assert!(solution.revision >= before.revision);
        }
    }
}

#[test]
fn m16_the_steps_of_a_solution_that_takes_the_place_of_another_have_clocks_of_their_own() {
    let agreed = |id: u128, hours: i64| {
        let mut solution = approved(1_000, Level::SiteManager);
        let required = solution.required;
        solution.id = Uuid::from_u128(id);
        solution.terms.steps[0].when = When::By(later(hours));
        solution.tell(required, 1, now()).expect("approved");
        let before = solution.clone();
        solution
            .confirm(Answer::Agreed, None, required, 1, later(1))
            .expect("told");
        (before, solution)
    };
    let said = |demands: &[Demand]| -> Vec<(Uuid, DemandState, Option<Timestamp>)> {
        demands.iter().map(|d| (d.id, d.state, d.due)).collect()
    };
    let (told, first) = agreed(1 << 64, 48);
    assert!(told.demands(None).is_empty(), "not agreed to");
    let open = first.demands(Some(&told));
    let id = open[0].id;
    assert_eq!(said(&open), [(id, DemandState::Open, Some(later(48)))]);
    assert_eq!(open[0].start, later(1), "from the agreement on");
    assert!(first.demands(Some(&first)).is_empty(), "nothing changed");

    let mut gone = first.clone();
    gone.supersede(later(2));
    let ended = [(id, DemandState::Cancelled, Some(later(48)))];
    assert_eq!(said(&gone.demands(Some(&first))), ended);
    assert_eq!(said(&first.outdated_demands()), ended);
    let (told, second) = agreed(2 << 64, 96);
    let moved = second.demands(Some(&told));
    assert_eq!(moved[0].due, Some(later(96)));
    assert_ne!(moved[0].id, id);

    let mut done = first.clone();
    let completed = done.complete(0, first.required, 1, later(3));
    assert_eq!(completed, Ok(Some(true)));
    let met = [(id, DemandState::Met(later(3)), Some(later(48)))];
    assert_eq!(said(&done.demands(Some(&first))), met);
    assert!(done.outdated_demands().is_empty(), "it is done");
}

#[test]
fn a_step_that_was_over_when_it_was_agreed_to_still_climbs_in_its_own_time() {
    let mut solution = approved(1_000, Level::SiteManager);
    let required = solution.required;
    solution.tell(required, 1, now()).expect("approved");
    solution
        .confirm(Answer::Agreed, None, required, 1, later(60))
        .expect("told");
    let demand = solution.demands(None).remove(0);
    assert_eq!((demand.start, demand.due), (now(), Some(later(48))));
}

#[test]
fn m10_an_approval_is_owed_until_the_review_and_anew_where_more_is_needed_later() {
    let states = |demands: &[Demand]| -> Vec<(Uuid, DemandState)> {
        demands.iter().map(|d| (d.id, d.state)).collect()
    };
    let asked = proposed(1_000);
    let approval = asked.approval.expect("it waits");
    assert_eq!((approval.since, approval.due), (now(), later(24)));
    let open = [(approval.demand, DemandState::Open)];
    assert_eq!(states(&asked.demands(None)), open);
    let cancelled = [(approval.demand, DemandState::Cancelled)];
    assert_eq!(states(&asked.outdated_demands()), cancelled);

    let mut late = asked.clone();
    assert!(!late.overdue(1, later(23)), "in time");
    assert!(!late.overdue(2, later(24)), "of a former round");
    assert!(late.overdue(1, later(24)));
    assert!(!late.overdue(1, later(25)), "once");
    assert!(late.demands(Some(&asked)).is_empty(), "its clock goes on");

    let mut done = late.clone();
    let required = done.required;
    let boss = review("boss", Level::SiteManager, true);
    done.review(boss, required, 1).expect("may approve");
    let met = [(approval.demand, DemandState::Met(now()))];
    assert_eq!(states(&done.demands(Some(&late))), met);
    done.tell(required, 1, now()).expect("approved");
    assert_eq!(done.approval, None);

    // What binds already takes a higher word: another approval, with a clock of its own.
    let told = done.clone();
    assert!(done.reassess(Level::Region, 1, later(30)));
    let anew = done.approval.expect("it waits again");
    assert_ne!(anew.demand, approval.demand);
    let open = [(anew.demand, DemandState::Open)];
    assert_eq!(states(&done.demands(Some(&told))), open);
    let region = review("region", Level::Region, true);
    done.review(region, Level::Region, 1).expect("may approve");
    assert_eq!(done.approval, None);
}
