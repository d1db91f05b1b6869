//! What is promised and not done yet, read from wherever it stands.

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::{CaseName, SiteId, StaffId};
use redress_model::words::{ClockKind, ClockState};
use redress_store::{StoreResultExt as _, Tx};
use uuid::Uuid;

use super::{parse, parse_opt};
use crate::domain::demand::ANSWER_MINUTES;
use crate::domain::handling::VISIT_GRACE;
use crate::domain::validity::APPEAL_LIMIT;

redress_model::words! {
    /// What kind of promise it is.
    PromiseKind, "PROMISE_KIND_" {
        /// A clock of a case.
        Clock = 1 => "CLOCK",
        /// Help on a case that another leads.
        Support = 2 => "SUPPORT",
        /// A step of an agreed solution.
        SolutionStep = 3 => "SOLUTION_STEP",
        /// A planned visit.
        Visit = 4 => "VISIT",
        /// Something done so that a complaint does not come again.
        CorrectiveAction = 5 => "CORRECTIVE_ACTION",
        /// A hand-over that waits for its receiver.
        Handover = 6 => "HANDOVER",
        /// Somebody has to appear and has not said so.
        Summons = 7 => "SUMMONS",
        /// A penalty or a fee to be settled.
        LedgerEntry = 8 => "LEDGER_ENTRY",
        /// Evidence that somebody is to bring.
        EvidenceRequest = 20 => "EVIDENCE_REQUEST",
        /// An appeal against a rejection that somebody is to decide.
        Appeal = 40 => "APPEAL",
        /// A penalty that was proposed and that somebody is to confirm or refuse.
        LedgerProposal = 41 => "LEDGER_PROPOSAL",
        /// An appeal against an entry of the ledger that somebody is to decide.
        LedgerAppeal = 42 => "LEDGER_APPEAL",
        /// A solution that waits for somebody's approval.
        Solution = 60 => "SOLUTION",
    }
}

/// Something that is promised and not done yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promise {
    /// Its site.
    pub site: SiteId,
    /// What kind it is.
    pub kind: PromiseKind,
    /// What it stands in, below the site.
    pub resource: String,
    /// The case.
    pub case: Option<Uuid>,
    /// Number of the case for people.
    pub number: String,
    /// Who owes it.
    pub staff: Option<StaffId>,
    /// What is promised.
    pub text: String,
    /// Until when; none where it waits for a condition.
    pub due: Option<Timestamp>,
    /// Its clock stands still.
    pub held: bool,
}

impl Promise {
    /// From when on it is late. Whoever is summoned appears at once, which is late before anybody could know: not until it was to
    /// be acknowledged (section 7).
    pub fn late_from(&self) -> Option<Timestamp> {
        let grace = match self.kind {
            PromiseKind::Summons => SignedDuration::from_mins(ANSWER_MINUTES),
            _ => SignedDuration::ZERO,
        };
        self.due
            .map(|due| due.saturating_add(grace).unwrap_or(Timestamp::MAX))
    }

    /// Where it stands in the list: what has no time comes last.
    pub fn key(&self) -> (Timestamp, String) {
        (self.due.unwrap_or(last()), self.resource.clone())
    }
}

/// After everything that has a time.
fn last() -> Timestamp {
    // 9000-01-01
    Timestamp::from_second(221_845_392_000).unwrap_or(Timestamp::MAX)
}

/// What a list of promises is narrowed by.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only of this site.
    pub site: Option<SiteId>,
    /// Only what this person owes.
    pub staff: Option<StaffId>,
    /// Without cases that complain about this person of this site, and of the ledger what this person bears alone.
    pub caller: Option<(SiteId, StaffId)>,
    /// Everybody's entries of the ledger.
    pub all_entries: bool,
    /// Penalties that others proposed, for this caller who may confirm them: a token subject.
    pub confirmer: Option<String>,
    /// Appeals against entries in which others had a hand, for this caller who may decide them: a token subject.
    pub decider: Option<String>,
}

/// Promises, what is due first at the head, after the given one.
///
/// # Errors
/// When Postgres is away.
pub async fn list(
    tx: &mut Tx,
    filter: &Filter,
    after: Option<&(Timestamp, String)>,
    limit: i64,
) -> Result<Vec<Promise>, Fault> {
    let rows = sqlx::query!(
        r#"-- assignment::store::promises::list
        WITH promise AS (
          SELECT c.site, 'CLOCK' AS kind, 'clocks/' || c.clock AS resource, c.case_id, w.responsible AS staff, c.kind AS text,
                 c.due_time AS due, c.held
          FROM clock_fact c JOIN work w ON w.site = c.site AND w.case_id = c.case_id
          WHERE c.state IN ('RUNNING', 'BREACHED')
            -- What stands for itself: a department's help, evidence that somebody is to bring, steps of solutions, their
            -- approval, an appeal, a planned visit.
            AND NOT (c.kind = 'SUPPORT' AND (EXISTS (
              SELECT FROM support s WHERE s.site = c.site AND s.case_id = c.case_id AND s.due_time = c.due_time)
              OR EXISTS (
              SELECT FROM matter m WHERE m.site = c.site AND m.case_id = c.case_id AND m.kind = 'EVIDENCE_REQUEST'
                AND (m.document ->> 'due')::timestamptz = c.due_time)
              OR EXISTS (
              SELECT FROM solution s JOIN solution_step p ON p.site = s.site AND p.solution = s.id
              WHERE s.site = c.site AND s.case_id = c.case_id AND s.state = 'AGREED' AND p.due_time = c.due_time)
              OR EXISTS (
              SELECT FROM solution s WHERE s.site = c.site AND s.case_id = c.case_id AND s.approval_due = c.due_time)
              OR EXISTS (
              SELECT FROM appeal a WHERE a.site = c.site AND a.case_id = c.case_id AND a.granted IS NULL AND a.due_time = c.due_time)
              OR EXISTS (
              SELECT FROM visit v WHERE v.site = c.site AND v.case_id = c.case_id AND v.make_time IS NULL
                AND v.cancel_time IS NULL AND v.plan_time + make_interval(secs => $11) = c.due_time)))
          UNION ALL
          SELECT site, 'SUPPORT', 'supports/' || id, case_id, staff, task, due_time, false FROM support
          WHERE state = 'REQUESTED'
          UNION ALL
          SELECT site, 'EVIDENCE_REQUEST', 'evidenceRequests/' || id, case_id, document ->> 'staff', document ->> 'what',
                 (document ->> 'due')::timestamptz, false FROM matter
          WHERE kind = 'EVIDENCE_REQUEST' AND NOT ended
          UNION ALL
          -- It is heard as long as the rejection stands.
          SELECT a.site, 'APPEAL', 'work/' || a.case_id || '/appeal', a.case_id, a.owed_by, '', a.due_time, false
          FROM appeal a JOIN work w ON w.site = a.site AND w.case_id = a.case_id
          WHERE a.granted IS NULL AND w.status = 'REJECTED'
          UNION ALL
          SELECT s.site, 'SOLUTION_STEP', 'solutions/' || s.id || '#' || p.position, s.case_id, p.owner,
                 concat_ws(': ', nullif(p.outside_party, ''), p.condition, p.text), p.due_time, false
          FROM solution s JOIN solution_step p ON p.site = s.site AND p.solution = s.id
          -- What was agreed to in a former round of the case is carried out no more.
          JOIN work w ON w.site = s.site AND w.case_id = s.case_id AND w.epoch = s.epoch
          WHERE s.state = 'AGREED' AND p.done_time IS NULL
          UNION ALL
          -- Of the round that the case is in; what binds the company may wait for a higher word.
          SELECT s.site, 'SOLUTION', 'solutions/' || s.id, s.case_id, s.approver, '', s.approval_due, false
          FROM solution s JOIN work w ON w.site = s.site AND w.case_id = s.case_id AND w.epoch = s.epoch
          WHERE s.state = 'AWAITING_APPROVAL' OR (s.state IN ('TOLD', 'AGREED') AND s.approval_demand IS NOT NULL)
          UNION ALL
          SELECT site, 'VISIT', 'work/' || case_id || '/visits/' || id, case_id, staff, purpose, plan_time, false FROM visit
          WHERE make_time IS NULL AND cancel_time IS NULL AND plan_time IS NOT NULL
          UNION ALL
          SELECT site, 'CORRECTIVE_ACTION', 'correctiveActions/' || id, case_id, owner, title, due_time, false
          FROM corrective_action WHERE state = 'OPEN'
          UNION ALL
          SELECT h.site, 'HANDOVER', 'work/' || h.case_id, h.case_id, w.offered_to, '', h.due_time, false
          FROM handover h JOIN work w ON w.site = h.site AND w.case_id = h.case_id
          UNION ALL
          SELECT site, 'SUMMONS', 'summonses/' || id, case_id, staff, position, summon_time, false FROM summons
          WHERE acknowledge_time IS NULL
          UNION ALL
          SELECT site, 'LEDGER_ENTRY', 'ledgerEntries/' || id, case_id, staff, reason, due_time, false FROM ledger_entry
          WHERE kind IN ('PENALTY', 'FEE') AND state IN ('OPEN', 'CONFIRMED') AND amount_fen > 0
            AND ($5 OR (site = $3 AND staff = $4))
          UNION ALL
          -- Whoever may confirm it, and neither proposed nor bears it.
          SELECT e.site, 'LEDGER_PROPOSAL', 'ledgerEntries/' || e.id, e.case_id, NULL, e.reason, e.due_time, false
          FROM ledger_entry e
          WHERE e.state = 'PROPOSED' AND $10::text IS NOT NULL
            AND NOT EXISTS (SELECT FROM ledger_act a WHERE a.site = e.site AND a.entry = e.id
              AND (a.actor = $10 OR a.actor_staff = 'sites/' || $3 || '/staff/' || $4))
            AND ($3::text IS NULL OR e.site <> $3 OR e.staff IS DISTINCT FROM $4)
          UNION ALL
          -- Whoever may decide it, had no hand in it and does not bear it. It moves no more until it is decided.
          SELECT e.site, 'LEDGER_APPEAL', 'ledgerEntries/' || e.id, e.case_id, NULL, e.reason,
                 e.update_time + make_interval(secs => $13), false
          FROM ledger_entry e
          WHERE e.state = 'APPEALED' AND $12::text IS NOT NULL
            AND NOT EXISTS (SELECT FROM ledger_act a WHERE a.site = e.site AND a.entry = e.id
              AND (a.actor = $12 OR a.actor_staff = 'sites/' || $3 || '/staff/' || $4))
            AND ($3::text IS NULL OR e.site <> $3 OR e.staff IS DISTINCT FROM $4)
        )
        SELECT p.site AS "site!", p.kind AS "kind!", p.resource AS "resource!", p.case_id, coalesce(w.number, '') AS "number!",
               p.staff, p.text AS "text!", p.due, p.held AS "held!"
        FROM promise p LEFT JOIN work w ON w.site = p.site AND w.case_id = p.case_id
        WHERE ($1::text IS NULL OR p.site = $1) AND ($2::text IS NULL OR p.staff = $2)
          -- What belongs to a case that has ended is owed to nobody; the rest is.
          AND (p.kind IN ('CORRECTIVE_ACTION', 'LEDGER_ENTRY', 'LEDGER_PROPOSAL', 'LEDGER_APPEAL', 'CLOCK', 'APPEAL')
               OR w.status NOT IN ('CLOSED', 'ARCHIVED', 'WITHDRAWN', 'REJECTED', 'MERGED'))
          AND ($3::text IS NULL OR w.excluded IS NULL OR NOT (p.site = $3 AND w.excluded @> ARRAY[$4::text]))
          AND ($6::timestamptz IS NULL OR (coalesce(p.due, $8), p.resource) > ($6, $7))
        ORDER BY coalesce(p.due, $8), p.resource LIMIT $9"#,
        filter.site.as_ref().map(SiteId::as_str),
        filter.staff.as_ref().map(StaffId::as_str),
        filter.caller.as_ref().map(|(site, _)| site.as_str()),
        filter.caller.as_ref().map(|(_, staff)| staff.as_str()),
        filter.all_entries,
        after.map(|(due, _)| due.to_sqlx()),
        after.map(|(_, resource)| resource.as_str()),
        last().to_sqlx(),
        limit,
        filter.confirmer.as_deref(),
        VISIT_GRACE.as_secs_f64(),
        filter.decider.as_deref(),
        APPEAL_LIMIT.as_secs_f64(),
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|row| {
            Ok(Promise {
                site: parse("promise.site", &row.site)?,
                kind: parse("promise.kind", &row.kind)?,
                resource: row.resource,
                case: row.case_id,
                number: row.number,
                staff: parse_opt("promise.staff", row.staff.as_deref())?,
                text: row.text,
                due: row.due.map(jiff_sqlx::Timestamp::to_jiff),
                held: row.held,
            })
        })
        .collect()
}

/// A running clock of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// Its id.
    pub clock: Uuid,
    /// Which promise.
    pub kind: ClockKind,
    /// RUNNING or BREACHED.
    pub state: ClockState,
    /// The deadline as it stands now.
    pub due: Option<Timestamp>,
    /// It stands still.
    pub held: bool,
}

/// The running clocks of a case, what is due first at the head.
///
/// # Errors
/// When Postgres is away.
pub async fn clocks(tx: &mut Tx, case: &CaseName) -> Result<Vec<Running>, Fault> {
    let rows = sqlx::query!(
        "-- assignment::store::promises::clocks
        SELECT clock, kind, state, due_time, held FROM clock_fact
        WHERE site = $1 AND case_id = $2 AND state IN ('RUNNING', 'BREACHED') ORDER BY due_time, clock",
        case.site.as_str(),
        case.id,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|row| {
            Ok(Running {
                clock: row.clock,
                kind: parse("clock_fact.kind", &row.kind)?,
                state: parse("clock_fact.state", &row.state)?,
                due: row.due_time.map(jiff_sqlx::Timestamp::to_jiff),
                held: row.held,
            })
        })
        .collect()
}
