//! The help of departments on cases that others lead.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::name::{CaseName, DepartmentId, StaffId, SupportName};
use redress_model::words::ClockKind;
use redress_model::{Fault, words};
use redress_store::{StoreResultExt as _, Tx};
use uuid::Uuid;

use super::{outbox, parse};
use crate::domain::practice::{Demand, DemandState, Effect};

/// Help that is shown of a case at most.
const SHOWN_MAX: i64 = 100;

words! {
    /// How far help is.
    SupportState, "SUPPORT_STATE_" {
        /// Asked for.
        Requested = 1 => "REQUESTED",
        /// Given.
        Done = 2 => "DONE",
        /// Not needed any more.
        Withdrawn = 3 => "WITHDRAWN",
    }
}

/// The help of a department.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Support {
    /// Its id.
    pub id: Uuid,
    /// The case.
    pub case: CaseName,
    /// Which department.
    pub department: DepartmentId,
    /// Who.
    pub staff: StaffId,
    /// What is needed.
    pub task: String,
    /// How far it is.
    pub state: SupportState,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// Until when it is promised.
    pub due: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

struct Row {
    site: String,
    id: Uuid,
    case_id: Uuid,
    department: String,
    staff: String,
    task: String,
    state: String,
    create_time: Timestamp,
    due_time: Timestamp,
    end_time: Option<jiff_sqlx::Timestamp>,
}

impl Row {
    fn into_support(self) -> Result<Support, Fault> {
        Ok(Support {
            id: self.id,
            case: CaseName::new(parse("support.site", &self.site)?, self.case_id),
            department: parse("support.department", &self.department)?,
            staff: parse("support.staff", &self.staff)?,
            task: self.task,
            state: parse("support.state", &self.state)?,
            created_at: self.create_time,
            due: self.due_time,
            ended_at: self.end_time.map(jiff_sqlx::Timestamp::to_jiff),
        })
    }
}

/// Says what help is promised, or that it ended: a demand of its own, for which triage keeps a clock SUPPORT; and that the
/// person has a part in the case meanwhile.
///
/// # Errors
/// When Postgres is away.
pub async fn tell(tx: &mut Tx, support: &Support, actor: &str) -> Result<(), Fault> {
    let ended = support.ended_at.unwrap_or(support.due);
    let demand = Demand {
        id: support.id,
        kind: ClockKind::Support,
        state: match support.state {
            SupportState::Requested => DemandState::Open,
            SupportState::Done => DemandState::Met(ended),
            SupportState::Withdrawn => DemandState::Cancelled,
        },
        start: support.created_at,
        due: Some(support.due),
        granted: None,
        party: support.department.to_string(),
        outside_number: String::new(),
    };
    let open = support.state == SupportState::Requested;
    outbox::part_changed(tx, &support.case, support.id, &support.staff, open).await?;
    outbox::practice(tx, &support.case, &Effect::Demand(demand), actor).await
}

/// Adds help.
///
/// # Errors
/// When Postgres is away.
pub async fn insert(tx: &mut Tx, support: &Support) -> Result<(), Fault> {
    sqlx::query!(
        "-- assignment::store::supports::insert
        INSERT INTO support (site, id, case_id, department, staff, task, state, create_time, due_time)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        support.case.site.as_str(),
        support.id,
        support.case.id,
        support.department.as_str(),
        support.staff.as_str(),
        support.task,
        support.state.word(),
        support.created_at.to_sqlx(),
        support.due.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Gives help that was asked for to another person.
///
/// # Errors
/// When Postgres is away.
pub async fn pass_on(tx: &mut Tx, support: &Support) -> Result<(), Fault> {
    sqlx::query!(
        "-- assignment::store::supports::pass_on
        UPDATE support SET staff = $3 WHERE site = $1 AND id = $2 AND state = 'REQUESTED'",
        support.case.site.as_str(),
        support.id,
        support.staff.as_str(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Ends help that was asked for.
///
/// # Errors
/// When Postgres is away.
pub async fn end(
    tx: &mut Tx,
    name: &SupportName,
    state: SupportState,
    at: Timestamp,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- assignment::store::supports::end
        UPDATE support SET state = $3, end_time = $4 WHERE site = $1 AND id = $2 AND state = 'REQUESTED'",
        name.site.as_str(),
        name.id,
        state.word(),
        at.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Help, none where there is none in scope.
///
/// # Errors
/// When Postgres is away.
pub async fn find(tx: &mut Tx, name: &SupportName) -> Result<Option<Support>, Fault> {
    sqlx::query_as!(
        Row,
        "-- assignment::store::supports::find
        SELECT site, id, case_id, department, staff, task, state, create_time, due_time, end_time
        FROM support WHERE site = $1 AND id = $2",
        name.site.as_str(),
        name.id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?
    .map(Row::into_support)
    .transpose()
}

/// The help on a case, newest first.
///
/// # Errors
/// When Postgres is away.
pub async fn of_case(tx: &mut Tx, case: &CaseName) -> Result<Vec<Support>, Fault> {
    let rows = sqlx::query_as!(
        Row,
        "-- assignment::store::supports::of_case
        SELECT site, id, case_id, department, staff, task, state, create_time, due_time, end_time
        FROM support WHERE site = $1 AND case_id = $2 ORDER BY id DESC LIMIT $3",
        case.site.as_str(),
        case.id,
        SHOWN_MAX,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter().map(Row::into_support).collect()
}
