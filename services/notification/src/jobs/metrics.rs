//! What an operator watches: how messages end, and how far behind the sender is.

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Gauge, Meter};

use crate::domain::breaker::Standing;
use crate::domain::route::Way;
use crate::domain::task::{TaskKind, TaskOutcome};
use crate::domain::words::{DeliveryReport, HoldDecision};
use crate::store::messages::{Backlog, Message};

/// Instruments of this service.
#[derive(Debug, Clone)]
pub struct Metrics {
    attempts: Counter<u64>,
    ended: Counter<u64>,
    reports: Counter<u64>,
    overdue: Gauge<i64>,
    oldest: Gauge<f64>,
    dead: Gauge<i64>,
    breaker: Gauge<i64>,
    tasks: Counter<u64>,
    put_on: Counter<u64>,
    late: Gauge<i64>,
    overrides: Counter<u64>,
    decisions: Counter<u64>,
}

impl Metrics {
    /// Instruments of this meter.
    pub fn new(meter: &Meter) -> Self {
        Self {
            attempts: meter
                .u64_counter("redress.notification.attempts")
                .with_unit("{attempt}")
                .with_description("Attempts to send a message, by way and outcome.")
                .build(),
            ended: meter
                .u64_counter("redress.notification.messages")
                .with_unit("{message}")
                .with_description(
                    "Messages that reached a state, by template. FAILED asks for a person.",
                )
                .build(),
            reports: meter
                .u64_counter("redress.notification.reports")
                .with_unit("{report}")
                .with_description("What gateways reported of messages that they had taken.")
                .build(),
            overdue: meter
                .i64_gauge("redress.notification.overdue")
                .with_unit("{message}")
                .with_description("Messages whose time has come and that nobody has taken up yet.")
                .build(),
            oldest: meter
                .f64_gauge("redress.notification.overdue.age")
                .with_unit("s")
                .with_description("How long the oldest of them has been waiting.")
                .build(),
            dead: meter
                .i64_gauge("redress.notification.dead_letters")
                .with_unit("{message}")
                .with_description("Messages that failed for good and wait for a person.")
                .build(),
            breaker: meter
                .i64_gauge("redress.notification.breaker")
                .with_description(
                    "How a provider stands at this replica: 0 closed, 1 half-open, 2 open.",
                )
                .build(),
            tasks: meter
                .u64_counter("redress.notification.tasks")
                .with_unit("{task}")
                .with_description("Calls and letters that people ended, by kind and outcome.")
                .build(),
            put_on: meter
                .u64_counter("redress.notification.tasks.put_on")
                .with_unit("{task}")
                .with_description(
                    "Calls and letters that were late, or with nobody, and were put to the next person.",
                )
                .build(),
            late: meter
                .i64_gauge("redress.notification.tasks.overdue")
                .with_unit("{task}")
                .with_description("Calls and letters that are late and that nobody has ended.")
                .build(),
            overrides: meter
                .u64_counter("redress.notification.wording.overrides")
                .with_unit("{override}")
                .with_description("Texts that went out against the wording check, with a reason.")
                .build(),
            decisions: meter
                .u64_counter("redress.notification.voice.decisions")
                .with_unit("{message}")
                .with_description(
                    "Messages that waited for the spokesperson, by what became of them.",
                )
                .build(),
        }
    }

    /// An attempt by this way ended, or its worker did.
    pub fn attempted(&self, way: Way, outcome: &'static str) {
        self.attempts.add(
            1,
            &[
                KeyValue::new("redress.message.channel", way.channel.word()),
                KeyValue::new("redress.message.provider", way.provider.word()),
                KeyValue::new("redress.message.outcome", outcome),
            ],
        );
    }

    /// How the provider of a way stands.
    pub fn stands(&self, way: Way, standing: Standing) {
        let provider = KeyValue::new("redress.message.provider", way.provider.word());
        self.breaker.record(standing.number(), &[provider]);
    }

    /// Somebody with authority let a text through: of a `message`, a `template` or a `notice`.
    pub fn overridden(&self, what: &'static str) {
        self.overrides
            .add(1, &[KeyValue::new("redress.wording.of", what)]);
    }

    /// A message that waited for the spokesperson was decided.
    pub fn decided(&self, decision: HoldDecision) {
        let decision = KeyValue::new("redress.message.decision", decision.word());
        self.decisions.add(1, &[decision]);
    }

    /// A person ended a task.
    pub fn task_ended(&self, kind: TaskKind, outcome: TaskOutcome) {
        self.tasks.add(
            1,
            &[
                KeyValue::new("redress.task.kind", kind.word()),
                KeyValue::new("redress.task.outcome", outcome.word()),
            ],
        );
    }

    /// A task was put to the next person.
    pub fn task_put_on(&self, kind: TaskKind) {
        let kind = KeyValue::new("redress.task.kind", kind.word());
        self.put_on.add(1, &[kind]);
    }

    /// How many tasks are late.
    pub fn late_tasks(&self, late: i64) {
        self.late.record(late, &[]);
    }

    /// A gateway reported.
    pub fn reported(&self, report: DeliveryReport) {
        let report = KeyValue::new("redress.message.report", report.word());
        self.reports.add(1, &[report]);
    }

    /// A message reached a state.
    pub fn reached(&self, message: &Message) {
        self.ended.add(
            1,
            &[
                KeyValue::new("redress.message.template", message.template.key()),
                KeyValue::new("redress.message.state", message.fate.state.word()),
            ],
        );
    }

    /// How far behind the sender is.
    pub fn behind(&self, backlog: Backlog) {
        self.overdue.record(backlog.overdue, &[]);
        self.dead.record(backlog.dead, &[]);
        self.oldest.record(backlog.age, &[]);
    }
}
