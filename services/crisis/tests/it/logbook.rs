//! The log of an incident as a chain: whatever is changed where it is kept is found (I12).

use std::sync::Arc;

use redress_proto::crisis::v1 as wire;
use redress_proto::crisis::v1::aftermath_service_server::AftermathService as _;
use redress_proto::crisis::v1::incident_service_server::IncidentService as _;
use tonic::{Code, Request, Status};

use crate::world::*;

impl World {
    pub(crate) async fn verify(
        &self,
        request: Request<wire::VerifyIncidentsRequest>,
    ) -> Result<wire::VerifyIncidentsResponse, Status> {
        Ok(self.api.verify_incidents(request).await?.into_inner())
    }

    /// Which logs of a site do not stand, and from which entry on.
    pub(crate) async fn broken_logs(&self, site: &str) -> Vec<(String, i64)> {
        let request = as_caller(all_of(site), &[site]);
        let verified = self.verify(request).await.expect("looked at");
        let broken = verified.broken.into_iter();
        broken.map(|b| (b.name, b.first_bad_number)).collect()
    }
}

fn all_of(site: &str) -> wire::VerifyIncidentsRequest {
    wire::VerifyIncidentsRequest {
        parent: format!("sites/{site}"),
        ..Default::default()
    }
}

fn report(incident: &str) -> wire::RecordUpdateRequest {
    wire::RecordUpdateRequest {
        name: incident.to_owned(),
        audience: wire::UpdateAudience::Inside.into(),
        reference: "mail".into(),
        ..Default::default()
    }
}

/// Two incidents of a site; the first one.
async fn two() -> (World, String) {
    let world = World::new().await;
    world
        .take([site_changed("lake"), duty_changed("lake", FULL, 1)])
        .await;
    world
        .take([graded(&case("lake", 1), &cluster("lake", 1), 1, &["G1.5"]).event()])
        .await;
    let incident = world.the_open("lake").await.name;
    // So that its id is the lesser one.
    world.advance(1);
    world
        .take([graded(&case("lake", 2), &cluster("lake", 2), 1, &["G1.5"]).event()])
        .await;
    (world, incident)
}

#[tokio::test]
async fn an_entry_that_was_changed_removed_or_slipped_in_is_named_i12() {
    let (world, incident) = two().await;
    let whole = world.verify(as_caller(all_of("lake"), &["lake"])).await;
    let whole = whole.expect("looked at");
    assert_eq!((whole.incident_count, whole.broken.len()), (2, 0));
    let one = wire::VerifyIncidentsRequest {
        parent: incident.clone(),
        ..Default::default()
    };
    let one = world.verify(as_caller(one, &["lake"])).await;
    let count = one.expect("looked at").entry_count;
    assert!(count > 3 && count < whole.entry_count, "{count}");
    world
        .administer("CREATE TABLE kept AS SELECT * FROM crisis.incident_log")
        .await;
    for (tamper, first) in [
        (
            "UPDATE crisis.incident_log SET actor = 'somebody'
             WHERE number = 2 AND incident = (SELECT min(id::text)::uuid FROM crisis.incident)",
            2,
        ),
        (
            "DELETE FROM crisis.incident_log
             WHERE number = 3 AND incident = (SELECT min(id::text)::uuid FROM crisis.incident)",
            3,
        ),
        (
            "DELETE FROM crisis.incident_log l
             WHERE incident = (SELECT min(id::text)::uuid FROM crisis.incident)
               AND number = (SELECT max(number) FROM crisis.incident_log WHERE incident = l.incident)",
            count,
        ),
        (
            "INSERT INTO crisis.incident_log (site, incident, number, kind, log_time, actor, text, reference)
             SELECT site, incident, max(number) + 1, 'UPDATE', now(), '', 'never said', '' FROM crisis.incident_log
             WHERE incident = (SELECT min(id::text)::uuid FROM crisis.incident) GROUP BY 1, 2",
            count + 1,
        ),
    ] {
        world.administer(tamper).await;
        let found = world.broken_logs("lake").await;
        assert_eq!(found, [(incident.clone(), first)], "{tamper}");
        let request = wire::ExportIncidentRequest {
            name: incident.clone(),
            ..Default::default()
        };
        let export = world
            .aftermath
            .export_incident(as_caller(request, &["lake"]));
        let export = export.await.expect("exported").into_inner();
        let broken = export.broken.expect("the export says so");
        assert_eq!(broken.first_bad_number, first);
        let told = format!("it does not stand as it was written from entry {first} on");
        assert!(export.document.contains(&told), "{}", export.document);
        world
            .administer(
                "DELETE FROM crisis.incident_log;
                 INSERT INTO crisis.incident_log SELECT * FROM kept",
            )
            .await;
        assert!(world.broken_logs("lake").await.is_empty(), "as it was");
    }
    // What goes on goes on over what stands.
    world.report(&incident, wire::UpdateAudience::Inside).await;
    assert!(world.broken_logs("lake").await.is_empty());
}

#[tokio::test]
async fn what_an_older_release_wrote_is_held_from_the_next_entry_on_i12() {
    let (world, incident) = two().await;
    world
        .administer(
            "UPDATE crisis.incident_log SET hash = NULL;
             UPDATE crisis.incident SET log_count = 0, log_hash = ''",
        )
        .await;
    assert!(world.broken_logs("lake").await.is_empty());
    world.report(&incident, wire::UpdateAudience::Inside).await;
    // During a rolling update the older release adds to what is chained already.
    world
        .administer(
            "INSERT INTO crisis.incident_log (site, incident, number, kind, log_time, actor, text, reference)
             SELECT site, incident, max(number) + 1, 'UPDATE', now(), '', 'by an older release', ''
             FROM crisis.incident_log GROUP BY 1, 2",
        )
        .await;
    world.report(&incident, wire::UpdateAudience::Inside).await;
    assert!(world.broken_logs("lake").await.is_empty());
    world
        .administer("UPDATE crisis.incident_log SET text = 'x' WHERE number = 1")
        .await;
    let found = world.broken_logs("lake").await;
    assert_eq!(
        found.len(),
        1,
        "the other one is not chained yet: {found:?}"
    );
    assert_eq!(found[0].0, incident);
}

#[tokio::test]
async fn entries_of_many_at_once_follow_each_other_i12() {
    let (world, incident) = two().await;
    let mut tries = tokio::task::JoinSet::new();
    for _ in 0..12 {
        let api = Arc::clone(&world.api);
        let request = as_caller(report(&incident), &["lake"]);
        tries.spawn(async move { api.record_update(request).await.map(|_| ()) });
    }
    for result in tries.join_all().await {
        result.expect("one after the other");
    }
    assert!(world.broken_logs("lake").await.is_empty());
    let entries = world.incident(&incident).await.log_entries;
    let told = |e: &&wire::LogEntry| e.text == "an inside report was given";
    assert_eq!(entries.iter().filter(told).count(), 12);
}

#[tokio::test]
async fn whoever_is_accused_or_of_another_site_verifies_nothing_of_an_incident_i8() {
    let (world, incident) = two().await;
    world
        .take([complains_about(&case("lake", 1), "negotiator", 2)])
        .await;
    let seen = world.verify(as_staff(all_of("lake"), "lake", "negotiator"));
    assert_eq!(seen.await.expect("the other one").incident_count, 1);
    let one = wire::VerifyIncidentsRequest {
        parent: incident,
        ..Default::default()
    };
    let hidden = world.verify(as_staff(one.clone(), "lake", "negotiator"));
    assert_eq!(hidden.await.expect_err("hidden").code(), Code::NotFound);
    let foreign = world.verify(as_caller(one, &["river"])).await;
    let code = foreign.expect_err("another site").code();
    assert!(matches!(code, Code::NotFound | Code::PermissionDenied));
}
