//! Law and practice as people use it (domain.md section 10; M04, M06, M08, M10).

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use redress_model::name::CaseName;
use redress_model::words::{Category, ClockKind};
use redress_policy::{MonthDay, Season};
use redress_proto::Money;
use redress_proto::assignment::v1 as wire;
use redress_proto::assignment::v1::contractor_service_server::ContractorService;
use redress_proto::assignment::v1::dispute_service_server::DisputeService;
use redress_proto::assignment::v1::record_dispute_step_request::Step as DisputeStep;
use redress_proto::assignment::v1::record_order_step_request::Step as OrderStep;
use redress_proto::assignment::v1::record_transfer_step_request::Step as TransferStep;
use redress_proto::assignment::v1::register_service_server::RegisterService;
use redress_proto::assignment::v1::settlement_service_server::SettlementService;
use redress_proto::assignment::v1::solution_service_server::SolutionService;
use redress_proto::assignment::v1::transfer_service_server::TransferService;
use redress_proto::assignment::v1::warranty_service_server::WarrantyService;
use redress_proto::convert::{from_timestamp, to_timestamp, to_wire};
use redress_proto::event::v1 as event;
use redress_rpc::Caller;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::world::{NowPlus, World, by, site};

const SITE: &str = "sites/lakeside";
const DAY: SignedDuration = SignedDuration::from_hours(24);

fn wire_time(at: Timestamp) -> Option<prost_types::Timestamp> {
    Some(to_timestamp(at))
}

fn yuan(units: i64) -> Option<Money> {
    Some(Money {
        currency_code: "CNY".to_owned(),
        units,
        nanos: 0,
    })
}

/// The reason of a refusal by state.
fn reason(status: &Status) -> String {
    assert_eq!(status.code(), Code::FailedPrecondition, "{status:?}");
    let details = status.get_details_error_info().expect("with its reason");
    details.reason
}

/// The field that is wrong.
fn field(status: &Status) -> String {
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    let details = status.get_details_bad_request().expect("with its field");
    details.field_violations[0].field.clone()
}

impl World {
    fn at(&self, days: i32) -> Timestamp {
        self.clock.now_plus(DAY * days)
    }

    async fn demands(&self) -> Vec<event::DemandChanged> {
        self.said("redress.demand.changed.v1").await
    }

    fn transfer_of(&self, case: &CaseName, number: &str) -> wire::RecordTransferRequest {
        wire::RecordTransferRequest {
            case: case.to_string(),
            body: wire::TransferBody::Hotline12345.into(),
            office: "12345 of the city".to_owned(),
            outside_number: number.to_owned(),
            receive_time: wire_time(self.at(0)),
            due_time: wire_time(self.at(5)),
            return_form: "reply sheet".to_owned(),
            request_id: String::new(),
        }
    }

    async fn transfer(&self, case: &CaseName, number: &str) -> Result<wire::Transfer, Status> {
        let request = self.transfer_of(case, number);
        let answer =
            TransferService::record_transfer(&self.transfers, by(self.manager(), request)).await?;
        Ok(answer.into_inner().transfer.expect("a transfer"))
    }

    async fn transfer_step(
        &self,
        transfer: &wire::Transfer,
        step: TransferStep,
    ) -> Result<wire::Transfer, Status> {
        let request = wire::RecordTransferStepRequest {
            name: transfer.name.clone(),
            step: Some(step),
            ..Default::default()
        };
        let answer = self
            .transfers
            .record_transfer_step(by(self.manager(), request))
            .await?;
        Ok(answer.into_inner().transfer.expect("a transfer"))
    }

    pub(crate) async fn open_dispute(&self, case: &CaseName) -> Result<wire::Dispute, Status> {
        let request = wire::OpenDisputeRequest {
            case: case.to_string(),
            subject: "the roof leaks on".to_owned(),
            request_id: String::new(),
        };
        let answer = self
            .disputes
            .open_dispute(by(self.manager(), request))
            .await?;
        Ok(answer.into_inner().dispute.expect("a dispute"))
    }

    pub(crate) async fn dispute_step(
        &self,
        dispute: &wire::Dispute,
        step: DisputeStep,
    ) -> Result<wire::Dispute, Status> {
        let request = wire::RecordDisputeStepRequest {
            name: dispute.name.clone(),
            step: Some(step),
            text: "as recorded".to_owned(),
            ..Default::default()
        };
        let answer = self
            .disputes
            .record_dispute_step(by(self.manager(), request))
            .await?;
        Ok(answer.into_inner().dispute.expect("a dispute"))
    }

    pub(crate) fn enter(&self, rung: wire::DisputeRung, side: wire::DisputeSide) -> DisputeStep {
        DisputeStep::RungEntered(wire::RungEntered {
            rung: rung.into(),
            body: "people's court".to_owned(),
            outside_number: "2026-1".to_owned(),
            brought_by: side.into(),
            counsel: "a law firm".to_owned(),
            start_time: wire_time(self.at(-1)),
        })
    }

    pub(crate) fn leave(&self, outcome: wire::RungOutcome) -> DisputeStep {
        DisputeStep::RungEnded(wire::RungEnded {
            outcome: outcome.into(),
            end_time: wire_time(self.at(0)),
        })
    }

    pub(crate) async fn contractor(&self, retention: i64) -> Result<wire::Contractor, Status> {
        let request = wire::CreateContractorRequest {
            parent: SITE.to_owned(),
            display_name: "First Builders".to_owned(),
            defect_classes: vec![wire::DefectClass::Roof.into()],
            contract_sum: yuan(1_000_000),
            retention: yuan(retention),
            acceptance_date: "2025-03-15".to_owned(),
            liability_months: 24,
            request_id: String::new(),
        };
        let answer = self
            .contractors
            .create_contractor(by(self.manager(), request))
            .await?;
        Ok(answer.into_inner().contractor.expect("a contractor"))
    }

    pub(crate) async fn order(
        &self,
        case: &CaseName,
        contractor: &str,
        replaces: &str,
    ) -> Result<wire::ContractorOrder, Status> {
        let request = wire::PlaceOrderRequest {
            case: case.to_string(),
            contractor: contractor.to_owned(),
            scope: "seal the roof".to_owned(),
            due_time: wire_time(self.at(3)),
            replaces: replaces.to_owned(),
            request_id: String::new(),
            checklist: Vec::new(),
        };
        let answer = self
            .contractors
            .place_order(by(self.manager(), request))
            .await?;
        Ok(answer.into_inner().order.expect("an order"))
    }

    async fn order_step(
        &self,
        order: &str,
        step: OrderStep,
    ) -> Result<wire::ContractorOrder, Status> {
        self.order_step_saying(order, step, "nobody came twice")
            .await
    }

    async fn order_step_saying(
        &self,
        order: &str,
        step: OrderStep,
        text: &str,
    ) -> Result<wire::ContractorOrder, Status> {
        let request = wire::RecordOrderStepRequest {
            name: order.to_owned(),
            step: Some(step),
            text: text.to_owned(),
            ..Default::default()
        };
        let answer = self
            .contractors
            .record_order_step(by(self.manager(), request))
            .await?;
        Ok(answer.into_inner().order.expect("an order"))
    }

    async fn approve_settlement(
        &self,
        caller: Caller,
        name: &str,
        etag: &str,
    ) -> Result<wire::Settlement, Status> {
        let request = wire::ApproveSettlementRequest {
            name: name.to_owned(),
            etag: etag.to_owned(),
            ..Default::default()
        };
        let answer = self
            .settlements
            .approve_settlement(by(caller, request))
            .await?;
        Ok(answer.into_inner().settlement.expect("a settlement"))
    }

    async fn unit(&self, unit: wire::Unit) -> Result<wire::Unit, Status> {
        let request = wire::PutUnitsRequest {
            parent: SITE.to_owned(),
            units: vec![unit],
            request_id: String::new(),
        };
        let answer = self
            .warranties
            .put_units(by(self.manager(), request))
            .await?;
        Ok(answer.into_inner().units.remove(0))
    }

    async fn explain(&self, class: wire::DefectClass, on: &str) -> wire::ExplainWarrantyResponse {
        let request = wire::ExplainWarrantyRequest {
            name: format!("{SITE}/units/3-1201"),
            defect_class: class.into(),
            report_date: on.to_owned(),
        };
        let answer = self
            .warranties
            .explain_warranty(by(self.manager(), request))
            .await;
        answer.expect("explained").into_inner()
    }
}

fn unit() -> wire::Unit {
    wire::Unit {
        name: format!("{SITE}/units/3-1201"),
        acceptance_date: "2021-03-15".to_owned(),
        handover_date: "2021-06-30".to_owned(),
        design_life_years: 50,
        ..Default::default()
    }
}

#[tokio::test]
async fn warranty_is_explained_by_every_source_to_the_day() {
    let world = World::staffed().await;
    let first = world.unit(unit()).await.expect("written");
    let again = world.unit(unit()).await.expect("written again");
    assert_eq!(
        first.etag, again.etag,
        "the same unit written twice is the same"
    );

    let last = world.explain(wire::DefectClass::Leak, "2026-03-15").await;
    assert!(last.covered, "{}", last.explanation);
    let after = world.explain(wire::DefectClass::Leak, "2026-03-16").await;
    assert!(!after.covered, "{}", after.explanation);
    assert_eq!(after.claims.len(), 2);
    assert!(after.claims[0].decides && after.claims[0].source.contains("第四十条"));

    // The site raises, and a contract raises more.
    let raise = |months| wire::SetSiteWarrantyRequest {
        parent: SITE.to_owned(),
        terms: vec![wire::ContractTerm {
            defect_class: wire::DefectClass::LampSwitch.into(),
            months,
            clause: "the board".to_owned(),
        }],
        request_id: String::new(),
    };
    let lower = world
        .warranties
        .set_site_warranty(by(world.manager(), raise(6)))
        .await;
    assert_eq!(
        field(&lower.expect_err("not more than the law")),
        "terms[0].months"
    );
    let set = world
        .warranties
        .set_site_warranty(by(world.manager(), raise(25)))
        .await;
    let raised = set.expect("raised").into_inner().rules;
    assert!(raised.iter().any(|r| r.source == "the board"));
    let list = wire::ListWarrantyRulesRequest {
        parent: SITE.to_owned(),
    };
    let rules = world
        .warranties
        .list_warranty_rules(by(world.manager(), list))
        .await;
    let rules = rules.expect("listed").into_inner().rules;
    assert!(rules.iter().any(|r| r.source.contains("第四十条")));
    assert_eq!(rules, raised);
    let lamp = world
        .explain(wire::DefectClass::LampSwitch, "2023-07-30")
        .await;
    assert_eq!((lamp.covered, lamp.end_date.as_str()), (true, "2023-07-30"));
    let mut better = unit();
    better.terms = vec![wire::ContractTerm {
        defect_class: wire::DefectClass::LampSwitch.into(),
        months: 26,
        clause: "clause 12".to_owned(),
    }];
    let better = world.unit(better).await.expect("written");
    let list = wire::ListUnitsRequest {
        parent: SITE.to_owned(),
        ..Default::default()
    };
    let units = world.warranties.list_units(by(world.manager(), list)).await;
    let units = units.expect("listed").into_inner().units;
    assert_eq!(units, [better]);
    assert_eq!(units[0].terms[0].clause, "clause 12");
    let lamp = world
        .explain(wire::DefectClass::LampSwitch, "2023-08-30")
        .await;
    assert!(lamp.covered, "{}", lamp.explanation);
    assert_eq!(lamp.claims.iter().filter(|c| c.decides).count(), 1);

    let mut wrong = unit();
    wrong.handover_date = "2021-03-14".to_owned();
    let refused = world
        .unit(wrong)
        .await
        .expect_err("handed over before it was accepted");
    assert_eq!(field(&refused), "units[0].handover_date");
}

#[tokio::test]
async fn section_10_seasons_retention_and_the_police_report_are_the_policy_of_the_site() {
    let world = World::staffed().await;
    let mut autumn = unit();
    autumn.acceptance_date = "2024-10-25".to_owned();
    autumn.handover_date = String::new();
    world.unit(autumn).await.expect("written");
    let heating = async || {
        let class = wire::DefectClass::Heating;
        world.explain(class, "2024-12-01").await.end_date
    };
    // Nobody told a policy yet: what the profile of the kind of site ships.
    assert_eq!(heating().await, "2026-03-15");
    world.contractor(30_000).await.expect("three percent");

    let colder = world.policy_of("residential", 2, |handling| {
        let practice = handling.practice.as_mut().expect("shipped");
        let day = |text: &str| MonthDay::try_from(text.to_owned()).expect("a day");
        practice.heating = Season {
            from: day("10-20"),
            to: day("04-20"),
        };
        practice.police_report_hours = 12;
        practice.retention_percent_max = 2;
        practice.liability_months_max = 24;
    });
    world.tell(&[colder]).await;
    assert_eq!(heating().await, "2027-04-20");
    let over = world.contractor(20_001).await.expect_err("two percent now");
    assert_eq!(field(&over), "retention");
    world.contractor(20_000).await.expect("two percent");
    let case = world.offered(Category::SalesManagement).await;
    let dispute = world.open_dispute(&case).await.expect("opened");
    let found = DisputeStep::ViolationFound(wire::ViolationFound {
        find_time: wire_time(world.at(0)),
    });
    let with_task = world.dispute_step(&dispute, found).await.expect("found");
    let due = with_task.police_report_due_time.expect("a task");
    let twelve = SignedDuration::from_hours(12);
    assert_eq!(
        from_timestamp("due", &due).expect("an instant"),
        world.at(0) + twelve
    );

    // A release that knew no such section tells of none: the profile's again.
    let before = world.policy_of("residential", 3, |handling| handling.practice = None);
    world.tell(&[before]).await;
    assert_eq!(heating().await, "2026-03-15");
}

#[tokio::test]
async fn section_10_a_transfer_without_a_deadline_gets_the_days_of_the_sites_policy() {
    let world = World::staffed().await;
    let case = world.offered(Category::EngineeringQuality).await;
    let given = world.transfer(&case, "GD-1").await.expect("recorded");
    assert_eq!(
        (given.policy_days, given.due_source.as_str()),
        (0, "given by the body")
    );
    let without = async |number: &str, body: wire::TransferBody| {
        let request = wire::RecordTransferRequest {
            body: body.into(),
            due_time: None,
            ..world.transfer_of(&case, number)
        };
        let ask = by(world.manager(), request);
        let answer = TransferService::record_transfer(&world.transfers, ask).await;
        let transfer = answer.expect("recorded").into_inner().transfer;
        transfer.expect("a transfer")
    };
    let petition = without("XF-1", wire::TransferBody::PetitionOffice).await;
    assert_eq!(petition.due_time, wire_time(world.at(15)));
    assert_eq!(petition.policy_days, 15);

    let shorter = world.policy_of("residential", 7, |handling| {
        let practice = handling.practice.as_mut().expect("shipped");
        practice.transfer_days.petition_office = 4;
    });
    world.tell(&[shorter]).await;
    let petition = without("XF-2", wire::TransferBody::PetitionOffice).await;
    assert_eq!(petition.due_time, wire_time(world.at(4)));
    assert!(
        petition.due_source.contains("(residential, revision 7)"),
        "{}",
        petition.due_source
    );
    let hotline = without("GD-2", wire::TransferBody::Hotline12345).await;
    assert_eq!(hotline.due_time, wire_time(world.at(5)));
    let told = world.demands().await;
    let due: Vec<_> = told.iter().map(|demand| demand.due_time).collect();
    let days = [5, 15, 4, 5].map(|days| wire_time(world.at(days)));
    assert_eq!(due, days, "a clock runs to it");
    // I7: whose word it is goes along, so that nobody lets their own reply pass by a transfer of their own.
    let manager = world.manager().subject;
    assert!(told.iter().all(|demand| demand.recorded_by == manager));
}

#[tokio::test]
async fn a_transfer_carries_the_bodys_number_and_its_deadline_follows_the_bodys_word() {
    let world = World::staffed().await;
    let case = world.offered(Category::EngineeringQuality).await;
    let transfer = world.transfer(&case, "GD-1").await.expect("recorded");
    assert_eq!(transfer.return_form, "reply sheet");
    let twice = world
        .transfer(&case, "GD-1")
        .await
        .expect_err("recorded already");
    assert_eq!(twice.code(), Code::AlreadyExists);

    let later = wire_time(world.at(9));
    let granted_at = wire_time(world.at(0));
    let granted = || {
        TransferStep::ExtensionGranted(wire::ExtensionGranted {
            due_time: later,
            grant_time: granted_at,
        })
    };
    let unasked = world
        .transfer_step(&transfer, granted())
        .await
        .expect_err("nobody asked");
    assert_eq!(reason(&unasked), "ILLEGAL_TRANSFER_STEP");
    let asked = TransferStep::ExtensionRequested(wire::ExtensionRequested {
        wished_due_time: later,
    });
    let requested = world.transfer_step(&transfer, asked).await.expect("asked");
    assert_eq!(
        requested.due_time, transfer.due_time,
        "a wish moves nothing"
    );
    let moved = world
        .transfer_step(&transfer, granted())
        .await
        .expect("granted");
    assert_eq!((moved.due_time, moved.grant_time), (later, granted_at));

    let visit = |n| TransferStep::Visited(wire::PetitionVisit { representatives: n });
    world
        .transfer_step(&transfer, visit(5))
        .await
        .expect("five may come");
    let six = world
        .transfer_step(&transfer, visit(6))
        .await
        .expect_err("six may not");
    assert_eq!(field(&six), "visited.representatives");

    let answered = TransferStep::Answered(wire::TransferAnswered {
        answer_time: wire_time(world.at(0)),
    });
    world
        .transfer_step(&transfer, answered)
        .await
        .expect("answered");
    let scored = TransferStep::CalledBack(wire::CalledBack { score: 4 });
    let end = world
        .transfer_step(&transfer, scored)
        .await
        .expect("called back");
    assert_eq!((end.call_back_score, end.representatives), (4, 5));

    let told = world.demands().await;
    let states: Vec<_> = told.iter().map(event::DemandChanged::state).collect();
    let expected = [
        event::DemandState::Open,
        event::DemandState::Open,
        event::DemandState::Met,
    ];
    assert_eq!(states, expected);
    assert!(
        told.iter()
            .all(|d| d.kind == to_wire(ClockKind::OutsideDeadline) && d.outside_number == "GD-1")
    );
    assert!(
        told.iter().all(|d| d.demand == told[0].demand),
        "one demand, one clock"
    );
    assert_eq!((told[0].grant_time, told[1].grant_time), (None, granted_at));
    assert_eq!(told[1].due_time, later);

    let get = wire::GetTransferRequest { name: end.name };
    let kept = world
        .transfers
        .get_transfer(by(world.manager(), get))
        .await
        .expect("kept");
    let steps = kept.into_inner().transfer.expect("a transfer").steps;
    let kinds: Vec<_> = steps.iter().map(|s| s.kind.as_str()).collect();
    assert_eq!(
        kinds,
        [
            "RECORDED",
            "EXTENSION_REQUESTED",
            "EXTENSION_GRANTED",
            "VISITED",
            "ANSWERED",
            "CALLED_BACK"
        ]
    );
}

#[tokio::test]
async fn m04_a_ruling_before_the_defence_leaves_it_owed_and_the_suit_going_on() {
    use wire::{DisputeRung as Rung, DisputeSide as Side, DisputeState};
    let world = World::staffed().await;
    let case = world.offered(Category::EngineeringQuality).await;
    let dispute = world.open_dispute(&case).await.expect("opened");
    let at = wire_time(world.at(0));
    let decided = |ruling| {
        DisputeStep::CourtDecided(wire::CourtDecided {
            ruling,
            serve_time: at,
        })
    };
    let stands = || {
        DisputeStep::AppealDecided(wire::AppealDecided {
            appealed: false,
            decide_time: at,
        })
    };
    let filed = DisputeStep::DefenceFiled(wire::DefenceFiled { file_time: at });
    let mut states = Vec::new();
    for step in [
        world.enter(Rung::Litigation, Side::Complainant),
        decided(true),
        stands(),
        filed,
        decided(false),
        stands(),
    ] {
        let kept = world.dispute_step(&dispute, step).await.expect("legal");
        states.push(kept.state());
    }
    assert_eq!(
        states,
        [
            DisputeState::OnARung,
            DisputeState::Appealable,
            DisputeState::OnARung,
            DisputeState::OnARung,
            DisputeState::Appealable,
            DisputeState::Ended,
        ]
    );
    let told = world.demands().await;
    let of = |kind| {
        let kind = to_wire(kind);
        let of_kind = told.iter().filter(|d| d.kind == kind);
        of_kind.map(|d| d.state()).collect::<Vec<_>>()
    };
    let met = [event::DemandState::Open, event::DemandState::Met];
    for kind in [
        ClockKind::Defence,
        ClockKind::AppealRuling,
        ClockKind::AppealJudgment,
    ] {
        assert_eq!(of(kind), met, "{kind}");
    }
}

#[tokio::test]
async fn m04_a_dispute_climbs_from_agreement_to_court_and_its_times_run_as_clocks() {
    let world = World::staffed().await;
    let case = world.offered(Category::EngineeringQuality).await;
    let dispute = world.open_dispute(&case).await.expect("opened");
    let second = world.open_dispute(&case).await.expect_err("one is open");
    assert_eq!(second.code(), Code::AlreadyExists);

    use wire::{DisputeRung as Rung, DisputeSide as Side, RungOutcome as Outcome};
    // M06: mediation first.
    let skipped = world.enter(Rung::Litigation, Side::Ours);
    let skipped = world
        .dispute_step(&dispute, skipped)
        .await
        .expect_err("a rung is skipped");
    assert_eq!(reason(&skipped), "ILLEGAL_DISPUTE_STEP");
    assert!(
        skipped.message().contains("legal now: AGREEMENT"),
        "{}",
        skipped.message()
    );
    for rung in [Rung::Agreement, Rung::Mediation] {
        world
            .dispute_step(&dispute, world.enter(rung, Side::Ours))
            .await
            .expect("entered");
        world
            .dispute_step(&dispute, world.leave(Outcome::Failed))
            .await
            .expect("failed");
    }
    assert!(
        world.demands().await.is_empty(),
        "nothing runs before a court decides"
    );
    world
        .dispute_step(&dispute, world.enter(Rung::Litigation, Side::Complainant))
        .await
        .expect("sued");
    let begun: Vec<event::DisputeBegun> = world.said("redress.dispute.begun.v1").await;
    assert_eq!(begun.len(), 1);
    assert_eq!(begun[0].case, case.to_string());

    let at = wire_time(world.at(0));
    let filed = DisputeStep::DefenceFiled(wire::DefenceFiled { file_time: at });
    world.dispute_step(&dispute, filed).await.expect("filed");
    let decided = DisputeStep::CourtDecided(wire::CourtDecided {
        ruling: false,
        serve_time: at,
    });
    world.dispute_step(&dispute, decided).await.expect("judged");
    let accepted = DisputeStep::AppealDecided(wire::AppealDecided {
        appealed: false,
        decide_time: at,
    });
    let ended = world
        .dispute_step(&dispute, accepted)
        .await
        .expect("accepted");
    assert_eq!(ended.state(), wire::DisputeState::Ended);
    let outcomes: Vec<_> = ended
        .stages
        .iter()
        .map(wire::DisputeStage::outcome)
        .collect();
    assert_eq!(
        outcomes,
        [Outcome::Failed, Outcome::Failed, Outcome::Decided]
    );

    let told: Vec<(i32, event::DemandState)> = world
        .demands()
        .await
        .iter()
        .map(|d| (d.kind, d.state()))
        .collect();
    let (defence, appeal) = (
        to_wire(ClockKind::Defence),
        to_wire(ClockKind::AppealJudgment),
    );
    assert_eq!(
        told,
        [
            (defence, event::DemandState::Open),
            (defence, event::DemandState::Met),
            (appeal, event::DemandState::Open),
            (appeal, event::DemandState::Met),
        ]
    );
    let get = wire::GetDisputeRequest {
        name: dispute.name.clone(),
    };
    let kept = world.disputes.get_dispute(by(world.manager(), get)).await;
    let kept = kept.expect("kept").into_inner().dispute.expect("a dispute");
    assert_eq!((&kept.stages, &kept.etag), (&ended.stages, &ended.etag));
    let kinds: Vec<_> = kept.steps.iter().map(|s| s.kind.as_str()).collect();
    assert_eq!(
        kinds,
        [
            "OPENED",
            "AGREEMENT_ENTERED",
            "FAILED",
            "MEDIATION_ENTERED",
            "FAILED",
            "LITIGATION_ENTERED",
            "DEFENCE_FILED",
            "JUDGMENT_SERVED",
            "NOT_APPEALED"
        ]
    );

    // Another may be opened once it has ended.
    let another = world.open_dispute(&case).await.expect("opened");
    let list = async |open: bool| {
        let list = wire::ListDisputesRequest {
            parent: SITE.to_owned(),
            case: case.to_string(),
            open,
            ..Default::default()
        };
        let answer = world
            .disputes
            .list_disputes(by(world.manager(), list))
            .await;
        let disputes = answer.expect("listed").into_inner().disputes;
        let names = disputes.into_iter().map(|d| d.name);
        names.collect::<BTreeSet<String>>()
    };
    assert_eq!(list(true).await, BTreeSet::from([another.name.clone()]));
    let both = BTreeSet::from([another.name, dispute.name]);
    assert_eq!(list(false).await, both);
}

#[tokio::test]
async fn m06_a_grave_violation_becomes_a_task_to_report_to_the_police() {
    let world = World::staffed().await;
    let case = world.offered(Category::SalesManagement).await;
    let dispute = world.open_dispute(&case).await.expect("opened");
    let found = DisputeStep::ViolationFound(wire::ViolationFound {
        find_time: wire_time(world.at(0)),
    });
    let with_task = world.dispute_step(&dispute, found).await.expect("found");
    let due = with_task.police_report_due_time.expect("a task");
    assert_eq!(
        from_timestamp("due", &due).expect("an instant"),
        world.at(1)
    );
    let enter = world.enter(wire::DisputeRung::Agreement, wire::DisputeSide::Ours);
    world.dispute_step(&dispute, enter).await.expect("talks");
    let settle = || world.leave(wire::RungOutcome::Settled);
    let refused = world
        .dispute_step(&dispute, settle())
        .await
        .expect_err("not reported");
    assert_eq!(reason(&refused), "ILLEGAL_DISPUTE_STEP");
    let reported = DisputeStep::PoliceReported(wire::PoliceReported {
        outside_number: "A-1".to_owned(),
        report_time: wire_time(world.at(0)),
    });
    world
        .dispute_step(&dispute, reported)
        .await
        .expect("reported");
    let ended = world
        .dispute_step(&dispute, settle())
        .await
        .expect("settled");
    assert_eq!(ended.state(), wire::DisputeState::Ended);
    let told = world.demands().await;
    assert_eq!(told.len(), 2);
    assert!(
        told.iter()
            .all(|d| d.party == "police report" && d.kind == to_wire(ClockKind::Support))
    );
}

#[tokio::test]
async fn m12_a_repair_is_told_as_done_with_its_checklist_ticked_or_a_reason() {
    let world = World::staffed().await;
    let case = world.offered(Category::EngineeringQuality).await;
    let contractor = world.contractor(0).await.expect("registered").name;
    let order = world.order(&case, &contractor, "").await.expect("ordered");
    let items = order.checklist.len();
    assert!(items >= 3, "the shipped list");
    let done = || OrderStep::Done(wire::OrderDone {});
    for unsaid in [" ", "\u{200b}"] {
        let open = world.order_step_saying(&order.name, done(), unsaid).await;
        assert_eq!(reason(&open.expect_err("nothing ticked")), "CHECKLIST_OPEN");
    }
    let check = |items| OrderStep::Checked(wire::OrderChecked { items });
    let wrong = world.order_step(&order.name, check(vec![0])).await;
    assert_eq!(field(&wrong.expect_err("no item 0")), "checked.items");
    let all = (1..).take(items).collect();
    let ticked = world.order_step(&order.name, check(all)).await;
    let ticked = ticked.expect("ticked").checklist;
    assert!(ticked.iter().all(|i| i.ticked_by == "manager"));
    assert_eq!(ticked[0].tick_time, wire_time(world.at(0)));
    let told = world.order_step_saying(&order.name, done(), "").await;
    let told = told.expect("done").state();
    assert_eq!(told, wire::ContractorOrderState::Done);

    // Or somebody says why not.
    let other = world.order(&case, &contractor, "").await.expect("ordered");
    let told = world.order_step_saying(&other.name, done(), "the home is empty");
    told.await.expect("with its reason");
}

#[tokio::test]
async fn m12_who_repairs_is_not_changed_midway_without_a_reason() {
    let world = World::staffed().await;
    let case = world.offered(Category::EngineeringQuality).await;
    let contractor = world.contractor(0).await.expect("registered").name;
    let order = world.order(&case, &contractor, "").await.expect("ordered");
    for step in [
        OrderStep::Defaulted(wire::OrderDefaulted {}),
        OrderStep::Cancelled(wire::OrderCancelled {}),
    ] {
        for unsaid in [" ", "\u{200b}"] {
            let silent = world.order_step_saying(&order.name, step.clone(), unsaid);
            assert_eq!(field(&silent.await.expect_err("no reason")), "text");
        }
    }
}

#[tokio::test]
async fn a_contractor_in_default_is_replaced_at_its_cost_from_the_retention_first() {
    let world = World::staffed().await;
    let case = world.offered(Category::EngineeringQuality).await;
    let over = world.contractor(30_001).await.expect_err("above 3 %");
    assert_eq!(field(&over), "retention");
    let first = world.contractor(30_000).await.expect("registered");
    assert_eq!(first.liability_end_date, "2027-03-15");
    let second = world.contractor(0).await.expect("registered");

    let order = world.order(&case, &first.name, "").await.expect("ordered");
    let early = world
        .order(&case, &second.name, &order.name)
        .await
        .expect_err("no default yet");
    assert_eq!(reason(&early), "ILLEGAL_ORDER_STEP");
    let defaulted = OrderStep::Defaulted(wire::OrderDefaulted {});
    world
        .order_step(&order.name, defaulted)
        .await
        .expect("in default");
    let other = world
        .order(&case, &second.name, &order.name)
        .await
        .expect("another is hired");
    assert_eq!(other.replaces, order.name);
    let charge = |cost| OrderStep::Charged(wire::OrderCharged { cost: yuan(cost) });
    let early = world
        .order_step(&order.name, charge(500_000))
        .await
        .expect_err("M01: recourse is for what another did");
    assert_eq!(reason(&early), "ILLEGAL_ORDER_STEP");
    let done = OrderStep::Done(wire::OrderDone {});
    world.order_step(&other.name, done).await.expect("done");

    let charged = world
        .order_step(&order.name, charge(45_000))
        .await
        .expect("charged");
    assert_eq!(
        (charged.from_retention, charged.recourse),
        (yuan(30_000), yuan(15_000))
    );
    let list = wire::ListContractorsRequest {
        parent: SITE.to_owned(),
        ..Default::default()
    };
    let listed = world
        .contractors
        .list_contractors(by(world.manager(), list))
        .await
        .expect("listed")
        .into_inner();
    let left = listed
        .contractors
        .iter()
        .find(|c| c.name == first.name)
        .expect("listed");
    assert_eq!(left.retention_left, yuan(0));
    let recovered = OrderStep::Recovered(wire::OrderRecovered {
        amount: yuan(15_000),
    });
    world
        .order_step(&order.name, recovered)
        .await
        .expect("recovered");

    let told: Vec<_> = world
        .demands()
        .await
        .iter()
        .map(event::DemandChanged::state)
        .collect();
    use event::DemandState::{Cancelled, Met, Open};
    assert_eq!(told, [Open, Cancelled, Open, Met]);
    let list = wire::ListOrdersRequest {
        parent: SITE.to_owned(),
        contractor: first.name,
        ..Default::default()
    };
    let orders = world
        .contractors
        .list_orders(by(world.manager(), list))
        .await
        .expect("listed")
        .into_inner();
    assert_eq!(orders.orders.len(), 1);
    assert_eq!(orders.orders[0].recovered, yuan(15_000));
}

#[tokio::test]
async fn m10_a_group_settlement_counts_who_signed_and_names_nobody() {
    let world = World::staffed().await;
    let entry = |unit: &str, answer: wire::HouseholdAnswer| wire::HouseholdEntry {
        unit: unit.to_owned(),
        person_token: String::new(),
        answer: answer.into(),
    };
    use wire::HouseholdAnswer::{Refused, Signed, Waiting};
    let create = wire::CreateSettlementRequest {
        parent: SITE.to_owned(),
        title: "roof of building 3".to_owned(),
        terms: "the same for each".to_owned(),
        needed_percent: 67,
        households: ["3-1", "3-2", "3-3"].map(|u| entry(u, Waiting)).to_vec(),
        ..Default::default()
    };
    let created = world
        .settlements
        .create_settlement(by(world.manager(), create))
        .await
        .expect("created");
    let created = created.into_inner().settlement.expect("a settlement");
    let name = created.name.clone();
    let say = async |households: Vec<wire::HouseholdEntry>, etag: &str| {
        let request = wire::RecordHouseholdsRequest {
            name: name.clone(),
            households,
            etag: etag.to_owned(),
            ..Default::default()
        };
        let answer = world
            .settlements
            .record_households(by(world.manager(), request))
            .await;
        answer.map(|a| a.into_inner().settlement.expect("a settlement"))
    };
    let early = say(vec![entry("3-1", Signed)], "").await;
    let early = early.expect_err("nobody approved it");
    assert_eq!(reason(&early), "NOT_APPROVED");
    let another = world.caller("lakeside", "manager", Some("lead-site"));
    let unread = world.approve_settlement(another.clone(), &name, "").await;
    assert_eq!(field(&unread.expect_err("as it was seen")), "etag");
    let own = world.approve_settlement(world.manager(), &name, &created.etag);
    let own = own.await.expect_err("by somebody else");
    assert_eq!(reason(&own), "OWN_SETTLEMENT");
    let approved = world.approve_settlement(another, &name, &created.etag);
    let approved = approved.await.expect("by a second person");
    assert!(created.approve_time.is_none() && approved.approve_time.is_some());
    let two = say(vec![entry("3-1", Signed), entry("3-2", Signed)], "")
        .await
        .expect("recorded");
    assert_eq!(
        (two.signed, two.refused, two.waiting, two.share_percent),
        (2, 0, 1, 66)
    );
    assert!(two.reach_time.is_none(), "66 of 67 percent");
    let stale = say(vec![entry("3-3", Signed)], "1")
        .await
        .expect_err("an old etag");
    assert_eq!(stale.code(), Code::Aborted);
    let back = say(vec![entry("3-1", Refused)], "")
        .await
        .expect_err("what is signed stands");
    assert_eq!(reason(&back), "HOUSEHOLD_SIGNED");
    let all = say(vec![entry("3-3", Signed)], &two.etag)
        .await
        .expect("recorded");
    assert!(all.reach_time.is_some());
    let close = || wire::CloseSettlementRequest {
        name: name.clone(),
        reason: "all signed".to_owned(),
        ..Default::default()
    };
    world
        .settlements
        .close_settlement(by(world.manager(), close()))
        .await
        .expect("closed");
    let again = world
        .settlements
        .close_settlement(by(world.manager(), close()))
        .await;
    assert_eq!(reason(&again.expect_err("closed")), "SETTLEMENT_CLOSED");

    let get = wire::GetSettlementRequest { name: name.clone() };
    let kept = world
        .settlements
        .get_settlement(by(world.manager(), get))
        .await;
    let kept = kept.expect("kept").into_inner().settlement.expect("it");
    let roll: Vec<_> = kept
        .households
        .iter()
        .map(|h| (h.unit.as_str(), h.answer()))
        .collect();
    assert_eq!(roll, [("3-1", Signed), ("3-2", Signed), ("3-3", Signed)]);
    assert!(kept.closed && kept.households.iter().all(|h| h.person_token.is_empty()));
    let kinds: Vec<_> = kept.steps.iter().map(|s| s.kind.as_str()).collect();
    assert_eq!(
        kinds,
        ["CREATED", "APPROVED", "RECORDED", "RECORDED", "CLOSED"]
    );
    let list = wire::ListSettlementsRequest {
        parent: SITE.to_owned(),
        ..Default::default()
    };
    let listed = world
        .settlements
        .list_settlements(by(world.manager(), list))
        .await;
    let listed = listed.expect("listed").into_inner().settlements;
    let told: Vec<_> = listed
        .iter()
        .map(|s| (s.name.as_str(), s.signed, s.households.len()))
        .collect();
    assert_eq!(told, [(name.as_str(), 3, 0)], "without the roll");
}

#[tokio::test]
async fn section_7_what_all_households_get_together_decides_who_approves_a_settlement() {
    let world = World::staffed().await;
    // 5 times 3,000 is above a site manager's limit; 10 households are of grade 1 whatever they get.
    for (households, terms) in [(5, "每户补偿3000元"), (10, "the same for each")] {
        let roll = (0..households).map(|n| wire::HouseholdEntry {
            unit: format!("3-{n}"),
            person_token: String::new(),
            answer: wire::HouseholdAnswer::Waiting.into(),
        });
        let create = wire::CreateSettlementRequest {
            parent: SITE.to_owned(),
            title: "roof of building 3".to_owned(),
            terms: terms.to_owned(),
            needed_percent: 100,
            households: roll.collect(),
            ..Default::default()
        };
        let created = world
            .settlements
            .create_settlement(by(world.manager(), create))
            .await;
        let created = created.expect("created").into_inner().settlement;
        let created = created.expect("a settlement");
        let site_manager = world.caller("lakeside", "manager", Some("lead-site"));
        let low = world.approve_settlement(site_manager, &created.name, &created.etag);
        assert_eq!(
            reason(&low.await.expect_err("above the limit")),
            "ABOVE_LIMIT",
            "{terms}"
        );
        let region = world.above("region");
        let approved = world.approve_settlement(region, &created.name, &created.etag);
        approved.await.expect("within the limit of a region");
    }
    let create = wire::CreateSettlementRequest {
        parent: SITE.to_owned(),
        title: "roof of building 3".to_owned(),
        terms: "全额退款".to_owned(),
        needed_percent: 100,
        ..Default::default()
    };
    let unsaid = world
        .settlements
        .create_settlement(by(world.manager(), create))
        .await;
    assert_eq!(field(&unsaid.expect_err("how much is not said")), "terms");
}

#[tokio::test]
async fn section_7_what_a_dispute_is_settled_on_is_recorded_by_who_may_decide_it() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let dispute = world.open_dispute(&case).await.expect("opened");
    let talks = world.enter(wire::DisputeRung::Agreement, wire::DisputeSide::Ours);
    world.dispute_step(&dispute, talks).await.expect("talks");
    let settle = |caller: Caller, text: &str| {
        let request = wire::RecordDisputeStepRequest {
            name: dispute.name.clone(),
            step: Some(world.leave(wire::RungOutcome::Settled)),
            text: text.to_owned(),
            ..Default::default()
        };
        world.disputes.record_dispute_step(by(caller, request))
    };
    let handler = settle(world.handler("eng-one"), "补偿500元");
    assert_eq!(
        reason(&handler.await.expect_err("a handler decides nothing")),
        "ABOVE_LIMIT"
    );
    let manager = settle(world.manager(), "补偿10001元");
    assert_eq!(
        reason(&manager.await.expect_err("more than a site decides")),
        "ABOVE_LIMIT"
    );
    let unsaid = settle(world.above("region"), "全额退款");
    assert_eq!(
        field(&unsaid.await.expect_err("how much is not said")),
        "text"
    );
    settle(world.manager(), "补偿10000元")
        .await
        .expect("within the limit");
}

#[tokio::test]
async fn m10_the_register_shows_what_touches_a_complaint() {
    let world = World::staffed().await;
    let case = world.offered(Category::SalesManagement).await;
    let add = async |text: &str, categories: &[Category], units: &[&str], to: &str| {
        let request = wire::CreateRegisterEntryRequest {
            parent: SITE.to_owned(),
            kind: wire::RegisterKind::SalesPromise.into(),
            text: text.to_owned(),
            source: "brochure 2024".to_owned(),
            valid_from: "2024-01-01".to_owned(),
            valid_to: to.to_owned(),
            categories: categories.iter().map(|c| to_wire(*c)).collect(),
            units: units.iter().map(|u| (*u).to_owned()).collect(),
            ..Default::default()
        };
        let answer = world
            .register
            .create_register_entry(by(world.manager(), request))
            .await;
        answer.expect("added").into_inner().entry.expect("an entry")
    };
    let school = add("会所旁有学校", &[Category::SalesManagement], &[], "").await;
    add(
        "车位按优惠价",
        &[Category::SalesManagement],
        &["3-1"],
        "2024-12-31",
    )
    .await;
    add("绿化率三成", &[], &[], "").await;
    add("电梯品牌", &[Category::EngineeringQuality], &[], "").await;
    let found = async |filter: wire::ListRegisterEntriesRequest| {
        let list = wire::ListRegisterEntriesRequest {
            parent: SITE.to_owned(),
            ..filter
        };
        let answer = world
            .register
            .list_register_entries(by(world.manager(), list))
            .await;
        let entries = answer.expect("listed").into_inner().entries;
        let mut texts: Vec<String> = entries.into_iter().map(|e| e.text).collect();
        texts.sort();
        texts
    };
    let of_case = wire::ListRegisterEntriesRequest {
        case: case.to_string(),
        ..Default::default()
    };
    assert_eq!(
        found(of_case.clone()).await,
        ["会所旁有学校", "绿化率三成", "车位按优惠价"]
    );
    let elsewhere = wire::ListRegisterEntriesRequest {
        unit: "3-2".to_owned(),
        ..of_case.clone()
    };
    assert_eq!(found(elsewhere).await, ["会所旁有学校", "绿化率三成"]);
    let on = |day: &str| wire::ListRegisterEntriesRequest {
        on_date: day.to_owned(),
        ..of_case.clone()
    };
    assert_eq!(
        found(on("2024-12-31")).await.len(),
        3,
        "the last day counts"
    );
    assert_eq!(found(on("2025-01-01")).await.len(), 2);
    assert_eq!(found(on("2023-12-31")).await.len(), 0);
    let words = wire::ListRegisterEntriesRequest {
        query: "学校".to_owned(),
        ..Default::default()
    };
    assert_eq!(found(words).await, ["会所旁有学校"]);

    let end = |to: &str| wire::EndRegisterEntryRequest {
        name: school.name.clone(),
        valid_to: to.to_owned(),
        reason: "the school opened".to_owned(),
        ..Default::default()
    };
    let ended = world
        .register
        .end_register_entry(by(world.manager(), end("2026-05-28")))
        .await;
    assert_eq!(
        ended
            .expect("ended")
            .into_inner()
            .entry
            .expect("an entry")
            .valid_to,
        "2026-05-28"
    );
    let twice = world
        .register
        .end_register_entry(by(world.manager(), end("2026-05-29")))
        .await;
    assert_eq!(reason(&twice.expect_err("ended")), "REGISTER_ENTRY_ENDED");
}

#[tokio::test]
async fn section_10_the_show_flat_is_shown_to_who_handles_a_complaint_of_sales_or_quality() {
    let world = World::staffed().await;
    let add = async |kind: wire::RegisterKind, stated_otherwise: &str| {
        let request = wire::CreateRegisterEntryRequest {
            parent: SITE.to_owned(),
            kind: kind.into(),
            text: "实木地板".to_owned(),
            source: "样板间照片".to_owned(),
            valid_from: "2024-01-01".to_owned(),
            show_flat: true,
            stated_otherwise: stated_otherwise.to_owned(),
            ..Default::default()
        };
        let ask = by(world.manager(), request);
        let answer = world.register.create_register_entry(ask).await?;
        Ok::<_, Status>(answer.into_inner().entry.expect("an entry"))
    };
    let fact = add(wire::RegisterKind::AdverseFact, "").await;
    assert_eq!(field(&fact.expect_err("no fact")), "show_flat");
    let promise = wire::RegisterKind::SalesPromise;
    let binds = add(promise, "").await.expect("added");
    assert!(binds.show_flat && binds.stated_otherwise.is_empty());
    add(promise, "合同附件三").await.expect("added");

    for (category, shown) in [
        (Category::SalesManagement, 2),
        (Category::EngineeringQuality, 2),
        (Category::RepairService, 0),
    ] {
        let case = world.offered(category).await;
        let work = world.try_get(world.manager(), &case).await.expect("there");
        let entries = work.register_entries;
        assert_eq!(entries.len(), shown, "{category}");
        assert!(
            entries
                .iter()
                .all(|e| e.show_flat && e.source == "样板间照片")
        );
        let binding = entries.iter().filter(|e| e.stated_otherwise.is_empty());
        assert_eq!(binding.count(), shown / 2, "{category}");
    }
}

#[tokio::test]
async fn a_deadline_six_years_ahead_is_a_mistyped_year() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let far = wire_time(world.at(6 * 366));

    let mut request = world.transfer_of(&case, "GD-8");
    request.due_time = far;
    let refused = world
        .transfers
        .record_transfer(by(world.manager(), request))
        .await
        .expect_err("no office gives so long");
    assert_eq!(field(&refused), "due_time");

    let transfer = world.transfer(&case, "GD-8").await.expect("recorded");
    let asked = TransferStep::ExtensionRequested(wire::ExtensionRequested {
        wished_due_time: far,
    });
    let refused = world.transfer_step(&transfer, asked).await;
    assert_eq!(
        field(&refused.expect_err("nor is asked for so long")),
        "extension_requested.wished_due_time"
    );

    let request = wire::PlaceOrderRequest {
        case: case.to_string(),
        contractor: world.contractor(0).await.expect("a contractor").name,
        scope: "seal the roof".to_owned(),
        due_time: far,
        ..Default::default()
    };
    let refused = world
        .contractors
        .place_order(by(world.manager(), request))
        .await
        .expect_err("no repair takes so long");
    assert_eq!(field(&refused), "due_time");

    let mut terms = world.terms(0);
    terms.steps[0].due_time = far;
    let request = wire::ProposeSolutionRequest {
        parent: World::name_of(&case),
        terms: Some(terms),
        ..Default::default()
    };
    let refused = world
        .solutions
        .propose_solution(by(world.handler("eng-one"), request))
        .await
        .expect_err("no promise is for so long");
    assert_eq!(field(&refused), "terms.steps[0].due_time");
}

#[tokio::test]
async fn i2_a_retry_records_nothing_again_and_another_body_is_refused() {
    let world = World::staffed().await;
    let case = world.offered(Category::EngineeringQuality).await;
    let mut request = world.transfer_of(&case, "GD-7");
    request.request_id = "once".to_owned();
    let record = async |request: wire::RecordTransferRequest| {
        world
            .transfers
            .record_transfer(by(world.manager(), request))
            .await
    };
    let first = record(request.clone())
        .await
        .expect("recorded")
        .into_inner();
    let again = record(request.clone())
        .await
        .expect("the same")
        .into_inner();
    assert_eq!(first, again);
    assert_eq!(world.demands().await.len(), 1);
    request.office = "another".to_owned();
    let reused = record(request).await.expect_err("another body");
    assert_eq!(reused.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn whoever_is_complained_about_finds_no_matter_of_the_case() {
    let world = World::staffed().await;
    let case = world.new_case();
    let mut facts = world.facts(&case);
    facts.staff_complained_about = vec!["sites/lakeside/staff/seller".to_owned()];
    world.tell(&[world.received(facts)]).await;
    let transfer = world.transfer(&case, "GD-1").await.expect("recorded");
    let seller = || world.caller("lakeside", "manager", Some("seller"));
    let get = wire::GetTransferRequest {
        name: transfer.name,
    };
    let hidden = world
        .transfers
        .get_transfer(by(seller(), get.clone()))
        .await;
    assert_eq!(hidden.expect_err("hidden").code(), Code::NotFound);
    let list = wire::ListTransfersRequest {
        parent: SITE.to_owned(),
        ..Default::default()
    };
    let seen = async |caller| {
        let answer = world
            .transfers
            .list_transfers(by(caller, list.clone()))
            .await;
        answer.expect("listed").into_inner().transfers.len()
    };
    assert_eq!((seen(seller()).await, seen(world.manager()).await), (0, 1));

    let dispute = world.open_dispute(&case).await.expect("opened");
    let get = wire::GetDisputeRequest { name: dispute.name };
    let hidden = world.disputes.get_dispute(by(seller(), get)).await;
    assert_eq!(hidden.expect_err("hidden").code(), Code::NotFound);
    let list = wire::ListDisputesRequest {
        parent: SITE.to_owned(),
        ..Default::default()
    };
    let seen = async |caller| {
        let answer = world.disputes.list_disputes(by(caller, list.clone())).await;
        answer.expect("listed").into_inner().disputes.len()
    };
    assert_eq!((seen(seller()).await, seen(world.manager()).await), (0, 1));
}

#[tokio::test]
async fn decision_53_whoever_a_case_accuses_finds_no_settlement_of_its_cluster() {
    let world = World::staffed().await;
    let cluster = |n: u128| format!("{SITE}/clusters/{}", uuid::Uuid::from_u128(n));
    let case = world.new_case();
    let facts = event::CaseFacts {
        staff_complained_about: vec![format!("{SITE}/staff/seller")],
        ..world.facts(&case)
    };
    world.tell(&[world.received(facts)]).await;
    // It was of cluster 1, and is of 2 now.
    for n in [1, 2] {
        let graded = event::CaseGraded {
            case: case.to_string(),
            cluster: cluster(n),
            grade: 3,
            category: to_wire(Category::EngineeringQuality),
            revision: i64::try_from(n).expect("small"),
            epoch: 1,
            mode: 1,
            ..Default::default()
        };
        let subject = case.to_string();
        let graded = world.event("triage", "redress.case.graded.v1", &subject, &graded);
        world.tell(&[graded]).await;
    }
    let create = |caller: Caller, cluster: String| {
        let request = wire::CreateSettlementRequest {
            parent: SITE.to_owned(),
            cluster,
            title: "roof of building 3".to_owned(),
            terms: "the same for each".to_owned(),
            needed_percent: 67,
            ..Default::default()
        };
        world.settlements.create_settlement(by(caller, request))
    };
    let seller = || world.caller("lakeside", "manager", Some("seller"));
    let desk = || world.caller("lakeside", "manager", Some("desk"));
    for (of, hidden) in [
        (cluster(1), true),
        (cluster(2), true),
        (cluster(3), false),
        (String::new(), false),
    ] {
        let made = create(world.manager(), of.clone()).await.expect("created");
        let name = made.into_inner().settlement.expect("a settlement").name;
        for (caller, hidden) in [(seller(), hidden), (desk(), false)] {
            let get = wire::GetSettlementRequest { name: name.clone() };
            let got = world.settlements.get_settlement(by(caller, get)).await;
            assert_eq!(
                got.err().map(|s| s.code()),
                hidden.then_some(Code::NotFound),
                "{of}"
            );
        }
    }
    let seen = async |caller: Caller| {
        let list = wire::ListSettlementsRequest {
            parent: SITE.to_owned(),
            ..Default::default()
        };
        let answer = world.settlements.list_settlements(by(caller, list)).await;
        answer.expect("listed").into_inner().settlements.len()
    };
    assert_eq!((seen(seller()).await, seen(desk()).await), (2, 4));
    let refused = create(seller(), cluster(2)).await;
    assert_eq!(refused.expect_err("not there").code(), Code::NotFound);
}

#[tokio::test]
async fn i8_another_site_finds_and_changes_no_matter() {
    let world = World::staffed().await;
    world.learn(&site("riverside")).await;
    let case = world.offered(Category::EngineeringQuality).await;
    let transfer = world.transfer(&case, "GD-1").await.expect("recorded");
    let dispute = world.open_dispute(&case).await.expect("opened");
    world.unit(unit()).await.expect("written");
    let create = wire::CreateSettlementRequest {
        parent: SITE.to_owned(),
        title: "roof of building 3".to_owned(),
        terms: "the same for each".to_owned(),
        needed_percent: 67,
        households: vec![wire::HouseholdEntry {
            unit: "3-1".to_owned(),
            person_token: String::new(),
            answer: wire::HouseholdAnswer::Waiting.into(),
        }],
        ..Default::default()
    };
    let settlement = world
        .settlements
        .create_settlement(by(world.manager(), create))
        .await;
    let settlement = settlement.expect("created").into_inner().settlement;
    let stranger = || world.caller("riverside", "manager", None);
    let codes = [
        world
            .transfers
            .get_transfer(by(
                stranger(),
                wire::GetTransferRequest {
                    name: transfer.name.clone(),
                },
            ))
            .await
            .err(),
        world
            .transfers
            .record_transfer(by(stranger(), world.transfer_of(&case, "GD-2")))
            .await
            .err(),
        world
            .disputes
            .record_dispute_step(by(
                stranger(),
                wire::RecordDisputeStepRequest {
                    name: dispute.name.clone(),
                    step: Some(world.enter(wire::DisputeRung::Agreement, wire::DisputeSide::Ours)),
                    ..Default::default()
                },
            ))
            .await
            .err(),
        world
            .disputes
            .get_dispute(by(
                stranger(),
                wire::GetDisputeRequest { name: dispute.name },
            ))
            .await
            .err(),
        world
            .settlements
            .get_settlement(by(
                stranger(),
                wire::GetSettlementRequest {
                    name: settlement.expect("a settlement").name,
                },
            ))
            .await
            .err(),
        world
            .warranties
            .list_units(by(
                stranger(),
                wire::ListUnitsRequest {
                    parent: SITE.to_owned(),
                    ..Default::default()
                },
            ))
            .await
            .err(),
        world
            .warranties
            .list_warranty_rules(by(
                stranger(),
                wire::ListWarrantyRulesRequest {
                    parent: SITE.to_owned(),
                },
            ))
            .await
            .err(),
        world
            .warranties
            .explain_warranty(by(
                stranger(),
                wire::ExplainWarrantyRequest {
                    name: format!("{SITE}/units/3-1201"),
                    defect_class: 1,
                    report_date: "2026-05-28".to_owned(),
                },
            ))
            .await
            .err(),
    ];
    for status in codes {
        assert_eq!(status.expect("refused").code(), Code::NotFound);
    }
    let list = wire::ListTransfersRequest {
        parent: "sites/-".to_owned(),
        ..Default::default()
    };
    let seen = world
        .transfers
        .list_transfers(by(stranger(), list))
        .await
        .expect("empty")
        .into_inner();
    assert!(seen.transfers.is_empty());
    let list = wire::ListDisputesRequest {
        parent: "sites/-".to_owned(),
        ..Default::default()
    };
    let seen = world.disputes.list_disputes(by(stranger(), list)).await;
    assert!(seen.expect("empty").into_inner().disputes.is_empty());
    let list = wire::ListSettlementsRequest {
        parent: "sites/-".to_owned(),
        ..Default::default()
    };
    let seen = world.settlements.list_settlements(by(stranger(), list));
    let seen = seen.await.expect("empty").into_inner();
    assert!(seen.settlements.is_empty());
    assert_eq!(
        world.count("SELECT count(*) FROM assignment.matter").await,
        3
    );
}

#[tokio::test]
async fn the_history_of_a_matter_can_only_be_added_to() {
    let world = World::staffed().await;
    let can_change = "SELECT count(*) FROM information_schema.role_table_grants
                      WHERE table_schema = 'assignment' AND table_name = 'matter_step'
                        AND grantee IN ('redress_assignment_app', 'redress_assignment_worker')
                        AND privilege_type NOT IN ('SELECT', 'INSERT')";
    assert_eq!(world.count(can_change).await, 0);
}

#[tokio::test]
async fn i10_a_zero_character_is_bad_input() {
    let world = World::staffed().await;
    let create = wire::CreateSettlementRequest {
        parent: SITE.to_owned(),
        title: "roof\0".to_owned(),
        terms: "the same for each".to_owned(),
        needed_percent: 50,
        ..Default::default()
    };
    let refused = world
        .settlements
        .create_settlement(by(world.manager(), create))
        .await;
    assert_eq!(field(&refused.expect_err("no text")), "request");
}

#[tokio::test]
async fn m08_a_sales_dispute_is_read_against_the_promise_and_settled_before_a_third_party() {
    let world = World::staffed().await;
    let promise = wire::CreateRegisterEntryRequest {
        parent: SITE.to_owned(),
        kind: wire::RegisterKind::SalesPromise.into(),
        text: "车位按签约价".to_owned(),
        source: "sales brochure, page 3".to_owned(),
        valid_from: "2024-01-01".to_owned(),
        categories: vec![to_wire(Category::SalesManagement)],
        ..Default::default()
    };
    world
        .register
        .create_register_entry(by(world.manager(), promise))
        .await
        .expect("added");

    // The complaint comes, and what was promised is at hand for whoever answers it.
    let case = world.offered(Category::SalesManagement).await;
    let list = wire::ListRegisterEntriesRequest {
        parent: SITE.to_owned(),
        case: case.to_string(),
        on_date: "2026-05-28".to_owned(),
        ..Default::default()
    };
    let shown = world
        .register
        .list_register_entries(by(world.manager(), list))
        .await
        .expect("listed");
    assert_eq!(
        shown.into_inner().entries[0].source,
        "sales brochure, page 3"
    );

    // The talks fail, a neutral mediates, and the sides settle: no court, no clock of a court.
    use wire::{DisputeRung as Rung, DisputeSide as Side, RungOutcome as Outcome};
    let dispute = world.open_dispute(&case).await.expect("opened");
    world
        .dispute_step(&dispute, world.enter(Rung::Agreement, Side::Ours))
        .await
        .expect("talks");
    world
        .dispute_step(&dispute, world.leave(Outcome::Failed))
        .await
        .expect("failed");
    world
        .dispute_step(&dispute, world.enter(Rung::Mediation, Side::Complainant))
        .await
        .expect("mediated");
    let decided = world
        .dispute_step(&dispute, world.leave(Outcome::Decided))
        .await
        .expect_err("nobody decides");
    assert_eq!(reason(&decided), "ILLEGAL_DISPUTE_STEP");
    let ended = world
        .dispute_step(&dispute, world.leave(Outcome::Settled))
        .await
        .expect("settled");
    assert_eq!(ended.state(), wire::DisputeState::Ended);
    assert_eq!(ended.stages[1].result, "as recorded");
    let begun: Vec<event::DisputeBegun> = world.said("redress.dispute.begun.v1").await;
    assert!(begun.is_empty() && world.demands().await.is_empty());
}
