//! The bootstrap that `redress up`, tests and operators share.

use redress_store::{Role, SERVICES, bootstrap};

use crate::database;

#[tokio::test]
async fn bootstrapping_again_and_at_the_same_time_is_harmless() {
    let t = database().await;
    let options = t.admin_options();
    let again = (0..4).map(|_| bootstrap(&options, t.name(), |_, _| None));
    for result in futures::future::join_all(again).await {
        result.unwrap();
    }
}

#[tokio::test]
async fn no_role_of_a_service_passes_row_security_or_reaches_another_schema() {
    let t = database().await;
    for service in SERVICES {
        for role in Role::ALL {
            let name = role.name(service);
            let (can_bypass, superuser): (bool, bool) =
                sqlx::query_as("SELECT rolbypassrls, rolsuper FROM pg_roles WHERE rolname = $1")
                    .bind(&name)
                    .fetch_one(&t.admin)
                    .await
                    .unwrap();
            assert!(!can_bypass && !superuser, "{name}");
            for schema in SERVICES {
                let usage: bool =
                    sqlx::query_scalar("SELECT has_schema_privilege($1, $2, 'USAGE')")
                        .bind(&name)
                        .bind(schema)
                        .fetch_one(&t.admin)
                        .await
                        .unwrap();
                assert_eq!(usage, schema == service, "{name} in {schema}");
            }
        }
    }
}

#[tokio::test]
async fn chinese_letters_count_as_letters() {
    let t = database().await;
    let trigrams: Vec<String> = sqlx::query_scalar("SELECT extensions.show_trgm('漏水')")
        .fetch_one(&t.admin)
        .await
        .unwrap();
    assert!(trigrams.len() > 1, "{trigrams:?}");
}

#[tokio::test]
async fn every_table_with_a_site_is_under_forced_row_security() {
    let t = redress_testkit::database("intake", &[&redress_store::MIGRATOR]).await;
    let open: Vec<String> = sqlx::query_scalar(
        "SELECT c.relname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'site'
         WHERE c.relnamespace = 'intake'::regnamespace AND c.relkind IN ('r', 'p')
           AND NOT (c.relrowsecurity AND c.relforcerowsecurity)",
    )
    .fetch_all(&t.admin)
    .await
    .unwrap();
    assert!(open.is_empty(), "{open:?}");
}
