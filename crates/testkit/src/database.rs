//! A database for each test, copied from a template that was migrated once.
//!
//! Cost: the first database of a set of schemas in a process runs the migrations (about a second); each further one is
//! a copy (about 50 ms).

use std::collections::HashMap;
use std::sync::Arc;

use redress_store::{Database, DatabaseSettings, Role, bootstrap, migrate, role_url};
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use tokio::sync::{Mutex, OnceCell};

use crate::postgres::{Postgres, postgres};

const MAX_CONNECTIONS: u32 = 10;
const MAX_WORKER_CONNECTIONS: u32 = 6;
/// Templates of a shared server are made by one process at a time.
const TEMPLATE_LOCK: i64 = 0x7265_6472_6573_7302;

/// A service's schema and the migrations that make it, in order.
pub type Schema<'a> = (&'static str, &'a [&'static Migrator]);

/// A database of one test. Dropped with it.
#[derive(Debug)]
pub struct TestDatabase {
    /// The database as the first of its services sees it.
    pub db: Database,
    /// The first service's schema as its owner sees it: may change tables, and sees no row that row security hides.
    pub owner: PgPool,
    /// Everything, as the superuser sees it, past all row security. Name the schema: `triage.clock`.
    pub admin: PgPool,
    name: String,
    server: &'static Postgres,
}

/// A fresh database with the schema of one service.
///
/// # Panics
/// When Postgres cannot be started or a migration fails.
pub async fn database(service: &'static str, migrators: &[&'static Migrator]) -> TestDatabase {
    database_of(&[(service, migrators)]).await
}

/// A fresh database with the schemas of several services, for tests across services.
///
/// # Panics
/// When `schemas` is empty, Postgres cannot be started or a migration fails.
pub async fn database_of(schemas: &[Schema<'_>]) -> TestDatabase {
    let server = postgres().await;
    let template = template(server, schemas).await;
    let name = format!("redress_test_{}", uuid::Uuid::new_v4().simple());
    let mut admin = PgConnection::connect_with(&server.admin())
        .await
        .expect("postgres answers");
    execute(
        &mut admin,
        format!("CREATE DATABASE {name} TEMPLATE {template}"),
    )
    .await;
    // A copy does not take the template's grants along.
    execute(
        &mut admin,
        format!("REVOKE ALL ON DATABASE {name} FROM PUBLIC"),
    )
    .await;
    for (service, _) in schemas {
        for role in Role::ALL {
            execute(
                &mut admin,
                format!("GRANT CONNECT ON DATABASE {name} TO {}", role.name(service)),
            )
            .await;
        }
    }
    admin.close().await.expect("closes");
    let service = schemas
        .first()
        .expect("a test database has at least one schema")
        .0;
    let pool = |options: PgConnectOptions| {
        PgPoolOptions::new()
            .max_connections(4)
            .connect_lazy_with(options)
    };
    let owner = parse(&role_url_of(server, &name, service, Role::Owner));
    TestDatabase {
        db: connect(server, &name, service),
        owner: pool(owner),
        admin: pool(server.admin().database(&name)),
        name,
        server,
    }
}

impl TestDatabase {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A further handle for one of its services, with pools of its own: another replica.
    pub fn connect(&self, service: &'static str) -> Database {
        connect(self.server, &self.name, service)
    }

    /// What a service's configuration says about this database.
    pub fn settings(&self, service: &str) -> DatabaseSettings {
        settings(self.server, &self.name, service)
    }

    /// How a role reaches it.
    pub fn url(&self, service: &str, role: Role) -> SecretString {
        role_url_of(self.server, &self.name, service, role)
    }

    /// How the superuser reaches it.
    pub fn admin_options(&self) -> PgConnectOptions {
        self.server.admin().database(&self.name)
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (options, name) = (self.server.admin(), std::mem::take(&mut self.name));
        let tidy = move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let Ok(runtime) = runtime else { return };
            runtime.block_on(async {
                if let Ok(mut admin) = PgConnection::connect_with(&options).await {
                    let drop = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
                    // A leftover database harms nobody.
                    let _ = sqlx::query(AssertSqlSafe(drop)).execute(&mut admin).await;
                }
            });
        };
        // The test's own runtime may be ending, so the work goes to a thread. Only a server that outlives us is worth
        // waiting for.
        let thread = std::thread::spawn(tidy);
        if !self.server.is_private() {
            let _ = thread.join();
        }
    }
}

fn connect(server: &Postgres, database: &str, service: &'static str) -> Database {
    let settings = settings(server, database, service);
    let pool = |url: &SecretString, size| {
        PgPoolOptions::new()
            .max_connections(size)
            .connect_lazy_with(parse(url).application_name(&format!("redress-{service}")))
    };
    Database::from_pools(
        pool(&settings.app_url, settings.max_connections),
        pool(&settings.worker_url, settings.max_worker_connections),
        service,
        &opentelemetry::global::meter("redress-test"),
    )
}

fn settings(server: &Postgres, database: &str, service: &str) -> DatabaseSettings {
    DatabaseSettings {
        app_url: role_url_of(server, database, service, Role::App),
        worker_url: role_url_of(server, database, service, Role::Worker),
        owner_url: Some(role_url_of(server, database, service, Role::Owner)),
        max_connections: MAX_CONNECTIONS,
        max_worker_connections: MAX_WORKER_CONNECTIONS,
        schema_wait_seconds: 0,
    }
}

fn role_url_of(server: &Postgres, database: &str, service: &str, role: Role) -> SecretString {
    let password = SecretString::from(server.password(&role.name(service)));
    role_url(&server.admin(), database, service, role, Some(&password))
}

fn parse(url: &SecretString) -> PgConnectOptions {
    use secrecy::ExposeSecret;
    url.expose_secret()
        .parse()
        .expect("role_url makes a URL of Postgres")
}

/// The template for these schemas, made when there is none with exactly these migrations.
async fn template(server: &'static Postgres, schemas: &[Schema<'_>]) -> String {
    static TEMPLATES: Mutex<Option<HashMap<String, Arc<OnceCell<()>>>>> = Mutex::const_new(None);
    let mut digest = Sha256::new();
    for (service, migrators) in schemas {
        digest.update(service.as_bytes());
        for migration in migrators.iter().flat_map(|migrator| migrator.iter()) {
            digest.update(&migration.checksum);
        }
    }
    let name = format!("redress_template_{}", hex::encode(&digest.finalize()[..12]));
    let made = {
        let mut templates = TEMPLATES.lock().await;
        templates
            .get_or_insert_with(HashMap::new)
            .entry(name.clone())
            .or_default()
            .clone()
    };
    made.get_or_init(|| make_template(server, &name, schemas))
        .await;
    name
}

async fn make_template(server: &'static Postgres, name: &str, schemas: &[Schema<'_>]) {
    let mut admin = PgConnection::connect_with(&server.admin())
        .await
        .expect("postgres answers");
    // Released with the connection. Other processes that share the server wait here.
    sqlx::query("SELECT pg_advisory_lock($1)")
        .bind(TEMPLATE_LOCK)
        .execute(&mut admin)
        .await
        .expect("locks");
    let exists: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
            .bind(name)
            .fetch_one(&mut admin)
            .await
            .expect("postgres answers");
    if exists {
        return;
    }
    let draft = format!("{name}_draft");
    execute(
        &mut admin,
        format!("DROP DATABASE IF EXISTS {draft} WITH (FORCE)"),
    )
    .await;
    let password =
        |service: &str, role: Role| Some(SecretString::from(server.password(&role.name(service))));
    bootstrap(&server.admin(), &draft, password)
        .await
        .expect("the database, roles and schemas are made");
    for (service, migrators) in schemas {
        let url = role_url_of(server, &draft, service, Role::Owner);
        let owner = PgPoolOptions::new()
            .max_connections(1)
            .connect_lazy_with(parse(&url));
        migrate(&owner, service, migrators)
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        owner.close().await;
    }
    // A finished template has its final name; one that failed half way never has.
    execute(
        &mut admin,
        format!("ALTER DATABASE {draft} RENAME TO {name}"),
    )
    .await;
}

async fn execute(connection: &mut PgConnection, statement: String) {
    // Every name in these statements is made here, from hexadecimal digits and constants.
    sqlx::query(AssertSqlSafe(statement.clone()))
        .execute(connection)
        .await
        .unwrap_or_else(|error| panic!("{statement}: {error}"));
}
