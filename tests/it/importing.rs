//! A complaint that an import brings, from the row to its promises: a live one is promised what any other is, from when it was
//! received, and history is promised nothing (P12).

use jiff::{SignedDuration, Timestamp};
use redress_model::words::{CaseMode, Channel, ClockKind, Word as _};
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::intake::v1::{Case, Complainant, CreateCaseRequest, ImportCasesRequest};
use redress_proto::triage::v1::{
    CaseClock, Decision, ExplainClockRequest, GetDecisionRequest, ListClocksRequest,
};
use redress_testkit::eventually;
use redress_tests::{OTHER_SITE, Platform, SITE};
use uuid::Uuid;

use crate::PATIENCE;

/// What was complained about, wherever it was entered.
fn complaint(received: Timestamp) -> Case {
    Case {
        channel: to_wire(Channel::Letter),
        complainants: vec![Complainant {
            display_name: "业主".to_owned(),
            email: format!("{}@example.com", Uuid::new_v4().simple()),
            ..Default::default()
        }],
        text: "楼道堆满垃圾,保洁三个星期没有来过".to_owned(),
        received_time: Some(to_timestamp(received)),
        ..Default::default()
    }
}

/// Imports one row and gives the name of its case.
async fn import(platform: &Platform, site: &str, mode: CaseMode, received: Timestamp) -> String {
    let row = ImportCasesRequest {
        parent: format!("sites/{site}"),
        row_id: format!("{}-1", mode.word()),
        mode: to_wire(mode),
        case: Some(complaint(received)),
    };
    let mut cases = platform.callers().cases();
    let answers = cases.import_cases(tokio_stream::iter([row])).await;
    let mut answers = answers.expect("the stream opens").into_inner();
    let answer = answers.message().await.expect("the stream holds");
    let answer = answer.expect("each row has its result");
    assert_eq!(answer.reason, "", "{:?}", answer.violations);
    answer.case
}

async fn decided(platform: &Platform, case: &str) -> Decision {
    eventually(PATIENCE, async || {
        let request = GetDecisionRequest {
            name: format!("{case}/decisions/latest"),
        };
        let answer = platform.callers().triage().get_decision(request).await;
        let decision = answer.map_err(|s| s.to_string())?.into_inner().decision;
        decision.ok_or_else(|| "no decision".to_owned())
    })
    .await
}

/// The promises of a case that is decided, by kind.
async fn clocks(platform: &Platform, site: &str, case: &str) -> Vec<CaseClock> {
    let request = ListClocksRequest {
        parent: format!("sites/{site}"),
        case: case.to_owned(),
        ..Default::default()
    };
    let answer = platform.callers().clocks().list_clocks(request).await;
    let mut clocks = answer.expect("they are listed").into_inner().clocks;
    clocks.sort_by_key(|clock| clock.kind);
    clocks
}

/// What was promised, without names and what has become of it since.
fn promised(clocks: &[CaseClock]) -> Vec<CaseClock> {
    let promise = |clock: &CaseClock| CaseClock {
        kind: clock.kind,
        start_time: clock.start_time,
        length: clock.length,
        warn_time: clock.warn_time,
        due_time: clock.due_time,
        duty_lead_time: clock.duty_lead_time,
        top_lead_time: clock.top_lead_time,
        grade: clock.grade,
        urgency: clock.urgency,
        policy_profile: clock.policy_profile.clone(),
        policy_revision: clock.policy_revision,
        ..Default::default()
    };
    clocks.iter().map(promise).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p12_an_imported_live_case_is_promised_what_any_other_is_and_history_nothing() {
    let platform = Platform::start().await;
    // A letter of the day before, and one of last year; in whole seconds, as files have them.
    let today = Timestamp::now().as_second();
    let instant = |second| Timestamp::from_second(second).expect("in range");
    let received = instant(today) - SignedDuration::from_hours(20);
    let long_ago = instant(today) - SignedDuration::from_hours(400 * 24);

    // The same complaint is entered at one site and imported at another, so that neither knows of the other.
    let request = CreateCaseRequest {
        parent: format!("sites/{SITE}"),
        request_id: Uuid::new_v4().to_string(),
        case: Some(complaint(received)),
        ..Default::default()
    };
    let entered = platform.callers().cases().create_case(request).await;
    let entered = entered.expect("the complaint is taken in").into_inner();
    let entered = entered.case.expect("the answer carries the case").name;
    let history = import(&platform, OTHER_SITE, CaseMode::Historical, long_ago).await;
    let live = import(&platform, OTHER_SITE, CaseMode::Live, received).await;

    for case in [&entered, &live] {
        let decision = decided(&platform, case).await;
        assert_eq!(decision.mode, to_wire(CaseMode::Live), "{case}");
    }
    let own = clocks(&platform, SITE, &entered).await;
    let imported = clocks(&platform, OTHER_SITE, &live).await;
    assert_eq!(promised(&imported), promised(&own));
    for kind in [
        ClockKind::Acknowledge,
        ClockKind::StartInvestigation,
        ClockKind::Answer,
        ClockKind::Resolve,
    ] {
        let found = imported.iter().filter(|clock| clock.kind == kind.number());
        assert_eq!(found.count(), 1, "{kind}");
    }
    // Each counts from when the letter came, not from when the file was read, and explains itself so.
    let since = Some(to_timestamp(received));
    for clock in imported {
        assert_eq!(clock.start_time, since, "{clock:?}");
        let request = ExplainClockRequest {
            name: clock.name.clone(),
        };
        let answer = platform.callers().clocks().explain_clock(request).await;
        let explained = answer.expect("it is explained").into_inner();
        let first = explained.stretches.first().and_then(|s| s.start_time);
        assert_eq!(first, since, "{clock:?}");
        let shown = explained.clock.expect("the answer carries the clock");
        assert_eq!(shown.due_time, clock.due_time);
        let started = explained.changes.first().expect("it was started");
        let started = (started.event.as_str(), started.change_time);
        assert_eq!(started, ("started", since));
    }

    let decision = decided(&platform, &history).await;
    assert_eq!(decision.mode, to_wire(CaseMode::Historical));
    assert!(clocks(&platform, OTHER_SITE, &history).await.is_empty());
}
