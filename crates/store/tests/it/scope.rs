//! Row security confines every statement to the transaction's scope (I8).

use redress_model::Fault;
use redress_model::name::{OrganizationId, RegionId, SiteId};
use redress_store::{Operation, Scope, Tx, place_site};

use crate::{database, site, sql};

struct Place(SiteId, OrganizationId, RegionId);

impl Operation for Place {
    const NAME: &'static str = "test.place";
    type Output = ();
    async fn run(&self, tx: &mut Tx) -> Result<(), Fault> {
        place_site(tx, &self.0, &self.1, &self.2).await
    }
}

const COUNT: &str = "SELECT count(*)::text FROM thing";

#[tokio::test]
async fn i8_a_transaction_sees_and_writes_only_its_sites() {
    let t = database().await;
    sql(
        &t.db,
        &site("lake"),
        &["INSERT INTO thing VALUES ('lake', 1) RETURNING 'x'"],
    )
    .await
    .unwrap();
    sql(
        &t.db,
        &site("hill"),
        &["INSERT INTO thing VALUES ('hill', 1) RETURNING 'x'"],
    )
    .await
    .unwrap();
    assert_eq!(sql(&t.db, &site("lake"), &[COUNT]).await.unwrap(), ["1"]);
    assert_eq!(
        sql(&t.db, &Scope::default(), &[COUNT]).await.unwrap(),
        ["0"]
    );
    let changed = sql(
        &t.db,
        &site("lake"),
        &["UPDATE thing SET amount = 1 WHERE site = 'hill' RETURNING 'x'"],
    )
    .await;
    assert!(changed.unwrap().is_empty());
    let written = sql(
        &t.db,
        &site("lake"),
        &["INSERT INTO thing VALUES ('hill', 2) RETURNING 'x'"],
    )
    .await;
    assert_eq!(written.unwrap_err().reason(), "PERMISSION_DENIED");
    let moved = sql(
        &t.db,
        &site("lake"),
        &["UPDATE thing SET site = 'hill', id = 9 RETURNING 'x'"],
    )
    .await;
    assert_eq!(moved.unwrap_err().reason(), "PERMISSION_DENIED");
}

#[tokio::test]
async fn i8_a_scope_ends_with_its_transaction() {
    let t = database().await;
    sql(
        &t.db,
        &site("lake"),
        &["INSERT INTO thing VALUES ('lake', 1) RETURNING 'x'"],
    )
    .await
    .unwrap();
    // Every connection of the pool has served a scope by now.
    for _ in 0..30 {
        assert_eq!(sql(&t.db, &site("lake"), &[COUNT]).await.unwrap(), ["1"]);
        assert_eq!(
            sql(&t.db, &Scope::default(), &[COUNT]).await.unwrap(),
            ["0"]
        );
    }
}

#[tokio::test]
async fn callers_of_an_organization_or_region_get_its_sites_and_no_other() {
    let t = database().await;
    let organization = |id: &str| Scope {
        organizations: vec![id.parse().unwrap()],
        ..Scope::default()
    };
    for (site, org, region) in [
        ("lake", "demo", "north"),
        ("hill", "demo", "south"),
        ("rock", "other", "north"),
    ] {
        let place = Place(
            site.parse().unwrap(),
            org.parse().unwrap(),
            region.parse().unwrap(),
        );
        t.db.run(&organization(org), &place).await.unwrap();
        let insert = format!("INSERT INTO thing VALUES ('{site}', 1) RETURNING 'x'");
        sql(&t.db, &organization(org), &[&insert]).await.unwrap();
    }
    let sites = "SELECT site FROM thing ORDER BY site";
    assert_eq!(
        sql(&t.db, &organization("demo"), &[sites]).await.unwrap(),
        ["hill", "lake"]
    );
    let region = Scope {
        regions: vec!["organizations/demo/regions/north".parse().unwrap()],
        ..Scope::default()
    };
    assert_eq!(sql(&t.db, &region, &[sites]).await.unwrap(), ["lake"]);
    let both = Scope {
        sites: vec!["rock".parse().unwrap()],
        ..region
    };
    assert_eq!(sql(&t.db, &both, &[sites]).await.unwrap(), ["lake", "rock"]);
    assert_eq!(
        sql(&t.db, &organization("nobody"), &[sites]).await.unwrap(),
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn a_place_cannot_be_written_from_outside() {
    let t = database().await;
    let place = "INSERT INTO scope_site VALUES ('rock', 'other', 'north') RETURNING 'x'";
    let demo = Scope {
        organizations: vec!["demo".parse().unwrap()],
        ..Scope::default()
    };
    assert_eq!(
        sql(&t.db, &demo, &[place]).await.unwrap_err().reason(),
        "PERMISSION_DENIED"
    );
}

#[tokio::test]
async fn the_worker_role_reads_no_contents() {
    let t = database().await;
    let error = sqlx::query("SELECT site FROM thing")
        .execute(t.db.worker())
        .await
        .unwrap_err();
    assert_eq!(
        error.as_database_error().unwrap().code().as_deref(),
        Some("42501")
    );
    let error = sqlx::query("SELECT resource FROM receipt")
        .execute(t.db.worker())
        .await
        .unwrap_err();
    assert_eq!(
        error.as_database_error().unwrap().code().as_deref(),
        Some("42501")
    );
}

#[tokio::test]
async fn a_policy_uses_an_index_on_site() {
    let t = database().await;
    sqlx::raw_sql("INSERT INTO intake.thing SELECT 'site-' || i % 500, i FROM generate_series(1, 20000) i; ANALYZE intake.thing")
        .execute(&t.admin)
        .await
        .unwrap();
    let plan = sql(&t.db, &site("site-7"), &["EXPLAIN SELECT id FROM thing"])
        .await
        .unwrap()
        .join("\n");
    assert!(
        plan.contains("Index") && !plan.contains("Seq Scan"),
        "{plan}"
    );
}
