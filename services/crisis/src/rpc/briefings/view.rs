//! Briefings and commitments as callers see them.

use redress_model::Fault;
use redress_model::name::{
    BriefingName, CaseName, CommitmentName, IncidentName, SiteId, StaffId, StaffName,
};
use redress_model::words::Word as _;
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::crisis::v1 as wire;
use redress_rpc::etag;
use redress_store::Tx;
use uuid::Uuid;

use super::super::subject::{Subject, zone};
use crate::domain::briefing::{Asked, Form, Item, difference};
use crate::flow::{BriefingTold, Desk};
use crate::store::briefings::{self, Briefing};
use crate::store::commitments::{self, Commitment};
use crate::store::incidents::Incident;

impl Subject for Briefing {
    const TYPE: &'static str = "Briefing";
    type Name = BriefingName;
    type Shown = wire::Briefing;

    fn site(name: &BriefingName) -> &SiteId {
        &name.site
    }

    async fn find(tx: &mut Tx, name: &BriefingName) -> Result<Option<Self>, Fault> {
        briefings::get(tx, &name.site, name.id).await
    }

    fn incident(&self) -> Uuid {
        self.incident
    }

    fn revision(&self) -> i64 {
        self.revision
    }

    async fn show(
        self,
        tx: &mut Tx,
        incident: &Incident,
        desk: &Desk,
    ) -> Result<wire::Briefing, Fault> {
        let zone = zone(tx, desk, &self.name.site).await?;
        let told = BriefingTold::load(tx, incident, self, &zone, desk.clock.now()).await?;
        Ok(whole(&told))
    }
}

impl Subject for Commitment {
    const TYPE: &'static str = "Commitment";
    type Name = CommitmentName;
    type Shown = wire::Commitment;

    fn site(name: &CommitmentName) -> &SiteId {
        &name.site
    }

    async fn find(tx: &mut Tx, name: &CommitmentName) -> Result<Option<Self>, Fault> {
        commitments::get(tx, &name.site, name.id).await
    }

    fn incident(&self) -> Uuid {
        self.incident
    }

    fn revision(&self) -> i64 {
        self.revision
    }

    async fn show(self, _: &mut Tx, _: &Incident, _: &Desk) -> Result<wire::Commitment, Fault> {
        Ok(commitment(&self))
    }
}

/// A briefing with its agenda, notes, questions and commitments.
fn whole(told: &BriefingTold) -> wire::Briefing {
    let released = told.briefing.released.is_some();
    wire::Briefing {
        agenda: told.agenda.iter().map(item).collect(),
        questions: told.asked.iter().map(question).collect(),
        commitments: told.commitments.iter().map(commitment).collect(),
        notes: told.notes.clone(),
        difference: match &told.before {
            Some(before) if !told.notes.is_empty() => difference(before, &told.notes),
            _ => String::new(),
        },
        reproducible: !released || told.reproducible,
        ..listed(&told.briefing, told.form)
    }
}

/// A briefing without what was said.
pub(in super::super) fn listed(briefing: &Briefing, form: Form) -> wire::Briefing {
    let site = &briefing.name.site;
    let held = briefing.held.as_ref();
    let released = briefing.released.as_ref();
    wire::Briefing {
        name: briefing.name.to_string(),
        etag: etag::of(briefing.revision),
        incident: IncidentName::new(site.clone(), briefing.incident).to_string(),
        number: briefing.number,
        form: form.number(),
        state: briefing.state.number(),
        plan_time: Some(to_timestamp(briefing.planned)),
        hold_time: held.map(|h| to_timestamp(h.at)),
        held_by: held.map(|h| h.by.clone()).unwrap_or_default(),
        attendance: held.map_or(0, |h| h.attendance),
        staff: held.map_or_else(Vec::new, |h| {
            h.staff.iter().map(|s| person(site, s)).collect()
        }),
        cases: held.map_or_else(Vec::new, |h| {
            let case = |id: &Uuid| CaseName::new(site.clone(), *id).to_string();
            h.cases.iter().map(case).collect()
        }),
        reference: held.map(|h| h.reference.clone()).unwrap_or_default(),
        release_time: released.map(|r| to_timestamp(r.at)),
        released_by: released.map(|r| r.by.clone()).unwrap_or_default(),
        digest: released.map(|r| hex::encode(r.digest)).unwrap_or_default(),
        reproducible: true,
        ..Default::default()
    }
}

fn person(site: &SiteId, staff: &StaffId) -> String {
    StaffName::new(site.clone(), staff.clone()).to_string()
}

fn item(item: &Item) -> wire::AgendaItem {
    wire::AgendaItem {
        topic: item.topic.number(),
        item_time: Some(to_timestamp(item.at)),
        text: item.text.clone(),
    }
}

fn question(asked: &Asked) -> wire::BriefingQuestion {
    let answer = asked.answer.as_ref();
    wire::BriefingQuestion {
        number: asked.number,
        text: asked.text.clone(),
        answer: answer.map(|a| a.text.clone()).unwrap_or_default(),
        answer_time: answer.map(|a| to_timestamp(a.at)),
        answered_by: answer.map(|a| a.by.clone()).unwrap_or_default(),
    }
}

/// A commitment.
pub(in super::super) fn commitment(commitment: &Commitment) -> wire::Commitment {
    let site = &commitment.name.site;
    let settled = commitment.settled.as_ref();
    wire::Commitment {
        name: commitment.name.to_string(),
        etag: etag::of(commitment.revision),
        incident: IncidentName::new(site.clone(), commitment.incident).to_string(),
        briefing: commitment.briefing.to_string(),
        text: commitment.text.clone(),
        owner: person(site, &commitment.owner),
        due_time: Some(to_timestamp(commitment.due)),
        state: commitment.state.number(),
        settle_time: settled.map(|s| to_timestamp(s.at)),
        settled_by: settled.map(|s| s.by.clone()).unwrap_or_default(),
        outcome: settled.map(|s| s.text.clone()).unwrap_or_default(),
        clock_state: to_wire(commitment.clock),
        stage: commitment.stage.number(),
    }
}
