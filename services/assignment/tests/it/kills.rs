//! A connection that dies after any write: what was under way is done whole by the next try, and once.

use jiff::SignedDuration;
use redress_assignment::jobs::settle_leaves;
use redress_model::time::SharedClock;
use redress_model::words::Category;
use redress_proto::assignment::v1 as wire;
use redress_proto::assignment::v1::roster_plan_service_server::RosterPlanService;
use redress_proto::convert::to_timestamp;
use redress_proto::event::v1::{DeliverOutcome, OwnerChanged, WorkNews};
use sqlx::PgPool;

use crate::world::{NowPlus as _, World, by, last};

/// More writes than anything here needs.
const WRITES_MAX: i64 = 200;

/// Ends the connection that makes the n-th write to a table of assignment.
struct Killer<'a>(&'a PgPool);

impl<'a> Killer<'a> {
    async fn new(world: &'a World) -> Self {
        let pool = &world.database.admin;
        let set_up = "
            CREATE SEQUENCE public.writes;
            CREATE TABLE public.death (at bigint NOT NULL);
            INSERT INTO public.death VALUES (0);
            CREATE FUNCTION public.die() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
            BEGIN
              IF nextval('public.writes') = (SELECT at FROM public.death) THEN
                PERFORM pg_terminate_backend(pg_backend_pid());
              END IF;
              RETURN NULL;
            END $$;
            DO $$
            DECLARE name text;
            BEGIN
              FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'assignment' LOOP
                EXECUTE format('CREATE TRIGGER die AFTER INSERT OR UPDATE OR DELETE ON assignment.%I
                                FOR EACH STATEMENT EXECUTE FUNCTION public.die()', name);
              END LOOP;
            END $$;";
        sqlx::raw_sql(set_up).execute(pool).await.expect("set up");
        Self(pool)
    }

    async fn arm(&self, at: i64) {
        let arm =
            format!("ALTER SEQUENCE public.writes RESTART; UPDATE public.death SET at = {at}");
        let armed = sqlx::raw_sql(sqlx::AssertSqlSafe(arm))
            .execute(self.0)
            .await;
        armed.expect("armed");
    }

    /// Whether it struck.
    async fn disarm(&self, at: i64) -> bool {
        let writes: i64 = sqlx::query_scalar("SELECT last_value FROM public.writes")
            .fetch_one(self.0)
            .await
            .expect("counted");
        self.arm(0).await;
        writes >= at
    }
}

/// M17: the centre has the case once, the store pays once, and everybody is told once, whenever the service dies.
#[tokio::test]
async fn m17_a_take_over_that_dies_anywhere_is_done_whole_and_once() {
    let world = World::store().await;
    let killer = Killer::new(&world).await;
    for at in 1..WRITES_MAX {
        let case = world.worked_on().await;
        let breached = world.breached(&case);
        killer.arm(at).await;
        let outcome = world.try_deliver(&breached).await;
        let struck = killer.disarm(at).await;
        let taken = world.get(&case).await.take_over_time.is_some();
        let fees = async || {
            let booked = world.booked().await;
            let of_case = booked.iter().filter(|e| e.case == case.to_string());
            of_case.count()
        };
        assert_eq!(
            fees().await,
            usize::from(taken),
            "all of it or nothing, at write {at}"
        );
        if outcome != Some(DeliverOutcome::Applied) {
            assert!(struck, "{outcome:?}");
            let again = world.try_deliver(&breached).await;
            assert_eq!(again, Some(DeliverOutcome::Applied), "at write {at}");
        }
        let work = world.get(&case).await;
        assert_eq!(last(&work.department), "company-centre", "at write {at}");
        assert!(last(&work.responsible).starts_with("centre-"));
        assert_eq!(fees().await, 1, "at write {at}");
        let told = world.notices(WorkNews::TakenOver).await;
        let told = told.iter().filter(|n| n.case == case.to_string()).count();
        let owners = world.said::<OwnerChanged>("redress.owner.changed.v1").await;
        let owned = owners.iter().filter(|o| o.case == case.to_string());
        let owned = owned.filter(|o| o.reason == "taken_over").count();
        assert_eq!((told, owned), (1, 1), "at write {at}");
        if !struck {
            assert!(at > 10, "{at} writes: the killer never struck");
            return;
        }
    }
    panic!("never done");
}

/// Section 7: never nobody, and never two, whenever the service dies while it settles a leave.
#[tokio::test]
async fn a_leave_that_is_settled_by_a_dying_service_leaves_every_case_with_one_who_is_there() {
    for at in 1..WRITES_MAX {
        let world = World::staffed().await;
        let clock: SharedClock = world.clock.clone();
        let mut cases = Vec::new();
        for _ in 0..2 {
            let case = world.offered(Category::EngineeringQuality).await;
            let to = last(&world.get(&case).await.offered_to).to_owned();
            let accepted = world.accept(world.handler(&to), &case, "").await;
            accepted.expect("offered");
            cases.push((case, to));
        }
        let away = cases[0].1.clone();
        let hours = |h| {
            let at = world.clock.now_plus(SignedDuration::from_hours(h));
            Some(to_timestamp(at))
        };
        let request = wire::CreateLeaveRequest {
            parent: "sites/lakeside".to_owned(),
            leave: Some(wire::Leave {
                staff: format!("sites/lakeside/staff/{away}"),
                start_time: hours(1),
                end_time: hours(48),
                ..Default::default()
            }),
            request_id: String::new(),
        };
        let made = world.plan.create_leave(by(world.manager(), request)).await;
        made.expect("made");
        world.clock.advance(SignedDuration::from_hours(1));

        let killer = Killer::new(&world).await;
        killer.arm(at).await;
        let _ = settle_leaves::settle_begun(&world.database.db, &clock).await;
        let struck = killer.disarm(at).await;
        settle_leaves::settle_begun(&world.database.db, &clock)
            .await
            .expect("nobody kills it any more");

        for (case, had) in &cases {
            let work = world.get(case).await;
            assert_ne!(last(&work.responsible), away, "at write {at}");
            let told = world.notices(WorkNews::PassedOn).await;
            let told = told.iter().filter(|n| n.case == case.to_string()).count();
            assert_eq!(told, usize::from(*had == away), "at write {at}");
        }
        let wrong = world
            .count(
                "SELECT count(*) FROM assignment.staff_load l
                 WHERE l.open_cases <> (SELECT count(*) FROM assignment.work w
                                        WHERE w.site = l.site AND w.responsible = l.staff)",
            )
            .await;
        assert_eq!(wrong, 0, "loads are exact, at write {at}");
        if !struck {
            assert!(at > 5, "{at} writes: the killer never struck");
            return;
        }
    }
    panic!("never done");
}
