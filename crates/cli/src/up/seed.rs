//! The demo organization: read from a file, made through the same APIs that an operator would use.
//!
//! Every step may be repeated: what exists is left alone, so a start that was cut short is finished
//! by the next.

use std::path::Path;
use std::time::{Duration, Instant};

use jiff::ToSpan as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use redress_model::words::{Category, DutyRole, SiteKind, Word};
use redress_proto::assignment::v1::{
    ContactKind, ContactPoint, CreateDepartmentRequest, CreateStaffRequest, Crew, Department, Duty,
    GetRosterPlanRequest, ListDutiesRequest, Position, PositionKind, RosterPlan, Rotation,
    RoutingRules, SetDutiesRequest, SetRosterPlanRequest, SetRoutingRulesRequest, Shift, Staff,
};
use redress_proto::intake::v1::{
    CreateOrganizationRequest, CreateRegionRequest, CreateSiteRequest, GetOrganizationRequest,
    GetSiteRequest, Organization, Region, Site,
};
use serde::Deserialize;
use tonic::{Code, Status};

use crate::connect::{Platform, request};
use crate::failure::Failure;

/// The built-in demo organization.
const BUILT_IN: &str = include_str!("../../demo.toml");

/// How long a service may take to learn of a new site.
const PATIENCE: Duration = Duration::from_secs(60);

/// A demo organization as the file tells it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Demo {
    organization: Named,
    regions: Vec<Named>,
    sites: Vec<DemoSite>,
    departments: Vec<DemoDepartment>,
    staff: Vec<DemoStaff>,
    #[serde(default)]
    positions: Vec<DemoPosition>,
    #[serde(default)]
    shifts: Vec<DemoShift>,
    #[serde(default)]
    rotations: Vec<DemoRotation>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    id: String,
    display_name: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DemoSite {
    id: String,
    region: String,
    kind: SiteKind,
    display_name: String,
    #[serde(default)]
    display_name_en: String,
    number_prefix: String,
    #[serde(default = "shanghai")]
    time_zone: String,
    #[serde(default = "chinese")]
    language: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DemoDepartment {
    id: String,
    display_name: String,
    #[serde(default)]
    display_name_en: String,
    categories: Vec<Category>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DemoStaff {
    id: String,
    display_name: String,
    #[serde(default)]
    display_name_en: String,
    department: String,
    #[serde(default)]
    duties: Vec<DutyRole>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DemoPosition {
    kind: String,
    staff: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DemoShift {
    id: String,
    display_name: String,
    start_time: String,
    end_time: String,
    #[serde(default)]
    weekdays: Vec<i32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DemoRotation {
    id: String,
    role: DutyRole,
    shifts: Vec<String>,
    crews: Vec<Vec<String>>,
    days_each: i32,
}

fn shanghai() -> String {
    "Asia/Shanghai".to_owned()
}

fn chinese() -> String {
    "zh-CN".to_owned()
}

impl Demo {
    /// The demo in the file, or the built-in one.
    pub(crate) fn read(file: Option<&Path>) -> Result<Self, Failure> {
        let (path, text) = match file {
            None => ("the program".to_owned(), BUILT_IN.to_owned()),
            Some(file) => {
                let path = file.display().to_string();
                let text = std::fs::read_to_string(file).map_err(|source| Failure::File {
                    what: "cannot read",
                    path: path.clone(),
                    source,
                })?;
                (path, text)
            }
        };
        toml::from_str(&text).map_err(|e| Failure::Demo {
            path,
            reason: e.message().to_owned(),
        })
    }

    /// The time zone of a site; none where the organization has no such site.
    pub(crate) fn zone(&self, site: &str) -> Option<TimeZone> {
        let site = self.sites.iter().find(|s| s.id == site)?;
        TimeZone::get(&site.time_zone).ok()
    }

    /// The organization's id.
    pub(crate) fn organization(&self) -> &str {
        &self.organization.id
    }

    /// Makes what is missing.
    pub(crate) async fn seed(&self, platform: &Platform) -> Result<(), Failure> {
        self.directory(platform).await?;
        for site in &self.sites {
            self.staffing(platform, &site.id).await?;
            self.rosters(platform, site).await?;
        }
        Ok(())
    }

    /// Whether the organization is there already.
    pub(crate) async fn exists(&self, platform: &Platform) -> Result<bool, Failure> {
        let name = format!("organizations/{}", self.organization.id);
        let answer = platform
            .directory()
            .get_organization(request(GetOrganizationRequest { name }))
            .await;
        match answer {
            Ok(_) => Ok(true),
            Err(status) if status.code() == Code::NotFound => Ok(false),
            Err(status) => Err(status.into()),
        }
    }

    async fn directory(&self, platform: &Platform) -> Result<(), Failure> {
        let mut client = platform.directory();
        let organization = format!("organizations/{}", self.organization.id);
        let answer = client
            .create_organization(request(CreateOrganizationRequest {
                organization_id: self.organization.id.clone(),
                organization: Some(Organization {
                    display_name: self.organization.display_name.clone(),
                    ..Default::default()
                }),
                ..Default::default()
            }))
            .await;
        if answer.as_ref().is_err_and(|s| s.code() == Code::NotFound) {
            let organization = self.organization.id.clone();
            return Err(Failure::NotOfToken { organization });
        }
        made(answer)?;
        for region in &self.regions {
            made(
                client
                    .create_region(request(CreateRegionRequest {
                        parent: organization.clone(),
                        region_id: region.id.clone(),
                        region: Some(Region {
                            display_name: region.display_name.clone(),
                            ..Default::default()
                        }),
                        ..Default::default()
                    }))
                    .await,
            )?;
        }
        for site in &self.sites {
            let region = format!("{organization}/regions/{}", site.region);
            let answer = client
                .create_site(request(CreateSiteRequest {
                    site_id: site.id.clone(),
                    site: Some(Site {
                        region: region.clone(),
                        kind: site.kind.number(),
                        display_name: site.display_name.clone(),
                        display_name_en: site.display_name_en.clone(),
                        time_zone: site.time_zone.clone(),
                        number_prefix: site.number_prefix.clone(),
                        language: site.language.clone(),
                        ..Default::default()
                    }),
                    ..Default::default()
                }))
                .await;
            match answer {
                Err(taken) if taken.code() == Code::AlreadyExists => {
                    let name = format!("sites/{}", site.id);
                    let get = GetSiteRequest { name };
                    let known = client.get_site(request(get)).await;
                    let known = known.map(|answer| answer.into_inner().site);
                    own(&site.id, &region, known, &taken)?;
                }
                answer => made(answer)?,
            }
        }
        Ok(())
    }

    /// Departments, people and duties of a site. Assignment learns of the site by an event, so the
    /// first call is repeated until it has.
    async fn staffing(&self, platform: &Platform, site: &str) -> Result<(), Failure> {
        let parent = format!("sites/{site}");
        let mut client = platform.roster();
        for department in &self.departments {
            let until = Instant::now() + PATIENCE;
            loop {
                let result = made(
                    client
                        .create_department(request(CreateDepartmentRequest {
                            parent: parent.clone(),
                            department_id: department.id.clone(),
                            department: Some(Department {
                                display_name: department.display_name.clone(),
                                display_name_en: department.display_name_en.clone(),
                                categories: department
                                    .categories
                                    .iter()
                                    .map(|c| c.number())
                                    .collect(),
                                ..Default::default()
                            }),
                            ..Default::default()
                        }))
                        .await,
                );
                match result {
                    Ok(()) => break,
                    Err(Failure::Call(status))
                        if status.code() == Code::NotFound && Instant::now() < until =>
                    {
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                    Err(failure) => return Err(failure),
                }
            }
        }
        for person in &self.staff {
            made(
                client
                    .create_staff(request(CreateStaffRequest {
                        parent: parent.clone(),
                        staff_id: person.id.clone(),
                        staff: Some(Staff {
                            display_name: person.display_name.clone(),
                            display_name_en: person.display_name_en.clone(),
                            department: format!("{parent}/departments/{}", person.department),
                            languages: vec!["zh-CN".to_owned()],
                            account: format!("{site}-{}", person.id),
                            contact_points: vec![ContactPoint {
                                kind: ContactKind::Email.into(),
                                value: format!("{}@{site}.example", person.id),
                            }],
                            ..Default::default()
                        }),
                        ..Default::default()
                    }))
                    .await,
            )?;
        }
        let on_duty = client
            .list_duties(request(ListDutiesRequest {
                parent: parent.clone(),
                ..Default::default()
            }))
            .await?
            .into_inner();
        if on_duty.duties.is_empty() {
            client
                .set_duties(request(SetDutiesRequest {
                    parent: parent.clone(),
                    duties: self.duties(&parent),
                    ..Default::default()
                }))
                .await?;
        }
        Ok(())
    }

    /// Shifts and rotations of a site, from last Monday on.
    async fn rosters(&self, platform: &Platform, site: &DemoSite) -> Result<(), Failure> {
        let parent = format!("sites/{}", site.id);
        let mut client = platform.roster_plan();
        let get = GetRosterPlanRequest {
            name: format!("{parent}/rosterPlan"),
        };
        let plan = client.get_roster_plan(request(get)).await?.into_inner();
        if !plan.plan.unwrap_or_default().rotations.is_empty() {
            return Ok(());
        }
        let zone = TimeZone::get(&site.time_zone).unwrap_or(TimeZone::UTC);
        let today = zone.to_datetime(crate::now::now()).date();
        let monday =
            today.saturating_sub(i64::from(today.weekday().to_monday_zero_offset()).days());
        let set = SetRosterPlanRequest {
            plan: Some(self.plan(&parent, monday)),
            parent,
            etag: String::new(),
        };
        client.set_roster_plan(request(set)).await?;
        let set = SetRoutingRulesRequest {
            rules: Some(RoutingRules {
                positions: self.positions(&format!("sites/{}", site.id)),
                ..Default::default()
            }),
            parent: format!("sites/{}", site.id),
            etag: String::new(),
        };
        platform.staffing().set_routing_rules(request(set)).await?;
        Ok(())
    }

    fn positions(&self, parent: &str) -> Vec<Position> {
        let kind = |word: &str| {
            PositionKind::from_str_name(&format!("POSITION_KIND_{word}")).unwrap_or_default()
        };
        self.positions
            .iter()
            .map(|p| Position {
                kind: kind(&p.kind).into(),
                staff: format!("{parent}/staff/{}", p.staff),
                ..Default::default()
            })
            .collect()
    }

    fn plan(&self, parent: &str, from: Date) -> RosterPlan {
        RosterPlan {
            shifts: self
                .shifts
                .iter()
                .map(|s| Shift {
                    id: s.id.clone(),
                    display_name: s.display_name.clone(),
                    start_time: s.start_time.clone(),
                    end_time: s.end_time.clone(),
                    weekdays: s.weekdays.clone(),
                })
                .collect(),
            rotations: self
                .rotations
                .iter()
                .map(|r| Rotation {
                    id: r.id.clone(),
                    role: r.role.number(),
                    rank: 0,
                    shifts: r.shifts.clone(),
                    crews: r
                        .crews
                        .iter()
                        .map(|crew| Crew {
                            staff: crew
                                .iter()
                                .map(|id| format!("{parent}/staff/{id}"))
                                .collect(),
                        })
                        .collect(),
                    days_each: r.days_each,
                    start_date: from.to_string(),
                    end_date: String::new(),
                })
                .collect(),
            ..Default::default()
        }
    }

    /// Everybody's duties, around the clock; several holders of one duty are holder and deputies.
    fn duties(&self, parent: &str) -> Vec<Duty> {
        let mut duties = Vec::new();
        for role in DutyRole::ALL {
            let holders = self.staff.iter().filter(|s| s.duties.contains(role));
            for (rank, person) in (0_i32..).zip(holders) {
                duties.push(Duty {
                    role: role.number(),
                    staff: format!("{parent}/staff/{}", person.id),
                    // People at work stand side by side; only other duties have deputies.
                    rank: if *role == DutyRole::Handler { 0 } else { rank },
                    ..Default::default()
                });
            }
        }
        duties
    }
}

/// Whether a site that is there already is the file's own: ids are those of the whole platform, and a number prefix that is
/// taken says that the site is not there at all.
fn own(
    site: &str,
    wanted: &str,
    known: Result<Option<Site>, Status>,
    taken: &Status,
) -> Result<(), Failure> {
    let site = site.to_owned();
    match known {
        Ok(Some(known)) if known.region == wanted => Ok(()),
        Ok(known) => Err(Failure::SiteElsewhere {
            site,
            region: known.unwrap_or_default().region,
            wanted: wanted.to_owned(),
        }),
        // Of another organization's site the token learns no more than that.
        Err(status) if status.code() == Code::NotFound => Err(Failure::SiteTaken {
            site,
            why: taken.message().to_owned(),
        }),
        Err(status) => Err(status.into()),
    }
}

/// Made now, or there already.
fn made<T>(answer: Result<T, Status>) -> Result<(), Failure> {
    match answer {
        Ok(_) => Ok(()),
        Err(status) if status.code() == Code::AlreadyExists => Ok(()),
        Err(status) => Err(status.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_site_of_the_files_own_region_counts_as_there() {
        let wanted = "organizations/demo/regions/north";
        let taken = Status::already_exists("number_prefix LS in organizations/demo exists already");
        let told = |known: Result<Option<Site>, Status>| {
            own("lakeside", wanted, known, &taken).map_err(|failure| failure.to_string())
        };
        let of = |region: &str| {
            Ok(Some(Site {
                region: region.to_owned(),
                ..Default::default()
            }))
        };
        assert_eq!(told(of(wanted)), Ok(()));
        for region in [
            "organizations/demo/regions/south",
            "organizations/harbour/regions/north",
        ] {
            let said = told(of(region)).expect_err("somebody else's");
            assert!(said.contains("lakeside") && said.contains(region), "{said}");
        }
        let said = told(Err(Status::not_found("sites/lakeside"))).expect_err("not there");
        assert!(
            said.contains("lakeside") && said.contains("number_prefix LS"),
            "{said}"
        );
        let said = told(Err(Status::unavailable("starts"))).expect_err("not known");
        assert!(said.contains("starts"), "{said}");
    }

    #[test]
    fn the_built_in_demo_has_two_regions_a_site_of_each_kind_and_every_duty() {
        let demo = Demo::read(None).expect("the built-in demo is well formed");
        assert_eq!(demo.regions.len(), 2);
        for kind in SiteKind::ALL {
            assert!(demo.sites.iter().any(|s| s.kind == *kind), "{kind}");
        }
        for category in Category::ALL {
            assert!(
                demo.departments
                    .iter()
                    .any(|d| d.categories.contains(category)),
                "{category}"
            );
        }
        let duties = demo.duties("sites/x");
        let plan = demo.plan("sites/x", Date::default());
        for role in DutyRole::ALL {
            let fixed = duties.iter().any(|d| d.role == role.number());
            let planned = plan.rotations.iter().any(|r| r.role == role.number());
            assert!(fixed || planned, "{role}");
        }
        for position in demo.positions("sites/x") {
            assert_ne!(position.kind(), PositionKind::Unspecified);
            let id = position.staff.rsplit('/').next().unwrap_or_default();
            assert!(demo.staff.iter().any(|s| s.id == id), "{id}");
        }
        for rotation in &demo.rotations {
            for shift in &rotation.shifts {
                assert!(demo.shifts.iter().any(|s| s.id == *shift), "{shift}");
            }
            for person in rotation.crews.iter().flatten() {
                assert!(demo.staff.iter().any(|s| s.id == *person), "{person}");
            }
        }
        for person in &demo.staff {
            assert!(demo.departments.iter().any(|d| d.id == person.department));
        }
    }
}
