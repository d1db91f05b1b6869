//! Notices to owners: written, reviewed, and their owners worked through in batches (M19).

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx as _;
use redress_model::name::{CaseName, ClusterName, SiteId};
use redress_model::words::Category;
use redress_model::{Fault, ids};
use redress_store::{Database, Keyring, OneRowExt as _, StoreResultExt as _, Tx};
use redress_vault::Place;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::surveys::Contact;
use super::word;
use crate::domain::causes;
use crate::domain::owner_notice::{Content, NoticeState, NoticeVerdict};
use crate::domain::texts::Source;

/// How long addresses of a list are kept after the last message was made, so that a failed one can be sent again
/// (own).
pub const LIST_KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);

/// A notice.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// Where.
    pub site: SiteId,
    /// Its id.
    pub id: Uuid,
    /// Where it stands.
    pub state: NoticeState,
    /// What the complaints are about.
    pub category: Option<Category>,
    /// How many units had complained.
    pub units: i32,
    /// It came by itself.
    pub proposed: bool,
    /// What is told, and to whom.
    pub content: Content,
    /// Everybody who had a part in it: token subjects and names of staff.
    pub authors: Vec<String>,
    /// Wording rules that were overridden.
    pub overridden: Vec<String>,
    /// Why.
    pub override_reason: String,
    /// By whom.
    pub overridden_by: String,
    /// What was approved.
    pub approved_digest: Option<Vec<u8>>,
    /// The last owner who has a message.
    pub cursor: String,
    /// When the next batch is made, or the list forgotten.
    pub due_time: Option<Timestamp>,
    /// When it was made.
    pub create_time: Timestamp,
    /// When it was last submitted.
    pub submit_time: Option<Timestamp>,
    /// When it was approved.
    pub approve_time: Option<Timestamp>,
    /// When the last message was made.
    pub release_time: Option<Timestamp>,
    /// When it was taken back.
    pub withdraw_time: Option<Timestamp>,
    /// Why.
    pub withdraw_reason: String,
    /// Rises with every change.
    pub revision: i64,
}

impl Notice {
    /// Its resource name.
    pub fn name(&self) -> String {
        format!("sites/{}/notices/{}", self.site, self.id)
    }

    /// What an approval of it as it is would name.
    pub fn digest(&self) -> [u8; 32] {
        self.content.digest(self.site.as_str(), self.id)
    }

    /// Whether it may be told: approved exactly as it is, and not taken back.
    pub fn stands(&self) -> bool {
        matches!(self.state, NoticeState::Approved | NoticeState::Released)
            && self.approved_digest.as_deref() == Some(&self.digest()[..])
    }

    /// The complaints that it is about.
    pub fn cluster(&self) -> Option<ClusterName> {
        let id = self.content.cluster?;
        Some(ClusterName::new(self.site.clone(), id))
    }

    /// Remembers who had a part in it.
    pub fn written_by(&mut self, authors: &[String]) {
        for author in authors {
            if !self.authors.contains(author) {
                self.authors.push(author.clone());
            }
        }
    }
}

struct Row {
    site: String,
    notice_id: Uuid,
    state: String,
    cluster_id: Option<Uuid>,
    category: String,
    units: i32,
    proposed: bool,
    danger: bool,
    include_known: bool,
    chinese_subject: String,
    chinese_body: String,
    english_subject: String,
    english_body: String,
    list_revision: i32,
    authors: Vec<String>,
    overridden: Vec<String>,
    override_reason: String,
    overridden_by: String,
    approved_digest: Option<Vec<u8>>,
    cursor: String,
    due_time: Option<jiff_sqlx::Timestamp>,
    create_time: jiff_sqlx::Timestamp,
    submit_time: Option<jiff_sqlx::Timestamp>,
    approve_time: Option<jiff_sqlx::Timestamp>,
    release_time: Option<jiff_sqlx::Timestamp>,
    withdraw_time: Option<jiff_sqlx::Timestamp>,
    withdraw_reason: String,
    revision: i64,
}

impl Row {
    fn notice(self) -> Result<Notice, Fault> {
        Ok(Notice {
            site: self.site.parse().map_err(Fault::internal)?,
            id: self.notice_id,
            state: word(&self.state)?,
            category: match self.category.as_str() {
                "" => None,
                category => Some(word(category)?),
            },
            units: self.units,
            proposed: self.proposed,
            content: Content {
                cluster: self.cluster_id,
                danger: self.danger,
                include_known: self.include_known,
                chinese: Source {
                    subject: self.chinese_subject,
                    body: self.chinese_body,
                },
                english: Source {
                    subject: self.english_subject,
                    body: self.english_body,
                },
                list_revision: self.list_revision,
            },
            authors: self.authors,
            overridden: self.overridden,
            override_reason: self.override_reason,
            overridden_by: self.overridden_by,
            approved_digest: self.approved_digest,
            cursor: self.cursor,
            due_time: self.due_time.map(|t| t.to_jiff()),
            create_time: self.create_time.to_jiff(),
            submit_time: self.submit_time.map(|t| t.to_jiff()),
            approve_time: self.approve_time.map(|t| t.to_jiff()),
            release_time: self.release_time.map(|t| t.to_jiff()),
            withdraw_time: self.withdraw_time.map(|t| t.to_jiff()),
            withdraw_reason: self.withdraw_reason,
            revision: self.revision,
        })
    }
}

/// A notice to be made.
pub struct NewNotice<'a> {
    /// Its id.
    pub id: Uuid,
    /// What the complaints are about.
    pub category: Option<Category>,
    /// How many units had complained.
    pub units: i32,
    /// It comes by itself.
    pub proposed: bool,
    /// What is told, and to whom.
    pub content: &'a Content,
    /// Who writes it.
    pub authors: &'a [String],
}

/// Makes a draft. Returns whether it is new: a defect proposes one, however often its news arrive.
pub async fn insert(
    tx: &mut Tx,
    site: &SiteId,
    new: &NewNotice<'_>,
    now: Timestamp,
) -> Result<bool, Fault> {
    let content = new.content;
    let rows = sqlx::query!(
        "-- notification::owner_notices::insert
        INSERT INTO owner_notice (site, notice_id, state, cluster_id, category, units, proposed, danger, include_known,
                                  chinese_subject, chinese_body, english_subject, english_body, authors, create_time)
        VALUES ($1, $2, 'DRAFT', $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
        ON CONFLICT (site, cluster_id) WHERE proposed DO NOTHING",
        site.as_str(),
        new.id,
        content.cluster,
        new.category.map_or("", |category| category.word()),
        new.units,
        new.proposed,
        content.danger,
        content.include_known,
        content.chinese.subject,
        content.chinese.body,
        content.english.subject,
        content.english.body,
        new.authors,
        now.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?
    .rows_affected();
    Ok(rows > 0)
}

/// A notice.
pub async fn get(tx: &mut Tx, site: &SiteId, id: Uuid) -> Result<Option<Notice>, Fault> {
    sqlx::query_as!(
        Row,
        r#"-- notification::owner_notices::get
        SELECT site, notice_id, state, cluster_id, category, units, proposed, danger, include_known, chinese_subject,
               chinese_body, english_subject, english_body, list_revision, authors, overridden, override_reason,
               overridden_by, approved_digest, cursor, due_time AS "due_time: jiff_sqlx::Timestamp",
               create_time AS "create_time: jiff_sqlx::Timestamp", submit_time AS "submit_time: jiff_sqlx::Timestamp",
               approve_time AS "approve_time: jiff_sqlx::Timestamp",
               release_time AS "release_time: jiff_sqlx::Timestamp",
               withdraw_time AS "withdraw_time: jiff_sqlx::Timestamp", withdraw_reason, revision
        FROM owner_notice WHERE site = $1 AND notice_id = $2"#,
        site.as_str(),
        id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?
    .map(Row::notice)
    .transpose()
}

/// A notice under a lock until the end of the transaction.
pub async fn lock(tx: &mut Tx, site: &SiteId, id: Uuid) -> Result<Option<Notice>, Fault> {
    sqlx::query!(
        "-- notification::owner_notices::lock
        SELECT 1 AS one FROM owner_notice WHERE site = $1 AND notice_id = $2 FOR UPDATE",
        site.as_str(),
        id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    get(tx, site, id).await
}

/// Writes what moves and bumps the revision. The row is locked by this transaction.
pub async fn settle(tx: &mut Tx, notice: &mut Notice) -> Result<(), Fault> {
    let content = &notice.content;
    sqlx::query!(
        "-- notification::owner_notices::settle
        UPDATE owner_notice
        SET state = $4, danger = $5, include_known = $6, chinese_subject = $7, chinese_body = $8, english_subject = $9,
            english_body = $10, list_revision = $11, authors = $12, overridden = $13, override_reason = $14,
            overridden_by = $15, approved_digest = $16, cursor = $17, due_time = $18, submit_time = $19,
            approve_time = $20, release_time = $21, withdraw_time = $22, withdraw_reason = $23, revision = revision + 1
        WHERE site = $1 AND notice_id = $2 AND revision = $3",
        notice.site.as_str(),
        notice.id,
        notice.revision,
        notice.state.word(),
        content.danger,
        content.include_known,
        content.chinese.subject,
        content.chinese.body,
        content.english.subject,
        content.english.body,
        content.list_revision,
        &notice.authors,
        &notice.overridden,
        notice.override_reason,
        notice.overridden_by,
        notice.approved_digest,
        notice.cursor,
        notice.due_time.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        notice.submit_time.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        notice.approve_time.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        notice.release_time.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        notice.withdraw_time.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        notice.withdraw_reason,
    )
    .execute(&mut **tx)
    .await
    .one_row("a notice was settled without its lock")?;
    notice.revision += 1;
    Ok(())
}

/// Notices, newest first.
pub async fn list(
    tx: &mut Tx,
    site: Option<&SiteId>,
    state: Option<NoticeState>,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Notice>, Fault> {
    let rows = sqlx::query_as!(
        Row,
        r#"-- notification::owner_notices::list
        SELECT site, notice_id, state, cluster_id, category, units, proposed, danger, include_known, chinese_subject,
               chinese_body, english_subject, english_body, list_revision, authors, overridden, override_reason,
               overridden_by, approved_digest, cursor, due_time AS "due_time: jiff_sqlx::Timestamp",
               create_time AS "create_time: jiff_sqlx::Timestamp", submit_time AS "submit_time: jiff_sqlx::Timestamp",
               approve_time AS "approve_time: jiff_sqlx::Timestamp",
               release_time AS "release_time: jiff_sqlx::Timestamp",
               withdraw_time AS "withdraw_time: jiff_sqlx::Timestamp", withdraw_reason, revision
        FROM owner_notice
        WHERE ($1::text IS NULL OR site = $1)
          AND ($2::text IS NULL OR state = $2)
          AND ($3::uuid IS NULL OR notice_id < $3)
        ORDER BY notice_id DESC LIMIT $4"#,
        site.map(SiteId::as_str),
        state.map(NoticeState::word),
        after,
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter().map(Row::notice).collect()
}

/// What somebody other than the authors said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// What.
    pub verdict: NoticeVerdict,
    /// Of what.
    pub digest: Vec<u8>,
    /// Why.
    pub reason: String,
    /// Who.
    pub reviewer: String,
    /// When.
    pub review_time: Timestamp,
}

/// Adds a review. The notice is locked by this transaction.
pub async fn add_review(tx: &mut Tx, notice: &Notice, review: &Review) -> Result<(), Fault> {
    sqlx::query!(
        "-- notification::owner_notices::add_review
        INSERT INTO owner_notice_review (site, notice_id, number, verdict, digest, reason, reviewer, review_time)
        SELECT $1::text, $2::uuid, count(*)::integer + 1, $3::text, $4::bytea, $5::text, $6::text, $7::timestamptz
        FROM owner_notice_review WHERE site = $1 AND notice_id = $2",
        notice.site.as_str(),
        notice.id,
        review.verdict.word(),
        review.digest,
        review.reason,
        review.reviewer,
        review.review_time.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// What others said, oldest first.
pub async fn reviews(tx: &mut Tx, notice: &Notice) -> Result<Vec<Review>, Fault> {
    let rows = sqlx::query!(
        r#"-- notification::owner_notices::reviews
        SELECT verdict, digest, reason, reviewer, review_time AS "review_time: jiff_sqlx::Timestamp"
        FROM owner_notice_review WHERE site = $1 AND notice_id = $2 ORDER BY number"#,
        notice.site.as_str(),
        notice.id,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|row| {
            Ok(Review {
                verdict: word(&row.verdict)?,
                digest: row.digest,
                reason: row.reason,
                reviewer: row.reviewer,
                review_time: row.review_time.to_jiff(),
            })
        })
        .collect()
}

fn place(recipient: Uuid) -> Place<'static> {
    Place {
        table: "owner_notice_recipient",
        row: recipient,
        field: "sealed",
    }
}

/// Puts owners on the list, each once, by person token.
pub async fn add_recipients(
    tx: &mut Tx,
    keys: &Keyring,
    notice: &Notice,
    people: &[(String, Contact)],
    now: Timestamp,
) -> Result<(), Fault> {
    let mut tokens = Vec::with_capacity(people.len());
    let mut row_ids = Vec::with_capacity(people.len());
    let mut sealed = Vec::with_capacity(people.len());
    for (token, contact) in people {
        let id = ids::new_id(now);
        let plain = Zeroizing::new(serde_json::to_vec(contact).map_err(Fault::internal)?);
        sealed.push(keys.seal(tx, &notice.site, &place(id), &plain, now).await?);
        tokens.push(token.clone());
        row_ids.push(id);
    }
    sqlx::query!(
        "-- notification::owner_notices::add_recipients
        INSERT INTO owner_notice_recipient AS r (site, notice_id, person, recipient_id, sealed)
        SELECT $1::text, $2::uuid, p.person, p.recipient_id, p.sealed
        FROM unnest($3::text[], $4::uuid[], $5::bytea[]) AS p (person, recipient_id, sealed)
        ON CONFLICT ON CONSTRAINT owner_notice_recipient_pkey
        DO UPDATE SET recipient_id = EXCLUDED.recipient_id, sealed = EXCLUDED.sealed",
        notice.site.as_str(),
        notice.id,
        &tokens,
        &row_ids,
        &sealed,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Empties the list.
pub async fn clear_recipients(tx: &mut Tx, notice: &Notice) -> Result<(), Fault> {
    sqlx::query!(
        "-- notification::owner_notices::clear_recipients
        DELETE FROM owner_notice_recipient WHERE site = $1 AND notice_id = $2",
        notice.site.as_str(),
        notice.id,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Forgets how to reach those of the list.
pub async fn forget_list(tx: &mut Tx, notice: &Notice) -> Result<(), Fault> {
    sqlx::query!(
        "-- notification::owner_notices::forget_list
        UPDATE owner_notice_recipient SET sealed = NULL
        WHERE site = $1 AND notice_id = $2 AND sealed IS NOT NULL",
        notice.site.as_str(),
        notice.id,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Fixes who is told: the people known from live cases join, reached by their newest one, and those who complained
/// about the defect themselves are marked.
pub async fn fix_audience(tx: &mut Tx, notice: &Notice) -> Result<(), Fault> {
    if notice.content.include_known {
        sqlx::query!(
            "-- notification::owner_notices::fix_audience
            INSERT INTO owner_notice_recipient (site, notice_id, person, recipient_id, case_id)
            SELECT DISTINCT ON (known.person) $1::text, $2::uuid, known.person, gen_random_uuid(), c.case_id
            FROM case_view c CROSS JOIN unnest(c.person_tokens) AS known (person)
            WHERE c.site = $1 AND NOT c.historical AND known.person <> ''
            ORDER BY known.person, c.case_id DESC
            ON CONFLICT ON CONSTRAINT owner_notice_recipient_pkey DO NOTHING",
            notice.site.as_str(),
            notice.id,
        )
        .execute(&mut **tx)
        .await
        .or_fault()?;
    }
    sqlx::query!(
        "-- notification::owner_notices::fix_audience
        UPDATE owner_notice_recipient r SET excluded = true
        WHERE r.site = $1 AND r.notice_id = $2 AND EXISTS (
          SELECT FROM case_view c
          WHERE c.site = $1 AND $3::uuid = ANY (c.cluster_ids) AND r.person = ANY (c.person_tokens))",
        notice.site.as_str(),
        notice.id,
        notice.content.cluster,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Who is to be told, in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Audience {
    /// On the list.
    pub listed: i64,
    /// Known, and on no list.
    pub known: i64,
    /// Of both, those who complained about it themselves.
    pub excluded: i64,
}

impl Audience {
    /// How many are told.
    pub fn told(self) -> i64 {
        self.listed + self.known - self.excluded
    }
}

/// Who is to be told: as it was fixed at approval, before that as it would be now.
pub async fn audience(tx: &mut Tx, notice: &Notice) -> Result<Audience, Fault> {
    let fixed = notice.approve_time.is_some();
    sqlx::query_as!(
        Audience,
        r#"-- notification::owner_notices::audience
        WITH person AS (
          SELECT r.person, r.case_id IS NULL AS listed, r.excluded FROM owner_notice_recipient r
          WHERE r.site = $1 AND r.notice_id = $2
          UNION ALL
          SELECT DISTINCT known.person, false, false
          FROM case_view c CROSS JOIN unnest(c.person_tokens) AS known (person)
          WHERE $4::boolean AND c.site = $1 AND NOT c.historical AND known.person <> '' AND NOT EXISTS (
            SELECT FROM owner_notice_recipient r
            WHERE r.site = $1 AND r.notice_id = $2 AND r.person = known.person)),
        complained AS (
          SELECT DISTINCT unnest(c.person_tokens) AS person FROM case_view c
          WHERE NOT $5::boolean AND c.site = $1 AND $3::uuid = ANY (c.cluster_ids))
        SELECT count(*) FILTER (WHERE p.listed) AS "listed!", count(*) FILTER (WHERE NOT p.listed) AS "known!",
               count(*) FILTER (WHERE p.excluded OR c.person IS NOT NULL) AS "excluded!"
        FROM person p LEFT JOIN complained c USING (person)"#,
        notice.site.as_str(),
        notice.id,
        notice.content.cluster,
        notice.content.include_known && !fixed,
        fixed,
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()
}

/// How many stand on the list.
pub async fn listed(tx: &mut Tx, notice: &Notice) -> Result<i64, Fault> {
    let row = sqlx::query_scalar!(
        r#"-- notification::owner_notices::listed
        SELECT count(*) AS "count!" FROM owner_notice_recipient WHERE site = $1 AND notice_id = $2"#,
        notice.site.as_str(),
        notice.id,
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()?;
    Ok(row)
}

/// What became of a notice's messages, in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// A provider has taken it.
    pub told: i64,
    /// Of these, it arrived.
    pub delivered: i64,
    /// No way reached the owner.
    pub failed: i64,
    /// Queued or under way.
    pub under_way: i64,
    /// Not sent any more.
    pub cancelled: i64,
}

impl Progress {
    /// How many messages there are.
    pub fn made(self) -> i64 {
        self.told + self.failed + self.under_way + self.cancelled
    }
}

/// What became of a notice's messages.
pub async fn progress(tx: &mut Tx, notice: &Notice) -> Result<Progress, Fault> {
    sqlx::query_as!(
        Progress,
        r#"-- notification::owner_notices::progress
        SELECT count(*) FILTER (WHERE state IN ('SENT', 'ACKNOWLEDGED')) AS "told!",
               count(*) FILTER (WHERE state IN ('SENT', 'ACKNOWLEDGED')
                                  AND (deliver_time IS NOT NULL OR read_time IS NOT NULL)) AS "delivered!",
               count(*) FILTER (WHERE state = 'FAILED') AS "failed!",
               count(*) FILTER (WHERE state IN ('QUEUED', 'SENDING', 'ASKED')) AS "under_way!",
               count(*) FILTER (WHERE state = 'CANCELLED') AS "cancelled!"
        FROM message WHERE site = $1 AND cause = $2"#,
        notice.site.as_str(),
        causes::notice_cause(notice.id),
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()
}

/// The next owners without a message, in the order of their tokens.
pub async fn next_recipients(
    tx: &mut Tx,
    notice: &Notice,
    limit: i64,
) -> Result<Vec<String>, Fault> {
    sqlx::query_scalar!(
        "-- notification::owner_notices::next_recipients
        SELECT person FROM owner_notice_recipient
        WHERE site = $1 AND notice_id = $2 AND person > $3 AND NOT excluded ORDER BY person LIMIT $4",
        notice.site.as_str(),
        notice.id,
        notice.cursor,
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()
}

/// How one owner is reached.
pub enum Reached {
    /// By the address on the list.
    Listed(Contact),
    /// By this case, of which intake knows the complainants.
    Known(CaseName),
}

/// How an owner is reached; none where the list was forgotten.
pub async fn reached(
    tx: &mut Tx,
    keys: &Keyring,
    notice: &Notice,
    person: &str,
) -> Result<Option<Reached>, Fault> {
    let row = sqlx::query!(
        "-- notification::owner_notices::reached
        SELECT recipient_id, sealed, case_id FROM owner_notice_recipient
        WHERE site = $1 AND notice_id = $2 AND person = $3",
        notice.site.as_str(),
        notice.id,
        person,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    let Some(row) = row else {
        return Ok(None);
    };
    if let Some(case) = row.case_id {
        return Ok(Some(Reached::Known(CaseName::new(
            notice.site.clone(),
            case,
        ))));
    }
    let Some(sealed) = row.sealed else {
        return Ok(None);
    };
    let place = place(row.recipient_id);
    let plain = keys.open(tx, &notice.site, &place, &sealed).await?;
    serde_json::from_slice(&plain)
        .map(|contact| Some(Reached::Listed(contact)))
        .map_err(|_| Fault::internal("a sealed contact is not what was sealed"))
}

/// Lets the sender look at what waits, now: it finds that the notice has ended.
pub async fn wake_messages(tx: &mut Tx, notice: &Notice, now: Timestamp) -> Result<(), Fault> {
    sqlx::query!(
        "-- notification::owner_notices::wake_messages
        UPDATE message SET due_time = $3, revision = revision + 1
        WHERE site = $1 AND cause = $2 AND state = 'QUEUED' AND due_time > $3",
        notice.site.as_str(),
        causes::notice_cause(notice.id),
        now.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    tx.wake();
    Ok(())
}

/// Whether an open incident is about the same complaints: then the spokesperson tells the owners (I7).
pub async fn incident_speaks(tx: &mut Tx, notice: &Notice) -> Result<bool, Fault> {
    sqlx::query_scalar!(
        r#"-- notification::owner_notices::incident_speaks
        SELECT EXISTS (
          SELECT FROM incident_view i
          WHERE i.site = $1 AND NOT i.merged AND NOT i.closed
            AND EXISTS (SELECT FROM case_view c
                        WHERE c.site = $1 AND c.case_id = ANY (i.case_ids) AND $2::uuid = ANY (c.cluster_ids))
            AND EXISTS (SELECT FROM case_view c
                        WHERE c.site = $1 AND c.case_id = ANY (i.case_ids)
                          AND c.status NOT IN ('WITHDRAWN', 'CLOSED', 'ARCHIVED', 'REJECTED', 'MERGED')))
          AS "speaks!""#,
        notice.site.as_str(),
        notice.content.cluster,
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()
}

/// Counts a case in a cluster; `left` is the one that it was split from.
pub async fn keep_cluster(
    tx: &mut Tx,
    case: &CaseName,
    cluster: Uuid,
    left: Option<Uuid>,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- notification::owner_notices::keep_cluster
        UPDATE case_view SET cluster_ids = array_append(array_remove(array_remove(cluster_ids, $3), $4), $3)
        WHERE site = $1 AND case_id = $2",
        case.site.as_str(),
        case.id,
        cluster,
        left,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Notices of all sites with something to do, the one that waits longest in front. A statement of the worker role.
pub async fn due(db: &Database, now: Timestamp, limit: i64) -> Result<Vec<(SiteId, Uuid)>, Fault> {
    let rows = sqlx::query!(
        "-- notification::owner_notices::due
        SELECT site, notice_id FROM owner_notice WHERE due_time <= $1 ORDER BY due_time LIMIT $2",
        now.to_sqlx(),
        limit,
    )
    .fetch_all(db.worker())
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|row| Ok((row.site.parse().map_err(Fault::internal)?, row.notice_id)))
        .collect()
}
