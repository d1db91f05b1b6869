//! Complaints about the same issue find each other and count together.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use redress_model::Fault;
use redress_model::name::{CaseName, SiteId};
use redress_model::words::{CaseMode, CaseStatus, Category};
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::event::v1 as event;
use redress_proto::triage::v1 as wire;
use redress_proto::triage::v1::cluster_service_server::ClusterService;
use redress_store::{Operation, Scope, Tx};
use redress_triage::domain::similarity::{Documents, Terms};
use redress_triage::store::sites;
use redress_triage::store::terms::{self, Candidate};
use tonic::Code;

use crate::bcubed;
use crate::grading::lower;
use crate::world::{World, at, by, ids, last};

const LIFT: [&str; 4] = [
    "三号楼电梯又停运了,老人上下楼很困难。",
    "3号楼的电梯经常停运,家里老人没法下楼。",
    "电梯停运好几天,三号楼老人下不了楼。",
    "三号楼电梯停运,没人管,老人被困家里不能下楼。",
];

async fn complain(world: &World, person: &str, text: &str) -> CaseName {
    let case = world.new_case();
    world.say(&case, text);
    world
        .tell(&[world.received(world.by_person(&case, person))])
        .await;
    case
}

#[tokio::test]
async fn three_people_about_one_lift_raise_each_other_g2_2_g2_3() {
    let world = World::new().await;
    let first = complain(&world, "a", LIFT[0]).await;
    let second = complain(&world, "b", LIFT[1]).await;
    let other = complain(&world, "z", "地下车库积水,车子被泡了。").await;
    let alone = world.decision(&first).await;
    assert_eq!(
        (alone.grade, alone.revision),
        (4, 1),
        "two do not cross a threshold"
    );
    let third = complain(&world, "c", LIFT[2]).await;
    for case in [&first, &second, &third] {
        let decision = world.decision(case).await;
        assert_eq!(ids(&decision), ["G2.2", "G2.3"], "{case}");
        assert_eq!(decision.cluster_complainants, 3);
    }
    assert_eq!(world.decision(&first).await.cause, "cluster");
    assert_eq!(ids(&world.decision(&other).await), ["G4"]);
    // A fourth crosses nothing: the others are left alone.
    complain(&world, "d", LIFT[3]).await;
    assert_eq!(world.decision(&first).await.revision, 2);
}

/// Section 7: a second complaint on the same matter counts as complained again.
#[tokio::test]
async fn a_person_who_complains_again_of_the_same_matter_after_handling_is_grade_3_g3_3() {
    let world = World::new().await;
    let first = complain(&world, "a", LIFT[0]).await;
    let before = complain(&world, "a", LIFT[1]).await;
    world.advance(jiff::SignedDuration::from_hours(1)).await;
    world
        .tell(&[world.moved("assignment", &first, CaseStatus::Resolved, 1)])
        .await;
    world.advance(jiff::SignedDuration::from_hours(1)).await;
    let again = complain(&world, "a", LIFT[2]).await;
    let decision = world.decision(&again).await;
    assert!(ids(&decision).contains(&"G3.3"), "{:?}", ids(&decision));
    // Of another matter, by somebody else, and before it was handled: no repeat.
    let other = complain(&world, "a", "地下车库积水,车子被泡了。").await;
    let stranger = complain(&world, "b", LIFT[3]).await;
    for case in [&other, &stranger, &before] {
        let decision = world.decision(case).await;
        assert!(!ids(&decision).contains(&"G3.3"), "{case}");
    }
}

#[tokio::test]
async fn imported_history_makes_a_repeat_only_of_the_same_matter_g3_3() {
    let world = World::new().await;
    let history = world.new_case();
    world.say(&history, LIFT[0]);
    let facts = event::CaseFacts {
        mode: to_wire(CaseMode::Historical),
        status: to_wire(CaseStatus::Archived),
        received_time: Some(to_timestamp(at("2026-02-20T10:00:00+08:00"))),
        ..world.by_person(&history, "a")
    };
    world.tell(&[world.received(facts)]).await;
    let other = complain(&world, "a", "地下车库积水,车子被泡了。").await;
    assert_eq!(ids(&world.decision(&other).await), ["G4"]);
    let same = complain(&world, "a", LIFT[1]).await;
    assert!(ids(&world.decision(&same).await).contains(&"G3.3"));
}

/// What intake was asked to open again: case, epoch and reason.
async fn asked(world: &World) -> Vec<(String, i64, String)> {
    let asked: Vec<event::ReopeningAsked> = world.said("redress.reopening.asked.v1").await;
    asked
        .into_iter()
        .map(|a| (a.case, a.epoch, a.reason))
        .collect()
}

/// Section 7, decision 69.
#[tokio::test]
async fn a_second_complaint_asks_once_to_open_what_was_resolved_and_counts_on_g3_3() {
    let world = World::new().await;
    let first = complain(&world, "a", LIFT[0]).await;
    let closed = complain(&world, "a", LIFT[1]).await;
    world.advance(SignedDuration::from_hours(1)).await;
    let resolved = world.moved("assignment", &first, CaseStatus::Resolved, 1);
    let ended = [CaseStatus::Resolved, CaseStatus::Closed]
        .map(|status| world.moved("assignment", &closed, status, 1));
    world.tell(&[resolved]).await;
    world.tell(&ended).await;
    world.advance(SignedDuration::from_hours(1)).await;
    // Of another matter, and by somebody else.
    complain(&world, "a", "地下车库积水,车子被泡了。").await;
    complain(&world, "b", LIFT[3]).await;
    assert!(asked(&world).await.is_empty());
    let again = complain(&world, "a", LIFT[2]).await;
    let once = [(first.to_string(), 1, "complained_again".to_owned())];
    assert_eq!(asked(&world).await, once, "what was closed stays closed");
    // Opened again it was handled all the same, and no lower grade is proposed.
    for case in [&first, &closed] {
        let opened = event::CaseMoved {
            case: case.to_string(),
            status: to_wire(CaseStatus::Reopened),
            epoch: 2,
            move_time: Some(to_timestamp(world.now())),
            ..Default::default()
        };
        let kind = "redress.case.moved.v1";
        let opened = world.event("intake", kind, &case.to_string(), &opened);
        world.tell(&[opened]).await;
    }
    let same = event::CaseFacts {
        revision: 2,
        ..world.by_person(&again, "a")
    };
    world.tell(&[world.updated(same)]).await;
    let decision = world.decision(&again).await;
    assert_eq!((decision.grade, decision.proposed_grade), (3, 0));
    assert_eq!(asked(&world).await, once);
}

#[tokio::test]
async fn a_resolution_that_is_heard_after_the_second_complaint_is_opened_again_as_well_i3() {
    // Made later, and at the very instant.
    for hours in [1, 0] {
        let world = World::new().await;
        let first = complain(&world, "a", LIFT[0]).await;
        let resolved = world.moved("assignment", &first, CaseStatus::Resolved, 1);
        world.advance(SignedDuration::from_hours(hours)).await;
        let again = complain(&world, "a", LIFT[1]).await;
        assert!(asked(&world).await.is_empty());
        world.tell(&[resolved]).await;
        let once = [(first.to_string(), 1, "complained_again".to_owned())];
        assert_eq!(asked(&world).await, once, "{hours}");
        assert!(ids(&world.decision(&again).await).contains(&"G3.3"));
    }
}

#[tokio::test]
async fn imported_history_opens_nothing_again_and_is_not_opened_g3_3() {
    let world = World::new().await;
    let import = async |status: CaseStatus, text: &str| {
        let case = world.new_case();
        world.say(&case, text);
        let facts = event::CaseFacts {
            mode: to_wire(CaseMode::Historical),
            status: to_wire(status),
            received_time: Some(to_timestamp(world.now())),
            ..world.by_person(&case, "a")
        };
        world.tell(&[world.received(facts)]).await;
    };
    import(CaseStatus::Resolved, LIFT[0]).await;
    world.advance(SignedDuration::from_hours(1)).await;
    let live = complain(&world, "a", LIFT[1]).await;
    assert!(ids(&world.decision(&live).await).contains(&"G3.3"));
    world
        .tell(&[world.moved("assignment", &live, CaseStatus::Resolved, 1)])
        .await;
    world.advance(SignedDuration::from_hours(1)).await;
    import(CaseStatus::Archived, LIFT[2]).await;
    assert!(asked(&world).await.is_empty());
}

/// Section 7: staff complained about cannot see the case, nor reckon that there is one.
#[tokio::test]
async fn no_count_of_a_cluster_tells_the_accused_of_a_hidden_case() {
    let world = World::new().await;
    let shown = complain(&world, "a", LIFT[0]).await;
    world.clock.advance(jiff::SignedDuration::from_secs(60));
    let hidden = world.new_case();
    world.say(&hidden, LIFT[1]);
    let about = event::CaseFacts {
        staff_complained_about: vec!["sites/lakeside/staff/rude".to_owned()],
        ..world.by_person(&hidden, "b")
    };
    world.tell(&[world.received(about)]).await;
    let cluster = world.decision(&shown).await.cluster;
    assert_eq!(world.decision(&hidden).await.cluster, cluster);
    let rude = || world.caller("lakeside", "manager", Some("rude"));
    let confirm = wire::ConfirmClusterRequest {
        name: cluster.clone(),
        ..Default::default()
    };
    world
        .rpc
        .confirm_cluster(by(world.manager(), confirm))
        .await
        .expect("confirmed");
    let get = async |caller| {
        let request = wire::GetClusterRequest {
            name: cluster.clone(),
        };
        let answer = world.rpc.get_cluster(by(caller, request)).await;
        answer
            .expect("a cluster")
            .into_inner()
            .cluster
            .expect("a cluster")
    };
    let list = async |caller, min_cases| {
        let request = wire::ListClustersRequest {
            parent: "sites/lakeside".to_owned(),
            min_cases,
            ..Default::default()
        };
        let answer = world.rpc.list_clusters(by(caller, request)).await;
        answer.expect("listed").into_inner().clusters
    };
    let whole = get(world.manager()).await;
    assert_eq!(
        (whole.case_count, whole.complainants, whole.recent_cases),
        (2, 2, 2)
    );
    assert_eq!(whole.acts.len(), 1);
    let seen = get(rude()).await;
    for cluster in [&seen, &list(rude(), 0).await[0]] {
        assert_eq!(
            (
                cluster.case_count,
                cluster.complainants,
                cluster.recent_cases
            ),
            (1, 1, 1)
        );
        assert_ne!(cluster.newest_time, whole.newest_time);
    }
    assert_eq!(seen.members.len(), 1);
    assert!(seen.acts.is_empty(), "what was done about the hidden case");
    assert!(
        list(rude(), 2).await.is_empty(),
        "nor does what it is found by"
    );
    assert_eq!(list(world.manager(), 2).await.len(), 1);
}

/// Section 7: staff complained about cannot handle the case, nor what counts for it.
#[tokio::test]
async fn the_accused_change_no_cluster_that_has_a_hidden_case() {
    let world = World::new().await;
    let hide = async |text: &str, person: &str| {
        let case = world.new_case();
        world.say(&case, text);
        let about = event::CaseFacts {
            staff_complained_about: vec!["sites/lakeside/staff/rude".to_owned()],
            ..world.by_person(&case, person)
        };
        world.tell(&[world.received(about)]).await;
        world.decision(&case).await.cluster
    };
    let shown = complain(&world, "a", LIFT[0]).await;
    let mixed = hide(LIFT[1], "b").await;
    assert_eq!(world.decision(&shown).await.cluster, mixed);
    let alone = hide("楼道保洁很差,垃圾没人扫。", "c").await;
    let hidden_case = get(&world, &alone).await.members[0].case.clone();
    let other = complain(&world, "d", "地下车库积水,车子被泡了。").await;
    let other = world.decision(&other).await.cluster;
    let rude = || world.caller("lakeside", "manager", Some("rude"));
    macro_rules! refused {
        ($method:ident($request:expr)) => {{
            let answer = world.rpc.$method(by(rude(), $request)).await;
            let status = answer.expect_err(stringify!($method));
            assert_eq!(status.code(), Code::NotFound, stringify!($method));
            status
        }};
    }
    // Whatever they know of it, by name and etag.
    let mut etags = HashMap::new();
    for name in [&mixed, &alone, &other] {
        etags.insert(name.clone(), get(&world, name).await.etag);
    }
    let merge = |name: &str, source: &str| wire::MergeClustersRequest {
        name: name.to_owned(),
        source: source.to_owned(),
        etag: etags[name].clone(),
        source_etag: etags[source].clone(),
        ..Default::default()
    };
    for (name, source) in [(&mixed, &other), (&other, &mixed), (&other, &alone)] {
        refused!(merge_clusters(merge(name, source)));
    }
    refused!(split_cluster(wire::SplitClusterRequest {
        etag: etags[&mixed].clone(),
        ..split(&mixed, &[&shown], "")
    }));
    let confirm = |name: &str, withdraw| wire::ConfirmClusterRequest {
        name: name.to_owned(),
        withdraw,
        etag: etags[name].clone(),
        ..Default::default()
    };
    // A case that they may not know of is not there, wherever it is.
    let secret: CaseName = hidden_case.parse().expect("a name");
    refused!(split_cluster(split(&other, &[&secret], "")));
    refused!(confirm_cluster(confirm(&mixed, false)));
    refused!(confirm_cluster(confirm(&mixed, true)));
    refused!(review_general_defect(wire::ReviewGeneralDefectRequest {
        name: mixed.clone(),
        reason: "none".to_owned(),
        ..Default::default()
    }));
    // Where nothing is shown, the refusal is that of a cluster that is not there, and comes before what an etag tells.
    let unknown = refused!(get_cluster(wire::GetClusterRequest {
        name: alone.clone()
    }));
    let stale = wire::ConfirmClusterRequest {
        etag: "r99".to_owned(),
        ..confirm(&alone, false)
    };
    let refused = refused!(confirm_cluster(stale));
    assert_eq!(refused.message(), unknown.message());
    for name in [&mixed, &alone, &other] {
        assert_eq!(get(&world, name).await.etag, etags[name], "as it was");
    }
    // What has no hidden case is theirs to handle as before.
    let handled = by(rude(), confirm(&other, false));
    world.rpc.confirm_cluster(handled).await.expect("confirmed");
}

#[tokio::test]
async fn words_that_ask_do_not_join_what_they_are_about() {
    let world = World::new().await;
    let matters = ["外墙渗水", "厨房漏水", "空调不制冷", "门锁坏了", "电梯停运"];
    let mut cases = Vec::new();
    for (i, matter) in matters.iter().enumerate() {
        let text = format!("{matter},请尽快派人维修");
        cases.push(complain(&world, &format!("p{i}"), &text).await);
    }
    let mut clusters = std::collections::BTreeSet::new();
    for case in &cases {
        let decision = world.decision(case).await;
        assert_eq!(ids(&decision), ["G4"], "{case}");
        clusters.insert(decision.cluster);
    }
    assert_eq!(clusters.len(), 5);
    let again = complain(&world, "q", "二号楼地下车库顶板漏水,希望物业处理").await;
    let same = complain(&world, "r", "地下车库的顶板一直在漏水,麻烦安排师傅来看").await;
    let cluster = world.decision(&again).await.cluster;
    assert_eq!(world.decision(&same).await.cluster, cluster);
    assert!(!clusters.contains(&cluster));
}

#[tokio::test]
async fn history_is_decided_again_when_its_own_time_fills_up() {
    let world = World::new().await;
    let day = |d: u32| format!("2025-02-{d:02}T10:00:00+08:00");
    let mut cases = Vec::new();
    for (person, received, text) in [
        ("a", day(20), LIFT[0]),
        ("b", day(25), LIFT[1]),
        ("c", day(27), LIFT[2]),
        ("d", day(10), LIFT[3]),
    ] {
        let case = world.new_case();
        world.say(&case, text);
        let facts = event::CaseFacts {
            mode: to_wire(CaseMode::Historical),
            status: to_wire(redress_model::words::CaseStatus::Archived),
            received_time: Some(to_timestamp(at(&received))),
            ..world.by_person(&case, person)
        };
        world.tell(&[world.received(facts)]).await;
        cases.push(case);
    }
    assert_eq!(ids(&world.decision(&cases[0]).await), ["G4"]);
    assert_eq!(ids(&world.decision(&cases[1]).await), ["G2.2", "G2.3"]);
    assert_eq!(world.count("SELECT count(*) FROM triage.clock").await, 0);
}

#[tokio::test]
async fn a_case_that_is_like_two_clusters_joins_one_and_merges_neither() {
    let world = World::new().await;
    let flood = "地下车库积水,车子被泡了。";
    let lift = complain(&world, "a", LIFT[0]).await;
    let garage = complain(&world, "b", flood).await;
    let cluster = async |case: &CaseName| world.decision(case).await.cluster;
    let apart = [cluster(&lift).await, cluster(&garage).await];
    assert_ne!(apart[0], apart[1]);
    let both = complain(&world, "c", &format!("{}{flood}", LIFT[0])).await;
    assert!(apart.contains(&cluster(&both).await), "like both");
    assert_eq!([cluster(&lift).await, cluster(&garage).await], apart);
    let said: Vec<event::ClusterChanged> = world.said("redress.cluster.changed.v1").await;
    assert!(said.is_empty());
}

#[tokio::test]
async fn one_person_who_files_three_times_counts_once() {
    let world = World::new().await;
    for text in &LIFT[..3] {
        complain(&world, "same", text).await;
    }
    let last = complain(&world, "same", LIFT[3]).await;
    let decision = world.decision(&last).await;
    assert_eq!(ids(&decision), ["G4"]);
    assert_eq!(
        (decision.cluster_complainants, decision.cluster_recent_cases),
        (1, 1)
    );
}

#[tokio::test]
async fn ten_together_are_a_crisis_for_all_of_them_g1_4() {
    let world = World::new().await;
    let first = complain(&world, "p", LIFT[0]).await;
    let case = world.new_case();
    world.say(&case, LIFT[1]);
    let crowd = event::CaseFacts {
        headcount: 9,
        ..world.facts(&case)
    };
    world.tell(&[world.received(crowd)]).await;
    for case in [&first, &case] {
        assert_eq!(
            ids(&world.decision(case).await),
            ["G1.4"],
            "1 named and 9 unnamed"
        );
    }
}

#[tokio::test]
async fn history_counts_for_later_live_cases_by_its_received_time() {
    let world = World::new().await;
    for (person, received, text) in [
        ("a", "2026-02-20T10:00:00+08:00", LIFT[0]),
        ("b", "2026-02-25T10:00:00+08:00", LIFT[1]),
    ] {
        let case = world.new_case();
        world.say(&case, text);
        let facts = event::CaseFacts {
            mode: to_wire(CaseMode::Historical),
            received_time: Some(to_timestamp(at(received))),
            ..world.by_person(&case, person)
        };
        world.tell(&[world.received(facts)]).await;
        assert_eq!(world.decision(&case).await.grade, 4);
    }
    let live = complain(&world, "c", LIFT[2]).await;
    assert_eq!(ids(&world.decision(&live).await), ["G2.2", "G2.3"]);
}

#[tokio::test]
async fn many_at_once_end_in_one_cluster() {
    let world = World::new().await;
    let cases: Vec<CaseName> = (0..12).map(|_| world.new_case()).collect();
    let deliveries = cases.iter().enumerate().map(|(i, case)| {
        world.say(case, LIFT[i % 4]);
        let event = world.received(world.by_person(case, &format!("p{i}")));
        let world = &world;
        async move { world.tell(&[event]).await }
    });
    futures::future::join_all(deliveries).await;
    assert_eq!(
        world
            .count("SELECT count(DISTINCT cluster) FROM triage.case_file")
            .await,
        1
    );
    for case in &cases {
        let decision = world.decision(case).await;
        assert_eq!((decision.grade, ids(&decision)[0]), (1, "G1.4"));
    }
}

/// Counts these words as a case's.
struct Count(SiteId, Terms);

impl Operation for Count {
    const NAME: &'static str = "test.count";
    type Output = Documents;

    async fn run(&self, tx: &mut Tx) -> Result<Documents, Fault> {
        sites::lock_clusters(tx, &self.0).await?;
        terms::count(tx, &self.0, &self.1).await
    }
}

#[tokio::test]
async fn a_case_counts_each_of_its_words_once_whether_the_site_knew_it_or_not() {
    let world = World::new().await;
    let scope = Scope::site(world.site.clone());
    let count = async |words: &[i64]| {
        let words = words.iter().map(|&word| (word, 3)).collect();
        let count = Count(world.site.clone(), words);
        let documents = world.database.db.run(&scope, &count).await;
        documents.expect("is counted")
    };
    let first = count(&[1, -2]).await;
    assert_eq!(first.count, 1);
    assert_eq!(first.with_term, HashMap::from([(1, 1), (-2, 1)]));
    let second = count(&[-2, 5]).await;
    assert_eq!(second.count, 2);
    assert_eq!(second.with_term, HashMap::from([(-2, 2), (5, 1)]));
    let third = count(&[1, -2, 5]).await;
    assert_eq!(third.count, 3);
    assert_eq!(third.with_term, HashMap::from([(1, 2), (-2, 3), (5, 2)]));
}

/// Looks for what is like one word of a case. Gives all words of that case, too.
struct Find<'a>(&'a CaseName, Timestamp);

impl Operation for Find<'_> {
    const NAME: &'static str = "test.find";
    type Output = (Terms, Vec<Candidate>, Documents);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let Self(case, received) = *self;
        let site = &case.site;
        sites::lock_clusters(tx, site).await?;
        let all = terms::of_case(tx, site, case.id).await?;
        let own: Terms = all.iter().take(1).map(|(&word, &n)| (word, n)).collect();
        let mut documents = terms::count(tx, site, &own).await?;
        let window = SignedDuration::from_hours(24);
        let found = terms::candidates(tx, site, received, window, &own, &mut documents).await?;
        Ok((all, found, documents))
    }
}

#[tokio::test]
async fn a_candidate_comes_with_all_its_words_and_with_how_common_each_of_them_is() {
    let world = World::new().await;
    let case = complain(&world, "a", LIFT[0]).await;
    let scope = Scope::site(world.site.clone());
    let find = Find(&case, world.now());
    let found = world.database.db.run(&scope, &find).await;
    let (all, found, documents) = found.expect("is looked for");
    assert!(all.len() > 1, "{all:?}");
    let candidates: Vec<_> = found.iter().map(|c| (c.case, &c.terms)).collect();
    assert_eq!(candidates, [(case.id, &all)]);
    // The first was counted again; the others are known of the candidate alone.
    let counts: Vec<u64> = all.keys().map(|&word| documents.with(word)).collect();
    let expected: Vec<u64> = (0..all.len()).map(|n| if n == 0 { 2 } else { 1 }).collect();
    assert_eq!(counts, expected);
}

#[tokio::test]
async fn no_word_of_a_text_is_kept() {
    let world = World::new().await;
    complain(&world, "a", "金丝雀七号楼电梯停运,请联系阿布拉卡。").await;
    for table in [
        "case_file",
        "case_term",
        "term",
        "decision",
        "outbox",
        "inbox",
        "cluster",
        "clock",
    ] {
        let sql = format!(
            "SELECT count(*) FROM triage.{table} t WHERE t::text LIKE '%金丝雀%' OR t::text LIKE '%阿布拉卡%'"
        );
        let found: Result<i64, _> = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .fetch_one(&world.database.admin)
            .await;
        assert_eq!(found.unwrap_or(0), 0, "{table}");
    }
}

#[tokio::test]
async fn merging_clusters_brings_their_people_together() {
    let world = World::new().await;
    let a = complain(&world, "a", "三号楼电梯停运。").await;
    let b = complain(&world, "b", "地下车库积水,车子被泡了。").await;
    let c = complain(&world, "c", "楼道保洁很差,垃圾没人扫。").await;
    let cluster = async |case: &CaseName| world.decision(case).await.cluster;
    let (target, second, third) = (cluster(&a).await, cluster(&b).await, cluster(&c).await);
    let merge = |source: &str, etag: &str, request_id: &str| wire::MergeClustersRequest {
        name: target.clone(),
        source: source.to_owned(),
        etag: etag.to_owned(),
        request_id: request_id.to_owned(),
        ..Default::default()
    };
    let send = async |request| world.rpc.merge_clusters(by(world.manager(), request)).await;
    assert_eq!(
        send(merge(&second, "r7", ""))
            .await
            .expect_err("stale")
            .code(),
        Code::Aborted
    );
    send(merge(&second, "r1", "one")).await.expect("merged");
    send(merge(&second, "r1", "one"))
        .await
        .expect("the same again");
    send(merge(&second, "", "")).await.expect("merged already");
    let merged = send(merge(&third, "", ""))
        .await
        .expect("merged")
        .into_inner()
        .cluster
        .expect("a cluster");
    assert_eq!((merged.case_count, merged.complainants), (3, 3));
    for case in [&a, &b, &c] {
        assert_eq!(ids(&world.decision(case).await), ["G2.2", "G2.3"]);
        assert_eq!(world.decision(case).await.cluster, target);
    }
    let said: Vec<event::ClusterChanged> = world.said("redress.cluster.changed.v1").await;
    assert_eq!(said.len(), 2);
    assert!(said.iter().all(|c| c.merged && c.cluster == target));
    let back = wire::MergeClustersRequest {
        name: second.clone(),
        source: target.clone(),
        ..Default::default()
    };
    assert_eq!(
        send(back).await.expect_err("ended").code(),
        Code::FailedPrecondition
    );
}

#[test]
fn of_large_clusters_only_the_one_with_most_rows_of_the_large_matter_is_excused() {
    // 20 rows: six in one cluster, five in another, the others by themselves.
    let clusters: Vec<u32> = [1; 6].into_iter().chain([2; 5]).chain(3..12).collect();
    let (t01, other) = (bcubed::LARGE, "T02");
    let share = |labelled: &[(&str, u32)]| bcubed::largest_share(&clusters, labelled);
    assert_eq!(share(&[(t01, 1), (t01, 1), (t01, 2), (other, 2)]), 0.25);
    assert_eq!(share(&[(t01, 1), (t01, 2), (t01, 2)]), 0.3);
    assert_eq!(share(&[(other, 1)]), 0.3);
}

/// Set REDRESS_MESSAGES to the public corpus to measure; it is not part of the product.
#[tokio::test]
async fn public_messages_one_at_a_time_find_what_belongs_together() {
    let Some(messages) = bcubed::messages() else {
        eprintln!("skipped: REDRESS_MESSAGES is not set");
        return;
    };
    let world = World::new().await;
    let mut cases = Vec::new();
    for message in &messages {
        let case = world.new_case();
        world.say(&case, &format!("{}\n{}", message.title, message.text));
        let facts = event::CaseFacts {
            mode: to_wire(CaseMode::Historical),
            received_time: Some(to_timestamp(message.received_at)),
            ..world.by_person(&case, &message.complainant)
        };
        world.tell(&[world.received(facts)]).await;
        cases.push(case);
    }
    let cluster_of: HashMap<uuid::Uuid, uuid::Uuid> =
        sqlx::query_as("SELECT id, cluster FROM triage.case_file")
            .fetch_all(&world.database.admin)
            .await
            .expect("read")
            .into_iter()
            .collect();
    let clusters: Vec<uuid::Uuid> = cases.iter().map(|case| cluster_of[&case.id]).collect();
    let labelled: Vec<(&str, uuid::Uuid)> = messages
        .iter()
        .zip(&clusters)
        .filter_map(|(message, cluster)| Some((message.issue.as_deref()?, *cluster)))
        .collect();
    let found = bcubed::BCubed::of(&labelled);
    eprintln!("{found:.3?}, F {:.3}", found.f());
    assert!(found.f() >= 0.94, "F {:.3}", found.f());
    assert!(found.precision >= 0.92, "precision {:.3}", found.precision);
    let share = bcubed::largest_share(&clusters, &labelled);
    assert!(share <= bcubed::SHARE_MAX, "a cluster has {share:.3}");
    counts_are_exact(&world).await;
}

/// What is kept of every cluster is what counting it anew would give.
async fn counts_are_exact(world: &World) {
    let wrong = world
        .count(
            "SELECT count(*) FROM triage.cluster k
             LEFT JOIN LATERAL (
               SELECT count(*) AS cases, max(received_time) AS newest,
                      coalesce(max(greatest(headcount - cardinality(person_tokens), 0))
                        FILTER (WHERE status NOT IN ('WITHDRAWN', 'REJECTED')), 0) AS unnamed
               FROM triage.case_file c WHERE c.site = k.site AND c.cluster = k.id) AS c ON true
             WHERE k.cases <> c.cases OR k.unnamed <> c.unnamed OR k.newest_time IS DISTINCT FROM c.newest
               OR k.persons <> (SELECT count(DISTINCT t) FROM triage.case_file c, unnest(c.person_tokens) AS t
                                WHERE c.site = k.site AND c.cluster = k.id
                                  AND c.status NOT IN ('WITHDRAWN', 'REJECTED'))",
        )
        .await;
    assert_eq!(wrong, 0);
}

#[tokio::test]
async fn fifty_arrivals_of_one_matter_at_once_end_in_one_cluster_with_exact_counts() {
    let world = World::new().await;
    let cases: Vec<CaseName> = (0..50).map(|_| world.new_case()).collect();
    let deliveries = cases.iter().enumerate().map(|(i, case)| {
        world.say(case, LIFT[i % 4]);
        // Every fifth is a person who complained before.
        let event = world.received(world.by_person(case, &format!("p{}", i % 40)));
        let world = &world;
        async move { world.tell(&[event]).await }
    });
    futures::future::join_all(deliveries).await;
    let cluster = world.decision(&cases[0]).await.cluster;
    let shown = get(&world, &cluster).await;
    assert_eq!(
        (shown.case_count, shown.complainants, shown.recent_cases),
        (50, 40, 40)
    );
    assert_eq!(shown.grade, 1);
    counts_are_exact(&world).await;
    // Those who came first were raised by those who came later.
    for case in &cases {
        assert_eq!(ids(&world.decision(case).await)[0], "G1.4", "{case}");
    }
}

#[tokio::test]
async fn a_large_cluster_is_graded_again_in_batches() {
    let world = World::new().await;
    let first = complain(&world, "same", LIFT[0]).await;
    for i in 1..60 {
        complain(&world, "same", LIFT[i % 4]).await;
    }
    assert_eq!(ids(&world.decision(&first).await), ["G4"]);
    // Somebody else brings a crowd: 60 cases cross at once.
    let case = world.new_case();
    world.say(&case, LIFT[1]);
    let crowd = event::CaseFacts {
        headcount: 12,
        ..world.by_person(&case, "other")
    };
    world.tell(&[world.received(crowd)]).await;
    assert_eq!(world.decision(&case).await.grade, 1);
    assert_eq!(world.decision(&first).await.grade, 4, "left to the batches");
    let mut batches = 0;
    while redress_triage::jobs::regrade_waiting(&world.rpc.0.desk)
        .await
        .expect("graded")
        > 0
    {
        batches += 1;
    }
    assert_eq!(batches, 3, "61 cases by 25");
    let raised = "SELECT count(*) FROM triage.case_file WHERE grade = 1";
    assert_eq!(world.count(raised).await, 61);
}

#[tokio::test]
async fn complaints_are_compared_received_to_received_and_never_with_now() {
    let world = World::new().await;
    let from = |received: &'static str, person: &'static str| {
        let world = &world;
        async move {
            let case = world.new_case();
            world.say(&case, LIFT[0]);
            let facts = event::CaseFacts {
                mode: to_wire(CaseMode::Historical),
                received_time: Some(to_timestamp(at(received))),
                ..world.by_person(&case, person)
            };
            world.tell(&[world.received(facts)]).await;
            world.decision(&case).await.cluster
        }
    };
    let first = from("2020-01-01T00:00:00+08:00", "a").await;
    assert_eq!(
        from("2020-03-31T00:00:00+08:00", "b").await,
        first,
        "90 days after"
    );
    assert_ne!(
        from("2020-06-30T00:00:01+08:00", "c").await,
        first,
        "a second more"
    );
    assert_eq!(
        from("2019-10-03T00:00:00+08:00", "d").await,
        first,
        "90 days before"
    );
}

#[tokio::test]
async fn withdrawn_and_changed_people_no_longer_count() {
    let world = World::new().await;
    let mut cases = Vec::new();
    for (person, text) in ["a", "b", "c"].iter().zip(LIFT) {
        cases.push(complain(&world, person, text).await);
    }
    let cluster = world.decision(&cases[0]).await.cluster;
    world
        .tell(&[world.moved("intake", &cases[2], CaseStatus::Withdrawn, 2)])
        .await;
    assert_eq!(get(&world, &cluster).await.complainants, 2);
    counts_are_exact(&world).await;
    let same = event::CaseFacts {
        revision: 2,
        ..world.by_person(&cases[1], "a")
    };
    world.tell(&[world.updated(same)]).await;
    assert_eq!(get(&world, &cluster).await.complainants, 1);
    counts_are_exact(&world).await;
    // No grade fell by it: a lower one is proposed.
    let decision = world.decision(&cases[0]).await;
    assert_eq!((decision.grade, decision.proposed_grade), (2, 4));
}

async fn get(world: &World, name: &str) -> wire::Cluster {
    let request = wire::GetClusterRequest {
        name: name.to_owned(),
    };
    let answer = world.rpc.get_cluster(by(world.manager(), request)).await;
    answer
        .expect("a cluster")
        .into_inner()
        .cluster
        .expect("a cluster")
}

fn split(name: &str, cases: &[&CaseName], request_id: &str) -> wire::SplitClusterRequest {
    wire::SplitClusterRequest {
        name: name.to_owned(),
        cases: cases.iter().map(ToString::to_string).collect(),
        reason: "another lift".to_owned(),
        request_id: request_id.to_owned(),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_split_proposes_lower_grades_and_tells_of_the_cases_that_moved() {
    let world = World::new().await;
    let mut cases = Vec::new();
    for (person, text) in ["a", "b", "c", "d"].iter().zip(LIFT) {
        cases.push(complain(&world, person, text).await);
    }
    let cluster = world.decision(&cases[0]).await.cluster;
    let send = async |request| world.rpc.split_cluster(by(world.manager(), request)).await;
    let request = split(&cluster, &[&cases[2], &cases[3]], "one");
    let answer = send(request.clone()).await.expect("split").into_inner();
    let (old, new) = (
        answer.cluster.expect("old"),
        answer.new_cluster.expect("new"),
    );
    assert_eq!((old.case_count, new.case_count), (2, 2));
    assert_eq!(old.acts[0].act, "split");
    assert_eq!(
        (&old.acts[0].other, &old.acts[0].reason[..]),
        (&new.name, "another lift")
    );
    let again = send(request).await.expect("the same again").into_inner();
    assert_eq!(again.new_cluster.expect("new").name, new.name, "I2");
    for (case, cluster) in cases.iter().zip([&old, &old, &new, &new]) {
        let decision = world.decision(case).await;
        assert_eq!(decision.cluster, cluster.name);
        assert_eq!(
            (decision.grade, decision.proposed_grade),
            (2, 4),
            "nothing falls by itself"
        );
    }
    let said: Vec<event::ClusterChanged> = world.said("redress.cluster.changed.v1").await;
    assert_eq!(said.len(), 2);
    assert!(
        said.iter()
            .all(|c| !c.merged && c.cluster == new.name && c.previous_cluster == old.name)
    );
    counts_are_exact(&world).await;
}

#[tokio::test]
async fn a_split_leaves_something_moves_what_is_there_and_nothing_confirmed() {
    let world = World::new().await;
    let a = complain(&world, "a", LIFT[0]).await;
    let b = complain(&world, "b", LIFT[1]).await;
    let other = complain(&world, "z", "地下车库积水,车子被泡了。").await;
    let cluster = world.decision(&a).await.cluster;
    let send = async |request| world.rpc.split_cluster(by(world.manager(), request)).await;
    let code = async |request| send(request).await.expect_err("refused").code();
    assert_eq!(
        code(split(&cluster, &[&a, &b], "")).await,
        Code::FailedPrecondition
    );
    // A case that is somewhere else is no case that is not there (I10).
    let elsewhere = world.decision(&other).await.cluster;
    let refused = send(split(&cluster, &[&other], "")).await;
    let refused = refused.expect_err("elsewhere");
    assert_eq!(refused.code(), Code::FailedPrecondition);
    let said = format!("{other} is not in {cluster}, it is in {elsewhere}");
    assert!(refused.message().contains(&said), "{refused}");
    let nowhere = world.new_case();
    assert_eq!(code(split(&cluster, &[&nowhere], "")).await, Code::NotFound);
    let stale = wire::SplitClusterRequest {
        etag: "r99".to_owned(),
        ..split(&cluster, &[&a], "")
    };
    assert_eq!(code(stale).await, Code::Aborted);
    let confirm = |withdraw| wire::ConfirmClusterRequest {
        name: cluster.clone(),
        cases: vec![a.to_string()],
        withdraw,
        ..Default::default()
    };
    let say = async |request| {
        world
            .rpc
            .confirm_cluster(by(world.manager(), request))
            .await
    };
    let confirmed = say(confirm(false)).await.expect("confirmed").into_inner();
    let member = |cluster: &wire::Cluster, case: &CaseName| {
        let of = |m: &&wire::ClusterMember| m.case == case.to_string();
        cluster.members.iter().find(of).cloned().expect("a member")
    };
    let shown = confirmed.cluster.expect("a cluster");
    assert_eq!(member(&shown, &a).confirmer, "manager");
    assert!(member(&shown, &a).confirm_time.is_some() && member(&shown, &b).confirmer.is_empty());
    let again = say(confirm(false)).await.expect("again").into_inner();
    assert_eq!(
        again.cluster.expect("a cluster").revision,
        shown.revision,
        "nothing new"
    );
    let refused = send(split(&cluster, &[&a], ""))
        .await
        .expect_err("confirmed");
    assert!(
        refused.message().contains("confirmed"),
        "{}",
        refused.message()
    );
    say(confirm(true)).await.expect("withdrawn");
    send(split(&cluster, &[&a], "")).await.expect("split");
}

#[tokio::test]
async fn clusters_are_listed_by_their_newest_complaint() {
    let world = World::new().await;
    let first = complain(&world, "a", LIFT[0]).await;
    world
        .clock
        .set(world.now() + jiff::SignedDuration::from_hours(1));
    let second = complain(&world, "b", "地下车库积水,车子被泡了。").await;
    world
        .clock
        .set(world.now() + jiff::SignedDuration::from_hours(1));
    complain(&world, "c", LIFT[1]).await;
    let cluster = async |case: &CaseName| world.decision(case).await.cluster;
    let list = async |request| {
        let answer = world.rpc.list_clusters(by(world.manager(), request)).await;
        answer.expect("listed").into_inner()
    };
    let request = wire::ListClustersRequest {
        parent: "sites/lakeside".to_owned(),
        page_size: 1,
        ..Default::default()
    };
    let page = list(request.clone()).await;
    assert_eq!(page.clusters[0].name, cluster(&first).await);
    assert_eq!(
        (page.clusters[0].case_count, page.clusters[0].complainants),
        (2, 2)
    );
    assert_eq!(
        (page.clusters[0].grade, page.clusters[0].members.len()),
        (4, 0)
    );
    let rest = list(wire::ListClustersRequest {
        page_token: page.next_page_token,
        ..request.clone()
    })
    .await;
    assert_eq!(rest.clusters[0].name, cluster(&second).await);
    assert!(rest.next_page_token.is_empty());
    let large = list(wire::ListClustersRequest {
        min_cases: 2,
        page_size: 0,
        ..request
    })
    .await;
    assert_eq!(large.clusters.len(), 1);
}

#[tokio::test]
async fn leaks_in_five_units_propose_a_notice_that_a_person_decides_m19() {
    let world = World::new().await;
    let leak = ["外墙渗水,卧室墙面发霉", "外墙渗水,客厅墙面发霉"];
    let mut last = None;
    for unit in 0..5 {
        let case = world.new_case();
        world.say(&case, leak[unit % 2]);
        world.place(&case, "3栋", &format!("{unit}01"));
        world
            .tell(&[world.received(world.by_person(&case, "same"))])
            .await;
        last = Some(world.decision(&case).await.cluster);
        let said: Vec<event::DefectChanged> = world.said("redress.defect.changed.v1").await;
        assert_eq!(
            said.len(),
            usize::from(unit == 4),
            "after {} units",
            unit + 1
        );
    }
    let cluster = last.expect("a cluster");
    let shown = get(&world, &cluster).await;
    let defect = shown.general_defect.expect("a defect");
    assert_eq!(
        (defect.state(), defect.units),
        (wire::GeneralDefectState::Proposed, 5)
    );
    // Each beside the first whose unit is known, and that one beside none.
    assert_eq!(shown.place_case, shown.members[4].case);
    for other in &shown.members[..4] {
        assert_eq!(other.place_match(), wire::PlaceMatch::SameBuilding);
    }
    let first = shown.members[4].place_match();
    assert_eq!(first, wire::PlaceMatch::Unspecified);
    let review = |accept| wire::ReviewGeneralDefectRequest {
        name: cluster.clone(),
        accept,
        reason: "the whole wall".to_owned(),
        ..Default::default()
    };
    let send = async |request| {
        world
            .rpc
            .review_general_defect(by(world.manager(), request))
            .await
    };
    send(review(true)).await.expect("accepted");
    send(review(true)).await.expect("the same again");
    assert_eq!(
        send(review(false)).await.expect_err("decided").code(),
        Code::FailedPrecondition
    );
    let said: Vec<event::DefectChanged> = world.said("redress.defect.changed.v1").await;
    let states: Vec<&str> = said.iter().map(|d| d.state.as_str()).collect();
    assert_eq!(states, ["PROPOSED", "ACCEPTED"]);
    assert_eq!(said[1].category, to_wire(Category::EngineeringQuality));
}

#[tokio::test]
async fn places_of_a_cluster_are_compared_where_its_newest_case_has_none() {
    let world = World::new().await;
    let mut clusters = std::collections::BTreeSet::new();
    for unit in [None, Some("501"), Some("501"), Some("502"), None] {
        let case = world.new_case();
        world.say(&case, LIFT[0]);
        if let Some(unit) = unit {
            world.place(&case, "5栋", unit);
        }
        world
            .tell(&[world.received(world.by_person(&case, "same"))])
            .await;
        clusters.insert(world.decision(&case).await.cluster);
        let at = world.now() + jiff::SignedDuration::from_mins(1);
        world.clock.set(at);
    }
    assert_eq!(clusters.len(), 1, "of one issue");
    let cluster = clusters.first().expect("a cluster");
    let shown = get(&world, cluster).await;
    assert_eq!(shown.place_case, shown.members[3].case);
    let matches: Vec<wire::PlaceMatch> = shown.members.iter().map(|m| m.place_match()).collect();
    use wire::PlaceMatch::{SameBuilding, SameUnit, Unspecified};
    assert_eq!(
        matches,
        [
            Unspecified,
            SameBuilding,
            SameUnit,
            Unspecified,
            Unspecified
        ]
    );
}

/// A leak in a unit of building 3; empty where nobody named it.
async fn leak(world: &World, unit: &str) -> CaseName {
    let case = world.new_case();
    world.say(&case, "外墙渗水,卧室墙面发霉");
    world.place(&case, "3栋", unit);
    world
        .tell(&[world.received(world.by_person(&case, "same"))])
        .await;
    case
}

/// The clerk puts this unit right.
async fn in_unit(world: &World, case: &CaseName, unit: &str, revision: i64) {
    world.place(case, "3栋", unit);
    let facts = event::CaseFacts {
        revision,
        ..world.by_person(case, "same")
    };
    world.tell(&[world.updated(facts)]).await;
}

/// How many units were known at each notice that was proposed.
async fn proposed(world: &World) -> Vec<i32> {
    let said: Vec<event::DefectChanged> = world.said("redress.defect.changed.v1").await;
    assert!(said.iter().all(|defect| defect.state == "PROPOSED"));
    said.iter().map(|defect| defect.units).collect()
}

const UNITS: &str = "SELECT count(DISTINCT unit) FROM triage.case_file";

#[tokio::test]
async fn a_fifth_unit_that_an_update_names_proposes_a_notice_once_m19() {
    let world = World::new().await;
    for unit in ["101", "201", "301", "401"] {
        leak(&world, unit).await;
    }
    let fifth = leak(&world, "").await;
    in_unit(&world, &fifth, "401", 2).await;
    assert!(proposed(&world).await.is_empty(), "four units");
    in_unit(&world, &fifth, "501", 4).await;
    assert_eq!(proposed(&world).await, [5]);
    assert_eq!(world.count(UNITS).await, 5);
    // What was put aside and comes late brings what is read now, whatever its facts are worth.
    in_unit(&world, &fifth, "401", 3).await;
    assert_eq!(world.count(UNITS).await, 4);
    // Where the place is said to be the same nothing is read.
    world.place(&fifth, "3栋", "501");
    let facts = event::CaseFacts {
        revision: 5,
        ..world.by_person(&fifth, "same")
    };
    world.tell(&[world.updated_in_place(facts)]).await;
    assert_eq!(world.count(UNITS).await, 4);
    in_unit(&world, &fifth, "601", 6).await;
    assert_eq!(proposed(&world).await, [5], "a person is asked already");
}

/// Facts of a case that a clerk says is about this.
fn about(world: &World, case: &CaseName, category: Category, revision: i64) -> event::CaseFacts {
    event::CaseFacts {
        stated_category: to_wire(category),
        revision,
        ..world.by_person(case, "same")
    }
}

/// Leaks in these units of building 3, taken for something of the property manager; gives the last.
async fn misfiled(world: &World, units: &[&str]) -> CaseName {
    let mut last = None;
    for unit in units {
        let case = world.new_case();
        world.say(&case, "外墙渗水,卧室墙面发霉");
        world.place(&case, "3栋", unit);
        let facts = about(world, &case, Category::PropertyManagement, 1);
        world.tell(&[world.received(facts)]).await;
        last = Some(case);
    }
    last.expect("a case")
}

#[tokio::test]
async fn a_split_looks_at_both_parts_anew_and_keeps_what_a_person_decided_m19() {
    let world = World::new().await;
    let mut cases = Vec::new();
    for unit in 0..16 {
        cases.push(leak(&world, &format!("{unit}01")).await);
    }
    let whole = world.decision(&cases[0]).await.cluster;
    assert_eq!(get(&world, &whole).await.case_count, 16);
    let part = async |from: &str, cases: &[CaseName]| {
        let cases: Vec<&CaseName> = cases.iter().collect();
        let request = by(world.manager(), split(from, &cases, ""));
        let answer = world.rpc.split_cluster(request).await;
        let new = answer.expect("split").into_inner().new_cluster;
        new.expect("a cluster").name
    };
    let state = async |cluster: &str| {
        let defect = get(&world, cluster).await.general_defect;
        defect.expect("a defect").state()
    };
    use wire::GeneralDefectState::{Accepted, Proposed, Unspecified};
    let ten = part(&whole, &cases[..10]).await;
    assert_eq!(proposed(&world).await, [5, 10]);
    assert_eq!(
        (state(&whole).await, state(&ten).await),
        (Proposed, Proposed)
    );
    // Four units are left, and two that leave.
    let two = part(&whole, &cases[10..12]).await;
    assert_eq!(state(&whole).await, Unspecified);
    assert_eq!(state(&two).await, Unspecified);
    let accept = wire::ReviewGeneralDefectRequest {
        name: ten.clone(),
        accept: true,
        reason: "the whole wall".to_owned(),
        ..Default::default()
    };
    let accepted = world
        .rpc
        .review_general_defect(by(world.manager(), accept))
        .await;
    accepted.expect("accepted");
    let five = part(&ten, &cases[..5]).await;
    assert_eq!(state(&ten).await, Accepted);
    assert_eq!(state(&five).await, Unspecified, "it was decided of them");
}

#[tokio::test]
async fn a_category_that_is_put_right_proposes_a_notice_of_five_units_m19() {
    let world = World::new().await;
    let last = misfiled(&world, &["101", "201", "301", "401", "501"]).await;
    let wrong = about(&world, &last, Category::ServiceConduct, 2);
    world.tell(&[world.updated(wrong)]).await;
    assert!(proposed(&world).await.is_empty(), "nothing built");
    let right = about(&world, &last, Category::EngineeringQuality, 3);
    world.tell(&[world.updated_in_place(right)]).await;
    assert_eq!(proposed(&world).await, [5]);
}

#[tokio::test]
async fn a_unit_that_an_update_clears_counts_no_more_m19() {
    let world = World::new().await;
    let mut cases = Vec::new();
    for unit in ["101", "201", "301", "401"] {
        cases.push(leak(&world, unit).await);
    }
    in_unit(&world, &cases[0], "", 2).await;
    assert_eq!(world.count(UNITS).await, 3);
    leak(&world, "501").await;
    assert!(proposed(&world).await.is_empty(), "four units");
    in_unit(&world, &cases[0], "101", 3).await;
    assert_eq!(proposed(&world).await, [5]);
}

#[tokio::test]
async fn a_complaint_that_was_withdrawn_proposes_no_notice_m19() {
    let world = World::new().await;
    let last = misfiled(&world, &["101", "201", "301", "401", "501", "601"]).await;
    let withdrawn = world.moved("intake", &last, CaseStatus::Withdrawn, 2);
    let right = event::CaseFacts {
        status: to_wire(CaseStatus::Withdrawn),
        epoch: 2,
        ..about(&world, &last, Category::EngineeringQuality, 2)
    };
    world.tell(&[withdrawn, world.updated(right)]).await;
    assert!(proposed(&world).await.is_empty());
}

/// A case about the lift that so many people sign.
async fn crowd(world: &World, person: &str, people: i32) -> CaseName {
    let case = world.new_case();
    world.say(&case, LIFT[1]);
    let facts = event::CaseFacts {
        headcount: people,
        ..world.by_person(&case, person)
    };
    world.tell(&[world.received(facts)]).await;
    case
}

#[tokio::test]
async fn a_cluster_that_outgrows_what_a_person_knew_raises_the_case_again_g1_4() {
    let world = World::new().await;
    let first = complain(&world, "a", LIFT[0]).await;
    // Every threshold is crossed before the person looks at it.
    complain(&world, "d", LIFT[3]).await;
    crowd(&world, "b", 11).await;
    let stood = world.decision(&first).await;
    assert_eq!((stood.grade, stood.cluster_complainants), (1, 13));
    assert_eq!(stood.cluster_recent_cases, 3);
    let lowered = lower(&world, &first, 4, &stood.etag)
        .await
        .expect("lowered");
    assert_eq!(lowered.grade, 4);
    // Nobody new: nothing is said about it.
    complain(&world, "a", LIFT[2]).await;
    assert_eq!(world.decision(&first).await.revision, lowered.revision);
    crowd(&world, "c", 40).await;
    let risen = world.decision(&first).await;
    assert_eq!((risen.grade, ids(&risen)), (1, vec!["G1.4", "G2.3"]));
    assert_eq!(risen.cause, "cluster");
}

#[tokio::test]
async fn a_cluster_that_cannot_be_graded_again_holds_up_no_other() {
    let world = World::new().await;
    let case = complain(&world, "a", LIFT[0]).await;
    let other = complain(&world, "z", "地下车库积水,车子被泡了。").await;
    let (poisoned, sound) = (
        world.decision(&case).await.cluster,
        world.decision(&other).await.cluster,
    );
    for (i, name) in [&poisoned, &sound].into_iter().enumerate() {
        let sql = format!(
            "INSERT INTO triage.cluster_regrade (site, cluster, after_case, generation, create_time)
             VALUES ('lakeside', '{}', '00000000-0000-0000-0000-000000000000', 1, timestamptz '2026-01-01' + {i} * interval '1 s')",
            last(name)
        );
        run(&world, &sql).await;
    }
    // What cannot be read any more: a decision whose nature nobody knows.
    run(
        &world,
        &format!(
            "UPDATE triage.decision SET nature = 'UNKNOWN' WHERE case_id = '{}'",
            case.id
        ),
    )
    .await;
    let done = redress_triage::jobs::regrade_waiting(&world.rpc.0.desk).await;
    assert_eq!(done.expect("the others"), 1);
    let waits = "SELECT count(*) FROM triage.cluster_regrade";
    assert_eq!(world.count(waits).await, 1);
    let behind =
        "SELECT count(*) FROM triage.cluster_regrade WHERE create_time > timestamptz '2026-01-02'";
    assert_eq!(world.count(behind).await, 1, "behind all that wait");
}

async fn run(world: &World, sql: &str) {
    sqlx::query(sqlx::AssertSqlSafe(sql.to_owned()))
        .execute(&world.database.admin)
        .await
        .expect("done");
}

#[tokio::test]
async fn a_merge_of_what_changed_meanwhile_is_refused_and_confirmed_cases_are_carried_along_i11() {
    let world = World::new().await;
    let a = complain(&world, "a", LIFT[0]).await;
    let b = complain(&world, "b", "地下车库积水,车子被泡了。").await;
    let target = world.decision(&a).await.cluster;
    let source = world.decision(&b).await.cluster;
    let seen = get(&world, &source).await.etag;
    let confirm = wire::ConfirmClusterRequest {
        name: source.clone(),
        ..Default::default()
    };
    let confirm = by(world.manager(), confirm);
    world.rpc.confirm_cluster(confirm).await.expect("confirmed");
    let merge = |source_etag: &str| wire::MergeClustersRequest {
        name: target.clone(),
        source: source.clone(),
        source_etag: source_etag.to_owned(),
        ..Default::default()
    };
    let send = async |request| world.rpc.merge_clusters(by(world.manager(), request)).await;
    let refused = send(merge(&seen))
        .await
        .expect_err("it was confirmed since");
    assert_eq!(refused.code(), Code::Aborted);
    let now = get(&world, &source).await.etag;
    let merged = send(merge(&now)).await.expect("merged").into_inner();
    let members = merged.cluster.expect("a cluster").members;
    let carried = members.iter().find(|m| m.case == b.to_string());
    assert_eq!(carried.expect("there").confirmer, "manager");
}

#[tokio::test]
async fn a_move_that_changes_counts_or_resolves_locks_the_clusters_before_the_case() {
    let world = World::new().await;
    for status in [CaseStatus::Rejected, CaseStatus::Resolved] {
        let case = complain(&world, "a", LIFT[0]).await;
        locks_the_clusters_first(&world, &case, status).await;
    }
}

async fn locks_the_clusters_first(world: &World, case: &CaseName, status: CaseStatus) {
    let admin = &world.database.admin;
    let mut other = admin.begin().await.expect("begun");
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended('triage.clusters/lakeside', 0))")
        .execute(&mut *other)
        .await
        .expect("locked");
    let moved = world.moved("assignment", case, status, 1);
    let meanwhile = async {
        let waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        redress_testkit::eventually(std::time::Duration::from_secs(20), async || {
            world.count(waits).await > 0
        })
        .await;
        let sql = "SELECT 1 FROM triage.case_file WHERE id = $1 FOR UPDATE NOWAIT";
        let free = sqlx::query(sql).bind(case.id).execute(&mut *other).await;
        other.rollback().await.expect("ended");
        free
    };
    let (outcome, free) = tokio::join!(world.deliver(&moved), meanwhile);
    free.expect("the case is not locked while the clusters are waited for");
    assert_eq!(outcome, redress_proto::event::v1::DeliverOutcome::Applied);
}

#[tokio::test]
async fn ten_people_are_ten_wherever_the_merged_case_of_the_tenth_had_been_put_g1_4() {
    let world = World::new().await;
    let received = async |text: &str, people: std::ops::Range<u32>| {
        let case = world.new_case();
        world.say(&case, text);
        let facts = event::CaseFacts {
            person_tokens: people.map(|n| format!("p{n}")).collect(),
            ..world.facts(&case)
        };
        world.tell(&[world.received(facts)]).await;
        case
    };
    let head = received(LIFT[0], 0..5).await;
    received(LIFT[1], 5..9).await;
    let tenth = received("地下车库积水,车子被泡了。", 9..10).await;
    let large = async || ids(&world.decision(&head).await).contains(&"G1.4");
    assert!(!large().await);
    let merged = event::CaseMoved {
        case: tenth.to_string(),
        status: to_wire(CaseStatus::Merged),
        epoch: 2,
        move_time: Some(to_timestamp(world.now())),
        merged_into: head.to_string(),
        ..Default::default()
    };
    let kind = "redress.case.moved.v1";
    let merged = world.event("intake", kind, &tenth.to_string(), &merged);
    world.tell(&[merged]).await;
    assert!(large().await);
}

#[tokio::test]
async fn clusters_that_reach_five_units_together_propose_a_notice_and_what_was_decided_is_carried_m19()
 {
    let world = World::new().await;
    let received = async |text: &str, unit: &str| {
        let case = world.new_case();
        world.say(&case, text);
        world.place(&case, "3栋", unit);
        let facts = world.by_person(&case, "same");
        world.tell(&[world.received(facts)]).await;
        world.decision(&case).await.cluster
    };
    let merge = async |source: &str, target: &str| {
        let request = wire::MergeClustersRequest {
            name: target.to_owned(),
            source: source.to_owned(),
            ..Default::default()
        };
        let merged = world.rpc.merge_clusters(by(world.manager(), request)).await;
        merged.expect("merged");
    };
    let state = async |cluster: &str| {
        let shown = get(&world, cluster).await;
        shown.general_defect.map(|defect| defect.state())
    };
    let mut leaks = String::new();
    for unit in ["101", "201", "301"] {
        leaks = received("外墙渗水,卧室墙面发霉", unit).await;
    }
    let mut garage = String::new();
    for unit in ["401", "501"] {
        garage = received("地下车库积水,车子被泡了。", unit).await;
    }
    assert_ne!(leaks, garage);
    merge(&garage, &leaks).await;
    let proposed = wire::GeneralDefectState::Proposed;
    assert_eq!(state(&leaks).await, Some(proposed));
    let accept = wire::ReviewGeneralDefectRequest {
        name: leaks.clone(),
        accept: true,
        reason: "the whole wall".to_owned(),
        ..Default::default()
    };
    let accepted = world
        .rpc
        .review_general_defect(by(world.manager(), accept))
        .await;
    accepted.expect("accepted");
    let lift = received(LIFT[0], "601").await;
    merge(&leaks, &lift).await;
    let accepted = wire::GeneralDefectState::Accepted;
    assert_eq!(state(&lift).await, Some(accepted));
    let said: Vec<event::DefectChanged> = world.said("redress.defect.changed.v1").await;
    assert_eq!(said.len(), 2, "the owners are told of it once");
}
