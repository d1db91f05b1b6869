//! `redress cluster`: complaints about the same issue at one site.

use redress_model::words::Category;
use redress_proto::triage::v1::{
    Cluster, ClusterMember, ConfirmClusterRequest, GeneralDefectState, GetClusterRequest,
    ListClustersRequest, MergeClustersRequest, PlaceMatch, ReviewGeneralDefectRequest,
    SplitClusterRequest,
};

use super::case::{find, names_of};
use super::{choice, word};
use crate::args::ClusterCommand;
use crate::connect::{Platform, all_pages, parent, request, request_id};
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, grade, heading, line, short, show_table, table, when};

/// Runs a subcommand.
pub(crate) async fn run(
    platform: &Platform,
    command: ClusterCommand,
    out: Output,
) -> Result<(), Failure> {
    let mut client = platform.clusters();
    let cluster = match command {
        ClusterCommand::List {
            site,
            min_cases,
            defect,
            paging,
        } => {
            let filter = ListClustersRequest {
                parent: parent(site.as_deref()),
                min_cases,
                general_defect: defect.map(|d| defect_number(&d)).transpose()?.unwrap_or(0),
                ..Default::default()
            };
            show_all(&list(platform, filter, paging.limit).await?, out);
            return Ok(());
        }
        ClusterCommand::Split {
            name,
            cases,
            reason,
        } => {
            let name = of(platform, name).await?;
            let split = SplitClusterRequest {
                etag: get(platform, &name).await?.etag,
                cases: names_of(platform, &cases).await?,
                name,
                reason,
                request_id: request_id(),
            };
            let answer = client.split_cluster(request(split)).await?.into_inner();
            let both = [answer.cluster, answer.new_cluster].map(Option::unwrap_or_default);
            show_all(&both, out);
            return Ok(());
        }
        ClusterCommand::Show { name } => {
            let name = of(platform, name).await?;
            Some(get(platform, &name).await?)
        }
        ClusterCommand::Merge { source, into } => {
            let (source, into) = (of(platform, source).await?, of(platform, into).await?);
            let merge = MergeClustersRequest {
                etag: get(platform, &into).await?.etag,
                source_etag: get(platform, &source).await?.etag,
                name: into,
                source,
                request_id: request_id(),
            };
            let answer = client.merge_clusters(request(merge)).await?;
            answer.into_inner().cluster
        }
        ClusterCommand::Confirm {
            name,
            cases,
            withdraw,
        } => {
            let confirm = ConfirmClusterRequest {
                cases: names_of(platform, &cases).await?,
                name: of(platform, name).await?,
                withdraw,
                request_id: request_id(),
                ..Default::default()
            };
            let answer = client.confirm_cluster(request(confirm)).await?;
            answer.into_inner().cluster
        }
        ClusterCommand::Defect {
            name,
            accept,
            reason,
            ..
        } => {
            let review = ReviewGeneralDefectRequest {
                name: of(platform, name).await?,
                accept,
                reason,
                request_id: request_id(),
                ..Default::default()
            };
            let answer = client.review_general_defect(request(review)).await?;
            answer.into_inner().cluster
        }
    };
    let cluster = cluster.unwrap_or_default();
    out.one(
        || json::of("triage.v1.Cluster", &cluster),
        || show(&cluster),
    );
    Ok(())
}

/// The name of a cluster, given by its own or by that or the number of a case in it.
async fn of(platform: &Platform, name: String) -> Result<String, Failure> {
    if name.contains("/clusters/") {
        return Ok(name);
    }
    match find(platform, &name).await?.cluster {
        none if none.is_empty() => Err(Failure::NotFound {
            what: "cluster of the case",
            name,
        }),
        cluster => Ok(cluster),
    }
}

/// The cluster as it is now; a change names its etag, so that one that somebody else changes meanwhile is refused.
async fn get(platform: &Platform, name: &str) -> Result<Cluster, Failure> {
    let get = GetClusterRequest {
        name: name.to_owned(),
    };
    let answer = platform.clusters().get_cluster(request(get)).await?;
    Ok(answer.into_inner().cluster.unwrap_or_default())
}

/// The clusters that a request asks for.
async fn list(
    platform: &Platform,
    filter: ListClustersRequest,
    limit: Option<usize>,
) -> Result<Vec<Cluster>, Failure> {
    let client = platform.clusters();
    all_pages(limit, |page_size, page_token| {
        let mut client = client.clone();
        let filter = ListClustersRequest {
            page_size,
            page_token,
            ..filter.clone()
        };
        async move {
            let answer = client.list_clusters(request(filter)).await?.into_inner();
            Ok((answer.clusters, answer.next_page_token))
        }
    })
    .await
}

fn show_all(clusters: &[Cluster], out: Output) {
    out.rows(
        &[
            "Cluster", "Cases", "People", "Month", "Gravest", "Newest", "Defect",
        ],
        clusters,
        |c| {
            vec![
                c.name.clone(),
                c.case_count.to_string(),
                c.complainants.to_string(),
                c.recent_cases.to_string(),
                grade(c.grade),
                when(c.newest_time.as_ref()),
                defect(c),
            ]
        },
        |c| json::of("triage.v1.Cluster", c),
    );
}

fn show(c: &Cluster) {
    heading("Cluster");
    line("name", &c.name);
    line("cases", c.case_count);
    line(
        "people",
        format!("{} ({} cases of a month)", c.complainants, c.recent_cases),
    );
    line("gravest", grade(c.grade));
    line("newest", when(c.newest_time.as_ref()));
    line("defect", defect(c));
    if !c.merged_into.is_empty() {
        line("merged into", &c.merged_into);
    }

    heading("Cases");
    let beside = place_header(c);
    let mut cases = table(&[
        "Number",
        "Received",
        "Grade",
        "Category",
        "Likeness",
        &beside,
        "Confirmed",
    ]);
    for m in &c.members {
        cases.add_row(vec![
            m.number.clone(),
            when(m.received_time.as_ref()),
            grade(m.grade),
            word::<Category>(m.category),
            likeness(m),
            place(m, &c.place_case).to_owned(),
            or_dash(&m.confirmer),
        ]);
    }
    show_table(cases);

    if !c.acts.is_empty() {
        heading("What people did");
        for act in &c.acts {
            let other = match act.other.as_str() {
                "" => String::new(),
                other => format!(" ({})", short(other)),
            };
            let time = when(act.act_time.as_ref());
            crate::output::say!(
                "  {time}  {} by {}{other}  {}",
                act.act,
                act.actor,
                act.reason
            );
        }
    }
}

/// How like the case by which it joined; the words themselves are kept nowhere.
fn likeness(m: &ClusterMember) -> String {
    if m.similarity > 0.0 {
        format!("{:.2}", m.similarity)
    } else {
        "–".to_owned()
    }
}

/// What the places are compared to: the places themselves are kept nowhere but with the cases.
fn place_header(c: &Cluster) -> String {
    let first = c.members.iter().find(|m| m.case == c.place_case);
    first.map_or_else(
        || "Place".to_owned(),
        |first| format!("Place, as {}", first.number),
    )
}

fn place(m: &ClusterMember, first: &str) -> &'static str {
    match m.place_match() {
        _ if m.case == first => "(compared with)",
        PlaceMatch::Unspecified => "–",
        PlaceMatch::SameUnit => "same unit",
        PlaceMatch::SameBuilding => "same building",
        PlaceMatch::Different => "elsewhere",
    }
}

fn or_dash(text: &str) -> String {
    if text.is_empty() { "–" } else { text }.to_owned()
}

fn defect(c: &Cluster) -> String {
    let Some(defect) = &c.general_defect else {
        return "–".to_owned();
    };
    let state = match defect.state() {
        GeneralDefectState::Unspecified => return "–".to_owned(),
        GeneralDefectState::Proposed => "PROPOSED",
        GeneralDefectState::Accepted => "ACCEPTED",
        GeneralDefectState::Dismissed => "DISMISSED",
    };
    format!("{state}, {} units", defect.units)
}

fn defect_number(text: &str) -> Result<i32, Failure> {
    choice(
        "defect",
        "GENERAL_DEFECT_STATE_",
        text,
        GeneralDefectState::as_str_name,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_compared_with_one_that_the_header_names_and_none_with_itself() {
        let member = |number: &str, place: PlaceMatch| ClusterMember {
            case: format!("sites/a/cases/{number}"),
            number: number.to_owned(),
            place_match: place.into(),
            ..Default::default()
        };
        let mut shown = Cluster {
            members: vec![
                member("LS-3", PlaceMatch::Unspecified),
                member("LS-2", PlaceMatch::SameUnit),
                member("LS-1", PlaceMatch::Unspecified),
            ],
            place_case: "sites/a/cases/LS-1".to_owned(),
            ..Default::default()
        };
        let places = |c: &Cluster| -> Vec<&str> {
            c.members.iter().map(|m| place(m, &c.place_case)).collect()
        };
        assert_eq!(place_header(&shown), "Place, as LS-1");
        assert_eq!(places(&shown), ["–", "same unit", "(compared with)"]);
        shown.place_case.clear();
        assert_eq!(place_header(&shown), "Place");
    }
}
