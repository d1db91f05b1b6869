//! Numbers for people without two cases waiting for each other: each replica takes a block of a site's day
//! and hands out from it. What a replica does not use is a gap.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use jiff::civil::Date;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_store::{Database, Operation, Scope, StoreResultExt as _, Tx};

/// Numbers that a replica takes at once: gaps of a day stay below this for each replica.
const BLOCK_NUMBERS: i64 = 16;

type Block = Arc<tokio::sync::Mutex<Option<(Date, Range<i64>)>>>;

/// The blocks of this replica.
#[derive(Debug, Default)]
pub struct Numbers {
    blocks: Mutex<HashMap<SiteId, Block>>,
}

impl Numbers {
    /// The next number of a site's day. Takes a transaction of its own when the block is used up, so it
    /// must not be called inside of one: all connections could come to wait for one more.
    ///
    /// # Errors
    /// When Postgres is away, or the site is out of scope.
    pub async fn next(
        &self,
        db: &Database,
        scope: &Scope,
        site: &SiteId,
        day: Date,
    ) -> Result<i64, Fault> {
        let block = {
            let mut blocks = self.blocks.lock().unwrap_or_else(|e| e.into_inner());
            Arc::clone(blocks.entry(site.clone()).or_default())
        };
        let mut block = block.lock().await;
        if let Some((of, numbers)) = block.as_mut()
            && *of == day
            && let Some(number) = numbers.next()
        {
            return Ok(number);
        }
        let first = db.run(scope, &TakeBlock { site, day }).await?;
        *block = Some((day, first + 1..first + BLOCK_NUMBERS));
        Ok(first)
    }
}

struct TakeBlock<'a> {
    site: &'a SiteId,
    day: Date,
}

impl Operation for TakeBlock<'_> {
    const NAME: &'static str = "intake.take_numbers";
    type Output = i64;

    async fn run(&self, tx: &mut Tx) -> Result<i64, Fault> {
        let row = sqlx::query!(
            r#"-- intake::numbers::take_block
            INSERT INTO number_counter AS n (site, day, next) VALUES ($1, $2, 1 + $3::bigint)
            ON CONFLICT ON CONSTRAINT number_counter_key DO UPDATE SET next = n.next + $3::bigint
            RETURNING next - $3::bigint AS "first!""#,
            self.site.as_str(),
            self.day.to_sqlx() as _,
            BLOCK_NUMBERS,
        )
        .fetch_one(&mut **tx)
        .await
        .or_fault()?;
        Ok(row.first)
    }
}
