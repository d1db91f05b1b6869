//! Statements and feed entries as callers see them.

use redress_model::Fault;
use redress_model::name::{IncidentName, SiteId, StaffName, StatementName};
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::crisis::v1 as wire;
use redress_rpc::etag;
use redress_store::Tx;

use crate::domain::words::{ReviewStep, Stage};
use crate::flow::{Desk, StatementCase};
use crate::store::deputies::Deputy;
use crate::store::feed::Entry;
use crate::store::statements::Statement;

/// A statement with its reviews, and with what waits in its way. `stage` is its incident's at this instant.
///
/// # Errors
/// When Postgres is away.
pub(super) async fn load(
    tx: &mut Tx,
    desk: &Desk,
    statement: Statement,
    stage: Stage,
) -> Result<wire::Statement, Fault> {
    let case = StatementCase::load(tx, desk, statement, stage).await?;
    let lacking = case.lacking(tx, desk.clock.now()).await?;
    Ok(view(&case, &lacking))
}

fn view(case: &StatementCase, lacking: &[ReviewStep]) -> wire::Statement {
    let statement = &case.statement;
    let StatementName { site, .. } = &statement.name;
    let content = &statement.content;
    let left = statement.published.as_ref();
    let due = case.due();
    let (wording_hits, contradiction) = case.findings();
    let reviews: Vec<_> = case.said.iter().map(|s| s.review.clone()).collect();
    let counting = case.standing.counting(&reviews);
    wire::Statement {
        name: statement.name.to_string(),
        incident: IncidentName::new(site.clone(), statement.incident).to_string(),
        kind: to_wire(content.kind),
        audience: to_wire(content.audience),
        language: content.language.clone(),
        text: content.text.clone(),
        facts: content
            .facts
            .iter()
            .map(|fact| wire::StatementFact {
                key: fact.key.clone(),
                value: fact.value.clone(),
                source: fact.source.clone(),
            })
            .collect(),
        supersedes: statement.supersedes.map_or_else(String::new, |old| {
            StatementName::new(site.clone(), old).to_string()
        }),
        state: to_wire(statement.state),
        digest: hex::encode(case.digest),
        stage: to_wire(case.stage),
        due_step: due.map_or(0, to_wire),
        objection_count: i32::try_from(case.standing.objectors.len()).unwrap_or(i32::MAX),
        reviews: case
            .said
            .iter()
            .zip(counting)
            .map(|(said, counts)| {
                let review = &said.review;
                let staff = review.by.staff.as_ref();
                wire::StatementReview {
                    number: said.number,
                    step: to_wire(review.step),
                    verdict: to_wire(review.verdict),
                    digest: hex::encode(review.digest),
                    counts,
                    reviewer: review.by.subject.clone(),
                    staff: staff.map_or_else(String::new, ToString::to_string),
                    reason: said.reason.clone(),
                    review_time: Some(to_timestamp(said.at)),
                }
            })
            .collect(),
        authors: case.authors.iter().map(|a| a.subject.clone()).collect(),
        published_by: left.map(|p| p.by.clone()).unwrap_or_default(),
        publish_time: left.map(|p| to_timestamp(p.at)),
        create_time: Some(to_timestamp(statement.created)),
        update_time: Some(to_timestamp(statement.updated)),
        etag: etag::of(statement.revision),
        wording_override_reason: content.wording_reason.clone(),
        correction_reason: content.correction.clone(),
        wording_hits,
        contradiction: contradiction.unwrap_or_default(),
        unsourced_figures: case.unsourced(),
        approvals_needed: i32::try_from(case.quorum).unwrap_or(i32::MAX),
        steps_without_reviewer: lacking.iter().copied().map(to_wire).collect(),
    }
}

/// An entry of the feed.
pub(super) fn entry(entry: &Entry) -> wire::FeedEntry {
    wire::FeedEntry {
        number: entry.number,
        statement: entry.statement.to_string(),
        kind: to_wire(entry.kind),
        audience: to_wire(entry.audience),
        language: entry.language.clone(),
        text: entry.text.clone(),
        supersedes_number: entry.supersedes_number,
        publish_time: Some(to_timestamp(entry.published)),
        previous_hash: hex::encode(&entry.previous_hash),
        hash: hex::encode(&entry.hash),
        signature: entry.signature.clone(),
        digest: hex::encode(&entry.digest),
    }
}

/// Somebody who may act for a role.
pub(in crate::rpc) fn deputy(site: &SiteId, deputy: &Deputy) -> wire::Deputy {
    wire::Deputy {
        role: to_wire(deputy.role),
        staff: StaffName::new(site.clone(), deputy.staff.clone()).to_string(),
        end_time: Some(to_timestamp(deputy.end)),
        appointed_by: deputy.appointed_by.subject.clone(),
    }
}
