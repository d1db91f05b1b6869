//! The calendar of a site moves: a person changes it, the product ships newer holidays, the site's policy or
//! zone changes. Each is a revision from tomorrow on; the clocks follow later, case by case
//! (`jobs::calendars`), so that a site with thousands of them holds no long transaction.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use redress_model::{Fault, ids};
use redress_store::Tx;

use crate::domain::calendars::{CalendarCause, Content, Revision, SiteCalendars};
use crate::domain::policies::SitePolicy;
use crate::store::calendars;
use crate::store::sites::{self, Site};

/// What a person changes.
#[derive(Debug, Clone)]
pub struct CalendarChange {
    /// What the calendar says from tomorrow on.
    pub content: Content,
    /// Who changes it.
    pub author: String,
    /// What it is about.
    pub note: String,
}

/// The first day that a change made now can still reach: tomorrow at the site. Today is left alone, or a
/// deadline of this morning could be missed by an announcement at noon.
pub fn first_day(site: &Site, now: Timestamp) -> Date {
    let today = site.zone.to_datetime(now).date();
    today.tomorrow().unwrap_or(today)
}

/// What the site's calendar says now.
pub fn content(site: &Site) -> Content {
    match site.calendars.newest() {
        Some(revision) => revision.content.clone(),
        None => Content::of_policy(site.profile(), &site.zone_name),
    }
}

/// The site with the first revision of its calendar, where none is stored yet: as if it were.
pub fn with_first(site: Site, now: Timestamp) -> Site {
    if !site.calendars.all().is_empty() {
        return site;
    }
    match next(&site, now) {
        Some(first) => Site {
            calendars: Arc::new(SiteCalendars::of(first, Vec::new())),
            ..site
        },
        None => site,
    }
}

/// The revision that a change makes; none where it changes nothing. The site was read under the lock of
/// its calendar.
pub fn revision(site: &Site, change: CalendarChange, now: Timestamp) -> Option<Revision> {
    let number = site.calendar_revision().max(1) + 1;
    (content(site) != change.content).then(|| Revision {
        number,
        id: ids::new_id(now),
        cause: CalendarCause::Imported,
        effective: Some(first_day(site, now)),
        content: change.content,
        author: change.author,
        note: change.note,
        created: now,
    })
}

/// Lets a site's calendar follow the product, the site's policy and its zone. Gives the site as it is then,
/// and whether it changed.
pub async fn follow_calendar(
    tx: &mut Tx,
    site: Site,
    now: Timestamp,
) -> Result<(Site, bool), Fault> {
    if next(&site, now).is_none() {
        return Ok((site, false));
    }
    calendars::lock(tx, &site.id).await?;
    let site = reread(tx, site).await?;
    let Some(revision) = next(&site, now) else {
        return Ok((site, false));
    };
    calendars::insert(tx, &site.id, &revision).await?;
    Ok((reread(tx, site).await?, true))
}

/// The site as it is now.
pub async fn reread(tx: &mut Tx, site: Site) -> Result<Site, Fault> {
    Ok(sites::get(tx, &site.id, site.as_of).await?.unwrap_or(site))
}

/// The site under another policy from an instant on, with the calendar that it has from the day after: what has passed keeps
/// the hours of then. And whether its working time is another one for that policy.
pub(super) fn under(site: Site, policy: Arc<SitePolicy>, at: Timestamp) -> (Site, bool) {
    let before = followed(site, at);
    let policy = Site {
        policy,
        ..before.clone()
    };
    let after = followed(policy, at);
    let other = after.calendar_revision() != before.calendar_revision();
    (after, other)
}

/// The site as it is once its calendar has followed, which is not stored.
fn followed(site: Site, at: Timestamp) -> Site {
    match next(&site, at) {
        Some(revision) => Site {
            calendars: Arc::new(SiteCalendars::clone(&site.calendars).with(revision)),
            ..site
        },
        None => site,
    }
}

fn next(site: &Site, now: Timestamp) -> Option<Revision> {
    let policy = site.profile();
    let (number, cause, effective, content) = match site.calendars.newest() {
        None => {
            let content = Content::of_policy(policy, &site.zone_name);
            (1, CalendarCause::First, None, content)
        }
        Some(newest) => {
            let (content, cause) = newest.content.followed(policy, &site.zone_name)?;
            (
                newest.number + 1,
                cause,
                Some(first_day(site, now)),
                content,
            )
        }
    };
    Some(Revision {
        number,
        id: ids::new_id(now),
        cause,
        effective,
        content,
        author: String::new(),
        note: String::new(),
        created: now,
    })
}
