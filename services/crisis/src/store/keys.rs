//! The data keys of sites: made at first use, kept wrapped, opened once per process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::name::SiteId;
use redress_model::{Fault, ids};
use redress_store::{StoreResultExt as _, Tx};
use redress_vault::{DataKey, Place, Vault, WrappedKey};
use uuid::Uuid;
use zeroize::Zeroizing;

/// Seals and opens the personal data of sites.
#[derive(Debug)]
pub struct Keys {
    vault: Arc<Vault>,
    opened: Mutex<HashMap<(SiteId, Uuid), Arc<DataKey>>>,
}

impl Keys {
    /// Keys under this vault.
    pub fn new(vault: Arc<Vault>) -> Self {
        Self {
            vault,
            opened: Mutex::default(),
        }
    }

    /// Seals under the newest data key of the site.
    pub async fn seal(
        &self,
        tx: &mut Tx,
        site: &SiteId,
        place: &Place<'_>,
        plain: &[u8],
        now: Timestamp,
    ) -> Result<Vec<u8>, Fault> {
        let newest = sqlx::query_scalar!(
            "-- crisis::store::keys::seal
            SELECT key_id FROM data_key WHERE site = $1 ORDER BY key_id DESC LIMIT 1",
            site.as_str(),
        )
        .fetch_optional(&mut **tx)
        .await
        .or_fault()?;
        let key = match newest {
            Some(id) => self.key(tx, site, id).await?,
            None => self.make(tx, site, now).await?,
        };
        Ok(key.seal(place, plain))
    }

    /// Opens what was sealed in this place.
    pub async fn open(
        &self,
        tx: &mut Tx,
        site: &SiteId,
        place: &Place<'_>,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let id = DataKey::id_of(sealed)
            .ok_or_else(|| Fault::internal("sealed in a format of a newer release"))?;
        let key = self.key(tx, site, id).await?;
        key.open(place, sealed).map_err(Fault::internal)
    }

    /// Two transactions that make the first key of a site at once make two: both stay, both open what
    /// they sealed, the newer one seals from then on. Only a committed key is kept in memory, hence
    /// not here.
    async fn make(
        &self,
        tx: &mut Tx,
        site: &SiteId,
        now: Timestamp,
    ) -> Result<Arc<DataKey>, Fault> {
        let id = ids::new_id(now);
        let (key, wrapped) = self.vault.new_data_key(site, id);
        sqlx::query!(
            "-- crisis::store::keys::make
            INSERT INTO data_key (site, key_id, kek_id, wrapped, create_time) VALUES ($1, $2, $3, $4, $5)",
            site.as_str(),
            id,
            wrapped.kek_id,
            wrapped.bytes,
            now.to_sqlx(),
        )
        .execute(&mut **tx)
        .await
        .or_fault()?;
        Ok(Arc::new(key))
    }

    async fn key(&self, tx: &mut Tx, site: &SiteId, id: Uuid) -> Result<Arc<DataKey>, Fault> {
        let slot = (site.clone(), id);
        if let Some(key) = self.lock().get(&slot) {
            return Ok(Arc::clone(key));
        }
        let row = sqlx::query!(
            "-- crisis::store::keys::key
            SELECT kek_id, wrapped FROM data_key WHERE site = $1 AND key_id = $2",
            site.as_str(),
            id,
        )
        .fetch_optional(&mut **tx)
        .await
        .or_fault()?
        .ok_or_else(|| Fault::internal("sealed under a data key that is not here"))?;
        let wrapped = WrappedKey {
            kek_id: row.kek_id,
            bytes: row.wrapped,
        };
        let key = self
            .vault
            .unwrap(site, id, &wrapped)
            .map_err(Fault::internal)?;
        let key = Arc::new(key);
        self.lock().insert(slot, Arc::clone(&key));
        Ok(key)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(SiteId, Uuid), Arc<DataKey>>> {
        self.opened.lock().unwrap_or_else(|e| e.into_inner())
    }
}
