//! Pages about broken promises, and who acknowledged them.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_store::{Database, StoreResultExt as _, Tx};
use redress_timers::Entry;
use uuid::Uuid;

use crate::domain::paging::PageState;

/// Clocks that one roster may wake in one transaction.
pub const WAKE_MAX: i64 = 500;

/// A page that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRow {
    /// The clock.
    pub clock: Uuid,
    /// The change of the clock that told it.
    pub generation: i64,
    /// Rung of the lead ladder.
    pub rung: u8,
    /// Round of the clock.
    pub round: u32,
    /// `sites/{site}/staff/{staff}`.
    pub staff: String,
    /// How often this person was paged on this rung.
    pub page: u16,
    /// When.
    pub sent: Timestamp,
    /// Until when to acknowledge.
    pub answer: Timestamp,
    /// When it was acknowledged.
    pub acknowledged: Option<Timestamp>,
}

struct Row {
    clock_id: Uuid,
    generation: i64,
    rung: i16,
    round: i32,
    staff: String,
    page: i16,
    send_time: jiff_sqlx::Timestamp,
    answer_time: jiff_sqlx::Timestamp,
    acknowledge_time: Option<jiff_sqlx::Timestamp>,
}

impl Row {
    fn read(self) -> PageRow {
        PageRow {
            clock: self.clock_id,
            generation: self.generation,
            rung: u8::try_from(self.rung).unwrap_or(0),
            round: u32::try_from(self.round).unwrap_or(1),
            staff: self.staff,
            page: u16::try_from(self.page).unwrap_or(1),
            sent: self.send_time.to_jiff(),
            answer: self.answer_time.to_jiff(),
            acknowledged: self.acknowledge_time.map(jiff_sqlx::Timestamp::to_jiff),
        }
    }
}

/// Adds pages.
pub async fn insert(tx: &mut Tx, site: &SiteId, pages: &[PageRow]) -> Result<(), Fault> {
    if pages.is_empty() {
        return Ok(());
    }
    let clocks: Vec<Uuid> = pages.iter().map(|p| p.clock).collect();
    let generations: Vec<i64> = pages.iter().map(|p| p.generation).collect();
    let rungs: Vec<i16> = pages.iter().map(|p| i16::from(p.rung)).collect();
    let rounds: Vec<i32> = pages
        .iter()
        .map(|p| i32::try_from(p.round).unwrap_or(i32::MAX))
        .collect();
    let staff: Vec<String> = pages.iter().map(|p| p.staff.clone()).collect();
    let counts: Vec<i16> = pages
        .iter()
        .map(|p| i16::try_from(p.page).unwrap_or(i16::MAX))
        .collect();
    let sent: Vec<jiff_sqlx::Timestamp> = pages.iter().map(|p| p.sent.to_sqlx()).collect();
    let answer: Vec<jiff_sqlx::Timestamp> = pages.iter().map(|p| p.answer.to_sqlx()).collect();
    sqlx::query!(
        "-- triage::store::pages::insert
        INSERT INTO clock_page (site, clock_id, generation, rung, round, staff, page, send_time, answer_time)
        SELECT $1, p.* FROM unnest($2::uuid[], $3::bigint[], $4::smallint[], $5::integer[], $6::text[],
                                   $7::smallint[], $8::timestamptz[], $9::timestamptz[]) AS p",
        site.as_str(),
        &clocks,
        &generations,
        &rungs,
        &rounds,
        &staff,
        &counts,
        &sent as &[jiff_sqlx::Timestamp],
        &answer as &[jiff_sqlx::Timestamp],
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// The pages of these clocks in their present rounds, by clock, oldest first.
pub async fn of_rounds(
    tx: &mut Tx,
    site: &SiteId,
    clocks: &[Uuid],
) -> Result<HashMap<Uuid, Vec<PageRow>>, Fault> {
    let rows = sqlx::query_as!(
        Row,
        "-- triage::store::pages::of_rounds
        SELECT p.clock_id, p.generation, p.rung, p.round, p.staff, p.page, p.send_time, p.answer_time,
               p.acknowledge_time
        FROM clock c JOIN clock_page p ON p.site = c.site AND p.clock_id = c.id AND p.round = c.round
        WHERE c.site = $1 AND c.id = ANY ($2)
        ORDER BY p.generation, p.rung",
        site.as_str(),
        clocks,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    let mut pages: HashMap<Uuid, Vec<PageRow>> = HashMap::new();
    for row in rows {
        pages.entry(row.clock_id).or_default().push(row.read());
    }
    Ok(pages)
}

/// The last page of a clock in this round.
pub async fn last(
    tx: &mut Tx,
    site: &SiteId,
    clock: Uuid,
    round: u32,
) -> Result<Option<PageRow>, Fault> {
    let row = sqlx::query_as!(
        Row,
        "-- triage::store::pages::last
        SELECT clock_id, generation, rung, round, staff, page, send_time, answer_time, acknowledge_time
        FROM clock_page WHERE site = $1 AND clock_id = $2 AND round = $3
        ORDER BY generation DESC, rung DESC LIMIT 1",
        site.as_str(),
        clock,
        i32::try_from(round).unwrap_or(i32::MAX),
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    Ok(row.map(Row::read))
}

/// The last page of each of these clocks, by clock.
pub async fn last_of(tx: &mut Tx, clocks: &[Uuid]) -> Result<HashMap<Uuid, PageRow>, Fault> {
    let rows = sqlx::query_as!(
        Row,
        "-- triage::store::pages::last_of
        SELECT DISTINCT ON (p.clock_id) p.clock_id, p.generation, p.rung, p.round, p.staff, p.page, p.send_time,
               p.answer_time, p.acknowledge_time
        FROM clock c JOIN clock_page p ON p.site = c.site AND p.clock_id = c.id AND p.round = c.round
        WHERE c.id = ANY ($1)
        ORDER BY p.clock_id, p.generation DESC, p.rung DESC",
        clocks,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    Ok(rows.into_iter().map(|r| (r.clock_id, r.read())).collect())
}

/// The pages by which this change of the clock told this person, one for each clock and round: its own, and those of clocks to
/// which a merge or its undoing handed it on. None where it told nothing that is acknowledged.
pub async fn told(
    tx: &mut Tx,
    site: &SiteId,
    clock: Uuid,
    generation: i64,
    staff: &str,
) -> Result<Vec<PageRow>, Fault> {
    let rows = sqlx::query_as!(
        Row,
        "-- triage::store::pages::told
        SELECT DISTINCT ON (clock_id, round) clock_id, generation, rung, round, staff, page, send_time, answer_time,
               acknowledge_time
        FROM clock_page
        WHERE site = $1 AND staff = $4
          AND (clock_id = $2 AND generation = $3 OR told_clock = $2 AND told_generation = $3)
        ORDER BY clock_id, round, rung DESC",
        site.as_str(),
        clock,
        generation,
        staff,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    Ok(rows.into_iter().map(Row::read).collect())
}

/// Hands the pages of a clock's round on to another clock's, as its changes from `generation` on. Gives how many there are.
pub async fn hand_on(
    tx: &mut Tx,
    site: &SiteId,
    (from, from_round): (Uuid, u32),
    (to, to_round): (Uuid, u32),
    generation: i64,
) -> Result<i64, Fault> {
    let handed = sqlx::query!(
        "-- triage::store::pages::hand_on
        INSERT INTO clock_page (site, clock_id, generation, rung, round, staff, page, send_time, answer_time,
                                acknowledge_time, told_clock, told_generation)
        SELECT site, $4, $6 + row_number() OVER (ORDER BY generation, rung), rung, $5, staff, page, send_time,
               answer_time, acknowledge_time, coalesce(told_clock, clock_id), coalesce(told_generation, generation)
        FROM clock_page WHERE site = $1 AND clock_id = $2 AND round = $3",
        site.as_str(),
        from,
        i32::try_from(from_round).unwrap_or(i32::MAX),
        to,
        i32::try_from(to_round).unwrap_or(i32::MAX),
        generation,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?
    .rows_affected();
    Ok(i64::try_from(handed).unwrap_or(i64::MAX))
}

/// Notes that somebody acknowledged: this page, and every other one of the same round to the same person on that rung or
/// below.
pub async fn acknowledge(
    tx: &mut Tx,
    site: &SiteId,
    page: &PageRow,
    at: Timestamp,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- triage::store::pages::acknowledge
        UPDATE clock_page SET acknowledge_time = $6
        WHERE site = $1 AND clock_id = $2 AND round = $3 AND staff = $4 AND rung <= $5 AND acknowledge_time IS NULL",
        site.as_str(),
        page.clock,
        i32::try_from(page.round).unwrap_or(i32::MAX),
        page.staff,
        i16::from(page.rung),
        at.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Wakes the clocks of a site that nobody heard of, since the roster has changed and may bring somebody, and the questions that
/// wait for an answer, which the new holder of the duty is asked: at most [`WAKE_MAX`], in order of id after `after`. What they
/// do when they fire is decided then.
pub async fn wake(
    tx: &mut Tx,
    site: &SiteId,
    after: Option<Uuid>,
    now: Timestamp,
) -> Result<Vec<Entry>, Fault> {
    let rows = sqlx::query!(
        "-- triage::store::pages::wake
        WITH waiting AS MATERIALIZED (
          SELECT id FROM clock
          WHERE site = $1 AND NOT held AND stop_time IS NULL
            AND (page_state IN ('WAITING', 'UNANSWERED') OR page_state = 'OPEN' AND kind = 'CONFIRM_SIGNAL')
            AND ($2::uuid IS NULL OR id > $2)
          ORDER BY id LIMIT $4 FOR UPDATE
        )
        UPDATE clock c SET page_time = CASE c.page_state WHEN 'OPEN' THEN c.page_time ELSE $3 END,
          next_time = least(c.next_time, $3), generation = c.generation + 1
        FROM waiting w WHERE c.site = $1 AND c.id = w.id
        RETURNING c.id, c.generation, c.grade, c.next_time AS \"next_time!\"",
        site.as_str(),
        after,
        now.to_sqlx(),
        WAKE_MAX,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    Ok(rows
        .into_iter()
        .map(|r| Entry::new(r.id, r.generation, r.next_time.to_jiff()).first(r.grade == 1))
        .collect())
}

/// How many clocks of all sites nobody heard of: those that wait for somebody on duty, and those that nobody on duty
/// acknowledged.
pub async fn unheard(db: &Database) -> Result<Vec<(String, i64)>, Fault> {
    let rows = sqlx::query!(
        "-- triage::store::pages::unheard
        SELECT page_state, count(*) AS \"count!\" FROM clock
        WHERE page_state IN ('WAITING', 'UNANSWERED') GROUP BY page_state",
    )
    .fetch_all(db.worker())
    .await
    .or_fault()?;
    let of = |state: PageState| {
        let found = rows.iter().find(|r| r.page_state == state.word());
        (state.word().to_owned(), found.map_or(0, |r| r.count))
    };
    Ok(vec![of(PageState::Waiting), of(PageState::Unanswered)])
}
