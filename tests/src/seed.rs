//! Two sites of one organization, each with people on every duty.

use std::time::Duration;

use redress_model::words::{DutyRole, SiteKind, Word as _};
use redress_proto::assignment::v1::{
    ContactKind, ContactPoint, CreateDepartmentRequest, CreateStaffRequest, Department, Duty,
    SetDutiesRequest, Staff,
};
use redress_proto::intake::v1::{
    CreateOrganizationRequest, CreateRegionRequest, CreateSiteRequest, Organization, Region, Site,
};
use redress_testkit::eventually;

use crate::platform::Platform;

/// The site that tests use.
pub const SITE: &str = "lake";
/// A site that must never be seen from the first.
pub const OTHER_SITE: &str = "river";

const DEPARTMENTS: [&str; 8] = [
    "engineering",
    "design",
    "sales",
    "property-management",
    "customer-service",
    "repair",
    "leasing",
    "public-affairs",
];

/// Makes the organization, its sites and their people.
pub(crate) async fn organization(platform: &Platform) {
    let callers = platform.callers();
    let mut directory = callers.directory();
    directory
        .create_organization(CreateOrganizationRequest {
            organization_id: "demo".to_owned(),
            organization: Some(Organization {
                display_name: "Demo".to_owned(),
                ..Default::default()
            }),
            ..Default::default()
        })
        .await
        .expect("the organization is made");
    directory
        .create_region(CreateRegionRequest {
            parent: "organizations/demo".to_owned(),
            region_id: "north".to_owned(),
            region: Some(Region {
                display_name: "North".to_owned(),
                ..Default::default()
            }),
            ..Default::default()
        })
        .await
        .expect("the region is made");
    for (id, prefix) in [(SITE, "LK"), (OTHER_SITE, "RV")] {
        site(platform, id, prefix).await;
    }
}

/// Makes a further site of the organization, with its people.
pub(crate) async fn site(platform: &Platform, id: &str, prefix: &str) {
    let mut directory = platform.callers().directory();
    directory
        .create_site(CreateSiteRequest {
            site_id: id.to_owned(),
            site: Some(Site {
                region: "organizations/demo/regions/north".to_owned(),
                kind: SiteKind::Residential.number(),
                display_name: format!("{id} estate"),
                time_zone: "Asia/Shanghai".to_owned(),
                number_prefix: prefix.to_owned(),
                language: "zh-CN".to_owned(),
                ..Default::default()
            }),
            ..Default::default()
        })
        .await
        .expect("the site is made");
    people(platform, id).await;
}

async fn people(platform: &Platform, site: &str) {
    let parent = format!("sites/{site}");
    let callers = platform.callers();
    let mut duties = Vec::new();
    let mut hold = |role: DutyRole, staff: &str| {
        duties.push(Duty {
            role: role.number(),
            staff: format!("{parent}/staff/{staff}"),
            ..Default::default()
        });
    };
    for department in DEPARTMENTS {
        let request = CreateDepartmentRequest {
            parent: parent.clone(),
            department_id: department.to_owned(),
            department: Some(Department {
                display_name: format!("{department} of {parent}"),
                ..Default::default()
            }),
            ..Default::default()
        };
        // Assignment learns of the site by an event.
        eventually(Duration::from_secs(30), async || {
            callers
                .roster()
                .create_department(request.clone())
                .await
                .map(|_| true)
                .map_err(|s| s.to_string())
        })
        .await;
        for n in 1..=2 {
            let id = format!("{department}-{n}");
            person(platform, &parent, &id, department).await;
            hold(DutyRole::Handler, &id);
        }
    }
    for role in DutyRole::ALL {
        if *role != DutyRole::Handler {
            let id = role.word().to_lowercase().replace('_', "-");
            person(platform, &parent, &id, "customer-service").await;
            hold(*role, &id);
        }
    }
    callers
        .roster()
        .set_duties(SetDutiesRequest {
            parent: parent.clone(),
            duties,
            ..Default::default()
        })
        .await
        .expect("the duties are set");
}

async fn person(platform: &Platform, parent: &str, id: &str, department: &str) {
    let request = CreateStaffRequest {
        parent: parent.to_owned(),
        staff_id: id.to_owned(),
        staff: Some(Staff {
            display_name: format!("{id} of {parent}"),
            department: format!("{parent}/departments/{department}"),
            languages: vec!["zh-CN".to_owned()],
            account: format!("{parent}-{id}"),
            contact_points: vec![ContactPoint {
                kind: ContactKind::Email.into(),
                value: format!("{id}@example.com"),
            }],
            ..Default::default()
        }),
        ..Default::default()
    };
    // A busy machine sheds load.
    eventually(Duration::from_secs(30), async || {
        let mut roster = platform.callers().roster();
        let answer = roster.create_staff(request.clone()).await;
        answer.map(|_| true).map_err(|s| s.to_string())
    })
    .await;
}
