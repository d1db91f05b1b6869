//! Opening-day windows: the whole list is read, changed and written back under its version.

use redress_proto::triage::v1::{
    ListOpeningWindowsRequest, OpeningWindow, OpeningWindows, SetOpeningWindowsRequest,
};

use super::time;
use crate::connect::{Platform, parent, request, request_id};
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, line, when};

/// A window as it was typed.
pub(super) fn window(start: &str, end: &str, reason: String) -> Result<OpeningWindow, Failure> {
    Ok(OpeningWindow {
        start_time: Some(time("open", start)?),
        end_time: Some(time("until", end)?),
        reason,
    })
}

/// Shows the windows of a site, after one was added or taken back.
pub(super) async fn run(
    platform: &Platform,
    site: &str,
    added: Option<OpeningWindow>,
    removed: Option<prost_types::Timestamp>,
    out: Output,
) -> Result<(), Failure> {
    let parent = parent(Some(site));
    let asked = ListOpeningWindowsRequest {
        parent: parent.clone(),
    };
    let mut client = platform.policies();
    let answer = client.list_opening_windows(request(asked)).await?;
    let mut known = answer.into_inner().opening_windows.unwrap_or_default();
    let change = added.is_some() || removed.is_some();
    if let Some(start) = removed {
        let before = known.windows.len();
        known.windows.retain(|w| w.start_time != Some(start));
        if known.windows.len() == before {
            return Err(Failure::NotFound {
                what: "window that begins at",
                name: when(Some(&start)),
            });
        }
    }
    known.windows.extend(added);
    if change {
        let asked = SetOpeningWindowsRequest {
            name: format!("{parent}/openingWindows"),
            windows: known.windows,
            etag: known.etag,
            request_id: request_id(),
        };
        let answer = client.set_opening_windows(request(asked)).await?;
        known = answer.into_inner().opening_windows.unwrap_or_default();
    }
    out.one(
        || json::of("triage.v1.OpeningWindows", &known),
        || show(&known, out),
    );
    Ok(())
}

fn show(known: &OpeningWindows, out: Output) {
    line("open now", if known.open { "yes" } else { "no" });
    out.rows(
        &["From", "Until", "Reason"],
        &known.windows,
        |window| {
            vec![
                when(window.start_time.as_ref()),
                when(window.end_time.as_ref()),
                window.reason.clone(),
            ]
        },
        |window| json::of("triage.v1.OpeningWindow", window),
    );
}
