//! Cases are decided from their facts, signals and ages, and a grade falls only by a person.

use jiff::SignedDuration;
use redress_events::Event;
use redress_model::Fault;
use redress_model::name::CaseName;
use redress_model::words::{CaseMode, CaseStatus, QualityImpact, SignalBasis, SignalKind};
use redress_proto::convert::{to_money, to_timestamp, to_wire};
use redress_proto::event::v1 as event;
use redress_proto::triage::v1 as wire;
use redress_proto::triage::v1::triage_service_server::TriageService;
use redress_proto::words::Signal;
use redress_store::{Operation, Scope, Tx};
use redress_triage::store::decisions::{self, DecisionRow};

use crate::world::{World, by, ids};

fn signal(kind: SignalKind, basis: SignalBasis) -> Signal {
    Signal {
        kind: to_wire(kind),
        basis: to_wire(basis),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_case_is_decided_explained_and_told_in_one_transaction() {
    let world = World::new().await;
    let case = world.new_case();
    world.say(&case, "厨房漏水,天花板有裂缝。");
    let facts = event::CaseFacts {
        quality_impact: to_wire(QualityImpact::AffectsUse),
        claim: Some(to_money("10000.00".parse().expect("a sum"))),
        signals: vec![signal(SignalKind::OngoingDamage, SignalBasis::Reported)],
        ..world.facts(&case)
    };
    world.tell(&[world.received(facts)]).await;
    let decision = world.decision(&case).await;
    assert_eq!(decision.grade, 1);
    assert_eq!(ids(&decision), ["G1.6", "G2.1"]);
    assert_eq!((decision.nature, decision.urgency), (1, 1));
    assert_eq!(decision.category, 1);
    assert_eq!(decision.category_words, ["漏水", "裂缝"]);
    assert!(decision.would_open_incident);
    assert_eq!(decision.incident_mode(), wire::IncidentMode::Private);
    assert_eq!(
        (decision.revision, decision.cause.as_str()),
        (1, "received")
    );
    let said: Vec<event::CaseGraded> = world.said("redress.case.graded.v1").await;
    assert_eq!(said.len(), 1);
    assert_eq!(
        (said[0].grade, said[0].previous_grade, said[0].epoch),
        (1, 0, 1)
    );
    assert_eq!(said[0].cluster, decision.cluster);
    assert_eq!(said[0].criteria[0].criterion_id, "G1.6");
}

#[tokio::test]
async fn an_event_delivered_twice_takes_effect_once_i3() {
    let world = World::new().await;
    let case = world.new_case();
    let received = world.received(world.facts(&case));
    world.tell(&[received.clone(), received]).await;
    assert_eq!(world.count("SELECT count(*) FROM triage.decision").await, 1);
    assert_eq!(
        world
            .count("SELECT count(*) FROM triage.outbox WHERE type LIKE '%graded%'")
            .await,
        1
    );
}

#[tokio::test]
async fn a_suspected_signal_counts_only_once_confirmed() {
    let world = World::new().await;
    let case = world.case().await;
    let suspected = signal(SignalKind::Litigation, SignalBasis::Suspected);
    let answer = world
        .record(world.manager(), &case, suspected, "")
        .await
        .expect("recorded");
    assert_eq!(world.decision(&case).await.grade, 4);
    assert_eq!(world.decision(&case).await.suspected_signals, [3]);
    let name = answer.signal.expect("a signal").name;
    let confirm = |etag: &str| wire::ConfirmSignalRequest {
        name: name.clone(),
        etag: etag.to_owned(),
        request_id: String::new(),
    };
    let stale = world
        .rpc
        .confirm_signal(by(world.manager(), confirm("r9")))
        .await;
    assert_eq!(stale.expect_err("stale").code(), tonic::Code::Aborted);
    let answer = world
        .rpc
        .confirm_signal(by(world.manager(), confirm("r1")))
        .await
        .expect("confirmed");
    let answer = answer.into_inner();
    assert_eq!(answer.decision.expect("a decision").grade, 1);
    assert_eq!(answer.signal.expect("a signal").confirmer, "manager");
    // A repeat changes nothing.
    world
        .rpc
        .confirm_signal(by(world.manager(), confirm("r1")))
        .await
        .expect("harmless");
    assert_eq!(ids(&world.decision(&case).await), ["G1.5"]);
    assert_eq!(world.decision(&case).await.revision, 3);
}

#[tokio::test]
async fn a_grade_that_would_fall_stands_and_the_lower_one_is_proposed() {
    let world = World::new().await;
    let case = world.new_case();
    let facts = event::CaseFacts {
        headcount: 12,
        ..world.facts(&case)
    };
    world.tell(&[world.received(facts.clone())]).await;
    assert_eq!(ids(&world.decision(&case).await), ["G1.4"]);
    let fewer = event::CaseFacts {
        headcount: 2,
        revision: 2,
        ..facts
    };
    world.tell(&[world.updated(fewer)]).await;
    let decision = world.decision(&case).await;
    assert_eq!((decision.grade, decision.proposed_grade), (1, 3));
    // The kept grade stays explained, again and again.
    assert_eq!(ids(&decision), ["G1.4", "G3.2"]);
    assert_eq!(decision.nature, 1);
    let handed_up = signal(SignalKind::HandedUp, SignalBasis::Reported);
    world
        .record(world.manager(), &case, handed_up, "")
        .await
        .expect("recorded");
    assert_eq!(ids(&world.decision(&case).await), ["G1.4", "G3.2", "G3.3"]);
}

#[tokio::test]
async fn history_is_decided_again_and_nothing_follows() {
    let world = World::new().await;
    let case = world.new_case();
    let facts = event::CaseFacts {
        mode: to_wire(CaseMode::Historical),
        status: to_wire(CaseStatus::Archived),
        ..world.facts(&case)
    };
    world.tell(&[world.received(facts.clone())]).await;
    assert_eq!(ids(&world.decision(&case).await), ["G4"]);
    let leak = signal(SignalKind::DataLeak, SignalBasis::Reported);
    world
        .record(world.manager(), &case, leak, "")
        .await
        .expect("recorded");
    assert_eq!(ids(&world.decision(&case).await), ["G2.7"]);
    let crowd = event::CaseFacts {
        headcount: 12,
        revision: 2,
        ..facts
    };
    world.tell(&[world.updated(crowd)]).await;
    assert_eq!(ids(&world.decision(&case).await), ["G1.4", "G2.7"]);
    assert_eq!(world.count("SELECT count(*) FROM triage.clock").await, 0);
    assert_eq!(
        world
            .count("SELECT count(*) FROM triage.outbox WHERE NOT historical AND type <> 'redress.policy.changed.v1'")
            .await,
        0
    );
}

fn merged(world: &World, case: &CaseName, head: &CaseName, epoch: i64) -> Event {
    let payload = event::CaseMoved {
        case: case.to_string(),
        status: to_wire(CaseStatus::Merged),
        epoch,
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
}

#[tokio::test]
async fn a_merged_case_gives_its_facts_to_its_head() {
    let world = World::new().await;
    let (head, one, two) = (world.case().await, world.new_case(), world.new_case());
    let leaking = event::CaseFacts {
        quality_impact: to_wire(QualityImpact::Grave),
        repeat: true,
        ..world.by_person(&one, "a")
    };
    let pair = event::CaseFacts {
        person_tokens: vec!["a".to_owned(), "b".to_owned(), "c".to_owned()],
        ..world.facts(&two)
    };
    world
        .tell(&[world.received(leaking), world.received(pair)])
        .await;
    assert_eq!(ids(&world.decision(&head).await), ["G4"]);
    world
        .tell(&[
            merged(&world, &one, &head, 2),
            merged(&world, &two, &head, 2),
        ])
        .await;
    let decision = world.decision(&head).await;
    assert_eq!(ids(&decision), ["G1.3", "G2.2", "G3.3"]);
    assert_eq!((decision.grade, decision.proposed_grade), (1, 0));
    // What becomes known of a merged case raises its head, not itself.
    let threat = signal(SignalKind::ThreatensMedia, SignalBasis::Reported);
    world
        .record(world.manager(), &two, threat, "")
        .await
        .expect("recorded");
    assert_eq!(
        ids(&world.decision(&head).await),
        ["G1.3", "G2.2", "G2.6", "G3.3"]
    );
    assert_eq!(ids(&world.decision(&two).await), ["G2.2"]);
    // Taken apart, the head keeps its grade and what explains it.
    world
        .tell(&[
            world.moved("intake", &one, CaseStatus::Received, 3),
            world.moved("intake", &two, CaseStatus::Received, 3),
        ])
        .await;
    let decision = world.decision(&head).await;
    assert_eq!((decision.grade, decision.proposed_grade), (1, 4));
    assert_eq!(ids(&decision), ["G1.3", "G4"]);
    assert_eq!(ids(&world.decision(&two).await), ["G2.2", "G2.6"]);
}

#[tokio::test]
async fn merging_an_old_complaint_into_a_new_one_does_not_make_it_young_g2_4() {
    let world = World::new().await;
    let old = world.case().await;
    let day = SignedDuration::from_hours(24);
    world.advance(day * 14).await;
    let head = world.case().await;
    world.tell(&[merged(&world, &old, &head, 2)]).await;
    world.advance(day).await;
    assert_eq!(ids(&world.decision(&head).await), ["G2.4"]);
}

#[tokio::test]
async fn a_grade_does_not_vanish_by_merging_whatever_it_came_from() {
    let world = World::new().await;
    let (head, other) = (world.new_case(), world.new_case());
    let crowd = event::CaseFacts {
        headcount: 12,
        ..world.facts(&other)
    };
    let fewer = event::CaseFacts {
        headcount: 1,
        revision: 2,
        ..crowd.clone()
    };
    // The head comes in after the merge.
    world
        .tell(&[
            world.received(crowd),
            world.updated(fewer),
            merged(&world, &other, &head, 2),
            world.received(world.facts(&head)),
        ])
        .await;
    let decision = world.decision(&head).await;
    assert_eq!((decision.grade, decision.proposed_grade), (1, 4));
    assert_eq!(ids(&decision), ["G1.4", "G4"]);
}

#[tokio::test]
async fn an_older_revision_of_the_facts_changes_nothing() {
    let world = World::new().await;
    let case = world.new_case();
    let facts = event::CaseFacts {
        revision: 5,
        ..world.facts(&case)
    };
    world.tell(&[world.received(facts.clone())]).await;
    let older = event::CaseFacts {
        headcount: 50,
        revision: 4,
        ..facts
    };
    world.tell(&[world.updated(older)]).await;
    assert_eq!(world.decision(&case).await.grade, 4);
}

#[tokio::test]
async fn a_case_is_graded_again_at_7_days_15_days_and_a_month_g2_4_g1_7() {
    let world = World::new().await;
    let case = world.case().await;
    let day = SignedDuration::from_hours(24);
    world.advance(day * 7).await;
    let week = world.decision(&case).await;
    assert_eq!(
        (week.grade, week.nature, week.cause.as_str()),
        (4, 2, "age")
    );
    world.advance(day * 8).await;
    assert_eq!(ids(&world.decision(&case).await), ["G2.4"]);
    world.advance(day * 16).await;
    let month = world.decision(&case).await;
    assert_eq!(ids(&month), ["G1.7", "G2.4"]);
    assert_eq!(
        (month.grade, month.incident_mode()),
        (1, wire::IncidentMode::Private)
    );
    assert_eq!(world.count("SELECT count(*) FROM triage.clock WHERE kind = 'AGE_CHECK' AND next_time IS NOT NULL").await, 0);
}

#[tokio::test]
async fn a_case_that_its_handler_hands_up_is_grade_3_and_one_that_is_handed_over_is_not_g3_3() {
    let world = World::new().await;
    let case = world.case().await;
    let told = |reason: &str, revision| {
        let payload = event::OwnerChanged {
            case: case.to_string(),
            responsible: "sites/lakeside/staff/lead-site".to_owned(),
            reason: reason.to_owned(),
            revision,
            ..Default::default()
        };
        let kind = "redress.owner.changed.v1";
        world.event("assignment", kind, &case.to_string(), &payload)
    };
    world.tell(&[told("handed_over", 2)]).await;
    assert_eq!(ids(&world.decision(&case).await), ["G4"]);
    let up = told("handed_up", 3);
    world.tell(std::slice::from_ref(&up)).await;
    world.deliver(&up).await;
    let decision = world.decision(&case).await;
    assert_eq!((decision.grade, ids(&decision)), (3, vec!["G3.3"]));
    assert_eq!(world.count("SELECT count(*) FROM triage.signal").await, 1);
}

#[tokio::test]
async fn a_contact_grades_again_though_no_timer_has_fired_g2_4() {
    let world = World::new().await;
    let case = world.case().await;
    world.clock.advance(SignedDuration::from_hours(24 * 16));
    assert_eq!(world.decision(&case).await.grade, 4);
    world.tell(&[world.contact(&case, false, true, true)]).await;
    let decision = world.decision(&case).await;
    assert_eq!((decision.grade, ids(&decision)), (2, vec!["G2.4"]));
    assert_eq!(decision.cause, "contact");
}

#[tokio::test]
async fn a_resolved_case_does_not_age_and_a_reopened_one_ages_on_p27() {
    let world = World::new().await;
    let case = world.case().await;
    let day = SignedDuration::from_hours(24);
    world.advance(day * 10).await;
    world
        .tell(&[world.moved("assignment", &case, CaseStatus::Resolved, 1)])
        .await;
    world.advance(day * 60).await;
    assert_eq!(world.decision(&case).await.grade, 4);
    world
        .tell(&[world.moved("intake", &case, CaseStatus::Reopened, 2)])
        .await;
    assert_eq!(world.decision(&case).await.grade, 4, "not at once");
    world.advance(day * 5).await;
    assert_eq!(
        ids(&world.decision(&case).await),
        ["G2.4"],
        "15 days of ours"
    );
}

#[tokio::test]
async fn a_historical_case_is_graded_and_nothing_follows() {
    let world = World::new().await;
    let case = world.new_case();
    let facts = event::CaseFacts {
        mode: to_wire(CaseMode::Historical),
        headcount: 12,
        received_time: Some(to_timestamp(crate::world::at("2020-01-02T10:00:00+08:00"))),
        ..world.facts(&case)
    };
    world.tell(&[world.received(facts)]).await;
    let decision = world.decision(&case).await;
    // As of its own time: no age.
    assert_eq!(ids(&decision), ["G1.4"]);
    assert!(!decision.would_open_incident);
    assert_eq!(world.count("SELECT count(*) FROM triage.clock").await, 0);
    // Even when graded again later.
    let conflict = signal(SignalKind::Demonstration, SignalBasis::Confirmed);
    world
        .record(world.manager(), &case, conflict, "")
        .await
        .expect("recorded");
    assert_eq!(ids(&world.decision(&case).await), ["G1.1", "G1.4"]);
    world.advance(SignedDuration::from_hours(24 * 90)).await;
    assert_eq!(world.count("SELECT count(*) FROM triage.clock").await, 0);
    assert_eq!(
        world
            .count("SELECT count(*) FROM triage.outbox WHERE NOT historical AND type <> 'redress.policy.changed.v1'")
            .await,
        0
    );
}

/// All decisions on a case, oldest first.
struct Chain(CaseName);

impl Operation for Chain {
    const NAME: &'static str = "test.chain";
    type Output = Vec<DecisionRow>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<DecisionRow>, Fault> {
        let mut rows = decisions::page(tx, &self.0.site, self.0.id, None, 100).await?;
        rows.reverse();
        Ok(rows)
    }
}

/// The first decision that does not hash to what it says and to the one before it.
async fn broken(world: &World, case: &CaseName) -> Option<i64> {
    let scope = Scope::site(case.site.clone());
    let rows = world
        .database
        .db
        .read(&scope, &Chain(case.clone()))
        .await
        .expect("read");
    let mut before: Vec<u8> = Vec::new();
    for row in rows {
        if row.hash != row.hash_after(&before) {
            return Some(row.revision);
        }
        before = row.hash;
    }
    None
}

#[tokio::test]
async fn decisions_are_chained_so_that_a_changed_one_is_found_i12() {
    let world = World::new().await;
    let case = world.case().await;
    for kind in [SignalKind::DataLeak, SignalKind::HandedUp] {
        let signal = signal(kind, SignalBasis::Reported);
        world
            .record(world.manager(), &case, signal, "")
            .await
            .expect("recorded");
    }
    assert_eq!(broken(&world, &case).await, None);
    let mut tx = world.database.admin.begin().await.expect("begun");
    sqlx::query("SET ROLE redress_triage_app")
        .execute(&mut *tx)
        .await
        .expect("set");
    let refused = sqlx::query("UPDATE triage.decision SET grade = 4")
        .execute(&mut *tx)
        .await;
    assert!(
        refused.is_err(),
        "the service itself may not change a decision"
    );
    tx.rollback().await.expect("undone");
    for (change, undo, found) in [
        (
            "UPDATE triage.decision SET evidence[1] = 'nothing' WHERE revision = 2",
            "UPDATE triage.decision SET evidence[1] = 'DATA_LEAK, reported by the complainant' WHERE revision = 2",
            2,
        ),
        // Swapped for another that is whole in itself: the next one tells.
        (
            "UPDATE triage.decision SET hash = sha256(hash) WHERE revision = 1",
            "",
            1,
        ),
    ] {
        sqlx::query(change)
            .execute(&world.database.admin)
            .await
            .expect("changed");
        assert_eq!(broken(&world, &case).await, Some(found), "{change}");
        if !undo.is_empty() {
            sqlx::query(undo)
                .execute(&world.database.admin)
                .await
                .expect("changed back");
            assert_eq!(broken(&world, &case).await, None);
        }
    }
    let scope = Scope::site(case.site.clone());
    let rows = world
        .database
        .db
        .read(&scope, &Chain(case))
        .await
        .expect("read");
    assert_ne!(
        rows[1].hash_after(&rows[0].hash),
        rows[1].hash_after(b"another")
    );
}
