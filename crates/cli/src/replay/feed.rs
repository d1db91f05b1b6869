//! Rows into the platform: scenarios as live complaints, messages as history.

use std::collections::BTreeMap;

use futures::{StreamExt as _, stream};
use indicatif::ProgressBar;
use redress_model::words::{CaseMode, Channel, SiteKind};
use redress_proto::convert::{to_money, to_timestamp, to_wire};
use redress_proto::intake::v1::{
    Case, Complainant, CreateCaseRequest, ImportCasesRequest, ListSitesRequest,
};
use tonic::Status;
use uuid::Uuid;

use super::patience::{Away, Patience};
use super::preview::signal;
use crate::connect::{Platform, all_pages, is_transient, request, request_id};
use crate::corpus::{Message, Scenario};
use crate::failure::{Failure, in_short, shown};

/// Creates that run at a time.
const IN_FLIGHT: usize = 8;

/// Longest text that a case takes, in characters.
pub(super) const TEXT_LENGTH_MAX: usize = 10_000;

/// A row that was fed, and its case or why it has none.
pub(crate) type Fed = (String, Result<String, String>);

/// The first site of each kind that the token sees.
async fn sites(
    platform: &Platform,
    patience: &Patience<'_>,
) -> Result<BTreeMap<i32, String>, Failure> {
    let client = platform.directory();
    let sites = all_pages(None, |page_size, page_token| {
        let client = client.clone();
        async move {
            let list = ListSitesRequest {
                page_size,
                page_token,
                ..Default::default()
            };
            let answer = patience
                .call(|| {
                    let (mut client, list) = (client.clone(), list.clone());
                    async move { client.list_sites(request(list)).await }
                })
                .await?
                .into_inner();
            Ok((answer.sites, answer.next_page_token))
        }
    })
    .await?;
    let mut by_kind = BTreeMap::new();
    for site in sites {
        by_kind.entry(site.kind).or_insert(site.name);
    }
    Ok(by_kind)
}

/// The demo's residential site.
pub(crate) async fn residential(
    platform: &Platform,
    patience: &Patience<'_>,
) -> Result<String, Failure> {
    sites(platform, patience)
        .await?
        .remove(&to_wire(SiteKind::Residential))
        .map(|name| name.trim_start_matches("sites/").to_owned())
        .ok_or(Failure::NotFound {
            what: "site of the kind",
            name: SiteKind::Residential.word().to_owned(),
        })
}

/// Takes scenarios in, now, each at the site of its kind.
pub(crate) async fn scenarios(
    platform: &Platform,
    rows: &[Scenario],
    patience: &Patience<'_>,
    progress: &ProgressBar,
) -> Result<Vec<Fed>, Failure> {
    progress.set_message("taking in");
    let sites = sites(platform, patience).await?;
    let fed = stream::iter(rows.iter().map(|row| {
        let client = platform.cases();
        let site = sites.get(&to_wire(row.site_kind)).cloned();
        async move {
            let Some(parent) = site else {
                return (
                    row.id.clone(),
                    Err(format!("no site of the kind {}", row.site_kind)),
                );
            };
            let message = CreateCaseRequest {
                parent,
                case: Some(live(row)),
                request_id: request_id(),
                ..Default::default()
            };
            // The request_id makes a repeat harmless (I2).
            let result = patience
                .call(|| {
                    let mut client = client.clone();
                    let message = message.clone();
                    async move { client.create_case(request(message)).await }
                })
                .await
                .map(|a| a.into_inner().case.unwrap_or_default().name)
                .map_err(|status| shown(&status));
            progress.inc(1);
            (row.id.clone(), result)
        }
    }))
    .buffered(IN_FLIGHT)
    .collect()
    .await;
    Ok(fed)
}

/// A scenario as a complaint. A single person is named by the row, so that each row is another
/// person; a crowd is a headcount.
fn live(row: &Scenario) -> Case {
    let complainants = (row.complainants == 1)
        .then(|| Complainant {
            account: format!("replay-{}-{}", row.id, Uuid::new_v4().simple()),
            ..Default::default()
        })
        .into_iter()
        .collect();
    Case {
        channel: to_wire(row.channel),
        complainants,
        headcount: row.complainants,
        text: row.text.clone(),
        quality_impact: to_wire(row.quality_impact),
        wants: to_wire(row.wants),
        claim: row.claim_cny.map(to_money),
        repeat: row.repeat,
        signals: row.signals.iter().map(signal).collect(),
        ..Default::default()
    }
}

/// Imports messages as history, in the order of the file.
pub(crate) async fn messages(
    platform: &Platform,
    site: &str,
    rows: &[Message],
    patience: &Patience<'_>,
    progress: &ProgressBar,
) -> Result<Vec<Fed>, Failure> {
    progress.set_message("importing");
    let parent = format!("sites/{site}");
    let requests: Vec<ImportCasesRequest> = rows
        .iter()
        .map(|m| ImportCasesRequest {
            parent: parent.clone(),
            row_id: m.id.clone(),
            mode: to_wire(CaseMode::Historical),
            case: Some(history(m)),
        })
        .collect();
    let mut results: BTreeMap<String, Result<String, String>> = BTreeMap::new();
    // A stream that breaks is opened again for the rows without an answer: a row's id makes it safe to
    // send it twice.
    let mut away = Away::default();
    let mut unanswered = "the import gave no answer".to_owned();
    loop {
        let open: Vec<ImportCasesRequest> = requests
            .iter()
            .filter(|r| !results.contains_key(&r.row_id))
            .cloned()
            .collect();
        if open.is_empty() {
            break;
        }
        let before = results.len();
        let broken = match import(platform, open, &mut results, progress).await {
            Err(status) if !is_transient(&status) => return Err(status.into()),
            ended => ended.err(),
        };
        if results.len() > before {
            away = Away::default();
            patience.answered();
        }
        let why = broken
            .as_ref()
            .map_or_else(|| "rows have no answer yet".to_owned(), in_short);
        if results.len() < requests.len() {
            patience.silent(&why);
            if !away.wait(patience).await {
                if let Some(status) = &broken {
                    unanswered = shown(status);
                }
                break;
            }
        }
    }
    Ok(rows
        .iter()
        .map(|m| {
            let result = results
                .remove(&m.id)
                .unwrap_or_else(|| Err(unanswered.clone()));
            (m.id.clone(), result)
        })
        .collect())
}

/// One import stream; answers land in `results`.
async fn import(
    platform: &Platform,
    rows: Vec<ImportCasesRequest>,
    results: &mut BTreeMap<String, Result<String, String>>,
    progress: &ProgressBar,
) -> Result<(), Status> {
    let mut answers = platform
        .cases()
        .import_cases(tonic::Request::new(stream::iter(rows)))
        .await?
        .into_inner();
    while let Some(answer) = answers.message().await? {
        if answer.transient {
            continue;
        }
        let result = if answer.case.is_empty() {
            let violations: Vec<String> = answer
                .violations
                .iter()
                .map(|v| format!("{} {}", v.field, v.description))
                .collect();
            Err(format!("{} {}", answer.reason, violations.join("; ")))
        } else {
            Ok(answer.case)
        };
        results.insert(answer.row_id, result);
        progress.inc(1);
    }
    Ok(())
}

fn history(m: &Message) -> Case {
    Case {
        channel: to_wire(Channel::Web),
        received_time: Some(to_timestamp(m.received_at)),
        complainants: vec![Complainant {
            account: m.complainant.clone(),
            ..Default::default()
        }],
        headcount: 1,
        text: told(m),
        ..Default::default()
    }
}

/// What a message says, as far as a case keeps it.
pub(super) fn told(m: &Message) -> String {
    let whole = format!("{}\n{}", m.title, m.text);
    whole.chars().take(TEXT_LENGTH_MAX).collect()
}
