//! Each alert fires when its fault is caused: on a running platform, the metric that its rule reads crosses the rule's
//! threshold, and did not before. What a rule reads by its rate or increase is measured as that rule would see it: a
//! series that begins with its fault counts only where the rule counts beginnings, or waits for what lasts. That the rules
//! themselves then fire is tested by `promtool` (make manifests-check), which also holds this file against the list of alerts.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use redress_model::words::{Channel, SiteKind, Word as _};
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::intake::v1::{
    Case, CreateCaseRequest, CreateSiteRequest, GetCaseRequest, GetRegionRequest, Site,
};
use redress_store::Role;
use redress_testkit::eventually;
use redress_testkit::otlp::{Attributes, Point};
use redress_testkit::proxy::{FaultProxy, Mode};
use redress_tests::{Platform, SITE};
use secrecy::ExposeSecret as _;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};
use tokio::task::JoinSet;
use uuid::Uuid;

/// The rules as Prometheus reads them.
const RULES: [&str; 2] = [
    include_str!("../../deploy/observability/alerts/redress.yaml"),
    include_str!("../../deploy/observability/alerts/slo.yaml"),
];
/// How long a fault may take to show: the slowest thresholds are a minute, after a promise that is due in half of one.
const LIMIT: Duration = Duration::from_secs(180);
/// Of a grade-1 complaint, the promise that is due first.
const FIRST_PROMISE: jiff::SignedDuration = jiff::SignedDuration::from_mins(15);

/// A series: its service, its replica and its labels.
type Series<'a> = (&'a str, &'a str, &'a Attributes);

/// What a metric shows: of each series its last point, and the last one before a test began to watch.
struct Shown<'a> {
    series: BTreeMap<Series<'a>, (Option<&'a Point>, &'a Point)>,
    /// Whether a series that began since then counts whole, or not at all.
    counts_births: bool,
}

impl<'a> Shown<'a> {
    /// `since`: how many points there were when the test began to watch.
    fn of_metric(points: &'a [Point], metric: &str, since: usize, counts_births: bool) -> Self {
        let mut series = BTreeMap::new();
        for (place, point) in points.iter().enumerate() {
            if point.name != metric {
                continue;
            }
            let (service, instance) = (point.service.as_str(), point.instance.as_str());
            let before = (place < since).then_some(point);
            let (known, last) = series
                .entry((service, instance, &point.attributes))
                .or_insert((before, point));
            *known = before.or(*known);
            *last = point;
        }
        Self {
            series,
            counts_births,
        }
    }

    /// The sum over the series that carry these labels; `job` is the service.
    fn sum(&self, labels: &[(&str, &str)]) -> f64 {
        self.of(labels).map(|point| point.value).sum()
    }

    /// The largest of the series that carry these labels; 0 where there is none.
    fn max(&self, labels: &[(&str, &str)]) -> f64 {
        self.of(labels).map(|point| point.value).fold(0.0, f64::max)
    }

    /// By how much these series grew since the test began to watch, together.
    fn increase(&self, labels: &[(&str, &str)]) -> f64 {
        self.matching(labels)
            .map(|series| self.growth(series, |point| point.value))
            .sum()
    }

    /// By how much that one of these series grew that grew most.
    fn largest_increase(&self, labels: &[(&str, &str)]) -> f64 {
        self.matching(labels)
            .map(|series| self.growth(series, |point| point.value))
            .fold(0.0, f64::max)
    }

    /// How many of the observations that these series grew by lay above a bound of their buckets.
    fn increase_above(&self, bound: f64, labels: &[(&str, &str)]) -> f64 {
        let above = |point: &Point| {
            let found = point.above.iter().find(|(b, _)| *b == bound);
            let (_, count) = found.expect("a rule asks for a bound that there is");
            *count as f64
        };
        self.matching(labels)
            .map(|series| self.growth(series, above))
            .sum()
    }

    fn growth(
        &self,
        (known, last): (Option<&Point>, &Point),
        value: impl Fn(&Point) -> f64,
    ) -> f64 {
        match known {
            Some(known) => value(last) - value(known),
            None if self.counts_births => value(last),
            None => 0.0,
        }
    }

    fn of(&self, labels: &[(&str, &str)]) -> impl Iterator<Item = &Point> {
        self.matching(labels).map(|(_, last)| last)
    }

    fn matching(&self, labels: &[(&str, &str)]) -> impl Iterator<Item = (Option<&Point>, &Point)> {
        self.series.values().copied().filter(move |(_, point)| {
            labels.iter().all(|(key, value)| match *key {
                "job" => point.service == *value,
                key => point.attributes.get(key).is_some_and(|v| v == value),
            })
        })
    }
}

/// An alert that is to fire, by what its rule reads.
struct Alert<'a, F> {
    platform: &'a Platform,
    name: &'a str,
    metrics: &'a [&'a str],
    since: usize,
    counts_births: bool,
    crosses: F,
}

/// An alert whose metrics do not cross their threshold yet. What they counted until now is not of its fault.
fn silent<'a, F: Fn(&[Shown<'_>]) -> bool>(
    platform: &'a Platform,
    name: &'a str,
    metrics: &'a [&'a str],
    crosses: F,
) -> Alert<'a, F> {
    let group = RULES
        .iter()
        .flat_map(|file| file.split("\n  - name: "))
        .find(|group| group.contains(&format!("- alert: {name}\n")))
        .unwrap_or_else(|| panic!("{name} is no alert"));
    let head = format!("alert: {name}\n");
    let rules = group.split("\n      - ");
    let rules: String = rules
        .filter(|rule| rule.starts_with(&head) || rule.starts_with("record: "))
        .collect();
    for metric in metrics {
        let stored = metric.replace('.', "_");
        assert!(rules.contains(&stored), "{name} does not read {metric}");
    }
    // What lasts goes on after its series began: who waits for it sees the rest.
    let waits = rules.contains("\n        for: ") && !rules.contains("\n        for: 0m");
    let alert = Alert {
        platform,
        name,
        metrics,
        since: platform.collector.points().len(),
        counts_births: waits || rules.contains(" unless last_over_time("),
        crosses,
    };
    assert!(!alert.is_crossed(), "{name} fires before its fault");
    alert
}

impl<F: Fn(&[Shown<'_>]) -> bool> Alert<'_, F> {
    fn is_crossed(&self) -> bool {
        let points = self.platform.collector.points();
        let of = |metric: &&str| Shown::of_metric(&points, metric, self.since, self.counts_births);
        let shown: Vec<Shown<'_>> = self.metrics.iter().map(of).collect();
        (self.crosses)(&shown)
    }

    /// Waits until they cross it.
    async fn fires(self) {
        eventually(LIMIT, async || {
            self.is_crossed()
                .then_some(())
                .ok_or_else(|| format!("{} does not fire: {:?}", self.name, self.seen()))
        })
        .await;
    }

    /// The last points of its metrics, for the message.
    fn seen(&self) -> Vec<String> {
        let points = self.platform.collector.points();
        let of = points.iter().rev();
        let of = of.filter(|point| self.metrics.contains(&point.name.as_str()));
        of.take(8)
            .map(|p| format!("{} {} {:?} = {}", p.service, p.name, p.attributes, p.value))
            .collect()
    }
}

const CALLS: &str = "rpc.server.call.duration";
const INTAKE: (&str, &str) = ("job", "redress-intake");
const CODE: &str = "rpc.response.status_code";
const CREATE: (&str, &str) = ("rpc.method", "redress.intake.v1.CaseService/CreateCase");

fn complaint(headcount: i32, received: Option<jiff::Timestamp>) -> CreateCaseRequest {
    CreateCaseRequest {
        parent: format!("sites/{SITE}"),
        request_id: Uuid::new_v4().to_string(),
        case: Some(Case {
            channel: to_wire(Channel::Visit),
            headcount,
            text: "三期规划图纸改了,中心绿地变成了停车场".to_owned(),
            received_time: received.map(to_timestamp),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// Complains as a portal does: what was not accepted is sent again as it is (I2).
async fn complain(platform: &Platform, request: CreateCaseRequest) -> Case {
    eventually(LIMIT, async || {
        let mut cases = platform.callers().cases();
        let answer = cases.create_case(request.clone()).await;
        let answer = answer.map_err(|s| s.to_string())?.into_inner();
        answer.case.ok_or_else(|| "an empty answer".to_owned())
    })
    .await
}

async fn sql(platform: &Platform, statement: &str) {
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
        .execute(&platform.database.admin)
        .await
        .unwrap_or_else(|error| panic!("{statement}: {error}"));
}

/// Sends complaints side by side, whatever becomes of them, until it is dropped.
fn flood(platform: &Platform, at_once: usize) -> JoinSet<()> {
    let client = platform.callers().cases();
    let mut callers = JoinSet::new();
    for _ in 0..at_once {
        let mut client = client.clone();
        callers.spawn(async move {
            loop {
                let _ = client.create_case(complaint(1, None)).await;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
    }
    callers
}

/// Puts a proxy between intake and Postgres.
async fn behind_a_proxy(platform: &Platform) -> FaultProxy {
    let options = platform.database.admin_options();
    let host = options.get_host().parse().expect("an address");
    let proxy = FaultProxy::start(SocketAddr::new(host, options.get_port())).await;
    let address = proxy.address();
    for (role, key) in [
        (Role::App, "DATABASE__APP_URL"),
        (Role::Worker, "DATABASE__WORKER_URL"),
    ] {
        let url = platform.database.url("intake", role);
        let direct: PgConnectOptions = url.expose_secret().parse().expect("a URL of Postgres");
        let through = direct.host(&address.ip().to_string()).port(address.port());
        platform.configure("intake", key, through.to_url_lossy().as_str());
    }
    platform.terminate("intake");
    platform.restart("intake").await;
    proxy
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_that_is_away_shows_in_the_alerts_of_calls() {
    let platform = Platform::start().await;
    let proxy = behind_a_proxy(&platform).await;
    for _ in 0..5 {
        complain(&platform, complaint(1, None)).await;
    }
    // While the pool still tries to connect, callers hear that it is exhausted.
    let refusals = |shown: &Shown<'_>| {
        let codes = ["UNAVAILABLE", "RESOURCE_EXHAUSTED"];
        let of = codes.map(|code| shown.increase(&[INTAKE, (CODE, code)]));
        of.iter().sum::<f64>()
    };
    let away = |shown: &[Shown<'_>]| {
        let failed = |point: &Point| point.attributes.contains_key("error.type");
        refusals(&shown[0]) > 0.0 && shown[1].of(&[INTAKE]).any(failed)
    };
    let refused = |budgets: f64| {
        move |shown: &[Shown<'_>]| {
            let codes = [
                "UNAVAILABLE",
                "RESOURCE_EXHAUSTED",
                "DEADLINE_EXCEEDED",
                "INTERNAL",
            ];
            let failed = codes.map(|code| shown[0].increase(&[INTAKE, CREATE, (CODE, code)]));
            let all = shown[0].increase(&[INTAKE, CREATE]);
            failed.iter().sum::<f64>() / all.max(1.0) > budgets * 0.001
        }
    };
    let transactions = [CALLS, "db.client.operation.duration"];
    let away = silent(&platform, "RedressPostgresAway", &transactions, away);
    let calls = [CALLS];
    let fast = silent(
        &platform,
        "RedressComplaintsRefusedFast",
        &calls,
        refused(14.4),
    );
    let slowly = silent(
        &platform,
        "RedressComplaintsRefusedSlowly",
        &calls,
        refused(3.0),
    );
    proxy.set(Mode::Refuse);
    proxy.cut();
    for _ in 0..5 {
        let mut cases = platform.callers().cases();
        let answer = cases.create_case(complaint(1, None)).await;
        let status = answer.expect_err("Postgres is away");
        let codes = [tonic::Code::Unavailable, tonic::Code::ResourceExhausted];
        assert!(codes.contains(&status.code()), "{status:?}");
    }
    away.fires().await;
    fast.fires().await;
    slowly.fires().await;
    // I1: nothing has to be restarted afterwards.
    proxy.set(Mode::Forward);
    eventually(LIMIT, async || {
        let mut cases = platform.callers().cases();
        let answer = cases.create_case(complaint(1, None)).await;
        answer.map(|_| ()).map_err(|s| s.to_string())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rights_taken_away_transactions_killed_and_tables_locked_show_in_the_alerts_of_calls() {
    let platform = Platform::start().await;

    // A right that somebody took away: to the code, a defect.
    let started = Instant::now();
    let calls = [CALLS];
    let fails = silent(&platform, "RedressCallsFail", &calls, |shown| {
        shown[0].increase(&[INTAKE, (CODE, "INTERNAL")]) > 0.05 * started.elapsed().as_secs_f64()
    });
    sql(
        &platform,
        "REVOKE SELECT ON intake.region FROM redress_intake_app",
    )
    .await;
    for _ in 0..20 {
        let request = GetRegionRequest {
            name: "organizations/demo/regions/north".to_owned(),
        };
        let answer = platform.callers().directory().get_region(request).await;
        let status = answer.expect_err("it may not read them");
        assert_eq!(status.code(), tonic::Code::Internal, "{status:?}");
    }
    fails.fires().await;
    sql(
        &platform,
        "GRANT SELECT ON intake.region TO redress_intake_app",
    )
    .await;

    // Somebody ends its transactions again and again, as a failover does once.
    let started = Instant::now();
    let retries = ["redress.db.transaction.retries"];
    let contend = silent(&platform, "RedressTransactionsContend", &retries, |shown| {
        shown[0].largest_increase(&[INTAKE]) > started.elapsed().as_secs_f64()
    });
    let admin = platform.database.admin.clone();
    let killer = tokio::spawn(async move {
        loop {
            let _ = sqlx::query(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                 WHERE datname = current_database() AND application_name = 'redress-intake' AND state <> 'idle'",
            )
            .execute(&admin)
            .await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let callers = flood(&platform, 16);
    contend.fires().await;
    killer.abort();
    drop(callers);

    // A table that somebody locked: calls pile up behind it.
    let started = Instant::now();
    let shed = silent(&platform, "RedressCallsShed", &calls, |shown| {
        shown[0].increase(&[INTAKE, (CODE, "RESOURCE_EXHAUSTED")])
            > 0.5 * started.elapsed().as_secs_f64()
    });
    let connections = ["db.client.connection.count", "db.client.connection.max"];
    let full = silent(
        &platform,
        "RedressConnectionsExhausted",
        &connections,
        |shown| {
            let pool = ("db.client.connection.pool.name", "app");
            let used = ("db.client.connection.state", "used");
            shown[0].sum(&[INTAKE, pool, used]) / shown[1].sum(&[INTAKE, pool]) > 0.9
        },
    );
    let mut holder = sqlx::PgConnection::connect_with(&platform.database.admin_options())
        .await
        .expect("postgres answers");
    sqlx::raw_sql("BEGIN; LOCK TABLE intake.complaint IN ACCESS EXCLUSIVE MODE")
        .execute(&mut holder)
        .await
        .expect("the table is there");
    let callers = flood(&platform, 600);
    full.fires().await;
    shed.fires().await;
    drop(callers);
    holder.close().await.expect("closes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_is_full_robbed_or_away_shows_in_the_alerts_of_redis() {
    let platform = Platform::start().await;
    let ask = |command: &[&str]| platform.redis.ask(command).expect("Redis answers");

    let memory = ["redress.redis.memory.used", "redress.redis.memory.limit"];
    let full = silent(&platform, "RedressRedisFull", &memory, |shown| {
        let limit = shown[1].max(&[]);
        limit > 0.0 && shown[0].max(&[]) / limit > 0.9
    });
    let info = ask(&["INFO", "memory"]);
    let used = info
        .lines()
        .find_map(|line| line.trim().strip_prefix("used_memory:"))
        .and_then(|bytes| bytes.parse::<u64>().ok())
        .expect("Redis says how much it uses");
    ask(&[
        "CONFIG",
        "SET",
        "maxmemory",
        &(used + used / 50).to_string(),
    ]);
    full.fires().await;
    ask(&["CONFIG", "SET", "maxmemory", "0"]);

    // Somebody else deletes what the index holds, but not what says that it is complete.
    for _ in 0..8 {
        complain(&platform, complaint(1, None)).await;
    }
    let repairs = ["redress.timers.repairs"];
    let repaired = silent(&platform, "RedressTimersRepaired", &repairs, |shown| {
        shown[0].increase(&[("redress.timers.name", "triage")]) > 100.0
    });
    let thief = tokio::spawn({
        let redis = platform.redis.clone();
        async move {
            loop {
                let rob = "for _, key in ipairs(redis.call('KEYS', 'redress:{timers:triage:*')) do \
                           if redis.call('TYPE', key).ok == 'zset' then redis.call('DEL', key) end end";
                let _ = redis.ask(&["EVAL", rob, "0"]);
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        }
    });
    repaired.fires().await;
    thief.abort();

    let ready = ["redress.timers.index.ready"];
    let away = silent(&platform, "RedressRedisAway", &ready, |shown| {
        shown[0].of(&[]).any(|point| point.value < 1.0)
    });
    platform.redis.end().await;
    away.fires().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_is_gone_and_comes_back_shows_in_the_alerts_of_events() {
    let platform = Platform::start().await;
    let from_triage = [("job", "redress-triage"), ("redress.subscriber", "crisis")];
    let delay = ["redress.events.delay"];
    let waits = silent(
        &platform,
        "RedressEventsWait",
        &["redress.events.outbox.age"],
        |shown| shown[0].max(&[("redress.subscriber", "crisis")]) > 60.0,
    );
    platform.kill("crisis");
    let sent = |points: &[Point], service: &str| {
        points
            .iter()
            .filter(|point| point.service == service)
            .count()
    };
    // Of what was delivered since, how much came later than the bound.
    let late = silent(&platform, "RedressEventsLate", &delay, |shown| {
        let late = shown[0].increase_above(30.0, &from_triage);
        late / shown[0].increase(&from_triage).max(1.0) > 0.05
    });
    let opening = ["redress.crisis.opening.delay"];
    let opens_late = |budgets: f64| {
        move |shown: &[Shown<'_>]| {
            let late = shown[0].increase_above(5.0, &[]);
            late / shown[0].increase(&[]).max(1.0) > budgets * 0.001
        }
    };
    let fast = silent(
        &platform,
        "RedressIncidentsOpenLateFast",
        &opening,
        opens_late(14.4),
    );
    let slowly = silent(
        &platform,
        "RedressIncidentsOpenLateSlowly",
        &opening,
        opens_late(3.0),
    );
    complain(&platform, complaint(12, None)).await;
    waits.fires().await;
    // RedressServiceAway reads target_info, which the collector makes of whoever sends anything at all.
    assert!(RULES[0].contains("- alert: RedressServiceAway\n"));
    let then = platform.collector.points();
    let now = eventually(LIMIT, async || {
        let now = platform.collector.points();
        let more = sent(&now, "redress-triage") > sent(&then, "redress-triage") + 100;
        more.then_some(now)
    })
    .await;
    let silence = [&then, &now].map(|points| sent(points, "redress-crisis"));
    assert_eq!(silence[0], silence[1], "who was killed is silent");

    platform.restart("crisis").await;
    late.fires().await;
    fast.fires().await;
    slowly.fires().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_that_are_refused_show_in_the_alerts_of_timers_messages_and_events() {
    let platform = Platform::start().await;
    let triage = ("redress.timers.name", "triage");
    let waiting = ["redress.notification.overdue.age"];
    let messages = silent(&platform, "RedressMessagesOverdue", &waiting, |shown| {
        shown[0].max(&[]) > 60.0
    });
    let taking_up = "REVOKE UPDATE ON notification.message FROM redress_notification_app, redress_notification_worker";
    sql(&platform, taking_up).await;
    let due = jiff::Timestamp::now() - FIRST_PROMISE + jiff::SignedDuration::from_secs(90);
    let case = complain(&platform, complaint(12, Some(due))).await;
    eventually(LIMIT, async || {
        let name = case.name.clone();
        let mut cases = platform.callers().cases();
        let answer = cases.get_case(GetCaseRequest { name }).await;
        let case = answer.map_err(|s| s.to_string())?.into_inner().case;
        let known = case.unwrap_or_default();
        let settled = known.clocks.len() >= 3 && !known.incident.is_empty();
        settled.then_some(()).ok_or("not settled".to_owned())
    })
    .await;

    let overdue = ["redress.timers.overdue.age"];
    let is_overdue = |shown: &[Shown<'_>]| shown[0].max(&[triage]) > 60.0;
    // The warning of a complaint that is entered late is overdue from its first moment, until it fires.
    eventually(LIMIT, async || {
        let points = platform.collector.points();
        let crossed = is_overdue(&[Shown::of_metric(&points, overdue[0], 0, true)]);
        (!crossed).then_some(()).ok_or("still overdue".to_owned())
    })
    .await;
    let overdue = silent(&platform, "RedressTimersOverdue", &overdue, is_overdue);
    let fired = ["redress.timers.fired"];
    let fail = silent(&platform, "RedressTimersFail", &fired, |shown| {
        let of = |outcome| shown[0].increase(&[triage, ("redress.timers.outcome", outcome)]);
        of("failed") + of("timeout") > 0.0
    });
    let lag = ["redress.timers.lag"];
    // The warning of a complaint that was entered so late has fired late itself, in good order: before this.
    let late = |budgets: f64| {
        move |shown: &[Shown<'_>]| {
            let late = shown[0].increase_above(10.0, &[triage]);
            late / shown[0].increase(&[triage]).max(1.0) > budgets * 0.001
        }
    };
    let fast = silent(&platform, "RedressTimersLateFast", &lag, late(14.4));
    let slowly = silent(&platform, "RedressTimersLateSlowly", &lag, late(3.0));
    let deliveries = ["redress.events.deliveries"];
    let refused = silent(&platform, "RedressEventsRefused", &deliveries, |shown| {
        shown[0].increase(&[
            INTAKE,
            ("redress.subscriber", "triage"),
            ("redress.outcome", "refused"),
        ]) > 0.0
    });
    let parked = ["redress.events.parked"];
    let parked = silent(&platform, "RedressEventsParked", &parked, |shown| {
        shown[0].max(&[INTAKE]) > 0.0
    });

    sql(
        &platform,
        "REVOKE UPDATE ON triage.clock FROM redress_triage_app",
    )
    .await;
    sql(
        &platform,
        "REVOKE INSERT ON triage.decision FROM redress_triage_app",
    )
    .await;
    // Triage cannot decide on it.
    complain(&platform, complaint(1, None)).await;
    refused.fires().await;
    fail.fires().await;
    overdue.fires().await;
    messages.fires().await;
    parked.fires().await;
    // What is mended fires by itself, late.
    sql(
        &platform,
        "GRANT UPDATE ON triage.clock TO redress_triage_app",
    )
    .await;
    fast.fires().await;
    slowly.fires().await;

    let failures = ["redress.timers.overdue.failures"];
    let uncounted = silent(&platform, "RedressTimersUncounted", &failures, |shown| {
        shown[0].increase(&[triage]) > 0.0
    });
    sql(
        &platform,
        "REVOKE SELECT ON triage.clock FROM redress_triage_worker",
    )
    .await;
    uncounted.fires().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_who_are_not_reached_show_in_the_alerts_of_messages_and_promises() {
    let platform = Platform::start().await;
    // A mail server that refuses, and no other way.
    for (key, value) in [
        ("SERVICE__SMTP__URL", "smtp://localhost:9"),
        ("SERVICE__SMTP__FROM", "Service <service@example.com>"),
        ("SERVICE__OUTBOX", "false"),
        ("SERVICE__TASKS", "false"),
        ("SERVICE__APP", "false"),
        ("SERVICE__ATTEMPTS_PER_WAY_MAX", "1"),
    ] {
        platform.configure("notification", key, value);
    }
    // A promise shorter than anybody could keep.
    platform.configure("crisis", "SERVICE__HOLDING_STATEMENT", "1 minute");
    for service in ["notification", "crisis"] {
        platform.terminate(service);
        platform.restart(service).await;
    }
    let failed = |shown: &Shown<'_>, template: &str| {
        shown.increase(&[
            ("redress.message.template", template),
            ("redress.message.state", "FAILED"),
        ])
    };
    let callouts = |budgets: f64| {
        move |shown: &[Shown<'_>]| {
            let template = ("redress.message.template", "incident.callout");
            let sent = shown[0].increase(&[template, ("redress.message.state", "SENT")]);
            let lost = failed(&shown[0], "incident.callout");
            lost / (sent + lost).max(1.0) > budgets * 0.001
        }
    };
    let ended = ["redress.notification.messages"];
    let messages = silent(&platform, "RedressMessagesFail", &ended, |shown| {
        failed(&shown[0], "incident.callout") > 0.0
    });
    let fast = silent(&platform, "RedressCalloutsFailFast", &ended, callouts(14.4));
    let slowly = silent(
        &platform,
        "RedressCalloutsFailSlowly",
        &ended,
        callouts(3.0),
    );
    let attempts = ["redress.notification.attempts"];
    let provider = silent(&platform, "RedressProviderFails", &attempts, |shown| {
        let bad = ["TRANSIENT", "PERMANENT", "UNKNOWN"];
        let bad = bad.map(|outcome| shown[0].increase(&[("redress.message.outcome", outcome)]));
        bad.iter().sum::<f64>() / shown[0].increase(&[]).max(1.0) > 0.5
    });
    let promises = ["redress.crisis.promises"];
    let promises = silent(
        &platform,
        "RedressIncidentPromisesBroken",
        &promises,
        |shown| shown[0].max(&[("redress.outcome", "breached")]) > 0.0,
    );
    let unheard = ["redress.triage.clocks.unheard"];
    let unheard = silent(&platform, "RedressPromisesUnheard", &unheard, |shown| {
        shown[0].max(&[]) > 0.0
    });

    complain(&platform, complaint(12, None)).await;
    // A site at which nobody is on duty, and a complaint of two hours ago.
    let site = Site {
        region: "organizations/demo/regions/north".to_owned(),
        kind: SiteKind::Residential.number(),
        display_name: "nobody's estate".to_owned(),
        time_zone: "Asia/Shanghai".to_owned(),
        number_prefix: "NO".to_owned(),
        language: "zh-CN".to_owned(),
        ..Default::default()
    };
    let request = CreateSiteRequest {
        site_id: "nobody".to_owned(),
        site: Some(site),
        ..Default::default()
    };
    let made = platform.callers().directory().create_site(request).await;
    made.expect("the site is made");
    let earlier = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(2);
    let request = CreateCaseRequest {
        parent: "sites/nobody".to_owned(),
        ..complaint(12, Some(earlier))
    };
    complain(&platform, request).await;
    provider.fires().await;
    messages.fires().await;
    fast.fires().await;
    slowly.fires().await;
    unheard.fires().await;
    promises.fires().await;
}
