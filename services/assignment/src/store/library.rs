//! The solution library: kept when a case is closed, read with what complainants said afterwards.

use std::collections::HashMap;

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::ids::new_id;
use redress_model::name::{CaseName, StaffName};
use redress_store::{StoreResultExt as _, Tx};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::matters::{self, Change, Filter, Kept};
use crate::domain::practice::Matter as _;
use crate::domain::practice::law::DefectClass;
use crate::domain::practice::library::{COMPARED_MAX, Entry, State, Step};
use crate::domain::work::{Resolution, Work};

/// Keeps what solved a case that is closed now. A case that is closed again after a reopening keeps its newest solution.
///
/// # Errors
/// When Postgres is away.
pub async fn keep(tx: &mut Tx, work: &Work, actor: &str, at: Timestamp) -> Result<(), Fault> {
    let Some(resolution) = &work.resolution else {
        return Ok(());
    };
    let site = &work.case.site;
    let approved = carried_out(tx, work).await?;
    let reviewed = approved.is_some();
    let (summary, root_cause, total) = approved.unwrap_or_else(|| {
        let Resolution {
            summary,
            root_cause,
            ..
        } = resolution.clone();
        (summary, root_cause, Decimal::ZERO)
    });
    let entry = Entry {
        category: work.category(),
        class: None,
        summary,
        root_cause,
        amount: Some(total).filter(|total| !total.is_zero()),
        state: State::Withheld,
    };
    let filter = Filter {
        site: Some(site.clone()),
        case: Some(work.case.id),
        ..Filter::default()
    };
    let known = match matters::list::<Entry>(tx, &filter, None, 1).await?.pop() {
        // Locked, so that somebody who edits it at this moment comes before or after.
        Some(known) => matters::find::<Entry>(tx, site, known.id, true).await?,
        None => None,
    };
    let (mut kept, step) = match known {
        Some(known) => {
            let anew = Step::KeptAnew {
                entry: Box::new(entry),
                reviewed,
            };
            let kept = Kept {
                updated: at,
                revision: known.revision + 1,
                ..known
            };
            (kept, anew)
        }
        None => {
            let kept = Kept {
                site: site.clone(),
                id: new_id(at),
                case: Some(work.case.id),
                matter: entry,
                created: at,
                updated: at,
                revision: 1,
            };
            (kept, Step::Kept { reviewed })
        }
    };
    let effects = kept
        .matter
        .record(kept.id, &step, at)
        .map_err(Fault::internal)?;
    let change = Change {
        word: Entry::word(&step),
        text: "",
        actor,
        at,
    };
    matters::save(tx, &kept, &effects, change).await
}

/// What the solution that was carried out says, why, and what it cost: the text that was approved. None where the case
/// was settled on the spot.
async fn carried_out(tx: &mut Tx, work: &Work) -> Result<Option<(String, String, Decimal)>, Fault> {
    let row = sqlx::query!(
        "-- assignment::store::library::carried_out
        SELECT summary, root_cause, total FROM solution
        WHERE site = $1 AND case_id = $2 AND epoch = $3 AND state = 'CARRIED_OUT'
        ORDER BY create_time DESC LIMIT 1",
        work.case.site.as_str(),
        work.case.id,
        work.epoch,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    Ok(row.map(|row| (row.summary, row.root_cause, row.total)))
}

/// How many said that they were satisfied, and how many that they were not.
pub type Said = (i32, i32);

/// Entries that may be used for a case, the newest of its site first, at most [`COMPARED_MAX`]: never its own, and none of a
/// case that complains about whoever reads.
///
/// # Errors
/// When Postgres is away.
pub async fn usable(
    tx: &mut Tx,
    case: &CaseName,
    reader: Option<&StaffName>,
    any_of: [Vec<String>; 2],
) -> Result<Vec<(Kept<Entry>, Said)>, Fault> {
    let [first, second] = any_of;
    let filter = Filter {
        site: Some(case.site.clone()),
        not_about: reader.map(|staff| (staff.site.clone(), staff.id.clone())),
        open: true,
        any_of: [vec![format!("state={}", State::Published)], first, second],
        ..Filter::default()
    };
    let mut entries = matters::list::<Entry>(tx, &filter, None, COMPARED_MAX).await?;
    entries.retain(|kept| kept.case != Some(case.id));
    said(tx, entries).await
}

/// Entries of cases like this one: of its category and, where one is given, of a kind of defect. None of a case of which nobody
/// said what it is about.
///
/// # Errors
/// When Postgres is away.
pub async fn like(
    tx: &mut Tx,
    work: &Work,
    reader: Option<&StaffName>,
    class: Option<DefectClass>,
) -> Result<Vec<(Kept<Entry>, Said)>, Fault> {
    let Some(category) = work.category() else {
        return Ok(Vec::new());
    };
    let class = class.map(|c| format!("class={c}")).into_iter().collect();
    let any_of = [vec![format!("category={category}")], class];
    usable(tx, &work.case, reader, any_of).await
}

/// Entries with what complainants of their cases said after the resolution.
///
/// # Errors
/// When Postgres is away.
pub async fn said(
    tx: &mut Tx,
    entries: Vec<Kept<Entry>>,
) -> Result<Vec<(Kept<Entry>, Said)>, Fault> {
    let cases: Vec<Uuid> = entries.iter().filter_map(|kept| kept.case).collect();
    let rows = sqlx::query!(
        r#"-- assignment::store::library::said
        SELECT case_id, count(*) FILTER (WHERE satisfaction = 'SATISFIED')::integer AS "satisfied!",
               count(*) FILTER (WHERE satisfaction = 'DISSATISFIED')::integer AS "dissatisfied!"
        FROM follow_up WHERE case_id = ANY ($1) GROUP BY case_id"#,
        &cases,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    let said: HashMap<Uuid, Said> = rows
        .into_iter()
        .map(|row| (row.case_id, (row.satisfied, row.dissatisfied)))
        .collect();
    Ok(entries
        .into_iter()
        .map(|kept| {
            let of = kept.case.and_then(|case| said.get(&case).copied());
            (kept, of.unwrap_or((0, 0)))
        })
        .collect())
}
