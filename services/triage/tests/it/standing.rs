//! What an operator watches of all sites: the worst of them by name, as many as were asked for, and none unasked.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};
use redress_model::ids::new_id;
use redress_model::name::CaseName;
use redress_model::words::{ClockState, HoldReason};
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::event::v1 as event;
use redress_proto::triage::v1 as wire;
use redress_proto::triage::v1::clock_service_server::ClockService;
use redress_triage::jobs::watch_standing;
use redress_triage::store::standing::worst_sites;
use tokio_util::sync::CancellationToken;

use crate::world::{World, by, site};

/// Four sites whose promises were all broken: the more cases, the worse. Their names stand in another order. One more,
/// the world's own, keeps its promises.
async fn broken() -> World {
    let world = World::new().await;
    for (id, cases) in [("alder", 1), ("birch", 1), ("cedar", 2), ("doyen", 3)] {
        let place = site(id);
        world.learn(&place).await;
        for _ in 0..cases {
            let case = CaseName::new(place.clone(), new_id(world.now()));
            let facts = event::CaseFacts {
                first_contact_owner: format!("sites/{id}/staff/clerk"),
                ..world.facts(&case)
            };
            let payload = event::CaseReceived { facts: Some(facts) };
            let (kind, subject) = ("redress.case.received.v1", case.to_string());
            let event = world.event_at(&place, "intake", kind, &subject, &payload);
            world.tell(&[event]).await;
        }
    }
    world.advance(SignedDuration::from_hours(24 * 8)).await;
    world
}

/// Series by name and labels, with their values.
type Series = BTreeMap<(String, Vec<(String, String)>), i64>;

/// What the gauges show after one count.
async fn counted(world: &World, top_sites: u32) -> Series {
    let exporter = InMemoryMetricExporter::default();
    let provider = SdkMeterProvider::builder()
        .with_reader(PeriodicReader::builder(exporter.clone()).build())
        .build();
    // Told to end before it begins, it counts once.
    let shutdown = CancellationToken::new();
    shutdown.cancel();
    let (db, meter) = (world.database.db.clone(), provider.meter("test"));
    watch_standing(db, meter, top_sites, shutdown).await;
    provider.force_flush().expect("read");
    let mut series = Series::new();
    for export in exporter.get_finished_metrics().expect("read") {
        for metric in export.scope_metrics().flat_map(|scope| scope.metrics()) {
            let AggregatedMetrics::I64(MetricData::Gauge(gauge)) = metric.data() else {
                panic!("{} is no gauge of whole numbers", metric.name());
            };
            for point in gauge.data_points() {
                let labels = point
                    .attributes()
                    .map(|label| (label.key.to_string(), label.value.to_string()))
                    .collect();
                series.insert((metric.name().to_owned(), labels), point.value());
            }
        }
    }
    assert!(
        series
            .keys()
            .any(|(name, _)| name == "redress.triage.clocks.open"),
        "it counted: {series:?}"
    );
    for metric in ["cases.open", "clocks.open", "clocks.unheard"] {
        let label = (
            "redress.metric".to_owned(),
            format!("redress.triage.{metric}"),
        );
        let age = series
            .iter()
            .find(|((name, labels), _)| name == "redress.counts.age" && labels.contains(&label));
        assert!(
            age.is_some_and(|(_, seconds)| (0..60).contains(seconds)),
            "{metric} says how old it is: {series:?}"
        );
    }
    series
}

/// The sites that any label of any series names, with its value, and how many series there are beside these.
fn named(series: &Series) -> (Vec<(String, i64)>, usize) {
    let is_site = |text: &str| ["alder", "birch", "cedar", "doyen", "lakeside"].contains(&text);
    let mut sites = Vec::new();
    for ((_, labels), value) in series {
        let named = labels.iter().filter(|(_, text)| is_site(text));
        sites.extend(named.map(|(_, site)| (site.clone(), *value)));
    }
    let others = series.len() - sites.len();
    (sites, others)
}

#[tokio::test]
async fn the_worst_sites_come_first_and_no_more_of_them_than_were_asked_for() {
    let world = broken().await;
    let db = &world.database.db;
    let all = worst_sites(db, 10).await.expect("read");
    let names: Vec<&str> = all.iter().map(|(site, _)| site.as_str()).collect();
    assert_eq!(
        names,
        ["doyen", "cedar", "alder", "birch"],
        "the equally bad by name, and nobody who kept what was promised"
    );
    let counts: Vec<i64> = all.iter().map(|(_, count)| *count).collect();
    assert!(
        counts[0] > counts[1] && counts[1] > counts[2] && counts[2] == counts[3] && counts[3] > 0,
        "{all:?}"
    );
    for max in 0..=4 {
        let some = worst_sites(db, max).await.expect("read");
        assert_eq!(some, all[..usize::try_from(max).expect("small")], "{max}");
    }
}

#[tokio::test]
async fn no_metric_names_a_site_unless_the_worst_few_are_asked_for() {
    let world = broken().await;
    let (none, others) = named(&counted(&world, 0).await);
    assert!(none.is_empty(), "by default: {none:?}");
    let (two, same) = named(&counted(&world, 2).await);
    let worst = worst_sites(&world.database.db, 2).await.expect("read");
    assert_eq!(two.len(), 2);
    assert!(two.iter().all(|site| worst.contains(site)), "{two:?}");
    assert_eq!(
        same,
        others + 1,
        "only these series and the age of their count come on top"
    );
}

#[tokio::test]
async fn what_was_broken_before_it_was_held_counts_as_broken_as_it_is_listed() {
    let world = World::new().await;
    let case = world.case().await;
    world.advance(SignedDuration::from_hours(24 * 8)).await;
    let breached = async || {
        let request = wire::ListClocksRequest {
            parent: "sites/lakeside".to_owned(),
            states: vec![to_wire(ClockState::Breached)],
            page_size: 100,
            ..Default::default()
        };
        let listed = world.rpc.list_clocks(by(world.manager(), request)).await;
        let listed = i64::try_from(listed.expect("listed").into_inner().clocks.len());
        let state = ("redress.clock.state".to_owned(), "breached".to_owned());
        let series = counted(&world, 0).await;
        let of = series.iter().filter(|((name, labels), _)| {
            name == "redress.triage.clocks.open" && labels.contains(&state)
        });
        (
            listed.expect("few"),
            of.map(|(_, count)| count).sum::<i64>(),
        )
    };
    let (listed, shown) = breached().await;
    assert!(listed > 0 && listed == shown, "{listed} and {shown}");
    let hold = wire::HoldCaseRequest {
        parent: case.to_string(),
        reason: to_wire(HoldReason::Customer),
        until_time: Some(to_timestamp(world.now() + SignedDuration::from_hours(24))),
        note: "keys".to_owned(),
        ..Default::default()
    };
    let held = world.rpc.hold_case(by(world.manager(), hold)).await;
    let held = held.expect("held").into_inner().clocks;
    assert!(held.iter().any(|clock| clock.held), "what it stops");
    assert_eq!(breached().await, (listed, listed));
}
