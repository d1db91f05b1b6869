//! What an incident is run by: frozen when it opens, so that a new policy moves nothing behind anybody's back (P26).

use redress_clock::Length;
use redress_model::words::ClockKind;
use redress_policy::Playbook;
use redress_policy::playbook::{Plan, Rhythm, Stages};

use super::cadence::Policy;
use super::words::Stage;

/// Lengths and playbook of one incident.
#[derive(Debug, Clone)]
pub struct Terms {
    /// Lengths and times.
    pub policy: Policy,
    /// What is done in each stage; none for an incident that opened before there were playbooks.
    pub playbook: Option<Playbook>,
}

impl Terms {
    /// What is done in a stage.
    pub fn plan(&self, stage: Stage) -> Option<&Plan> {
        Some(plan(&self.playbook.as_ref()?.stages, stage))
    }

    /// The period of a cadence after so many that were kept in the stage: the playbook's, else as configured. None for
    /// what is no cadence of a stage.
    pub fn period(&self, kind: ClockKind, stage: Stage, kept: u32) -> Option<Length> {
        let plan = self.plan(stage);
        let (rhythm, configured): (Option<Rhythm>, _) = match kind {
            ClockKind::InsideReport => (
                plan.and_then(|p| p.inside_report),
                self.policy.inside_report,
            ),
            ClockKind::OutwardUpdate => (
                plan.and_then(|p| p.outward_update),
                self.policy.outward_update,
            ),
            _ => return None,
        };
        Some(rhythm.map_or_else(|| configured.at(stage), |r| r.period(kept)))
    }
}

fn plan(stages: &Stages, stage: Stage) -> &Plan {
    match stage {
        Stage::Latent => &stages.latent,
        Stage::Outbreak => &stages.outbreak,
        Stage::Handling => &stages.handling,
        Stage::Aftermath => &stages.aftermath,
    }
}

/// A cadence in one stage, as a setting of an incident names it: `inside_report.outbreak`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    outward: bool,
    stage: Stage,
}

impl Pace {
    /// Every one, in order.
    pub fn all() -> impl Iterator<Item = Self> {
        [false, true]
            .into_iter()
            .flat_map(|outward| Stage::ALL.iter().map(move |&stage| Self { outward, stage }))
    }

    /// The one of this name.
    pub fn named(field: &str) -> Option<Self> {
        Self::all().find(|pace| pace.field() == field)
    }

    /// Its name.
    pub fn field(self) -> String {
        let cadence = if self.outward {
            "outward_update"
        } else {
            "inside_report"
        };
        format!("{cadence}.{}", self.stage.word().to_lowercase())
    }

    /// The setting that holds where the playbook is silent: what is only latent goes by the handling.
    pub fn configured(self) -> String {
        let stage = match self.stage {
            Stage::Latent => Stage::Handling,
            stage => stage,
        };
        Self { stage, ..self }.field()
    }

    /// The playbook's own rhythm.
    pub fn rhythm(self, playbook: &Playbook) -> Option<Rhythm> {
        let plan = plan(&playbook.stages, self.stage);
        if self.outward {
            plan.outward_update
        } else {
            plan.inside_report
        }
    }

    /// From now on this period, whatever the playbook said. It does not slow down: whoever sets one has seen how often people
    /// want to hear.
    pub fn set(self, playbook: &mut Playbook, period: Length) {
        let stages = &mut playbook.stages;
        let plan = match self.stage {
            Stage::Latent => &mut stages.latent,
            Stage::Outbreak => &mut stages.outbreak,
            Stage::Handling => &mut stages.handling,
            Stage::Aftermath => &mut stages.aftermath,
        };
        let rhythm = Some(Rhythm {
            every: period,
            decay: STEADY,
            floor: period,
        });
        if self.outward {
            plan.outward_update = rhythm;
        } else {
            plan.inside_report = rhythm;
        }
    }
}

/// The decay, in percent, of what never slows down.
const STEADY: u16 = 100;

/// A rhythm in one line.
pub fn spelled(rhythm: Rhythm) -> String {
    let Rhythm {
        every,
        decay,
        floor,
    } = rhythm;
    if decay == STEADY || every == floor {
        every.to_string()
    } else {
        format!("{every}, decay {decay} %, floor {floor}")
    }
}

#[cfg(test)]
mod tests {
    use super::super::cadence::tests::policy;
    use super::*;

    fn terms(playbook: &str) -> Terms {
        Terms {
            policy: policy(),
            playbook: Playbook::shipped()
                .iter()
                .find(|p| p.name == playbook)
                .cloned(),
        }
    }

    #[test]
    fn the_playbook_says_how_often_and_the_configuration_where_it_is_silent() {
        let of = |playbook, kind, kept| {
            terms(playbook)
                .period(kind, Stage::Outbreak, kept)
                .map(|l| l.to_string())
                .expect("a cadence")
        };
        use ClockKind::{InsideReport, OutwardUpdate};
        for (kept, period) in [
            (0, "1 hour"),
            (1, "90 minutes"),
            (2, "135 minutes"),
            (9, "4 hours"),
        ] {
            assert_eq!(of("danger-to-life", InsideReport, kept), period);
        }
        for kept in [0, 9] {
            assert_eq!(of("group-protest", InsideReport, kept), "4 hours");
            assert_eq!(of("none", OutwardUpdate, kept), "8 hours");
        }
        assert_eq!(
            terms("none").period(ClockKind::WeeklyBriefing, Stage::Outbreak, 0),
            None
        );
    }

    #[test]
    fn a_period_that_is_set_takes_the_place_of_the_rhythm_and_does_not_slow_down() {
        let pace = Pace::named("inside_report.outbreak").expect("a cadence");
        let mut terms = terms("danger-to-life");
        let playbook = terms.playbook.as_mut().expect("shipped");
        let rhythm = pace.rhythm(playbook).expect("of its own");
        assert_eq!(spelled(rhythm), "1 hour, decay 150 %, floor 4 hours");
        pace.set(playbook, Length::hours(2));
        assert_eq!(
            pace.rhythm(playbook).map(spelled).as_deref(),
            Some("2 hours")
        );
        for kept in [0, 1, 9] {
            let inside = terms.period(ClockKind::InsideReport, Stage::Outbreak, kept);
            assert_eq!(inside, Some(Length::hours(2)));
        }
        let outward = terms.period(ClockKind::OutwardUpdate, Stage::Outbreak, 0);
        assert_eq!(outward, Some(Length::hours(4)), "the other stays");
    }

    #[test]
    fn every_cadence_of_every_stage_has_a_name_and_a_setting_behind_it() {
        let all: Vec<Pace> = Pace::all().collect();
        assert_eq!(all.len(), 2 * Stage::ALL.len());
        for pace in all {
            assert_eq!(Pace::named(&pace.field()), Some(pace));
        }
        let latent = Pace::named("outward_update.latent").expect("a cadence");
        assert_eq!(latent.configured(), "outward_update.handling");
        assert_eq!(Pace::named("briefing_time"), None);
    }

    #[test]
    fn no_shipped_playbook_reports_less_often_than_the_handbook() {
        for name in redress_policy::PLAYBOOKS {
            for stage in Stage::ALL {
                for kind in [ClockKind::InsideReport, ClockKind::OutwardUpdate] {
                    let minutes = |t: Terms| match t.period(kind, *stage, 1_000) {
                        Some(Length::Minutes(m)) => m,
                        Some(Length::Days(d)) => d * 24 * 60,
                        other => panic!("{other:?}"),
                    };
                    assert!(
                        minutes(terms(name)) <= minutes(terms("none")),
                        "{name} {stage} {kind}"
                    );
                }
            }
        }
    }
}
