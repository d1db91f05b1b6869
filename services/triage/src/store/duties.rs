//! Who is on duty, as assignment's roster says.

use std::cmp::Reverse;
use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_model::words::DutyRole;
use redress_store::{StoreResultExt as _, Tx};

use super::word;

/// One stretch of duty.
#[derive(Debug, Clone)]
pub struct Slot {
    /// Which duty.
    pub role: DutyRole,
    /// `sites/{site}/staff/{staff}`.
    pub staff: String,
    /// 0 for the holder, 1 for the first deputy.
    pub rank: i32,
    /// From when.
    pub start: Timestamp,
    /// Until before; none where open.
    pub end: Option<Timestamp>,
}

/// Replaces the site's roster, unless a newer one is known: its stretches, and everybody who is on it.
pub async fn replace(
    tx: &mut Tx,
    site: &SiteId,
    revision: i64,
    slots: &[Slot],
    people: &[String],
) -> Result<(), Fault> {
    let newer = sqlx::query!(
        "-- triage::store::duties::replace
        INSERT INTO duty_roster AS r (site, revision, people) VALUES ($1, $2, $3)
        ON CONFLICT (site) DO UPDATE SET revision = $2, people = $3 WHERE r.revision < $2",
        site.as_str(),
        revision,
        people,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?
    .rows_affected();
    if newer == 0 {
        return Ok(());
    }
    sqlx::query!(
        "-- triage::store::duties::replace
        DELETE FROM duty_slot WHERE site = $1",
        site.as_str(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    for slot in slots {
        sqlx::query!(
            "-- triage::store::duties::replace
            INSERT INTO duty_slot (site, role, staff, rank, start_time, end_time)
            VALUES ($1, $2, $3, $4, $5, $6)",
            site.as_str(),
            slot.role.word(),
            slot.staff,
            slot.rank,
            slot.start.to_sqlx(),
            slot.end.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        )
        .execute(&mut **tx)
        .await
        .or_fault()?;
    }
    Ok(())
}

/// Keeps whether a person still works here.
pub async fn put_staff(
    tx: &mut Tx,
    site: &SiteId,
    staff: &str,
    retired: bool,
    revision: i64,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- triage::store::duties::put_staff
        INSERT INTO staff_retired AS s (site, staff, revision, retired) VALUES ($1, $2, $3, $4)
        ON CONFLICT (site, staff) DO UPDATE SET revision = $3, retired = $4 WHERE s.revision < $3",
        site.as_str(),
        staff,
        revision,
        retired,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// A site's roster as it is known: who may be on duty, and who has left.
#[derive(Debug, Clone, Default)]
pub struct Roster {
    slots: Vec<Slot>,
    people: HashSet<String>,
    retired: HashSet<String>,
}

/// The site's roster.
pub async fn roster(tx: &mut Tx, site: &SiteId) -> Result<Roster, Fault> {
    let rows = sqlx::query!(
        "-- triage::store::duties::roster
        SELECT d.role, d.staff, d.rank, d.start_time, d.end_time,
               EXISTS (SELECT FROM staff_retired s WHERE s.site = d.site AND s.staff = d.staff AND s.retired)
                 AS \"retired!\"
        FROM duty_slot d WHERE d.site = $1",
        site.as_str(),
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    let people = sqlx::query_scalar!(
        "-- triage::store::duties::roster
        SELECT people FROM duty_roster WHERE site = $1",
        site.as_str(),
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    let mut roster = Roster {
        people: people.into_iter().flatten().collect(),
        ..Roster::default()
    };
    for row in rows {
        if row.retired {
            roster.retired.insert(row.staff.clone());
        }
        roster.slots.push(Slot {
            role: word(&row.role)?,
            staff: row.staff,
            rank: row.rank,
            start: row.start_time.to_jiff(),
            end: row.end_time.map(jiff_sqlx::Timestamp::to_jiff),
        });
    }
    Ok(roster)
}

impl Slot {
    fn is_at(&self, now: Timestamp) -> bool {
        self.start <= now && self.end.is_none_or(|end| now < end)
    }
}

impl Roster {
    /// Duties of people whom the case does not exclude and who have not left.
    fn of_others<'a, 'b: 'a>(
        &'b self,
        excluded: &'a [String],
    ) -> impl Iterator<Item = &'b Slot> + use<'a, 'b> {
        self.slots
            .iter()
            .filter(|slot| !excluded.contains(&slot.staff) && !self.retired.contains(&slot.staff))
    }

    /// The person who holds this duty now, and since when: the holder, else the first deputy there is. Never somebody
    /// whom the case excludes or who left.
    pub fn on_duty_since(
        &self,
        role: DutyRole,
        now: Timestamp,
        excluded: &[String],
    ) -> Option<(&str, Timestamp)> {
        self.of_others(excluded)
            .filter(|slot| slot.role == role && slot.is_at(now))
            .min_by_key(|slot| (slot.rank, Reverse(slot.start), &slot.staff))
            .map(|slot| (slot.staff.as_str(), slot.start))
    }

    /// Whether the case accuses somebody who has one of these duties now, so that they are left out of it.
    pub fn is_accused(&self, roles: &[DutyRole], now: Timestamp, excluded: &[String]) -> bool {
        let mut now_on = self.slots.iter().filter(|slot| slot.is_at(now));
        now_on.any(|slot| roles.contains(&slot.role) && excluded.contains(&slot.staff))
    }

    /// Whether the roster knows this person and has no duty of theirs now, be the next one weeks away (P07). Who is on
    /// no roster is nobody we could call off duty.
    pub fn is_off_duty(&self, staff: &str, now: Timestamp) -> bool {
        let mut own = self.slots.iter().filter(|s| s.staff == staff).peekable();
        let known = own.peek().is_some() || self.people.contains(staff);
        known && !own.any(|slot| slot.is_at(now))
    }

    /// When a stretch of one of these duties next begins or ends, as far as the roster is known.
    pub fn next_change(&self, roles: &[DutyRole], now: Timestamp) -> Option<Timestamp> {
        self.slots
            .iter()
            .filter(|slot| roles.contains(&slot.role))
            .flat_map(|slot| [Some(slot.start), slot.end])
            .flatten()
            .filter(|at| *at > now)
            .min()
    }

    /// When somebody next comes on one of these duties, as far as the roster is known. Never somebody whom the
    /// case excludes or who left.
    pub fn next_start(
        &self,
        roles: &[DutyRole],
        now: Timestamp,
        excluded: &[String],
    ) -> Option<Timestamp> {
        self.of_others(excluded)
            .filter(|slot| roles.contains(&slot.role) && slot.start > now)
            .map(|slot| slot.start)
            .min()
    }
}

/// How far ahead a roster is known for sure: assignment tells the next 14 days, and tells them anew every day.
const KNOWN_AHEAD: SignedDuration = SignedDuration::from_hours(24 * 13);

/// Until when rosters are known for sure. Whose duty has no end, or ends later, is known to have it beyond; who else
/// will have one is not.
pub fn known_until(now: Timestamp) -> Timestamp {
    now.saturating_add(KNOWN_AHEAD).unwrap_or(Timestamp::MAX)
}

/// Who leads where no lead of the site may: whoever the region names to the site (own).
pub const ABOVE: DutyRole = DutyRole::RegionContact;
