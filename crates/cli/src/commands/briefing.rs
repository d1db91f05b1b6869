//! `redress briefing` and `redress commitment`: weekly briefings, and what was promised at them.

use clap::{Args, Subcommand};
use redress_proto::convert::to_timestamp;
use redress_proto::crisis::v1::{
    AddBriefingNotesRequest, AnswerBriefingQuestionRequest, Briefing, BriefingForm, BriefingState,
    Commitment, CommitmentState, GetBriefingRequest, GetIncidentRequest, HoldBriefingRequest,
    KeepCommitmentRequest, ListBriefingsRequest, ListCommitmentsRequest, NewCommitment,
    NewQuestion, ReleaseBriefingRequest, WaiveCommitmentRequest,
};

use super::case::names_of;
use super::clock::instant;
use super::incident::find;
use super::people::{people, person};
use super::spelled;
use crate::args::Paging;
use crate::connect::{Platform, all_pages, request, request_id};
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, heading, line, short, show_table, table, until, when};

/// Subcommands of `briefing`.
#[derive(Debug, Subcommand)]
pub(crate) enum BriefingCommand {
    /// List the briefings of an incident, newest first.
    #[command(after_help = "Example:\n  redress briefing list lakeside/I20261121-01")]
    List {
        /// The incident, `sites/{site}/incidents/{incident}`, or its number with its site.
        incident: String,
        /// Rows.
        #[command(flatten)]
        paging: Paging,
    },
    /// Show a briefing: its agenda, what was asked and promised, and its notes.
    #[command(
        after_help = "Examples:\n  redress briefing show sites/lakeside/briefings/ID\n  redress briefing show lakeside/I20261121-01"
    )]
    Show {
        /// The briefing, `sites/{site}/briefings/{briefing}`, or an incident for the one that is planned.
        name: String,
    },
    /// Record that the planned briefing was held, or add to the notes of a held one and set its record right.
    #[command(
        after_help = "Examples:\n  redress briefing record lakeside/I20261121-01 --attendance 32 --staff liaison --promise 'onsite@2026-12-04T18:00+08[Asia/Shanghai]=the roof is tight'\n  redress briefing record lakeside/I20261121-01 --everybody --question 'who pays?=we do'\n  redress briefing record sites/lakeside/briefings/ID --add --question 'when?'\n  redress briefing record sites/lakeside/briefings/ID --add --attendance 30"
    )]
    Record(Box<RecordArgs>),
    /// Answer a question that was left open.
    #[command(
        after_help = "Example:\n  redress briefing answer sites/lakeside/briefings/ID 2 'on 4 December'"
    )]
    Answer {
        /// The briefing, `sites/{site}/briefings/{briefing}`.
        name: String,
        /// Number of the question.
        number: i32,
        /// The answer.
        answer: String,
    },
    /// Release the notes of a held briefing: they never change any more.
    #[command(after_help = "Example:\n  redress briefing release sites/lakeside/briefings/ID")]
    Release {
        /// The briefing, `sites/{site}/briefings/{briefing}`.
        name: String,
    },
}

/// Arguments of `briefing record`.
#[derive(Debug, Args)]
pub(crate) struct RecordArgs {
    /// The briefing, `sites/{site}/briefings/{briefing}`, or an incident for the one that is planned.
    pub(crate) name: String,
    /// Add to the notes of a held one, and set right what is given: attendance, staff, cases, papers.
    #[arg(long, conflicts_with_all = ["at"])]
    pub(crate) add: bool,
    /// When it was held; now otherwise.
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
    /// How many people who complain attended or were told.
    #[arg(long)]
    pub(crate) attendance: Option<i32>,
    /// Who of the company attended, by id or name; may be given several times.
    #[arg(long, value_name = "STAFF")]
    pub(crate) staff: Vec<String>,
    /// A case whose complainants attended or were told, by name or number; may be given several times.
    #[arg(long = "case", value_name = "CASE")]
    pub(crate) cases: Vec<String>,
    /// The complainants of every case of the incident.
    #[arg(long, conflicts_with = "cases")]
    pub(crate) everybody: bool,
    /// A question, with its answer where it was given; may be given several times.
    #[arg(long = "question", value_name = "QUESTION[=ANSWER]")]
    pub(crate) questions: Vec<String>,
    /// A promise: who, by when, what. May be given several times.
    #[arg(long = "promise", value_name = "STAFF@TIME=WHAT")]
    pub(crate) promises: Vec<String>,
    /// Where papers about it lie.
    #[arg(long, default_value = "")]
    pub(crate) reference: String,
}

/// Subcommands of `commitment`.
#[derive(Debug, Subcommand)]
pub(crate) enum CommitmentCommand {
    /// List what was promised at the briefings of an incident, the soonest due first.
    #[command(after_help = "Example:\n  redress commitment list lakeside/I20261121-01")]
    List {
        /// The incident, `sites/{site}/incidents/{incident}`, or its number with its site.
        incident: String,
        /// Rows.
        #[command(flatten)]
        paging: Paging,
    },
    /// Record that a commitment was kept.
    #[command(
        after_help = "Example:\n  redress commitment keep sites/lakeside/commitments/ID 'sealed and tested with water'"
    )]
    Keep {
        /// The commitment, `sites/{site}/commitments/{commitment}`.
        name: String,
        /// How.
        outcome: String,
    },
    /// Decide that a commitment is not to be kept.
    #[command(
        after_help = "Example:\n  redress commitment waive sites/lakeside/commitments/ID --reason 'the owners chose a refund instead'"
    )]
    Waive {
        /// The commitment, `sites/{site}/commitments/{commitment}`.
        name: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
}

/// Runs a subcommand.
pub(crate) async fn run(
    platform: &Platform,
    command: BriefingCommand,
    out: Output,
) -> Result<(), Failure> {
    let mut client = platform.briefings();
    let briefing = match command {
        BriefingCommand::List { incident, paging } => {
            let parent = find(platform, incident).await?;
            show_all(&list(platform, parent, paging.limit).await?, out);
            return Ok(());
        }
        BriefingCommand::Show { name } => Some(planned(platform, name).await?),
        BriefingCommand::Record(args) => Some(record(platform, *args).await?),
        BriefingCommand::Answer {
            name,
            number,
            answer,
        } => {
            let answer = AnswerBriefingQuestionRequest {
                name,
                question_number: number,
                answer,
                etag: String::new(),
                request_id: request_id(),
            };
            let answer = client.answer_briefing_question(request(answer)).await?;
            answer.into_inner().briefing
        }
        BriefingCommand::Release { name } => {
            let release = ReleaseBriefingRequest {
                name,
                etag: String::new(),
                request_id: request_id(),
            };
            let answer = client.release_briefing(request(release)).await?;
            answer.into_inner().briefing
        }
    };
    let briefing = briefing.unwrap_or_default();
    out.one(
        || json::of("crisis.v1.Briefing", &briefing),
        || show(&briefing),
    );
    Ok(())
}

/// Runs a subcommand of `commitment`.
pub(crate) async fn run_commitment(
    platform: &Platform,
    command: CommitmentCommand,
    out: Output,
) -> Result<(), Failure> {
    let mut client = platform.briefings();
    let commitments = match command {
        CommitmentCommand::List { incident, paging } => {
            let parent = find(platform, incident).await?;
            commitments(platform, parent, paging.limit).await?
        }
        CommitmentCommand::Keep { name, outcome } => {
            let keep = KeepCommitmentRequest {
                name,
                outcome,
                etag: String::new(),
                request_id: request_id(),
            };
            let answer = client.keep_commitment(request(keep)).await?.into_inner();
            vec![answer.commitment.unwrap_or_default()]
        }
        CommitmentCommand::Waive { name, reason } => {
            let waive = WaiveCommitmentRequest {
                name,
                reason,
                etag: String::new(),
                request_id: request_id(),
            };
            let answer = client.waive_commitment(request(waive)).await?.into_inner();
            vec![answer.commitment.unwrap_or_default()]
        }
    };
    show_commitments(&commitments, out);
    Ok(())
}

/// The briefing of this name, or the planned one of an incident.
async fn planned(platform: &Platform, name: String) -> Result<Briefing, Failure> {
    let name = if name.contains("/briefings/") {
        name
    } else {
        let filter = ListBriefingsRequest {
            parent: find(platform, name.clone()).await?,
            state: BriefingState::Planned.into(),
            ..Default::default()
        };
        let mut client = platform.briefings();
        let answer = client.list_briefings(request(filter)).await?.into_inner();
        let planned = answer.briefings.into_iter().next();
        let planned = planned.ok_or(Failure::NotFound {
            what: "planned briefing of",
            name,
        })?;
        planned.name
    };
    let answer = platform
        .briefings()
        .get_briefing(request(GetBriefingRequest { name }))
        .await?;
    Ok(answer.into_inner().briefing.unwrap_or_default())
}

async fn record(platform: &Platform, args: RecordArgs) -> Result<Briefing, Failure> {
    let briefing = planned(platform, args.name).await?;
    let questions = args.questions.iter().map(|q| question(q)).collect();
    let commitments = args.promises.iter().map(|p| promise(p));
    let mut commitments = commitments.collect::<Result<Vec<_>, _>>()?;
    for commitment in &mut commitments {
        commitment.owner = person(platform, &briefing.name, &commitment.owner).await?;
    }
    let mut client = platform.briefings();
    let request_id = request_id();
    let staff = people(platform, &briefing.name, &args.staff).await?;
    let cases = if args.everybody {
        let get = GetIncidentRequest {
            name: briefing.incident.clone(),
        };
        let answer = platform.incidents().get_incident(request(get)).await?;
        let incident = answer.into_inner().incident.unwrap_or_default();
        incident.cases.into_iter().map(|c| c.case).collect()
    } else {
        names_of(platform, &args.cases).await?
    };
    if args.add {
        let add = AddBriefingNotesRequest {
            name: briefing.name,
            questions,
            commitments,
            attendance: args.attendance,
            staff,
            cases,
            reference: args.reference,
            etag: briefing.etag,
            request_id,
        };
        let answer = client.add_briefing_notes(request(add)).await?;
        return Ok(answer.into_inner().briefing.unwrap_or_default());
    }
    let hold = HoldBriefingRequest {
        hold_time: match &args.at {
            Some(at) => Some(to_timestamp(instant("at", at, crate::now::now())?)),
            None => None,
        },
        attendance: args.attendance.unwrap_or(0),
        staff,
        cases,
        questions,
        commitments,
        reference: args.reference,
        etag: briefing.etag,
        name: briefing.name,
        request_id,
    };
    let answer = client.hold_briefing(request(hold)).await?;
    let held = answer.into_inner().briefing.unwrap_or_default();
    // Held long ahead it is one more, for its own moment.
    if held.plan_time != briefing.plan_time {
        let fixed = when(briefing.plan_time.as_ref());
        anstream::eprintln!("this is one more: the briefing of {fixed} is still to be held");
    }
    Ok(held)
}

/// `QUESTION[=ANSWER]`.
fn question(text: &str) -> NewQuestion {
    let (text, answer) = text.split_once('=').unwrap_or((text, ""));
    NewQuestion {
        text: text.trim().to_owned(),
        answer: answer.trim().to_owned(),
    }
}

/// `STAFF@TIME=WHAT`, with the owner as typed.
fn promise(text: &str) -> Result<NewCommitment, Failure> {
    let wrong = || Failure::Argument {
        argument: "promise",
        reason: "must look like STAFF@TIME=WHAT, for example \
                 onsite@2026-12-04T18:00='the roof is tight'"
            .to_owned(),
    };
    let parts = text.split_once('@');
    let parts = parts.and_then(|(owner, rest)| Some((owner, rest.split_once('=')?)));
    let (owner, (due, what)) = parts.ok_or_else(wrong)?;
    let due = instant("promise", due.trim(), crate::now::now())?;
    Ok(NewCommitment {
        text: what.trim().to_owned(),
        owner: owner.trim().to_owned(),
        due_time: Some(to_timestamp(due)),
    })
}

async fn list(
    platform: &Platform,
    parent: String,
    limit: Option<usize>,
) -> Result<Vec<Briefing>, Failure> {
    let client = platform.briefings();
    all_pages(limit, |page_size, page_token| {
        let mut client = client.clone();
        let filter = ListBriefingsRequest {
            parent: parent.clone(),
            page_size: page_size.min(200),
            page_token,
            ..Default::default()
        };
        async move {
            let answer = client.list_briefings(request(filter)).await?.into_inner();
            Ok((answer.briefings, answer.next_page_token))
        }
    })
    .await
}

async fn commitments(
    platform: &Platform,
    parent: String,
    limit: Option<usize>,
) -> Result<Vec<Commitment>, Failure> {
    let client = platform.briefings();
    all_pages(limit, |page_size, page_token| {
        let mut client = client.clone();
        let filter = ListCommitmentsRequest {
            parent: parent.clone(),
            page_size: page_size.min(200),
            page_token,
            ..Default::default()
        };
        async move {
            let answer = client.list_commitments(request(filter)).await?.into_inner();
            Ok((answer.commitments, answer.next_page_token))
        }
    })
    .await
}

fn show_all(briefings: &[Briefing], out: Output) {
    out.rows(
        &[
            "No", "Briefing", "Form", "State", "Planned", "Held", "Attended",
        ],
        briefings,
        |b| {
            vec![
                b.number.to_string(),
                b.name.clone(),
                form(b),
                state(b),
                when(b.plan_time.as_ref()),
                when(b.hold_time.as_ref()),
                b.attendance.to_string(),
            ]
        },
        |b| json::of("crisis.v1.Briefing", b),
    );
}

fn show_commitments(commitments: &[Commitment], out: Output) {
    let now = crate::now::now();
    out.rows(
        &["Commitment", "What", "Owner", "State", "Due", ""],
        commitments,
        |c| {
            vec![
                c.name.clone(),
                c.text.clone(),
                short(&c.owner),
                commitment_state(c),
                when(c.due_time.as_ref()),
                if c.state() == CommitmentState::Open {
                    until(c.due_time.as_ref(), now)
                } else {
                    c.outcome.clone()
                },
            ]
        },
        |c| json::of("crisis.v1.Commitment", c),
    );
}

fn show(b: &Briefing) {
    heading(&format!("Briefing {}", b.number));
    line("name", &b.name);
    line("form", form(b));
    line("state", state(b));
    line("planned", when(b.plan_time.as_ref()));
    if b.hold_time.is_some() {
        line("held", when(b.hold_time.as_ref()));
        line("attended", b.attendance);
        let staff: Vec<String> = b.staff.iter().map(|s| short(s)).collect();
        if !staff.is_empty() {
            line("of us", staff.join(", "));
        }
    }
    if !b.digest.is_empty() {
        line("released", when(b.release_time.as_ref()));
        line("digest", &b.digest);
        line("reproducible", b.reproducible);
    }
    heading("Agenda");
    for item in &b.agenda {
        let topic = spelled(item.topic().as_str_name(), "AGENDA_TOPIC_");
        crate::output::say!(
            "  {}  {topic:<14}  {}",
            when(item.item_time.as_ref()),
            item.text
        );
    }
    if !b.questions.is_empty() {
        heading("Questions");
        for q in &b.questions {
            let answer = if q.answer.is_empty() {
                "open"
            } else {
                &q.answer
            };
            crate::output::say!("  {}  {}  {answer}", q.number, q.text);
        }
    }
    if !b.commitments.is_empty() {
        heading("Commitments");
        let mut rows = table(&["What", "Owner", "State", "Due"]);
        for c in &b.commitments {
            rows.add_row(vec![
                c.text.clone(),
                short(&c.owner),
                commitment_state(c),
                when(c.due_time.as_ref()),
            ]);
        }
        show_table(rows);
    }
    if !b.difference.is_empty() {
        heading("Since the last one");
        crate::output::say!("{}", b.difference);
    }
}

fn form(b: &Briefing) -> String {
    spelled(
        BriefingForm::try_from(b.form).map_or("", |f| f.as_str_name()),
        "BRIEFING_FORM_",
    )
}

fn state(b: &Briefing) -> String {
    spelled(
        BriefingState::try_from(b.state).map_or("", |s| s.as_str_name()),
        "BRIEFING_STATE_",
    )
}

fn commitment_state(c: &Commitment) -> String {
    spelled(
        CommitmentState::try_from(c.state).map_or("", |s| s.as_str_name()),
        "COMMITMENT_STATE_",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promises_and_questions_are_read_as_people_type_them() {
        let read = promise("onsite@2026-12-04T18:00:00+08:00=the roof = tight");
        let read = read.expect("right");
        assert_eq!(
            (read.text.as_str(), read.owner.as_str()),
            ("the roof = tight", "onsite")
        );
        assert_eq!(read.due_time.map(|t| t.seconds), Some(1_796_378_400));
        for wrong in ["onsite=the roof", "onsite@soon=the roof", "roof"] {
            assert!(promise(wrong).is_err(), "{wrong}");
        }
        let local = promise("onsite@2026-12-04T18:00=the roof").expect("local");
        let here = instant("until", "2026-12-04T18:00", crate::now::now()).expect("right");
        assert_eq!(local.due_time, Some(to_timestamp(here)));
        let said = promise("onsite@soon=the roof").expect_err("no time");
        let said = said.to_string();
        assert!(said.starts_with("--promise must look like 2026-"), "{said}");
        assert_eq!(question("who pays? = we do").answer, "we do");
        assert_eq!(question("when?").answer, "");
    }
}
