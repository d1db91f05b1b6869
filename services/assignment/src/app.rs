//! The one place that knows everyone: which events come in and go out, what is served, what runs in the background.

use std::sync::Arc;

use opentelemetry::metrics::Meter;
use redress_events::{EventAdminServer, Inbox, InboxServer, Relay, Subscriptions, share_wakes};
use redress_model::time::SharedClock;
use redress_proto::assignment::v1::agency_service_server::AgencyServiceServer;
use redress_proto::assignment::v1::contractor_service_server::ContractorServiceServer;
use redress_proto::assignment::v1::dispute_service_server::DisputeServiceServer;
use redress_proto::assignment::v1::handling_service_server::HandlingServiceServer;
use redress_proto::assignment::v1::ledger_service_server::LedgerServiceServer;
use redress_proto::assignment::v1::library_service_server::LibraryServiceServer;
use redress_proto::assignment::v1::power_service_server::PowerServiceServer;
use redress_proto::assignment::v1::promise_service_server::PromiseServiceServer;
use redress_proto::assignment::v1::register_service_server::RegisterServiceServer;
use redress_proto::assignment::v1::report_service_server::ReportServiceServer;
use redress_proto::assignment::v1::roster_plan_service_server::RosterPlanServiceServer;
use redress_proto::assignment::v1::roster_service_server::RosterServiceServer;
use redress_proto::assignment::v1::settlement_service_server::SettlementServiceServer;
use redress_proto::assignment::v1::solution_service_server::SolutionServiceServer;
use redress_proto::assignment::v1::staffing_service_server::StaffingServiceServer;
use redress_proto::assignment::v1::transfer_service_server::TransferServiceServer;
use redress_proto::assignment::v1::validity_service_server::ValidityServiceServer;
use redress_proto::assignment::v1::warranty_service_server::WarrantyServiceServer;
use redress_proto::assignment::v1::work_service_server::WorkServiceServer;
use redress_proto::event::v1::event_admin_service_server::EventAdminServiceServer;
use redress_proto::event::v1::inbox_service_server::InboxServiceServer;
use redress_runtime::{App, BoxError, Context, NoSettings};
use redress_store::{Database, Keyring};

use crate::jobs::case_facts::{OnCaseReceived, OnCaseUpdated};
use crate::jobs::case_graded::OnCaseGraded;
use crate::jobs::case_moved::OnCaseMoved;
use crate::jobs::clock_changed::OnClockChanged;
use crate::jobs::evidence_added::OnEvidenceAdded;
use crate::jobs::exposure_assessed::OnExposureAssessed;
use crate::jobs::message_changed::OnMessageChanged;
use crate::jobs::policy_changed::OnPolicyChanged;
use crate::jobs::site_changed::OnSiteChanged;
use crate::jobs::survey_answered::OnSurveyAnswered;
use crate::jobs::wording_changed::OnWordingChanged;
use crate::jobs::{
    count_cases, end_loans, expire_handovers, purge_receipts, reassess_solutions, remind_actions,
    retell_duties, settle_leaves, tell_late_entries, tell_summonses, tell_what_stood,
};
use crate::rpc::{
    AgencyRpc, ContractorRpc, DisputeRpc, HandlingRpc, LedgerRpc, LibraryRpc, PowerRpc, PromiseRpc,
    RegisterRpc, ReportRpc, RosterPlanRpc, RosterRpc, SettlementRpc, Shared, SolutionRpc,
    StaffingRpc, TransferRpc, ValidityRpc, WarrantyRpc, WorkRpc,
};

/// Who wants to hear what assignment says.
fn subscriptions() -> Subscriptions {
    Subscriptions::new(&[
        (
            "redress.case.moved.v1",
            &["intake", "triage", "notification", "crisis"],
        ),
        (
            "redress.contact.recorded.v1",
            &["intake", "triage", "crisis"],
        ),
        ("redress.reopening.asked.v1", &["intake"]),
        (
            "redress.owner.changed.v1",
            &["intake", "triage", "notification"],
        ),
        (
            "redress.staff.changed.v1",
            &["notification", "crisis", "triage", "intake"],
        ),
        (
            "redress.duty.changed.v1",
            &["triage", "crisis", "intake", "notification"],
        ),
        ("redress.demand.changed.v1", &["triage"]),
        ("redress.dispute.begun.v1", &["triage"]),
        ("redress.work.summoned.v1", &["notification"]),
        ("redress.work.noticed.v1", &["notification"]),
        ("redress.solution.changed.v1", &["notification"]),
        ("redress.appeal.decided.v1", &["notification"]),
        ("redress.part.changed.v1", &["notification"]),
    ])
}

/// What assignment does about the events of others.
pub fn inbox(db: Database, clock: SharedClock, meter: &Meter) -> Inbox {
    Inbox::new(db, meter)
        .on("redress.site.changed.v1", OnSiteChanged)
        .on("redress.policy.changed.v1", OnPolicyChanged)
        .on("redress.case.received.v1", OnCaseReceived(clock.clone()))
        .on("redress.case.updated.v1", OnCaseUpdated(clock.clone()))
        .on("redress.case.graded.v1", OnCaseGraded(clock.clone()))
        .on("redress.case.moved.v1", OnCaseMoved(clock.clone()))
        .keep(&["redress.clock.changed.v1"], OnClockChanged(clock.clone()))
        .on(
            "redress.exposure.assessed.v1",
            OnExposureAssessed(clock.clone()),
        )
        .on("redress.survey.answered.v1", OnSurveyAnswered(clock))
        .on("redress.message.changed.v1", OnMessageChanged)
        .on("redress.evidence.added.v1", OnEvidenceAdded)
        .on("redress.wording.changed.v1", OnWordingChanged)
}

/// Wires the service together.
pub(crate) fn build(context: Context<NoSettings>) -> Result<App, BoxError> {
    let Context {
        common,
        db,
        clock,
        vault,
        fingerprints,
        peers,
        meter,
        ..
    } = context;
    let shared = Shared {
        db: db.clone(),
        clock: clock.clone(),
        keyring: Arc::new(Keyring::new(vault, "id")),
        fingerprints,
    };
    let inbox = Arc::new(inbox(db.clone(), clock.clone(), &meter));

    let relay = Relay::to_peers(db.clone(), subscriptions(), &peers, &meter)?;

    let sweeper = Arc::clone(&inbox);
    let mut app = App::new()
        .serve(RosterServiceServer::new(RosterRpc(shared.clone())))
        .serve(RosterPlanServiceServer::new(RosterPlanRpc(shared.clone())))
        .serve(WarrantyServiceServer::new(WarrantyRpc(shared.clone())))
        .serve(ContractorServiceServer::new(ContractorRpc(shared.clone())))
        .serve(TransferServiceServer::new(TransferRpc(shared.clone())))
        .serve(DisputeServiceServer::new(DisputeRpc(shared.clone())))
        .serve(SettlementServiceServer::new(SettlementRpc(shared.clone())))
        .serve(LibraryServiceServer::new(LibraryRpc(shared.clone())))
        .serve(RegisterServiceServer::new(RegisterRpc(shared.clone())))
        .serve(StaffingServiceServer::new(StaffingRpc(shared.clone())))
        .serve(WorkServiceServer::new(WorkRpc(shared.clone())))
        .serve(ReportServiceServer::new(ReportRpc(shared.clone())))
        .serve(PromiseServiceServer::new(PromiseRpc(shared.clone())))
        .serve(AgencyServiceServer::new(AgencyRpc(shared.clone())))
        .serve(PowerServiceServer::new(PowerRpc(shared.clone())))
        .serve(LedgerServiceServer::new(LedgerRpc(shared.clone())))
        .serve(HandlingServiceServer::new(HandlingRpc(shared.clone())))
        .serve(SolutionServiceServer::new(SolutionRpc(shared.clone())))
        .serve(ValidityServiceServer::new(ValidityRpc(shared)))
        .serve(InboxServiceServer::new(InboxServer::new(inbox)))
        .serve(EventAdminServiceServer::new(EventAdminServer::new(
            db.clone(),
        )))
        .work("relay", |shutdown| relay.run(shutdown))
        .work(
            "inbox",
            |shutdown| async move { sweeper.run(shutdown).await },
        )
        .work("retell duties", {
            let (db, clock) = (db.clone(), clock.clone());
            |shutdown| retell_duties::run(db, clock, shutdown)
        })
        .work("count cases", {
            let db = db.clone();
            |shutdown| count_cases::run(db, shutdown)
        })
        .work("hand-overs", {
            let (db, clock) = (db.clone(), clock.clone());
            |shutdown| expire_handovers::run(db, clock, shutdown)
        })
        .work("loans", {
            let (db, clock) = (db.clone(), clock.clone());
            |shutdown| end_loans::run(db, clock, shutdown)
        })
        .work("leaves", {
            let (db, clock) = (db.clone(), clock.clone());
            |shutdown| settle_leaves::run(db, clock, shutdown)
        })
        .work("summonses", {
            let (db, clock) = (db.clone(), clock.clone());
            |shutdown| tell_summonses::run(db, clock, shutdown)
        })
        .work("corrective actions", {
            let (db, clock) = (db.clone(), clock.clone());
            |shutdown| remind_actions::run(db, clock, shutdown)
        })
        .work("late entries of the ledger", {
            let (db, clock) = (db.clone(), clock.clone());
            |shutdown| tell_late_entries::run(db, clock, shutdown)
        })
        .work("changed limits", {
            let (db, clock) = (db.clone(), clock.clone());
            |shutdown| reassess_solutions::run(db, clock, shutdown)
        })
        .work("what stood", {
            let (db, clock) = (db.clone(), clock.clone());
            |shutdown| tell_what_stood::run(db, clock, shutdown)
        })
        .work("receipts", {
            let db = db.clone();
            |shutdown| purge_receipts::run(db, clock, shutdown)
        });
    // Any node of a cluster hears what is published to it.
    if let Some(url) = common.redis.urls().into_iter().next() {
        let client = redis::Client::open(url)?;
        app = app.work("wakes", |shutdown| share_wakes(db, client, shutdown));
    }
    Ok(app)
}
