//! Lessons as callers see them.

use redress_model::Fault;
use redress_model::name::{IncidentName, LessonName, SiteId};
use redress_model::words::Word as _;
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::crisis::v1 as wire;
use redress_rpc::etag;
use redress_store::Tx;
use uuid::Uuid;

use super::super::playbooks::view::text;
use super::super::subject::Subject;
use crate::flow::Desk;
use crate::store::incidents::Incident;
use crate::store::lessons::{self, Lesson};

impl Subject for Lesson {
    const TYPE: &'static str = "Lesson";
    type Name = LessonName;
    type Shown = wire::Lesson;

    fn site(name: &LessonName) -> &SiteId {
        &name.site
    }

    async fn find(tx: &mut Tx, name: &LessonName) -> Result<Option<Self>, Fault> {
        lessons::get(tx, name).await
    }

    fn incident(&self) -> Uuid {
        self.incident
    }

    fn revision(&self) -> i64 {
        self.revision
    }

    async fn show(self, _: &mut Tx, _: &Incident, _: &Desk) -> Result<wire::Lesson, Fault> {
        Ok(lesson(&self))
    }
}

/// A lesson.
pub(in crate::rpc) fn lesson(lesson: &Lesson) -> wire::Lesson {
    let teaching = &lesson.teaching;
    let task = teaching.task.as_ref();
    let decided = lesson.decided.as_ref();
    wire::Lesson {
        name: lesson.name.to_string(),
        etag: etag::of(lesson.revision),
        incident: IncidentName::new(lesson.name.site.clone(), lesson.incident).to_string(),
        playbook: teaching.playbook.clone(),
        stage: teaching.stage.number(),
        kind: teaching.kind().number(),
        text: Some(text(&teaching.text)),
        key: task.map(|t| t.key.clone()).unwrap_or_default(),
        owner: task.map_or(0, |t| to_wire(t.owner)),
        within: task.map(|t| t.within.to_string()).unwrap_or_default(),
        optional: task.is_some_and(|t| t.optional),
        reason: lesson.reason.clone(),
        state: lesson.state.number(),
        proposed_by: lesson.proposed_by.clone(),
        propose_time: Some(to_timestamp(lesson.proposed)),
        decided_by: decided.map(|d| d.by.clone()).unwrap_or_default(),
        decide_time: decided.map(|d| to_timestamp(d.at)),
        decision: decided.map(|d| d.reason.clone()).unwrap_or_default(),
        playbook_revision: decided.and_then(|d| d.playbook_revision).unwrap_or(0),
    }
}
