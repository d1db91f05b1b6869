//! News of sites and staff.

use jiff::Timestamp;
use redress_events::{Applied, Event};
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{RegionName, SiteName, StaffName};
use redress_model::words::DutyRole;
use redress_proto::convert;
use redress_proto::event::v1::{DutyChanged, DutySlot, SiteChanged, StaffChanged};
use redress_store::{Keyring, Tx, place_site};

use crate::domain::route::ContactPoints;
use crate::jobs::announce;
use crate::jobs::people::People;
use crate::store::duty::{self, Slot};
use crate::store::matters::{self, SiteView};
use crate::store::staff::{self, StaffContact};
use crate::store::texts;

pub(super) async fn site_changed(
    tx: &mut Tx,
    event: &Event,
    now: Timestamp,
) -> Result<Applied, Fault> {
    let news: SiteChanged = event.decode()?;
    let SiteName(site) = parse_field("site", &news.site)?;
    let region: RegionName = parse_field("region", &news.region)?;
    place_site(tx, &site, &region.organization, &region.region).await?;
    let view = SiteView {
        display_name: news.display_name,
        display_name_en: news.display_name_en,
        time_zone: news.time_zone,
        language: news.language,
        revision: news.revision,
    };
    matters::keep_site(tx, &site, &view).await?;
    // A site that is new somewhere comes under rules that were applied before.
    for rules in texts::wording_of(tx, &site, now).await? {
        announce::wording(tx, &site, &rules).await?;
    }
    // Messages may have been waiting for the site's zone and language.
    tx.wake();
    Ok(Applied::Done)
}

/// Asks assignment how to reach the person. A retired one is not asked for.
pub(super) async fn fetch_staff<P: People>(
    people: &P,
    event: &Event,
) -> Result<StaffContact, Fault> {
    let news: StaffChanged = event.decode()?;
    let name: StaffName = parse_field("staff", &news.staff)?;
    if news.retired {
        return Ok(StaffContact {
            points: ContactPoints::default(),
            language: news.language,
            department: String::new(),
            department_en: String::new(),
            retired: true,
            revision: news.revision,
        });
    }
    people
        .staff(&name)
        .await?
        // Told of but not found: the answer comes from a place that lags behind.
        .ok_or_else(|| Fault::unavailable("assignment"))
}

pub(super) async fn staff_changed(
    tx: &mut Tx,
    keys: &Keyring,
    event: &Event,
    contact: &StaffContact,
    now: Timestamp,
) -> Result<Applied, Fault> {
    let news: StaffChanged = event.decode()?;
    let name: StaffName = parse_field("staff", &news.staff)?;
    staff::keep(tx, keys, &name, contact, now).await?;
    tx.wake();
    Ok(Applied::Done)
}

/// The whole roster: tasks are put to who is on duty, and who is off duty is not reminded (P07).
pub(super) async fn duty_changed(tx: &mut Tx, event: &Event) -> Result<Applied, Fault> {
    let news: DutyChanged = event.decode()?;
    let SiteName(site) = parse_field("site", &news.site)?;
    let mut slots = Vec::with_capacity(news.slots.len());
    for slot in &news.slots {
        slots.extend(read_slot(slot)?);
    }
    let mut at_desk = Vec::new();
    for member in &news.members {
        let mut roles = member.roles.iter().filter_map(|n| convert::from_wire(*n));
        if roles.any(|role: DutyRole| duty::AT_DESK.contains(&role)) {
            at_desk.push(parse_field("members.staff", &member.staff)?);
        }
    }
    duty::keep(tx, &site, &slots, &at_desk, news.revision).await?;
    Ok(Applied::Done)
}

/// A stretch of duty; none for a duty of a newer release.
fn read_slot(slot: &DutySlot) -> Result<Option<Slot>, Fault> {
    let Some(role) = convert::from_wire(slot.role) else {
        return Ok(None);
    };
    let start = slot
        .start_time
        .as_ref()
        .ok_or_else(|| Fault::invalid("slots.start_time", "must be given"))?;
    Ok(Some(Slot {
        role,
        staff: parse_field("slots.staff", &slot.staff)?,
        rank: slot.rank,
        start: convert::from_timestamp("slots.start_time", start)?,
        end: slot
            .end_time
            .as_ref()
            .map(|time| convert::from_timestamp("slots.end_time", time))
            .transpose()?,
    }))
}
