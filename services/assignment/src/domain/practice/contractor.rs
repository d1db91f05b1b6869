//! Contractors and what they are ordered to do. A default is repaired by another at the cost of the first: from what is
//! left of the retention while its liability runs, the rest as recourse (M01).

use jiff::civil::Date;
use jiff::tz::{self, TimeZone};
use jiff::{Timestamp, ToSpan as _};
use redress_model::words;
use redress_model::words::ClockKind;
use redress_policy::Practice;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::checklist::Checklist;
use super::law::DefectClass;
use super::{Demand, DemandState, Effect, Matter, Refused};

/// A company that built something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contractor {
    /// The company.
    pub display_name: String,
    /// What it built.
    pub classes: Vec<DefectClass>,
    /// The settled sum.
    pub contract_sum: Decimal,
    /// What was retained of it.
    pub retention: Decimal,
    /// What of the retention was used.
    pub used: Decimal,
    /// Completion acceptance of its works.
    pub accepted: Date,
    /// Months of liability.
    pub liability_months: u16,
}

/// What may happen to a contractor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContractorStep {
    /// Registered; a retention may be so many percent of the sum at most.
    Registered {
        /// Percent at most.
        percent_max: u32,
        /// Months of liability at most.
        months_max: u16,
    },
    /// So much of a replacement's cost is taken from the retention.
    Charged(Decimal),
}

impl ContractorStep {
    /// Registered where this is the practice.
    pub fn registered(practice: &Practice) -> Self {
        Self::Registered {
            percent_max: practice.retention_percent_max,
            months_max: practice.liability_months_max,
        }
    }
}

impl Contractor {
    /// The last day of its liability with the retention.
    pub fn liable_until(&self) -> Option<Date> {
        self.accepted
            .checked_add(i64::from(self.liability_months).months())
            .ok()
    }

    /// What is left of the retention.
    pub fn left(&self) -> Decimal {
        self.retention - self.used
    }

    /// What of a cost the retention pays at an instant.
    pub fn pays(&self, cost: Decimal, at: Timestamp) -> Decimal {
        // The mainland has one zone, and no other day begins in the middle of its day.
        let today = at.to_zoned(TimeZone::fixed(tz::offset(8))).date();
        if self.liable_until().is_some_and(|last| today <= last) {
            cost.min(self.left())
        } else {
            Decimal::ZERO
        }
    }
}

impl Matter for Contractor {
    const KIND: &'static str = "CONTRACTOR";
    const COLLECTION: &'static str = "contractors";
    const TYPE: &'static str = "Contractor";
    type Step = ContractorStep;

    fn record(
        &mut self,
        _: Uuid,
        step: &ContractorStep,
        _: Timestamp,
    ) -> Result<Vec<Effect>, Refused> {
        match *step {
            ContractorStep::Registered {
                percent_max,
                months_max,
            } => {
                if self.retention * Decimal::ONE_HUNDRED
                    > self.contract_sum * Decimal::from(percent_max)
                {
                    return Err(Refused::value(
                        "retention",
                        format!("must be at most {percent_max} % of contract_sum"),
                    ));
                }
                if self.liability_months > months_max {
                    return Err(Refused::value(
                        "liability_months",
                        format!("must be at most {months_max}"),
                    ));
                }
            }
            ContractorStep::Charged(amount) => self.used += amount.min(self.left()),
        }
        Ok(Vec::new())
    }

    fn word(step: &ContractorStep) -> &'static str {
        match step {
            ContractorStep::Registered { .. } => "REGISTERED",
            ContractorStep::Charged(_) => "CHARGED",
        }
    }

    fn is_ended(&self) -> bool {
        false
    }
}

words! {
    /// How far an order is.
    OrderState, "CONTRACTOR_ORDER_STATE_" {
        /// Ordered.
        Ordered = 1 => "ORDERED",
        /// Done.
        Done = 2 => "DONE",
        /// The contractor does not do it.
        Defaulted = 3 => "DEFAULTED",
        /// Another did it at its cost.
        Charged = 4 => "CHARGED",
        /// Nobody needs it any more.
        Cancelled = 5 => "CANCELLED",
    }
}

/// What a contractor is to repair for a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The contractor.
    pub contractor: Uuid,
    /// Its name, which the clock shows.
    pub party: String,
    /// What is to be done.
    pub scope: String,
    /// When it was placed.
    pub placed: Timestamp,
    /// By when.
    pub due: Timestamp,
    /// How far it is.
    pub state: OrderState,
    /// The defaulted order that this one stands in for.
    pub replaces: Option<Uuid>,
    /// What the replacement cost.
    pub cost: Decimal,
    /// What of it the retention paid.
    pub from_retention: Decimal,
    /// What of the recourse came in.
    pub recovered: Decimal,
    /// What is done beside the repair itself.
    #[serde(default)]
    pub checklist: Checklist,
}

/// What may happen to an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderStep {
    /// Placed.
    Placed,
    /// Items of the checklist were done.
    Checked {
        /// Which, from 1.
        items: Vec<usize>,
        /// Who says so: a token subject.
        by: String,
    },
    /// Done.
    Done {
        /// Somebody says why, where items of the checklist are open.
        reasoned: bool,
    },
    /// The contractor does not do it.
    Defaulted,
    /// Another did it at this cost, of which the retention pays a part.
    Charged {
        /// The cost.
        cost: Decimal,
        /// What the retention pays.
        from_retention: Decimal,
        /// Whether an order in the place of this one is done.
        replaced: bool,
    },
    /// Part of the recourse came in.
    Recovered(Decimal),
    /// Nobody needs it any more.
    Cancelled,
}

impl Order {
    /// What is claimed back from the contractor.
    pub fn recourse(&self) -> Decimal {
        self.cost - self.from_retention
    }

    /// Whether another may be ordered in its place.
    ///
    /// # Errors
    /// What is legal.
    pub fn may_be_replaced(&self) -> Result<(), Refused> {
        self.expect(
            OrderState::Defaulted,
            "record the default first, then order another",
        )
    }

    /// Whether it stands in for another order, and is done.
    pub fn has_replaced(&self, id: Uuid) -> bool {
        self.replaces == Some(id) && self.state == OrderState::Done
    }

    fn demand(&self, id: Uuid, state: DemandState) -> Vec<Effect> {
        vec![Effect::Demand(Demand {
            id,
            kind: ClockKind::Support,
            state,
            start: self.placed,
            due: Some(self.due),
            granted: None,
            party: self.party.clone(),
            outside_number: String::new(),
        })]
    }

    fn expect(&self, state: OrderState, legal: &str) -> Result<(), Refused> {
        if self.state == state {
            return Ok(());
        }
        Err(Refused::State {
            reason: "ILLEGAL_ORDER_STEP",
            legal: format!("the order is {}; {legal}", self.state),
        })
    }
}

impl Matter for Order {
    const KIND: &'static str = "ORDER";
    const COLLECTION: &'static str = "orders";
    const TYPE: &'static str = "ContractorOrder";
    // It promises a repair and what it costs.
    const TAKES_PART: bool = true;
    type Step = OrderStep;

    fn record(
        &mut self,
        id: Uuid,
        step: &OrderStep,
        at: Timestamp,
    ) -> Result<Vec<Effect>, Refused> {
        let ordered =
            "only an order that is ORDERED is checked, done, cancelled or goes into default";
        match *step {
            OrderStep::Placed => {
                if self.due <= at {
                    return Err(Refused::value("due_time", "must lie ahead"));
                }
                Ok(self.demand(id, DemandState::Open))
            }
            OrderStep::Checked { ref items, ref by } => {
                self.expect(OrderState::Ordered, ordered)?;
                self.checklist.tick(items, by, at)?;
                Ok(Vec::new())
            }
            OrderStep::Done { reasoned } => {
                self.expect(OrderState::Ordered, ordered)?;
                self.checklist.expect_done(reasoned)?;
                self.state = OrderState::Done;
                Ok(self.demand(id, DemandState::Met(at)))
            }
            OrderStep::Cancelled => {
                self.expect(OrderState::Ordered, ordered)?;
                self.state = OrderState::Cancelled;
                Ok(self.demand(id, DemandState::Cancelled))
            }
            OrderStep::Defaulted => {
                self.expect(OrderState::Ordered, ordered)?;
                self.state = OrderState::Defaulted;
                // The one who stands in gets a clock of its own.
                Ok(self.demand(id, DemandState::Cancelled))
            }
            OrderStep::Charged {
                cost,
                from_retention,
                replaced,
            } => {
                self.expect(OrderState::Defaulted, "only an order in default is charged")?;
                if !replaced {
                    // Nobody pays for what nobody did.
                    return Err(Refused::State {
                        reason: "ILLEGAL_ORDER_STEP",
                        legal: "no order in its place is done; order another with `replaces` and record it DONE first"
                            .to_owned(),
                    });
                }
                if cost.is_zero() {
                    return Err(Refused::value("charged.cost", "must be above 0"));
                }
                (self.cost, self.from_retention) = (cost, from_retention);
                self.state = OrderState::Charged;
                Ok(Vec::new())
            }
            OrderStep::Recovered(amount) => {
                self.expect(OrderState::Charged, "only what was charged is recovered")?;
                if amount.is_zero() || self.recovered + amount > self.recourse() {
                    return Err(Refused::value(
                        "recovered.amount",
                        "must be above 0 and at most what is left of the recourse",
                    ));
                }
                self.recovered += amount;
                Ok(Vec::new())
            }
        }
    }

    fn word(step: &OrderStep) -> &'static str {
        match step {
            OrderStep::Placed => "PLACED",
            OrderStep::Checked { .. } => "CHECKED",
            OrderStep::Done { .. } => "DONE",
            OrderStep::Defaulted => "DEFAULTED",
            OrderStep::Charged { .. } => "CHARGED",
            OrderStep::Recovered(_) => "RECOVERED",
            OrderStep::Cancelled => "CANCELLED",
        }
    }

    fn is_ended(&self) -> bool {
        matches!(self.state, OrderState::Done | OrderState::Cancelled)
    }

    fn tags(&self) -> Vec<String> {
        vec![format!("contractor={}", self.contractor)]
    }
}

#[cfg(test)]
mod tests {
    use super::super::at;
    use super::*;

    fn contractor(sum: i64, retention: &str) -> Contractor {
        Contractor {
            display_name: "Builders".to_owned(),
            classes: vec![DefectClass::Roof],
            contract_sum: Decimal::from(sum),
            retention: retention.parse().expect("an amount"),
            used: Decimal::ZERO,
            accepted: "2024-05-28".parse().expect("a day"),
            liability_months: 24,
        }
    }

    fn register(mut contractor: Contractor) -> Result<Vec<Effect>, Refused> {
        let step = ContractorStep::registered(&Practice::default());
        contractor.record(Uuid::nil(), &step, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn three_percent_may_be_retained_and_a_fen_more_may_not() {
        assert!(register(contractor(1_000_000, "30000.00")).is_ok());
        let over = register(contractor(1_000_000, "30000.01")).expect_err("too much");
        assert!(matches!(
            over,
            Refused::Value {
                field: "retention",
                ..
            }
        ));
    }

    #[test]
    fn liability_of_two_years_may_be_agreed_and_a_month_more_may_not() {
        let mut long = contractor(1_000_000, "1");
        long.liability_months = 25;
        let over = register(long).expect_err("too long");
        assert!(matches!(
            over,
            Refused::Value {
                field: "liability_months",
                ..
            }
        ));
    }

    #[test]
    fn the_retention_pays_to_the_last_day_of_liability_and_as_far_as_it_goes() {
        let mut contractor = contractor(1_000_000, "30000");
        let cost = Decimal::from(20_000);
        // 2026-05-28 in China ends at 16:00 UTC.
        assert_eq!(contractor.pays(cost, at("2026-05-28T15:59:59Z")), cost);
        assert_eq!(
            contractor.pays(cost, at("2026-05-28T16:00:00Z")),
            Decimal::ZERO
        );
        let step = ContractorStep::Charged(cost);
        contractor
            .record(Uuid::nil(), &step, Timestamp::UNIX_EPOCH)
            .expect("charged");
        assert_eq!(
            contractor.pays(cost, at("2026-05-01T00:00:00Z")),
            Decimal::from(10_000)
        );
    }

    #[test]
    fn a_default_is_charged_once_and_recovered_up_to_the_recourse() {
        let now = at("2026-05-28T01:00:00Z");
        let mut order = Order {
            contractor: Uuid::nil(),
            party: "Builders".to_owned(),
            scope: "roof".to_owned(),
            placed: now,
            due: at("2026-06-01T01:00:00Z"),
            state: OrderState::Ordered,
            replaces: None,
            cost: Decimal::ZERO,
            from_retention: Decimal::ZERO,
            recovered: Decimal::ZERO,
            checklist: Checklist::default(),
        };
        let mut step = |step| order.record(Uuid::nil(), &step, now);
        let charged = |replaced| OrderStep::Charged {
            cost: Decimal::from(100),
            from_retention: Decimal::from(60),
            replaced,
        };
        let charge = charged(true);
        assert!(step(charge.clone()).is_err(), "no default yet");
        let effects = step(OrderStep::Defaulted).expect("in default");
        assert!(matches!(&effects[..], [Effect::Demand(d)] if d.state == DemandState::Cancelled));
        assert!(step(OrderStep::Done { reasoned: true }).is_err());
        let refused = step(charged(false)).expect_err("nobody did it in its place");
        assert!(format!("{refused:?}").contains("record it DONE first"));
        step(charge.clone()).expect("charged");
        assert!(step(charge).is_err(), "once");
        assert!(step(OrderStep::Recovered(Decimal::from(41))).is_err());
        assert!(step(OrderStep::Recovered(Decimal::from(40))).is_ok());
        assert!(step(OrderStep::Recovered(Decimal::ONE)).is_err());
    }
}
