//! I8: nobody sees another site, and staff do not see complaints about themselves; by Postgres.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt as _;
use redress_proto::event::v1 as events;
use redress_proto::intake::v1 as pb;
use tonic::Code;

use crate::world::{
    Cases, World, at_site, caller, create, get, leak, list, of_organization, reason, site_request,
    staff, update,
};

fn all() -> pb::ListCasesRequest {
    pb::ListCasesRequest {
        parent: "sites/-".to_owned(),
        ..Default::default()
    }
}

pub(crate) async fn search(cases: &mut Cases, query: &str) -> Vec<pb::Case> {
    cases
        .search_cases(pb::SearchCasesRequest {
            parent: "sites/-".to_owned(),
            query: query.to_owned(),
            ..Default::default()
        })
        .await
        .expect("an answer")
        .into_inner()
        .cases
}

/// Every RPC about one case, each answering NOT_FOUND to somebody who must not know of it.
async fn assert_invisible(cases: &mut Cases, name: &str) {
    let found = reason(get(cases, name).await, Code::NotFound);
    assert_eq!(found, "NOT_FOUND");
    let mut codes = BTreeMap::new();
    let parent = name.to_owned();
    let name = name.to_owned();
    let code = |r: Result<(), tonic::Status>| r.map_or_else(|s| s.code(), |()| Code::Ok);
    let own = pb::Case {
        name: name.clone(),
        headcount: 3,
        ..Default::default()
    };
    codes.insert(
        "update",
        code(update(cases, own, &["headcount"]).await.map(drop)),
    );
    let contact = pb::Contact {
        direction: 2,
        channel: 1,
        ..Default::default()
    };
    codes.insert(
        "contact",
        code(
            cases
                .record_contact(pb::RecordContactRequest {
                    parent: parent.clone(),
                    contact: Some(contact),
                    request_id: "c".into(),
                })
                .await
                .map(drop),
        ),
    );
    let evidence = pb::Evidence {
        kind: pb::EvidenceKind::Object.into(),
        kept_at: "safe".to_owned(),
        ..Default::default()
    };
    codes.insert(
        "evidence",
        code(
            cases
                .add_evidence(pb::AddEvidenceRequest {
                    parent: parent.clone(),
                    evidence: Some(evidence),
                    request_id: "e".into(),
                })
                .await
                .map(drop),
        ),
    );
    codes.insert(
        "withdraw",
        code(
            cases
                .withdraw_case(pb::WithdrawCaseRequest {
                    name: name.clone(),
                    reason: "x".into(),
                    request_id: "w".into(),
                    ..Default::default()
                })
                .await
                .map(drop),
        ),
    );
    let id = uuid::Uuid::now_v7();
    codes.insert(
        "merge",
        code(
            cases
                .merge_cases(pb::MergeCasesRequest {
                    name: name.clone(),
                    duplicates: vec![format!(
                        "{}/cases/{id}",
                        name.split("/cases").next().expect("a site")
                    )],
                    reason: "x".into(),
                    ..Default::default()
                })
                .await
                .map(drop),
        ),
    );
    codes.insert(
        "unmerge",
        code(
            cases
                .unmerge_case(pb::UnmergeCaseRequest {
                    name: name.clone(),
                    reason: "x".into(),
                    ..Default::default()
                })
                .await
                .map(drop),
        ),
    );
    codes.insert(
        "reopen",
        code(
            cases
                .reopen_case(pb::ReopenCaseRequest {
                    name: name.clone(),
                    reason: "x".into(),
                    ..Default::default()
                })
                .await
                .map(drop),
        ),
    );
    codes.insert(
        "archive",
        code(
            cases
                .archive_case(pb::ArchiveCaseRequest {
                    name: name.clone(),
                    ..Default::default()
                })
                .await
                .map(drop),
        ),
    );
    codes.insert(
        "erase",
        code(
            cases
                .erase_case(pb::EraseCaseRequest {
                    name: name.clone(),
                    ..Default::default()
                })
                .await
                .map(drop),
        ),
    );
    codes.insert(
        "timeline",
        code(
            cases
                .list_timeline(pb::ListTimelineRequest {
                    parent,
                    ..Default::default()
                })
                .await
                .map(drop),
        ),
    );
    codes.insert(
        "verify",
        code(
            cases
                .verify_timeline(pb::VerifyTimelineRequest { name })
                .await
                .map(drop),
        ),
    );
    for (rpc, code) in codes {
        assert_eq!(code, Code::NotFound, "{rpc}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i8_a_caller_of_another_site_sees_nothing_and_changes_nothing() {
    let world = World::new().await;
    let case = world.create(leak()).await;
    let mut stranger = world.cases(at_site("s", "river"));
    assert_invisible(&mut stranger, &case.name).await;
    assert_invisible(&mut world.cases(of_organization("o", "other")), &case.name).await;
    assert!(list(&mut stranger, all()).await.expect("a list").is_empty());
    assert!(search(&mut stranger, "漏水").await.is_empty());
    // A site that is none of theirs looks as one that does not exist; a quiet one of theirs has an empty list.
    for (site, found) in [
        ("lake", Err(Code::NotFound)),
        ("nowhere", Err(Code::NotFound)),
        ("river", Ok(0)),
    ] {
        let parent = format!("sites/{site}");
        let listed = pb::ListCasesRequest {
            parent: parent.clone(),
            ..Default::default()
        };
        let searched = pb::SearchCasesRequest {
            parent: parent.clone(),
            query: "漏水".to_owned(),
            ..Default::default()
        };
        for who in [at_site("s", "river"), of_organization("o", "other")] {
            let mut cases = world.cases(who);
            let seen = list(&mut cases, listed.clone()).await;
            assert_eq!(
                seen.map(|c| c.len()).map_err(|s| s.code()),
                found,
                "{parent}"
            );
            let seen = cases.search_cases(searched.clone()).await;
            let seen = seen.map(|a| a.into_inner().cases.len());
            assert_eq!(seen.map_err(|s| s.code()), found, "{parent}");
        }
    }
    let elsewhere = create(&mut stranger, leak()).await;
    assert_eq!(reason(elsewhere, Code::NotFound), "NOT_FOUND");
    let mut other = world.cases(of_organization("o", "other"));
    assert_eq!(
        reason(create(&mut other, leak()).await, Code::NotFound),
        "NOT_FOUND"
    );
    assert_eq!(world.get(&case.name).await, case);
}

#[tokio::test(flavor = "multi_thread")]
async fn i8_a_caller_of_an_organization_or_region_sees_its_sites() {
    let world = World::new().await;
    let case = world.create(leak()).await;
    let mut whole = world.cases(of_organization("o", "demo"));
    assert_eq!(
        get(&mut whole, &case.name).await.expect("in scope").name,
        case.name
    );
    let mut region = caller("r");
    region.sites.clear();
    region.regions = vec!["organizations/demo/regions/east".parse().expect("a region")];
    let mut region = world.cases(region);
    assert_eq!(list(&mut region, all()).await.expect("a list").len(), 1);
    assert_eq!(search(&mut region, "漏水").await.len(), 1);
    assert!(create(&mut region, leak()).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn i8_the_directory_is_seen_by_those_within_it() {
    let world = World::new().await;
    let mut lake = world.directory(caller("c"));
    let sites = lake
        .list_sites(pb::ListSitesRequest::default())
        .await
        .expect("a list")
        .into_inner()
        .sites;
    assert_eq!(
        sites.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(),
        ["sites/lake"]
    );
    let organizations = lake
        .list_organizations(pb::ListOrganizationsRequest::default())
        .await
        .expect("a list")
        .into_inner()
        .organizations;
    assert_eq!(organizations.len(), 1);
    let missing = lake
        .get_site(pb::GetSiteRequest {
            name: "sites/river".into(),
        })
        .await;
    assert_eq!(reason(missing, Code::NotFound), "NOT_FOUND");
    let foreign = lake
        .create_site(site_request("other", "west", "sea", "SE"))
        .await;
    assert_eq!(reason(foreign, Code::NotFound), "NOT_FOUND");
    let own = lake
        .create_site(site_request("demo", "east", "sea", "SE"))
        .await;
    assert_eq!(
        reason(own, Code::NotFound),
        "NOT_FOUND",
        "the site is not among the caller's"
    );
    let mut root = world.directory(of_organization("root", "demo"));
    let taken = root
        .create_site(site_request("demo", "east", "sea", "LX"))
        .await;
    assert_eq!(reason(taken, Code::AlreadyExists), "ALREADY_EXISTS");
    let foreign = root
        .create_organization(pb::CreateOrganizationRequest {
            organization_id: "third".into(),
            organization: Some(pb::Organization {
                display_name: "x".into(),
                ..Default::default()
            }),
            request_id: String::new(),
        })
        .await;
    assert_eq!(reason(foreign, Code::NotFound), "NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_changes_under_its_etag_and_tells_everybody_once() {
    let world = World::new().await;
    let mut root = world.directory(of_organization("root", "demo"));
    let site = root
        .get_site(pb::GetSiteRequest {
            name: "sites/lake".into(),
        })
        .await
        .expect("a site")
        .into_inner()
        .site
        .expect("a site");
    let change = |name: &str, etag: &str| pb::UpdateSiteRequest {
        site: Some(pb::Site {
            display_name: name.to_owned(),
            etag: etag.to_owned(),
            ..site.clone()
        }),
        update_mask: Some(prost_types::FieldMask {
            paths: vec!["display_name".into()],
        }),
        request_id: String::new(),
    };
    let changed = root
        .update_site(change("湖畔", &site.etag))
        .await
        .expect("changed")
        .into_inner()
        .site
        .expect("a site");
    assert_eq!(changed.display_name, "湖畔");
    assert_eq!(
        reason(
            root.update_site(change("河畔", &site.etag)).await,
            Code::Aborted
        ),
        "ETAG_MISMATCH"
    );
    root.update_site(change("湖畔", &changed.etag))
        .await
        .expect("nothing new");
    let said: Vec<events::SiteChanged> = world.said("redress.site.changed.v1").await;
    let lake: Vec<i64> = said
        .iter()
        .filter(|s| s.site == "sites/lake")
        .map(|s| s.revision)
        .collect();
    assert_eq!(lake, [1, 2]);
}

/// Runs a statement as the app role with these settings, and counts.
async fn count_as_app(world: &World, settings: &[(&str, &str)], table: &str) -> i64 {
    let mut tx = world.data.admin.begin().await.expect("a transaction");
    sqlx::query("SET LOCAL ROLE redress_intake_app")
        .execute(&mut *tx)
        .await
        .expect("the role");
    for (name, value) in settings {
        sqlx::query("SELECT set_config($1, $2, true)")
            .bind(name)
            .bind(value)
            .execute(&mut *tx)
            .await
            .expect("a setting");
    }
    let sql = format!("SELECT count(*) FROM intake.{table}");
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
        .fetch_one(&mut *tx)
        .await
        .expect("a count")
}

#[tokio::test(flavor = "multi_thread")]
async fn i8_raw_sql_of_the_app_role_is_confined_too() {
    let world = World::new().await;
    let about_wang = pb::Case {
        staff_complained_about: vec!["sites/lake/staff/wang".to_owned()],
        evidence: vec![pb::Evidence {
            kind: pb::EvidenceKind::Object.into(),
            kept_at: "safe".into(),
            ..Default::default()
        }],
        ..leak()
    };
    world.create(about_wang).await;
    let lake = ("redress.sites", "{lake}");
    let nobody = ("redress.viewer", "{}");
    for table in [
        "complaint",
        "complainant",
        "evidence",
        "timeline",
        "case_search",
    ] {
        assert_eq!(
            count_as_app(&world, &[], table).await,
            0,
            "{table}: no scope"
        );
        assert_eq!(
            count_as_app(&world, &[lake], table).await,
            0,
            "{table}: nobody said who looks"
        );
        assert_eq!(
            count_as_app(&world, &[("redress.sites", "{river}"), nobody], table).await,
            0,
            "{table}: another site"
        );
        assert_eq!(
            count_as_app(
                &world,
                &[lake, ("redress.viewer", "{sites/lake/staff/wang}")],
                table
            )
            .await,
            0,
            "{table}: complained about"
        );
        assert_eq!(
            count_as_app(&world, &[lake, nobody], table).await,
            1,
            "{table}"
        );
    }
    assert_eq!(
        count_as_app(&world, &[("redress.sites", "{river}")], "data_key").await,
        1
    );
    assert_eq!(count_as_app(&world, &[], "data_key").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn i8_every_table_with_a_site_forces_row_security() {
    let world = World::new().await;
    let bare: Vec<(String,)> = sqlx::query_as(
        "SELECT c.relname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'site'
         WHERE c.relnamespace = 'intake'::regnamespace AND c.relkind IN ('r', 'p') AND NOT (c.relrowsecurity AND c.relforcerowsecurity)",
    )
    .fetch_all(&world.data.admin)
    .await
    .expect("the catalog");
    assert!(bare.is_empty(), "{bare:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_complained_about_cannot_see_the_case_by_token_or_by_account() {
    let world = World::new().await;
    let known = events::StaffChanged {
        staff: "sites/lake/staff/wang".to_owned(),
        account: "wang-login".to_owned(),
        revision: 1,
        ..Default::default()
    };
    world
        .deliver(
            "assignment",
            "redress.staff.changed.v1",
            "sites/lake",
            &known,
        )
        .await;
    let about_wang = pb::Case {
        staff_complained_about: vec!["sites/lake/staff/wang".to_owned()],
        ..leak()
    };
    // A mistyped name would leave the right person seeing the case.
    let about_nobody = pb::Case {
        staff_complained_about: vec!["sites/lake/staff/wagn".to_owned()],
        ..leak()
    };
    let mut clerk = world.cases(caller("clerk"));
    let refused = create(&mut clerk, about_nobody.clone()).await;
    assert!(refused.is_err_and(|s| s.message().contains("case.staff_complained_about[0]")));
    // Who only asks is told the same.
    let asked = clerk
        .create_case(pb::CreateCaseRequest {
            parent: "sites/lake".to_owned(),
            case: Some(about_nobody.clone()),
            request_id: String::new(),
            validate_only: true,
        })
        .await;
    assert!(asked.is_err_and(|s| s.message().contains("case.staff_complained_about[0]")));
    let own = world.create(leak()).await;
    let changed = pb::Case {
        name: own.name,
        ..about_nobody
    };
    let refused = update(&mut clerk, changed, &["staff_complained_about"]).await;
    assert_eq!(
        refused.expect_err("unknown").code(),
        tonic::Code::InvalidArgument
    );
    // Who enters a complaint about themselves gets the answer, and does not see it afterwards.
    let mut wang = world.cases(staff("w", "sites/lake/staff/wang"));
    let case = create(&mut wang, about_wang).await.expect("taken in");
    assert_eq!(case.owner, "");
    for mut who in [wang, world.cases(caller("wang-login"))] {
        assert_invisible(&mut who, &case.name).await;
        let mut shown = list(&mut who, all()).await.expect("a list");
        shown.extend(search(&mut who, "漏水").await);
        assert!(shown.iter().all(|c| c.name != case.name));
        let own = create(&mut who, leak()).await.expect("taken in");
        assert!(
            !own.earlier_cases.contains(&case.name),
            "the hidden case is not named"
        );
        let mut watch = who
            .watch_cases(pb::WatchCasesRequest {
                parent: "sites/lake".into(),
                ..Default::default()
            })
            .await
            .expect("a stream")
            .into_inner();
        let mut clerk = world.cases(caller("clerk"));
        update(
            &mut clerk,
            pb::Case {
                name: case.name.clone(),
                headcount: own.headcount + 7,
                ..Default::default()
            },
            &["headcount"],
        )
        .await
        .ok();
        update(
            &mut clerk,
            pb::Case {
                name: own.name.clone(),
                headcount: 5,
                ..Default::default()
            },
            &["headcount"],
        )
        .await
        .expect("updated");
        // A watch may begin with what changed just before it, so what stands behind the hidden change is waited for.
        let last = world.create(leak()).await;
        loop {
            let told = tokio::time::timeout(Duration::from_secs(20), watch.next()).await;
            let told = told.expect("in time").expect("an item").expect("ok");
            let seen = told.case.expect("a case");
            assert_ne!(seen.name, case.name, "only the others are told");
            if seen.name == last.name {
                break;
            }
        }
    }
    assert_eq!(world.get(&case.name).await.name, case.name);
}
