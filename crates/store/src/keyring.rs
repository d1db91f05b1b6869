//! The data keys of sites, which seal personal data: made at the first use, kept wrapped, opened once per process.
//!
//! Every service that seals has a table `data_key` of its own. The tables are older than this file and differ in the
//! name of one column, so the statements are put together here instead of being checked against one schema; the tests
//! of each service run them against its own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::name::SiteId;
use redress_model::{Fault, ids};
use redress_vault::{DataKey, Place, Vault, WrappedKey};
use sqlx::AssertSqlSafe;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::Tx;
use crate::fault::StoreResultExt as _;

/// The vault with the data keys that were opened so far.
#[derive(Debug)]
pub struct Keyring {
    vault: Arc<Vault>,
    id_column: &'static str,
    opened: Mutex<HashMap<(SiteId, Uuid), Arc<DataKey>>>,
}

impl Keyring {
    /// A keyring with nothing opened yet, for a table that has the keys' ids in this column.
    pub fn new(vault: Arc<Vault>, id_column: &'static str) -> Self {
        Self {
            vault,
            id_column,
            opened: Mutex::default(),
        }
    }

    /// The vault.
    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    /// Seals under the key that seals for the site now.
    ///
    /// # Errors
    /// As [`sealing`](Self::sealing).
    pub async fn seal(
        &self,
        tx: &mut Tx,
        site: &SiteId,
        place: &Place<'_>,
        plain: &[u8],
        now: Timestamp,
    ) -> Result<Vec<u8>, Fault> {
        Ok(self.sealing(tx, site, now).await?.seal(place, plain))
    }

    /// Opens what was sealed in this place.
    ///
    /// # Errors
    /// INTERNAL when it does not open, or its key is not there; when Postgres is away.
    pub async fn open(
        &self,
        tx: &mut Tx,
        site: &SiteId,
        place: &Place<'_>,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let id = DataKey::id_of(sealed)
            .ok_or_else(|| Fault::internal("sealed in a format of a newer release"))?;
        let key = match self.remembered(site, id) {
            Some(key) => key,
            None => {
                let wrapped = self.wrapped(tx, site, id).await?;
                self.unwrap(site, id, &wrapped)?
            }
        };
        key.open(place, sealed).map_err(Fault::internal)
    }

    /// The key that seals for a site now: its newest, the first one made here. One that an older key-encryption key
    /// wraps is wrapped anew, so that the older one falls out of use.
    ///
    /// # Errors
    /// INTERNAL when the key file lost a key-encryption key; when Postgres is away.
    pub async fn sealing(
        &self,
        tx: &mut Tx,
        site: &SiteId,
        now: Timestamp,
    ) -> Result<Arc<DataKey>, Fault> {
        let newest = match self.newest(tx, site).await? {
            Some(newest) => Some(newest),
            None => {
                if let Some(key) = self.make(tx, site, now).await? {
                    return Ok(key);
                }
                self.newest(tx, site).await?
            }
        };
        let (id, wrapped) =
            newest.ok_or_else(|| Fault::internal("the data key of a site vanished"))?;
        // While a new key-encryption key rolls out, a replica whose key file does not hold it yet goes on with the
        // data keys that it remembers.
        if let Ok(Some(anew)) = self.vault.rewrap(site, id, &wrapped) {
            self.store_anew(tx, site, id, &wrapped, &anew).await?;
        }
        match self.remembered(site, id) {
            Some(key) => Ok(key),
            None => self.unwrap(site, id, &wrapped),
        }
    }

    /// Makes the first key of a site; none when another transaction was faster. Where the table allows several keys
    /// in force, two transactions at once make two: both stay, both open what they sealed, the newer one seals from
    /// then on. A key is not kept in memory before its transaction is over.
    async fn make(
        &self,
        tx: &mut Tx,
        site: &SiteId,
        now: Timestamp,
    ) -> Result<Option<Arc<DataKey>>, Fault> {
        let id = ids::new_id(now);
        let (key, wrapped) = self.vault.new_data_key(site, id);
        let insert = format!(
            "-- store::keyring::make
            INSERT INTO data_key (site, {}, kek_id, wrapped, create_time) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT DO NOTHING",
            self.id_column
        );
        let made = sqlx::query(AssertSqlSafe(insert))
            .bind(site.as_str())
            .bind(id)
            .bind(wrapped.kek_id)
            .bind(wrapped.bytes)
            .bind(now.to_sqlx())
            .execute(&mut **tx)
            .await
            .or_fault()?
            .rows_affected();
        Ok((made == 1).then(|| Arc::new(key)))
    }

    async fn newest(
        &self,
        tx: &mut Tx,
        site: &SiteId,
    ) -> Result<Option<(Uuid, WrappedKey)>, Fault> {
        let select = format!(
            "-- store::keyring::newest
            SELECT {id}, kek_id, wrapped FROM data_key WHERE site = $1 ORDER BY create_time DESC, {id} DESC LIMIT 1",
            id = self.id_column
        );
        let row: Option<(Uuid, String, Vec<u8>)> = sqlx::query_as(AssertSqlSafe(select))
            .bind(site.as_str())
            .fetch_optional(&mut **tx)
            .await
            .or_fault()?;
        Ok(row.map(|(id, kek_id, bytes)| (id, WrappedKey { kek_id, bytes })))
    }

    async fn wrapped(&self, tx: &mut Tx, site: &SiteId, id: Uuid) -> Result<WrappedKey, Fault> {
        let select = format!(
            "-- store::keyring::wrapped
            SELECT kek_id, wrapped FROM data_key WHERE site = $1 AND {} = $2",
            self.id_column
        );
        let row: Option<(String, Vec<u8>)> = sqlx::query_as(AssertSqlSafe(select))
            .bind(site.as_str())
            .bind(id)
            .fetch_optional(&mut **tx)
            .await
            .or_fault()?;
        let (kek_id, bytes) =
            row.ok_or_else(|| Fault::internal("sealed under a data key that is not here"))?;
        Ok(WrappedKey { kek_id, bytes })
    }

    /// Another transaction may have been faster: what it wrote stands.
    async fn store_anew(
        &self,
        tx: &mut Tx,
        site: &SiteId,
        id: Uuid,
        old: &WrappedKey,
        anew: &WrappedKey,
    ) -> Result<(), Fault> {
        let update = format!(
            "-- store::keyring::store_anew
            UPDATE data_key SET kek_id = $3, wrapped = $4 WHERE site = $1 AND {} = $2 AND kek_id = $5",
            self.id_column
        );
        sqlx::query(AssertSqlSafe(update))
            .bind(site.as_str())
            .bind(id)
            .bind(&anew.kek_id)
            .bind(&anew.bytes)
            .bind(&old.kek_id)
            .execute(&mut **tx)
            .await
            .or_fault()?;
        Ok(())
    }

    fn unwrap(&self, site: &SiteId, id: Uuid, wrapped: &WrappedKey) -> Result<Arc<DataKey>, Fault> {
        let key = self.vault.unwrap(site, id, wrapped);
        let key = Arc::new(key.map_err(Fault::internal)?);
        self.lock().insert((site.clone(), id), Arc::clone(&key));
        Ok(key)
    }

    fn remembered(&self, site: &SiteId, id: Uuid) -> Option<Arc<DataKey>> {
        self.lock().get(&(site.clone(), id)).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(SiteId, Uuid), Arc<DataKey>>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
