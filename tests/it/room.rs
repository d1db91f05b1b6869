//! The crisis room before a real terminal, while the service behind it goes and comes back.

use std::io::Read as _;
use std::sync::{Arc, Mutex};

use redress_proto::intake::v1::GetCaseRequest;
use redress_testkit::eventually;
use redress_tests::Platform;

use crate::PATIENCE;
use crate::journey::{MATTERS, complain};

/// The incident of a case, once it is in one.
async fn incident_of(platform: &Platform, case: &str) -> String {
    eventually(PATIENCE, async || {
        let request = GetCaseRequest {
            name: case.to_owned(),
        };
        let answer = platform.callers().cases().get_case(request).await;
        let case = answer.map_err(|s| s.to_string())?.into_inner().case;
        let incident = case.map(|case| case.incident).unwrap_or_default();
        if incident.is_empty() {
            Err("no incident yet".to_owned())
        } else {
            Ok(incident)
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_room_says_that_it_has_no_connection_and_goes_on_where_it_was() {
    let platform = Platform::start().await;
    let case = complain(&platform, MATTERS[0]).await;
    let incident = incident_of(&platform, &case.name).await;

    let mut room = platform.redress_in_terminal(&format!("incident room {incident}"));
    let sent: Arc<Mutex<Vec<u8>>> = Arc::default();
    let mut terminal = room.stdout.take().expect("it is piped");
    let reader = std::thread::spawn({
        let sent = Arc::clone(&sent);
        move || {
            let mut chunk = [0; 4096];
            while let Ok(read @ 1..) = terminal.read(&mut chunk) {
                sent.lock()
                    .expect("nobody panicked")
                    .extend_from_slice(&chunk[..read]);
            }
        }
    });
    // The last picture: what came since the title was drawn for the last time but one.
    let picture = || {
        let sent = sent.lock().expect("nobody panicked");
        let text = String::from_utf8_lossy(&sent);
        let mut pictures = text.rsplit("\u{1b}[1;1H");
        pictures.next();
        pictures.next().unwrap_or_default().to_owned()
    };
    let shows = async |what: &str, live: bool| {
        eventually(PATIENCE, async || {
            let picture = picture();
            let is_so = picture.contains(what) && picture.contains("NO CONNECTION") != live;
            if is_so { Ok(()) } else { Err(picture) }
        })
        .await;
    };
    shows("1 case ", true).await;

    platform.kill("crisis");
    shows("1 case ", false).await;

    platform.restart("crisis").await;
    shows("1 case ", true).await;

    // What happens after that is seen by the same terminal.
    complain(&platform, MATTERS[0]).await;
    shows("2 cases", true).await;

    room.kill().expect("it runs until it is told to end");
    room.wait().expect("it ends");
    reader.join().expect("the terminal was read to its end");
}
