//! How long joining takes at a site of 100,000 cases, with the cases that `make bench` measures it with.

#[path = "../../benches/clusters/fill.rs"]
mod fill;
#[path = "../../benches/clusters/joins.rs"]
mod joins;

use crate::world::World;

/// Microseconds.
const REQUIRED_P99: u64 = 10_000;

/// A measured time says nothing of a build without optimisation or of a busy machine, so it is never part of the others.
#[tokio::test]
#[ignore = "measures time: REDRESS_MESSAGES=FILE cargo test --release -p redress-triage --test it joining -- --ignored"]
async fn joining_at_a_site_of_100_000_cases_takes_a_p99_of_10_ms_at_most() {
    if std::env::var_os("REDRESS_MESSAGES").is_none() {
        eprintln!("skipped: REDRESS_MESSAGES is not set");
        return;
    }
    fill::server().await;
    let world = World::new().await;
    let mut maker = fill::Maker::new(100_000);
    fill::fill(&world.database.admin, &mut maker, world.now()).await;
    let took = joins::measure(&world.database.db, &mut maker, world.now(), 2_000).await;
    let p99 = took.value_at_quantile(0.99);
    assert!(p99 <= REQUIRED_P99, "p99 {p99} µs");
}
