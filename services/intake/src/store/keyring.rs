//! The data keys of sites: stored wrapped, opened once per process and kept in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_store::{StoreResultExt as _, Tx};
use redress_vault::{DataKey, Vault, WrappedKey};
use uuid::Uuid;

/// The vault with the data keys that were opened so far. Cloning shares them.
#[derive(Debug, Clone)]
pub struct Keyring {
    vault: Arc<Vault>,
    opened: Arc<Mutex<HashMap<Uuid, Arc<DataKey>>>>,
}

impl Keyring {
    /// A keyring over a vault, with nothing opened yet.
    pub fn new(vault: Arc<Vault>) -> Self {
        Self {
            vault,
            opened: Arc::default(),
        }
    }

    /// The vault.
    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    /// Makes the first key of a site.
    ///
    /// # Errors
    /// When Postgres is away.
    pub async fn make(&self, tx: &mut Tx, site: &SiteId, now: Timestamp) -> Result<(), Fault> {
        let id = redress_model::ids::new_id(now);
        let (_, wrapped) = self.vault.new_data_key(site, id);
        sqlx::query!(
            "-- intake::keyring::make
            INSERT INTO data_key (site, id, kek_id, wrapped, create_time) VALUES ($1, $2, $3, $4, $5)",
            site.as_str(),
            id,
            wrapped.kek_id,
            wrapped.bytes,
            now.to_sqlx() as _,
        )
        .execute(&mut **tx)
        .await
        .or_fault()?;
        Ok(())
    }

    /// The key that seals for a site now: its newest. A key that an older key-encryption key wraps is
    /// wrapped anew, so that the older one falls out of use with the site's next complaint.
    ///
    /// # Errors
    /// INTERNAL when the site has no key or the key file lost its key-encryption key.
    pub async fn sealing(&self, tx: &mut Tx, site: &SiteId) -> Result<Arc<DataKey>, Fault> {
        let row = sqlx::query!(
            "-- intake::keyring::sealing
            SELECT id, kek_id, wrapped FROM data_key WHERE site = $1
            ORDER BY create_time DESC, id DESC LIMIT 1",
            site.as_str(),
        )
        .fetch_optional(&mut **tx)
        .await
        .or_fault()?
        .ok_or_else(|| Fault::internal("the site has no data key"))?;
        let wrapped = WrappedKey {
            kek_id: row.kek_id,
            bytes: row.wrapped,
        };
        if let Some(anew) = self
            .vault
            .rewrap(site, row.id, &wrapped)
            .map_err(Fault::internal)?
        {
            sqlx::query!(
                "-- intake::keyring::rewrap
                UPDATE data_key SET kek_id = $3, wrapped = $4 WHERE site = $1 AND id = $2 AND kek_id = $5",
                site.as_str(),
                row.id,
                anew.kek_id,
                anew.bytes,
                wrapped.kek_id,
            )
            .execute(&mut **tx)
            .await
            .or_fault()?;
        }
        self.open(site, row.id, &wrapped)
    }

    /// The key that sealed these bytes of a site.
    ///
    /// # Errors
    /// INTERNAL when there is no such key.
    pub async fn opening(
        &self,
        tx: &mut Tx,
        site: &SiteId,
        sealed: &[u8],
    ) -> Result<Arc<DataKey>, Fault> {
        let id = DataKey::id_of(sealed)
            .ok_or_else(|| Fault::internal("a sealed field has an unknown format"))?;
        if let Some(key) = self.remembered(id) {
            return Ok(key);
        }
        let row = sqlx::query!(
            "-- intake::keyring::opening
            SELECT kek_id, wrapped FROM data_key WHERE site = $1 AND id = $2",
            site.as_str(),
            id,
        )
        .fetch_optional(&mut **tx)
        .await
        .or_fault()?
        .ok_or_else(|| Fault::internal("a sealed field names a data key that is not there"))?;
        let wrapped = WrappedKey {
            kek_id: row.kek_id,
            bytes: row.wrapped,
        };
        self.open(site, id, &wrapped)
    }

    fn open(&self, site: &SiteId, id: Uuid, wrapped: &WrappedKey) -> Result<Arc<DataKey>, Fault> {
        if let Some(key) = self.remembered(id) {
            return Ok(key);
        }
        let key = Arc::new(
            self.vault
                .unwrap(site, id, wrapped)
                .map_err(Fault::internal)?,
        );
        self.opened
            .lock()
            .unwrap_or_else(|e| e.into_inner())
            .insert(id, Arc::clone(&key));
        Ok(key)
    }

    fn remembered(&self, id: Uuid) -> Option<Arc<DataKey>> {
        self.opened
            .lock()
            .unwrap_or_else(|e| e.into_inner())
            .get(&id)
            .cloned()
    }
}
