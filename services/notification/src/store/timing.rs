//! What decides when a message may be sent: the site's policy, stretches of duty, token buckets.

use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::{SiteId, StaffName};
use redress_model::words::DutyRole;
use redress_store::{StoreResultExt as _, Tx};

use super::duty::AT_DESK;
use crate::domain::timing::{Bucket, Duty, Hours, Quiet, Rate};

/// What a site decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryPolicy {
    /// When customers are left alone.
    pub quiet: Quiet,
    /// How many messages a customer gets.
    pub customer: Rate,
    /// How many messages a member of staff gets.
    pub staff: Rate,
    /// Rises with every change; 0 while the site decided nothing.
    pub revision: i64,
}

impl Default for DeliveryPolicy {
    /// What holds where a site decided nothing (own).
    fn default() -> Self {
        Self {
            quiet: Quiet::DEFAULT,
            customer: Rate {
                burst: 10,
                per_hour: 20,
            },
            staff: Rate {
                burst: 30,
                per_hour: 120,
            },
            revision: 0,
        }
    }
}

/// What holds at a site.
pub async fn policy(tx: &mut Tx, site: &SiteId) -> Result<DeliveryPolicy, Fault> {
    let row = sqlx::query!(
        "-- notification::timing::policy
        SELECT quiet_start, quiet_end, customer_burst, customer_per_hour, staff_burst, staff_per_hour, revision
        FROM delivery_policy WHERE site = $1",
        site.as_str(),
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    let Some(row) = row else {
        return Ok(DeliveryPolicy::default());
    };
    Ok(DeliveryPolicy {
        quiet: Quiet::parse(&row.quiet_start, &row.quiet_end).map_err(Fault::internal)?,
        customer: Rate {
            burst: row.customer_burst,
            per_hour: row.customer_per_hour,
        },
        staff: Rate {
            burst: row.staff_burst,
            per_hour: row.staff_per_hour,
        },
        revision: row.revision,
    })
}

/// Replaces what holds at a site, if it still is of the revision before. Returns whether it was.
pub async fn keep_policy(
    tx: &mut Tx,
    site: &SiteId,
    policy: &DeliveryPolicy,
) -> Result<bool, Fault> {
    let (start, end) = policy.quiet.texts();
    let rows = sqlx::query!(
        "-- notification::timing::keep_policy
        INSERT INTO delivery_policy AS p (site, quiet_start, quiet_end, customer_burst, customer_per_hour,
                                          staff_burst, staff_per_hour, revision)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT ON CONSTRAINT delivery_policy_pkey DO UPDATE
        SET quiet_start = $2, quiet_end = $3, customer_burst = $4, customer_per_hour = $5, staff_burst = $6,
            staff_per_hour = $7, revision = $8
        WHERE p.revision = $8 - 1",
        site.as_str(),
        start,
        end,
        policy.customer.burst,
        policy.customer.per_hour,
        policy.staff.burst,
        policy.staff.per_hour,
        policy.revision,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?
    .rows_affected();
    Ok(rows == 1)
}

/// A reader's token bucket, under a lock until the end of the transaction; none while nothing was sent.
pub async fn lock_bucket(
    tx: &mut Tx,
    site: &SiteId,
    recipient: &str,
) -> Result<Option<Bucket>, Fault> {
    let row = sqlx::query!(
        r#"-- notification::timing::lock_bucket
        SELECT tokens, time AS "time: jiff_sqlx::Timestamp" FROM send_bucket
        WHERE site = $1 AND recipient = $2 FOR UPDATE"#,
        site.as_str(),
        recipient,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    Ok(row.map(|row| Bucket {
        tokens: row.tokens,
        time: row.time.to_jiff(),
    }))
}

/// Keeps a reader's token bucket. Of two that make the first one at once the emptier stays.
pub async fn keep_bucket(
    tx: &mut Tx,
    site: &SiteId,
    recipient: &str,
    bucket: Bucket,
    known: bool,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- notification::timing::keep_bucket
        INSERT INTO send_bucket AS b (site, recipient, tokens, time) VALUES ($1, $2, $3, $4)
        ON CONFLICT ON CONSTRAINT send_bucket_pkey DO UPDATE
        SET tokens = CASE WHEN $5 THEN $3 ELSE greatest(b.tokens - 1, 0) END, time = greatest(b.time, $4)",
        site.as_str(),
        recipient,
        bucket.tokens,
        bucket.time.to_sqlx(),
        known,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// When somebody is at work whose hours are published; nothing where they are not, since a lead's stand-by says
/// nothing about when the same person is at a desk.
pub async fn hours(tx: &mut Tx, staff: &StaffName) -> Result<Hours, Fault> {
    let rows = sqlx::query!(
        r#"-- notification::timing::hours
        SELECT role, start_time AS "start_time: jiff_sqlx::Timestamp",
               end_time AS "end_time: jiff_sqlx::Timestamp"
        FROM duty_slot WHERE site = $1 AND staff = $2"#,
        staff.site.as_str(),
        staff.to_string(),
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    let rostered = sqlx::query_scalar!(
        r#"-- notification::timing::hours
        SELECT EXISTS (SELECT FROM duty_roster WHERE site = $1 AND $2 = ANY (at_desk)) AS "rostered!""#,
        staff.site.as_str(),
        staff.to_string(),
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()?;
    let at_desk = AT_DESK.map(DutyRole::word);
    if !rostered && !rows.iter().any(|row| at_desk.contains(&row.role.as_str())) {
        return Ok(Hours::default());
    }
    let duties = rows
        .into_iter()
        .map(|row| Duty {
            start: row.start_time.to_jiff(),
            end: row.end_time.map(|t| t.to_jiff()),
        })
        .collect();
    Ok(Hours { duties, rostered })
}
