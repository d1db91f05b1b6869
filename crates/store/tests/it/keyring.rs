//! The keys that seal personal data: made once, wrapped anew, opened by whoever holds the key file.

use std::sync::Arc;

use futures::future::join_all;
use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_store::{Keyring, Operation, Tx};
use redress_testkit::TestDatabase;
use redress_vault::{Place, Vault, generate_key_file};
use secrecy::ExposeSecret as _;
use uuid::Uuid;

use crate::{database, site, sql};

fn lake() -> SiteId {
    "lake".parse().unwrap()
}

fn place() -> Place<'static> {
    Place {
        table: "thing",
        row: Uuid::from_u128(1),
        field: "owner",
    }
}

/// A process that starts with this key file.
fn process(key_file: &str) -> Keyring {
    Keyring::new(Arc::new(Vault::parse(key_file).unwrap()), "key_id")
}

struct Seal<'a>(&'a Keyring, &'a str);

impl Operation for Seal<'_> {
    const NAME: &'static str = "test.seal";
    type Output = Vec<u8>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<u8>, Fault> {
        let Self(keyring, text) = self;
        let now = Timestamp::now();
        keyring
            .seal(tx, &lake(), &place(), text.as_bytes(), now)
            .await
    }
}

struct Open<'a>(&'a Keyring, &'a [u8]);

impl Operation for Open<'_> {
    const NAME: &'static str = "test.open";
    type Output = String;

    async fn run(&self, tx: &mut Tx) -> Result<String, Fault> {
        let Self(keyring, sealed) = self;
        let plain = keyring.open(tx, &lake(), &place(), sealed).await?;
        Ok(String::from_utf8(plain.to_vec()).unwrap())
    }
}

async fn seal(t: &TestDatabase, keyring: &Keyring, text: &str) -> Result<Vec<u8>, Fault> {
    t.db.run(&site("lake"), &Seal(keyring, text)).await
}

async fn open(t: &TestDatabase, keyring: &Keyring, sealed: &[u8]) -> Result<String, Fault> {
    t.db.read(&site("lake"), &Open(keyring, sealed)).await
}

/// What wraps the keys that are there.
async fn wrapped_by(t: &TestDatabase) -> Vec<String> {
    let select = "SELECT kek_id FROM data_key ORDER BY kek_id";
    sql(&t.db, &site("lake"), &[select]).await.unwrap()
}

/// A database with keys.
async fn keys() -> TestDatabase {
    let t = database().await;
    sqlx::raw_sql(
        "CREATE TABLE data_key (site text NOT NULL, key_id uuid NOT NULL, kek_id text NOT NULL, wrapped bytea NOT NULL,
            create_time timestamptz NOT NULL, CONSTRAINT data_key_key PRIMARY KEY (site, key_id));
         ALTER TABLE data_key ENABLE ROW LEVEL SECURITY;
         ALTER TABLE data_key FORCE ROW LEVEL SECURITY;
         GRANT SELECT, INSERT ON data_key TO redress_intake_app;
         GRANT UPDATE (kek_id, wrapped) ON data_key TO redress_intake_app;
         CREATE POLICY app ON data_key TO redress_intake_app USING (redress_in_scope(site))",
    )
    .execute(&t.owner)
    .await
    .unwrap();
    t
}

#[tokio::test]
async fn the_first_seal_makes_the_key_and_every_process_opens_what_it_sealed() {
    let t = keys().await;
    let file = generate_key_file("k1");
    let keyring = process(file.expose_secret());
    let sealed = seal(&t, &keyring, "Li Wei").await.unwrap();
    let again = seal(&t, &keyring, "Li Wei").await.unwrap();
    assert_ne!(sealed, again);
    assert_eq!(wrapped_by(&t).await, ["k1"]);
    for reader in [&keyring, &process(file.expose_secret())] {
        assert_eq!(open(&t, reader, &sealed).await.unwrap(), "Li Wei");
        assert_eq!(open(&t, reader, &again).await.unwrap(), "Li Wei");
    }
    let stranger = process(generate_key_file("k1").expose_secret());
    let fault = open(&t, &stranger, &sealed).await.unwrap_err();
    assert_eq!(fault.reason(), "INTERNAL");
}

#[tokio::test]
async fn first_seals_at_once_all_open_and_make_one_key_where_one_may_be_in_force() {
    for one_in_force in [false, true] {
        let t = keys().await;
        if one_in_force {
            sqlx::query("CREATE UNIQUE INDEX data_key_active ON data_key (site)")
                .execute(&t.owner)
                .await
                .unwrap();
        }
        let file = generate_key_file("k1");
        let replicas: Vec<Keyring> = (0..10).map(|_| process(file.expose_secret())).collect();
        let sealed = join_all(replicas.iter().map(|k| seal(&t, k, "Li Wei"))).await;
        let reader = process(file.expose_secret());
        for sealed in sealed {
            let text = open(&t, &reader, &sealed.unwrap()).await.unwrap();
            assert_eq!(text, "Li Wei");
        }
        let made = wrapped_by(&t).await.len();
        assert!(made == 1 || !one_in_force, "{made} keys");
    }
}

#[tokio::test]
async fn a_new_key_encryption_key_takes_over_with_the_next_seal() {
    let t = keys().await;
    let (old_file, new_file) = (generate_key_file("k1"), generate_key_file("k2"));
    let old = process(old_file.expose_secret());
    let before = seal(&t, &old, "Li Wei").await.unwrap();
    assert_eq!(open(&t, &old, &before).await.unwrap(), "Li Wei");

    let new_line = new_file
        .expose_secret()
        .lines()
        .find(|line| line.starts_with("kek "))
        .unwrap();
    let both = process(&format!("{}\n{new_line}\n", old_file.expose_secret()));
    assert_eq!(open(&t, &both, &before).await.unwrap(), "Li Wei");
    assert_eq!(wrapped_by(&t).await, ["k1"], "reading changes nothing");
    let after = seal(&t, &both, "Wang Fang").await.unwrap();
    assert_eq!(wrapped_by(&t).await, ["k2"]);

    let only_new = process(new_file.expose_secret());
    assert_eq!(open(&t, &only_new, &before).await.unwrap(), "Li Wei");
    assert_eq!(open(&t, &only_new, &after).await.unwrap(), "Wang Fang");

    // A replica that was not restarted yet goes on with what it remembers, and one that starts with the old file fails.
    let meanwhile = seal(&t, &old, "Zhao Min").await.unwrap();
    assert_eq!(wrapped_by(&t).await, ["k2"]);
    assert_eq!(open(&t, &only_new, &meanwhile).await.unwrap(), "Zhao Min");
    let late = process(old_file.expose_secret());
    let fault = seal(&t, &late, "Zhao Min").await.unwrap_err();
    assert_eq!(fault.reason(), "INTERNAL");
}
