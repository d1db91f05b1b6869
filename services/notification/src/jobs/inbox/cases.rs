//! News of cases: facts, moves, grades, owners.

use jiff::{SignedDuration, Timestamp};
use redress_events::{Applied, Event};
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{CaseName, StaffName};
use redress_model::words::{CaseMode, CaseStatus};
use redress_proto::convert;
use redress_proto::event::v1::{
    CaseFacts, CaseGraded, CaseMoved, CaseReceived, CaseUpdated, OwnerChanged,
};
use redress_store::Tx;

use crate::domain::case::CaseView;
use crate::domain::causes;
use crate::store::{matters, messages};

pub(super) async fn received(
    tx: &mut Tx,
    event: &Event,
    now: Timestamp,
    patience: SignedDuration,
) -> Result<Applied, Fault> {
    let news: CaseReceived = event.decode()?;
    facts(tx, event, news.facts, now, patience).await
}

pub(super) async fn updated(
    tx: &mut Tx,
    event: &Event,
    now: Timestamp,
    patience: SignedDuration,
) -> Result<Applied, Fault> {
    let news: CaseUpdated = event.decode()?;
    facts(tx, event, news.facts, now, patience).await
}

/// Facts are whole: what was received and what was updated is told alike, and a complainant who joins
/// later gets the receipt then.
async fn facts(
    tx: &mut Tx,
    event: &Event,
    facts: Option<CaseFacts>,
    now: Timestamp,
    patience: SignedDuration,
) -> Result<Applied, Fault> {
    let facts = facts.ok_or_else(|| Fault::invalid("facts", "must be given"))?;
    let case: CaseName = parse_field("facts.case", &facts.case)?;
    let status = convert::from_wire(facts.status).unwrap_or(CaseStatus::Received);
    let historical =
        event.historical || convert::from_wire(facts.mode) == Some(CaseMode::Historical);
    let view = match matters::lock_case(tx, &case).await? {
        Some(mut view) => {
            if view.updated(facts.revision, &facts.number, &facts.language) {
                view.complained_about = facts.staff_complained_about;
                view.person_tokens.clone_from(&facts.person_tokens);
            }
            view.moved(status, facts.epoch);
            view
        }
        None => CaseView {
            number: facts.number,
            historical,
            status,
            epoch: facts.epoch,
            revision: facts.revision,
            language: facts.language,
            grade: 0,
            grade_revision: 0,
            responsible: facts.first_contact_owner,
            offered_to: String::new(),
            owner_revision: 0,
            next_time: None,
            complained_about: facts.staff_complained_about,
            person_tokens: facts.person_tokens.clone(),
        },
    };
    matters::keep_case(tx, &case, &view).await?;
    let drafts = causes::receipts(&case, &view, &facts.person_tokens, now, patience);
    messages::queue(tx, &case.site, &drafts, now).await?;
    Ok(Applied::Done)
}

pub(super) async fn moved(tx: &mut Tx, event: &Event) -> Result<Applied, Fault> {
    let news: CaseMoved = event.decode()?;
    let case: CaseName = parse_field("case", &news.case)?;
    let Some(mut view) = matters::lock_case(tx, &case).await? else {
        return Ok(Applied::Wait);
    };
    view.moved(convert::required("status", news.status)?, news.epoch);
    matters::keep_case(tx, &case, &view).await?;
    Ok(Applied::Done)
}

pub(super) async fn graded(tx: &mut Tx, event: &Event) -> Result<Applied, Fault> {
    let news: CaseGraded = event.decode()?;
    let case: CaseName = parse_field("case", &news.case)?;
    let Some(mut view) = matters::lock_case(tx, &case).await? else {
        return Ok(Applied::Wait);
    };
    view.graded(news.revision, news.grade);
    view.moved(CaseStatus::Triaged, news.epoch);
    matters::keep_case(tx, &case, &view).await?;
    Ok(Applied::Done)
}

pub(super) async fn owner_changed(
    tx: &mut Tx,
    event: &Event,
    now: Timestamp,
) -> Result<Applied, Fault> {
    let news: OwnerChanged = event.decode()?;
    let case: CaseName = parse_field("case", &news.case)?;
    let offered_to: Option<StaffName> = if news.offered_to.is_empty() {
        None
    } else {
        Some(parse_field("offered_to", &news.offered_to)?)
    };
    let Some(mut view) = matters::lock_case(tx, &case).await? else {
        return Ok(Applied::Wait);
    };
    if !view.owned(news.revision, &news.responsible, &news.offered_to) {
        return Ok(Applied::Done);
    }
    matters::keep_case(tx, &case, &view).await?;
    let grade = if news.grade == 0 {
        view.grade
    } else {
        news.grade
    };
    if let Some(staff) = offered_to.filter(|_| !event.historical) {
        let draft = causes::offer(&case, &view, &staff, news.revision, grade, now);
        messages::queue(tx, &case.site, draft.as_slice(), now).await?;
    }
    if view.receipt_is_complete() {
        matters::release_receipts(tx, &case, now).await?;
    }
    Ok(Applied::Done)
}
