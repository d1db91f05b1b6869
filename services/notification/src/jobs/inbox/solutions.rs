//! News of what assignment decided about a case: how much may be promised, who has a part in it, and what became of the
//! appeal.

use jiff::Timestamp;
use redress_events::{Applied, Event};
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{CaseName, SolutionName, StaffName};
use redress_proto::convert::{from_money, from_timestamp};
use redress_proto::event::v1::{AppealDecided, PartChanged, SolutionChanged};
use redress_store::Tx;

use crate::domain::causes;
use crate::store::promises::{self, Promised};
use crate::store::{matters, messages, parts};

pub(super) async fn changed(tx: &mut Tx, event: &Event) -> Result<Applied, Fault> {
    let news: SolutionChanged = event.decode()?;
    let case: CaseName = parse_field("case", &news.case)?;
    let solution: SolutionName = parse_field("solution", &news.solution)?;
    let sum = news
        .sum
        .as_ref()
        .ok_or_else(|| Fault::invalid("sum", "must be given"))?;
    let promised = Promised {
        solution,
        case,
        epoch: news.epoch,
        may_be_promised: news.may_be_promised,
        sum: from_money("sum", sum)?,
        expires: news
            .expire_time
            .as_ref()
            .map(|time| from_timestamp("expire_time", time))
            .transpose()?,
        revision: news.revision,
    };
    promises::keep(tx, &promised).await?;
    Ok(Applied::Done)
}

/// A granted one opens the case again, which intake tells; a dismissed one is the last word, so it is told.
pub(super) async fn appeal_decided(
    tx: &mut Tx,
    event: &Event,
    now: Timestamp,
) -> Result<Applied, Fault> {
    let news: AppealDecided = event.decode()?;
    let case: CaseName = parse_field("case", &news.case)?;
    let Some(view) = matters::lock_case(tx, &case).await? else {
        return Ok(Applied::Wait);
    };
    if !news.granted && !event.historical && !view.historical {
        let readers = matters::readers(tx, &case, &view).await?;
        let drafts = causes::appeal_dismissed(&case, &readers, now);
        messages::queue(tx, &case.site, &drafts, now).await?;
    }
    Ok(Applied::Done)
}

pub(super) async fn part_changed(tx: &mut Tx, event: &Event) -> Result<Applied, Fault> {
    let news: PartChanged = event.decode()?;
    let case: CaseName = parse_field("case", &news.case)?;
    let staff: StaffName = parse_field("staff", &news.staff)?;
    parts::keep(
        tx,
        &case,
        parse_field("part", &news.part)?,
        &staff,
        news.open,
    )
    .await?;
    Ok(Applied::Done)
}
