//! The store against a real Postgres.
#![allow(clippy::unwrap_used)]

mod bootstrap;
mod keyring;
mod receipts;
mod schema;
mod scope;
mod transactions;

use redress_store::{Database, Operation, Scope, Tx};
use redress_testkit::TestDatabase;

/// A fresh database with this crate's tables and a table of things at sites.
async fn database() -> TestDatabase {
    let database = redress_testkit::database("intake", &[&redress_store::MIGRATOR]).await;
    sqlx::raw_sql(
        "CREATE TABLE thing (site text NOT NULL, id int NOT NULL, amount int NOT NULL DEFAULT 0,
            CONSTRAINT thing_key PRIMARY KEY (site, id), CONSTRAINT thing_amount CHECK (amount >= 0));
         ALTER TABLE thing ENABLE ROW LEVEL SECURITY;
         ALTER TABLE thing FORCE ROW LEVEL SECURITY;
         GRANT SELECT, INSERT, UPDATE, DELETE ON thing TO redress_intake_app;
         CREATE POLICY app ON thing TO redress_intake_app USING (redress_in_scope(site));
         CREATE TABLE secret (id int)",
    )
    .execute(&database.owner)
    .await
    .unwrap();
    database
}

fn site(id: &str) -> Scope {
    Scope::site(id.parse().unwrap())
}

/// Runs statements in one transaction of a scope and returns the rows of the last as text.
async fn sql(
    db: &Database,
    scope: &Scope,
    statements: &[&str],
) -> Result<Vec<String>, redress_model::Fault> {
    struct Sql(Vec<String>);
    impl Operation for Sql {
        const NAME: &'static str = "test.sql";
        type Output = Vec<String>;
        async fn run(&self, tx: &mut Tx) -> Result<Vec<String>, redress_model::Fault> {
            let mut rows = Vec::new();
            for statement in &self.0 {
                rows = sqlx::query_scalar(sqlx::AssertSqlSafe(statement.clone()))
                    .fetch_all(&mut **tx)
                    .await
                    .map_err(redress_store::fault)?;
            }
            Ok(rows)
        }
    }
    db.run(
        scope,
        &Sql(statements.iter().map(|s| (*s).to_owned()).collect()),
    )
    .await
}
