//! What a running platform sends is what docs/telemetry.md lists; what else the code could send is checked by
//! `make manifests-check`.

use std::collections::{BTreeMap, BTreeSet};

use redress_testkit::otlp::{Collector, Span};

const PAGE: &str = include_str!("../../docs/telemetry.md");

/// Metric → unit and labels, as the page's tables say.
fn metrics() -> BTreeMap<&'static str, (&'static str, BTreeSet<&'static str>)> {
    PAGE.lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let [_, name, _, unit, labels, _, _] = cells[..] else {
                return None;
            };
            let name = name.strip_prefix('`')?.strip_suffix('`')?;
            Some((name, (unit, quoted(labels))))
        })
        .collect()
}

/// Whatever stands in backticks.
fn quoted(text: &str) -> BTreeSet<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// The span's row: names are of RPCs, of operations, of events, or fixed.
fn is_listed(span: &Span, words: &BTreeSet<&str>) -> bool {
    let is = |key: &str| {
        span.attributes
            .get(key)
            .is_some_and(|name| *name == span.name)
    };
    is("rpc.method")
        || is("db.operation.name")
        || span.name.starts_with("apply redress.")
        || words.contains(span.name.as_str())
}

/// Fails with whatever was sent and is not on the page.
pub(crate) fn assert_documented(collector: &Collector) {
    let (metrics, words) = (metrics(), quoted(PAGE));
    assert!(metrics.len() > 30, "the page was understood");
    let mut missing = BTreeSet::new();
    for point in collector.points() {
        match metrics.get(point.name.as_str()) {
            None => {
                missing.insert(format!("metric {}", point.name));
            }
            Some((unit, labels)) => {
                if *unit != point.unit {
                    missing.insert(format!("metric {} has the unit {}", point.name, point.unit));
                }
                for label in point.attributes.keys() {
                    if !labels.contains(label.as_str()) {
                        missing.insert(format!("metric {} has the label {label}", point.name));
                    }
                }
            }
        }
    }
    for span in collector.spans() {
        if !is_listed(&span, &words) {
            missing.insert(format!("span {}", span.name));
        }
        for key in span.attributes.keys() {
            if !words.contains(key.as_str()) {
                missing.insert(format!("span {} has the attribute {key}", span.name));
            }
        }
    }
    for log in collector.logs() {
        for key in log.attributes.keys() {
            if !words.contains(key.as_str()) {
                missing.insert(format!("log \"{}\" has the field {key}", log.body));
            }
        }
    }
    assert!(
        missing.is_empty(),
        "docs/telemetry.md does not list: {missing:#?}"
    );
}
