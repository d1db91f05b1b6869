//! The local outbox: messages as written, sealed, one a page. Written once: a copy of a page whose
//! first end is unknown finds it there and changes nothing.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::MessageName;
use redress_store::{Keyring, StoreResultExt as _, Tx};
use redress_vault::Place;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::word;
use crate::domain::words::MessageChannel;

/// A message as written. Names people: hence no `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptText {
    /// Where to; empty where the reader has no address.
    pub address: String,
    /// Subject line.
    pub subject: String,
    /// Text.
    pub body: String,
}

/// A page of a message as written.
#[derive(Clone)]
pub struct KeptPage {
    /// The page, from 1.
    pub page: i32,
    /// By which channel it is meant to go.
    pub channel: MessageChannel,
    /// The text.
    pub text: KeptText,
}

fn field(page: i32) -> String {
    format!("sealed/{page}")
}

/// Keeps a page.
pub async fn keep(
    tx: &mut Tx,
    keys: &Keyring,
    name: &MessageName,
    kept: &KeptPage,
    now: Timestamp,
) -> Result<(), Fault> {
    let plain = Zeroizing::new(serde_json::to_vec(&kept.text).map_err(Fault::internal)?);
    let field = field(kept.page);
    let place = Place {
        table: "kept_text",
        row: name.id,
        field: &field,
    };
    let sealed = keys.seal(tx, &name.site, &place, &plain, now).await?;
    sqlx::query!(
        "-- notification::kept::keep
        INSERT INTO kept_text (site, message_id, page, channel, sealed, keep_time)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT ON CONSTRAINT kept_text_pkey DO NOTHING",
        name.site.as_str(),
        name.id,
        kept.page,
        kept.channel.word(),
        sealed,
        now.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// All pages of a message, oldest first.
pub async fn list(tx: &mut Tx, keys: &Keyring, name: &MessageName) -> Result<Vec<KeptPage>, Fault> {
    let rows = sqlx::query!(
        "-- notification::kept::list
        SELECT page, channel, sealed FROM kept_text
        WHERE site = $1 AND message_id = $2 ORDER BY page",
        name.site.as_str(),
        name.id,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    let mut pages = Vec::with_capacity(rows.len());
    for row in rows {
        let field = field(row.page);
        let place = Place {
            table: "kept_text",
            row: name.id,
            field: &field,
        };
        let plain = keys.open(tx, &name.site, &place, &row.sealed).await?;
        pages.push(KeptPage {
            page: row.page,
            channel: word(&row.channel)?,
            text: serde_json::from_slice(&plain)
                .map_err(|_| Fault::internal("a sealed text is not what was sealed"))?,
        });
    }
    Ok(pages)
}
