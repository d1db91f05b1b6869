//! Hints on how to speak with a complainant (M14): off until a policy says otherwise, for the responsible person alone, sealed,
//! and gone with the work.

use jiff::SignedDuration;
use redress_assignment::domain::handling::Satisfaction;
use redress_assignment::domain::hints::{CommunicationStyle, Motive};
use redress_assignment::domain::validity::Validity;
use redress_model::name::CaseName;
use redress_model::words::{CaseStatus, Category, Channel};
use redress_proto::assignment::v1 as wire;
use redress_proto::assignment::v1::handling_service_server::HandlingService;
use redress_proto::assignment::v1::roster_service_server::RosterService;
use redress_proto::assignment::v1::validity_service_server::ValidityService;
use redress_proto::assignment::v1::work_service_server::WorkService;
use redress_proto::convert::{to_wire, to_wire_opt};
use redress_proto::event::v1 as event;
use redress_rpc::Caller;
use tonic::{Code, Status};

use crate::lifecycle::reason;
use crate::world::{World, by, last};

impl World {
    /// A site whose policy lets hints be kept, and a case there that eng-one has in hand.
    async fn with_hints_on() -> (Self, CaseName) {
        let world = Self::staffed().await;
        world.switch_hints(2, true).await;
        let case = world.investigated().await;
        (world, case)
    }

    /// A case that somebody has in hand, and who.
    async fn taken(&self) -> (CaseName, String) {
        let case = self.offered(Category::EngineeringQuality).await;
        let staff = last(&self.get(&case).await.offered_to).to_owned();
        let handler = || self.handler(&staff);
        self.accept(handler(), &case, "").await.expect("offered");
        let looked = self.progress(handler(), &case, "looked").await;
        looked.expect("accepted");
        (case, staff)
    }

    async fn switch_hints(&self, revision: i64, on: bool) {
        let policy = self.policy_of("residential", revision, |told| told.hints.enabled = on);
        self.tell(&[policy]).await;
    }

    async fn set_hints(
        &self,
        caller: Caller,
        case: &CaseName,
        motive: Option<Motive>,
        style: Option<CommunicationStyle>,
    ) -> Result<wire::Hints, Status> {
        let request = wire::SetHintsRequest {
            name: Self::name_of(case),
            motive: to_wire_opt(motive),
            style: to_wire_opt(style),
        };
        let answer = self.handling.set_hints(by(caller, request)).await?;
        Ok(answer.into_inner().hints.expect("hints"))
    }

    /// Venting, and choleric.
    async fn hint(&self, staff: &str, case: &CaseName) -> Result<wire::Hints, Status> {
        let style = CommunicationStyle::Choleric;
        let caller = self.handler(staff);
        self.set_hints(caller, case, Some(Motive::Venting), Some(style))
            .await
    }

    async fn hints(&self, caller: Caller, case: &CaseName) -> Result<wire::Hints, Status> {
        let request = wire::GetHintsRequest {
            name: Self::name_of(case),
        };
        let answer = self.handling.get_hints(by(caller, request)).await?;
        Ok(answer.into_inner().hints.expect("hints"))
    }

    async fn hints_kept(&self) -> i64 {
        self.count("SELECT count(*) FROM assignment.hints").await
    }

    async fn accuse(&self, case: &CaseName, staff: &str) {
        let facts = event::CaseFacts {
            staff_complained_about: vec![format!("sites/lakeside/staff/{staff}")],
            revision: 2,
            ..self.facts(case)
        };
        self.tell(&[self.updated(facts)]).await;
    }
}

#[tokio::test]
async fn m14_hints_are_off_until_the_policy_of_the_site_says_otherwise() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    for refused in [
        world.hint("eng-one", &case).await,
        world.hints(world.handler("eng-one"), &case).await,
    ] {
        let refused = refused.expect_err("off");
        assert_eq!(refused.code(), Code::FailedPrecondition);
        assert_eq!(reason(&refused), "HINTS_NOT_KEPT");
        assert!(refused.message().contains("policy of the site"));
    }
    assert_eq!(world.hints_kept().await, 0);

    world.switch_hints(2, true).await;
    let before = world.get(&case).await;
    let set = world.hint("eng-one", &case).await.expect("on");
    assert_eq!(set.motive(), wire::Motive::Venting);
    assert_eq!(set.style(), wire::CommunicationStyle::Choleric);
    let got = world.hints(world.handler("eng-one"), &case).await;
    assert_eq!(got.expect("kept"), set);
    assert_eq!(world.get(&case).await, before, "the work is as it was");
    let advice = set.motive_advice.expect("advice");
    let expected = &Motive::Venting.advice().speak;
    assert_eq!(advice.speak_zh_cn, expected.zh_cn);
    assert_eq!(advice.speak_en, expected.en);
    let advice = set.style_advice.expect("advice");
    let expected = &CommunicationStyle::Choleric.advice().avoid;
    assert_eq!(advice.avoid_zh_cn, expected.zh_cn);
    assert_eq!(advice.avoid_en, expected.en);

    // Setting replaces both; without any they are deleted.
    let caller = || world.handler("eng-one");
    let anew = world.set_hints(caller(), &case, Some(Motive::Respect), None);
    let anew = anew.await.expect("replaced");
    assert_eq!(anew.motive(), wire::Motive::Respect);
    assert!(anew.style == 0 && anew.style_advice.is_none());
    assert_eq!(world.hints(caller(), &case).await.expect("kept"), anew);
    let cleared = world.set_hints(caller(), &case, None, None).await;
    cleared.expect("deleted");
    assert_eq!(world.hints_kept().await, 0);
    let none = world.hints(caller(), &case).await.expect("nothing");
    assert!(none.motive == 0 && none.motive_advice.is_none());
}

#[tokio::test]
async fn m14_nobody_but_the_responsible_person_sees_or_sets_hints() {
    let (world, case) = World::with_hints_on().await;
    world.hint("eng-one", &case).await.expect("responsible");
    let may_all = |staff: Option<&str>| world.caller("lakeside", "manager", staff);
    let mut service = world.service("notification");
    service.staff = world.handler("eng-one").staff;
    for (who, caller) in [
        ("a colleague", world.handler("eng-two")),
        ("who may all", may_all(None)),
        ("a lead who may all", may_all(Some("lead-top"))),
        ("the organization", world.above("organization")),
        ("a service", world.service("notification")),
        ("a service for somebody", service),
    ] {
        let refused = world.hints(caller.clone(), &case).await;
        let refused = refused.expect_err(who);
        assert_eq!(refused.code(), Code::PermissionDenied, "{who}");
        for motive in [Some(Motive::Mixed), None] {
            let refused = world.set_hints(caller.clone(), &case, motive, None).await;
            let refused = refused.expect_err(who);
            assert_eq!(refused.code(), Code::PermissionDenied, "{who}");
        }
    }
    let elsewhere = world.caller("riverside", "manager", Some("eng-one"));
    let refused = world.hints(elsewhere, &case).await.expect_err("I8");
    assert_eq!(refused.code(), Code::NotFound);
    let own = world.hints(world.handler("eng-one"), &case).await;
    assert_eq!(own.expect("as set").motive(), wire::Motive::Venting);
}

#[tokio::test]
async fn m14_whoever_takes_a_case_over_sees_its_hints_and_whoever_gave_it_up_does_not() {
    let (world, case) = World::with_hints_on().await;
    let set = world.hint("eng-one", &case).await.expect("responsible");
    let request = wire::CalmComplainantRequest {
        name: World::name_of(&case),
        r#move: wire::CalmingMove::Person.into(),
        staff: "sites/lakeside/staff/lead-site".to_owned(),
        reason: "the talk became loud".to_owned(),
        channel: to_wire(Channel::FrontDesk),
        ..Default::default()
    };
    let caller = world.handler("eng-one");
    let calmed = world.handling.calm_complainant(by(caller, request)).await;
    calmed.expect("handed up");
    let refused = world.hints(world.handler("eng-one"), &case).await;
    let refused = refused.expect_err("gave it up");
    assert_eq!(refused.code(), Code::PermissionDenied);
    let seen = world.hints(world.handler("lead-site"), &case).await;
    assert_eq!(seen.expect("responsible now"), set);
}

#[tokio::test]
async fn m14_whoever_is_complained_about_never_sees_hints() {
    let (world, case) = World::with_hints_on().await;
    world.hint("eng-one", &case).await.expect("responsible");
    world.accuse(&case, "eng-one").await;
    let caller = || world.handler("eng-one");
    let refused = world.hints(caller(), &case).await.expect_err("accused");
    assert_eq!(refused.code(), Code::NotFound);
    let refused = world.hint("eng-one", &case).await.expect_err("accused");
    assert_eq!(refused.code(), Code::NotFound);
}

#[tokio::test]
async fn m14_hints_are_gone_as_soon_as_the_work_ends() {
    let (world, closed) = World::with_hints_on().await;
    let handler = || world.handler("eng-one");
    world.hint("eng-one", &closed).await.expect("open");
    world.resolve(handler(), &closed).await.expect("done");
    assert_eq!(world.hints_kept().await, 1, "resolved is not over");
    let asked = world.follow_up(&closed, Satisfaction::Satisfied).await;
    asked.expect("asked");
    world
        .close(world.manager(), &closed)
        .await
        .expect("reviewed");
    assert_eq!(world.hints_kept().await, 0, "closed");
    let refused = world.hint("eng-one", &closed).await.expect_err("over");
    assert_eq!(reason(&refused), "HINTS_NOT_KEPT");

    let (rejected, staff) = world.taken().await;
    world.hint(&staff, &rejected).await.expect("open");
    let decide = wire::DecideValidityRequest {
        name: World::name_of(&rejected),
        validity: to_wire(Validity::Unfounded),
        reason: "the stain is older than the home".to_owned(),
        evidence: vec![world.piece(&rejected).await],
        ..Default::default()
    };
    let decided = world.validity.decide_validity(by(world.manager(), decide));
    decided.await.expect("unfounded");
    assert_eq!(world.hints_kept().await, 1, "decided is not over");
    let reject = wire::RejectWorkRequest {
        name: World::name_of(&rejected),
        answer: "经核查未发现渗漏".to_owned(),
        channel: to_wire(Channel::Hotline),
        ..Default::default()
    };
    let caller = world.handler(&staff);
    let answered = world.validity.reject_work(by(caller, reject)).await;
    answered.expect("answered");
    assert_eq!(world.hints_kept().await, 0, "rejected");

    for status in [
        CaseStatus::Withdrawn,
        CaseStatus::Merged,
        CaseStatus::Archived,
    ] {
        let (ended, staff) = world.taken().await;
        world.hint(&staff, &ended).await.expect("open");
        let (other, staff) = world.taken().await;
        world.hint(&staff, &other).await.expect("open");
        world.tell(&[world.moved(&ended, status, 2)]).await;
        assert_eq!(world.hints_kept().await, 1, "{status}: the other's stay");
        let caller = world.handler(&staff);
        let cleared = world.set_hints(caller, &other, None, None).await;
        cleared.expect("deleted");
    }
}

#[tokio::test]
async fn m14_a_policy_that_switches_hints_off_hides_and_deletes_them() {
    let (world, case) = World::with_hints_on().await;
    world.hint("eng-one", &case).await.expect("on");
    // A telling that came late changes nothing.
    world.switch_hints(1, false).await;
    assert_eq!(world.hints_kept().await, 1, "revision 2 holds");
    world.switch_hints(3, true).await;
    assert_eq!(world.hints_kept().await, 1, "still on");
    world.switch_hints(4, false).await;
    assert_eq!(world.hints_kept().await, 0);
    let caller = || world.handler("eng-one");
    let refused = world.hints(caller(), &case).await.expect_err("off");
    assert_eq!(reason(&refused), "HINTS_NOT_KEPT");
    let cleared = world.set_hints(caller(), &case, None, None).await;
    cleared.expect("deleting is never refused");
    world.switch_hints(5, true).await;
    let none = world.hints(caller(), &case).await.expect("on again");
    assert!(none.motive == 0 && none.style == 0, "nothing comes back");
}

#[tokio::test]
async fn m14_hints_lie_sealed_and_leave_no_word_and_no_event() {
    let (world, case) = World::with_hints_on().await;
    let said = "SELECT count(*) FROM assignment.outbox";
    let steps = "SELECT count(*) FROM assignment.work_step";
    let before = (world.count(said).await, world.count(steps).await);
    world.hint("eng-one", &case).await.expect("on");
    world
        .hints(world.handler("eng-one"), &case)
        .await
        .expect("read");
    assert_eq!(
        (world.count(said).await, world.count(steps).await),
        before,
        "nobody is told, and the history says nothing"
    );
    let (other, staff) = world.taken().await;
    let caller = world.handler(&staff);
    let set = world.set_hints(caller, &other, Some(Motive::EvadingOwnLiability), None);
    set.await.expect("on");
    let lengths = "SELECT count(DISTINCT octet_length(sealed)) FROM assignment.hints";
    assert_eq!(world.count(lengths).await, 1, "not even the length tells");

    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT table_name::text FROM information_schema.tables
         WHERE table_schema = 'assignment' AND table_type = 'BASE TABLE'",
    )
    .fetch_all(&world.database.admin)
    .await
    .expect("listed");
    assert!(tables.iter().any(|table| table == "hints"));
    for table in tables {
        for word in ["VENTING", "CHOLERIC", "EVADING"] {
            let sql = format!(
                "SELECT count(*) FROM assignment.{table} t
                 WHERE upper(t::text) LIKE $1 OR upper(t::text) LIKE $2"
            );
            let found: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
                .bind(format!("%{word}%"))
                .bind(format!("%{}%", hex::encode_upper(word)))
                .fetch_one(&world.database.admin)
                .await
                .expect("searched");
            assert_eq!(found, 0, "{word} in {table}");
        }
    }
}

#[tokio::test]
async fn m14_every_opening_of_hints_is_kept_with_its_reader() {
    let (world, case) = World::with_hints_on().await;
    let kept = "SELECT count(*) FROM assignment.hints_access WHERE reader = 'eng-one' AND staff = 'eng-one'";
    let caller = || world.handler("eng-one");
    world.hints(caller(), &case).await.expect("nothing");
    assert_eq!(world.count(kept).await, 0, "there was nothing to open");
    world.hint("eng-one", &case).await.expect("on");
    let refused = world.hints(world.handler("eng-two"), &case).await;
    refused.expect_err("not theirs");
    assert_eq!(world.count(kept).await, 0);
    for opened in 1..=2 {
        world.hints(caller(), &case).await.expect("kept");
        assert_eq!(world.count(kept).await, opened);
    }
    let all = "SELECT count(*) FROM assignment.hints_access";
    assert_eq!(world.count(all).await, 2);
}

/// What was opened, by whom, of a page.
fn opened(page: &wire::ListAccessesResponse) -> Vec<(wire::AccessKind, &str, &str)> {
    page.accesses
        .iter()
        .map(|a| (a.kind(), a.reader.as_str(), last(&a.staff)))
        .collect()
}

#[tokio::test]
async fn m14_i8_who_opened_what_is_sealed_is_listed_within_the_site_and_hidden_from_the_accused() {
    use wire::AccessKind::{ContactPoints, Hints};
    let (world, case) = World::with_hints_on().await;
    world.hint("eng-one", &case).await.expect("on");
    for _ in 0..2 {
        world.clock.advance(SignedDuration::from_secs(1));
        let own = world.hints(world.handler("eng-one"), &case).await;
        own.expect("kept");
    }
    world.clock.advance(SignedDuration::from_secs(1));
    let read = wire::ReadStaffContactPointsRequest {
        name: "sites/lakeside/staff/seller".to_owned(),
        purpose: "callout".to_owned(),
    };
    let service = world.service("notification");
    let read = world.roster.read_staff_contact_points(by(service, read));
    read.await.expect("a service");

    let all = wire::ListAccessesRequest {
        parent: "sites/lakeside".to_owned(),
        ..Default::default()
    };
    let list = async |caller: Caller, request: wire::ListAccessesRequest| {
        let answer = world.work.list_accesses(by(caller, request)).await?;
        Ok::<_, Status>(answer.into_inner())
    };
    let auditor = || world.caller("lakeside", "auditor", None);
    let page = list(auditor(), all.clone()).await.expect("listed");
    let hints = (Hints, "eng-one", "eng-one");
    let contacts = (ContactPoints, "notification", "seller");
    assert_eq!(opened(&page), [contacts, hints, hints], "newest first");
    assert_eq!(page.accesses[0].purpose, "callout");
    assert_eq!(page.accesses[1].case, case.to_string());
    let first = wire::ListAccessesRequest {
        page_size: 2,
        ..all.clone()
    };
    let page = list(auditor(), first.clone()).await.expect("listed");
    let rest = wire::ListAccessesRequest {
        page_token: page.next_page_token,
        ..first
    };
    let page = list(auditor(), rest).await.expect("listed");
    assert_eq!(opened(&page), [hints]);
    let of_case = wire::ListAccessesRequest {
        work: World::name_of(&case),
        ..all.clone()
    };
    let page = list(auditor(), of_case).await.expect("listed");
    assert_eq!(opened(&page), [hints, hints]);
    let of_kind = wire::ListAccessesRequest {
        kind: ContactPoints.into(),
        ..all.clone()
    };
    let page = list(auditor(), of_kind).await.expect("listed");
    assert_eq!(opened(&page), [contacts]);

    let stranger = world.caller("riverside", "auditor", None);
    let refused = list(stranger, all.clone()).await.expect_err("not theirs");
    assert_eq!(refused.code(), Code::NotFound);
    world.accuse(&case, "eng-two").await;
    let accused = world.caller("lakeside", "auditor", Some("eng-two"));
    let page = list(accused, all).await.expect("listed");
    assert_eq!(opened(&page), [contacts]);
}
