//! The history of the work as a chain: whatever is changed where it is kept is found (I12).

use redress_model::name::CaseName;
use redress_model::words::Category;
use redress_proto::assignment::v1 as wire;
use redress_proto::assignment::v1::work_service_server::WorkService;
use redress_rpc::Caller;
use tonic::{Code, Status};

use crate::world::{World, by};

impl World {
    async fn verify(
        &self,
        caller: Caller,
        parent: &str,
    ) -> Result<wire::VerifyWorkResponse, Status> {
        let request = wire::VerifyWorkRequest {
            parent: parent.to_owned(),
            ..Default::default()
        };
        Ok(self
            .work
            .verify_work(by(caller, request))
            .await?
            .into_inner())
    }

    /// What is wrong at the site: the case, the step, the solution.
    pub async fn wrong(&self) -> Vec<(String, i64, String)> {
        let verified = self.verify(self.manager(), "sites/lakeside").await;
        let broken = verified.expect("looked at").broken;
        let told = broken
            .into_iter()
            .map(|b| (b.name, b.first_bad_sequence, b.solution));
        told.collect()
    }

    pub async fn change(&self, sql: &'static str, case: &CaseName) {
        let changed = sqlx::query(sql)
            .bind(case.id)
            .execute(&self.database.admin)
            .await;
        assert!(changed.expect("changed").rows_affected() > 0, "{sql}");
    }
}

#[tokio::test]
async fn i12_a_step_that_was_changed_removed_or_slipped_in_is_named() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let other = world.offered(Category::SalesManagement).await;
    let whole = world.verify(world.manager(), "sites/lakeside").await;
    let whole = whole.expect("looked at");
    assert_eq!((whole.case_count, whole.broken.len()), (2, 0));
    assert!(whole.step_count > 5, "{}", whole.step_count);
    let name = World::name_of(&case);
    let found = |sequence| vec![(name.clone(), sequence, String::new())];

    let second =
        "UPDATE assignment.work_step SET actor = 'somebody' WHERE case_id = $1 AND sequence = 2";
    let keep = "CREATE TABLE kept AS SELECT * FROM assignment.work_step";
    sqlx::query(keep)
        .execute(&world.database.admin)
        .await
        .expect("kept");
    let restore = async || {
        for sql in [
            "DELETE FROM assignment.work_step",
            "INSERT INTO assignment.work_step SELECT * FROM kept",
        ] {
            let done = sqlx::query(sql).execute(&world.database.admin).await;
            done.expect("as it was");
        }
        assert!(world.wrong().await.is_empty(), "as it was");
    };
    world.change(second, &case).await;
    assert_eq!(world.wrong().await, found(2));
    restore().await;

    let third = "DELETE FROM assignment.work_step WHERE case_id = $1 AND sequence = 3";
    world.change(third, &case).await;
    assert_eq!(world.wrong().await, found(3));
    restore().await;

    let last = world.verify(world.manager(), &case.to_string()).await;
    let last = last.expect("one case").step_count;
    let tail = "DELETE FROM assignment.work_step s WHERE case_id = $1
                AND sequence = (SELECT max(sequence) FROM assignment.work_step WHERE case_id = s.case_id)";
    world.change(tail, &case).await;
    assert_eq!(world.wrong().await, found(last));
    restore().await;

    let slipped = "INSERT INTO assignment.work_step (site, case_id, sequence, kind, status, step_time, actor, text)
                   SELECT site, case_id, max(sequence) + 1, 'PROGRESS', 'INVESTIGATING', now(), 'x', 'never said'
                   FROM assignment.work_step WHERE case_id = $1 GROUP BY 1, 2";
    world.change(slipped, &case).await;
    assert_eq!(world.wrong().await, found(last + 1));
    restore().await;

    // The other case stands all the while, and what goes on goes on.
    let progress = world
        .progress(world.handler("eng-one"), &case, "measured")
        .await;
    progress.expect("in hand");
    assert!(world.wrong().await.is_empty());
    let of_other = world.verify(world.manager(), &other.to_string()).await;
    assert_eq!(of_other.expect("one case").case_count, 1);
}

#[tokio::test]
async fn i12_the_terms_of_a_solution_that_were_changed_are_named() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let solution = world.propose(&case, 1_000).await.expect("proposed");
    assert!(world.wrong().await.is_empty());
    let dearer = "UPDATE assignment.solution_remedy r SET amount = 90000 FROM assignment.solution s
                  WHERE s.site = r.site AND s.id = r.solution AND s.case_id = $1";
    world.change(dearer, &case).await;
    assert_eq!(
        world.wrong().await,
        [(World::name_of(&case), 0, solution.name)]
    );
}

#[tokio::test]
async fn what_an_older_release_wrote_is_held_from_the_next_step_on() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let as_it_was = "UPDATE assignment.work_step SET hash = NULL WHERE case_id = $1";
    world.change(as_it_was, &case).await;
    let knows_none = "UPDATE assignment.work SET step_count = 0, step_hash = '' WHERE case_id = $1";
    world.change(knows_none, &case).await;
    assert!(world.wrong().await.is_empty());
    let progress = world
        .progress(world.handler("eng-one"), &case, "measured")
        .await;
    progress.expect("in hand");
    assert!(world.wrong().await.is_empty());
    let old = "UPDATE assignment.work_step SET text = 'x' WHERE case_id = $1 AND sequence = 1";
    world.change(old, &case).await;
    assert_eq!(world.wrong().await.len(), 1);
}

#[tokio::test]
async fn i8_whoever_is_accused_or_of_another_site_verifies_nothing_of_a_case() {
    let world = World::staffed().await;
    let case = world.new_case();
    let facts = redress_proto::event::v1::CaseFacts {
        staff_complained_about: vec!["sites/lakeside/staff/seller".to_owned()],
        ..world.facts(&case)
    };
    world.tell(&[world.received(facts)]).await;
    let accused = || world.caller("lakeside", "manager", Some("seller"));
    let found = world.verify(accused(), "sites/lakeside").await;
    assert_eq!(found.expect("the site").case_count, 0);
    let refused = world.verify(accused(), &case.to_string()).await;
    assert_eq!(refused.expect_err("hidden").code(), Code::NotFound);
    let elsewhere = world.caller("riverside", "manager", None);
    let refused = world.verify(elsewhere, "sites/lakeside").await;
    let code = refused.expect_err("another site").code();
    assert!(matches!(code, Code::NotFound | Code::PermissionDenied));
}
