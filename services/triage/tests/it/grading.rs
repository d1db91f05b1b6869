//! A grade rises by itself and falls only by a person with a reason (domain.md section 4).

use jiff::SignedDuration;
use redress_model::name::CaseName;
use redress_model::words::{CaseMode, CaseStatus, ClockKind, ClockState, SignalBasis, SignalKind};
use redress_proto::convert::{to_money, to_timestamp, to_wire};
use redress_proto::event::v1 as event;
use redress_proto::triage::v1 as wire;
use redress_proto::triage::v1::triage_service_server::TriageService;
use redress_proto::words::Signal;
use tonic::{Code, Status};

use crate::world::{World, at, by, ids, time};

pub(crate) fn signal(kind: SignalKind, basis: SignalBasis) -> Signal {
    Signal {
        kind: to_wire(kind),
        basis: to_wire(basis),
        ..Default::default()
    }
}

/// The stable reason of a refusal.
pub(crate) fn reason(status: &Status) -> String {
    use tonic_types::StatusExt as _;
    status
        .get_details_error_info()
        .expect("every refusal has one")
        .reason
}

pub(crate) async fn lower(
    world: &World,
    case: &CaseName,
    grade: i32,
    etag: &str,
) -> Result<wire::Decision, Status> {
    let request = wire::LowerGradeRequest {
        case: case.to_string(),
        grade,
        reason: "looked at on site: nobody is in danger".to_owned(),
        etag: etag.to_owned(),
        request_id: String::new(),
    };
    let answer = world.rpc.lower_grade(by(world.manager(), request)).await?;
    Ok(answer.into_inner().decision.expect("a decision"))
}

async fn raise(
    world: &World,
    case: &CaseName,
    grade: i32,
    etag: &str,
) -> Result<wire::Decision, Status> {
    let request = wire::RaiseGradeRequest {
        case: case.to_string(),
        grade,
        reason: "the street committee calls".to_owned(),
        etag: etag.to_owned(),
        request_id: String::new(),
    };
    let answer = world.rpc.raise_grade(by(world.manager(), request)).await?;
    Ok(answer.into_inner().decision.expect("a decision"))
}

async fn crowd(world: &World, people: i32) -> CaseName {
    let case = world.new_case();
    let facts = event::CaseFacts {
        headcount: people,
        ..world.facts(&case)
    };
    world.tell(&[world.received(facts)]).await;
    case
}

#[tokio::test]
async fn a_person_lowers_a_grade_with_a_reason_and_it_stays_low() {
    let world = World::new().await;
    let case = crowd(&world, 12).await;
    let stood = world.decision(&case).await;
    let lowered = lower(&world, &case, 3, &stood.etag).await.expect("lowered");
    assert_eq!((lowered.grade, lowered.cause.as_str()), (3, "lowered"));
    assert_eq!((lowered.computed_grade, lowered.proposed_grade), (4, 0));
    assert_eq!((ids(&lowered), lowered.nature), (vec!["G4"], 2));
    assert!(!lowered.would_open_incident);
    let word = lowered.r#override.as_ref().expect("kept");
    assert_eq!((word.grade, word.previous_grade, word.revision), (3, 1, 2));
    assert_eq!(word.actor, "manager");
    assert_eq!(word.reason, "looked at on site: nobody is in danger");
    let aside: Vec<&str> = word
        .set_aside
        .iter()
        .map(|c| c.criterion_id.as_str())
        .collect();
    assert_eq!(aside, ["G1.4", "G2.2"]);
    assert_eq!(word.set_aside[0].evidence, "12 complainants together");
    // Contacts and ages that say nothing new leave it.
    world.tell(&[world.contact(&case, false, true, true)]).await;
    assert_eq!(world.decision(&case).await.grade, 3);
    let said: Vec<event::CaseGraded> = world.said("redress.case.graded.v1").await;
    let last = said.last().expect("told");
    assert_eq!((last.grade, last.previous_grade), (3, 1));
    assert!(last.criteria.iter().all(|c| c.criterion_id != "G1.4"));
}

#[tokio::test]
async fn more_of_what_was_set_aside_raises_again_by_itself_and_less_does_not() {
    let world = World::new().await;
    let case = crowd(&world, 12).await;
    let etag = world.decision(&case).await.etag;
    lower(&world, &case, 4, &etag).await.expect("lowered");
    for (people, revision, grade) in [(11, 2, 4), (12, 3, 4), (13, 4, 1)] {
        let facts = event::CaseFacts {
            headcount: people,
            revision,
            ..world.facts(&case)
        };
        world.tell(&[world.updated(facts)]).await;
        assert_eq!(world.decision(&case).await.grade, grade, "{people}");
    }
    let risen = world.decision(&case).await;
    assert_eq!(ids(&risen), ["G1.4"]);
    assert_eq!(risen.r#override.expect("kept").grade, 4);
}

#[tokio::test]
async fn a_criterion_that_was_not_known_raises_again_by_itself() {
    let world = World::new().await;
    let case = crowd(&world, 12).await;
    let etag = world.decision(&case).await.etag;
    lower(&world, &case, 4, &etag).await.expect("lowered");
    let leak = signal(SignalKind::DataLeak, SignalBasis::Reported);
    world
        .record(world.manager(), &case, leak, "")
        .await
        .expect("recorded");
    assert_eq!(ids(&world.decision(&case).await), ["G2.7"]);
    let injury = signal(SignalKind::Injury, SignalBasis::Confirmed);
    world
        .record(world.manager(), &case, injury, "")
        .await
        .expect("recorded");
    let risen = world.decision(&case).await;
    assert_eq!((risen.grade, ids(&risen)), (1, vec!["G1.8", "G2.7"]));
}

#[tokio::test]
async fn a_case_that_rises_after_a_word_under_a_grade_without_updates_owes_the_next_one_m16() {
    let world = World::new().await;
    let case = crowd(&world, 3).await;
    world
        .tell(&[world.contact(&case, false, true, false)])
        .await;
    let update = async || world.clocks(&case).await[&ClockKind::InterimUpdate].clone();
    let first = update().await;
    assert_eq!(first.state, to_wire(ClockState::Running));
    let etag = world.decision(&case).await.etag;
    lower(&world, &case, 4, &etag).await.expect("lowered");
    world.advance(SignedDuration::from_hours(1)).await;
    world
        .tell(&[world.contact(&case, false, true, false)])
        .await;
    // Of a plain complaint no further word is owed.
    assert_eq!(update().await.state, to_wire(ClockState::Met));
    world.advance(SignedDuration::from_hours(1)).await;
    let injury = signal(SignalKind::Injury, SignalBasis::Confirmed);
    world
        .record(world.manager(), &case, injury, "")
        .await
        .expect("recorded");
    let owed = update().await;
    assert_eq!(owed.state, to_wire(ClockState::Running));
    assert_eq!(time(&owed.start_time), world.now());
    let day = SignedDuration::from_hours(24);
    assert_eq!(time(&owed.due_time), world.now() + day);
}

#[tokio::test]
async fn a_person_raises_a_grade_above_the_facts_and_it_stands() {
    let world = World::new().await;
    let case = world.case().await;
    let etag = world.decision(&case).await.etag;
    let raised = raise(&world, &case, 1, &etag).await.expect("raised");
    assert_eq!((raised.grade, raised.cause.as_str()), (1, "raised"));
    assert_eq!((raised.computed_grade, raised.proposed_grade), (4, 0));
    assert_eq!((raised.nature, ids(&raised)), (1, vec!["G4"]));
    assert_eq!(raised.incident_mode(), wire::IncidentMode::Private);
    world.tell(&[world.contact(&case, true, true, false)]).await;
    assert_eq!(world.decision(&case).await.grade, 1);
    let refused = raise(&world, &case, 2, &world.decision(&case).await.etag)
        .await
        .expect_err("not graver");
    assert_eq!(reason(&refused), "GRADE_NOT_GRAVER");
}

#[tokio::test]
async fn a_regrade_undoes_nothing_that_was_done() {
    let world = World::new().await;
    let case = crowd(&world, 12).await;
    // One promise is kept, another is broken: the leads are paged about it.
    world.tell(&[world.contact(&case, false, true, true)]).await;
    world.advance(SignedDuration::from_hours(3)).await;
    let done = async || {
        let clocks: Vec<String> = sqlx::query_scalar(
            "SELECT concat_ws(' ', kind, state, told, level, round, start_time, due_time, stop_time)
             FROM triage.clock WHERE state IN ('MET', 'BREACHED') ORDER BY kind",
        )
        .fetch_all(&world.database.admin)
        .await
        .expect("read");
        let pages: Vec<String> = sqlx::query_scalar(
            "SELECT concat_ws(' ', clock_id, generation, rung, round, staff, page, send_time)
             FROM triage.clock_page ORDER BY clock_id, generation, staff",
        )
        .fetch_all(&world.database.admin)
        .await
        .expect("read");
        (clocks, pages)
    };
    let (clocks, pages) = done().await;
    let stands = |what| clocks.iter().filter(|clock| clock.contains(what)).count();
    assert_eq!(stands("MET"), 2, "{clocks:?}");
    assert_eq!(stands("START_INVESTIGATION BREACHED"), 1, "{clocks:?}");
    assert!(!pages.is_empty());
    let events = "SELECT count(*) FROM triage.clock_event WHERE transition IN ('MET', 'WARNED', 'BREACHED', 'CLIMBED')";
    let told = world.count(events).await;
    let etag = world.decision(&case).await.etag;
    lower(&world, &case, 4, &etag).await.expect("lowered");
    assert_eq!(done().await, (clocks, pages));
    assert_eq!(world.count(events).await, told);
    let cancelled = "SELECT count(*) FROM triage.clock WHERE state = 'CANCELLED'";
    assert_eq!(world.count(cancelled).await, 0);
    let decisions = "SELECT count(*) FROM triage.decision";
    assert_eq!(world.count(decisions).await, 2);
}

#[tokio::test]
async fn who_looked_at_an_older_decision_is_told_the_current_one_i11_p28() {
    let world = World::new().await;
    let case = crowd(&world, 12).await;
    let etag = world.decision(&case).await.etag;
    lower(&world, &case, 3, &etag).await.expect("lowered");
    let late = lower(&world, &case, 2, &etag).await.expect_err("stale");
    assert_eq!(late.code(), Code::Aborted);
    let late = raise(&world, &case, 1, &etag).await.expect_err("stale");
    assert_eq!(late.code(), Code::Aborted);
    let now = world.decision(&case).await;
    assert_eq!((now.grade, now.revision), (3, 2));
}

#[tokio::test]
async fn a_retried_regrade_takes_effect_once_i2() {
    let world = World::new().await;
    let case = crowd(&world, 12).await;
    let request = wire::LowerGradeRequest {
        case: case.to_string(),
        grade: 3,
        reason: "as agreed".to_owned(),
        etag: world.decision(&case).await.etag,
        request_id: "once".to_owned(),
    };
    for _ in 0..2 {
        let answer = world
            .rpc
            .lower_grade(by(world.manager(), request.clone()))
            .await
            .expect("lowered");
        assert_eq!(answer.into_inner().decision.expect("filled").revision, 2);
    }
    let other = wire::LowerGradeRequest {
        grade: 4,
        ..request
    };
    let refused = world.rpc.lower_grade(by(world.manager(), other)).await;
    assert_eq!(reason(&refused.expect_err("reused")), "REQUEST_ID_REUSED");
}

#[tokio::test]
async fn what_cannot_be_lowered_is_refused_with_the_reason_i10() {
    let world = World::new().await;
    let case = world.case().await;
    let etag = world.decision(&case).await.etag;
    let refused = lower(&world, &case, 4, &etag).await.expect_err("not lower");
    assert_eq!(reason(&refused), "GRADE_NOT_LOWER");
    let silent = wire::LowerGradeRequest {
        case: case.to_string(),
        grade: 4,
        reason: "  ".to_owned(),
        etag,
        request_id: String::new(),
    };
    let refused = world.rpc.lower_grade(by(world.manager(), silent)).await;
    assert_eq!(
        refused.expect_err("no reason").code(),
        Code::InvalidArgument
    );
    let ended = crowd(&world, 12).await;
    world
        .tell(&[world.moved("intake", &ended, CaseStatus::Withdrawn, 2)])
        .await;
    let etag = world.decision(&ended).await.etag;
    let refused = lower(&world, &ended, 4, &etag).await.expect_err("ended");
    assert_eq!(reason(&refused), "CASE_ENDED");
    let old = world.new_case();
    let facts = event::CaseFacts {
        mode: to_wire(CaseMode::Historical),
        headcount: 12,
        ..world.facts(&old)
    };
    world.tell(&[world.received(facts)]).await;
    let etag = world.decision(&old).await.etag;
    let refused = lower(&world, &old, 4, &etag).await.expect_err("history");
    assert_eq!(reason(&refused), "CASE_HISTORICAL");
}

#[tokio::test]
async fn whoever_the_case_is_about_finds_no_grade_to_move_and_no_proposal() {
    let world = World::new().await;
    let case = world.new_case();
    let facts = event::CaseFacts {
        headcount: 12,
        staff_complained_about: vec!["sites/lakeside/staff/li".to_owned()],
        ..world.facts(&case)
    };
    world.tell(&[world.received(facts.clone())]).await;
    let fewer = event::CaseFacts {
        headcount: 1,
        revision: 2,
        ..facts
    };
    world.tell(&[world.updated(fewer)]).await;
    let li = || world.caller("lakeside", "manager", Some("li"));
    let request = wire::LowerGradeRequest {
        case: case.to_string(),
        grade: 4,
        reason: "it was nothing".to_owned(),
        etag: world.decision(&case).await.etag,
        request_id: String::new(),
    };
    let refused = world.rpc.lower_grade(by(li(), request)).await;
    assert_eq!(refused.expect_err("hidden").code(), Code::NotFound);
    for (caller, expected) in [(li(), 0), (world.manager(), 1)] {
        let request = wire::ListGradeProposalsRequest {
            parent: "sites/-".to_owned(),
            ..Default::default()
        };
        let answer = world.rpc.list_grade_proposals(by(caller, request)).await;
        let proposals = answer.expect("listed").into_inner().decisions;
        assert_eq!(proposals.len(), expected);
    }
}

#[tokio::test]
async fn what_could_fall_is_proposed_until_a_person_decides_or_the_case_ends() {
    let world = World::new().await;
    let proposals = async || {
        let request = wire::ListGradeProposalsRequest {
            parent: "sites/lakeside".to_owned(),
            ..Default::default()
        };
        let answer = world
            .rpc
            .list_grade_proposals(by(world.manager(), request))
            .await
            .expect("listed");
        answer
            .into_inner()
            .decisions
            .into_iter()
            .map(|d| (d.case, d.grade, d.proposed_grade))
            .collect::<Vec<_>>()
    };
    let (one, two) = (crowd(&world, 12).await, crowd(&world, 12).await);
    assert!(proposals().await.is_empty());
    for case in [&one, &two] {
        let facts = event::CaseFacts {
            headcount: 2,
            revision: 2,
            ..world.facts(case)
        };
        world.tell(&[world.updated(facts)]).await;
    }
    assert_eq!(
        proposals().await,
        [(two.to_string(), 1, 3), (one.to_string(), 1, 3)]
    );
    let etag = world.decision(&one).await.etag;
    lower(&world, &one, 3, &etag).await.expect("lowered");
    world
        .tell(&[world.moved("intake", &two, CaseStatus::Withdrawn, 2)])
        .await;
    assert!(proposals().await.is_empty());
}

#[tokio::test]
async fn a_case_merged_before_was_known_and_one_merged_later_raises_again() {
    let world = World::new().await;
    let (head, first, second) = (
        world.case().await,
        crowd(&world, 12).await,
        crowd(&world, 30).await,
    );
    let merge = |case: &CaseName| {
        let payload = event::CaseMoved {
            case: case.to_string(),
            status: to_wire(CaseStatus::Merged),
            epoch: 2,
            move_time: Some(to_timestamp(world.now())),
            merged_into: head.to_string(),
            ..Default::default()
        };
        world.event(
            "intake",
            "redress.case.moved.v1",
            &case.to_string(),
            &payload,
        )
    };
    world.tell(&[merge(&first)]).await;
    assert_eq!(world.decision(&head).await.grade, 1);
    let etag = world.decision(&head).await.etag;
    lower(&world, &head, 4, &etag).await.expect("lowered");
    let leak = signal(SignalKind::FeeWithheld, SignalBasis::Reported);
    world
        .record(world.manager(), &head, leak, "")
        .await
        .expect("recorded");
    assert_eq!(world.decision(&head).await.grade, 4);
    world.tell(&[merge(&second)]).await;
    assert_eq!(world.decision(&head).await.grade, 1);
}

#[tokio::test]
async fn the_boundaries_of_people_and_amounts_hold_from_event_to_decision_g1_4_g2_2_g1_6_g2_5() {
    let world = World::new().await;
    for (people, id) in [(9, "G2.2"), (10, "G1.4")] {
        let case = crowd(&world, people).await;
        assert_eq!(ids(&world.decision(&case).await), [id], "{people}");
    }
    for (sum, id) in [("9999.99", "G2.5"), ("10000.00", "G1.6")] {
        let case = world.new_case();
        let facts = event::CaseFacts {
            claim: Some(to_money(sum.parse().expect("a sum"))),
            ..world.facts(&case)
        };
        world.tell(&[world.received(facts.clone())]).await;
        assert_eq!(ids(&world.decision(&case).await), [id], "{sum}");
        // The assessed sum replaces the claimed one: the grade stands and the lower one is proposed.
        let assessed = event::CaseFacts {
            assessed_claim: Some(to_money("0".parse().expect("a sum"))),
            revision: 2,
            ..facts
        };
        world.tell(&[world.updated(assessed)]).await;
        assert_eq!(world.decision(&case).await.proposed_grade, 4, "{sum}");
    }
}

#[tokio::test]
async fn a_month_clamps_and_ages_are_local_times_from_event_to_decision_g1_7() {
    let world = World::new().await;
    world.clock.set(at("2027-01-31T23:30:00+08:00"));
    let case = world.case().await;
    let minute = jiff::SignedDuration::from_mins(1);
    let month = at("2027-02-28T23:30:00+08:00");
    world
        .advance(world.now().duration_until(month) - minute)
        .await;
    assert_eq!(ids(&world.decision(&case).await), ["G2.4"]);
    world.advance(minute).await;
    assert_eq!(ids(&world.decision(&case).await), ["G1.7", "G2.4"]);
}

#[tokio::test]
async fn an_operator_finds_a_changed_or_missing_decision_whoever_moved_the_grade_i12() {
    let world = World::new().await;
    let (whole, case) = (world.case().await, crowd(&world, 12).await);
    let etag = world.decision(&case).await.etag;
    lower(&world, &case, 3, &etag).await.expect("lowered");
    let suspected = signal(SignalKind::Injury, SignalBasis::Suspected);
    world
        .record(world.manager(), &case, suspected, "")
        .await
        .expect("recorded");
    world.advance(jiff::SignedDuration::from_mins(30)).await;
    let etag = world.decision(&case).await.etag;
    lower(&world, &case, 4, &etag).await.expect("lowered again");
    let verify = async |parent: String| {
        let request = wire::VerifyDecisionsRequest {
            parent,
            ..Default::default()
        };
        let answer = world
            .rpc
            .verify_decisions(by(world.manager(), request))
            .await
            .expect("verified");
        answer.into_inner()
    };
    let all = verify("sites/lakeside".to_owned()).await;
    assert_eq!((all.case_count, all.broken.len()), (2, 0));
    let decisions = world.count("SELECT count(*) FROM triage.decision").await;
    assert_eq!(all.decision_count, decisions);
    let change = async |sql: &'static str| {
        sqlx::query(sql)
            .execute(&world.database.admin)
            .await
            .expect("changed");
    };
    let broken = async |parent: String| {
        let found = verify(parent).await.broken;
        found
            .into_iter()
            .map(|b| (b.case, b.revision))
            .collect::<Vec<_>>()
    };
    for (sql, undo) in [
        (
            "UPDATE triage.decision SET by_person = jsonb_set(by_person, '{reason}', '\"none\"') WHERE revision = 2",
            "UPDATE triage.decision SET by_person = jsonb_set(by_person, '{reason}', '\"looked at on site: nobody is in danger\"') WHERE revision = 2",
        ),
        (
            "UPDATE triage.decision SET by_person = jsonb_set(by_person, '{actor}', '\"somebody\"') WHERE revision = 2",
            "UPDATE triage.decision SET by_person = jsonb_set(by_person, '{actor}', '\"manager\"') WHERE revision = 2",
        ),
    ] {
        change(sql).await;
        assert_eq!(broken(case.to_string()).await, [(case.to_string(), 2)]);
        change(undo).await;
        assert!(broken(case.to_string()).await.is_empty());
    }
    change("UPDATE triage.decision SET firm_grade = NULL WHERE firm_grade IS NOT NULL").await;
    assert_eq!(broken("sites/lakeside".to_owned()).await.len(), 1);
    change("DELETE FROM triage.decision WHERE revision > 1").await;
    assert_eq!(
        broken("sites/lakeside".to_owned()).await,
        [(case.to_string(), 2)],
        "the end is missing"
    );
    assert!(broken(whole.to_string()).await.is_empty());
}

#[tokio::test]
async fn a_cluster_that_shrinks_lowers_nothing_and_proposes_g1_4() {
    let world = World::new().await;
    let text = "电梯再次困人，物业一直没有处理，三号楼电梯停运两天。";
    let mut cases = Vec::new();
    for n in 0..10 {
        let case = world.new_case();
        world.say(&case, text);
        let facts = world.by_person(&case, &format!("person-{n}"));
        world.tell(&[world.received(facts)]).await;
        cases.push(case);
    }
    let together = world.decision(&cases[0]).await;
    assert_eq!((together.grade, together.cluster_complainants), (1, 10));
    // One of them is taken out again: nine remain.
    world
        .tell(&[world.moved("intake", &cases[9], CaseStatus::Withdrawn, 2)])
        .await;
    let left = world.decision(&cases[0]).await;
    assert_eq!((left.grade, left.proposed_grade), (1, 2));
    assert!(ids(&left).contains(&"G1.4") && ids(&left).contains(&"G2.2"));
    assert_eq!(left.cause, "cluster");
}

#[tokio::test]
async fn a_repeat_that_was_set_aside_counts_with_the_next_reopening_for_it_and_with_no_appeal_g3_3()
{
    let world = World::new().await;
    let case = world.new_case();
    let facts = world.facts(&case);
    world.tell(&[world.received(facts.clone())]).await;
    let reopen = async |epoch: i64, complained_again: bool| {
        world.advance(SignedDuration::from_mins(1)).await;
        let resolved = world.moved("assignment", &case, CaseStatus::Resolved, epoch - 1);
        let facts = event::CaseFacts {
            repeat: true,
            status: to_wire(CaseStatus::Reopened),
            epoch,
            revision: epoch,
            ..facts.clone()
        };
        let moved = event::CaseMoved {
            case: case.to_string(),
            status: to_wire(CaseStatus::Reopened),
            epoch,
            move_time: Some(to_timestamp(world.now())),
            complained_again,
            ..Default::default()
        };
        let kind = "redress.case.moved.v1";
        let moved = world.event("intake", kind, &case.to_string(), &moved);
        world.tell(&[resolved, world.updated(facts), moved]).await;
        world.decision(&case).await
    };
    let reopened = reopen(2, true).await;
    assert_eq!((reopened.grade, ids(&reopened)), (3, vec!["G3.3"]));
    lower(&world, &case, 4, &reopened.etag)
        .await
        .expect("lowered");
    let appealed = reopen(3, false).await;
    assert_eq!((appealed.grade, ids(&appealed)), (4, vec!["G4"]));
    let again = reopen(4, true).await;
    assert_eq!((again.grade, ids(&again)), (3, vec!["G3.3"]));
}

#[tokio::test]
async fn i8_another_site_moves_verifies_and_sees_no_grade() {
    let world = World::new().await;
    world.learn(&crate::world::site("riverside")).await;
    let case = crowd(&world, 12).await;
    let fewer = event::CaseFacts {
        headcount: 1,
        revision: 2,
        ..world.facts(&case)
    };
    world.tell(&[world.updated(fewer)]).await;
    let known = signal(SignalKind::DataLeak, SignalBasis::Reported);
    let recorded = world.record(world.manager(), &case, known, "").await;
    let name = recorded.expect("recorded").signal.expect("a signal").name;
    let before = world.decision(&case).await;
    let neighbour = || world.caller("riverside", "manager", None);
    let lower = wire::LowerGradeRequest {
        case: case.to_string(),
        grade: 4,
        reason: "not ours".to_owned(),
        etag: before.etag.clone(),
        request_id: String::new(),
    };
    let raise = wire::RaiseGradeRequest {
        case: case.to_string(),
        grade: 1,
        reason: "not ours".to_owned(),
        etag: before.etag.clone(),
        request_id: String::new(),
    };
    let dismiss = wire::DismissSignalRequest {
        name,
        reason: "not ours".to_owned(),
        ..Default::default()
    };
    let verify = |parent: String| wire::VerifyDecisionsRequest {
        parent,
        ..Default::default()
    };
    let rpc = &world.rpc;
    let refused = [
        rpc.lower_grade(by(neighbour(), lower)).await.err(),
        rpc.raise_grade(by(neighbour(), raise)).await.err(),
        rpc.dismiss_signal(by(neighbour(), dismiss)).await.err(),
        rpc.verify_decisions(by(neighbour(), verify(case.to_string())))
            .await
            .err(),
    ];
    for status in refused {
        assert_eq!(status.map(|s| s.code()), Some(Code::NotFound));
    }
    let site = verify("sites/lakeside".to_owned());
    match rpc.verify_decisions(by(neighbour(), site)).await {
        Ok(answer) => assert_eq!(answer.into_inner().case_count, 0),
        Err(status) => assert_eq!(status.code(), Code::NotFound),
    }
    let list = wire::ListGradeProposalsRequest {
        parent: "sites/-".to_owned(),
        ..Default::default()
    };
    let seen = rpc.list_grade_proposals(by(neighbour(), list)).await;
    assert!(seen.expect("listed").into_inner().decisions.is_empty());
    assert_eq!(world.decision(&case).await, before);
}
