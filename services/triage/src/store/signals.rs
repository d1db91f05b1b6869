//! Signals of cases: stated at receipt, or recorded later.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_model::words::{SignalBasis, SignalKind};
use redress_store::{StoreResultExt as _, Tx};
use uuid::Uuid;

use super::word;
use crate::domain::Signal;

/// A signal with who knows of it.
#[derive(Debug, Clone)]
pub struct SignalRow {
    /// Its id.
    pub id: Uuid,
    /// The case.
    pub case: Uuid,
    /// What is known.
    pub signal: Signal,
    /// When it became known.
    pub known: Timestamp,
    /// Who recorded it.
    pub recorder: String,
    /// Who confirmed it, and when.
    pub confirmed: Option<(String, Timestamp)>,
    /// Who said that it is not so, when and why: it does not count.
    pub dismissed: Option<Dismissal>,
    /// When triage learned of it.
    pub created: Timestamp,
    /// Whether it was certain before the deadlines of the law had clocks: it starts none.
    pub before_law: bool,
    /// Rises with every change.
    pub revision: i64,
}

impl SignalRow {
    /// On whose word it is certain: who confirmed it, else who recorded it.
    pub fn word_of(&self) -> &str {
        let confirmed = self.confirmed.as_ref().map(|(by, _)| by);
        confirmed.unwrap_or(&self.recorder)
    }
}

/// A person's word that a signal is not so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dismissal {
    /// Who: a token subject.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

struct Row {
    id: Uuid,
    case_id: Uuid,
    kind: String,
    basis: String,
    reach: i64,
    known_time: jiff_sqlx::Timestamp,
    recorder: String,
    confirmer: Option<String>,
    confirm_time: Option<jiff_sqlx::Timestamp>,
    provisional_time: Option<jiff_sqlx::Timestamp>,
    dismisser: Option<String>,
    dismiss_time: Option<jiff_sqlx::Timestamp>,
    dismiss_reason: Option<String>,
    create_time: jiff_sqlx::Timestamp,
    before_law: bool,
    revision: i64,
}

impl Row {
    fn read(self) -> Result<SignalRow, Fault> {
        let basis = word::<SignalBasis>(&self.basis)?;
        let time = |t: Option<jiff_sqlx::Timestamp>| t.map(jiff_sqlx::Timestamp::to_jiff);
        let provisional = time(self.provisional_time).filter(|_| basis == SignalBasis::Suspected);
        let since = time(self.confirm_time)
            .or(provisional)
            .unwrap_or_else(|| self.create_time.to_jiff());
        let dismissed = self.dismisser.zip(time(self.dismiss_time));
        Ok(SignalRow {
            id: self.id,
            case: self.case_id,
            signal: Signal {
                kind: word::<SignalKind>(&self.kind)?,
                basis,
                reach: u64::try_from(self.reach).unwrap_or(0),
                provisional: provisional.is_some(),
                since,
            },
            known: self.known_time.to_jiff(),
            recorder: self.recorder,
            confirmed: self.confirmer.zip(time(self.confirm_time)),
            dismissed: dismissed.map(|(by, at)| Dismissal {
                by,
                at,
                reason: self.dismiss_reason.unwrap_or_default(),
            }),
            created: self.create_time.to_jiff(),
            before_law: self.before_law,
            revision: self.revision,
        })
    }
}

/// Adds a signal; one that is there already stays as it is.
pub async fn insert(
    tx: &mut Tx,
    site: &SiteId,
    signal: &SignalRow,
    stated: bool,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- triage::store::signals::insert
        INSERT INTO signal (site, id, case_id, kind, basis, reach, known_time, stated, recorder, create_time, revision)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        ON CONFLICT ON CONSTRAINT signal_key DO NOTHING",
        site.as_str(),
        signal.id,
        signal.case,
        signal.signal.kind.word(),
        signal.signal.basis.word(),
        i64::try_from(signal.signal.reach).unwrap_or(i64::MAX),
        signal.known.to_sqlx(),
        stated,
        signal.recorder,
        signal.created.to_sqlx(),
        signal.revision,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// What counts, or may count once somebody confirms it: every signal of these cases that nobody dismissed.
pub async fn of_cases(tx: &mut Tx, site: &SiteId, cases: &[Uuid]) -> Result<Vec<SignalRow>, Fault> {
    sqlx::query_as!(
        Row,
        "-- triage::store::signals::of_cases
        SELECT id, case_id, kind, basis, reach, known_time, recorder, confirmer, confirm_time, provisional_time,
               dismisser, dismiss_time, dismiss_reason, create_time, before_law, revision
        FROM signal WHERE site = $1 AND case_id = ANY ($2) AND dismiss_time IS NULL ORDER BY create_time, id",
        site.as_str(),
        cases,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?
    .into_iter()
    .map(Row::read)
    .collect()
}

/// Every kind of signal that these cases have or had, and whether all of the kind were dismissed.
pub async fn kinds_of(
    tx: &mut Tx,
    site: &SiteId,
    cases: &[Uuid],
) -> Result<BTreeMap<SignalKind, bool>, Fault> {
    let rows = sqlx::query!(
        "-- triage::store::signals::kinds_of
        SELECT kind, bool_and(dismiss_time IS NOT NULL) AS \"dismissed!\"
        FROM signal WHERE site = $1 AND case_id = ANY ($2) GROUP BY kind",
        site.as_str(),
        cases,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|row| Ok((word::<SignalKind>(&row.kind)?, row.dismissed)))
        .collect()
}

/// One signal, locked until the transaction ends.
pub async fn lock(tx: &mut Tx, site: &SiteId, id: Uuid) -> Result<Option<SignalRow>, Fault> {
    sqlx::query_as!(
        Row,
        "-- triage::store::signals::lock
        SELECT id, case_id, kind, basis, reach, known_time, recorder, confirmer, confirm_time, provisional_time,
               dismisser, dismiss_time, dismiss_reason, create_time, before_law, revision
        FROM signal WHERE site = $1 AND id = $2 FOR UPDATE",
        site.as_str(),
        id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?
    .map(Row::read)
    .transpose()
}

/// One signal.
pub async fn get(tx: &mut Tx, site: &SiteId, id: Uuid) -> Result<Option<SignalRow>, Fault> {
    sqlx::query_as!(
        Row,
        "-- triage::store::signals::get
        SELECT id, case_id, kind, basis, reach, known_time, recorder, confirmer, confirm_time, provisional_time,
               dismisser, dismiss_time, dismiss_reason, create_time, before_law, revision
        FROM signal WHERE site = $1 AND id = $2",
        site.as_str(),
        id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?
    .map(Row::read)
    .transpose()
}

/// Signals of a case, newest first, after a key.
pub async fn page(
    tx: &mut Tx,
    site: &SiteId,
    case: Uuid,
    after: Option<(Timestamp, Uuid)>,
    limit: i64,
) -> Result<Vec<SignalRow>, Fault> {
    let (time, id) = after.unzip();
    sqlx::query_as!(
        Row,
        "-- triage::store::signals::page
        SELECT id, case_id, kind, basis, reach, known_time, recorder, confirmer, confirm_time, provisional_time,
               dismisser, dismiss_time, dismiss_reason, create_time, before_law, revision
        FROM signal
        WHERE site = $1 AND case_id = $2 AND ($3::timestamptz IS NULL OR (create_time, id) < ($3, $4))
        ORDER BY create_time DESC, id DESC LIMIT $5",
        site.as_str(),
        case,
        time.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        id,
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?
    .into_iter()
    .map(Row::read)
    .collect()
}

/// A person says that it is so. What was only suspected before the deadlines of the law had clocks is certain now.
pub async fn confirm(
    tx: &mut Tx,
    site: &SiteId,
    id: Uuid,
    confirmer: &str,
    now: Timestamp,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- triage::store::signals::confirm
        UPDATE signal SET basis = 'CONFIRMED', confirmer = $3, confirm_time = $4, revision = revision + 1,
          before_law = before_law AND basis <> 'SUSPECTED'
        WHERE site = $1 AND id = $2",
        site.as_str(),
        id,
        confirmer,
        now.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// A person says that it is not so.
pub async fn dismiss(
    tx: &mut Tx,
    site: &SiteId,
    id: Uuid,
    dismissal: &Dismissal,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- triage::store::signals::dismiss
        UPDATE signal SET dismisser = $3, dismiss_time = $4, dismiss_reason = $5, revision = revision + 1
        WHERE site = $1 AND id = $2",
        site.as_str(),
        id,
        dismissal.by,
        dismissal.at.to_sqlx(),
        dismissal.reason,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Nobody said whether these are so: they count provisionally from now on.
pub async fn presume(
    tx: &mut Tx,
    site: &SiteId,
    ids: &[Uuid],
    now: Timestamp,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- triage::store::signals::presume
        UPDATE signal SET provisional_time = $3, revision = revision + 1
        WHERE site = $1 AND id = ANY ($2) AND basis = 'SUSPECTED' AND provisional_time IS NULL
          AND dismiss_time IS NULL",
        site.as_str(),
        ids,
        now.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}
