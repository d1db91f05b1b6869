//! News of what was published on an incident: those whom its audience names are told, each once.

use std::collections::BTreeMap;

use jiff::Timestamp;
use redress_events::{Applied, Event};
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{CaseName, IncidentName, StaffName, StatementName};
use redress_proto::event::v1::StatementPublished;
use redress_store::Tx;

use crate::domain::case::{CaseView, Reader};
use crate::domain::causes;
use crate::domain::message::{Draft, Recipient};
use crate::jobs::voice;
use crate::store::{matters, messages, staff};

pub(super) async fn published(
    tx: &mut Tx,
    event: &Event,
    now: Timestamp,
) -> Result<Applied, Fault> {
    let news: StatementPublished = event.decode()?;
    let statement: StatementName = parse_field("statement", &news.statement)?;
    let incident: IncidentName = parse_field("incident", &news.incident)?;
    if !news.supersedes.is_empty() {
        let old: StatementName = parse_field("supersedes", &news.supersedes)?;
        let cause = causes::statement_cause(old.id);
        for dropped in messages::drop_unsent(tx, &old.site, &cause, "SUPERSEDED").await? {
            voice::overtaken(tx, &dropped, now).await?;
        }
    }
    // The public and the press read the feed, and a person tells authorities; to them nothing goes by message.
    let inside = match news.audience.as_str() {
        "AFFECTED" => false,
        "STAFF" => true,
        _ => return Ok(Applied::Done),
    };
    let Some(ids) = matters::cases_of(tx, &incident).await? else {
        return Ok(Applied::Wait);
    };
    // Whoever complains of the same thing is affected, though their case is none of the incident's.
    let more = match inside {
        true => Vec::new(),
        false => matters::neighbours(tx, &incident.site, &ids).await?,
    };
    let mut cases = Vec::with_capacity(ids.len() + more.len());
    for id in ids.into_iter().chain(more) {
        let case = CaseName::new(incident.site.clone(), id);
        // Intake's word on a case may be on its way: without it nobody knows whom to tell.
        let Some(view) = matters::case(tx, &case).await? else {
            return Ok(Applied::Wait);
        };
        let readers = matters::readers(tx, &case, &view).await?;
        cases.push((case, view, readers));
    }
    let readers = if inside {
        colleagues(&cases, staff::at_work(tx, &incident.site).await?)
    } else {
        affected(&cases)
    };
    let rules = &news.overridden_rules;
    let drafts: Vec<Draft> = readers
        .into_iter()
        .map(|(reader, about)| causes::statement(&statement, &incident, reader, about, rules, now))
        .collect();
    messages::queue(tx, &incident.site, &drafts, now).await?;
    Ok(Applied::Done)
}

type Known = (CaseName, CaseView, Vec<Reader>);
/// Each with the case that it is about, the reader's own case where that was merged into it, and the number to name.
type Readers<'a> = BTreeMap<Recipient, (&'a CaseName, Option<&'a CaseName>, &'a str)>;

/// Everybody who complains, also in a case that was merged into one of these, each with the first of the cases.
fn affected(cases: &[Known]) -> Readers<'_> {
    let mut readers = Readers::new();
    for (case, _, known) in cases.iter().filter(|(_, view, _)| view.may_page()) {
        for person in known {
            let reader = Recipient::Complainant(person.token.clone());
            let about = (case, person.known_by.as_ref(), person.number.as_str());
            readers.entry(reader).or_insert(about);
        }
    }
    readers
}

/// The staff of the site, without those complained about in any of the cases.
fn colleagues(cases: &[Known], staff: Vec<StaffName>) -> Readers<'_> {
    let Some((case, view, _)) = cases.first() else {
        return Readers::new();
    };
    let named = |person: &StaffName| {
        let name = person.to_string();
        cases
            .iter()
            .any(|(_, view, _)| view.complained_about.contains(&name))
    };
    staff
        .into_iter()
        .filter(|person| !named(person))
        .map(|person| {
            let about = (case, None, view.number.as_str());
            (Recipient::Staff(person), about)
        })
        .collect()
}
