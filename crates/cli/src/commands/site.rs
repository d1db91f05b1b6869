//! `redress site`.

use redress_model::words::SiteKind;
use redress_proto::intake::v1::{CreateSiteRequest, ListSitesRequest, Site};

use super::{number, word};
use crate::args::{SiteArgs, SiteCommand};
use crate::connect::{Platform, all_pages, request, request_id};
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, say, short};
use crate::up::Demo;

/// Runs a subcommand.
pub(crate) async fn run(
    platform: &Platform,
    command: SiteCommand,
    out: Output,
) -> Result<(), Failure> {
    match command {
        SiteCommand::Create(args) => {
            let mut client = platform.directory();
            let answer = client.create_site(request(wanted(args)?)).await?;
            let site = answer.into_inner().site;
            show(&Vec::from_iter(site), out);
        }
        SiteCommand::List(paging) => {
            let client = platform.directory();
            let sites = all_pages(paging.limit, |page_size, page_token| {
                let mut client = client.clone();
                async move {
                    let answer = client
                        .list_sites(request(ListSitesRequest {
                            page_size,
                            page_token,
                            ..Default::default()
                        }))
                        .await?
                        .into_inner();
                    Ok((answer.sites, answer.next_page_token))
                }
            })
            .await?;
            show(&sites, out);
        }
        SiteCommand::Seed { demo, again } => {
            let demo = Demo::read(demo.as_deref())?;
            let organization = demo.organization();
            if !again && demo.exists(platform).await? {
                let organization = organization.to_owned();
                return Err(Failure::ThereAlready { organization });
            }
            demo.seed(platform).await?;
            out.one(
                || serde_json::json!({ "organization": organization }),
                || say!("{organization} is there, with its sites, people and duties"),
            );
        }
    }
    Ok(())
}

/// The site that is asked for. What is wrong with it beyond its kind is told by the service.
fn wanted(args: SiteArgs) -> Result<CreateSiteRequest, Failure> {
    Ok(CreateSiteRequest {
        site_id: args.site,
        site: Some(Site {
            region: args.region,
            kind: number::<SiteKind>("kind", &args.kind)?,
            display_name: args.name,
            display_name_en: args.english,
            time_zone: args.time_zone,
            number_prefix: args.prefix,
            language: args.language,
            ..Default::default()
        }),
        request_id: request_id(),
    })
}

fn show(sites: &[Site], out: Output) {
    out.rows(
        &["Site", "Name", "Kind", "Region", "Zone"],
        sites,
        |s| {
            vec![
                short(&s.name),
                s.display_name.clone(),
                word::<SiteKind>(s.kind),
                short(&s.region),
                s.time_zone.clone(),
            ]
        },
        |s| json::of("intake.v1.Site", s),
    );
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{Cli, Command};

    fn typed(line: &str) -> Result<CreateSiteRequest, String> {
        let words = ["redress", "site", "create"].into_iter();
        let cli = Cli::try_parse_from(words.chain(line.split(' '))).map_err(|e| e.to_string())?;
        match cli.command {
            Command::Site(SiteCommand::Create(args)) => wanted(args).map_err(|e| e.to_string()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_site_is_made_as_it_is_typed_in_its_zone_and_language() {
        let line = "lakeside 湖畔 --region demo/north --kind sales-center --prefix LS";
        let create = typed(line).expect("right");
        let site = create.site.expect("given");
        assert_eq!(create.site_id, "lakeside");
        assert_eq!(site.region, "organizations/demo/regions/north");
        assert_eq!(site.kind, 2);
        assert_eq!((&*site.number_prefix, &*site.display_name), ("LS", "湖畔"));
        let zone_and_language = (&*site.time_zone, &*site.language);
        assert_eq!(zone_and_language, ("Asia/Shanghai", "zh-CN"));
        let whole = line.replace("demo/north", "organizations/demo/regions/north");
        assert_eq!(
            typed(&whole).expect("right").site.expect("given").region,
            site.region
        );
    }

    #[test]
    fn an_organization_that_is_there_is_seeded_only_where_that_is_said() {
        for (line, said) in [("seed", false), ("seed --again", true)] {
            let words = ["redress", "site"].into_iter().chain(line.split(' '));
            match Cli::try_parse_from(words).expect("right").command {
                Command::Site(SiteCommand::Seed { again, .. }) => assert_eq!(again, said),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn what_no_site_can_be_is_told_before_anybody_is_asked() {
        let right = "lakeside Lakeside --region demo/north --kind residential --prefix LS";
        for (part, wrong, told) in [
            ("lakeside ", "Lake_side ", "a to z, 0 to 9 and hyphens"),
            ("demo/north", "north", "ORGANIZATION/REGION"),
            (" --prefix LS", "", "--prefix"),
            ("residential", "hotel", "RESIDENTIAL, SALES_CENTER"),
        ] {
            let said = typed(&right.replacen(part, wrong, 1)).expect_err(wrong);
            assert!(said.contains(told), "{said}");
        }
    }
}
