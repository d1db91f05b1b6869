//! Working-time arithmetic: at least a million additions a second on one core.
#![allow(missing_docs)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use redress_calendar::{Calendar, Hours, Interval};

const STARTS: usize = 4096;

/// Instants all over 2024 to 2026, open and closed ones.
fn starts() -> Vec<Timestamp> {
    let first: Timestamp = "2024-01-01T00:00:00Z".parse().expect("an instant");
    // A stride that meets every hour of the day and every day of the week.
    (0..STARTS)
        .map(|n| first + SignedDuration::from_secs(22_271 * n as i64))
        .collect()
}

fn calendar(zone: &str) -> Calendar {
    Calendar::mainland_china(TimeZone::get(zone).expect("a zone"))
}

fn four_intervals(zone: &str) -> Calendar {
    let day: Vec<Interval> = ["00:00-01:00", "08:00-11:30", "12:00-14:00", "20:00-24:00"]
        .map(|text| text.parse().expect("an interval"))
        .to_vec();
    let week = std::array::from_fn(|_| day.clone());
    let hours = Hours::new(week, day).expect("hours");
    Calendar::new(TimeZone::get(zone).expect("a zone"), hours)
}

fn additions(c: &mut Criterion) {
    let starts = starts();
    let mut group = c.benchmark_group("working_time");
    group.throughput(Throughput::Elements(STARTS as u64));
    let mut additions = |name: &str, calendar: &Calendar, hours: i64| {
        let amount = SignedDuration::from_hours(hours);
        group.bench_function(name, |b| {
            b.iter(|| {
                for start in &starts {
                    black_box(calendar.add_working(black_box(*start), black_box(amount)));
                }
            });
        });
    };
    let china = calendar("Asia/Shanghai");
    additions("add_4_hours_china", &china, 4);
    additions("add_200_hours_china", &china, 200);
    additions("add_4_hours_new_york", &calendar("America/New_York"), 4);
    additions(
        "add_4_hours_four_intervals",
        &four_intervals("Asia/Shanghai"),
        4,
    );
    group.bench_function("add_5_working_days_china", |b| {
        b.iter(|| {
            for start in &starts {
                black_box(china.add_working_days(black_box(*start), black_box(5)));
            }
        });
    });
    group.bench_function("between_china", |b| {
        b.iter(|| {
            for pair in starts.windows(2) {
                black_box(china.working_between(black_box(pair[0]), black_box(pair[1])));
            }
        });
    });
    group.finish();
    c.bench_function("first_addition_of_a_new_calendar", |b| {
        b.iter(|| {
            let china = calendar("Asia/Shanghai");
            black_box(china.add_working(starts[0], SignedDuration::from_hours(4)))
        });
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = additions
}
criterion_main!(benches);
