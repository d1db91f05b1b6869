//! Migrations of a service's schema, and the check that a process understands the schema it finds.
//!
//! A schema holds the tables of several crates (this one, events, the service), each with its own
//! numbered migrations and its own version table. Migrations only go forward.
//!
//! Old and new releases run together during a rollout, and an old one again after a rollback, so a migration only
//! adds (expands): whatever ran before still runs. What takes away is called so, `0042_contract_….sql`, comes a
//! release after the last code that needed it, and ends the way back (decision 0051).

use std::collections::{BTreeMap, BTreeSet};

use redress_model::Fault;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{AssertSqlSafe, PgPool};

use crate::bootstrap::{Role, quote_identifier};
use crate::fault::fault;

/// This crate's tables: scope and receipts. Every service applies it first.
pub static MIGRATOR: Migrator = sqlx::migrate!();

/// How the description of a migration begins that takes something away.
const CONTRACTS: &str = "contract ";

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
    /// A newer release took something away that this one needs.
    #[error(
        "schema {service} was contracted by a newer release (migration {version} of {table} is unknown here): start that release or a newer one"
    )]
    Ahead {
        /// The service.
        service: String,
        /// The version table.
        table: String,
        /// The first unknown version that contracts.
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
/// When the schema was contracted by a newer release or changed, or a migration fails; what was applied before it
/// stays.
pub async fn migrate(
    owner: &PgPool,
    service: &str,
    migrators: &[&Migrator],
) -> Result<(), SchemaError> {
    for migrator in migrators {
        let table = migrator.table_name.as_ref();
        let known = migrator.iter().map(|m| m.version).collect();
        check_newer(
            &applied(owner, service, table).await?,
            &known,
            service,
            table,
        )?;
        // A newer release's expansions are none of our business.
        let mut ours = Migrator::with_migrations(migrator.iter().cloned().collect());
        ours.dangerous_set_table_name(table.to_owned());
        ours.set_ignore_missing(true);
        ours.run(owner).await.map_err(|error| match error {
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

/// Whether the schema has the migrations that this release carries, and none that takes away what it needs.
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
        let applied = applied(pool, service, table).await?;
        for migration in migrator.iter() {
            match applied.get(&migration.version) {
                Some(found) if found.checksum == migration.checksum.as_ref() => {}
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
        let known = migrator.iter().map(|m| m.version).collect();
        check_newer(&applied, &known, service, table)?;
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

/// Refuses what a newer release took away; what it added is only mentioned.
fn check_newer(
    applied: &BTreeMap<i64, Applied>,
    known: &BTreeSet<i64>,
    service: &str,
    table: &str,
) -> Result<(), SchemaError> {
    for (version, migration) in applied
        .iter()
        .filter(|(version, _)| !known.contains(version))
    {
        if migration.description.starts_with(CONTRACTS) {
            return Err(SchemaError::Ahead {
                service: service.to_owned(),
                table: table.to_owned(),
                version: *version,
            });
        }
        tracing::info!(
            schema = service,
            revision = version,
            "the schema was expanded by a newer release"
        );
    }
    Ok(())
}

/// A migration that was applied.
struct Applied {
    checksum: Vec<u8>,
    description: String,
}

/// Applied migrations by version; none where the version table is missing.
async fn applied(
    pool: &PgPool,
    service: &str,
    table: &str,
) -> Result<BTreeMap<i64, Applied>, SchemaError> {
    let select = format!(
        "-- store::schema::applied
        SELECT version, checksum, description FROM {} WHERE success ORDER BY version",
        quote_identifier(table)
    );
    let rows: Result<Vec<(i64, Vec<u8>, String)>, sqlx::Error> =
        sqlx::query_as(AssertSqlSafe(select)).fetch_all(pool).await;
    match rows {
        Ok(rows) => Ok(rows
            .into_iter()
            .map(|(version, checksum, description)| {
                let applied = Applied {
                    checksum,
                    description,
                };
                (version, applied)
            })
            .collect()),
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
