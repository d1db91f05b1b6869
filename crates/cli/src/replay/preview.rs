//! Decisions asked for, nothing written.

use futures::{StreamExt as _, stream};
use indicatif::ProgressBar;
use jiff::{Timestamp, ToSpan as _, tz::TimeZone};
use redress_model::words::{Category, Channel, Nature, SiteKind, Urgency, Word};
use redress_proto::convert::{to_money, to_timestamp, to_wire};
use redress_proto::triage::v1::PreviewTriageRequest;
use redress_proto::words::Signal;

use super::feed::{TEXT_LENGTH_MAX, told};
use super::patience::Patience;
use super::{Incident, Outcome, judge};
use crate::connect::{Platform, request};
use crate::corpus::{Message, Scenario, ScenarioSignal};
use crate::failure::{Failure, shown};

/// Previews that are asked for at a time.
const IN_FLIGHT: usize = 16;

/// The zone in which the corpus counts days.
const ZONE: &str = "Asia/Shanghai";

/// The decisions on scenarios, judged.
pub(crate) async fn scenarios(
    platform: &Platform,
    rows: &[Scenario],
    patience: &Patience<'_>,
    progress: &ProgressBar,
) -> Result<Vec<Outcome>, Failure> {
    let requests = rows.iter().map(|s| (s.id.clone(), scenario(s))).collect();
    let mut outcomes = ask(platform, requests, patience, progress).await;
    for (outcome, row) in outcomes.iter_mut().zip(rows) {
        if let (Some(expect), None) = (&row.expect, &outcome.error) {
            judge::row(outcome, expect);
        }
    }
    let expects: Vec<_> = rows.iter().map(|r| r.expect.as_ref()).collect();
    judge::categories(&mut outcomes, &expects);
    Ok(outcomes)
}

/// The decisions on messages.
pub(crate) async fn messages(
    platform: &Platform,
    rows: &[Message],
    patience: &Patience<'_>,
    progress: &ProgressBar,
) -> Result<Vec<Outcome>, Failure> {
    let requests = rows
        .iter()
        .map(|m| {
            let text = told(m);
            if let Err(reason) = says_something(&text) {
                return (m.id.clone(), Err(reason));
            }
            let request = PreviewTriageRequest {
                site_kind: to_wire(SiteKind::Residential),
                channel: to_wire(Channel::Web),
                received_time: Some(to_timestamp(m.received_at)),
                as_of_time: Some(to_timestamp(m.received_at)),
                time_zone: ZONE.to_owned(),
                complainants: 1,
                text,
                ..Default::default()
            };
            (m.id.clone(), Ok(request))
        })
        .collect();
    Ok(ask(platform, requests, patience, progress).await)
}

type Prepared = (String, Result<PreviewTriageRequest, String>);

async fn ask(
    platform: &Platform,
    requests: Vec<Prepared>,
    patience: &Patience<'_>,
    progress: &ProgressBar,
) -> Vec<Outcome> {
    stream::iter(requests.into_iter().map(|(id, prepared)| {
        let client = platform.triage();
        async move {
            let outcome = match prepared {
                Err(reason) => Outcome::failed(&id, reason),
                Ok(message) => match patience
                    .call(|| {
                        let mut client = client.clone();
                        let message = message.clone();
                        async move { client.preview_triage(request(message)).await }
                    })
                    .await
                {
                    Err(status) => Outcome::failed(&id, shown(&status)),
                    Ok(answer) => {
                        let d = answer.into_inner().decision.unwrap_or_default();
                        Outcome {
                            id,
                            category: word::<Category>(d.category),
                            grade: d.grade,
                            criteria: d.criteria.into_iter().map(|c| c.criterion_id).collect(),
                            nature: word::<Nature>(d.nature),
                            urgency: word::<Urgency>(d.urgency),
                            incident: Incident::Would(d.would_open_incident),
                            ..Outcome::default()
                        }
                    }
                },
            };
            progress.inc(1);
            outcome
        }
    }))
    .buffered(IN_FLIGHT)
    .collect()
    .await
}

fn word<W: Word>(number: i32) -> Option<String> {
    W::from_number(number).map(|w| w.word().to_owned())
}

fn scenario(s: &Scenario) -> Result<PreviewTriageRequest, String> {
    says_something(&s.text)?;
    Ok(PreviewTriageRequest {
        site_kind: to_wire(s.site_kind),
        channel: to_wire(s.channel),
        received_time: Some(to_timestamp(s.received_at)),
        as_of_time: Some(to_timestamp(as_of(s.received_at, s.graded_after_days)?)),
        time_zone: ZONE.to_owned(),
        complainants: s.complainants,
        text: s.text.clone(),
        signals: s.signals.iter().map(signal).collect(),
        quality_impact: to_wire(s.quality_impact),
        wants: to_wire(s.wants),
        claim: s.claim_cny.map(to_money),
        repeat: s.repeat,
        ..Default::default()
    })
}

/// Refuses what no case could be made of: the platform previews facts without a word, and takes in none.
fn says_something(text: &str) -> Result<(), String> {
    let letters = text.trim().chars().count();
    (1..=TEXT_LENGTH_MAX)
        .contains(&letters)
        .then_some(())
        .ok_or_else(|| format!("text must hold 1 to {TEXT_LENGTH_MAX} characters"))
}

/// The same local time so many days later.
fn as_of(received: Timestamp, days: i64) -> Result<Timestamp, String> {
    let zone = TimeZone::get(ZONE).map_err(|e| e.to_string())?;
    received
        .to_zoned(zone)
        .checked_add(days.days())
        .map(|z| z.timestamp())
        .map_err(|e| e.to_string())
}

/// A corpus signal on the wire.
pub(crate) fn signal(s: &ScenarioSignal) -> Signal {
    Signal {
        kind: to_wire(s.kind),
        basis: to_wire(s.basis),
        reach: s.reach,
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_case_could_be_made_of_is_no_row_of_a_preview_either() {
        let long = "水".repeat(TEXT_LENGTH_MAX);
        for (text, right) in [
            ("", false),
            (" \n\t", false),
            ("水", true),
            (&long, true),
            (&format!("{long}水"), false),
        ] {
            assert_eq!(
                says_something(text).is_ok(),
                right,
                "{} letters",
                text.len()
            );
        }
    }
}
