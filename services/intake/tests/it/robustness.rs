//! I10: whatever is sent, the answer is by who can act; never INTERNAL, never a panic, nothing half stored.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use redress_proto::intake::v1 as pb;
use tonic::{Code, Status};

use crate::world::{World, at_site, caller, dump, leak};

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        Just("\0".to_owned()),
        Just("sites/lake".to_owned()),
        Just("sites/-".to_owned()),
        Just("sites/lake/cases/0190a6c2-0000-7000-8000-000000000001".to_owned()),
        Just("sites/lake/staff/wang".to_owned()),
        Just("'; DROP TABLE complaint; --".to_owned()),
        Just("长".repeat(9_000)),
        "(?s).{0,80}",
    ]
}

fn number() -> impl Strategy<Value = i32> {
    prop_oneof![
        Just(0),
        Just(1),
        Just(-1),
        Just(i32::MAX),
        Just(i32::MIN),
        0..14
    ]
}

fn time() -> impl Strategy<Value = Option<prost_types::Timestamp>> {
    prop_oneof![
        Just(None),
        (any::<i64>(), any::<i32>())
            .prop_map(|(seconds, nanos)| Some(prost_types::Timestamp { seconds, nanos })),
        (1_790_000_000_i64..1_800_000_000)
            .prop_map(|seconds| Some(prost_types::Timestamp { seconds, nanos: 0 })),
    ]
}

prop_compose! {
    fn case()(
        texts in proptest::collection::vec(text(), 12),
        numbers in proptest::collection::vec(number(), 10),
        received in time(),
        money in proptest::option::of((any::<i64>(), any::<i32>())),
        reach in any::<i64>(),
    ) -> pb::Case {
        let money = money.map(|(units, nanos)| redress_proto::Money { currency_code: "CNY".into(), units, nanos });
        pb::Case {
            name: texts[0].clone(),
            channel: numbers[0],
            text: texts[1].clone(),
            complainants: vec![pb::Complainant {
                display_name: texts[2].clone(),
                phone: texts[3].clone(),
                email: texts[4].clone(),
                account: texts[5].clone(),
                preferred_contact_way: numbers[1],
                language: texts[6].clone(),
                postal_address: texts[2].clone(),
            }],
            headcount: numbers[2],
            place: Some(pb::Place { building: texts[7].clone(), unit: texts[8].clone(), detail: texts[9].clone() }),
            quality_impact: numbers[3],
            wants: numbers[4],
            claim: money.clone(),
            assessed_claim: money,
            signals: vec![redress_proto::words::Signal { kind: numbers[5], basis: numbers[6], reach, ..Default::default() }],
            stated_category: numbers[7],
            evidence: vec![pb::Evidence { kind: numbers[8], sha256: texts[10].clone(), kept_at: texts[11].clone(), captured_time: received, ..Default::default() }],
            first_contact_owner: texts[11].clone(),
            staff_complained_about: vec![texts[10].clone()],
            received_time: received,
            etag: texts[9].clone(),
            ..Default::default()
        }
    }
}

fn assert_by_who_can_act<T>(rpc: &str, result: Result<T, Status>) {
    if let Err(status) = result {
        assert!(
            matches!(
                status.code(),
                Code::InvalidArgument
                    | Code::NotFound
                    | Code::FailedPrecondition
                    | Code::Aborted
                    | Code::OutOfRange
            ),
            "{rpc}: {status:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i10_no_request_whatever_its_content_is_answered_with_internal() {
    let world = World::new().await;
    let existing = world.create(leak()).await;
    let mut c = world.cases(caller("clerk"));
    let mut runner = TestRunner::deterministic();
    let mut draw = |strategy: &dyn Fn(&mut TestRunner) -> String| strategy(&mut runner);
    let any_text = |r: &mut TestRunner| text().new_tree(r).expect("a text").current();
    let mut other = TestRunner::deterministic();
    for round in 0..60 {
        let wire = case().new_tree(&mut other).expect("a case").current();
        let n = number().new_tree(&mut other).expect("a number").current();
        let t = time().new_tree(&mut other).expect("a time").current();
        let mut any = || draw(&any_text);
        let name = if round % 2 == 0 {
            existing.name.clone()
        } else {
            any()
        };
        let paths: Vec<String> = redress_intake::domain::change::PATHS
            .iter()
            .map(|p| (*p).to_owned())
            .collect();
        let mask = Some(prost_types::FieldMask { paths });
        let request_id: String = any();
        assert_by_who_can_act(
            "create",
            c.create_case(pb::CreateCaseRequest {
                parent: "sites/lake".into(),
                case: Some(wire.clone()),
                request_id: request_id.clone(),
                validate_only: false,
            })
            .await,
        );
        assert_by_who_can_act("get", c.get_case(pb::GetCaseRequest { name: any() }).await);
        assert_by_who_can_act(
            "list",
            c.list_cases(pb::ListCasesRequest {
                parent: any(),
                page_size: n,
                page_token: any(),
                grades: vec![n],
                owner: any(),
                phone: any(),
                received_from_time: t,
                mode: n,
                ..Default::default()
            })
            .await,
        );
        assert_by_who_can_act(
            "list",
            c.list_cases(pb::ListCasesRequest {
                parent: "sites/-".into(),
                phone: any(),
                received_until_time: t,
                ..Default::default()
            })
            .await,
        );
        assert_by_who_can_act(
            "search",
            c.search_cases(pb::SearchCasesRequest {
                parent: "sites/lake".into(),
                query: any(),
                page_token: any(),
                ..Default::default()
            })
            .await,
        );
        assert_by_who_can_act(
            "update",
            c.update_case(pb::UpdateCaseRequest {
                case: Some(pb::Case {
                    name: name.clone(),
                    ..wire.clone()
                }),
                update_mask: mask,
                request_id: any(),
            })
            .await,
        );
        assert_by_who_can_act(
            "contact",
            c.record_contact(pb::RecordContactRequest {
                parent: name.clone(),
                contact: Some(pb::Contact {
                    direction: n,
                    channel: n,
                    by_person: true,
                    substantive: true,
                    contact_time: t,
                    promised_next_time: t,
                    staff: any(),
                    note: any(),
                    ..Default::default()
                }),
                request_id: any(),
            })
            .await,
        );
        assert_by_who_can_act(
            "evidence",
            c.add_evidence(pb::AddEvidenceRequest {
                parent: name.clone(),
                evidence: wire.evidence.first().cloned(),
                request_id: any(),
            })
            .await,
        );
        assert_by_who_can_act(
            "merge",
            c.merge_cases(pb::MergeCasesRequest {
                name: name.clone(),
                duplicates: vec![any(), any()],
                reason: any(),
                etag: any(),
                request_id: any(),
            })
            .await,
        );
        assert_by_who_can_act(
            "unmerge",
            c.unmerge_case(pb::UnmergeCaseRequest {
                name: name.clone(),
                reason: any(),
                etag: any(),
                request_id: any(),
            })
            .await,
        );
        assert_by_who_can_act(
            "reopen",
            c.reopen_case(pb::ReopenCaseRequest {
                name: name.clone(),
                reason: any(),
                etag: any(),
                request_id: any(),
            })
            .await,
        );
        assert_by_who_can_act(
            "timeline",
            c.list_timeline(pb::ListTimelineRequest {
                parent: name.clone(),
                page_size: n,
                page_token: any(),
            })
            .await,
        );
        assert_by_who_can_act(
            "watch",
            c.watch_cases(pb::WatchCasesRequest {
                parent: any(),
                resume_token: any(),
                case: any(),
            })
            .await,
        );
        let results = c
            .import_cases(tokio_stream::iter([pb::ImportCasesRequest {
                parent: "sites/lake".into(),
                row_id: format!("{round}"),
                mode: 1 + round % 2,
                case: Some(wire),
            }]))
            .await
            .expect("a stream")
            .into_inner()
            .message()
            .await
            .expect("a result")
            .expect("a result");
        assert_ne!(results.reason, "INTERNAL");
    }
    let mut d = world.directory(caller("clerk"));
    for _ in 0..30 {
        let mut any = || draw(&any_text);
        let wire = pb::Site {
            name: any(),
            region: any(),
            kind: 1,
            display_name: any(),
            time_zone: any(),
            number_prefix: any(),
            language: any(),
            etag: any(),
            ..Default::default()
        };
        assert_by_who_can_act(
            "site",
            d.create_site(pb::CreateSiteRequest {
                site_id: any(),
                site: Some(wire.clone()),
                request_id: any(),
            })
            .await,
        );
        let mask = Some(prost_types::FieldMask {
            paths: vec!["display_name".into(), "language".into()],
        });
        assert_by_who_can_act(
            "site",
            d.update_site(pb::UpdateSiteRequest {
                site: Some(pb::Site {
                    name: "sites/lake".into(),
                    ..wire
                }),
                update_mask: mask,
                request_id: any(),
            })
            .await,
        );
        assert_by_who_can_act(
            "sites",
            d.list_sites(pb::ListSitesRequest {
                region: any(),
                page_token: any(),
                ..Default::default()
            })
            .await,
        );
        assert_by_who_can_act(
            "region",
            d.create_region(pb::CreateRegionRequest {
                parent: any(),
                region_id: any(),
                region: Some(pb::Region {
                    display_name: any(),
                    ..Default::default()
                }),
                request_id: any(),
            })
            .await,
        );
        assert_by_who_can_act(
            "organization",
            d.create_organization(pb::CreateOrganizationRequest {
                organization_id: any(),
                organization: Some(pb::Organization {
                    display_name: any(),
                    ..Default::default()
                }),
                request_id: any(),
            })
            .await,
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i10_a_refused_request_stores_nothing() {
    let world = World::new().await;
    let before = (
        dump(&world.data, "complaint").await,
        dump(&world.data, "receipt").await,
        dump(&world.data, "timeline").await,
    );
    let mut stranger = world.cases(at_site("s", "river"));
    let outside = crate::world::create_with(&mut stranger, "sites/lake", leak(), "r").await;
    assert!(outside.is_err());
    let mut clerk = world.cases(caller("clerk"));
    let wrong = pb::Case {
        text: String::new(),
        ..leak()
    };
    assert!(
        crate::world::create_with(&mut clerk, "sites/lake", wrong, "r")
            .await
            .is_err()
    );
    let after = (
        dump(&world.data, "complaint").await,
        dump(&world.data, "receipt").await,
        dump(&world.data, "timeline").await,
    );
    assert_eq!(before, after);
}
