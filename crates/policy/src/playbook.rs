//! Playbooks: what a company does in each stage of a crisis (domain.md section 9, M01). Goals, tasks with an owner and
//! a length, exit conditions, and how often it reports; in Chinese and English, since staff read them.
//!
//! The product ships four, the [`PLAYBOOKS`]. An organization replaces one by a document of the same name, or adds its
//! own. Which one an incident takes is decided by the criteria of the case that opens it ([`choose`]).

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
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

/// What a stage is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Goal {
    /// Chinese.
    #[serde(rename = "zh-CN")]
    #[schemars(length(min = 1, max = 200))]
    pub zh_cn: String,
    /// English.
    #[schemars(length(min = 1, max = 200))]
    pub en: String,
    /// The incident whose review taught it, for example `lakeside/I20261121-01`; missing: nobody's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::origin")]
    pub origin: Option<String>,
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
    pub goals: Vec<Goal>,
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
    /// The incident whose review taught it, for example `lakeside/I20261121-01`; missing: nobody's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::origin")]
    pub origin: Option<String>,
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

    /// Writes it down as a document that reads as this, under the comment that `before` begins with.
    pub fn write(&self, before: &str) -> String {
        let mut yaml: String = before
            .lines()
            .take_while(|line| line.starts_with('#'))
            .flat_map(|line| [line, "\n"])
            .collect();
        // Writing to a text does not fail.
        let _ = self.write_to(&mut yaml);
        yaml
    }

    fn write_to(&self, yaml: &mut String) -> fmt::Result {
        writeln!(yaml, "playbook: {}", word(&self.name))?;
        writeln!(yaml, "rank: {}", self.rank)?;
        writeln!(yaml, "criteria: [{}]", self.criteria.join(", "))?;
        writeln!(yaml, "title: {}", self.title)?;
        writeln!(yaml, "\nstages:")?;
        let stages = &self.stages;
        for (n, (name, plan)) in [
            ("LATENT", &stages.latent),
            ("OUTBREAK", &stages.outbreak),
            ("HANDLING", &stages.handling),
            ("AFTERMATH", &stages.aftermath),
        ]
        .into_iter()
        .enumerate()
        {
            let apart = if n == 0 { "" } else { "\n" };
            writeln!(yaml, "{apart}  {name}:")?;
            plan.write_to(yaml)?;
        }
        Ok(())
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
    fn write_to(&self, yaml: &mut String) -> fmt::Result {
        writeln!(yaml, "    goals:")?;
        for goal in &self.goals {
            let text = text(&goal.zh_cn, &goal.en);
            match &goal.origin {
                None => writeln!(yaml, "      - {{ {text} }}")?,
                Some(origin) => writeln!(yaml, "      - {{ {text}, origin: {origin} }}")?,
            }
        }
        for (name, rhythm) in [
            ("inside_report", self.inside_report),
            ("outward_update", self.outward_update),
        ] {
            if let Some(Rhythm {
                every,
                decay,
                floor,
            }) = rhythm
            {
                writeln!(
                    yaml,
                    "    {name}: {{ every: {every}, decay: {decay}, floor: {floor} }}"
                )?;
            }
        }
        let none = |empty| if empty { " []" } else { "" };
        writeln!(yaml, "    tasks:{}", none(self.tasks.is_empty()))?;
        for task in &self.tasks {
            writeln!(yaml, "      - key: {}", word(&task.key))?;
            writeln!(yaml, "        owner: {}", task.owner)?;
            writeln!(yaml, "        within: {}", task.within)?;
            if task.optional {
                writeln!(yaml, "        optional: true")?;
            }
            if let Some(origin) = &task.origin {
                writeln!(yaml, "        origin: {origin}")?;
            }
            writeln!(yaml, "        title: {}", task.title)?;
        }
        writeln!(yaml, "    exit:{}", none(self.exit.is_empty()))?;
        for condition in &self.exit {
            writeln!(yaml, "      - key: {}", word(&condition.key))?;
            writeln!(yaml, "        text: {}", condition.text)?;
        }
        Ok(())
    }

    fn contradictions(&self, field: &str, problems: &mut Vec<Problem>) {
        let mut keys = BTreeSet::new();
        for (n, task) in self.tasks.iter().enumerate() {
            let at = item(&format!("{field}.tasks"), n);
            if !keys.insert(&task.key) {
                problems.push(Problem::new(
                    format!("{at}.key"),
                    "stands twice in its stage",
                ));
            }
            if let Some(wrong) = no_length(task.within) {
                problems.push(Problem::new(format!("{at}.within"), wrong));
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
                if let Some(wrong) = no_length(length) {
                    let at = format!("{field}.{name}.{part}");
                    problems.push(Problem::new(at, wrong));
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

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{ {} }}", text(&self.zh_cn, &self.en))
    }
}

/// A name, in quotes where YAML would take it for something else.
fn word(name: &str) -> String {
    match name {
        "null" | "true" | "false" => format!("\"{name}\""),
        name => name.to_owned(),
    }
}

/// Both languages, as fields of a YAML mapping. A JSON text is a YAML text.
fn text(zh_cn: &str, en: &str) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    format!("zh-CN: {}, en: {}", quoted(zh_cn), quoted(en))
}

/// Why a crisis cannot keep a length.
fn no_length(length: Length) -> Option<&'static str> {
    match length {
        Length::Minutes(_) | Length::Days(_) if length.is_promise() => None,
        Length::Minutes(_) | Length::Days(_) => Some("must be ten years at most"),
        _ => Some("must be minutes, hours or days: a crisis keeps no office hours"),
    }
}

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
                "owner: ON_SITE_LEAD",
                "owner: REGION_CONTACT",
                "stages.LATENT.tasks[0].owner",
            ),
            (
                "within: 4 hours",
                "within: 4 working hours",
                "stages.LATENT.tasks[0].within",
            ),
            (
                "within: 4 hours",
                "within: 4000 days",
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

    #[test]
    fn what_is_written_down_reads_as_the_same_playbook_under_the_same_comment() {
        for name in PLAYBOOKS {
            let document = Playbook::document(name).expect("shipped");
            let playbook = Playbook::parse(document).expect("reads");
            let written = playbook.write(document);
            assert_eq!(Playbook::parse(&written), Ok(playbook), "{written}");
            let comment = document.lines().next().expect("a comment");
            assert!(written.starts_with(comment) && comment.starts_with('#'));
        }
    }

    #[test]
    fn a_character_that_could_not_be_kept_is_refused_however_it_is_written() {
        let document = Playbook::document("group-protest").expect("shipped");
        let title = "en: Group protest or change of plan";
        assert!(document.contains(title));
        let document = document.replacen(title, "en: \"Group\\0protest\"", 1);
        let problems = Playbook::parse(&document).expect_err("U+0000");
        assert!(problems.to_string().contains("U+0000"), "{problems}");
    }

    proptest! {
        #[test]
        fn whatever_people_write_survives_being_written_down(zh in "\\PC{1,60}", en in "[ -~\\n\\t]{1,60}", origin in proptest::option::of("[a-z]{1,9}/I20261121-0[1-9]")) {
            let document = Playbook::document("danger-to-life").expect("shipped");
            let mut playbook = Playbook::parse(document).expect("reads");
            playbook.title = Text { zh_cn: zh.clone(), en: en.clone() };
            playbook.stages.outbreak.goals.push(Goal { zh_cn: zh, en, origin: origin.clone() });
            playbook.stages.latent.tasks.clear();
            playbook.stages.handling.tasks[0].key = "null".into();
            playbook.stages.outbreak.tasks[0].origin = origin;
            let written = playbook.write("");
            prop_assert_eq!(Playbook::parse(&written), Ok(playbook), "{}", written);
        }

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
