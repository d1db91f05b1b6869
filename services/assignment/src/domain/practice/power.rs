//! Powers of whoever supervises (M13): evidence that a person of the site brings by a time, and handling that is ordered with a
//! deadline. Both are promises on the case, each with a clock of its own.

use jiff::{SignedDuration, Timestamp};
use redress_model::name::{DepartmentId, StaffId};
use redress_model::words;
use redress_model::words::ClockKind;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Demand, DemandState, Effect, Matter, Refused};

words! {
    /// How far a request for evidence is.
    EvidenceState, "EVIDENCE_REQUEST_STATE_" {
        /// Asked for.
        Asked = 1 => "ASKED",
        /// Brought.
        Brought = 2 => "BROUGHT",
        /// Not needed any more.
        Withdrawn = 3 => "WITHDRAWN",
    }
}

/// What somebody is to bring, and by when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceRequest {
    /// What is needed.
    pub what: String,
    /// Who brings it.
    pub staff: StaffId,
    /// The department that was asked; none where the person was.
    pub department: Option<DepartmentId>,
    /// When it was asked for.
    pub asked: Timestamp,
    /// By when.
    pub due: Timestamp,
    /// Who asked: a token subject.
    pub asker: String,
    /// How far it is.
    pub state: EvidenceState,
    /// The piece that was brought.
    pub evidence: Option<Uuid>,
}

/// What may happen to a request for evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EvidenceStep {
    /// Asked for.
    Asked,
    /// The case accuses who was asked: somebody else brings it.
    PassedOn(StaffId),
    /// This piece was brought.
    Brought(Uuid),
    /// Not needed any more.
    Withdrawn,
}

impl EvidenceRequest {
    fn demand(&self, id: Uuid, state: DemandState) -> Effect {
        let party = self.department.as_ref().map(ToString::to_string);
        demand(id, state, self.asked, self.due, party.unwrap_or_default())
    }

    fn expect_open(&self) -> Result<(), Refused> {
        if self.state == EvidenceState::Asked {
            return Ok(());
        }
        Err(Refused::State {
            reason: "EVIDENCE_REQUEST_ENDED",
            legal: format!("the request is {}; legal now: ask anew", self.state),
        })
    }
}

impl Matter for EvidenceRequest {
    const KIND: &'static str = "EVIDENCE_REQUEST";
    const COLLECTION: &'static str = "evidenceRequests";
    const TYPE: &'static str = "EvidenceRequest";
    type Step = EvidenceStep;

    fn record(
        &mut self,
        id: Uuid,
        step: &EvidenceStep,
        at: Timestamp,
    ) -> Result<Vec<Effect>, Refused> {
        self.expect_open()?;
        match step {
            EvidenceStep::Asked => {
                ahead(self.due, at)?;
                Ok(vec![self.demand(id, DemandState::Open)])
            }
            EvidenceStep::PassedOn(staff) => {
                self.staff = staff.clone();
                Ok(Vec::new())
            }
            EvidenceStep::Brought(piece) => {
                self.state = EvidenceState::Brought;
                self.evidence = Some(*piece);
                Ok(vec![self.demand(id, DemandState::Met(at))])
            }
            EvidenceStep::Withdrawn => {
                self.state = EvidenceState::Withdrawn;
                Ok(vec![self.demand(id, DemandState::Cancelled)])
            }
        }
    }

    fn word(step: &EvidenceStep) -> &'static str {
        match step {
            EvidenceStep::Asked => "ASKED",
            EvidenceStep::PassedOn(_) => "PASSED_ON",
            EvidenceStep::Brought(_) => "BROUGHT",
            EvidenceStep::Withdrawn => "WITHDRAWN",
        }
    }

    fn is_ended(&self) -> bool {
        self.state != EvidenceState::Asked
    }
}

words! {
    /// How far ordered handling is.
    HandlingOrderState, "HANDLING_ORDER_STATE_" {
        /// It runs.
        Ordered = 1 => "ORDERED",
        /// The case was resolved.
        Met = 2 => "MET",
        /// Whoever ordered it lifted it.
        Lifted = 3 => "LIFTED",
    }
}

/// The next report of progress that an order waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The id of its clock.
    pub id: Uuid,
    /// From when on.
    pub since: Timestamp,
    /// By when.
    pub due: Timestamp,
}

/// Handling that somebody who supervises ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandlingOrder {
    /// Why.
    pub reason: String,
    /// When it was ordered.
    pub ordered: Timestamp,
    /// By when the case has to be resolved.
    pub due: Timestamp,
    /// Who ordered: a token subject.
    pub orderer: String,
    /// The same as a person of the site; none where they are none.
    pub orderer_staff: Option<StaffId>,
    /// Progress has to be reported so often, in hours; none: the deadline alone counts.
    pub report_hours: Option<u16>,
    /// The report that is due next.
    pub report: Option<Report>,
    /// When it was told that the deadline had passed.
    pub overdue: Option<Timestamp>,
    /// How far it is.
    pub state: HandlingOrderState,
}

/// What may happen to ordered handling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandlingOrderStep {
    /// Ordered; the first report, where reports are asked for, has a clock of this id.
    Ordered(Uuid),
    /// Progress was logged; the next report has a clock of this id.
    Reported(Uuid),
    /// The deadline passed: whoever ordered it is told.
    Overdue,
    /// The case was resolved.
    Met,
    /// Whoever ordered it lifted it.
    Lifted,
}

impl HandlingOrder {
    /// Whether its deadline has passed and who ordered it was not told.
    pub fn is_overdue(&self, at: Timestamp) -> bool {
        self.state == HandlingOrderState::Ordered && self.overdue.is_none() && self.due <= at
    }

    fn demand(&self, id: Uuid, state: DemandState) -> Effect {
        demand(id, state, self.ordered, self.due, String::new())
    }

    /// Ends the report that is waited for.
    fn end_report(&mut self, state: DemandState) -> Option<Effect> {
        let report = self.report.take()?;
        let (since, due) = (report.since, report.due);
        Some(demand(report.id, state, since, due, String::new()))
    }

    /// Waits for the next report, where reports are asked for and one falls before the deadline.
    fn await_report(&mut self, id: Uuid, since: Timestamp) -> Option<Effect> {
        let length = SignedDuration::from_hours(i64::from(self.report_hours?));
        let due = since.checked_add(length).ok()?;
        if due >= self.due {
            return None;
        }
        self.report = Some(Report { id, since, due });
        let open = DemandState::Open;
        Some(demand(id, open, since, due, String::new()))
    }
}

impl Matter for HandlingOrder {
    const KIND: &'static str = "HANDLING_ORDER";
    const COLLECTION: &'static str = "handlingOrders";
    const TYPE: &'static str = "HandlingOrder";
    type Step = HandlingOrderStep;

    fn record(
        &mut self,
        id: Uuid,
        step: &HandlingOrderStep,
        at: Timestamp,
    ) -> Result<Vec<Effect>, Refused> {
        if self.state != HandlingOrderState::Ordered {
            return Err(Refused::State {
                reason: "HANDLING_ORDER_ENDED",
                legal: format!("the order is {}; legal now: order anew", self.state),
            });
        }
        match *step {
            HandlingOrderStep::Ordered(report) => {
                ahead(self.due, at)?;
                let mut effects = vec![self.demand(id, DemandState::Open)];
                effects.extend(self.await_report(report, at));
                Ok(effects)
            }
            HandlingOrderStep::Reported(next) => {
                let mut effects = Vec::from_iter(self.end_report(DemandState::Met(at)));
                effects.extend(self.await_report(next, at));
                Ok(effects)
            }
            HandlingOrderStep::Overdue => {
                self.overdue = Some(at);
                Ok(Vec::new())
            }
            HandlingOrderStep::Met => {
                self.state = HandlingOrderState::Met;
                let mut effects = vec![self.demand(id, DemandState::Met(at))];
                effects.extend(self.end_report(DemandState::Met(at)));
                Ok(effects)
            }
            HandlingOrderStep::Lifted => {
                self.state = HandlingOrderState::Lifted;
                let mut effects = vec![self.demand(id, DemandState::Cancelled)];
                effects.extend(self.end_report(DemandState::Cancelled));
                Ok(effects)
            }
        }
    }

    fn word(step: &HandlingOrderStep) -> &'static str {
        match step {
            HandlingOrderStep::Ordered(_) => "ORDERED",
            HandlingOrderStep::Reported(_) => "REPORTED",
            HandlingOrderStep::Overdue => "OVERDUE",
            HandlingOrderStep::Met => "MET",
            HandlingOrderStep::Lifted => "LIFTED",
        }
    }

    fn is_ended(&self) -> bool {
        self.state != HandlingOrderState::Ordered
    }
}

fn ahead(due: Timestamp, at: Timestamp) -> Result<(), Refused> {
    if due <= at {
        return Err(Refused::value("due_time", "must lie ahead"));
    }
    Ok(())
}

/// What somebody inside owes is help on the case, as triage counts it: a clock `SUPPORT` of its own.
fn demand(id: Uuid, state: DemandState, start: Timestamp, due: Timestamp, party: String) -> Effect {
    Effect::Demand(Demand {
        id,
        kind: ClockKind::Support,
        state,
        start,
        due: Some(due),
        granted: None,
        party,
        outside_number: String::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::at;
    use super::*;

    const ORDER: Uuid = Uuid::from_u128(1);

    /// An order of the first of June until the third.
    fn order(report_hours: Option<u16>) -> HandlingOrder {
        HandlingOrder {
            reason: "nobody called back".to_owned(),
            ordered: at("2026-06-01T00:00:00Z"),
            due: at("2026-06-03T00:00:00Z"),
            orderer: "region".to_owned(),
            orderer_staff: None,
            report_hours,
            report: None,
            overdue: None,
            state: HandlingOrderState::Ordered,
        }
    }

    fn told(effects: &[Effect]) -> Vec<(Uuid, DemandState, Option<Timestamp>)> {
        let demand = |effect: &Effect| match effect {
            Effect::Demand(demand) => (demand.id, demand.state, demand.due),
            Effect::Litigation { .. } => panic!("no lawsuit"),
        };
        effects.iter().map(demand).collect()
    }

    #[test]
    fn m13_an_order_is_met_by_the_resolution_and_ends_once() {
        let mut order = order(None);
        let begun = order.record(
            ORDER,
            &HandlingOrderStep::Ordered(Uuid::from_u128(2)),
            order.ordered,
        );
        let begun = told(&begun.expect("ordered"));
        assert_eq!(begun, [(ORDER, DemandState::Open, Some(order.due))]);
        let resolved = at("2026-06-02T00:00:00Z");
        let ended = order.record(ORDER, &HandlingOrderStep::Met, resolved);
        let ended = told(&ended.expect("met"));
        assert_eq!(
            ended,
            [(ORDER, DemandState::Met(resolved), Some(order.due))]
        );
        let again = order.record(ORDER, &HandlingOrderStep::Lifted, resolved);
        assert!(format!("{again:?}").contains("the order is MET"));
    }

    #[test]
    fn m13_each_report_of_progress_meets_its_clock_and_starts_the_next_before_the_deadline() {
        let mut order = order(Some(20));
        let ids = [2, 3, 4].map(Uuid::from_u128);
        let mut report = |step, time: &str| {
            let effects = order.record(ORDER, &step, at(time));
            told(&effects.expect("recorded"))
        };
        let first = at("2026-06-01T20:00:00Z");
        let begun = report(HandlingOrderStep::Ordered(ids[0]), "2026-06-01T00:00:00Z");
        assert_eq!(begun[1], (ids[0], DemandState::Open, Some(first)));
        let early = at("2026-06-01T10:00:00Z");
        let next = report(HandlingOrderStep::Reported(ids[1]), "2026-06-01T10:00:00Z");
        assert_eq!(
            next,
            [
                (ids[0], DemandState::Met(early), Some(first)),
                (ids[1], DemandState::Open, Some(at("2026-06-02T06:00:00Z"))),
            ]
        );
        // The one after would be due with the order itself, or later.
        let last = report(HandlingOrderStep::Reported(ids[2]), "2026-06-02T04:00:00Z");
        assert_eq!(last.len(), 1, "{last:?}");
    }

    #[test]
    fn m13_an_order_is_overdue_from_its_deadline_on_and_told_once() {
        let mut order = order(None);
        let due = order.due;
        assert!(!order.is_overdue(due - SignedDuration::from_nanos(1)));
        assert!(order.is_overdue(due));
        let told = order.record(ORDER, &HandlingOrderStep::Overdue, due);
        assert!(told.expect("told").is_empty(), "its clock breached already");
        assert!(!order.is_overdue(due));
    }

    #[test]
    fn m13_evidence_is_brought_once_and_after_that_asked_for_anew() {
        let asked = at("2026-06-01T00:00:00Z");
        let mut request = EvidenceRequest {
            what: "the acceptance record".to_owned(),
            staff: "seller".parse().expect("a slug"),
            department: None,
            asked,
            due: at("2026-06-02T00:00:00Z"),
            asker: "li".to_owned(),
            state: EvidenceState::Asked,
            evidence: None,
        };
        let mut late = request.clone();
        late.due = asked;
        let refused = late.record(ORDER, &EvidenceStep::Asked, asked);
        assert!(refused.is_err(), "a time that lies ahead");
        let piece = Uuid::from_u128(9);
        let brought = request.record(ORDER, &EvidenceStep::Brought(piece), asked);
        let brought = told(&brought.expect("brought"));
        assert_eq!(brought[0].1, DemandState::Met(asked));
        assert_eq!(request.evidence, Some(piece));
        assert!(
            request
                .record(ORDER, &EvidenceStep::Withdrawn, asked)
                .is_err()
        );
    }
}
