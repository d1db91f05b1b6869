//! `redress organization` and `redress region`: whom sites belong to.

use redress_proto::intake::v1::{
    CreateOrganizationRequest, CreateRegionRequest, ListOrganizationsRequest, ListRegionsRequest,
    Organization, Region,
};
use tonic::Code;

use crate::args::{OrganizationCommand, RegionCommand};
use crate::connect::{Platform, all_pages, request, request_id};
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, short, when};

/// Runs a subcommand of `organization`.
pub(crate) async fn run(
    platform: &Platform,
    command: OrganizationCommand,
    out: Output,
) -> Result<(), Failure> {
    let client = platform.directory();
    let organizations = match command {
        OrganizationCommand::Create { organization, name } => {
            let create = CreateOrganizationRequest {
                organization_id: organization.clone(),
                organization: Some(Organization {
                    display_name: name,
                    ..Default::default()
                }),
                request_id: request_id(),
            };
            let answer = client.clone().create_organization(request(create)).await;
            // Nothing can be missing that is only being made.
            let answer = answer.map_err(|status| match status.code() {
                Code::NotFound => Failure::NotOfToken { organization },
                _ => status.into(),
            })?;
            Vec::from_iter(answer.into_inner().organization)
        }
        OrganizationCommand::List(paging) => {
            all_pages(paging.limit, |page_size, page_token| {
                let mut client = client.clone();
                let list = ListOrganizationsRequest {
                    page_size,
                    page_token,
                };
                async move {
                    let answer = client.list_organizations(request(list)).await?.into_inner();
                    Ok((answer.organizations, answer.next_page_token))
                }
            })
            .await?
        }
    };
    out.rows(
        &["Organization", "Name", "Made"],
        &organizations,
        |o| {
            vec![
                short(&o.name),
                o.display_name.clone(),
                when(o.create_time.as_ref()),
            ]
        },
        |o| json::of("intake.v1.Organization", o),
    );
    Ok(())
}

/// Runs a subcommand of `region`.
pub(crate) async fn run_region(
    platform: &Platform,
    command: RegionCommand,
    out: Output,
) -> Result<(), Failure> {
    let client = platform.directory();
    let regions = match command {
        RegionCommand::Create {
            region,
            name,
            organization,
        } => {
            let create = CreateRegionRequest {
                parent: format!("organizations/{organization}"),
                region_id: region,
                region: Some(Region {
                    display_name: name,
                    ..Default::default()
                }),
                request_id: request_id(),
            };
            let answer = client.clone().create_region(request(create)).await?;
            Vec::from_iter(answer.into_inner().region)
        }
        RegionCommand::List {
            organization,
            paging,
        } => {
            all_pages(paging.limit, |page_size, page_token| {
                let mut client = client.clone();
                let list = ListRegionsRequest {
                    parent: format!("organizations/{organization}"),
                    page_size,
                    page_token,
                };
                async move {
                    let answer = client.list_regions(request(list)).await?.into_inner();
                    Ok((answer.regions, answer.next_page_token))
                }
            })
            .await?
        }
    };
    out.rows(
        &["Region", "Name", "Made"],
        &regions,
        |r| {
            vec![
                typed(r),
                r.display_name.clone(),
                when(r.create_time.as_ref()),
            ]
        },
        |r| json::of("intake.v1.Region", r),
    );
    Ok(())
}

/// A region as `--region` takes it.
fn typed(region: &Region) -> String {
    let mut parts = region.name.split('/').skip(1).step_by(2);
    let (organization, region) = (parts.next(), parts.next());
    format!(
        "{}/{}",
        organization.unwrap_or_default(),
        region.unwrap_or_default()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_shown_as_it_is_typed() {
        let region = Region {
            name: "organizations/demo/regions/north".to_owned(),
            ..Default::default()
        };
        assert_eq!(typed(&region), "demo/north");
    }
}
