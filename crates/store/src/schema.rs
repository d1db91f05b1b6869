//! Migrations of a service's schema, and the check that a process understands the schema it finds.
//!
//! A schema holds the tables of several crates (this one, events, the service), each with its own
//! numbered migrations and its own version table. Migrations only go forward.

use std::collections::BTreeMap;

use redress_model::Fault;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{AssertSqlSafe, PgPool};

use crate::bootstrap::{Role, quote_identifier};
use crate::fault::fault;

/// This crate's tables: scope and receipts. Every service applies it first.
pub static MIGRATOR: Migrator = sqlx::migrate!();

/// Why a schema cannot be used. Its text is one sentence that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// Migrations are missing.
    #[error(
        "schema {service} lacks {count} migration(s), the first is {first}: run `redress-{service} migrate` and start again"
    )]
    Behind {
        /// The service.
        service: String,
        /// How many are missing.
        count: usize,
        /// The first one.
        first: String,
    },
    /// A newer release migrated it.
    #[error(
        "schema {service} was migrated by a newer release (migration {version} of {table} is unknown here): start that release or a newer one"
    )]
    Ahead {
        /// The service.
        service: String,
        /// The version table.
        table: String,
        /// The first unknown version.
        version: i64,
    },
    /// An applied migration differs from the one in this release.
    #[error(
        "schema {service} was migrated by a different build (migration {version} of {table} has other contents): start the release that migrated it, or restore the schema from its backup"
    )]
    Changed {
        /// The service.
        service: String,
        /// The version table.
        table: String,
        /// The version.
        version: i64,
    },
    /// A migration failed half way.
    #[error("migration of schema {service} failed: {reason}")]
    Failed {
        /// The service.
        service: String,
        /// What Postgres said.
        reason: String,
    },
    /// Postgres is away.
    #[error("schema {service} cannot be read: {fault}")]
    Unreadable {
        /// The service.
        service: String,
        /// Why.
        fault: Fault,
    },
}

/// Applies what is missing, in the order given. Safe to run twice and at the same time: Postgres
/// lets one migration run at a time for a database.
///
/// # Errors
/// When the schema is ahead or changed, or a migration fails; what was applied before it stays.
pub async fn migrate(
    owner: &PgPool,
    service: &str,
    migrators: &[&Migrator],
) -> Result<(), SchemaError> {
    for migrator in migrators {
        let table = migrator.table_name.as_ref();
        migrator.run(owner).await.map_err(|error| match error {
            MigrateError::VersionMissing(version) => SchemaError::Ahead {
                service: service.to_owned(),
                table: table.to_owned(),
                version,
            },
            MigrateError::VersionMismatch(version) => SchemaError::Changed {
                service: service.to_owned(),
                table: table.to_owned(),
                version,
            },
            other => SchemaError::Failed {
                service: service.to_owned(),
                reason: other.to_string(),
            },
        })?;
        // `serve` checks versions with the app role.
        let grant = format!(
            "GRANT SELECT ON {} TO {}",
            quote_identifier(table),
            quote_identifier(&Role::App.name(service)),
        );
        sqlx::query(AssertSqlSafe(grant))
            .execute(owner)
            .await
            .map_err(|error| SchemaError::Failed {
                service: service.to_owned(),
                reason: error.to_string(),
            })?;
    }
    Ok(())
}

/// Whether the schema has exactly the migrations that this release carries.
///
/// # Errors
/// One sentence that says which way it differs and what to do.
pub async fn check_schema(
    pool: &PgPool,
    service: &str,
    migrators: &[&Migrator],
) -> Result<(), SchemaError> {
    let mut missing = Vec::new();
    for migrator in migrators {
        let table = migrator.table_name.as_ref();
        let mut applied = applied(pool, service, table).await?;
        for migration in migrator.iter() {
            match applied.remove(&migration.version) {
                Some(checksum) if checksum == migration.checksum.as_ref() => {}
                Some(_) => {
                    return Err(SchemaError::Changed {
                        service: service.to_owned(),
                        table: table.to_owned(),
                        version: migration.version,
                    });
                }
                None => missing.push(format!(
                    "{:04} {} of {table}",
                    migration.version, migration.description
                )),
            }
        }
        if let Some(version) = applied.into_keys().next() {
            return Err(SchemaError::Ahead {
                service: service.to_owned(),
                table: table.to_owned(),
                version,
            });
        }
    }
    match missing.first() {
        None => Ok(()),
        Some(first) => Err(SchemaError::Behind {
            service: service.to_owned(),
            count: missing.len(),
            first: first.clone(),
        }),
    }
}

/// Applied versions with their checksums; none where the version table is missing.
async fn applied(
    pool: &PgPool,
    service: &str,
    table: &str,
) -> Result<BTreeMap<i64, Vec<u8>>, SchemaError> {
    let select = format!(
        "-- store::schema::applied
        SELECT version, checksum FROM {} WHERE success ORDER BY version",
        quote_identifier(table)
    );
    let rows: Result<Vec<(i64, Vec<u8>)>, sqlx::Error> =
        sqlx::query_as(AssertSqlSafe(select)).fetch_all(pool).await;
    match rows {
        Ok(rows) => Ok(rows.into_iter().collect()),
        Err(error) if is_missing(&error) => Ok(BTreeMap::new()),
        Err(error) => Err(SchemaError::Unreadable {
            service: service.to_owned(),
            fault: fault(error),
        }),
    }
}

/// The table is not there, or was made by a migration that did not end with its grant.
fn is_missing(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|e| e.code());
    matches!(code.as_deref(), Some("42P01" | "3F000" | "42501"))
}
