//! `redress status` as a script uses it: by its exit code, and by what it names.

use redress_testkit::eventually;
use redress_tests::Platform;
use serde_json::Value;
use tokio::task::block_in_place;

use crate::PATIENCE;

/// Its exit code, and the object that it prints.
fn status(platform: &Platform) -> (Option<i32>, Value) {
    let told = block_in_place(|| platform.redress(&["status", "--json"]));
    let seen = serde_json::from_slice(&told.stdout).unwrap_or_else(|error| {
        let complaint = String::from_utf8_lossy(&told.stderr);
        panic!("{error}: {complaint}")
    });
    (told.status.code(), seen)
}

/// Waits until it finds nothing: a service that just began still reads what is due.
async fn is_well(platform: &Platform) {
    eventually(PATIENCE, async || {
        let (code, seen) = status(platform);
        if code == Some(0) && seen["ok"] == true {
            Ok(())
        } else {
            Err(format!("{code:?}: {}", seen["troubles"]))
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_exit_code_of_status_says_whether_every_service_is_there() {
    let platform = Platform::start().await;
    is_well(&platform).await;

    platform.kill("crisis");
    let (code, seen) = status(&platform);
    assert_eq!(code, Some(1), "{}", seen["troubles"]);
    assert_eq!(seen["ok"], false);
    let troubles = seen["troubles"].as_array().expect("a list");
    let of_crisis: Vec<&Value> = troubles
        .iter()
        .filter(|trouble| trouble["service"] == "crisis")
        .collect();
    assert_eq!(of_crisis.len(), 1, "{troubles:?}");
    assert_eq!(of_crisis[0]["runbook"], "docs/runbook.md#a-service-is-gone");
    let serving: Vec<&Value> = seen["services"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|service| service["serving"] == true)
        .collect();
    assert_eq!(serving.len(), 4, "the others are still asked: {serving:?}");
    let told = block_in_place(|| platform.redress(&["status"]));
    let told = String::from_utf8_lossy(&told.stdout);
    let (_, incidents) = told.split_once("Incidents").expect("a section of crisis'");
    let (incidents, _) = incidents.split_once("What needs").expect("what is wrong");
    assert!(incidents.contains("crisis does not answer"), "{told}");

    platform.restart("crisis").await;
    is_well(&platform).await;
}
