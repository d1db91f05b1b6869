//! What apps and portals are told: sealed rows, only added to, which are their own change table.

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::{CaseName, MessageName, SiteId};
use redress_rpc::watch::Position;
use redress_store::{Database, Keyring, Operation, StoreResultExt as _, Tx};
use redress_vault::Place;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::messages::Message;
use super::word;
use crate::domain::words::RecipientKind;

/// How long a notice is kept and a resume token good.
pub const RETENTION: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Rows that one purge statement deletes at most.
const PURGE_ROWS_MAX: i64 = 5_000;

/// What is said. Names people: hence no `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeText {
    /// Subject line.
    pub subject: String,
    /// Text.
    pub body: String,
}

/// A notice, its text still sealed.
#[derive(Debug, Clone)]
pub struct Notice {
    /// The message.
    pub message: MessageName,
    /// Page of a call-out, from 1.
    pub page: i32,
    /// Key of the template.
    pub template: String,
    /// To what kind of person.
    pub recipient_kind: RecipientKind,
    /// To whom.
    pub recipient: String,
    /// The case.
    pub case: Option<CaseName>,
    /// Which telling of the page: the highest stands.
    pub edition: i32,
    /// The page is taken back.
    pub withdrawn: bool,
    /// When.
    pub create_time: Timestamp,
    sealed: Vec<u8>,
}

fn place(message: Uuid, field: &str) -> Place<'_> {
    Place {
        table: "app_notice",
        row: message,
        field,
    }
}

fn field(page: i32) -> String {
    format!("sealed/{page}")
}

/// Adds the notice of a page, once; anew where it was taken back.
pub async fn keep(
    tx: &mut Tx,
    keys: &Keyring,
    message: &Message,
    page: i32,
    text: &NoticeText,
    now: Timestamp,
) -> Result<(), Fault> {
    let plain = Zeroizing::new(serde_json::to_vec(text).map_err(Fault::internal)?);
    let name = &message.name;
    let field = field(page);
    let sealed = keys
        .seal(tx, &name.site, &place(name.id, &field), &plain, now)
        .await?;
    sqlx::query!(
        "-- notification::notices::keep
        INSERT INTO app_notice (site, message_id, page, template, recipient_kind, recipient, case_id, sealed,
                                create_time, edition)
        SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, last.edition + 1
        FROM (SELECT 0 AS edition, true AS withdrawn
              UNION ALL SELECT edition, withdrawn FROM app_notice WHERE site = $1 AND message_id = $2 AND page = $3
              ORDER BY edition DESC LIMIT 1) AS last
        WHERE last.withdrawn
        ON CONFLICT ON CONSTRAINT app_notice_once DO NOTHING",
        name.site.as_str(),
        name.id,
        page,
        message.template.key(),
        message.recipient.kind().word(),
        message.recipient.to_string(),
        message.case.as_ref().map(|case| case.id),
        sealed,
        now.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Takes back what apps and portals were told of a message: it is told anew as it is now, or not at all. The row keeps
/// the sealed text for a release that does not know what is taken back, and shows it once more.
pub async fn take_back(tx: &mut Tx, message: &MessageName, now: Timestamp) -> Result<(), Fault> {
    sqlx::query!(
        "-- notification::notices::take_back
        INSERT INTO app_notice (site, message_id, page, template, recipient_kind, recipient, case_id, sealed,
                                create_time, edition, withdrawn)
        SELECT n.site, n.message_id, n.page, n.template, n.recipient_kind, n.recipient, n.case_id, n.sealed,
               $3::timestamptz, n.edition + 1, true
        FROM app_notice n
        WHERE n.site = $1 AND n.message_id = $2 AND NOT n.withdrawn
          AND NOT EXISTS (
            SELECT FROM app_notice l
            WHERE l.site = n.site AND l.message_id = n.message_id AND l.page = n.page AND l.edition > n.edition)
        ON CONFLICT ON CONSTRAINT app_notice_once DO NOTHING",
        message.site.as_str(),
        message.id,
        now.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Opens what a notice says; one that is taken back says nothing.
pub async fn open(tx: &mut Tx, keys: &Keyring, notice: &Notice) -> Result<NoticeText, Fault> {
    if notice.withdrawn {
        return Ok(NoticeText {
            subject: String::new(),
            body: String::new(),
        });
    }
    let field = field(notice.page);
    let place = place(notice.message.id, &field);
    let plain = keys
        .open(tx, &notice.message.site, &place, &notice.sealed)
        .await?;
    serde_json::from_slice(&plain)
        .map_err(|_| Fault::internal("a sealed text is not what was sealed"))
}

/// The position right below everything that may still commit.
pub async fn head(tx: &mut Tx) -> Result<Position, Fault> {
    Ok(Position {
        xid: tx.horizon().await?,
        id: i64::MAX,
    })
}

/// The last position that was purged.
pub async fn purged(tx: &mut Tx) -> Result<Position, Fault> {
    let row = sqlx::query!(
        r#"-- notification::notices::purged
        SELECT xid::text::bigint AS "xid!", id FROM app_notice_floor"#
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()?;
    Ok(Position {
        xid: row.xid.unsigned_abs(),
        id: row.id,
    })
}

/// Whose notices are read.
#[derive(Debug, Clone)]
pub struct Readers {
    /// At which site.
    pub site: SiteId,
    /// Of what kind.
    pub kind: RecipientKind,
    /// These; empty: all of the kind.
    pub recipients: Vec<String>,
}

/// Notices after a position that nothing can slip in before any more.
pub async fn read(
    tx: &mut Tx,
    after: Position,
    readers: &Readers,
    limit: i64,
) -> Result<Vec<(Position, Notice)>, Fault> {
    let rows = sqlx::query!(
        r#"-- notification::notices::read
        SELECT xid::text::bigint AS "xid!", id AS "id!", site, message_id, page, template, recipient_kind, recipient,
               case_id, sealed, create_time, edition, withdrawn
        FROM app_notice
        WHERE (xid, id) > ($1::bigint::text::xid8, $2)
          AND xid < pg_snapshot_xmin(pg_current_snapshot())
          AND site = $3 AND recipient_kind = $4
          AND (cardinality($5::text[]) = 0 OR recipient = ANY ($5))
        ORDER BY xid, id LIMIT $6"#,
        i64::try_from(after.xid).unwrap_or(i64::MAX),
        after.id,
        readers.site.as_str(),
        readers.kind.word(),
        &readers.recipients,
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|row| {
            let position = Position {
                xid: row.xid.unsigned_abs(),
                id: row.id,
            };
            let site: SiteId = row.site.parse().map_err(Fault::internal)?;
            let notice = Notice {
                page: row.page,
                template: row.template,
                recipient_kind: word(&row.recipient_kind)?,
                recipient: row.recipient,
                case: row.case_id.map(|id| CaseName::new(site.clone(), id)),
                edition: row.edition,
                withdrawn: row.withdrawn,
                create_time: row.create_time.to_jiff(),
                sealed: row.sealed,
                message: MessageName::new(site, row.message_id),
            };
            Ok((position, notice))
        })
        .collect()
}

/// Deletes notices older than [`RETENTION`] in batches and remembers where. Returns how many.
pub async fn purge(db: &Database, now: Timestamp) -> Result<u64, Fault> {
    let before = now.saturating_sub(RETENTION).unwrap_or(Timestamp::MIN);
    db.work_off(&PurgeBatch { before }, PURGE_ROWS_MAX).await
}

struct PurgeBatch {
    before: Timestamp,
}

impl Operation for PurgeBatch {
    const NAME: &'static str = "notification.purge_notices";
    type Output = u64;

    async fn run(&self, tx: &mut Tx) -> Result<u64, Fault> {
        let rows = sqlx::query!(
            "-- notification::notices::purge
            WITH gone AS (
              DELETE FROM app_notice WHERE ctid = ANY (ARRAY(
                SELECT ctid FROM app_notice WHERE create_time < $1 ORDER BY xid, id LIMIT $2))
              RETURNING xid, id),
            last AS (SELECT xid, id FROM gone ORDER BY xid DESC, id DESC LIMIT 1),
            floor AS (
              UPDATE app_notice_floor f SET xid = last.xid, id = last.id FROM last
              WHERE (f.xid, f.id) < (last.xid, last.id) RETURNING 1)
            SELECT xid::text FROM gone",
            self.before.to_sqlx() as _,
            PURGE_ROWS_MAX,
        )
        .fetch_all(&mut **tx)
        .await
        .or_fault()?;
        Ok(u64::try_from(rows.len()).unwrap_or(u64::MAX))
    }
}
