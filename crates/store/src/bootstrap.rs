//! Makes the database, its roles and its schemas, for `redress up` and the tests. Operators run the
//! same SQL by hand or by their own tools: deploy/postgres/bootstrap.sql.

use redress_model::Fault;
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection};

use crate::SERVICES;
use crate::fault::StoreResultExt as _;

/// Roles, schemas and extensions, as operators run it inside the new database.
pub const BOOTSTRAP_SQL: &str = include_str!("../../../deploy/postgres/bootstrap.sql");

/// Advisory lock under which a cluster is bootstrapped: roles belong to the cluster, so two tests that
/// make their own databases would otherwise trip over each other.
const BOOTSTRAP_LOCK: i64 = 0x7265_6472_6573_7301;

/// What a role may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Owns the schema; migrations only.
    Owner,
    /// Requests and handlers, under row security.
    App,
    /// Finds what is due in all sites.
    Worker,
}

impl Role {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Owner, Self::App, Self::Worker];

    /// The role's name for a service.
    pub fn name(self, service: &str) -> String {
        let kind = match self {
            Self::Owner => "owner",
            Self::App => "app",
            Self::Worker => "worker",
        };
        format!("redress_{service}_{kind}")
    }
}

/// Makes what is missing of the database, its roles and schemas, and gives every role the password
/// that `password` names for it (none: the password stays as it is). `admin` is a superuser
/// connected to any other database. Repeating it is harmless.
///
/// # Errors
/// When Postgres is away or refuses, for want of rights or of an ICU build.
pub async fn bootstrap(
    admin: &PgConnectOptions,
    database: &str,
    password: impl Fn(&str, Role) -> Option<SecretString>,
) -> Result<(), Fault> {
    let mut connection = PgConnection::connect_with(admin).await.or_fault()?;
    sqlx::query("SELECT pg_advisory_lock($1)")
        .bind(BOOTSTRAP_LOCK)
        .execute(&mut connection)
        .await
        .or_fault()?;
    // The lock goes with the connection, whatever happens in between.
    let result = bootstrap_locked(&mut connection, admin, database, password).await;
    connection.close().await.or_fault()?;
    result
}

async fn bootstrap_locked(
    connection: &mut PgConnection,
    admin: &PgConnectOptions,
    database: &str,
    password: impl Fn(&str, Role) -> Option<SecretString>,
) -> Result<(), Fault> {
    let exists: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
            .bind(database)
            .fetch_one(&mut *connection)
            .await
            .or_fault()?;
    if !exists {
        // Letters of all languages count as letters (text search), on every platform alike (ICU).
        let create = format!(
            "CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER icu \
             ICU_LOCALE 'und' LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'",
            quote_identifier(database)
        );
        sqlx::query(AssertSqlSafe(create))
            .execute(&mut *connection)
            .await
            .or_fault()?;
    }
    let mut inside = PgConnection::connect_with(&admin.clone().database(database))
        .await
        .or_fault()?;
    sqlx::raw_sql(BOOTSTRAP_SQL)
        .execute(&mut inside)
        .await
        .or_fault()?;
    inside.close().await.or_fault()?;
    for service in SERVICES {
        for role in Role::ALL {
            if let Some(password) = password(service, role) {
                let alter: String = sqlx::query_scalar(
                    "SELECT format('ALTER ROLE %I PASSWORD %L', $1::text, $2::text)",
                )
                .bind(role.name(service))
                .bind(password.expose_secret())
                .fetch_one(&mut *connection)
                .await
                .or_fault()?;
                sqlx::query(AssertSqlSafe(alter))
                    .execute(&mut *connection)
                    .await
                    .or_fault()?;
            }
        }
    }
    Ok(())
}

/// The URL with which `role` of `service` reaches `database` on the server of `admin`.
pub fn role_url(
    admin: &PgConnectOptions,
    database: &str,
    service: &str,
    role: Role,
    password: Option<&SecretString>,
) -> SecretString {
    let mut options = admin
        .clone()
        .username(&role.name(service))
        .database(database);
    if let Some(password) = password {
        options = options.password(password.expose_secret());
    }
    SecretString::from(options.to_url_lossy().to_string())
}

/// A name as an SQL identifier.
pub(crate) fn quote_identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sql_for_operators_knows_every_service() {
        let list = SERVICES.map(|s| format!("'{s}'")).join(", ");
        assert!(BOOTSTRAP_SQL.contains(&format!("ARRAY[{list}]")));
    }

    #[test]
    fn identifiers_cannot_break_out() {
        assert_eq!(quote_identifier("a\"; DROP"), "\"a\"\"; DROP\"");
    }
}
