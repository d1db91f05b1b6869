//! Solutions with their terms and reviews. Every change of one is made under the site's lock.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::{CaseName, DepartmentId, SiteId, StaffId, StaffName};
use redress_store::{StoreResultExt as _, Tx, constraint};
use rust_decimal::Decimal;
use sqlx::PgPool;
use uuid::Uuid;

use super::{limits, notices, outbox, parse, parse_opt, person, work};
use crate::domain::authority::Level;
use crate::domain::practice::checklist::Checklist;
use crate::domain::practice::library::COMPARED_MAX;
use crate::domain::solution::{
    Approval, FinalOffer, Remedy, Review, Solution, State, Step, Terms, When, bound,
};
use crate::domain::work::{Work, is_live};

struct Row {
    site: String,
    id: Uuid,
    case_id: Uuid,
    epoch: i64,
    summary: String,
    root_cause: String,
    basis: String,
    citation: String,
    liability_ground: String,
    reference: String,
    no_clause_reason: String,
    partner: String,
    recourse: String,
    offer_ceiling: Option<Decimal>,
    offer_expires: Option<jiff_sqlx::Timestamp>,
    offer_text: Option<String>,
    digest: Vec<u8>,
    author: String,
    author_staff: Option<String>,
    former_authors: serde_json::Value,
    former_reviews: i32,
    state: String,
    required_level: String,
    tell_time: Option<jiff_sqlx::Timestamp>,
    answer: Option<String>,
    answer_time: Option<jiff_sqlx::Timestamp>,
    approval_demand: Option<Uuid>,
    approval_time: Option<jiff_sqlx::Timestamp>,
    approval_due: Option<jiff_sqlx::Timestamp>,
    approval_climbed: bool,
    create_time: Timestamp,
    update_time: Timestamp,
    revision: i64,
}

impl Row {
    async fn into_solution(self, tx: &mut Tx) -> Result<Solution, Fault> {
        let site: SiteId = parse("solution.site", &self.site)?;
        let final_offer = match (self.offer_ceiling, self.offer_expires, self.offer_text) {
            (Some(ceiling), Some(expires), Some(text)) => Some(FinalOffer {
                ceiling,
                expires: expires.to_jiff(),
                text,
            }),
            _ => None,
        };
        let approval = match (self.approval_demand, self.approval_time, self.approval_due) {
            (Some(demand), Some(since), Some(due)) => Some(Approval {
                demand,
                since: since.to_jiff(),
                due: due.to_jiff(),
                climbed: self.approval_climbed,
            }),
            _ => None,
        };
        let (steps, done, checklists) = steps(tx, &site, self.id).await?;
        Ok(Solution {
            id: self.id,
            epoch: self.epoch,
            terms: Terms {
                summary: self.summary,
                root_cause: self.root_cause,
                remedies: remedies(tx, &site, self.id).await?,
                steps,
                basis: parse("solution.basis", &self.basis)?,
                citation: self.citation,
                ground: parse("solution.liability_ground", &self.liability_ground)?,
                reference: self.reference,
                no_clause_reason: self.no_clause_reason,
                partner: self.partner,
                recourse: self.recourse,
                final_offer,
            },
            digest: self.digest,
            author: person(
                "solution.author_staff",
                self.author,
                self.author_staff.as_deref(),
            )?,
            former_authors: serde_json::from_value(self.former_authors).map_err(Fault::internal)?,
            state: parse("solution.state", &self.state)?,
            required: parse("solution.required_level", &self.required_level)?,
            told: self.tell_time.map(jiff_sqlx::Timestamp::to_jiff),
            answer: parse_opt("solution.answer", self.answer.as_deref())?,
            answered: self.answer_time.map(jiff_sqlx::Timestamp::to_jiff),
            done,
            checklists,
            reviews: reviews(tx, &site, self.id).await?,
            former_reviews: usize::try_from(self.former_reviews).map_err(Fault::internal)?,
            approval,
            created_at: self.create_time,
            updated_at: self.update_time,
            revision: self.revision,
            case: CaseName::new(site, self.case_id),
        })
    }
}

async fn remedies(tx: &mut Tx, site: &SiteId, id: Uuid) -> Result<Vec<Remedy>, Fault> {
    let rows = sqlx::query!(
        "-- assignment::store::solutions::remedies
        SELECT kind, text, amount, department, outside_party FROM solution_remedy
        WHERE site = $1 AND solution = $2 ORDER BY position",
        site.as_str(),
        id,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|row| {
            Ok(Remedy {
                kind: parse("solution_remedy.kind", &row.kind)?,
                text: row.text,
                amount: row.amount,
                department: parse_opt("solution_remedy.department", row.department.as_deref())?,
                outside_party: row.outside_party,
            })
        })
        .collect()
}

async fn steps(
    tx: &mut Tx,
    site: &SiteId,
    id: Uuid,
) -> Result<(Vec<Step>, Vec<Option<Timestamp>>, Vec<Checklist>), Fault> {
    let rows = sqlx::query!(
        "-- assignment::store::solutions::steps
        SELECT text, owner, outside_party, due_time, condition, done_time, checklist FROM solution_step
        WHERE site = $1 AND solution = $2 ORDER BY position",
        site.as_str(),
        id,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    let mut steps = Vec::new();
    let mut done = Vec::new();
    let mut checklists: Vec<Checklist> = Vec::new();
    for row in rows {
        steps.push(Step {
            text: row.text,
            owner: parse_opt("solution_step.owner", row.owner.as_deref())?,
            outside_party: row.outside_party,
            when: match row.due_time {
                Some(due) => When::By(due.to_jiff()),
                None => When::If(row.condition.unwrap_or_default()),
            },
        });
        done.push(row.done_time.map(jiff_sqlx::Timestamp::to_jiff));
        let list = row.checklist.map(serde_json::from_value).transpose();
        checklists.push(list.map_err(Fault::internal)?.unwrap_or_default());
    }
    Ok((steps, done, checklists))
}

async fn reviews(tx: &mut Tx, site: &SiteId, id: Uuid) -> Result<Vec<Review>, Fault> {
    let rows = sqlx::query!(
        "-- assignment::store::solutions::reviews
        SELECT sequence, approved, level, reviewer, reviewer_staff, reason, digest, review_time FROM solution_review
        WHERE site = $1 AND solution = $2 ORDER BY sequence",
        site.as_str(),
        id,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|row| {
            Ok(Review {
                sequence: row.sequence,
                approved: row.approved,
                level: parse("solution_review.level", &row.level)?,
                reviewer: person(
                    "solution_review.reviewer_staff",
                    row.reviewer,
                    row.reviewer_staff.as_deref(),
                )?,
                reason: row.reason,
                digest: row.digest,
                at: row.review_time.to_jiff(),
            })
        })
        .collect()
}

/// A solution of a site, none where there is none in scope.
///
/// # Errors
/// When Postgres is away.
pub async fn find(tx: &mut Tx, site: &SiteId, id: Uuid) -> Result<Option<Solution>, Fault> {
    let row = sqlx::query_as!(
        Row,
        "-- assignment::store::solutions::find
        SELECT site, id, case_id, epoch, summary, root_cause, basis, citation, liability_ground, reference,
               no_clause_reason, partner, recourse, offer_ceiling, offer_expires, offer_text, digest, author, author_staff,
               former_authors, former_reviews, state, required_level, tell_time, answer, answer_time, approval_demand, approval_time, approval_due, approval_climbed,
               create_time, update_time, revision
        FROM solution WHERE site = $1 AND id = $2",
        site.as_str(),
        id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    match row {
        Some(row) => row.into_solution(tx).await.map(Some),
        None => Ok(None),
    }
}

/// What a list of solutions is narrowed by.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only of this site.
    pub site: Option<SiteId>,
    /// Only of this case.
    pub case: Option<Uuid>,
    /// Only in one of these states; empty: any.
    pub states: Vec<State>,
    /// Only those that need this level.
    pub required: Option<Level>,
    /// Without cases that complain about this person of this site.
    pub not_about: Option<(SiteId, StaffId)>,
}

/// Solutions, newest first, after the given one.
///
/// # Errors
/// When Postgres is away.
pub async fn list(
    tx: &mut Tx,
    filter: &Filter,
    after: Option<&(Timestamp, Uuid)>,
    limit: i64,
) -> Result<Vec<Solution>, Fault> {
    let states: Vec<String> = filter.states.iter().map(State::to_string).collect();
    let rows = sqlx::query_as!(
        Row,
        "-- assignment::store::solutions::list
        SELECT s.site, s.id, s.case_id, s.epoch, s.summary, s.root_cause, s.basis, s.citation, s.liability_ground,
               s.reference, s.no_clause_reason, s.partner, s.recourse, s.offer_ceiling, s.offer_expires, s.offer_text,
               s.digest, s.author, s.author_staff, s.former_authors, s.former_reviews, s.state, s.required_level, s.tell_time, s.answer,
               s.answer_time, s.approval_demand, s.approval_time, s.approval_due, s.approval_climbed, s.create_time, s.update_time, s.revision
        FROM solution s JOIN work w ON w.site = s.site AND w.case_id = s.case_id
        WHERE ($1::text IS NULL OR s.site = $1)
          AND ($2::uuid IS NULL OR s.case_id = $2)
          AND (cardinality($3::text[]) = 0 OR s.state = ANY ($3))
          AND ($4::text IS NULL OR s.required_level = $4)
          AND ($5::text IS NULL OR NOT (w.site = $5 AND w.excluded @> ARRAY[$6::text]))
          AND ($7::timestamptz IS NULL OR (s.create_time, s.id) < ($7, $8))
        ORDER BY s.create_time DESC, s.id DESC LIMIT $9",
        filter.site.as_ref().map(SiteId::as_str),
        filter.case,
        &states,
        filter.required.map(Level::word),
        filter.not_about.as_ref().map(|(site, _)| site.as_str()),
        filter.not_about.as_ref().map(|(_, staff)| staff.as_str()),
        after.map(|(time, _)| time.to_sqlx()),
        after.map(|(_, id)| *id),
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    let mut solutions = Vec::new();
    for row in rows {
        solutions.push(row.into_solution(tx).await?);
    }
    Ok(solutions)
}

/// The solutions of a case, newest first. There are few.
///
/// # Errors
/// When Postgres is away.
pub async fn of_case(tx: &mut Tx, case: &CaseName) -> Result<Vec<Solution>, Fault> {
    let filter = Filter {
        site: Some(case.site.clone()),
        case: Some(case.id),
        ..Filter::default()
    };
    list(tx, &filter, None, 1_000).await
}

/// What other cases of this one's category got: the sum of each one's newest solution that a complainant was told and has not
/// declined, over the sites of its organization that the transaction sees, the newest first, at most [`COMPARED_MAX`]. None of a
/// case that complains about whoever reads, and none where nobody said what this one is about.
///
/// # Errors
/// When Postgres is away.
pub async fn got(
    tx: &mut Tx,
    work: &Work,
    reader: Option<&StaffName>,
) -> Result<Vec<Decimal>, Fault> {
    let Some(category) = work.category() else {
        return Ok(Vec::new());
    };
    sqlx::query_scalar!(
        "-- assignment::store::solutions::got
        SELECT s.total FROM solution s
        JOIN work w ON w.site = s.site AND w.case_id = s.case_id
        WHERE s.state IN ('TOLD', 'AGREED', 'CARRIED_OUT')
          AND w.category = $1
          AND (s.site, s.case_id) <> ($2, $3)
          AND (s.site = $2 OR s.site IN (
            SELECT o.site FROM scope_site o
            JOIN scope_site own ON own.organization = o.organization WHERE own.site = $2))
          AND NOT EXISTS (
            SELECT FROM solution n WHERE n.site = s.site AND n.case_id = s.case_id
              AND n.state IN ('TOLD', 'AGREED', 'CARRIED_OUT')
              AND (n.create_time, n.id) > (s.create_time, s.id))
          AND ($4::text IS NULL OR NOT (w.site = $4 AND w.excluded @> ARRAY[$5::text]))
        ORDER BY s.create_time DESC, s.id DESC LIMIT $6",
        category.word(),
        work.case.site.as_str(),
        work.case.id,
        reader.map(|staff| staff.site.as_str()),
        reader.map(|staff| staff.id.as_str()),
        COMPARED_MAX,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()
}

/// Stores a solution as it is now: the row, and whatever of its terms, steps and reviews is new; and says which clocks of its
/// approval and its steps start, are met or end by it.
///
/// # Errors
/// When Postgres is away.
pub async fn save(tx: &mut Tx, before: Option<&Solution>, now: &Solution) -> Result<(), Fault> {
    if before.is_some_and(|b| b.revision == now.revision) {
        return Ok(());
    }
    let asked = notices::solution_changed(tx, before, now).await?;
    write(tx, now, asked.as_ref()).await?;
    match before {
        Some(before) if before.terms == now.terms => write_checklists(tx, before, now).await?,
        _ => write_terms(tx, now).await?,
    }
    for (position, done) in (0_i32..).zip(&now.done) {
        if done.is_some() {
            sqlx::query!(
                "-- assignment::store::solutions::save
                UPDATE solution_step SET done_time = $4
                WHERE site = $1 AND solution = $2 AND position = $3 AND done_time IS NULL",
                now.case.site.as_str(),
                now.id,
                position,
                done.map(|t| t.to_sqlx()),
            )
            .execute(&mut **tx)
            .await
            .or_fault()?;
        }
    }
    let known = before.map_or(0, |b| b.reviews.len());
    for review in now.reviews.iter().skip(known) {
        sqlx::query!(
            "-- assignment::store::solutions::save
            INSERT INTO solution_review (site, solution, sequence, approved, level, reviewer, reason, digest, review_time,
                                         reviewer_staff)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            now.case.site.as_str(),
            now.id,
            review.sequence,
            review.approved,
            review.level.word(),
            review.reviewer.subject,
            review.reason,
            review.digest,
            review.at.to_sqlx(),
            review.reviewer.staff.as_ref().map(ToString::to_string),
        )
        .execute(&mut **tx)
        .await
        .or_fault()?;
    }
    for demand in now.demands(before) {
        outbox::demanded(tx, &now.case, &demand, "").await?;
    }
    outbox::solution_changed(tx, now).await
}

/// A clock of the case breached: where nobody decided on a solution in time, those one level up are asked, too. The site's lock is
/// held.
///
/// # Errors
/// When Postgres is away.
pub async fn overdue(tx: &mut Tx, case: &CaseName, at: Timestamp) -> Result<(), Fault> {
    let known = work::find(tx, case).await?;
    let Some(known) = known.filter(|w| is_live(w.status)) else {
        return Ok(());
    };
    for before in of_case(tx, case).await? {
        let mut after = before.clone();
        if after.overdue(known.epoch, at) {
            save(tx, Some(&before), &after).await?;
        }
    }
    Ok(())
}

/// The grade of the case or the limits of its site changed: what is proposed for it takes another level now, as long as anybody may
/// approve it, neither after its end nor for what was proposed before it was opened again. The site's lock is held.
///
/// # Errors
/// When Postgres is away.
pub async fn reassess(tx: &mut Tx, case: &CaseName, at: Timestamp) -> Result<(), Fault> {
    let known = work::find(tx, case).await?;
    let Some(known) = known.filter(|w| is_live(w.status)) else {
        return Ok(());
    };
    let proposed = of_case(tx, case).await?;
    if proposed.is_empty() {
        return Ok(());
    }
    let limits = limits::of_site(tx, &case.site).await?;
    for before in &proposed {
        let mut after = before.clone();
        let bound = bound(&proposed, Some(before.id));
        let required = before.required_now(&limits, bound, known.gravest);
        if after.reassess(required, known.epoch, at) {
            save(tx, Some(before), &after).await?;
        }
    }
    Ok(())
}

/// The limits of a site changed: marks the cases for which something is proposed that nobody was told yet, to be looked at again
/// ([`reassess`]).
///
/// # Errors
/// When Postgres is away.
pub async fn mark_untold(tx: &mut Tx, site: &SiteId) -> Result<(), Fault> {
    sqlx::query!(
        "-- assignment::store::solutions::mark_untold
        UPDATE work w SET limits_changed = true
        WHERE w.site = $1 AND NOT w.limits_changed AND EXISTS (
          SELECT FROM solution s WHERE s.site = $1 AND s.case_id = w.case_id AND s.epoch = w.epoch
            AND s.state IN ('AWAITING_APPROVAL', 'APPROVED'))",
        site.as_str(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Live cases that are to be looked at again, since the limits of their site changed: those after the given one. For the worker
/// role.
///
/// # Errors
/// When Postgres is away.
pub async fn marked(
    worker: &PgPool,
    after: Option<&CaseName>,
    limit: i64,
) -> Result<Vec<CaseName>, Fault> {
    let rows = sqlx::query!(
        "-- assignment::store::solutions::marked
        SELECT site, case_id FROM work
        WHERE limits_changed AND status NOT IN ('CLOSED', 'ARCHIVED', 'WITHDRAWN', 'REJECTED', 'MERGED')
          AND ($1::text IS NULL OR (site, case_id) > ($1, $2))
        ORDER BY site, case_id LIMIT $3",
        after.map(|case| case.site.as_str()),
        after.map(|case| case.id),
        limit,
    )
    .fetch_all(worker)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|row| Ok(CaseName::new(parse("work.site", &row.site)?, row.case_id)))
        .collect()
}

/// Keeps that a case was looked at again; returns whether it was to be.
///
/// # Errors
/// When Postgres is away.
pub async fn unmark(tx: &mut Tx, case: &CaseName) -> Result<bool, Fault> {
    let marked = sqlx::query!(
        "-- assignment::store::solutions::unmark
        UPDATE work SET limits_changed = false WHERE site = $1 AND case_id = $2 AND limits_changed",
        case.site.as_str(),
        case.id,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?
    .rows_affected();
    Ok(marked == 1)
}

/// Ends the clocks of former rounds of a case: of approvals that nobody needs, and of what was agreed to and nobody carries out any
/// more.
///
/// # Errors
/// When Postgres is away.
pub async fn end_outdated(tx: &mut Tx, case: &CaseName, epoch: i64) -> Result<(), Fault> {
    for solution in of_case(tx, case).await? {
        if solution.epoch < epoch {
            for demand in solution.outdated_demands() {
                outbox::demanded(tx, case, &demand, "").await?;
            }
        }
    }
    Ok(())
}

/// Writes the row. `asked` is who was asked first for an approval, where somebody was just now.
async fn write(tx: &mut Tx, now: &Solution, asked: Option<&StaffId>) -> Result<(), Fault> {
    let terms = &now.terms;
    let offer = terms.final_offer.as_ref();
    let former_authors = serde_json::to_value(&now.former_authors).map_err(Fault::internal)?;
    let former_reviews = i32::try_from(now.former_reviews).map_err(Fault::internal)?;
    sqlx::query!(
        "-- assignment::store::solutions::write
        INSERT INTO solution (site, id, case_id, epoch, summary, root_cause, basis, citation, liability_ground,
                              reference, no_clause_reason, partner, recourse, offer_ceiling, offer_expires, offer_text,
                              total, digest, author, state, required_level, tell_time, answer, answer_time, create_time,
                              update_time, revision, author_staff, approval_demand, approval_time, approval_due,
                              approval_climbed, approver, former_authors, former_reviews)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
                $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35)
        ON CONFLICT ON CONSTRAINT solution_key DO UPDATE SET
          summary = $5, root_cause = $6, basis = $7, citation = $8, liability_ground = $9, reference = $10,
          no_clause_reason = $11, partner = $12, recourse = $13, offer_ceiling = $14, offer_expires = $15,
          offer_text = $16, total = $17, digest = $18, author = $19, state = $20, required_level = $21,
          tell_time = $22, answer = $23, answer_time = $24, update_time = $26, revision = $27,
          author_staff = $28, approval_demand = $29, approval_time = $30, approval_due = $31, approval_climbed = $32,
          approver = coalesce($33, solution.approver), former_authors = $34, former_reviews = $35",
        now.case.site.as_str(),
        now.id,
        now.case.id,
        now.epoch,
        terms.summary,
        terms.root_cause,
        terms.basis.word(),
        terms.citation,
        terms.ground.word(),
        terms.reference,
        terms.no_clause_reason,
        terms.partner,
        terms.recourse,
        offer.map(|o| o.ceiling),
        offer.map(|o| o.expires.to_sqlx()),
        offer.map(|o| o.text.as_str()),
        terms.total(),
        now.digest,
        now.author.subject,
        now.state.word(),
        now.required.word(),
        now.told.map(|t| t.to_sqlx()),
        now.answer.map(|a| a.word()),
        now.answered.map(|t| t.to_sqlx()),
        now.created_at.to_sqlx(),
        now.updated_at.to_sqlx(),
        now.revision,
        now.author.staff.as_ref().map(ToString::to_string),
        now.approval.map(|a| a.demand),
        now.approval.map(|a| a.since.to_sqlx()),
        now.approval.map(|a| a.due.to_sqlx()),
        now.approval.is_some_and(|a| a.climbed),
        asked.map(StaffId::as_str),
        former_authors,
        former_reviews,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// What is done beside the steps, where that changed and the terms did not: the digest does not speak of it.
async fn write_checklists(tx: &mut Tx, before: &Solution, now: &Solution) -> Result<(), Fault> {
    let lists = now.checklists.iter().zip(&before.checklists);
    for (position, (list, was)) in (0_i32..).zip(lists) {
        if list != was {
            let list = serde_json::to_value(list).map_err(Fault::internal)?;
            sqlx::query!(
                "-- assignment::store::solutions::write_checklists
                UPDATE solution_step SET checklist = $4 WHERE site = $1 AND solution = $2 AND position = $3",
                now.case.site.as_str(),
                now.id,
                position,
                list,
            )
            .execute(&mut **tx)
            .await
            .or_fault()?;
        }
    }
    Ok(())
}

async fn write_terms(tx: &mut Tx, now: &Solution) -> Result<(), Fault> {
    let site = now.case.site.as_str();
    sqlx::query!(
        "-- assignment::store::solutions::write_terms
        DELETE FROM solution_remedy WHERE site = $1 AND solution = $2",
        site,
        now.id,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    sqlx::query!(
        "-- assignment::store::solutions::write_terms
        DELETE FROM solution_step WHERE site = $1 AND solution = $2",
        site,
        now.id,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    for (position, remedy) in (0_i32..).zip(&now.terms.remedies) {
        sqlx::query!(
            "-- assignment::store::solutions::write_terms
            INSERT INTO solution_remedy (site, solution, position, kind, text, amount, department, outside_party)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            site,
            now.id,
            position,
            remedy.kind.word(),
            remedy.text,
            remedy.amount,
            remedy.department.as_ref().map(DepartmentId::as_str),
            remedy.outside_party,
        )
        .execute(&mut **tx)
        .await
        .map_err(|e| match constraint(&e) {
            Some("solution_remedy_department") => Fault::invalid(
                format!("terms.remedies[{position}].department"),
                "must be a department of the site",
            ),
            _ => redress_store::fault(e),
        })?;
    }
    let steps = now.terms.steps.iter().zip(&now.checklists);
    for (position, (step, list)) in (0_i32..).zip(steps) {
        let list = (!list.items().is_empty()).then(|| serde_json::to_value(list));
        let list = list.transpose().map_err(Fault::internal)?;
        let (due, condition) = match &step.when {
            When::By(due) => (Some(due.to_sqlx()), None),
            When::If(condition) => (None, Some(condition.as_str())),
        };
        sqlx::query!(
            "-- assignment::store::solutions::write_terms
            INSERT INTO solution_step (site, solution, position, text, owner, outside_party, due_time, condition, checklist)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            site,
            now.id,
            position,
            step.text,
            step.owner.as_ref().map(StaffId::as_str),
            step.outside_party,
            due,
            condition,
            list,
        )
        .execute(&mut **tx)
        .await
        .map_err(|e| match constraint(&e) {
            Some("solution_step_owner") => Fault::invalid(
                format!("terms.steps[{position}].owner"),
                "must be a person of the site",
            ),
            _ => redress_store::fault(e),
        })?;
    }
    Ok(())
}
