//! The previous release beside this one, on this one's schema: what a rollout runs for minutes, and a rollback for longer
//! (decision 0051). `scripts/test-previous` builds its binaries from its tag.

use std::path::PathBuf;

use redress_tests::{Platform, SERVICES};

use crate::journey::{MATTERS, assert_main_job, complain, end_state};

/// The folder of the previous release's binaries.
const BINARIES: &str = "REDRESS_PREVIOUS_BINARIES";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[allow(clippy::print_stderr)] // what was not tested must not look tested
async fn the_previous_release_works_beside_this_one_on_its_schema() {
    let Some(folder) = std::env::var_os(BINARIES).map(PathBuf::from) else {
        eprintln!("SKIPPED: no binaries of a previous release ({BINARIES}; scripts/test-previous)");
        return;
    };
    // This release has migrated; then one service after the other goes back, and all come forward again.
    let platform = Platform::start().await;
    let mut matters = MATTERS.iter().cycle();
    for previous in [Some(folder.clone()), None] {
        for service in SERVICES {
            assert_eq!(platform.terminate(service), Some(0), "{service}");
            platform.use_binary(service, previous.clone());
            // A rollback applies its manifests, with its Job.
            platform.migrate(service);
            platform.restart(service).await;
        }
        let matter = matters.next().expect("they go round");
        let case = complain(&platform, matter).await;
        assert_main_job(&end_state(&platform, &case.name).await);
        if previous.is_some() {
            // Half and half, as in the middle of a rollout.
            for service in ["triage", "notification"] {
                assert_eq!(platform.terminate(service), Some(0), "{service}");
                platform.use_binary(service, None);
                platform.restart(service).await;
            }
            let matter = matters.next().expect("they go round");
            let case = complain(&platform, matter).await;
            assert_main_job(&end_state(&platform, &case.name).await);
        }
    }
}
