//! Inquiries and exposures as callers see them, and as subjects of writes.

use redress_model::Fault;
use redress_model::name::{ExposureName, IncidentName, InquiryName, SiteId, StatementName};
use redress_proto::convert::{to_timestamp, to_wire, to_wire_opt};
use redress_proto::crisis::v1 as wire;
use redress_rpc::etag;
use redress_store::Tx;
use uuid::Uuid;

use super::super::subject::Subject;
use crate::domain::words::OutletRank;
use crate::flow::Desk;
use crate::store::incidents::Incident;
use crate::store::media::{self, Assessment, Exposure, Inquiry};
use crate::store::read;

impl Subject for Inquiry {
    const TYPE: &'static str = "Inquiry";
    type Name = InquiryName;
    type Shown = wire::Inquiry;

    fn site(name: &InquiryName) -> &SiteId {
        &name.site
    }

    async fn find(tx: &mut Tx, name: &InquiryName) -> Result<Option<Self>, Fault> {
        media::inquiry(tx, name).await
    }

    fn incident(&self) -> Uuid {
        self.incident
    }

    fn revision(&self) -> i64 {
        self.revision
    }

    async fn show(self, _: &mut Tx, _: &Incident, _: &Desk) -> Result<wire::Inquiry, Fault> {
        Ok(inquiry(&self))
    }
}

impl Subject for Exposure {
    const TYPE: &'static str = "Exposure";
    type Name = ExposureName;
    type Shown = wire::Exposure;

    fn site(name: &ExposureName) -> &SiteId {
        &name.site
    }

    async fn find(tx: &mut Tx, name: &ExposureName) -> Result<Option<Self>, Fault> {
        media::exposure(tx, name).await
    }

    fn incident(&self) -> Uuid {
        self.incident
    }

    fn revision(&self) -> i64 {
        self.revision
    }

    async fn show(self, tx: &mut Tx, _: &Incident, _: &Desk) -> Result<wire::Exposure, Fault> {
        let said = media::assessments(tx, &self.name).await?;
        exposure(&self, &said)
    }
}

/// An inquiry, without the journalist.
pub(in crate::rpc) fn inquiry(inquiry: &Inquiry) -> wire::Inquiry {
    let InquiryName { site, .. } = &inquiry.name;
    wire::Inquiry {
        name: inquiry.name.to_string(),
        incident: IncidentName::new(site.clone(), inquiry.incident).to_string(),
        outlet: inquiry.outlet.clone(),
        rank: to_wire(inquiry.rank),
        journalist: String::new(),
        question: inquiry.question.clone(),
        receive_time: Some(to_timestamp(inquiry.received)),
        due_time: Some(to_timestamp(inquiry.due)),
        embargo_time: inquiry.embargo.map(to_timestamp),
        state: to_wire(inquiry.state),
        statement: inquiry.statement.map_or_else(String::new, |id| {
            StatementName::new(site.clone(), id).to_string()
        }),
        digest: inquiry
            .digest
            .as_ref()
            .map_or_else(String::new, hex::encode),
        reason: inquiry.reason.clone(),
        decided_by: inquiry.decided_by.clone(),
        decide_time: inquiry.decided.map(to_timestamp),
        create_time: Some(to_timestamp(inquiry.created)),
        etag: etag::of(inquiry.revision),
    }
}

/// An exposure with everything that was said of it.
pub(in crate::rpc) fn exposure(
    exposure: &Exposure,
    said: &[Assessment],
) -> Result<wire::Exposure, Fault> {
    let ExposureName { site, .. } = &exposure.name;
    let clarification = match &exposure.clarified {
        None => None,
        Some(c) => Some(wire::Clarification {
            statement: StatementName::new(site.clone(), c.statement).to_string(),
            outlet: c.outlet.clone(),
            rank: to_wire(read::<OutletRank>(&c.rank)?),
            link: c.link.clone(),
            clarify_time: Some(to_timestamp(c.at)),
            in_time: c.in_time,
        }),
    };
    Ok(wire::Exposure {
        name: exposure.name.to_string(),
        incident: IncidentName::new(site.clone(), exposure.incident).to_string(),
        outlet: exposure.outlet.clone(),
        rank: to_wire(exposure.rank),
        medium: to_wire(exposure.medium),
        link: exposure.link.clone(),
        reach: exposure.reach,
        publish_time: Some(to_timestamp(exposure.published)),
        truth: to_wire_opt(exposure.truth),
        clarify_due_time: exposure.clarify_due.map(to_timestamp),
        clarification,
        assessments: said
            .iter()
            .map(|a| wire::Assessment {
                number: a.number,
                truth: to_wire(a.truth),
                reach: a.reach,
                reason: a.reason.clone(),
                actor: a.actor.clone(),
                assess_time: Some(to_timestamp(a.at)),
            })
            .collect(),
        create_time: Some(to_timestamp(exposure.created)),
        update_time: Some(to_timestamp(exposure.updated)),
        etag: etag::of(exposure.revision),
    })
}
