//! Traces lead from a complaint to whoever is told of it, over outbox, timers and days, and nothing personal is in them (I9).

use std::collections::BTreeSet;

use redress_model::words::Channel;
use redress_proto::assignment::v1 as work;
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::intake::v1::{Case, Complainant, CreateCaseRequest};
use redress_testkit::eventually;
use redress_testkit::otlp::Span;
use redress_tests::{Platform, SERVICES, SITE};
use uuid::Uuid;

use crate::{PATIENCE, telling};

const NAME: &str = "金丝雀姓名";
const EMAIL: &str = "canary-traces";
const WORDS: &str = "金丝雀的原话不可外传";
const CREATE: &str = "redress.intake.v1.CaseService/CreateCase";
const RESOLVE: &str = "redress.assignment.v1.WorkService/ResolveWork";
/// OTLP's number of a span that takes something in that was sent before.
const CONSUMER: i32 = 5;

async fn complain(
    platform: &Platform,
    matter: &str,
    headcount: i32,
    received: Option<jiff::Timestamp>,
) -> Case {
    let request = CreateCaseRequest {
        parent: format!("sites/{SITE}"),
        request_id: Uuid::new_v4().to_string(),
        case: Some(Case {
            channel: to_wire(Channel::Visit),
            headcount,
            received_time: received.map(to_timestamp),
            complainants: vec![Complainant {
                display_name: NAME.to_owned(),
                email: format!("{EMAIL}-{headcount}@example.com"),
                ..Default::default()
            }],
            text: matter.to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let answer = platform.callers().cases().create_case(request).await;
    let answer = answer.expect("the complaint is taken in").into_inner();
    answer.case.expect("the answer carries the case")
}

/// The span of this call that came in last.
fn last_call(spans: &[Span], method: &str) -> Option<Span> {
    let server = |span: &&Span| span.name == method && span.kind == 2;
    spans.iter().rfind(server).cloned()
}

fn edges(pairs: &[(&str, &str)]) -> BTreeSet<(String, String)> {
    let full = |name: &str| format!("redress-{name}");
    pairs.iter().map(|(a, b)| (full(a), full(b))).collect()
}

fn delivered<'a>(spans: &'a [Span], template: &str) -> Option<&'a Span> {
    spans.iter().find(|span| {
        let of = span.attributes.get("redress.message.template");
        span.name == "message.deliver" && of.is_some_and(|t| t == template)
    })
}

/// The parent of a span, by the ids of its own trace.
fn parent<'a>(spans: &'a [Span], of: &Span) -> Option<&'a Span> {
    let is = |span: &&Span| span.span_id == of.parent_span_id && span.trace_id == of.trace_id;
    spans.iter().find(is)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn traces_lead_from_a_complaint_to_its_call_out_its_broken_promise_and_its_survey() {
    let platform = Platform::start().await;
    telling::no_quiet_hours(&platform).await;

    // Twelve people, two hours ago: an incident, and a promise that is broken already.
    let earlier = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(2);
    complain(
        &platform,
        &format!("{WORDS},三期规划图纸改了,中心绿地变成了停车场"),
        12,
        Some(earlier),
    )
    .await;
    let wanted = edges(&[
        ("intake", "triage"),
        ("intake", "notification"),
        ("triage", "assignment"),
        ("triage", "crisis"),
        ("triage", "notification"),
        ("assignment", "notification"),
        ("crisis", "notification"),
    ]);
    eventually(PATIENCE, async || {
        let all = platform.collector.spans();
        let created = last_call(&all, CREATE).ok_or("no CreateCase yet".to_owned())?;
        let trace = platform.collector.trace(&created.trace_id);
        let seen = platform.collector.edges(&created.trace_id);
        let missing: Vec<_> = wanted.difference(&seen).collect();
        if !missing.is_empty() {
            return Err(format!("missing {missing:?}, there are {seen:?}"));
        }
        delivered(&trace, "incident.callout").ok_or("no call-out yet")?;
        // Over the outbox: whoever takes an event in is a child of the sender's span, in another process.
        let apply = |span: &&Span| {
            span.kind == CONSUMER && span.name.starts_with("apply redress.case.received")
        };
        let takers: BTreeSet<&str> = trace
            .iter()
            .filter(apply)
            .filter(|span| parent(&trace, span).is_some_and(|p| p.service == "redress-intake"))
            .map(|span| span.service.as_str())
            .collect();
        if takers.len() < 4 {
            return Err(format!("case.received was taken in by {takers:?}"));
        }
        // Over a timer: the promise fires in the complaint's trace, and links with the batch it fired in.
        let fired = trace.iter().find(|span| span.name == "clock.fire");
        let fired = fired.ok_or("no clock has fired in its trace")?;
        let batch = all.iter().find(|span| {
            let links = span.links.iter().any(|(_, id)| *id == fired.span_id);
            span.name == "timer.fire" && links
        });
        let batch = batch.ok_or("no batch links to the clock that fired")?;
        let back = (batch.trace_id.clone(), batch.span_id.clone());
        assert!(fired.links.contains(&back), "{:?}", fired.links);
        assert_ne!(batch.trace_id, created.trace_id);
        delivered(&trace, "clock.breached").ok_or("nobody is told of the broken promise yet")?;
        Ok(())
    })
    .await;

    // A complaint that somebody handles: the survey belongs to the trace of that work, and leads back to the complaint.
    let case = complain(&platform, "电梯按钮失灵,希望尽快维修", 1, None).await;
    let name = case.name.replacen("/cases/", "/work/", 1);
    let mut client = platform.callers().work();
    eventually(PATIENCE, async || {
        let accept = work::AcceptAssignmentRequest {
            name: name.clone(),
            ..Default::default()
        };
        let answer = client.clone().accept_assignment(accept).await;
        answer.map(|_| ()).map_err(|s| s.to_string())
    })
    .await;
    let progress = work::LogProgressRequest {
        name: name.clone(),
        text: "looked".to_owned(),
        ..Default::default()
    };
    client.log_progress(progress).await.expect("accepted");
    eventually(PATIENCE, async || {
        let sent = telling::sent(&platform, &case.name, "case.received").await?;
        let told = sent.len() == 1;
        told.then_some(()).ok_or("no receipt".to_owned())
    })
    .await;
    let resolve = work::ResolveWorkRequest {
        name,
        summary: "sealed".to_owned(),
        root_cause: "a loose contact".to_owned(),
        ..Default::default()
    };
    client.resolve_work(resolve).await.expect("investigated");
    eventually(PATIENCE, async || {
        let all = platform.collector.spans();
        let created = last_call(&all, CREATE).ok_or("no CreateCase yet".to_owned())?;
        let resolved = last_call(&all, RESOLVE).ok_or("no ResolveWork yet".to_owned())?;
        let survey = delivered(&all, "survey.asked").ok_or("no survey yet".to_owned())?;
        assert_eq!(survey.trace_id, resolved.trace_id);
        assert_ne!(survey.trace_id, created.trace_id);
        assert!(
            survey
                .links
                .iter()
                .any(|(trace, _)| *trace == created.trace_id),
            "{:?}",
            survey.links
        );
        let seen = platform.collector.edges(&resolved.trace_id);
        let wanted = edges(&[("assignment", "notification")]);
        let missing: Vec<_> = wanted.difference(&seen).collect();
        missing
            .is_empty()
            .then_some(())
            .ok_or_else(|| format!("missing {missing:?}, there are {seen:?}"))
    })
    .await;

    // Ending flushes what telemetry still holds.
    for service in SERVICES {
        assert_eq!(platform.terminate(service), Some(0), "{service}");
    }
    for canary in [NAME, EMAIL, WORDS] {
        let places = platform.collector.places_of(canary);
        assert!(places.is_empty(), "{canary} in {places:?}");
    }
}
