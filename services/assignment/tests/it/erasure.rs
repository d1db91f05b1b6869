//! Erasing a case: what was written down about its people in the work goes, who did what when stays, and the history stands as a
//! chain (I12; decision 71).

use redress_assignment::domain::handling::VisitPurpose;
use redress_events::Event;
use redress_model::name::CaseName;
use redress_model::words::CaseStatus;
use redress_proto::convert::to_wire;
use redress_proto::event::v1 as event;

use crate::world::World;

const GONE: &str = "erased with the case";

impl World {
    /// Work in hand whose words name somebody.
    async fn named(&self) -> CaseName {
        let case = self.investigated().await;
        let handler = self.handler("eng-one");
        let logged = self
            .progress(handler, &case, "called Wang Fang, 13800138000")
            .await;
        logged.expect("in hand");
        self.visit(&case, VisitPurpose::Inspection).await;
        case
    }

    fn erased(&self, case: &CaseName) -> Event {
        self.updated(event::CaseFacts {
            status: to_wire(CaseStatus::Withdrawn),
            epoch: 2,
            revision: 9,
            erased: true,
            ..self.facts(case)
        })
    }

    async fn erase(&self, case: &CaseName) {
        self.tell(&[
            self.moved(case, CaseStatus::Withdrawn, 2),
            self.erased(case),
        ])
        .await;
    }

    async fn words_left(&self) -> i64 {
        self.count(
            "SELECT (SELECT count(*) FROM assignment.work_step WHERE text LIKE '%Wang%' OR text = 'looked')
                  + (SELECT count(*) FROM assignment.visit WHERE findings LIKE '%water%')
                  + (SELECT count(*) FROM assignment.work WHERE restatement LIKE '%Wang%' OR resolution_summary LIKE '%Wang%')",
        )
        .await
    }
}

#[tokio::test]
async fn i12_words_go_who_did_what_when_stays_and_the_history_stands() {
    let world = World::staffed().await;
    let case = world.named().await;
    let before = world.try_get(world.manager(), &case).await.expect("there");
    assert_eq!(world.words_left().await, 3);

    world.erase(&case).await;
    assert_eq!(world.words_left().await, 0);
    assert!(world.wrong().await.is_empty(), "the history stands");
    let after = world.try_get(world.manager(), &case).await.expect("there");
    let shown = format!("{after:?}");
    assert!(!shown.contains("Wang") && !shown.contains("13800138000"));
    let mut steps = after.steps.iter().rev();
    for was in before.steps.iter().rev() {
        let is = steps.next().expect("no step is lost");
        let fact = |s: &redress_proto::assignment::v1::WorkStep| {
            (
                s.sequence,
                s.kind,
                s.status,
                s.step_time,
                s.actor.clone(),
                s.responsible.clone(),
            )
        };
        assert_eq!(fact(is), fact(was));
        assert_eq!(is.text, if was.text.is_empty() { "" } else { GONE });
    }
    assert_eq!(world.visits(&case).await[0].findings, GONE);

    // Told again, and changed afterwards: found as before.
    world.tell(&[world.erased(&case)]).await;
    assert!(world.wrong().await.is_empty());
    let put_back =
        "UPDATE assignment.work_step SET text = 'looked' WHERE case_id = $1 AND sequence = 2";
    world.change(put_back, &case).await;
    assert_eq!(world.wrong().await[0].1, 2);
}

#[tokio::test]
async fn i3_what_is_written_after_the_erasing_is_kept_without_words() {
    let world = World::staffed().await;
    let case = world.named().await;
    world.tell(&[world.erased(&case)]).await;
    // Intake's move comes late, and so does whoever was about to write.
    let late = "INSERT INTO assignment.follow_up (site, case_id, id, satisfaction, last_word, note, actor, follow_time)
                SELECT site, case_id, case_id, 'SATISFIED', false, 'Wang Fang says so', 'x', now()
                FROM assignment.work WHERE case_id = $1";
    world.change(late, &case).await;
    let again = "UPDATE assignment.visit SET findings = 'water at Wang Fang''s' WHERE case_id = $1";
    world.change(again, &case).await;
    world
        .tell(&[world.moved(&case, CaseStatus::Withdrawn, 2)])
        .await;
    let notes = world
        .count("SELECT count(*) FROM assignment.follow_up WHERE note <> 'erased with the case'");
    assert_eq!((notes.await, world.words_left().await), (0, 0));
    assert!(world.wrong().await.is_empty());
}

#[tokio::test]
async fn i12_a_history_that_was_changed_before_is_still_named_once_it_is_erased() {
    let world = World::staffed().await;
    let case = world.named().await;
    let changed =
        "UPDATE assignment.work_step SET actor = 'somebody' WHERE case_id = $1 AND sequence = 2";
    world.change(changed, &case).await;
    world.erase(&case).await;
    assert_eq!(world.words_left().await, 0);
    assert!(!world.wrong().await.is_empty());
}
