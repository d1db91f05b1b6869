//! What this service remembers of sites, cases, incidents and clocks. Rows are read under a lock by
//! those who fold an event into them, so that two producers do not overwrite each other's part.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::{CaseName, ClockName, IncidentName, SiteId, SiteName, StaffName};
use redress_model::words::{ClockKind, ClockState};
use redress_store::{StoreResultExt as _, Tx};
use uuid::Uuid;

use super::word;
use crate::domain::case::{self, CaseView, Reader};
use crate::domain::words::Template;

/// The directory entry of a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteView {
    /// Name for people.
    pub display_name: String,
    /// The same in English; empty where there is no such name.
    pub display_name_en: String,
    /// IANA time zone.
    pub time_zone: String,
    /// BCP 47 language.
    pub language: String,
    /// Revision.
    pub revision: i64,
}

/// Keeps a directory entry that is newer.
pub async fn keep_site(tx: &mut Tx, site: &SiteId, view: &SiteView) -> Result<(), Fault> {
    sqlx::query!(
        "-- notification::matters::keep_site
        INSERT INTO site AS s (site, display_name, time_zone, language, revision, display_name_en)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT ON CONSTRAINT site_pkey DO UPDATE
        SET display_name = $2, time_zone = $3, language = $4, revision = $5, display_name_en = $6
        WHERE s.revision < $5",
        site.as_str(),
        view.display_name,
        view.time_zone,
        view.language,
        view.revision,
        view.display_name_en,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// What a list of a site finds, once it is sure that there is such a site: a name that was mistyped, or is of another
/// organization, is no empty list.
///
/// # Errors
/// NOT_FOUND when nothing is found and the site is not known, or not in scope.
pub async fn found<T>(tx: &mut Tx, of: Option<&SiteId>, rows: Vec<T>) -> Result<Vec<T>, Fault> {
    match of {
        Some(of) if rows.is_empty() && site(tx, of).await?.is_none() => {
            Err(Fault::not_found("Site", SiteName(of.clone())))
        }
        _ => Ok(rows),
    }
}

/// The directory entry; none where the site is not known here yet.
pub async fn site(tx: &mut Tx, site: &SiteId) -> Result<Option<SiteView>, Fault> {
    sqlx::query_as!(
        SiteView,
        "-- notification::matters::site
        SELECT display_name, display_name_en, time_zone, language, revision FROM site WHERE site = $1",
        site.as_str(),
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()
}

struct CaseRow {
    number: String,
    historical: bool,
    status: String,
    epoch: i64,
    revision: i64,
    language: String,
    grade: i32,
    grade_revision: i64,
    responsible: String,
    offered_to: String,
    owner_revision: i64,
    next_time: Option<jiff_sqlx::Timestamp>,
    complained_about: Vec<String>,
    person_tokens: Vec<String>,
    erased: bool,
    merged_into: Option<Uuid>,
    work_time: Option<jiff_sqlx::Timestamp>,
}

impl TryFrom<CaseRow> for CaseView {
    type Error = Fault;

    fn try_from(row: CaseRow) -> Result<Self, Fault> {
        Ok(Self {
            number: row.number,
            historical: row.historical,
            status: word(&row.status)?,
            epoch: row.epoch,
            revision: row.revision,
            language: row.language,
            grade: row.grade,
            grade_revision: row.grade_revision,
            responsible: row.responsible,
            offered_to: row.offered_to,
            owner_revision: row.owner_revision,
            next_time: row.next_time.map(|t| t.to_jiff()),
            complained_about: row.complained_about,
            person_tokens: row.person_tokens,
            erased: row.erased,
            merged_into: row.merged_into,
            work_time: row.work_time.map(|t| t.to_jiff()),
        })
    }
}

/// A case under a lock until the end of the transaction; none where it is not known here yet.
pub async fn lock_case(tx: &mut Tx, case: &CaseName) -> Result<Option<CaseView>, Fault> {
    let row = sqlx::query_as!(
        CaseRow,
        "-- notification::matters::lock_case
        SELECT number, historical, status, epoch, revision, language, grade, grade_revision,
               responsible, offered_to, owner_revision, next_time, complained_about, person_tokens, erased,
               merged_into, work_time
        FROM case_view WHERE site = $1 AND case_id = $2 FOR UPDATE",
        case.site.as_str(),
        case.id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    row.map(CaseView::try_from).transpose()
}

/// Cases of a site under a lock until the end of the transaction, those that are known here.
pub async fn lock_cases(
    tx: &mut Tx,
    site: &SiteId,
    ids: &BTreeSet<Uuid>,
) -> Result<HashMap<Uuid, CaseView>, Fault> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<Uuid> = ids.iter().copied().collect();
    let rows = sqlx::query!(
        "-- notification::matters::lock_cases
        SELECT case_id, number, historical, status, epoch, revision, language, grade, grade_revision,
               responsible, offered_to, owner_revision, next_time, complained_about, person_tokens, erased,
               merged_into, work_time
        FROM case_view WHERE site = $1 AND case_id = ANY ($2) ORDER BY case_id FOR UPDATE",
        site.as_str(),
        &ids,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|row| {
            let view = CaseRow {
                number: row.number,
                historical: row.historical,
                status: row.status,
                epoch: row.epoch,
                revision: row.revision,
                language: row.language,
                grade: row.grade,
                grade_revision: row.grade_revision,
                responsible: row.responsible,
                offered_to: row.offered_to,
                owner_revision: row.owner_revision,
                next_time: row.next_time,
                complained_about: row.complained_about,
                person_tokens: row.person_tokens,
                erased: row.erased,
                merged_into: row.merged_into,
                work_time: row.work_time,
            };
            Ok((row.case_id, CaseView::try_from(view)?))
        })
        .collect()
}

/// A case; none where it is not known here.
pub async fn case(tx: &mut Tx, case: &CaseName) -> Result<Option<CaseView>, Fault> {
    let row = sqlx::query_as!(
        CaseRow,
        "-- notification::matters::case
        SELECT number, historical, status, epoch, revision, language, grade, grade_revision,
               responsible, offered_to, owner_revision, next_time, complained_about, person_tokens, erased,
               merged_into, work_time
        FROM case_view WHERE site = $1 AND case_id = $2",
        case.site.as_str(),
        case.id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    row.map(CaseView::try_from).transpose()
}

/// A case for what its complainants are to be told: a receipt, and what somebody wrote to them, is told though it was merged since,
/// as far as the case goes that took its place.
pub async fn case_told(
    tx: &mut Tx,
    name: &CaseName,
    template: Template,
) -> Result<Option<CaseView>, Fault> {
    let outlives = matches!(
        template,
        Template::CaseReceived | Template::CaseMessage | Template::CaseAppointment
    );
    let Some(view) = case(tx, name).await? else {
        return Ok(None);
    };
    let Some(head) = view.merged_into.filter(|_| outlives && view.is_joined()) else {
        return Ok(Some(view));
    };
    let head = case(tx, &CaseName::new(name.site.clone(), head)).await?;
    Ok(Some(match head {
        Some(head) => view.in_place_of(&head),
        None => view,
    }))
}

/// The cases that were merged into one and whose people hear of it, oldest first.
pub async fn joined(tx: &mut Tx, head: &CaseName) -> Result<Vec<(CaseName, CaseView)>, Fault> {
    let ids = sqlx::query_scalar!(
        "-- notification::matters::joined
        SELECT case_id FROM case_view
        WHERE site = $1 AND merged_into = $2 AND status = 'MERGED' AND NOT historical AND NOT erased ORDER BY case_id",
        head.site.as_str(),
        head.id,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    let mut joined = Vec::with_capacity(ids.len());
    for id in ids {
        let name = CaseName::new(head.site.clone(), id);
        if let Some(view) = case(tx, &name).await? {
            joined.push((name, view));
        }
    }
    Ok(joined)
}

/// Everybody to whom news of a case are told.
pub async fn readers(tx: &mut Tx, case: &CaseName, view: &CaseView) -> Result<Vec<Reader>, Fault> {
    let joined = joined(tx, case).await?;
    Ok(case::readers(view, &joined))
}

/// Staff complained about in a case, or in any that an incident ever had, by their full names: nothing of it is for them
/// (section 7). The policies of the tables say the same of what they see.
pub async fn accused(
    tx: &mut Tx,
    site: &SiteId,
    case: Option<Uuid>,
    incident: Option<Uuid>,
) -> Result<Vec<String>, Fault> {
    sqlx::query_scalar!(
        r#"-- notification::matters::accused
        SELECT DISTINCT unnest(c.complained_about) AS "staff!" FROM case_view c
        WHERE c.site = $1
          AND (c.case_id = $2
               OR c.case_id = ANY (ARRAY(SELECT unnest(i.ever_case_ids) FROM incident_view i
                                         WHERE i.site = $1 AND i.incident_id = $3)))"#,
        site.as_str(),
        case,
        incident,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()
}

/// Keeps cases of a site as they are now.
pub async fn keep_cases(
    tx: &mut Tx,
    site: &SiteId,
    cases: &[(Uuid, &CaseView)],
) -> Result<(), Fault> {
    if cases.is_empty() {
        return Ok(());
    }
    let text =
        |of: fn(&CaseView) -> &str| -> Vec<&str> { cases.iter().map(|(_, v)| of(v)).collect() };
    let number =
        |of: fn(&CaseView) -> i64| -> Vec<i64> { cases.iter().map(|(_, v)| of(v)).collect() };
    let list = |of: fn(&CaseView) -> &[String]| -> Vec<serde_json::Value> {
        cases.iter().map(|(_, v)| of(v).into()).collect()
    };
    let ids: Vec<Uuid> = cases.iter().map(|(id, _)| *id).collect();
    let historical: Vec<bool> = cases.iter().map(|(_, v)| v.historical).collect();
    let erased: Vec<bool> = cases.iter().map(|(_, v)| v.erased).collect();
    let merged: Vec<Option<Uuid>> = cases.iter().map(|(_, v)| v.merged_into).collect();
    let work: Vec<Option<jiff_sqlx::Timestamp>> = cases
        .iter()
        .map(|(_, v)| v.work_time.map(|t| t.to_sqlx()))
        .collect();
    let grades: Vec<i32> = cases.iter().map(|(_, v)| v.grade).collect();
    let next: Vec<Option<jiff_sqlx::Timestamp>> = cases
        .iter()
        .map(|(_, v)| v.next_time.map(|t| t.to_sqlx()))
        .collect();
    sqlx::query!(
        "-- notification::matters::keep_cases
        INSERT INTO case_view AS c (site, case_id, number, historical, status, epoch, revision, language,
                                    grade, grade_revision, responsible, offered_to, owner_revision, next_time,
                                    complained_about, person_tokens, erased, merged_into, work_time)
        SELECT $1, n.case_id, n.number, n.historical, n.status, n.epoch, n.revision, n.language, n.grade, n.grade_revision,
               n.responsible, n.offered_to, n.owner_revision, n.next_time,
               ARRAY(SELECT jsonb_array_elements_text(n.complained_about)),
               ARRAY(SELECT jsonb_array_elements_text(n.person_tokens)), n.erased, n.merged_into, n.work_time
        FROM unnest($2::uuid[], $3::text[], $4::boolean[], $5::text[], $6::bigint[], $7::bigint[], $8::text[],
                    $9::integer[], $10::bigint[], $11::text[], $12::text[], $13::bigint[], $14::timestamptz[], $15::jsonb[],
                    $16::jsonb[], $17::boolean[], $18::uuid[], $19::timestamptz[])
          AS n (case_id, number, historical, status, epoch, revision, language, grade, grade_revision, responsible,
                offered_to, owner_revision, next_time, complained_about, person_tokens, erased, merged_into, work_time)
        ORDER BY n.case_id
        ON CONFLICT ON CONSTRAINT case_view_pkey DO UPDATE
        SET number = excluded.number, historical = excluded.historical, status = excluded.status, epoch = excluded.epoch,
            revision = excluded.revision, language = excluded.language, grade = excluded.grade,
            grade_revision = excluded.grade_revision, responsible = excluded.responsible,
            offered_to = excluded.offered_to, owner_revision = excluded.owner_revision, next_time = excluded.next_time,
            complained_about = excluded.complained_about, person_tokens = excluded.person_tokens,
            erased = excluded.erased, merged_into = excluded.merged_into, work_time = excluded.work_time",
        site.as_str(),
        &ids,
        &text(|v| &v.number) as &[&str],
        &historical,
        &text(|v| v.status.word()) as &[&str],
        &number(|v| v.epoch),
        &number(|v| v.revision),
        &text(|v| &v.language) as &[&str],
        &grades,
        &number(|v| v.grade_revision),
        &text(|v| &v.responsible) as &[&str],
        &text(|v| &v.offered_to) as &[&str],
        &number(|v| v.owner_revision),
        &next as &[Option<jiff_sqlx::Timestamp>],
        &list(|v| &v.complained_about),
        &list(|v| &v.person_tokens),
        &erased,
        &merged as &[Option<Uuid>],
        &work as &[Option<jiff_sqlx::Timestamp>],
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Somebody who speaks for an incident by its own command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voice {
    /// Who.
    pub staff: StaffName,
    /// Until before here; none for the spokesperson.
    pub end: Option<Timestamp>,
}

/// What an incident is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IncidentNow<'a> {
    /// It went into another.
    pub merged: bool,
    /// It was stood down.
    pub closed: bool,
    /// Who speaks for it, the spokesperson first.
    pub voices: &'a [Voice],
    /// Rises with every change.
    pub revision: i64,
    /// When that was said. It is open since it was first said of it.
    pub told: Timestamp,
}

/// Keeps an incident's cases and what it is, if newer; in any case which it ever had. Says whether it was newer.
pub async fn keep_incident(
    tx: &mut Tx,
    incident: &IncidentName,
    cases: &[Uuid],
    now: IncidentNow<'_>,
) -> Result<bool, Fault> {
    let IncidentNow {
        merged,
        closed,
        voices,
        revision,
        told,
    } = now;
    let staff: Vec<String> = voices.iter().map(|v| v.staff.to_string()).collect();
    let until: Vec<Option<jiff_sqlx::Timestamp>> = voices
        .iter()
        .map(|v| v.end.map(|end| end.to_sqlx()))
        .collect();
    let known = sqlx::query_scalar!(
        "-- notification::matters::keep_incident
        SELECT revision FROM incident_view WHERE site = $1 AND incident_id = $2 FOR UPDATE",
        incident.site.as_str(),
        incident.id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    sqlx::query!(
        "-- notification::matters::keep_incident
        INSERT INTO incident_view AS i (site, incident_id, case_ids, merged, revision, ever_case_ids, closed,
                                        voices, voices_until, open_time)
        VALUES ($1, $2, $3, $4, $5, $3, $6, $7, $8, $9)
        ON CONFLICT ON CONSTRAINT incident_view_pkey DO UPDATE
        SET case_ids = CASE WHEN i.revision < $5 THEN $3 ELSE i.case_ids END,
            merged = CASE WHEN i.revision < $5 THEN $4 ELSE i.merged END,
            closed = CASE WHEN i.revision < $5 THEN $6 ELSE i.closed END,
            voices = CASE WHEN i.revision < $5 THEN $7 ELSE i.voices END,
            voices_until = CASE WHEN i.revision < $5 THEN $8 ELSE i.voices_until END,
            revision = greatest(i.revision, $5), open_time = least(i.open_time, $9),
            ever_case_ids = ARRAY(SELECT unnest(i.ever_case_ids) UNION SELECT unnest($3::uuid[]) ORDER BY 1)",
        incident.site.as_str(),
        incident.id,
        cases,
        merged,
        revision,
        closed,
        &staff,
        &until as &[Option<jiff_sqlx::Timestamp>],
        told.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(known.is_none_or(|known| known < revision))
}

/// Who speaks for an incident at an instant by its own command, the spokesperson first, and nobody of `barred`, by full names.
/// None where nobody does, or crisis has not told it.
pub async fn voices(
    tx: &mut Tx,
    site: &SiteId,
    incident: Uuid,
    barred: &[String],
    at: Timestamp,
) -> Result<Vec<StaffName>, Fault> {
    let names = sqlx::query_scalar!(
        r#"-- notification::matters::voices
        SELECT v.staff AS "staff!" FROM incident_view i
        CROSS JOIN LATERAL unnest(i.voices, i.voices_until) WITH ORDINALITY AS v (staff, end_time, place)
        WHERE i.site = $1 AND i.incident_id = $2 AND (v.end_time IS NULL OR v.end_time > $3) AND NOT v.staff = ANY ($4)
        ORDER BY v.place"#,
        site.as_str(),
        incident,
        at.to_sqlx(),
        barred,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    names
        .iter()
        .map(|name| name.parse::<StaffName>().map_err(Fault::internal))
        .collect()
}

/// The cases of an incident, in the order in which they joined; none where it is not known here yet.
pub async fn cases_of(tx: &mut Tx, incident: &IncidentName) -> Result<Option<Vec<Uuid>>, Fault> {
    sqlx::query_scalar!(
        "-- notification::matters::cases_of
        SELECT case_ids FROM incident_view WHERE site = $1 AND incident_id = $2",
        incident.site.as_str(),
        incident.id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()
}

/// The other cases of a site in the clusters of these, oldest first.
pub async fn neighbours(tx: &mut Tx, site: &SiteId, cases: &[Uuid]) -> Result<Vec<Uuid>, Fault> {
    sqlx::query_scalar!(
        "-- notification::matters::neighbours
        SELECT c.case_id FROM case_view c
        WHERE c.site = $1 AND NOT c.case_id = ANY ($2)
          AND c.cluster_ids && ARRAY(SELECT unnest(m.cluster_ids) FROM case_view m
                                     WHERE m.site = $1 AND m.case_id = ANY ($2))
        ORDER BY c.case_id",
        site.as_str(),
        cases,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()
}

/// Whether an incident pages nobody any more: it was merged into another. While it is open it has to be led, whatever became of
/// its cases, and crisis itself takes back what it promised when it ends; the actions of its review page afterwards too.
pub async fn incident_ended(tx: &mut Tx, incident: &IncidentName) -> Result<bool, Fault> {
    let merged = sqlx::query_scalar!(
        "-- notification::matters::incident_ended
        SELECT merged FROM incident_view WHERE site = $1 AND incident_id = $2",
        incident.site.as_str(),
        incident.id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    // One that is not known here yet lives.
    Ok(merged.unwrap_or(false))
}

/// A promise as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promise {
    /// Of which case; none for an incident's.
    pub case: Option<Uuid>,
    /// Which promise.
    pub kind: ClockKind,
    /// Where it stands.
    pub state: ClockState,
    /// The deadline.
    pub due: Option<Timestamp>,
    /// Rises with every change.
    pub generation: i64,
    /// When what it was made of was entered; none where triage did not say.
    pub made: Option<Timestamp>,
    /// On whose word it runs, a token subject; empty where on nobody's, and where this is not news of its start.
    pub made_by: String,
}

/// Keeps promises of a site, those that are newer. On whose word one runs is said with its start, and stands until it is made anew.
pub async fn keep_clocks(
    tx: &mut Tx,
    site: &SiteId,
    clocks: &BTreeMap<ClockName, Promise>,
) -> Result<(), Fault> {
    if clocks.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = clocks.keys().map(|clock| clock.id).collect();
    let states: Vec<&str> = clocks.values().map(|p| p.state.word()).collect();
    let generations: Vec<i64> = clocks.values().map(|p| p.generation).collect();
    let cases: Vec<Option<Uuid>> = clocks.values().map(|p| p.case).collect();
    let kinds: Vec<&str> = clocks.values().map(|p| p.kind.word()).collect();
    let dues: Vec<Option<jiff_sqlx::Timestamp>> = clocks
        .values()
        .map(|p| p.due.map(|t| t.to_sqlx()))
        .collect();
    let made: Vec<Option<jiff_sqlx::Timestamp>> = clocks
        .values()
        .map(|p| p.made.map(|t| t.to_sqlx()))
        .collect();
    let made_by: Vec<&str> = clocks.values().map(|p| p.made_by.as_str()).collect();
    sqlx::query!(
        "-- notification::matters::keep_clocks
        INSERT INTO clock_view AS c (site, clock_id, state, generation, case_id, kind, due_time, made_time, made_by)
        SELECT $1, n.* FROM unnest($2::uuid[], $3::text[], $4::bigint[], $5::uuid[], $6::text[], $7::timestamptz[],
                                   $8::timestamptz[], $9::text[]) AS n
        ON CONFLICT ON CONSTRAINT clock_view_pkey DO UPDATE
        SET state = excluded.state, generation = excluded.generation, case_id = excluded.case_id, kind = excluded.kind,
            due_time = excluded.due_time, made_time = excluded.made_time,
            made_by = CASE WHEN excluded.made_by <> '' OR excluded.made_time IS DISTINCT FROM c.made_time
                           THEN excluded.made_by ELSE c.made_by END
        WHERE c.generation < excluded.generation",
        site.as_str(),
        &ids,
        &states as &[&str],
        &generations,
        &cases as &[Option<Uuid>],
        &kinds as &[&str],
        &dues as &[Option<jiff_sqlx::Timestamp>],
        &made as &[Option<jiff_sqlx::Timestamp>],
        &made_by as &[&str],
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// A clock's state; none where it is not known here.
pub async fn clock_state(tx: &mut Tx, clock: &ClockName) -> Result<Option<ClockState>, Fault> {
    let state = sqlx::query_scalar!(
        "-- notification::matters::clock_state
        SELECT state FROM clock_view WHERE site = $1 AND clock_id = $2",
        clock.site.as_str(),
        clock.id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    state.map(|state| word(&state)).transpose()
}

/// Lets the waiting receipts of a case go now: everything that they should name is known.
pub async fn release_receipts(tx: &mut Tx, case: &CaseName, now: Timestamp) -> Result<(), Fault> {
    let released = sqlx::query!(
        "-- notification::matters::release_receipts
        UPDATE message SET due_time = $3, revision = revision + 1
        WHERE site = $1 AND case_id = $2 AND template = 'case.received' AND state = 'QUEUED'
          AND attempt_count = 0 AND defer_count = 0 AND due_time > $3",
        case.site.as_str(),
        case.id,
        now.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?
    .rows_affected();
    if released > 0 {
        tx.wake();
    }
    Ok(())
}
