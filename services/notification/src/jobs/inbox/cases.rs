//! News of cases: facts, moves, grades, owners.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use redress_events::{Applied, Event};
use redress_model::fault::parse_field;
use redress_model::name::{CaseName, ClusterName, StaffName};
use redress_model::words::{CaseMode, CaseStatus};
use redress_model::{Fault, ids};
use redress_proto::convert;
use redress_proto::event::v1::{
    CaseFacts, CaseGraded, CaseMoved, CaseReceived, CaseUpdated, OwnerChanged, WorkNoticed,
};
use redress_store::{Keyring, Tx};

use crate::domain::case::CaseView;
use crate::domain::causes::{self, WorkNotice};
use crate::domain::survey;
use crate::domain::words::{MessageTopic, SurveyKind};
use crate::jobs::{carry, voice};
use crate::store::digests::{self, Bundling};
use crate::store::surveys::{self, NewSurvey};
use crate::store::{matters, messages, owner_notices, preferences, tasks};

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
    let mut accuses_others = false;
    let view = match matters::lock_case(tx, &case).await? {
        Some(mut view) => {
            if view.updated(facts.revision, &facts.number, &facts.language) {
                accuses_others = view.complained_about != facts.staff_complained_about;
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
    if accuses_others {
        carry::pass_on(tx, &case, &view.complained_about, &view.number, now).await?;
    }
    let drafts = causes::receipts(&case, &view, &facts.person_tokens, now, patience);
    messages::queue(tx, &case.site, &drafts, now).await?;
    Ok(Applied::Done)
}

pub(super) async fn moved(
    tx: &mut Tx,
    keys: &Keyring,
    event: &Event,
    now: Timestamp,
) -> Result<Applied, Fault> {
    let news: CaseMoved = event.decode()?;
    let case: CaseName = parse_field("case", &news.case)?;
    let Some(mut view) = matters::lock_case(tx, &case).await? else {
        return Ok(Applied::Wait);
    };
    let status = convert::required("status", news.status)?;
    view.moved(status, news.epoch);
    matters::keep_case(tx, &case, &view).await?;
    for survey in surveys::cancel_of_case(tx, &case, view.epoch).await? {
        voice::survey_ended(tx, &survey, now).await?;
    }
    tasks::end_needless_surveys(tx, &case.site, Some(case.id), None, now).await?;
    // Of an older epoch: it was opened again, or withdrawn, since.
    let stands = news.epoch == view.epoch && !event.historical && !view.historical;
    if stands {
        let moved = match &news.move_time {
            Some(time) => convert::from_timestamp("move_time", time)?,
            None => Timestamp::UNIX_EPOCH,
        };
        let drafts = causes::progress(&case, &view, status, moved, now);
        messages::queue(tx, &case.site, &drafts, now).await?;
        if status == CaseStatus::Resolved {
            ask(tx, keys, &case, &view, now).await?;
        }
    }
    Ok(Applied::Done)
}

/// Asks everybody who was told that the case was received whether it really is solved (M10, M16), but those who do not
/// want to be asked.
async fn ask(
    tx: &mut Tx,
    keys: &Keyring,
    case: &CaseName,
    view: &CaseView,
    now: Timestamp,
) -> Result<(), Fault> {
    let cause = format!("case:{}:{}", case.id, view.epoch);
    let site = matters::site(tx, &case.site).await?;
    let zone = site
        .and_then(|site| TimeZone::get(&site.time_zone).ok())
        .unwrap_or(TimeZone::UTC);
    let (department, handlers) = surveys::handled_by(tx, case).await?;
    for person in surveys::people_of_case(tx, case).await? {
        let preference = preferences::get(tx, &case.site, &person).await?;
        if preference.refuses(Some(MessageTopic::Survey)) {
            let draft = causes::resolved(case, view, &person, now);
            messages::queue(tx, &case.site, &[draft], now).await?;
            continue;
        }
        let new = NewSurvey {
            id: ids::new_id(now),
            cause: &cause,
            kind: SurveyKind::Complaint,
            person: &person,
            case: Some((case, view.epoch)),
            department: &department,
            handlers: &handlers,
            contact: None,
            open_time: now,
            next_call_time: survey::next_call(now, 0, &zone),
        };
        let (id, fresh) = surveys::insert(tx, keys, &case.site, &new, now).await?;
        if fresh {
            let draft = causes::survey(id, &person, Some(case), &view.number, now);
            messages::queue(tx, &case.site, &[draft], now).await?;
        }
    }
    Ok(())
}

/// What people have to know about the work: each of them is told once, by a digest where too much comes at once (P22).
pub(super) async fn work_noticed(
    tx: &mut Tx,
    event: &Event,
    now: Timestamp,
    bundling: Bundling,
) -> Result<Applied, Fault> {
    if event.historical {
        return Ok(Applied::Done);
    }
    let news: WorkNoticed = event.decode()?;
    let word = news.news().as_str_name().trim_start_matches("WORK_NEWS_");
    let staff: Result<Vec<StaffName>, Fault> = news
        .staff
        .iter()
        .map(|name| parse_field("staff", name))
        .collect();
    let case: Option<CaseName> = match news.case.as_str() {
        "" => None,
        name => Some(parse_field("case", name)?),
    };
    let mut grade = news.grade;
    // Locked, so that a rise finds what joins a digest.
    if let Some(case) = &case
        && let Some(view) = matters::lock_case(tx, case).await?
        && view.grade == 1
    {
        // It rose since: assignment may not know.
        grade = 1;
    }
    let notice = WorkNotice {
        id: parse_field("notice_id", &news.notice_id)?,
        news: word.to_owned(),
        staff: staff?,
        case,
        about: news.resource.clone(),
        number: news.number.clone(),
        grade,
    };
    let drafts = causes::work_notice(&notice, now);
    digests::queue(tx, &event.site, &drafts, bundling, now).await?;
    Ok(Applied::Done)
}

pub(super) async fn graded(tx: &mut Tx, event: &Event, now: Timestamp) -> Result<Applied, Fault> {
    let news: CaseGraded = event.decode()?;
    let case: CaseName = parse_field("case", &news.case)?;
    let Some(mut view) = matters::lock_case(tx, &case).await? else {
        return Ok(Applied::Wait);
    };
    view.graded(news.revision, news.grade);
    view.moved(CaseStatus::Triaged, news.epoch);
    matters::keep_case(tx, &case, &view).await?;
    if view.grade == 1 {
        digests::hurry(tx, &case, now).await?;
    }
    if !news.cluster.is_empty() {
        let cluster: ClusterName = parse_field("cluster", &news.cluster)?;
        owner_notices::keep_cluster(tx, &case, cluster.id, None).await?;
    }
    Ok(Applied::Done)
}

/// Who has a case now: whoever it is offered to is told, by a digest where too much comes at once (P22).
pub(super) async fn owner_changed(
    tx: &mut Tx,
    event: &Event,
    now: Timestamp,
    bundling: Bundling,
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
    let newer = view.owned(news.revision, &news.responsible, &news.offered_to);
    let department = newer.then_some(news.department.as_str());
    surveys::keep_handler(tx, &case, &news.responsible, department).await?;
    if !newer {
        return Ok(Applied::Done);
    }
    matters::keep_case(tx, &case, &view).await?;
    // Where it rose since, assignment may not know.
    let grade = if news.grade == 0 || view.grade == 1 {
        view.grade
    } else {
        news.grade
    };
    if let Some(staff) = offered_to.filter(|_| !event.historical) {
        let draft = causes::offer(&case, &view, &staff, news.revision, grade, now);
        digests::queue(tx, &case.site, draft.as_slice(), bundling, now).await?;
    }
    if view.receipt_is_complete() {
        matters::release_receipts(tx, &case, now).await?;
    }
    Ok(Applied::Done)
}
