//! From what is stored to the wire.

use redress_model::name::{
    DepartmentName, LoanName, SiteId, StaffId, StaffName, SummonsName, SupportName,
};
use redress_proto::assignment::v1 as wire;
use redress_proto::convert::{to_timestamp, to_wire};
use redress_rpc::etag;
use uuid::Uuid;

use crate::domain::demand::Demands;
use crate::rpc::parse::work_name;
use crate::store::demands::Loan;
use crate::store::summonses::Summons;
use crate::store::supports::Support;

fn person(site: &SiteId, id: &StaffId) -> String {
    StaffName::new(site.clone(), id.clone()).to_string()
}

pub(super) fn rules(site: &SiteId, demands: Demands, revision: i64) -> wire::RoutingRules {
    let department = |id| DepartmentName::new(site.clone(), id).to_string();
    wire::RoutingRules {
        name: format!("sites/{site}/routingRules"),
        required_skills: demands
            .skills
            .into_iter()
            .map(|(category, skill)| wire::RequiredSkill {
                category: to_wire(category),
                skill,
            })
            .collect(),
        positions: demands
            .positions
            .into_iter()
            .map(|p| wire::Position {
                kind: to_wire(p.kind),
                department: p.department.map(department).unwrap_or_default(),
                staff: person(site, &p.staff),
            })
            .collect(),
        etag: etag::of(revision),
    }
}

pub(super) fn loan(site: &SiteId, id: Uuid, loan: &Loan) -> wire::Loan {
    wire::Loan {
        name: LoanName::new(site.clone(), id).to_string(),
        staff: person(site, &loan.staff),
        department: DepartmentName::new(site.clone(), loan.department.clone()).to_string(),
        start_time: Some(to_timestamp(loan.from)),
        end_time: Some(to_timestamp(loan.until)),
    }
}

pub(super) fn summons(summons: Summons) -> wire::Summons {
    let site = &summons.case.site;
    wire::Summons {
        name: SummonsName::new(site.clone(), summons.id).to_string(),
        work: work_name(&summons.case).to_string(),
        number: summons.number,
        position: to_wire(summons.position),
        staff: person(site, &summons.staff),
        complainants: summons.complainants,
        summon_time: Some(to_timestamp(summons.at)),
        told_count: summons.told,
        acknowledge_time: summons.acknowledged.map(to_timestamp),
    }
}

pub(super) fn support(support: Support) -> wire::Support {
    let site = &support.case.site;
    wire::Support {
        name: SupportName::new(site.clone(), support.id).to_string(),
        work: work_name(&support.case).to_string(),
        department: DepartmentName::new(site.clone(), support.department).to_string(),
        staff: person(site, &support.staff),
        task: support.task,
        state: to_wire(support.state),
        create_time: Some(to_timestamp(support.created_at)),
        due_time: Some(to_timestamp(support.due)),
        end_time: support.ended_at.map(to_timestamp),
    }
}
