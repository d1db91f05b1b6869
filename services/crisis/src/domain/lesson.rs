//! What a review teaches a playbook: a goal or a task more in one stage. Whether the playbook can take it is the playbook's
//! own check, so that nothing that is accepted is ever refused by an opening.

use redress_clock::Length;
use redress_model::words;
use redress_model::words::DutyRole;
use redress_policy::playbook::{Goal, Plan, Task, Text};
use redress_policy::{Playbook, Problems};

use super::words::Stage;

words! {
    /// Where a lesson stands.
    LessonState, "LESSON_STATE_" {
        /// Waits for the organization's decision.
        Proposed = 1 => "PROPOSED",
        /// It is in a revision of the playbook.
        Accepted = 2 => "ACCEPTED",
        /// It is not taken.
        Declined = 3 => "DECLINED",
    }
}

words! {
    /// What a lesson adds.
    LessonKind, "LESSON_KIND_" {
        /// What the stage is for.
        Goal = 1 => "GOAL",
        /// Something to be done in it.
        Task = 2 => "TASK",
    }
}

/// What a lesson says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Teaching {
    /// The playbook.
    pub playbook: String,
    /// Its stage.
    pub stage: Stage,
    /// The goal, or the title of the task.
    pub text: Text,
    /// What makes it a task; none for a goal.
    pub task: Option<Work>,
}

/// What a task has and a goal has not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work {
    /// Its name within the stage.
    pub key: String,
    /// The role that does it.
    pub owner: DutyRole,
    /// From entering the stage on.
    pub within: Length,
    /// Whether the stage may be left with it open.
    pub optional: bool,
}

impl Teaching {
    /// A goal or a task.
    pub fn kind(&self) -> LessonKind {
        match self.task {
            None => LessonKind::Goal,
            Some(_) => LessonKind::Task,
        }
    }

    /// The document of the playbook that has learned it, at the end of its stage and with its origin.
    ///
    /// # Errors
    /// What keeps the playbook from taking it.
    pub fn into_document(
        &self,
        playbook: &Playbook,
        before: &str,
        origin: &str,
    ) -> Result<String, Problems> {
        let mut learned = playbook.clone();
        let plan = plan(&mut learned, self.stage);
        let origin = Some(origin.to_owned());
        match &self.task {
            None => plan.goals.push(Goal {
                zh_cn: self.text.zh_cn.clone(),
                en: self.text.en.clone(),
                origin,
            }),
            Some(work) => plan.tasks.push(Task {
                key: work.key.clone(),
                title: self.text.clone(),
                owner: work.owner,
                within: work.within,
                optional: work.optional,
                origin,
            }),
        }
        let document = learned.write(before);
        Playbook::parse(&document).map(|_| document)
    }
}

fn plan(playbook: &mut Playbook, stage: Stage) -> &mut Plan {
    let stages = &mut playbook.stages;
    match stage {
        Stage::Latent => &mut stages.latent,
        Stage::Outbreak => &mut stages.outbreak,
        Stage::Handling => &mut stages.handling,
        Stage::Aftermath => &mut stages.aftermath,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use redress_model::words::Word as _;
    use redress_proto::crisis::v1 as wire;

    const ORIGIN: &str = "lakeside/I20261121-01";

    fn shipped(name: &str) -> (Playbook, &'static str) {
        let document = Playbook::document(name).expect("shipped");
        (Playbook::parse(document).expect("reads"), document)
    }

    fn task(key: &str) -> Teaching {
        Teaching {
            playbook: "group-protest".into(),
            stage: Stage::Outbreak,
            text: Text {
                zh_cn: "把图纸带到现场".into(),
                en: "Bring the plan to the site".into(),
            },
            task: Some(Work {
                key: key.into(),
                owner: DutyRole::DutyLead,
                within: Length::hours(1),
                optional: false,
            }),
        }
    }

    #[test]
    fn a_lesson_stands_at_the_end_of_its_stage_with_its_origin_and_changes_nothing_else() {
        let (before, document) = shipped("group-protest");
        let written = task("bring-plan").into_document(&before, document, ORIGIN);
        let mut after = Playbook::parse(&written.expect("fits")).expect("reads");
        let learned = after.stages.outbreak.tasks.pop().expect("there are tasks");
        assert_eq!(learned.key, "bring-plan");
        assert_eq!(learned.origin.as_deref(), Some(ORIGIN));
        assert_eq!(after, before);

        let goal = Teaching {
            task: None,
            ..task("")
        };
        let written = goal.into_document(&before, document, ORIGIN);
        let mut after = Playbook::parse(&written.expect("fits")).expect("reads");
        let learned = after.stages.outbreak.goals.pop().expect("there are goals");
        assert_eq!(learned.origin.as_deref(), Some(ORIGIN));
        assert_eq!(after, before);
    }

    #[test]
    fn what_the_playbook_could_not_take_is_refused_with_its_field() {
        let (before, document) = shipped("group-protest");
        let with = |change: fn(&mut Work)| {
            let mut lesson = task("bring-plan");
            change(lesson.task.as_mut().expect("a task"));
            let refused = lesson.into_document(&before, document, ORIGIN);
            refused.expect_err("wrong").0.remove(0).field
        };
        let place = format!(
            "stages.OUTBREAK.tasks[{}]",
            before.stages.outbreak.tasks.len()
        );
        assert_eq!(
            with(|w| w.key = "secure-site".into()),
            format!("{place}.key")
        );
        assert_eq!(with(|w| w.key = "Bring it".into()), format!("{place}.key"));
        assert_eq!(
            with(|w| w.owner = DutyRole::Handler),
            format!("{place}.owner")
        );
        let within = with(|w| w.within = Length::working_hours(4));
        assert_eq!(within, format!("{place}.within"));
    }

    #[test]
    fn words_match_the_generated_enums() {
        for w in LessonState::ALL {
            let wire = wire::LessonState::try_from(w.number()).expect("known");
            assert_eq!(
                wire.as_str_name(),
                format!("{}{}", LessonState::WIRE_PREFIX, w.word())
            );
        }
        for w in LessonKind::ALL {
            let wire = wire::LessonKind::try_from(w.number()).expect("known");
            assert_eq!(
                wire.as_str_name(),
                format!("{}{}", LessonKind::WIRE_PREFIX, w.word())
            );
        }
    }
}
