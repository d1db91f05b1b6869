//! News of incidents, call-outs and summonses.

use jiff::Timestamp;
use redress_events::{Applied, Event};
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{CaseName, IncidentName, SummonsName};
use redress_proto::convert;
use redress_proto::event::v1::{CallOutRequested, IncidentChanged, WorkSummoned};
use redress_store::Tx;

use crate::domain::causes::{self, CalloutNews, SummonsNews};
use crate::jobs::voice;
use crate::store::matters::{IncidentNow, Voice};
use crate::store::{held, matters, messages, parts};

/// A name that may be empty.
pub(super) fn optional<T>(field: &str, text: &str) -> Result<Option<T>, Fault>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    if text.is_empty() {
        Ok(None)
    } else {
        parse_field(field, text).map(Some)
    }
}

/// `told`: when crisis said it.
pub(super) async fn incident_changed(
    tx: &mut Tx,
    event: &Event,
    told: Timestamp,
    now: Timestamp,
) -> Result<Applied, Fault> {
    let news: IncidentChanged = event.decode()?;
    let incident: IncidentName = parse_field("incident", &news.incident)?;
    let cases = news
        .cases
        .iter()
        .map(|name| parse_field::<CaseName>("cases", name).map(|case| case.id))
        .collect::<Result<Vec<_>, _>>()?;
    let into: Option<IncidentName> = optional("merged_into", &news.merged_into)?;
    let voices = news
        .voices
        .iter()
        .map(|voice| {
            let end = voice.end_time.as_ref();
            Ok(Voice {
                staff: parse_field("voices.staff", &voice.staff)?,
                end: end
                    .map(|t| convert::from_timestamp("voices.end_time", t))
                    .transpose()?,
            })
        })
        .collect::<Result<Vec<_>, Fault>>()?;
    let is = IncidentNow {
        merged: into.is_some(),
        closed: news.closed,
        voices: &voices,
        revision: news.revision,
        told,
    };
    if matters::keep_incident(tx, &incident, &cases, is).await? {
        match into {
            Some(into) => held::follow(tx, &incident, into.id).await?,
            // What it held is decided by a person all the same, and by nobody's silence.
            None if news.closed => voice::ended(tx, &incident, now).await?,
            None => {}
        }
    }
    Ok(Applied::Done)
}

pub(super) async fn callout_requested(
    tx: &mut Tx,
    event: &Event,
    now: Timestamp,
) -> Result<Applied, Fault> {
    if event.historical {
        return Ok(Applied::Done);
    }
    let news: CallOutRequested = event.decode()?;
    let news = CalloutNews {
        callout_id: parse_field("callout_id", &news.callout_id)?,
        incident: parse_field("incident", &news.incident)?,
        case: optional("case", &news.case)?,
        role: convert::required("role", news.role)?,
        staff: parse_field("staff", &news.staff)?,
        number: news.number,
        public_mode: news.public_mode,
        provisional: news.provisional,
    };
    let draft = causes::callout(&news, now);
    messages::queue(tx, &news.incident.site, &[draft], now).await?;
    Ok(Applied::Done)
}

pub(super) async fn work_summoned(
    tx: &mut Tx,
    event: &Event,
    now: Timestamp,
) -> Result<Applied, Fault> {
    let news: WorkSummoned = event.decode()?;
    let summons: SummonsName = parse_field("summons", &news.summons)?;
    let case: CaseName = parse_field("case", &news.case)?;
    let Some(view) = matters::lock_case(tx, &case).await? else {
        return Ok(Applied::Wait);
    };
    parts::keep(
        tx,
        &case,
        summons.id,
        &parse_field("staff", &news.staff)?,
        true,
    )
    .await?;
    if event.historical || !view.may_page() {
        return Ok(Applied::Done);
    }
    let site = case.site.clone();
    let news = SummonsNews {
        summons: summons.id,
        told: news.told_count,
        case,
        staff: parse_field("staff", &news.staff)?,
        position: news.position,
        complainants: news.complainants,
        number: news.number,
        grade: news.grade,
    };
    messages::queue(tx, &site, &[causes::summons(&news, now)], now).await?;
    Ok(Applied::Done)
}
