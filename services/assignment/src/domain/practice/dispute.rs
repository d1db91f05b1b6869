//! The dispute ladder (M04): agreement, mediation, arbitration or a court. We never skip a rung (M06: mediation first);
//! the complainant may. What came before a court or an arbitration body is signal LITIGATION (G1.5), whose clock is the
//! defence; each decision of a court has an appeal clock of its own.

use jiff::{SignedDuration, Timestamp};
use redress_model::words;
use redress_model::words::ClockKind;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Demand, DemandState, Effect, Matter, Refused, derived};

words! {
    /// The rungs.
    Rung, "DISPUTE_RUNG_" {
        /// The two sides talk.
        Agreement = 1 => "AGREEMENT",
        /// A neutral mediates.
        Mediation = 2 => "MEDIATION",
        /// An arbitration body decides.
        Arbitration = 3 => "ARBITRATION",
        /// A court decides.
        Litigation = 4 => "LITIGATION",
    }
}

impl Rung {
    /// Whether somebody else decides on it.
    fn is_decided(self) -> bool {
        matches!(self, Self::Arbitration | Self::Litigation)
    }

    /// The rung that has to have failed before we go to this one.
    fn before(self) -> Option<Self> {
        match self {
            Self::Agreement => None,
            Self::Mediation => Some(Self::Agreement),
            Self::Arbitration | Self::Litigation => Some(Self::Mediation),
        }
    }
}

words! {
    /// Which side brought it to a rung.
    Side, "DISPUTE_SIDE_" {
        /// We did.
        Ours = 1 => "OURS",
        /// The complainant did.
        Complainant = 2 => "COMPLAINANT",
    }
}

words! {
    /// How a rung ended.
    Outcome, "RUNG_OUTCOME_" {
        /// The sides settled.
        Settled = 1 => "SETTLED",
        /// Nothing came of it: the next rung is open.
        Failed = 2 => "FAILED",
        /// A decision that binds.
        Decided = 3 => "DECIDED",
        /// Withdrawn by whoever brought it.
        Withdrawn = 4 => "WITHDRAWN",
    }
}

words! {
    /// How far a dispute is.
    State, "DISPUTE_STATE_" {
        /// On no rung, or between two.
        Open = 1 => "OPEN",
        /// On a rung.
        OnARung = 2 => "ON_A_RUNG",
        /// A court decided; it can be appealed.
        Appealable = 3 => "APPEALABLE",
        /// Ended.
        Ended = 4 => "ENDED",
    }
}

/// One rung that a dispute went to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// Which.
    pub rung: Rung,
    /// Before whom.
    pub body: String,
    /// That body's own number.
    pub outside_number: String,
    /// Who brought it there.
    pub side: Side,
    /// Our counsel: a firm.
    pub counsel: String,
    /// When it began.
    pub start: Timestamp,
    /// When and how it ended.
    pub end: Option<(Timestamp, Outcome)>,
    /// The result in words.
    pub result: String,
    /// Our defence is filed, or none is due.
    pub defended: bool,
}

/// A decision that can be appealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// A ruling rather than a judgment.
    pub ruling: bool,
    /// When it was served.
    pub served: Timestamp,
    /// When we appealed or decided not to.
    pub answered: Option<Timestamp>,
}

/// A report to the police (M06).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoliceReport {
    /// When the violation was found.
    pub found: Timestamp,
    /// By when it is reported.
    pub due: Timestamp,
    /// When it was.
    pub reported: Option<Timestamp>,
    /// The police's own number.
    pub number: String,
}

/// A dispute about a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dispute {
    /// What it is about.
    pub subject: String,
    /// How far it is.
    pub state: State,
    /// The rungs, oldest first.
    pub stages: Vec<Stage>,
    /// The decisions of courts, oldest first.
    pub decisions: Vec<Decision>,
    /// The report to the police.
    pub police: Option<PoliceReport>,
}

/// What may happen to a dispute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// It is opened.
    Opened,
    /// It goes to a rung.
    Entered {
        /// Which.
        rung: Rung,
        /// Before whom.
        body: String,
        /// That body's own number.
        outside_number: String,
        /// Who brings it there.
        side: Side,
        /// Our counsel.
        counsel: String,
        /// When it began.
        start: Timestamp,
    },
    /// A rung ended.
    Left {
        /// How.
        outcome: Outcome,
        /// When.
        end: Timestamp,
        /// The result in words.
        result: String,
    },
    /// Our defence is filed.
    Defended(Timestamp),
    /// A court decided.
    Decided {
        /// A ruling rather than a judgment.
        ruling: bool,
        /// When it was served.
        served: Timestamp,
    },
    /// We appealed, or decided not to.
    Answered {
        /// We appealed.
        appealed: bool,
        /// When.
        when: Timestamp,
    },
    /// A grave violation was found; it is reported within so many hours.
    Violation {
        /// When.
        found: Timestamp,
        /// Hours to report it.
        hours: u16,
    },
    /// It was reported to the police.
    Reported {
        /// The police's own number.
        number: String,
        /// When.
        when: Timestamp,
    },
}

fn illegal(legal: impl Into<String>) -> Refused {
    Refused::State {
        reason: "ILLEGAL_DISPUTE_STEP",
        legal: legal.into(),
    }
}

const STAGE: u128 = 1;
const APPEAL: u128 = 2;
const POLICE: u128 = 3;

impl Dispute {
    /// A dispute that begins.
    pub fn new(subject: String) -> Self {
        Self {
            subject,
            state: State::Open,
            stages: Vec::new(),
            decisions: Vec::new(),
            police: None,
        }
    }

    /// The rung that it is on.
    fn current(&self) -> Option<(usize, &Stage)> {
        let last = self.stages.len().checked_sub(1)?;
        Some((last, &self.stages[last])).filter(|(_, s)| s.end.is_none())
    }

    fn current_mut(&mut self) -> Result<&mut Stage, Refused> {
        self.stages
            .last_mut()
            .filter(|s| s.end.is_none())
            .ok_or_else(|| illegal("it is on no rung; legal now: enter one"))
    }

    /// Whether a side may take it to a rung now.
    fn may_enter(&self, rung: Rung, side: Side) -> Result<(), Refused> {
        if let Some((_, now)) = self.current() {
            let sued = side == Side::Complainant
                && rung.is_decided()
                && rung > now.rung
                && !now.rung.is_decided();
            return if sued {
                Ok(())
            } else {
                Err(illegal(format!(
                    "it is on the rung {}; legal now: end that first",
                    now.rung
                )))
            };
        }
        if let Some(highest) = self.stages.iter().map(|s| s.rung).max()
            && rung <= highest
        {
            return Err(illegal(format!(
                "the ladder goes up only; legal now: a rung above {highest}"
            )));
        }
        // The complainant may have gone further than we would: what lies below is over.
        let is_over = |wanted| self.stages.iter().any(|s| s.rung >= wanted);
        let mut legal = rung;
        while let Some(before) = legal.before().filter(|before| !is_over(*before)) {
            legal = before;
        }
        if side == Side::Ours && legal != rung {
            return Err(illegal(format!(
                "we skip no rung (mediation first); legal now: {legal}"
            )));
        }
        Ok(())
    }

    fn defence(&self, id: Uuid, state: DemandState) -> Option<Effect> {
        let (n, stage) = self.current()?;
        Some(Effect::Demand(Demand {
            id: derived(id, STAGE, n),
            kind: ClockKind::Defence,
            state,
            start: stage.start,
            due: None,
            granted: None,
            party: stage.body.clone(),
            outside_number: stage.outside_number.clone(),
        }))
    }

    fn appeal(&self, id: Uuid, state: DemandState) -> Option<Effect> {
        let n = self.decisions.len().checked_sub(1)?;
        let decision = &self.decisions[n];
        let stage = self.stages.last()?;
        Some(Effect::Demand(Demand {
            id: derived(id, APPEAL, n),
            kind: if decision.ruling {
                ClockKind::AppealRuling
            } else {
                ClockKind::AppealJudgment
            },
            state,
            start: decision.served,
            due: None,
            granted: None,
            party: stage.body.clone(),
            outside_number: stage.outside_number.clone(),
        }))
    }

    fn police(&self, id: Uuid, state: DemandState) -> Option<Effect> {
        let report = self.police.as_ref()?;
        Some(Effect::Demand(Demand {
            id: derived(id, POLICE, 0),
            kind: ClockKind::Support,
            state,
            start: report.found,
            due: Some(report.due),
            granted: None,
            party: "police report".to_owned(),
            outside_number: report.number.clone(),
        }))
    }

    /// What stops when the rung ends, or a judgment does with its instance: a defence that nobody files any more, an appeal.
    fn stops(&self, id: Uuid) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self
            .current()
            .is_some_and(|(_, s)| s.rung.is_decided() && !s.defended)
        {
            effects.extend(self.defence(id, DemandState::Cancelled));
        }
        if self.state == State::Appealable {
            effects.extend(self.appeal(id, DemandState::Cancelled));
        }
        effects
    }

    /// A dispute does not end over a violation that nobody reported.
    fn may_end(&self) -> Result<(), Refused> {
        match &self.police {
            Some(report) if report.reported.is_none() => Err(illegal(
                "a grave violation is not reported to the police yet; legal now: report it",
            )),
            _ => Ok(()),
        }
    }

    fn enter(&mut self, id: Uuid, stage: Stage, at: Timestamp) -> Result<Vec<Effect>, Refused> {
        self.may_enter(stage.rung, stage.side)?;
        if stage.start > at {
            return Err(Refused::value(
                "rung_entered.start_time",
                "must not lie ahead",
            ));
        }
        let start = stage.start;
        if let Ok(left) = self.current_mut() {
            left.end = Some((start, Outcome::Failed));
        }
        let is_decided = stage.rung.is_decided();
        let is_ours = stage.side == Side::Ours;
        self.stages.push(stage);
        self.state = State::OnARung;
        if !is_decided {
            return Ok(Vec::new());
        }
        // Whoever sues has nothing to defend. The defence goes first: it counts from service, while the signal alone
        // would count it from now.
        let defence = if is_ours {
            DemandState::Cancelled
        } else {
            DemandState::Open
        };
        let mut effects: Vec<Effect> = self.defence(id, defence).into_iter().collect();
        effects.push(Effect::Litigation {
            stage: derived(id, STAGE, self.stages.len() - 1),
            begun: start,
        });
        self.current_mut()?.defended = is_ours;
        Ok(effects)
    }

    fn leave(
        &mut self,
        id: Uuid,
        outcome: Outcome,
        end: Timestamp,
        result: &str,
    ) -> Result<Vec<Effect>, Refused> {
        let stage = self.current_mut()?;
        if end < stage.start {
            return Err(Refused::value(
                "rung_ended.end_time",
                "must not lie before its start",
            ));
        }
        if outcome == Outcome::Decided && !stage.rung.is_decided() {
            return Err(illegal(
                "nobody decides on this rung; legal now: SETTLED, FAILED, WITHDRAWN",
            ));
        }
        if outcome != Outcome::Failed {
            self.may_end()?;
        }
        let effects = self.stops(id);
        let stage = self.current_mut()?;
        stage.end = Some((end, outcome));
        result.clone_into(&mut stage.result);
        self.state = if outcome == Outcome::Failed {
            State::Open
        } else {
            State::Ended
        };
        Ok(effects)
    }
}

impl Matter for Dispute {
    const KIND: &'static str = "DISPUTE";
    const COLLECTION: &'static str = "disputes";
    const TYPE: &'static str = "Dispute";
    // A rung binds the company, and a court raises the grade (G1.5).
    const TAKES_PART: bool = true;
    type Step = Step;

    fn record(&mut self, id: Uuid, step: &Step, at: Timestamp) -> Result<Vec<Effect>, Refused> {
        if self.state == State::Ended {
            return Err(illegal("it has ended; legal now: open another"));
        }
        let past = |field, when: Timestamp| {
            if when > at {
                Err(Refused::value(field, "must not lie ahead"))
            } else {
                Ok(())
            }
        };
        match step {
            Step::Opened => Ok(Vec::new()),
            Step::Entered {
                rung,
                body,
                outside_number,
                side,
                counsel,
                start,
            } => {
                let stage = Stage {
                    rung: *rung,
                    body: body.clone(),
                    outside_number: outside_number.clone(),
                    side: *side,
                    counsel: counsel.clone(),
                    start: *start,
                    end: None,
                    result: String::new(),
                    defended: !rung.is_decided(),
                };
                self.enter(id, stage, at)
            }
            Step::Left {
                outcome,
                end,
                result,
            } => {
                past("rung_ended.end_time", *end)?;
                self.leave(id, *outcome, *end, result)
            }
            Step::Defended(when) => {
                past("defence_filed.file_time", *when)?;
                let stage = self.current_mut()?;
                if stage.defended {
                    return Err(illegal(
                        "no defence is due; legal now: a decision, or the end of the rung",
                    ));
                }
                stage.defended = true;
                Ok(self
                    .defence(id, DemandState::Met(*when))
                    .into_iter()
                    .collect())
            }
            Step::Decided { ruling, served } => {
                past("court_decided.serve_time", *served)?;
                if self.state == State::Appealable {
                    return Err(illegal(
                        "a decision waits for an answer; legal now: appeal it or not",
                    ));
                }
                if !matches!(self.current(), Some((_, stage)) if stage.rung == Rung::Litigation) {
                    return Err(illegal(
                        "it is before no court; legal now: enter LITIGATION",
                    ));
                }
                // A ruling, on jurisdiction, say, leaves the suit where it is: the defence is owed still.
                let mut effects = Vec::new();
                if !ruling {
                    effects = self.stops(id);
                    self.current_mut()?.defended = true;
                }
                self.decisions.push(Decision {
                    ruling: *ruling,
                    served: *served,
                    answered: None,
                });
                self.state = State::Appealable;
                effects.extend(self.appeal(id, DemandState::Open));
                Ok(effects)
            }
            Step::Answered { appealed, when } => {
                past("appeal_decided.decide_time", *when)?;
                if self.state != State::Appealable {
                    return Err(illegal(
                        "no decision waits for an answer; legal now: record the decision",
                    ));
                }
                // A ruling that stands ends no suit; one that does is told as the end of the rung.
                let binds = !appealed && self.decisions.last().is_some_and(|d| !d.ruling);
                if binds {
                    self.may_end()?;
                }
                let effects = self
                    .appeal(id, DemandState::Met(*when))
                    .into_iter()
                    .collect();
                if let Some(decision) = self.decisions.last_mut() {
                    decision.answered = Some(*when);
                }
                self.state = State::OnARung;
                if binds {
                    self.current_mut()?.end = Some((*when, Outcome::Decided));
                    self.state = State::Ended;
                }
                Ok(effects)
            }
            Step::Violation { found, hours } => {
                past("violation_found.find_time", *found)?;
                if self.police.is_some() {
                    return Err(illegal(
                        "a violation is recorded already; legal now: report it",
                    ));
                }
                self.police = Some(PoliceReport {
                    found: *found,
                    due: found
                        .saturating_add(SignedDuration::from_hours(i64::from(*hours)))
                        .unwrap_or(Timestamp::MAX),
                    reported: None,
                    number: String::new(),
                });
                Ok(self.police(id, DemandState::Open).into_iter().collect())
            }
            Step::Reported { number, when } => {
                past("police_reported.report_time", *when)?;
                match &mut self.police {
                    Some(report) if report.reported.is_none() => {
                        report.reported = Some(*when);
                        report.number.clone_from(number);
                    }
                    _ => {
                        return Err(illegal(
                            "no violation waits for a report; legal now: record one",
                        ));
                    }
                }
                Ok(self
                    .police(id, DemandState::Met(*when))
                    .into_iter()
                    .collect())
            }
        }
    }

    fn word(step: &Step) -> &'static str {
        match step {
            Step::Opened => "OPENED",
            Step::Entered { rung, .. } => match rung {
                Rung::Agreement => "AGREEMENT_ENTERED",
                Rung::Mediation => "MEDIATION_ENTERED",
                Rung::Arbitration => "ARBITRATION_ENTERED",
                Rung::Litigation => "LITIGATION_ENTERED",
            },
            Step::Left { outcome, .. } => match outcome {
                Outcome::Settled => "SETTLED",
                Outcome::Failed => "FAILED",
                Outcome::Decided => "DECIDED",
                Outcome::Withdrawn => "WITHDRAWN",
            },
            Step::Defended(_) => "DEFENCE_FILED",
            Step::Decided { ruling: false, .. } => "JUDGMENT_SERVED",
            Step::Decided { ruling: true, .. } => "RULING_SERVED",
            Step::Answered { appealed: true, .. } => "APPEALED",
            Step::Answered {
                appealed: false, ..
            } => "NOT_APPEALED",
            Step::Violation { .. } => "VIOLATION_FOUND",
            Step::Reported { .. } => "POLICE_REPORTED",
        }
    }

    fn is_ended(&self) -> bool {
        self.state == State::Ended
    }
}

#[cfg(test)]
mod tests {
    use super::super::at;
    use super::*;

    const NOW: &str = "2026-05-28T01:00:00Z";

    fn enter(dispute: &mut Dispute, rung: Rung, side: Side) -> Result<Vec<Effect>, Refused> {
        let step = Step::Entered {
            rung,
            body: "people's court".to_owned(),
            outside_number: "2026-1".to_owned(),
            side,
            counsel: String::new(),
            start: at("2026-05-20T01:00:00Z"),
        };
        dispute.record(Uuid::nil(), &step, at(NOW))
    }

    fn leave(dispute: &mut Dispute, outcome: Outcome) -> Result<Vec<Effect>, Refused> {
        let step = Step::Left {
            outcome,
            end: at("2026-05-21T01:00:00Z"),
            result: "as agreed".to_owned(),
        };
        dispute.record(Uuid::nil(), &step, at(NOW))
    }

    fn legal(refused: Result<Vec<Effect>, Refused>) -> String {
        refused.expect_err("refused").to_string()
    }

    #[test]
    fn m06_we_mediate_before_we_sue() {
        let mut d = Dispute::new("roof".to_owned());
        assert!(
            legal(enter(&mut d, Rung::Litigation, Side::Ours)).contains("legal now: AGREEMENT"),
            "what is called legal is"
        );
        assert!(legal(enter(&mut d, Rung::Mediation, Side::Ours)).contains("legal now: AGREEMENT"));
        for rung in [Rung::Agreement, Rung::Mediation] {
            assert_eq!(enter(&mut d, rung, Side::Ours), Ok(Vec::new()));
            assert_eq!(leave(&mut d, Outcome::Failed), Ok(Vec::new()));
        }
        let effects = enter(&mut d, Rung::Arbitration, Side::Ours).expect("the ladder is climbed");
        // Whoever sues has no defence to file.
        assert!(matches!(&effects[0], Effect::Demand(d) if d.state == DemandState::Cancelled));
        assert!(matches!(effects[1], Effect::Litigation { .. }));
    }

    #[test]
    fn the_complainant_may_sue_at_any_time_and_ends_the_talks() {
        let mut d = Dispute::new("roof".to_owned());
        enter(&mut d, Rung::Agreement, Side::Ours).expect("talks");
        assert!(
            enter(&mut d, Rung::Mediation, Side::Complainant).is_err(),
            "talks go on"
        );
        let effects = enter(&mut d, Rung::Litigation, Side::Complainant).expect("sued");
        assert!(matches!(&effects[0], Effect::Demand(d) if d.start == at("2026-05-20T01:00:00Z")));
        assert!(matches!(effects[1], Effect::Litigation { .. }));
        assert_eq!(d.stages[0].end.map(|e| e.1), Some(Outcome::Failed));
        assert!(enter(&mut d, Rung::Litigation, Side::Complainant).is_err());
    }

    #[test]
    fn m04_every_decision_of_a_court_waits_for_an_appeal() {
        let mut d = Dispute::new("roof".to_owned());
        enter(&mut d, Rung::Litigation, Side::Complainant).expect("sued");
        let mut step = |step| d.record(Uuid::nil(), &step, at(NOW));
        let served = at("2026-05-27T01:00:00Z");
        let filed = step(Step::Defended(served)).expect("in time");
        assert!(
            matches!(&filed[..], [Effect::Demand(d)] if d.kind == ClockKind::Defence && d.state == DemandState::Met(served))
        );
        assert!(step(Step::Defended(served)).is_err());
        let ruled = step(Step::Decided {
            ruling: true,
            served,
        })
        .expect("ruled");
        assert!(matches!(&ruled[..], [Effect::Demand(d)] if d.kind == ClockKind::AppealRuling));
        assert!(
            step(Step::Decided {
                ruling: false,
                served
            })
            .is_err()
        );
        step(Step::Answered {
            appealed: true,
            when: served,
        })
        .expect("appealed");
        let judged = step(Step::Decided {
            ruling: false,
            served,
        })
        .expect("judged");
        assert!(matches!(&judged[..], [Effect::Demand(d)] if d.kind == ClockKind::AppealJudgment));
        step(Step::Answered {
            appealed: false,
            when: served,
        })
        .expect("accepted");
        assert!(step(Step::Opened).is_err());
        assert!(d.is_ended());
    }

    #[test]
    fn m04_a_ruling_leaves_the_defence_owed_and_ends_no_suit() {
        let mut d = Dispute::new("roof".to_owned());
        enter(&mut d, Rung::Litigation, Side::Complainant).expect("sued");
        let served = at("2026-05-27T01:00:00Z");
        let mut step = |step| d.record(Uuid::nil(), &step, at(NOW)).expect("legal");
        let kinds = |effects: &[Effect]| -> Vec<(ClockKind, DemandState)> {
            let demands = effects.iter().map(|effect| match effect {
                Effect::Demand(d) => (d.kind, d.state),
                other => panic!("no demand: {other:?}"),
            });
            demands.collect()
        };
        let decided = |ruling| Step::Decided { ruling, served };
        let stands = || Step::Answered {
            appealed: false,
            when: served,
        };
        // On jurisdiction, say, before the defence was due.
        let ruled = step(decided(true));
        let appeal = (ClockKind::AppealRuling, DemandState::Open);
        assert_eq!(kinds(&ruled), [appeal]);
        let let_stand = step(stands());
        let met = (ClockKind::AppealRuling, DemandState::Met(served));
        assert_eq!(kinds(&let_stand), [met]);
        let filed = step(Step::Defended(served));
        let defence = (ClockKind::Defence, DemandState::Met(served));
        assert_eq!(kinds(&filed), [defence], "it was owed still");
        step(decided(false));
        step(stands());
        assert!(d.is_ended(), "a judgment that stands ends it");

        // A judgment leaves nothing to defend.
        let mut d = Dispute::new("roof".to_owned());
        enter(&mut d, Rung::Litigation, Side::Complainant).expect("sued");
        let judged = d.record(Uuid::nil(), &decided(false), at(NOW));
        let cancelled = (ClockKind::Defence, DemandState::Cancelled);
        let appeal = (ClockKind::AppealJudgment, DemandState::Open);
        assert_eq!(kinds(&judged.expect("judged")), [cancelled, appeal]);
        // A ruling that does end the suit is told as the end of the rung.
        let mut d = Dispute::new("roof".to_owned());
        enter(&mut d, Rung::Litigation, Side::Complainant).expect("sued");
        d.record(Uuid::nil(), &decided(true), at(NOW))
            .expect("ruled");
        d.record(Uuid::nil(), &stands(), at(NOW)).expect("stands");
        assert!(!d.is_ended());
        let stopped = leave(&mut d, Outcome::Decided).expect("dismissed");
        assert_eq!(kinds(&stopped), [cancelled]);
        assert!(d.is_ended());
    }

    #[test]
    fn m06_a_dispute_does_not_end_over_an_unreported_violation() {
        let mut d = Dispute::new("forged seal".to_owned());
        enter(&mut d, Rung::Agreement, Side::Ours).expect("talks");
        let found = at("2026-05-27T01:00:00Z");
        let due = d
            .record(Uuid::nil(), &Step::Violation { found, hours: 24 }, at(NOW))
            .expect("found");
        assert!(
            matches!(&due[..], [Effect::Demand(d)] if d.due == Some(at("2026-05-28T01:00:00Z")))
        );
        assert!(legal(leave(&mut d, Outcome::Settled)).contains("report it"));
        let reported = Step::Reported {
            number: "A-1".to_owned(),
            when: found,
        };
        d.record(Uuid::nil(), &reported, at(NOW)).expect("reported");
        assert!(leave(&mut d, Outcome::Settled).is_ok());
    }

    #[test]
    fn what_ends_early_stops_its_clocks() {
        let mut d = Dispute::new("roof".to_owned());
        enter(&mut d, Rung::Litigation, Side::Complainant).expect("sued");
        let stopped = leave(&mut d, Outcome::Withdrawn).expect("withdrawn");
        assert!(
            matches!(&stopped[..], [Effect::Demand(d)] if d.kind == ClockKind::Defence && d.state == DemandState::Cancelled)
        );
        let ids: Vec<Uuid> = (0..3)
            .flat_map(|n| [STAGE, APPEAL, POLICE].map(|c| derived(Uuid::nil(), c, n)))
            .collect();
        let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
        assert_eq!(distinct.len(), ids.len());
    }
}
