//! `redress media`: who asks, who reported, and what is true of it.

use clap::Subcommand;
use redress_proto::convert::to_timestamp;
use redress_proto::crisis::v1::{
    AnswerInquiryRequest, AssessExposureRequest, ClarifyExposureRequest, DeclineInquiryRequest,
    Exposure, ExposureMedium, ExposureTruth, GetExposureRequest, GetInquiryRequest, Inquiry,
    InquiryState, ListExposuresRequest, ListInquiriesRequest, OutletRank, RecordExposureRequest,
    RecordInquiryRequest,
};

use super::clock::instant;
use super::incident::find;
use super::{choice, spelled};
use crate::args::Paging;
use crate::connect::{Platform, all_pages, request, request_id};
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, excerpt, heading, line, show_table, table, when};

/// Subcommands of `media`.
#[derive(Debug, Subcommand)]
pub(crate) enum MediaCommand {
    /// List the inquiries of an incident, newest first.
    #[command(
        after_help = "Examples:\n  redress media inquiries lakeside/I20261121-01\n  redress media inquiries lakeside/I20261121-01 --state OPEN --json"
    )]
    Inquiries {
        /// The incident, `sites/{site}/incidents/{incident}`, or its number with its site.
        incident: String,
        /// Only in this state: OPEN, ANSWERED or DECLINED.
        #[arg(long)]
        state: Option<String>,
        /// Rows.
        #[command(flatten)]
        paging: Paging,
    },
    /// List the exposures of an incident, newest first.
    #[command(
        after_help = "Examples:\n  redress media exposures lakeside/I20261121-01\n  redress media exposures lakeside/I20261121-01 --truth FALSE --json"
    )]
    Exposures {
        /// The incident, `sites/{site}/incidents/{incident}`, or its number with its site.
        incident: String,
        /// Only those of which this is said: TRUE, PARTLY, FALSE or TAKEN_AS_TRUE.
        #[arg(long)]
        truth: Option<String>,
        /// Rows.
        #[command(flatten)]
        paging: Paging,
    },
    /// Show an inquiry or an exposure.
    #[command(
        after_help = "Examples:\n  redress media show sites/lakeside/inquiries/ID\n  redress media show sites/lakeside/exposures/ID"
    )]
    Show {
        /// Its name.
        name: String,
    },
    /// Record that somebody of the press asks.
    #[command(
        after_help = "Example:\n  redress media ask lakeside/I20261121-01 --outlet 'City Daily' --rank CITY --question 'How many homes?' --due 4h --journalist 'Zhao, 138 0000 0000'"
    )]
    Ask {
        /// The incident, `sites/{site}/incidents/{incident}`, or its number with its site.
        incident: String,
        /// The outlet.
        #[arg(long)]
        outlet: String,
        /// NATIONAL, PROVINCIAL, CITY or LOCAL.
        #[arg(long)]
        rank: String,
        /// What is asked.
        #[arg(long)]
        question: String,
        /// By when the answer is wanted: `4h`, or a local time.
        #[arg(long)]
        due: String,
        /// Until when nothing of the answer is printed: `12h`, or a local time.
        #[arg(long)]
        embargo: Option<String>,
        /// Who asks and how to reach that person; kept sealed.
        #[arg(long, default_value = "")]
        journalist: String,
    },
    /// Answer an inquiry by a statement, and by nothing else.
    #[command(
        after_help = "Example:\n  redress media answer sites/lakeside/inquiries/ID --statement sites/lakeside/statements/ID"
    )]
    Answer {
        /// The inquiry, `sites/{site}/inquiries/{inquiry}`.
        name: String,
        /// The statement, `sites/{site}/statements/{statement}`.
        #[arg(long)]
        statement: String,
    },
    /// Decline an inquiry.
    #[command(
        after_help = "Example:\n  redress media decline sites/lakeside/inquiries/ID --reason 'taken back'"
    )]
    Decline {
        /// The inquiry, `sites/{site}/inquiries/{inquiry}`.
        name: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Record that something was reported.
    #[command(
        after_help = "Example:\n  redress media expose lakeside/I20261121-01 --outlet 'City Daily' --rank CITY --medium PRESS --link https://… --reach 40000 --truth FALSE"
    )]
    Expose {
        /// The incident, `sites/{site}/incidents/{incident}`, or its number with its site.
        incident: String,
        /// The outlet, or the platform of a post.
        #[arg(long)]
        outlet: String,
        /// NATIONAL, PROVINCIAL, CITY or LOCAL.
        #[arg(long)]
        rank: String,
        /// PRESS, BROADCAST, NEWS_SITE or POST.
        #[arg(long)]
        medium: String,
        /// Where it can be read.
        #[arg(long, default_value = "")]
        link: String,
        /// How many people it reached.
        #[arg(long, default_value_t = 0)]
        reach: i64,
        /// What is true of it, where known: TRUE, PARTLY or FALSE.
        #[arg(long)]
        truth: Option<String>,
    },
    /// Say what is true of an exposure: a false one is clarified within five days, or taken as true.
    #[command(
        after_help = "Example:\n  redress media assess sites/lakeside/exposures/ID --truth FALSE --reason 'nobody was hurt: hospital'"
    )]
    Assess {
        /// The exposure, `sites/{site}/exposures/{exposure}`.
        name: String,
        /// TRUE, PARTLY or FALSE.
        #[arg(long)]
        truth: String,
        /// How many people it has reached.
        #[arg(long)]
        reach: Option<i64>,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Record where a false exposure was set right.
    #[command(
        after_help = "Example:\n  redress media clarify sites/lakeside/exposures/ID --statement sites/lakeside/statements/ID --outlet 'City Daily' --rank CITY"
    )]
    Clarify {
        /// The exposure, `sites/{site}/exposures/{exposure}`.
        name: String,
        /// The published clarification, `sites/{site}/statements/{statement}`.
        #[arg(long)]
        statement: String,
        /// The outlet in which it stood.
        #[arg(long)]
        outlet: String,
        /// NATIONAL, PROVINCIAL, CITY or LOCAL.
        #[arg(long)]
        rank: String,
        /// Where it can be read.
        #[arg(long, default_value = "")]
        link: String,
    },
}

/// Runs a subcommand.
pub(crate) async fn run(
    platform: &Platform,
    command: MediaCommand,
    out: Output,
) -> Result<(), Failure> {
    let mut client = platform.media();
    match command {
        MediaCommand::Inquiries {
            incident,
            state,
            paging,
        } => {
            let parent = find(platform, incident).await?;
            let state = state.map(|s| state_number(&s)).transpose()?.unwrap_or(0);
            show_inquiries(
                &inquiries(platform, parent, state, paging.limit).await?,
                out,
            );
        }
        MediaCommand::Exposures {
            incident,
            truth,
            paging,
        } => {
            let parent = find(platform, incident).await?;
            let truth = truth.map(|t| truth_number(&t)).transpose()?.unwrap_or(0);
            show_exposures(
                &exposures(platform, parent, truth, paging.limit).await?,
                out,
            );
        }
        MediaCommand::Show { name } if name.contains("/exposures/") => {
            let get = GetExposureRequest { name };
            let answer = client.get_exposure(request(get)).await?.into_inner();
            exposure(&answer.exposure.unwrap_or_default(), out);
        }
        MediaCommand::Show { name } => {
            let get = GetInquiryRequest { name };
            let answer = client.get_inquiry(request(get)).await?.into_inner();
            inquiry(&answer.inquiry.unwrap_or_default(), out);
        }
        MediaCommand::Ask {
            incident,
            outlet,
            rank,
            question,
            due,
            embargo,
            journalist,
        } => {
            let now = crate::now::now();
            let instant = |argument, text: &str| instant(argument, text, now).map(to_timestamp);
            let record = RecordInquiryRequest {
                parent: find(platform, incident).await?,
                inquiry: Some(Inquiry {
                    outlet,
                    rank: rank_number(&rank)?,
                    journalist,
                    question,
                    due_time: Some(instant("due", &due)?),
                    embargo_time: embargo
                        .as_deref()
                        .map(|text| instant("embargo", text))
                        .transpose()?,
                    ..Default::default()
                }),
                request_id: request_id(),
            };
            let answer = client.record_inquiry(request(record)).await?.into_inner();
            inquiry(&answer.inquiry.unwrap_or_default(), out);
        }
        MediaCommand::Answer { name, statement } => {
            let answering = AnswerInquiryRequest {
                name,
                statement,
                etag: String::new(),
                request_id: request_id(),
            };
            let answer = client
                .answer_inquiry(request(answering))
                .await?
                .into_inner();
            inquiry(&answer.inquiry.unwrap_or_default(), out);
        }
        MediaCommand::Decline { name, reason } => {
            let declining = DeclineInquiryRequest {
                name,
                reason,
                etag: String::new(),
                request_id: request_id(),
            };
            let answer = client
                .decline_inquiry(request(declining))
                .await?
                .into_inner();
            inquiry(&answer.inquiry.unwrap_or_default(), out);
        }
        MediaCommand::Expose {
            incident,
            outlet,
            rank,
            medium,
            link,
            reach,
            truth,
        } => {
            let record = RecordExposureRequest {
                parent: find(platform, incident).await?,
                exposure: Some(Exposure {
                    outlet,
                    rank: rank_number(&rank)?,
                    medium: medium_number(&medium)?,
                    link,
                    reach,
                    truth: truth.map(|t| truth_number(&t)).transpose()?.unwrap_or(0),
                    ..Default::default()
                }),
                request_id: request_id(),
            };
            let answer = client.record_exposure(request(record)).await?.into_inner();
            exposure(&answer.exposure.unwrap_or_default(), out);
        }
        MediaCommand::Assess {
            name,
            truth,
            reach,
            reason,
        } => {
            let assess = AssessExposureRequest {
                name,
                truth: truth_number(&truth)?,
                reach,
                reason,
                etag: String::new(),
                request_id: request_id(),
            };
            let answer = client.assess_exposure(request(assess)).await?.into_inner();
            exposure(&answer.exposure.unwrap_or_default(), out);
        }
        MediaCommand::Clarify {
            name,
            statement,
            outlet,
            rank,
            link,
        } => {
            let clarify = ClarifyExposureRequest {
                name,
                statement,
                outlet,
                rank: rank_number(&rank)?,
                link,
                clarify_time: None,
                etag: String::new(),
                request_id: request_id(),
            };
            let answer = client
                .clarify_exposure(request(clarify))
                .await?
                .into_inner();
            exposure(&answer.exposure.unwrap_or_default(), out);
        }
    }
    Ok(())
}

async fn inquiries(
    platform: &Platform,
    parent: String,
    state: i32,
    limit: Option<usize>,
) -> Result<Vec<Inquiry>, Failure> {
    let client = platform.media();
    all_pages(limit, |page_size, page_token| {
        let mut client = client.clone();
        let list = ListInquiriesRequest {
            parent: parent.clone(),
            page_size: page_size.min(200),
            page_token,
            state,
        };
        async move {
            let answer = client.list_inquiries(request(list)).await?.into_inner();
            Ok((answer.inquiries, answer.next_page_token))
        }
    })
    .await
}

async fn exposures(
    platform: &Platform,
    parent: String,
    truth: i32,
    limit: Option<usize>,
) -> Result<Vec<Exposure>, Failure> {
    let client = platform.media();
    all_pages(limit, |page_size, page_token| {
        let mut client = client.clone();
        let list = ListExposuresRequest {
            parent: parent.clone(),
            page_size: page_size.min(200),
            page_token,
            truth,
        };
        async move {
            let answer = client.list_exposures(request(list)).await?.into_inner();
            Ok((answer.exposures, answer.next_page_token))
        }
    })
    .await
}

fn rank_number(text: &str) -> Result<i32, Failure> {
    choice("rank", "OUTLET_RANK_", text, OutletRank::as_str_name)
}

fn medium_number(text: &str) -> Result<i32, Failure> {
    choice(
        "medium",
        "EXPOSURE_MEDIUM_",
        text,
        ExposureMedium::as_str_name,
    )
}

fn truth_number(text: &str) -> Result<i32, Failure> {
    choice("truth", "EXPOSURE_TRUTH_", text, ExposureTruth::as_str_name)
}

fn state_number(text: &str) -> Result<i32, Failure> {
    choice("state", "INQUIRY_STATE_", text, InquiryState::as_str_name)
}

fn truth(value: ExposureTruth) -> String {
    spelled(value.as_str_name(), "EXPOSURE_TRUTH_")
}

fn rank(value: OutletRank) -> String {
    spelled(value.as_str_name(), "OUTLET_RANK_")
}

fn show_inquiries(rows: &[Inquiry], out: Output) {
    out.rows(
        &[
            "Inquiry", "Outlet", "Rank", "Due", "Embargo", "State", "Asks",
        ],
        rows,
        |i| {
            vec![
                i.name.clone(),
                i.outlet.clone(),
                rank(i.rank()),
                when(i.due_time.as_ref()),
                when(i.embargo_time.as_ref()),
                spelled(i.state().as_str_name(), "INQUIRY_STATE_"),
                excerpt(&i.question, 40),
            ]
        },
        |i| json::of("crisis.v1.Inquiry", i),
    );
}

fn show_exposures(rows: &[Exposure], out: Output) {
    out.rows(
        &[
            "Exposure",
            "Outlet",
            "Rank",
            "Medium",
            "Reach",
            "Truth",
            "Clarify by",
            "Clarified",
        ],
        rows,
        |e| {
            vec![
                e.name.clone(),
                e.outlet.clone(),
                rank(e.rank()),
                spelled(e.medium().as_str_name(), "EXPOSURE_MEDIUM_"),
                e.reach.to_string(),
                truth(e.truth()),
                when(e.clarify_due_time.as_ref()),
                e.clarification
                    .as_ref()
                    .map_or("–", |c| c.outlet.as_str())
                    .to_owned(),
            ]
        },
        |e| json::of("crisis.v1.Exposure", e),
    );
}

fn inquiry(i: &Inquiry, out: Output) {
    out.one(
        || json::of("crisis.v1.Inquiry", i),
        || {
            heading(&format!("{} asks", i.outlet));
            line("name", &i.name);
            line("incident", &i.incident);
            line("rank", rank(i.rank()));
            if !i.journalist.is_empty() {
                line("journalist", &i.journalist);
            }
            line("came", when(i.receive_time.as_ref()));
            line("due", when(i.due_time.as_ref()));
            line("embargo", when(i.embargo_time.as_ref()));
            line("state", spelled(i.state().as_str_name(), "INQUIRY_STATE_"));
            if !i.statement.is_empty() {
                line("answered by", &i.statement);
            }
            if !i.reason.is_empty() {
                line("why", &i.reason);
            }
            heading("Question");
            crate::output::say!("{}", i.question);
        },
    );
}

fn exposure(e: &Exposure, out: Output) {
    out.one(
        || json::of("crisis.v1.Exposure", e),
        || {
            heading(&format!("{} reports", e.outlet));
            line("name", &e.name);
            line("incident", &e.incident);
            line("rank", rank(e.rank()));
            line("link", &e.link);
            line("reach", e.reach);
            line("truth", truth(e.truth()));
            line("clarify by", when(e.clarify_due_time.as_ref()));
            if let Some(c) = &e.clarification {
                let late = if c.in_time { "" } else { ", too late" };
                line(
                    "clarified",
                    format!("{} in {}{late}", when(c.clarify_time.as_ref()), c.outlet),
                );
            }
            let mut said = table(&["When", "Who", "Truth", "Reach", "Why"]);
            for a in &e.assessments {
                said.add_row(vec![
                    when(a.assess_time.as_ref()),
                    a.actor.clone(),
                    truth(a.truth()),
                    a.reach.to_string(),
                    a.reason.clone(),
                ]);
            }
            show_table(said);
        },
    );
}
