//! A process refuses a schema that it does not understand and says what to do.

use std::time::Duration;

use redress_store::{Database, DatabaseSettings, SchemaError, check_schema, migrate};
use redress_testkit::proxy::{FaultProxy, Mode};
use sqlx::migrate::Migrator;

use crate::database;

static MIGRATORS: [&Migrator; 1] = [&redress_store::MIGRATOR];

async fn check(t: &redress_testkit::TestDatabase) -> Result<(), SchemaError> {
    check_schema(&t.db_app(), "intake", &MIGRATORS).await
}

trait AppPool {
    fn db_app(&self) -> sqlx::PgPool;
}

impl AppPool for redress_testkit::TestDatabase {
    fn db_app(&self) -> sqlx::PgPool {
        use secrecy::ExposeSecret as _;
        sqlx::PgPool::connect_lazy(self.settings("intake").app_url.expose_secret()).unwrap()
    }
}

async fn change(t: &redress_testkit::TestDatabase, statement: &'static str) {
    sqlx::query(statement).execute(&t.owner).await.unwrap();
}

#[tokio::test]
async fn the_right_schema_is_accepted_and_migrating_again_changes_nothing() {
    let t = database().await;
    check(&t).await.unwrap();
    migrate(&t.owner, "intake", &MIGRATORS).await.unwrap();
    check(&t).await.unwrap();
}

#[tokio::test]
async fn a_schema_that_is_behind_asks_for_migrate() {
    let t = database().await;
    change(&t, "DELETE FROM _store_migrations WHERE version = 2").await;
    let error = check(&t).await.unwrap_err();
    assert!(matches!(error, SchemaError::Behind { count: 1, .. }));
    assert!(
        error.to_string().contains("run `redress-intake migrate`"),
        "{error}"
    );
}

#[tokio::test]
async fn a_schema_that_was_never_migrated_asks_for_migrate() {
    let t = database().await;
    change(&t, "DROP TABLE _store_migrations").await;
    assert!(matches!(
        check(&t).await.unwrap_err(),
        SchemaError::Behind { count: 2, .. }
    ));
}

#[tokio::test]
async fn a_release_goes_back_on_a_schema_that_a_newer_one_expanded() {
    let t = database().await;
    change(
        &t,
        "INSERT INTO _store_migrations VALUES (998, 'more columns', now(), true, '', 0)",
    )
    .await;
    check(&t).await.expect("it understands all that it needs");
    migrate(&t.owner, "intake", &MIGRATORS)
        .await
        .expect("nothing is missing, nothing is in the way");
}

#[tokio::test]
async fn a_schema_that_a_newer_release_contracted_is_refused_by_serve_and_migrate() {
    let t = database().await;
    change(
        &t,
        "INSERT INTO _store_migrations VALUES (998, 'more columns', now(), true, '', 0),
                                             (999, 'contract old names', now(), true, '', 0)",
    )
    .await;
    let error = check(&t).await.unwrap_err();
    assert!(
        matches!(error, SchemaError::Ahead { version: 999, .. }),
        "{error}"
    );
    assert!(error.to_string().contains("newer release"));
    let error = migrate(&t.owner, "intake", &MIGRATORS).await.unwrap_err();
    assert!(
        matches!(error, SchemaError::Ahead { version: 999, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn a_changed_migration_is_refused() {
    let t = database().await;
    change(
        &t,
        "UPDATE _store_migrations SET checksum = 'x' WHERE version = 1",
    )
    .await;
    assert!(matches!(
        check(&t).await.unwrap_err(),
        SchemaError::Changed { version: 1, .. }
    ));
}

#[tokio::test]
async fn a_process_starts_before_its_database_and_waits() {
    let t = database().await;
    let options = t.admin_options();
    let server = std::net::SocketAddr::new(options.get_host().parse().unwrap(), options.get_port());
    let proxy = FaultProxy::start(server).await;
    proxy.set(Mode::Refuse);
    let through = |url: &secrecy::SecretString| {
        use secrecy::ExposeSecret as _;
        let options: sqlx::postgres::PgConnectOptions = url.expose_secret().parse().unwrap();
        use sqlx::ConnectOptions as _;
        let address = proxy.address();
        secrecy::SecretString::from(
            options
                .host(&address.ip().to_string())
                .port(address.port())
                .to_url_lossy()
                .to_string(),
        )
    };
    let direct = t.settings("intake");
    let settings = DatabaseSettings {
        app_url: through(&direct.app_url),
        worker_url: through(&direct.worker_url),
        ..direct
    };
    let connecting = tokio::spawn(async move {
        let meter = opentelemetry::global::meter("test");
        Database::connect(&settings, "intake", &MIGRATORS, &meter)
            .await
            .unwrap()
    });
    assert!(
        tokio::time::timeout(Duration::from_millis(700), async {
            while !connecting.is_finished() {
                tokio::task::yield_now().await
            }
        })
        .await
        .is_err()
    );
    proxy.set(Mode::Forward);
    let db = tokio::time::timeout(Duration::from_secs(20), connecting)
        .await
        .unwrap()
        .unwrap();
    assert!(db.is_reachable().await);
}

#[tokio::test]
async fn a_process_starts_before_its_migration_and_waits_for_as_long_as_it_may() {
    let t = database().await;
    change(&t, "DELETE FROM _store_migrations WHERE version = 2").await;
    let connect = async |seconds| {
        let settings = DatabaseSettings {
            schema_wait_seconds: seconds,
            ..t.settings("intake")
        };
        let meter = opentelemetry::global::meter("test");
        Database::connect(&settings, "intake", &MIGRATORS, &meter).await
    };
    let at_once = connect(0).await.unwrap_err();
    assert!(at_once.to_string().contains("lacks"), "{at_once}");
    let too_long = connect(1).await.unwrap_err();
    assert!(too_long.to_string().contains("lacks"), "{too_long}");
    let migrated = async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        // As `migrate` does: what it says about its second migration is all that it has to say here.
        sqlx::query(
            "INSERT INTO _store_migrations (version, description, success, checksum, execution_time)
             VALUES (2, $1, true, $2, 0)",
        )
        .bind(&*redress_store::MIGRATOR.iter().nth(1).unwrap().description)
        .bind(&*redress_store::MIGRATOR.iter().nth(1).unwrap().checksum)
        .execute(&t.owner)
        .await
        .unwrap();
    };
    let (connected, ()) = tokio::join!(connect(60), migrated);
    assert!(connected.unwrap().is_reachable().await);
}
