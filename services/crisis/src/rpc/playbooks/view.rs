//! Playbooks and plans as callers see them.

use redress_model::Fault;
use redress_model::name::{SiteId, StaffId, StaffName};
use redress_model::words::{DutyRole, Word as _};
use redress_policy::playbook::{Condition, Goal, Text};
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::crisis::v1 as wire;
use redress_rpc::etag;

use crate::domain::gate::Gap;
use crate::domain::terms::Terms;
use crate::flow::in_force;
use crate::store::incidents::Incident;
use crate::store::playbooks::Known;
use crate::store::roles::Role;
use crate::store::stages::{Visit, Word};
use crate::store::tasks::Task;
use crate::store::terms::Frozen;

/// A playbook under the name of a site or an organization, `sites/lake`.
pub(super) fn playbook(parent: &str, known: &Known) -> wire::Playbook {
    wire::Playbook {
        name: format!("{parent}/playbooks/{}", known.playbook.name),
        title: Some(text(&known.playbook.title)),
        criteria: known.playbook.criteria.clone(),
        rank: i32::from(known.playbook.rank),
        revision: known.revision,
        document: known.document.clone(),
        author: known.author.clone(),
        reason: known.reason.clone(),
        create_time: known.created.map(to_timestamp),
        etag: etag::of(i64::from(known.revision)),
    }
}

/// Everything that a plan shows.
pub(super) struct Plan {
    pub(super) incident: Incident,
    pub(super) terms: Terms,
    pub(super) frozen: Option<Frozen>,
    pub(super) visit: Option<Visit>,
    pub(super) tasks: Vec<Task>,
    pub(super) said: Vec<Word>,
    pub(super) roles: Vec<Role>,
    pub(super) gaps: Vec<Gap>,
}

impl Plan {
    pub(super) fn render(self) -> Result<wire::IncidentPlan, Fault> {
        let site = self.incident.name.site.clone();
        let frozen = self.frozen.as_ref();
        let settings = frozen.map(|f| in_force(&f.settings, Some(&f.playbook)));
        let plan = self.terms.plan(self.incident.stage);
        let named = self.terms.playbook.as_ref();
        Ok(wire::IncidentPlan {
            incident: self.incident.name.to_string(),
            stage: self.incident.stage.number(),
            enter_time: self.visit.map(|v| to_timestamp(v.entered)),
            playbook: named.map(|p| p.name.clone()).unwrap_or_default(),
            title: named.map(|p| text(&p.title)),
            playbook_revision: self.frozen.as_ref().map_or(0, |f| f.playbook_revision),
            goals: plan
                .map(|p| p.goals.iter().map(goal).collect())
                .unwrap_or_default(),
            tasks: self
                .tasks
                .iter()
                .map(|t| task(&site, t, &self.roles))
                .collect(),
            conditions: plan
                .map(|p| p.exit.iter().map(|c| condition(c, &self.said)).collect())
                .unwrap_or_default(),
            gaps: self.gaps.into_iter().map(gap).collect(),
            settings: settings
                .transpose()?
                .unwrap_or_default()
                .into_iter()
                .map(|(field, value)| wire::IncidentSetting { field, value })
                .collect(),
            etag: etag::of(self.incident.revision),
        })
    }
}

pub(in crate::rpc) fn text(text: &Text) -> wire::PlaybookText {
    wire::PlaybookText {
        zh_cn: text.zh_cn.clone(),
        en: text.en.clone(),
        origin: String::new(),
    }
}

pub(in crate::rpc) fn goal(goal: &Goal) -> wire::PlaybookText {
    wire::PlaybookText {
        zh_cn: goal.zh_cn.clone(),
        en: goal.en.clone(),
        origin: goal.origin.clone().unwrap_or_default(),
    }
}

fn gap(gap: Gap) -> wire::Gap {
    wire::Gap {
        name: gap.name,
        text: gap.text,
    }
}

pub(in crate::rpc) fn task(site: &SiteId, task: &Task, roles: &[Role]) -> wire::IncidentTask {
    let holder = |role: DutyRole| -> Option<StaffId> {
        let role = roles.iter().find(|r| r.role == role)?;
        role.held.person().cloned()
    };
    wire::IncidentTask {
        key: task.key.clone(),
        title: Some(text(&task.title)),
        owner: to_wire(task.owner),
        staff: holder(task.owner).map_or_else(String::new, |id| {
            StaffName::new(site.clone(), id).to_string()
        }),
        optional: task.optional,
        state: task.state.number(),
        start_time: Some(to_timestamp(task.start)),
        due_time: Some(to_timestamp(task.due)),
        end_time: task.ended.map(to_timestamp),
        actor: task.actor.clone(),
        reason: task.reason.clone(),
        reference: task.reference.clone(),
        origin: task.origin.clone(),
    }
}

pub(in crate::rpc) fn condition(condition: &Condition, said: &[Word]) -> wire::ExitCondition {
    let word = said.iter().find(|s| s.key == condition.key);
    wire::ExitCondition {
        key: condition.key.clone(),
        text: Some(text(&condition.text)),
        holds: word.is_some_and(|w| w.holds),
        actor: word.map(|w| w.actor.clone()).unwrap_or_default(),
        reason: word.map(|w| w.reason.clone()).unwrap_or_default(),
        say_time: word.map(|w| to_timestamp(w.at)),
    }
}
