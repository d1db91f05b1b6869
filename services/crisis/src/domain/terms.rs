//! What an incident is run by: frozen when it opens, so that a new policy moves nothing behind anybody's back (P26).

use redress_clock::Length;
use redress_model::words::ClockKind;
use redress_policy::Playbook;
use redress_policy::playbook::{Plan, Rhythm};

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
        let stages = &self.playbook.as_ref()?.stages;
        Some(match stage {
            Stage::Latent => &stages.latent,
            Stage::Outbreak => &stages.outbreak,
            Stage::Handling => &stages.handling,
            Stage::Aftermath => &stages.aftermath,
        })
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
