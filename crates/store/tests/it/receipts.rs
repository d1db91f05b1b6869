//! The same request_id gives the same result once (I2).

use std::sync::atomic::{AtomicU32, Ordering};

use jiff::{SignedDuration, Timestamp};
use redress_model::Fault;
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, StoreResultExt as _, Tx};

use crate::{database, site, sql};

fn key(request_id: &str, fingerprint: u8) -> ReceiptKey {
    ReceiptKey {
        caller: "issuer|li".to_owned(),
        method: "redress.intake.v1.CaseService/CreateCase",
        request_id: request_id.to_owned(),
        site: "lake".to_owned(),
        fingerprint: vec![fingerprint; 32],
    }
}

/// Makes a thing once for each request_id.
struct Create {
    key: ReceiptKey,
    fails: AtomicU32,
}

impl Operation for Create {
    const NAME: &'static str = "test.create";
    type Output = String;

    async fn run(&self, tx: &mut Tx) -> Result<String, Fault> {
        if let Claim::Seen { resource, .. } =
            receipt::claim(tx, &self.key, Timestamp::now()).await?
        {
            return Ok(resource);
        }
        let id: i32 = sqlx::query_scalar(
            "INSERT INTO thing SELECT 'lake', 1 + coalesce(max(id), 0) FROM thing RETURNING id",
        )
        .fetch_one(&mut **tx)
        .await
        .or_fault()?;
        let resource = format!("things/{id}");
        receipt::complete(tx, &self.key, &resource, "r1").await?;
        if self
            .fails
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1))
            .is_ok()
        {
            return Err(Fault::Deadline);
        }
        Ok(resource)
    }
}

fn create(request_id: &str, fingerprint: u8) -> Create {
    Create {
        key: key(request_id, fingerprint),
        fails: AtomicU32::new(0),
    }
}

#[tokio::test]
async fn i2_thirty_concurrent_retries_make_one_thing_and_get_one_answer() {
    let t = database().await;
    let scope = site("lake");
    let create = create("a", 1);
    let answers = futures::future::join_all((0..30).map(|_| t.db.run(&scope, &create))).await;
    for answer in answers {
        assert_eq!(answer.unwrap(), "things/1");
    }
    assert_eq!(
        sql(&t.db, &scope, &["SELECT count(*)::text FROM thing"])
            .await
            .unwrap(),
        ["1"]
    );
}

#[tokio::test]
async fn i2_another_body_under_the_same_id_is_refused() {
    let t = database().await;
    t.db.run(&site("lake"), &create("a", 1)).await.unwrap();
    let fault = t.db.run(&site("lake"), &create("a", 2)).await.unwrap_err();
    assert_eq!(fault.reason(), "REQUEST_ID_REUSED");
}

#[tokio::test]
async fn i2_a_request_that_failed_leaves_no_receipt() {
    let t = database().await;
    let create = Create {
        key: key("a", 1),
        fails: AtomicU32::new(1),
    };
    t.db.run(&site("lake"), &create).await.unwrap_err();
    assert_eq!(t.db.run(&site("lake"), &create).await.unwrap(), "things/1");
}

#[tokio::test]
async fn requests_without_an_id_are_each_new() {
    let t = database().await;
    assert_eq!(
        t.db.run(&site("lake"), &create("", 1)).await.unwrap(),
        "things/1"
    );
    assert_eq!(
        t.db.run(&site("lake"), &create("", 1)).await.unwrap(),
        "things/2"
    );
}

#[tokio::test]
async fn receipts_are_deleted_when_their_time_is_over() {
    let t = database().await;
    t.db.run(&site("lake"), &create("a", 1)).await.unwrap();
    let later = |hours| Timestamp::now() + SignedDuration::from_hours(hours);
    assert_eq!(receipt::purge(&t.db, later(7 * 24 - 1)).await.unwrap(), 0);
    assert_eq!(receipt::purge(&t.db, later(7 * 24 + 1)).await.unwrap(), 1);
    assert_eq!(
        t.db.run(&site("lake"), &create("a", 1)).await.unwrap(),
        "things/2"
    );
}
