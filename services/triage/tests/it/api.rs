//! What callers meet: previews, pages, receipts, and reasons to refuse.

use std::collections::BTreeSet;

use redress_model::words::{
    Category, Channel, Nature, QualityImpact, SignalBasis, SignalKind, SiteKind, Urgency, Wants,
    Word,
};
use redress_proto::Money;
use redress_proto::convert::{to_money, to_timestamp, to_wire};
use redress_proto::triage::v1 as wire;
use redress_proto::triage::v1::clock_service_server::ClockService;
use redress_proto::triage::v1::triage_service_server::TriageService;
use redress_proto::words::Signal;
use tonic::Code;

use crate::world::{World, at, by, ids};

fn leak() -> Signal {
    Signal {
        kind: to_wire(SignalKind::DataLeak),
        basis: to_wire(SignalBasis::Reported),
        ..Default::default()
    }
}

fn preview() -> wire::PreviewTriageRequest {
    wire::PreviewTriageRequest {
        site_kind: 1,
        channel: 1,
        received_time: Some(to_timestamp(at("2026-03-08T09:30:00+08:00"))),
        as_of_time: Some(to_timestamp(at("2026-03-08T09:30:00+08:00"))),
        complainants: 1,
        text: "窗户缝隙漏风,报修过一直没有人来。".to_owned(),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_preview_decides_from_its_facts_and_writes_nothing() {
    let world = World::new().await;
    let ask = async |request| world.rpc.preview_triage(by(world.manager(), request)).await;
    let decision = ask(preview())
        .await
        .expect("decided")
        .into_inner()
        .decision
        .expect("a decision");
    assert_eq!((decision.grade, ids(&decision)), (4, vec!["G4"]));
    assert_eq!(decision.category, 6);
    assert_eq!(decision.category_words, ["报修", "一直"]);
    assert!(!decision.would_open_incident && decision.name.is_empty());
    let later = wire::PreviewTriageRequest {
        as_of_time: Some(to_timestamp(at("2026-04-09T09:30:00+08:00"))),
        ..preview()
    };
    let decision = ask(later)
        .await
        .expect("decided")
        .into_inner()
        .decision
        .expect("a decision");
    assert_eq!(ids(&decision), ["G1.7", "G2.4"]);
    assert_eq!(decision.incident_mode(), wire::IncidentMode::Private);
    let written =
        "SELECT (SELECT count(*) FROM triage.case_file) + (SELECT count(*) FROM triage.decision)";
    assert_eq!(world.count(written).await, 0);
}

#[tokio::test]
async fn a_preview_names_the_field_that_is_wrong_i10() {
    let world = World::new().await;
    let money = |units, nanos, currency: &str| {
        Some(Money {
            currency_code: currency.to_owned(),
            units,
            nanos,
        })
    };
    let reach = Signal { reach: 5, ..leak() };
    for (field, request) in [
        (
            "as_of_time",
            wire::PreviewTriageRequest {
                as_of_time: Some(to_timestamp(at("2020-01-01T00:00:00Z"))),
                ..preview()
            },
        ),
        (
            "time_zone",
            wire::PreviewTriageRequest {
                time_zone: "Mars/Base".to_owned(),
                ..preview()
            },
        ),
        (
            "claim.currency_code",
            wire::PreviewTriageRequest {
                claim: money(1, 0, "USD"),
                ..preview()
            },
        ),
        (
            "claim.units",
            wire::PreviewTriageRequest {
                claim: money(-1, 0, "CNY"),
                ..preview()
            },
        ),
        (
            "signals[0].reach",
            wire::PreviewTriageRequest {
                signals: vec![reach],
                ..preview()
            },
        ),
        (
            "complainants",
            wire::PreviewTriageRequest {
                complainants: -1,
                ..preview()
            },
        ),
    ] {
        let answer = world.rpc.preview_triage(by(world.manager(), request)).await;
        let status = answer.expect_err(field);
        assert_eq!(status.code(), Code::InvalidArgument, "{field}");
        assert!(
            status.message().contains(field),
            "{field}: {}",
            status.message()
        );
    }
}

#[tokio::test]
async fn the_same_request_id_records_a_signal_once_however_often_i2() {
    let world = World::new().await;
    let case = world.case().await;
    let calls = (0..8).map(|_| world.record(world.manager(), &case, leak(), "once"));
    let names: BTreeSet<String> = futures::future::join_all(calls)
        .await
        .into_iter()
        .map(|answer| answer.expect("recorded").signal.expect("a signal").name)
        .collect();
    assert_eq!(names.len(), 1);
    assert_eq!(world.count("SELECT count(*) FROM triage.signal").await, 1);
    let other = Signal {
        kind: to_wire(SignalKind::Injury),
        ..leak()
    };
    let reused = world.record(world.manager(), &case, other, "once").await;
    assert_eq!(reused.expect_err("reused").code(), Code::InvalidArgument);
}

#[tokio::test]
async fn only_who_may_confirm_states_a_signal_as_confirmed() {
    let world = World::new().await;
    let case = world.case().await;
    let handler = world.caller("lakeside", "handler", Some("one"));
    let confirmed = Signal {
        basis: to_wire(SignalBasis::Confirmed),
        ..leak()
    };
    let refused = world.record(handler.clone(), &case, confirmed, "").await;
    assert_eq!(refused.expect_err("refused").code(), Code::PermissionDenied);
    assert!(world.record(handler, &case, leak(), "").await.is_ok());
}

#[tokio::test]
async fn a_signal_is_never_known_ahead_and_never_for_a_case_that_is_not_there() {
    let world = World::new().await;
    let case = world.case().await;
    let ahead = Signal {
        known_time: Some(to_timestamp(at("2030-01-01T00:00:00Z"))),
        ..leak()
    };
    let status = world
        .record(world.manager(), &case, ahead, "")
        .await
        .expect_err("ahead");
    assert_eq!(status.code(), Code::InvalidArgument);
    let status = world
        .record(world.manager(), &world.new_case(), leak(), "")
        .await
        .expect_err("nothing");
    assert_eq!(status.code(), Code::NotFound);
}

#[tokio::test]
async fn lists_are_paged_newest_first_and_a_token_belongs_to_its_question() {
    let world = World::new().await;
    let case = world.case().await;
    for i in 0..5 {
        let signal = Signal {
            kind: i + 1,
            ..leak()
        };
        world.clock.advance(jiff::SignedDuration::from_secs(1));
        world
            .record(world.manager(), &case, signal, "")
            .await
            .expect("recorded");
    }
    let list = async |size, token: String| {
        let request = wire::ListSignalsRequest {
            parent: case.to_string(),
            page_size: size,
            page_token: token,
        };
        world.rpc.list_signals(by(world.manager(), request)).await
    };
    let (mut kinds, mut token) = (vec![], String::new());
    loop {
        let page = list(2, token).await.expect("a page").into_inner();
        kinds.extend(
            page.signals
                .iter()
                .map(|s| s.signal.as_ref().expect("a signal").kind),
        );
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(kinds, [5, 4, 3, 2, 1]);
    let wrong = list(2, "x".to_owned()).await.expect_err("no token");
    assert_eq!(wrong.code(), Code::InvalidArgument);
    let request = wire::ListDecisionsRequest {
        parent: case.to_string(),
        page_size: 2,
        ..Default::default()
    };
    let page = world
        .rpc
        .list_decisions(by(world.manager(), request))
        .await
        .expect("a page")
        .into_inner();
    assert_eq!(page.decisions.len(), 2);
    assert!(page.decisions[0].revision > page.decisions[1].revision);
}

#[tokio::test]
async fn a_clock_shows_its_history() {
    let world = World::new().await;
    let case = world.case().await;
    world.advance(jiff::SignedDuration::from_hours(30)).await;
    let clocks = world.clocks(&case).await;
    let name = clocks[&redress_model::words::ClockKind::Acknowledge]
        .name
        .clone();
    let answer = world
        .rpc
        .get_clock(by(world.manager(), wire::GetClockRequest { name }))
        .await;
    let answer = answer.expect("a clock").into_inner();
    use redress_model::words::Word as _;
    let pages_again = redress_model::words::ClockTransition::PagedAgain.number();
    let transitions: Vec<i32> = answer
        .history
        .iter()
        .map(|h| h.transition)
        .filter(|what| *what != pages_again)
        .collect();
    // Started, warned, breached, climbed to the duty lead; the top lead's turn comes at +100 %.
    assert_eq!(transitions[..4], [1, 2, 3, 4]);
    assert_eq!(answer.clock.expect("a clock").state, 2);
}

/// The scenario corpus over the wire; the rules themselves are tested beside them.
#[tokio::test]
async fn every_scenario_is_previewed_as_expected() {
    let world = World::new().await;
    let corpus = include_str!("../../../../tests/corpus/scenarios.jsonl");
    let mut wrong_categories = Vec::new();
    for line in corpus.lines() {
        let row: serde_json::Value = serde_json::from_str(line).expect("a row");
        let answer = world
            .rpc
            .preview_triage(by(world.manager(), request_of(&row)))
            .await;
        let decision = answer
            .expect("decided")
            .into_inner()
            .decision
            .expect("a decision");
        let (id, expect) = (&row["id"], &row["expect"]);
        assert_eq!(serde_json::json!(decision.grade), expect["grade"], "{id}");
        assert_eq!(
            serde_json::json!(ids(&decision)),
            expect["criteria"],
            "{id}"
        );
        assert_eq!(word::<Nature>(decision.nature), expect["nature"], "{id}");
        assert_eq!(word::<Urgency>(decision.urgency), expect["urgency"], "{id}");
        assert_eq!(
            serde_json::json!(decision.would_open_incident),
            expect["incident"],
            "{id}"
        );
        let categories = expect["category"].as_array().expect("a list");
        if decision.category == 0 || !categories.contains(&word::<Category>(decision.category)) {
            wrong_categories.push(id.clone());
        }
    }
    assert!(wrong_categories.len() <= 4, "{wrong_categories:?}");
}

fn word<W: Word>(number: i32) -> serde_json::Value {
    serde_json::json!(W::from_number(number).expect("a word").word())
}

fn request_of(row: &serde_json::Value) -> wire::PreviewTriageRequest {
    fn number<W: Word>(value: &serde_json::Value) -> i32 {
        to_wire(W::parse(value.as_str().expect("a word")).expect("a known word"))
    }
    let received = at(row["received_at"].as_str().expect("a time"));
    let days = row["graded_after_days"].as_i64().unwrap_or(0);
    let signals = row["signals"].as_array().expect("a list");
    wire::PreviewTriageRequest {
        site_kind: number::<SiteKind>(&row["site_kind"]),
        channel: number::<Channel>(&row["channel"]),
        received_time: Some(to_timestamp(received)),
        as_of_time: Some(to_timestamp(
            received + jiff::SignedDuration::from_hours(24 * days),
        )),
        complainants: i32::try_from(row["complainants"].as_i64().expect("a number"))
            .expect("small"),
        text: row["text"].as_str().expect("a text").to_owned(),
        signals: signals
            .iter()
            .map(|signal| Signal {
                kind: number::<SignalKind>(&signal["kind"]),
                basis: number::<SignalBasis>(&signal["basis"]),
                reach: signal["reach"].as_i64().unwrap_or(0),
                ..Default::default()
            })
            .collect(),
        quality_impact: number::<QualityImpact>(&row["quality_impact"]),
        wants: number::<Wants>(&row["wants"]),
        claim: row["claim_cny"]
            .as_str()
            .map(|sum| to_money(sum.parse().expect("a sum"))),
        repeat: row["repeat"].as_bool().expect("a boolean"),
        ..Default::default()
    }
}
