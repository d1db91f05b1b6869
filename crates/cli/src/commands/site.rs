//! `redress site`.

use redress_model::words::SiteKind;
use redress_proto::intake::v1::ListSitesRequest;

use super::word;
use crate::args::SiteCommand;
use crate::connect::{Platform, all_pages, request};
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, short};

/// Runs a subcommand.
pub(crate) async fn run(
    platform: &Platform,
    command: SiteCommand,
    out: Output,
) -> Result<(), Failure> {
    let SiteCommand::List(paging) = command;
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
    out.rows(
        &["Site", "Name", "Kind", "Region", "Zone"],
        &sites,
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
    Ok(())
}
