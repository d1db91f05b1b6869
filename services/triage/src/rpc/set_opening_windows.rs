//! Replaces the opening-day windows of a sales centre. What has passed stays as it was, so that it can be
//! told at any time by which profile a promise was made.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::Violation;
use redress_model::name::{SiteId, SiteName};
use redress_model::words::SiteKind;
use redress_proto::convert::from_timestamp;
use redress_proto::triage::v1::{
    self as wire, SetOpeningWindowsRequest, SetOpeningWindowsResponse,
};
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use tonic::Request;

use super::Shared;
use super::policy_service::{site_of, windows};
use crate::store::openings::{self, Window, Windows};
use crate::store::sites;

const METHOD: &str = "redress.triage.v1.PolicyService/SetOpeningWindows";

/// Longest reason in characters.
const REASON_CHARS_MAX: usize = 200;

pub(super) async fn run(
    shared: &Shared,
    request: Request<SetOpeningWindowsRequest>,
) -> Result<SetOpeningWindowsResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let site = site_of(&request.name, "openingWindows")?;
    caller.require_site(&site)?;
    let wanted = parse(&request.windows)?;
    let request_id = std::mem::take(&mut request.request_id);
    let set = Set {
        receipt: shared.receipt(&caller, METHOD, &site, request_id, &request),
        site,
        wanted,
        etag: request.etag,
        caller: &caller,
        now: shared.desk.now(),
    };
    let scope = redress_runtime::scope(&caller);
    let found = shared.desk.db.run(&scope, &set).await?;
    Ok(SetOpeningWindowsResponse {
        opening_windows: Some(windows(&set.site, found, set.now)),
    })
}

fn parse(given: &[wire::OpeningWindow]) -> Result<Vec<Window>, Fault> {
    let mut violations = Vec::new();
    let mut wanted = Vec::new();
    for (i, window) in given.iter().enumerate() {
        let mut wrong = |field: &str, description: &str| {
            violations.push(Violation {
                field: format!("windows[{i}].{field}"),
                description: description.to_owned(),
            });
        };
        let time = |time: &Option<prost_types::Timestamp>| {
            time.as_ref().and_then(|t| from_timestamp("", t).ok())
        };
        match (time(&window.start_time), time(&window.end_time)) {
            (None, _) => wrong("start_time", "must be an instant"),
            (_, None) => wrong("end_time", "must be an instant"),
            (Some(start), Some(end)) if end <= start => {
                wrong("end_time", "must be after start_time");
            }
            (Some(start), Some(end)) => wanted.push(Window {
                start,
                end,
                reason: window.reason.clone(),
            }),
        }
        if window.reason.chars().count() > REASON_CHARS_MAX || window.reason.contains('\0') {
            wrong("reason", "must not be longer than 200 characters");
        }
    }
    wanted.sort_by_key(|window| window.start);
    if wanted.windows(2).any(|pair| pair[0].end > pair[1].start) {
        violations.push(Violation {
            field: "windows".to_owned(),
            description: "must not overlap".to_owned(),
        });
    }
    if violations.is_empty() {
        Ok(wanted)
    } else {
        Err(Fault::violations(violations))
    }
}

struct Set<'a> {
    receipt: ReceiptKey,
    site: SiteId,
    wanted: Vec<Window>,
    etag: String,
    caller: &'a Caller,
    now: Timestamp,
}

impl Operation for Set<'_> {
    const NAME: &'static str = "triage.set_opening_windows";
    type Output = Windows;

    async fn run(&self, tx: &mut Tx) -> Result<Windows, Fault> {
        let name = SiteName(self.site.clone());
        let site = sites::get(tx, &self.site, self.now)
            .await?
            .ok_or_else(|| Fault::not_found("Site", &name))?;
        let claim = receipt::claim(tx, &self.receipt, self.now).await?;
        if matches!(claim, Claim::Seen { .. }) {
            return openings::get(tx, &self.site).await;
        }
        if site.kind != SiteKind::SalesCenter {
            return Err(Fault::illegal(
                "NOT_A_SALES_CENTER",
                format!(
                    "{name} is {}; only a SALES_CENTER has opening days",
                    site.kind
                ),
                &name,
            ));
        }
        openings::lock(tx, &self.site).await?;
        let before = openings::get(tx, &self.site).await?;
        let resource = format!("{name}/openingWindows");
        etag::check(&self.etag, before.revision, &resource)?;
        if changes_the_past(&before.windows, &self.wanted, self.now) {
            return Err(Fault::illegal(
                "WINDOW_PASSED",
                "what has passed stays: windows that have ended, and the start of those that have begun",
                &resource,
            ));
        }
        let author = &self.caller.subject;
        let (site, revision) = (&self.site, before.revision);
        openings::set(tx, site, revision, &self.wanted, author, self.now).await?;
        let after = openings::get(tx, &self.site).await?;
        receipt::complete(tx, &self.receipt, &resource, &etag::of(after.revision)).await?;
        Ok(after)
    }
}

/// Whether any instant before now would be inside a window where it was not, or the reverse.
fn changes_the_past(before: &[Window], after: &[Window], now: Timestamp) -> bool {
    let past = |windows: &[Window]| -> Vec<(Timestamp, Timestamp)> {
        windows
            .iter()
            .filter(|w| w.start < now)
            .map(|w| (w.start, w.end.min(now)))
            .collect()
    };
    past(before) != past(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(start: &str, end: &str) -> Window {
        let at = |hour: &str| {
            format!("2026-03-02T{hour}:00:00Z")
                .parse()
                .expect("an instant")
        };
        Window {
            start: at(start),
            end: at(end),
            reason: String::new(),
        }
    }

    #[test]
    fn what_has_begun_may_end_otherwise_and_nothing_else_of_the_past_changes() {
        let now = window("12", "13").start;
        let before = [window("06", "08"), window("10", "14")];
        let fine = [
            vec![window("06", "08"), window("10", "13")],
            vec![window("06", "08"), window("10", "14"), window("16", "18")],
            vec![window("06", "08"), window("10", "12")],
        ];
        for after in fine {
            assert!(!changes_the_past(&before, &after, now), "{after:?}");
        }
        let wrong = [
            vec![window("10", "14")],
            vec![window("06", "09"), window("10", "14")],
            vec![window("06", "08"), window("09", "14")],
            vec![window("06", "08"), window("10", "11")],
            vec![window("03", "04"), window("06", "08"), window("10", "14")],
        ];
        for after in wrong {
            assert!(changes_the_past(&before, &after, now), "{after:?}");
        }
    }
}
