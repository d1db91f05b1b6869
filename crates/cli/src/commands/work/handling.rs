//! What handlers do on a case they have in hand: say back, go there, resolve, ask, close, decide validity.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use redress_assignment::domain::handling::{CalmingMove, Ending, Satisfaction, VisitPurpose};
use redress_assignment::domain::hints::{CommunicationStyle, Motive};
use redress_assignment::domain::validity::Validity;
use redress_model::words::{CaseStatus, Channel};
use redress_proto::assignment::v1 as wire;
use redress_proto::convert::to_timestamp;

use crate::commands::case::name_of;
use crate::commands::clock::instant;
use crate::commands::people::{people, person};
use crate::commands::{number, word};
use crate::connect::{Platform, request, request_id};
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, grade, heading, line, page, short, show_table, table, when};

/// The message that most of these commands print.
const WORK: &str = "assignment.v1.Work";

/// The case that a command is about.
#[derive(Debug, Args)]
pub(crate) struct Of {
    /// The case, `sites/{site}/cases/{case}`, or its number.
    case: String,
}

/// What a change is held against.
#[derive(Debug, Args)]
pub(crate) struct Seen {
    /// The etag of what you looked at, as `work show` prints it: what somebody changed since is left alone. Needed where
    /// something that stands is replaced.
    #[arg(long, default_value = "")]
    etag: String,
}

/// The subcommands of `work` that handle a case.
#[derive(Debug, Subcommand)]
pub(crate) enum HandlingCommand {
    /// Submit the store's written report on a case (agency stores).
    #[command(
        after_help = "Examples:\n  redress work report NS-20261121-0001 'the parking space was not ours to promise; the deposit is returned'\n  redress work report NS-20261121-0001 --file report.txt"
    )]
    Report {
        /// Which case.
        #[command(flatten)]
        of: Of,
        /// What happened, what was done, and what is left to do; name no complainant.
        #[arg(required_unless_present = "file")]
        text: Option<String>,
        /// A file with the text.
        #[arg(long, conflicts_with = "text")]
        file: Option<PathBuf>,
    },
    /// List the store's written reports on a case.
    #[command(after_help = "Example:\n  redress work reports NS-20261121-0001 --json")]
    Reports(Of),
    /// List the visits of a case, planned, made and cancelled.
    #[command(after_help = "Example:\n  redress work visits LS-20261121-0001")]
    Visits(Of),
    /// Log what was done or found.
    #[command(
        after_help = "Example:\n  redress work progress LS-20261121-0001 'found the joint behind the wall'"
    )]
    Progress {
        /// Which case.
        #[command(flatten)]
        of: Of,
        /// What was done or found.
        text: String,
        /// Of the work.
        #[command(flatten)]
        seen: Seen,
    },
    /// Say back to the complainant what was understood.
    #[command(
        after_help = "Examples:\n  redress work restate LS-20261121-0001 'the ceiling leaks since Monday' --confirmed\n  redress work restate LS-20261121-0001 'the wall leaks, not the ceiling' --etag r7"
    )]
    Restate {
        /// Which case.
        #[command(flatten)]
        of: Of,
        /// What was understood.
        text: String,
        /// The complainant confirmed it.
        #[arg(long)]
        confirmed: bool,
        /// Of the work.
        #[command(flatten)]
        seen: Seen,
    },
    /// Change the person, the place or the time of a heated talk.
    #[command(
        after_help = "Examples:\n  redress work calm LS-20261121-0001 --move PERSON --staff lead-site --channel FRONT_DESK --reason 'loud'\n  redress work calm LS-20261121-0001 --move TIME --meeting 1d --channel HOTLINE --reason 'sleep over it'"
    )]
    Calm {
        /// Which case.
        #[command(flatten)]
        of: Of,
        /// What is changed: PERSON, PLACE or TIME.
        #[arg(long = "move")]
        kind: String,
        /// PERSON: who takes over, by id or name.
        #[arg(long, default_value = "")]
        staff: String,
        /// TIME: when the talk goes on: an instant, a local time, or so long from now.
        #[arg(long, value_name = "WHEN")]
        meeting: Option<String>,
        /// By which way it was said, for example FRONT_DESK.
        #[arg(long)]
        channel: String,
        /// Why, and for PLACE where to.
        #[arg(long)]
        reason: String,
        /// Of the work.
        #[command(flatten)]
        seen: Seen,
    },
    /// Show the hints on how to speak with the complainant and what they advise, or set or delete them: for whoever is responsible
    /// for the case alone, while it is open, where the policy of the site allows it.
    #[command(
        after_help = "Examples:\n  redress work hints LS-20261121-0001\n  redress work hints LS-20261121-0001 --motive VENTING --style ANALYTICAL\n  redress work hints LS-20261121-0001 --clear\n\nSetting replaces what stood before, the hint that is not named too."
    )]
    Hints {
        /// Which case.
        #[command(flatten)]
        of: Of,
        /// What the complaint seems to be made for: COMPENSATION, VENTING, RESPECT, EVADING_OWN_LIABILITY, HOSTILITY or MIXED.
        #[arg(long)]
        motive: Option<String>,
        /// How the complainant seems to speak: ANALYTICAL, DRIVING, EXPRESSIVE, AMIABLE, CHOLERIC, SANGUINE, PHLEGMATIC or
        /// MELANCHOLIC.
        #[arg(long)]
        style: Option<String>,
        /// Deletes what is kept.
        #[arg(long, conflicts_with_all = ["motive", "style"])]
        clear: bool,
    },
    /// Plan a visit, move or cancel a planned one, or record one that was made. A planned visit has a clock until 2 hours after its
    /// time.
    #[command(
        after_help = "Examples:\n  redress work visit LS-20261121-0001 --purpose INSPECTION --plan 4h\n  redress work visit LS-20261121-0001 --purpose INSPECTION --findings 'water at the joint'\n  redress work visit LS-20261121-0001 --purpose INSPECTION --findings 'looked at it together' --with lead-top\n  redress work visit LS-20261121-0001 --id 0190a6c2-0000-7000-8000-00000000abcd --findings 'nobody opened'\n  redress work visit LS-20261121-0001 --purpose INSPECTION --plan 2d --instead-of 0190a6c2-0000-7000-8000-00000000abcd\n  redress work visit LS-20261121-0001 --id 0190a6c2-0000-7000-8000-00000000abcd --cancel 'the neighbour has the key'"
    )]
    Visit {
        /// Which case.
        #[command(flatten)]
        of: Of,
        /// What for: INSPECTION, MEETING or FOLLOW_UP.
        #[arg(long, required_unless_present = "id")]
        purpose: Option<String>,
        /// When it is to take place.
        #[arg(
            long,
            value_name = "WHEN",
            conflicts_with = "findings",
            required_unless_present_any = ["findings", "cancel"]
        )]
        plan: Option<String>,
        /// The planned visit that it takes the place of: that one is put off, or moved ahead.
        #[arg(long, value_name = "ID", requires = "plan")]
        instead_of: Option<String>,
        /// The planned visit that was made, or that is cancelled.
        #[arg(long, conflicts_with = "plan")]
        id: Option<String>,
        /// Why nobody goes: the planned visit is cancelled.
        #[arg(
            long,
            value_name = "REASON",
            requires = "id",
            conflicts_with_all = ["plan", "findings", "participants", "purpose"]
        )]
        cancel: Option<String>,
        /// What was found: the visit was made.
        #[arg(long)]
        findings: Option<String>,
        /// Who took part beside the visitor, by id or name; may be given several times.
        #[arg(long = "with", value_name = "STAFF", conflicts_with = "plan")]
        participants: Vec<String>,
    },
    /// Resolve a case: what was done, and why it happened.
    #[command(
        after_help = "Example:\n  redress work resolve LS-20261121-0001 --summary 'sealed and dried' --cause 'a loose joint'"
    )]
    Resolve {
        /// Which case.
        #[command(flatten)]
        of: Of,
        /// What was done.
        #[arg(long)]
        summary: String,
        /// Why it happened in the first place.
        #[arg(long)]
        cause: String,
        /// Of the work.
        #[command(flatten)]
        seen: Seen,
    },
    /// Record what the complainant says after the resolution.
    #[command(
        after_help = "Example:\n  redress work follow-up LS-20261121-0001 SATISFIED --channel HOTLINE"
    )]
    FollowUp {
        /// Which case.
        #[command(flatten)]
        of: Of,
        /// SATISFIED, DISSATISFIED (the case is opened again) or UNREACHABLE.
        satisfaction: String,
        /// By which way they were asked.
        #[arg(long)]
        channel: String,
        /// What was said.
        #[arg(long, default_value = "")]
        note: String,
        /// DISSATISFIED: the company's last word stands, with the note as its reason.
        #[arg(long)]
        last_word: bool,
        /// Of the work.
        #[command(flatten)]
        seen: Seen,
    },
    /// Close a case that somebody else resolved.
    #[command(
        after_help = "Example:\n  redress work close LS-20261121-0001 --note 'records are complete'"
    )]
    Close {
        /// Which case.
        #[command(flatten)]
        of: Of,
        /// What the review found.
        #[arg(long, default_value = "")]
        note: String,
        /// Of the work.
        #[command(flatten)]
        seen: Seen,
    },
    /// Judge what the complainant asks for, each demand by itself: lawful? reasonable?
    #[command(
        after_help = "Examples:\n  redress work judge LS-20261121-0001 --justified 'the deposit back' --unreasonable 'the price back three times=nobody lied about it'\n  redress work judge LS-20261121-0001 --justified 'the deposit back' --etag r7\n\nJudging again replaces what stood before, the demands that are not named too."
    )]
    Judge {
        /// Which case.
        #[command(flatten)]
        of: Of,
        /// A demand that is lawful and reasonable; may be given several times.
        #[arg(long, value_name = "DEMAND", required_unless_present_any = ["unlawful", "unreasonable"])]
        justified: Vec<String>,
        /// A demand that neither law, contract nor duty gives, and why; may be given several times.
        #[arg(long, value_name = "DEMAND=WHY")]
        unlawful: Vec<String>,
        /// A demand out of proportion, and why; may be given several times. One that is unlawful too is named in both.
        #[arg(long, value_name = "DEMAND=WHY")]
        unreasonable: Vec<String>,
        /// Of the work.
        #[command(flatten)]
        seen: Seen,
    },
    /// Show whether a complaint is justified, or decide it.
    #[command(
        after_help = "Examples:\n  redress work validity LS-20261121-0001\n  redress work validity LS-20261121-0001 --decide UNFOUNDED --reason 'the stain is older than the home' --evidence sites/lakeside/cases/ID/evidence/ID"
    )]
    Validity {
        /// Which case.
        #[command(flatten)]
        of: Of,
        /// VALID_A, VALID_B, UNFOUNDED, MALICIOUS or OUT_OF_SCOPE.
        #[arg(long, requires = "reason")]
        decide: Option<String>,
        /// Why.
        #[arg(long, default_value = "")]
        reason: String,
        /// What proves it, `sites/{site}/cases/{case}/evidence/{evidence}`; may be given several times. What is not valid takes one.
        #[arg(long)]
        evidence: Vec<String>,
    },
    /// Answer an invalid complaint with its reasons and turn it down.
    #[command(
        after_help = "Example:\n  redress work reject LS-20261121-0001 --channel HOTLINE --answer '经现场核查,未发现渗漏'"
    )]
    Reject {
        /// Which case.
        #[command(flatten)]
        of: Of,
        /// What the complainant was told.
        #[arg(long)]
        answer: String,
        /// By which way.
        #[arg(long)]
        channel: String,
        /// Why it may say what the wording rules find; takes the permission wording.override.
        #[arg(long, default_value = "")]
        override_wording: String,
        /// Of the work.
        #[command(flatten)]
        seen: Seen,
    },
    /// Take in the complainant's one appeal, or decide it.
    #[command(
        after_help = "Examples:\n  redress work appeal LS-20261121-0001 --reason 'the stain is new'\n  redress work appeal LS-20261121-0001 --grant VALID_A --channel HOTLINE --reason 'a second look found the leak'\n  redress work appeal LS-20261121-0001 --dismiss --channel HOTLINE --reason 'nothing new' --evidence sites/lakeside/cases/ID/evidence/ID"
    )]
    Appeal {
        /// Which case.
        #[command(flatten)]
        of: Of,
        /// What is appealed, or why it is decided so.
        #[arg(long)]
        reason: String,
        /// Grants it: VALID_A or VALID_B.
        #[arg(long, requires = "channel", conflicts_with = "dismiss")]
        grant: Option<String>,
        /// Dismisses it.
        #[arg(long, requires = "channel")]
        dismiss: bool,
        /// By which way the complainant was told.
        #[arg(long)]
        channel: Option<String>,
        /// Why the decision may say what the wording rules find; takes the permission wording.override.
        #[arg(long, default_value = "", requires = "channel")]
        override_wording: String,
        /// What proves the decision, `sites/{site}/cases/{case}/evidence/{evidence}`; may be given several times. A dismissal takes one.
        #[arg(long, requires = "channel")]
        evidence: Vec<String>,
    },
}

/// The work on a case by the case's name or number.
async fn work_of(platform: &Platform, of: &Of) -> Result<String, Failure> {
    Ok(super::work_name(&name_of(platform, &of.case).await?))
}

/// Runs a subcommand.
#[expect(
    clippy::too_many_lines,
    reason = "one arm a subcommand, each a single call"
)]
pub(crate) async fn run(
    platform: &Platform,
    command: HandlingCommand,
    out: Output,
) -> Result<(), Failure> {
    let work = match command {
        HandlingCommand::Report { of, text, file } => {
            let text = match (text, file) {
                (Some(text), _) => text,
                (None, file) => read(&file.unwrap_or_default())?,
            };
            let call = wire::SubmitStoreReportRequest {
                parent: work_of(platform, &of).await?,
                text,
                request_id: request_id(),
            };
            let answer = platform.agency().submit_store_report(request(call)).await?;
            show_reports(&Vec::from_iter(answer.into_inner().report), out);
            return Ok(());
        }
        HandlingCommand::Reports(of) => {
            let call = wire::ListStoreReportsRequest {
                parent: work_of(platform, &of).await?,
            };
            let answer = platform.agency().list_store_reports(request(call)).await?;
            show_reports(&answer.into_inner().reports, out);
            return Ok(());
        }
        HandlingCommand::Visits(of) => return visits(platform, &of, out).await,
        HandlingCommand::Hints {
            of,
            motive,
            style,
            clear,
        } => {
            let name = work_of(platform, &of).await?;
            return hints(platform, name, (motive, style), clear, out).await;
        }
        HandlingCommand::Visit {
            of,
            purpose,
            plan,
            instead_of,
            id,
            cancel,
            findings,
            participants,
        } => {
            let name = work_of(platform, &of).await?;
            let purpose = purpose.map_or(Ok(0), |p| number::<VisitPurpose>("purpose", &p))?;
            if let Some(plan) = plan {
                let former = instead_of.unwrap_or_default();
                return plan_visit(platform, name, purpose, (&plan, former), out).await;
            }
            if let Some(reason) = cancel {
                let call = wire::CancelVisitRequest {
                    name,
                    visit_id: id.unwrap_or_default(),
                    reason,
                    request_id: request_id(),
                    ..Default::default()
                };
                let answer = platform.handling().cancel_visit(request(call)).await?;
                visited(&Vec::from_iter(answer.into_inner().visit), out);
                return Ok(());
            }
            let call = wire::RecordVisitRequest {
                participants: people(platform, &name, &participants).await?,
                name,
                visit_id: id.unwrap_or_default(),
                purpose,
                findings: findings.unwrap_or_default(),
                request_id: request_id(),
                ..Default::default()
            };
            let answer = platform.handling().record_visit(request(call)).await?;
            visited(&Vec::from_iter(answer.into_inner().visit), out);
            return Ok(());
        }
        HandlingCommand::Validity {
            of,
            decide,
            reason,
            evidence,
        } => {
            let name = work_of(platform, &of).await?;
            return validity(platform, name, decide, reason, evidence, out).await;
        }
        HandlingCommand::Judge {
            of,
            justified,
            unlawful,
            unreasonable,
            seen,
        } => {
            let call = wire::JudgeDemandsRequest {
                name: work_of(platform, &of).await?,
                demands: demands(justified, &unlawful, &unreasonable),
                etag: seen.etag,
                request_id: request_id(),
            };
            let answer = platform.validity().judge_demands(request(call)).await?;
            show_judged(&answer.into_inner().judgement.unwrap_or_default(), out);
            return Ok(());
        }
        HandlingCommand::Appeal {
            of,
            reason,
            grant,
            dismiss,
            channel,
            override_wording,
            evidence,
        } => {
            let name = work_of(platform, &of).await?;
            let verdict = (grant, dismiss, channel, override_wording, evidence);
            return appeal(platform, name, reason, verdict, out).await;
        }
        HandlingCommand::Progress { of, text, seen } => {
            let call = wire::LogProgressRequest {
                name: work_of(platform, &of).await?,
                text,
                etag: seen.etag,
                request_id: request_id(),
            };
            platform
                .work()
                .log_progress(request(call))
                .await?
                .into_inner()
                .work
        }
        HandlingCommand::Restate {
            of,
            text,
            confirmed,
            seen,
        } => {
            let call = wire::RestateWorkRequest {
                name: work_of(platform, &of).await?,
                text,
                confirmed,
                etag: seen.etag,
                request_id: request_id(),
            };
            platform
                .handling()
                .restate_work(request(call))
                .await?
                .into_inner()
                .work
        }
        HandlingCommand::Calm {
            of,
            kind,
            staff,
            meeting,
            channel,
            reason,
            seen,
        } => {
            let meeting = meeting
                .map(|text| instant("meeting", &text, crate::now::now()))
                .transpose()?;
            let name = work_of(platform, &of).await?;
            let call = wire::CalmComplainantRequest {
                r#move: number::<CalmingMove>("move", &kind)?,
                staff: person(platform, &name, &staff).await?,
                name,
                meeting_time: meeting.map(to_timestamp),
                reason,
                channel: number::<Channel>("channel", &channel)?,
                etag: seen.etag,
                request_id: request_id(),
            };
            platform
                .handling()
                .calm_complainant(request(call))
                .await?
                .into_inner()
                .work
        }
        HandlingCommand::Resolve {
            of,
            summary,
            cause,
            seen,
        } => {
            let call = wire::ResolveWorkRequest {
                name: work_of(platform, &of).await?,
                summary,
                root_cause: cause,
                etag: seen.etag,
                request_id: request_id(),
            };
            platform
                .work()
                .resolve_work(request(call))
                .await?
                .into_inner()
                .work
        }
        HandlingCommand::FollowUp {
            of,
            satisfaction,
            channel,
            note,
            last_word,
            seen,
        } => {
            let call = wire::FollowUpWorkRequest {
                name: work_of(platform, &of).await?,
                satisfaction: number::<Satisfaction>("satisfaction", &satisfaction)?,
                channel: number::<Channel>("channel", &channel)?,
                note,
                last_word,
                etag: seen.etag,
                request_id: request_id(),
            };
            platform
                .handling()
                .follow_up_work(request(call))
                .await?
                .into_inner()
                .work
        }
        HandlingCommand::Close { of, note, seen } => {
            let call = wire::CloseWorkRequest {
                name: work_of(platform, &of).await?,
                note,
                etag: seen.etag,
                request_id: request_id(),
            };
            platform
                .handling()
                .close_work(request(call))
                .await?
                .into_inner()
                .work
        }
        HandlingCommand::Reject {
            of,
            answer,
            channel,
            override_wording,
            seen,
        } => {
            let call = wire::RejectWorkRequest {
                name: work_of(platform, &of).await?,
                answer,
                channel: number::<Channel>("channel", &channel)?,
                etag: seen.etag,
                request_id: request_id(),
                wording_override_reason: override_wording,
            };
            platform
                .validity()
                .reject_work(request(call))
                .await?
                .into_inner()
                .work
        }
    };
    let work = work.unwrap_or_default();
    out.one(|| json::of(WORK, &work), || describe(&work));
    Ok(())
}

fn read(file: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(file).map_err(|source| Failure::File {
        what: "cannot read",
        path: file.display().to_string(),
        source,
    })
}

fn show_reports(reports: &[wire::StoreReport], out: Output) {
    out.rows(
        &["Submitted", "By", "Report"],
        reports,
        |r| {
            vec![
                when(r.submit_time.as_ref()),
                r.author.clone(),
                r.text.clone(),
            ]
        },
        |r| json::of("assignment.v1.StoreReport", r),
    );
}

async fn visits(platform: &Platform, of: &Of, out: Output) -> Result<(), Failure> {
    let call = wire::ListVisitsRequest {
        parent: work_of(platform, of).await?,
    };
    let answer = platform.handling().list_visits(request(call)).await?;
    visited(&answer.into_inner().visits, out);
    Ok(())
}

fn describe(w: &wire::Work) {
    heading(&format!("Work on {}", w.number));
    line("case", &w.case);
    line("status", word::<CaseStatus>(w.status));
    line("grade", grade(w.grade));
    line("responsible", short(&w.responsible));
    if !w.offered_to.is_empty() {
        line("offered to", short(&w.offered_to));
    }
    if !w.complaining_store.is_empty() {
        line("by the store", short(&w.complaining_store));
    }
    if let Some(said) = &w.restatement {
        let confirmed = if said.confirmed {
            "confirmed"
        } else {
            "not confirmed"
        };
        line("understood", format!("{} ({confirmed})", said.text));
    }
    if let Some(done) = &w.resolution {
        line("what was done", &done.summary);
        line("root cause", &done.root_cause);
    }
    if w.outcome != 0 {
        line("outcome", word::<Ending>(w.outcome));
    }
    line("etag", &w.etag);
}

async fn plan_visit(
    platform: &Platform,
    name: String,
    purpose: i32,
    (plan, in_place_of): (&str, String),
    out: Output,
) -> Result<(), Failure> {
    let call = wire::PlanVisitRequest {
        name,
        purpose,
        in_place_of,
        plan_time: Some(to_timestamp(instant("plan", plan, crate::now::now())?)),
        request_id: request_id(),
        ..Default::default()
    };
    let answer = platform.handling().plan_visit(request(call)).await?;
    visited(&Vec::from_iter(answer.into_inner().visit), out);
    Ok(())
}

fn visited(visits: &[wire::Visit], out: Output) {
    out.rows(
        &["Id", "Purpose", "Who", "Planned", "Made", "Findings"],
        visits,
        |v| {
            vec![
                v.visit_id.clone(),
                word::<VisitPurpose>(v.purpose),
                std::iter::once(&v.staff)
                    .chain(&v.participants)
                    .map(|name| short(name))
                    .collect::<Vec<_>>()
                    .join(", "),
                when(v.plan_time.as_ref()),
                match v.state() {
                    wire::VisitState::Cancelled => "cancelled".to_owned(),
                    _ => when(v.make_time.as_ref()),
                },
                v.findings.clone(),
            ]
        },
        |v| json::of("assignment.v1.Visit", v),
    );
}

async fn hints(
    platform: &Platform,
    name: String,
    (motive, style): (Option<String>, Option<String>),
    clear: bool,
    out: Output,
) -> Result<(), Failure> {
    let hints = if clear || motive.is_some() || style.is_some() {
        let call = wire::SetHintsRequest {
            name,
            motive: motive.map_or(Ok(0), |word| number::<Motive>("motive", &word))?,
            style: style.map_or(Ok(0), |word| number::<CommunicationStyle>("style", &word))?,
        };
        let answer = platform.handling().set_hints(request(call)).await?;
        answer.into_inner().hints
    } else {
        let call = wire::GetHintsRequest { name };
        let answer = platform.handling().get_hints(request(call)).await?;
        answer.into_inner().hints
    };
    let hints = hints.unwrap_or_default();
    out.one(
        || json::of("assignment.v1.Hints", &hints),
        || advise(&hints),
    );
    Ok(())
}

/// What the hints advise, each in both languages.
fn advise(hints: &wire::Hints) {
    let motive = (word::<Motive>(hints.motive), &hints.motive_advice);
    let style = (word::<CommunicationStyle>(hints.style), &hints.style_advice);
    let mut advised = table(&["Hint", "How to speak", "What to avoid"]);
    for (hint, advice) in [motive, style] {
        let Some(advice) = advice else {
            continue;
        };
        advised.add_row(vec![
            hint.clone(),
            advice.speak_zh_cn.clone(),
            advice.avoid_zh_cn.clone(),
        ]);
        advised.add_row(vec![hint, advice.speak_en.clone(), advice.avoid_en.clone()]);
    }
    if advised.is_empty() {
        crate::output::say!("none");
    } else {
        show_table(page(advised));
    }
}

async fn validity(
    platform: &Platform,
    name: String,
    decide: Option<String>,
    reason: String,
    evidence: Vec<String>,
    out: Output,
) -> Result<(), Failure> {
    let mut client = platform.validity();
    let decisions = if let Some(decide) = decide {
        let call = wire::DecideValidityRequest {
            name,
            validity: number::<Validity>("decide", &decide)?,
            reason,
            evidence,
            etag: String::new(),
            request_id: request_id(),
        };
        let answer = client.decide_validity(request(call)).await?.into_inner();
        answer.decision.into_iter().collect()
    } else {
        let call = wire::GetValidityRequest { name };
        let answer = client.get_validity(request(call)).await?.into_inner();
        if let Some(told) = answer.appeal.as_ref().filter(|_| !out.json) {
            appealed(told);
        }
        if let Some(judged) = answer.judgement.as_ref().filter(|_| !out.json) {
            heading("Demands");
            show_judged(judged, out);
        }
        answer.decisions
    };
    out.rows(
        &["#", "Validity", "Reason", "By", "When", "On appeal"],
        &decisions,
        |d| {
            vec![
                d.sequence.to_string(),
                word::<Validity>(d.validity),
                d.reason.clone(),
                d.decider.clone(),
                when(d.decide_time.as_ref()),
                if d.on_appeal { "yes" } else { "–" }.to_owned(),
            ]
        },
        |d| json::of("assignment.v1.ValidityDecision", d),
    );
    Ok(())
}

/// The demands as they were judged: `DEMAND=WHY` where they are not justified.
fn demands(
    justified: Vec<String>,
    unlawful: &[String],
    unreasonable: &[String],
) -> Vec<wire::JudgedDemand> {
    let mut demands: Vec<wire::JudgedDemand> = justified
        .into_iter()
        .map(|text| wire::JudgedDemand {
            text,
            lawful: true,
            reasonable: true,
            reason: String::new(),
        })
        .collect();
    let unlawful = unlawful.iter().map(|text| (text, false, true));
    let unreasonable = unreasonable.iter().map(|text| (text, true, false));
    for (given, lawful, reasonable) in unlawful.chain(unreasonable) {
        let (text, why) = given.split_once('=').unwrap_or((given.as_str(), ""));
        let (text, why) = (text.trim(), why.trim());
        if let Some(known) = demands.iter_mut().find(|demand| demand.text == text) {
            known.lawful &= lawful;
            known.reasonable &= reasonable;
            let reasons = [known.reason.as_str(), why];
            let given: Vec<&str> = reasons.into_iter().filter(|r| !r.is_empty()).collect();
            known.reason = given.join("; ");
        } else {
            demands.push(wire::JudgedDemand {
                text: text.to_owned(),
                lawful,
                reasonable,
                reason: why.to_owned(),
            });
        }
    }
    demands
}

fn show_judged(judgement: &wire::DemandJudgement, out: Output) {
    let yes = |is_so: bool| if is_so { "yes" } else { "no" }.to_owned();
    out.rows(
        &["Demand", "Lawful", "Reasonable", "Why not"],
        &judgement.demands,
        |d| {
            vec![
                d.text.clone(),
                yes(d.lawful),
                yes(d.reasonable),
                d.reason.clone(),
            ]
        },
        |d| json::of("assignment.v1.JudgedDemand", d),
    );
}

async fn appeal(
    platform: &Platform,
    name: String,
    reason: String,
    (grant, dismiss, channel, override_wording, evidence): (
        Option<String>,
        bool,
        Option<String>,
        String,
        Vec<String>,
    ),
    out: Output,
) -> Result<(), Failure> {
    let mut client = platform.validity();
    let appeal = if grant.is_some() || dismiss {
        let channel = channel.unwrap_or_default();
        let call = wire::DecideAppealRequest {
            name,
            grant: grant.is_some(),
            validity: grant.map_or(Ok(0), |g| number::<Validity>("grant", &g))?,
            reason,
            channel: number::<Channel>("channel", &channel)?,
            request_id: request_id(),
            wording_override_reason: override_wording,
            evidence,
        };
        client
            .decide_appeal(request(call))
            .await?
            .into_inner()
            .appeal
    } else {
        let call = wire::AppealValidityRequest {
            name,
            reason,
            request_id: request_id(),
        };
        client
            .appeal_validity(request(call))
            .await?
            .into_inner()
            .appeal
    };
    let appeal = appeal.unwrap_or_default();
    out.one(
        || json::of("assignment.v1.Appeal", &appeal),
        || appealed(&appeal),
    );
    Ok(())
}

fn appealed(appeal: &wire::Appeal) {
    heading("Appeal");
    line("reason", &appeal.reason);
    line("made", when(appeal.appeal_time.as_ref()));
    let verdict = match (&appeal.decide_time, appeal.granted) {
        (None, _) => "open",
        (Some(_), true) => "granted",
        (Some(_), false) => "dismissed",
    };
    line("verdict", verdict);
}
