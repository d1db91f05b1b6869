//! Playbooks: what a company does in each stage of a crisis (domain.md section 9, M01). Goals, tasks with an owner and
//! a length, exit conditions, and how often it reports; in Chinese and English, since staff read them.
//!
//! The product ships four, the [`PLAYBOOKS`]. An organization replaces one by a document of the same name, or adds its
//! own. Which one an incident takes is decided by the criteria of the case that opens it ([`choose`]).

use std::collections::BTreeSet;
use std::sync::LazyLock;

use redress_clock::Length;
use redress_model::words::DutyRole;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::minutes;
use crate::problem::{Problem, Problems};
use crate::schema::{self, check_playbook};
use crate::yaml::{Source, item};

/// Names of the playbooks that the product ships.
pub const PLAYBOOKS: [&str; 4] = [
    "danger-to-life",
    "false-report",
    "group-protest",
    "quality-defect",
];

/// Their documents, in the same order.
const DOCUMENTS: [&str; 4] = [
    include_str!("../playbooks/danger-to-life.yaml"),
    include_str!("../playbooks/false-report.yaml"),
    include_str!("../playbooks/group-protest.yaml"),
    include_str!("../playbooks/quality-defect.yaml"),
];

static SHIPPED: LazyLock<Vec<Playbook>> = LazyLock::new(|| {
    DOCUMENTS
        .into_iter()
        .map(|yaml| Playbook::parse(yaml).expect("a shipped playbook reads, as a test shows"))
        .collect()
});

/// A playbook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Playbook {
    /// Its name, for example `group-protest`.
    #[serde(rename = "playbook")]
    #[schemars(schema_with = "schema::key")]
    pub name: String,
    /// Of several that fit, the lowest is taken.
    #[schemars(range(min = 1, max = 1_000))]
    pub rank: u16,
    /// Criteria of the opening case that it is for, for example `G1.1`. The last by rank also takes what none is for.
    #[schemars(schema_with = "schema::criteria")]
    pub criteria: Vec<String>,
    /// For people.
    pub title: Text,
    /// What is done in each stage.
    pub stages: Stages,
}

/// A text for staff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// Chinese.
    #[serde(rename = "zh-CN")]
    #[schemars(length(min = 1, max = 200))]
    pub zh_cn: String,
    /// English.
    #[schemars(length(min = 1, max = 200))]
    pub en: String,
}

/// The four stages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "UPPERCASE")]
pub struct Stages {
    /// A hazard before it breaks out.
    pub latent: Plan,
    /// Temper lost, spreading.
    pub outbreak: Plan,
    /// Being solved.
    pub handling: Plan,
    /// Calm; making good and learning.
    pub aftermath: Plan,
}

/// What is done in one stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// What it is for.
    #[schemars(length(min = 1, max = 20))]
    pub goals: Vec<Text>,
    /// How often inside is told; missing: as the service is configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inside_report: Option<Rhythm>,
    /// How often outside is told; missing: as the service is configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outward_update: Option<Rhythm>,
    /// What is to be done.
    #[schemars(length(max = 50))]
    pub tasks: Vec<Task>,
    /// What has to hold before it is left; a person says so.
    #[schemars(length(max = 20))]
    pub exit: Vec<Condition>,
}

/// How often something is told: first often, then slower, never slower than the floor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rhythm {
    /// The first period of the stage.
    #[schemars(schema_with = "schema::length")]
    pub every: Length,
    /// Percent of the period before that the next one takes; 100 keeps it.
    #[schemars(range(min = 100, max = 1_000))]
    pub decay: u16,
    /// The longest period.
    #[schemars(schema_with = "schema::length")]
    pub floor: Length,
}

/// A task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// Its name within the stage.
    #[schemars(schema_with = "schema::key")]
    pub key: String,
    /// For people.
    pub title: Text,
    /// The role that does it.
    #[schemars(schema_with = "schema::command_role")]
    pub owner: DutyRole,
    /// From entering the stage on.
    #[schemars(schema_with = "schema::length")]
    pub within: Length,
    /// Whether the stage may be left with it open.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
}

/// What has to hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// Its name within the stage.
    #[schemars(schema_with = "schema::key")]
    pub key: String,
    /// For people.
    pub text: Text,
}

impl Playbook {
    /// Reads and checks a document.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its line and field.
    pub fn parse(yaml: &str) -> Result<Self, Problems> {
        let source = Source::read(yaml)?;
        check_playbook(&source)?;
        let playbook: Self = serde_json::from_value(source.value.clone())
            .map_err(|e| Problems(vec![Problem::new("", format!("does not read: {e}"))]))?;
        let mut problems = playbook.contradictions();
        for problem in &mut problems {
            problem.place = source.place(&problem.field);
        }
        if problems.is_empty() {
            Ok(playbook)
        } else {
            Err(Problems(problems))
        }
    }

    /// The shipped ones.
    pub fn shipped() -> &'static [Self] {
        &SHIPPED
    }

    /// The document of a shipped one.
    pub fn document(name: &str) -> Option<&'static str> {
        let at = PLAYBOOKS.iter().position(|shipped| *shipped == name)?;
        Some(DOCUMENTS[at])
    }

    fn contradictions(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let stages = &self.stages;
        for (name, plan) in [
            ("LATENT", &stages.latent),
            ("OUTBREAK", &stages.outbreak),
            ("HANDLING", &stages.handling),
            ("AFTERMATH", &stages.aftermath),
        ] {
            plan.contradictions(&format!("stages.{name}"), &mut problems);
        }
        problems
    }
}

impl Plan {
    fn contradictions(&self, field: &str, problems: &mut Vec<Problem>) {
        let calendar = |length: Length| matches!(length, Length::Minutes(_) | Length::Days(_));
        let mut keys = BTreeSet::new();
        for (n, task) in self.tasks.iter().enumerate() {
            let at = item(&format!("{field}.tasks"), n);
            if !keys.insert(&task.key) {
                problems.push(Problem::new(
                    format!("{at}.key"),
                    "stands twice in its stage",
                ));
            }
            if !calendar(task.within) {
                problems.push(Problem::new(format!("{at}.within"), NO_OFFICE_HOURS));
            }
        }
        for (n, condition) in self.exit.iter().enumerate() {
            if !keys.insert(&condition.key) {
                let at = item(&format!("{field}.exit"), n);
                problems.push(Problem::new(
                    format!("{at}.key"),
                    "stands twice in its stage",
                ));
            }
        }
        for (name, rhythm) in [
            ("inside_report", self.inside_report),
            ("outward_update", self.outward_update),
        ] {
            let Some(rhythm) = rhythm else { continue };
            for (part, length) in [("every", rhythm.every), ("floor", rhythm.floor)] {
                if !calendar(length) {
                    let at = format!("{field}.{name}.{part}");
                    problems.push(Problem::new(at, NO_OFFICE_HOURS));
                }
            }
            if minutes(rhythm.floor) < minutes(rhythm.every) {
                let at = format!("{field}.{name}.floor");
                let what = format!("must not be shorter than every, which is {}", rhythm.every);
                problems.push(Problem::new(at, what));
            }
        }
    }
}

/// A crisis keeps no office hours.
const NO_OFFICE_HOURS: &str = "must be minutes, hours or days: a crisis keeps no office hours";

impl Rhythm {
    /// The period after so many that were kept in this stage. Never shorter than the one before it, and never longer
    /// than the floor.
    pub fn period(&self, kept: u32) -> Length {
        if kept == 0 || self.decay == 100 {
            return self.every;
        }
        let floor = minutes(self.floor);
        let mut period = minutes(self.every);
        for _ in 0..kept {
            if period >= floor {
                return self.floor;
            }
            period = (period * u64::from(self.decay)).div_ceil(100);
        }
        if period >= floor {
            self.floor
        } else {
            u32::try_from(period).map_or(self.floor, Length::Minutes)
        }
    }
}

/// The playbook for a case of these criteria: the first by rank that is for one of them, else the last.
pub fn choose<'p, S: AsRef<str>>(
    playbooks: impl IntoIterator<Item = &'p Playbook>,
    criteria: &[S],
) -> Option<&'p Playbook> {
    let mut all: Vec<&Playbook> = playbooks.into_iter().collect();
    all.sort_by(|a, b| (a.rank, &a.name).cmp(&(b.rank, &b.name)));
    let fits = |p: &&&Playbook| {
        p.criteria
            .iter()
            .any(|c| criteria.iter().any(|of| of.as_ref() == c))
    };
    all.iter().find(fits).or(all.last()).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_shipped_playbooks_read_and_carry_their_names() {
        let names: Vec<&str> = Playbook::shipped()
            .iter()
            .map(|p| p.name.as_str())
            .collect();
        assert_eq!(names, PLAYBOOKS);
        for playbook in Playbook::shipped() {
            let stages = &playbook.stages;
            for plan in [
                &stages.latent,
                &stages.outbreak,
                &stages.handling,
                &stages.aftermath,
            ] {
                assert!(
                    !plan.tasks.is_empty() && !plan.exit.is_empty(),
                    "{}",
                    playbook.name
                );
            }
        }
    }

    #[test]
    fn every_criterion_of_grade_1_has_its_playbook_and_anything_else_the_last() {
        let of = |criteria: &[&str]| choose(Playbook::shipped(), criteria).map(|p| p.name.as_str());
        for (criteria, name) in [
            (vec!["G1.1"], "group-protest"),
            (vec!["G1.2"], "false-report"),
            (vec!["G1.3"], "quality-defect"),
            (vec!["G1.4"], "group-protest"),
            (vec!["G1.5"], "quality-defect"),
            (vec!["G1.8", "G1.4"], "danger-to-life"),
            (vec!["G1.4", "G1.2", "G1.5"], "group-protest"),
            (vec!["G3.1"], "quality-defect"),
            (vec![], "quality-defect"),
        ] {
            assert_eq!(of(&criteria), Some(name), "{criteria:?}");
        }
    }

    #[test]
    fn a_playbook_that_is_wrong_is_refused_with_its_line_and_field() {
        let document = Playbook::document("group-protest").expect("shipped");
        for (from, to, field) in [
            ("rank: 20", "rank: 0", "rank"),
            (
                "owner: ON_SITE_LEAD",
                "owner: HANDLER",
                "stages.LATENT.tasks[0].owner",
            ),
            (
                "within: 4 hours",
                "within: 4 working hours",
                "stages.LATENT.tasks[0].within",
            ),
            (
                "key: people-calm",
                "key: secure-site",
                "stages.OUTBREAK.exit[0].key",
            ),
            (
                "floor: 24 hours",
                "floor: 1 hour",
                "stages.HANDLING.inside_report.floor",
            ),
        ] {
            assert!(document.contains(from), "{from}");
            let problems = Playbook::parse(&document.replacen(from, to, 1)).expect_err(to);
            assert_eq!(problems.0[0].field, field, "{problems}");
            assert!(problems.0[0].place.is_some(), "{problems}");
        }
    }

    proptest! {
        #[test]
        fn a_rhythm_only_slows_down_and_never_below_its_floor(
            every in 1_u32..10_000, more in 0_u32..50_000, decay in 100_u16..=1_000, kept in 0_u32..200,
        ) {
            let rhythm = Rhythm { every: Length::Minutes(every), decay, floor: Length::Minutes(every + more) };
            prop_assert_eq!(rhythm.period(0), rhythm.every);
            let (now, next) = (minutes(rhythm.period(kept)), minutes(rhythm.period(kept + 1)));
            prop_assert!(now <= next && next <= minutes(rhythm.floor));
            if decay >= 200 {
                prop_assert_eq!(rhythm.period(40), if more == 0 && decay == 100 { rhythm.every } else { rhythm.floor });
            }
        }
    }
}
