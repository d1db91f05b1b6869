//! `redress ledger` and `redress action`: what somebody owes or earns for a complaint, and what is done so that it does not
//! come again.

use clap::{Args, Subcommand};
use jiff::Timestamp;
use redress_model::words::SiteKind;
use redress_proto::Money;
use redress_proto::assignment::v1 as wire;
use redress_proto::convert::to_timestamp;
use rust_decimal::Decimal;

use super::case::{name_if_given, name_or_any};
use super::people::{people, person, person_if_given};
use super::{choice, spelled};
use crate::args::Paging;
use crate::connect::{Platform, all_pages, parent, request, request_id};
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, heading, line, short, when};

/// What is booked or proposed.
#[derive(Debug, Args)]
pub(crate) struct What {
    /// Site.
    #[arg(long)]
    site: String,
    /// UPHELD_COMPLAINT, EXPOSURE or OTHER; of an entry that is booked TAKE_OVER, PRAISE or RANKING too.
    #[arg(long)]
    cause: String,
    /// Why, without personal data.
    #[arg(long)]
    reason: String,
    /// The case, by name or number.
    #[arg(long)]
    case: Option<String>,
    /// Who bears or earns it, by id or name; may be given several times.
    #[arg(long)]
    staff: Vec<String>,
    /// The whole amount in CNY; by the policy of the site otherwise.
    #[arg(long, value_parser = crate::args::parse_yuan)]
    amount: Option<Decimal>,
}

impl What {
    fn cause(&self) -> Result<i32, Failure> {
        let words = wire::LedgerCause::as_str_name;
        choice("cause", "LEDGER_CAUSE_", &self.cause, words)
    }

    async fn people(&self, platform: &Platform, parent: &str) -> Result<Vec<String>, Failure> {
        people(platform, parent, &self.staff).await
    }

    async fn case(&self, platform: &Platform) -> Result<String, Failure> {
        name_or_any(platform, self.case.as_deref()).await
    }
}

/// Subcommands of `ledger`.
#[derive(Debug, Subcommand)]
pub(crate) enum LedgerCommand {
    /// List entries, newest first.
    #[command(
        after_help = "Examples:\n  redress ledger list --site north-store\n  redress ledger list --state APPEALED --json"
    )]
    List {
        /// Site; all of the token's sites otherwise.
        #[arg(long)]
        site: Option<String>,
        /// Only PROPOSED, OPEN, APPEALED, CONFIRMED, WAIVED or SETTLED ones.
        #[arg(long)]
        state: Option<String>,
        /// Only of this person, by id or name; needs --site.
        #[arg(long, requires = "site")]
        staff: Option<String>,
        /// Rows.
        #[command(flatten)]
        paging: Paging,
    },
    /// Show an entry and what was done with it.
    #[command(after_help = "Example:\n  redress ledger show sites/north-store/ledgerEntries/ID")]
    Show {
        /// The entry, `sites/{site}/ledgerEntries/{entry}`.
        name: String,
    },
    /// Book an entry, for the site or for people in equal parts.
    #[command(
        after_help = "Examples:\n  redress ledger add --site north-store --kind PENALTY --cause UPHELD_COMPLAINT --reason 'promise not kept' --case NS-20261121-0001\n  redress ledger add --site north-store --kind PENALTY --cause EXPOSURE --reason 'evening paper' --case NS-20261121-0001 --staff head --staff agent\n  redress ledger add --site lakeside --kind THANKS --cause PRAISE --reason 'letter of thanks' --staff li-na --amount 200"
    )]
    Add {
        /// PENALTY, FEE, RECOGNITION, THANKS or PRIZE.
        #[arg(long)]
        kind: String,
        #[command(flatten)]
        what: What,
    },
    /// Propose a penalty, for the site or for people in equal parts; somebody with authority confirms or refuses it.
    #[command(
        after_help = "Examples:\n  redress ledger propose --site north-store --cause OTHER --reason 'two appointments not kept' --staff agent --amount 200\n  redress ledger propose --site north-store --cause EXPOSURE --reason 'evening paper' --case NS-20261121-0001"
    )]
    Propose {
        #[command(flatten)]
        what: What,
    },
    /// Confirm a penalty that somebody else proposed.
    #[command(
        after_help = "Example:\n  redress ledger confirm sites/north-store/ledgerEntries/ID --reason 'the log shows it'"
    )]
    Confirm {
        /// The entry.
        name: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Refuse a penalty that somebody else proposed.
    #[command(
        after_help = "Example:\n  redress ledger refuse sites/north-store/ledgerEntries/ID --reason 'nobody was told of the appointment'"
    )]
    Refuse {
        /// The entry.
        name: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Say that an entry is wrong: once, before it is due.
    #[command(
        after_help = "Example:\n  redress ledger appeal sites/north-store/ledgerEntries/ID --reason 'the customer took it back'"
    )]
    Appeal {
        /// The entry.
        name: String,
        /// Why it is wrong.
        #[arg(long)]
        reason: String,
    },
    /// Decide an appeal of somebody else.
    #[command(
        after_help = "Examples:\n  redress ledger decide sites/north-store/ledgerEntries/ID --stands --reason 'the record shows it'\n  redress ledger decide sites/north-store/ledgerEntries/ID --falls --reason 'no fault of the store'"
    )]
    Decide {
        /// The entry.
        name: String,
        /// The entry stands.
        #[arg(long, conflicts_with = "falls", required_unless_present = "falls")]
        stands: bool,
        /// The entry falls.
        #[arg(long)]
        falls: bool,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Say that an entry was paid or handed over.
    #[command(
        after_help = "Example:\n  redress ledger settle sites/north-store/ledgerEntries/ID --reason 'receipt 4711'"
    )]
    Settle {
        /// The entry.
        name: String,
        /// How.
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// The yearly ranking of a kind of sites, with prizes and shares.
    #[command(
        after_help = "Examples:\n  redress ledger ranking --year 2026\n  redress ledger ranking --year 2026 --kind RESIDENTIAL --json"
    )]
    Ranking {
        /// The year.
        #[arg(long, value_parser = clap::value_parser!(i32).range(1970..=9000))]
        year: i32,
        /// RESIDENTIAL, SALES_CENTER, PROPERTY_OFFICE or AGENCY_STORE.
        #[arg(long, default_value = "AGENCY_STORE")]
        kind: String,
    },
}

/// Subcommands of `action`.
#[derive(Debug, Subcommand)]
pub(crate) enum ActionCommand {
    /// List corrective actions, newest first.
    #[command(
        after_help = "Examples:\n  redress action list --site lakeside\n  redress action list --state OPEN --json"
    )]
    List {
        /// Site; all of the token's sites otherwise.
        #[arg(long)]
        site: Option<String>,
        /// Only OPEN, DONE or EFFECTIVE ones.
        #[arg(long)]
        state: Option<String>,
        /// Rows.
        #[command(flatten)]
        paging: Paging,
    },
    /// Have somebody remove a cause.
    #[command(
        after_help = "Example:\n  redress action add --site lakeside --title 'seal all joints of building 3' --owner li-na --due 2026-06-30T18:00:00+08:00 --cause 'loose joint'"
    )]
    Add {
        /// Site.
        #[arg(long)]
        site: String,
        /// What is to be done.
        #[arg(long)]
        title: String,
        /// Who does it, by id or name.
        #[arg(long)]
        owner: String,
        /// Until when.
        #[arg(long)]
        due: Timestamp,
        /// The cause it removes, as in reports.
        #[arg(long, default_value = "")]
        cause: String,
        /// The case that led to it, by name or number.
        #[arg(long, default_value = "")]
        case: String,
    },
    /// Say that an action is done.
    #[command(
        after_help = "Example:\n  redress action done sites/lakeside/correctiveActions/ID --note 'all 42 sealed'"
    )]
    Done {
        /// The action, `sites/{site}/correctiveActions/{action}`.
        name: String,
        /// What was done.
        #[arg(long)]
        note: String,
    },
    /// Say whether an action works; one that does not is open again until the new time.
    #[command(
        after_help = "Examples:\n  redress action check sites/lakeside/correctiveActions/ID --works --note 'dry after two weeks of rain'\n  redress action check sites/lakeside/correctiveActions/ID --fails --due 2026-07-15T18:00:00+08:00 --note 'two leak again'"
    )]
    Check {
        /// The action.
        name: String,
        /// It works.
        #[arg(long, conflicts_with = "fails", required_unless_present = "fails")]
        works: bool,
        /// It does not.
        #[arg(long, requires = "due")]
        fails: bool,
        /// Until when it is to be done better.
        #[arg(long)]
        due: Option<Timestamp>,
        /// What the check found.
        #[arg(long)]
        note: String,
    },
}

/// Runs a subcommand of `ledger`.
pub(crate) async fn run(
    platform: &Platform,
    command: LedgerCommand,
    out: Output,
) -> Result<(), Failure> {
    let mut client = platform.ledger();
    let request_id = request_id();
    let entry = match command {
        LedgerCommand::List {
            site,
            state,
            staff,
            paging,
        } => {
            let parent = parent(site.as_deref());
            let filter = wire::ListLedgerEntriesRequest {
                state: state
                    .map(|text| {
                        choice(
                            "state",
                            "LEDGER_STATE_",
                            &text,
                            wire::LedgerState::as_str_name,
                        )
                    })
                    .transpose()?
                    .unwrap_or(0),
                staff: person_if_given(platform, &parent, staff.as_deref()).await?,
                parent,
                ..Default::default()
            };
            let entries = all_pages(paging.limit, |page_size, page_token| {
                let mut client = client.clone();
                let filter = wire::ListLedgerEntriesRequest {
                    page_size,
                    page_token,
                    ..filter.clone()
                };
                async move {
                    let answer = client
                        .list_ledger_entries(request(filter))
                        .await?
                        .into_inner();
                    Ok((answer.entries, answer.next_page_token))
                }
            })
            .await?;
            show_all(&entries, out);
            return Ok(());
        }
        LedgerCommand::Show { name } => {
            let get = wire::GetLedgerEntryRequest { name };
            let answer = client.get_ledger_entry(request(get)).await?.into_inner();
            out.one(
                || json::of("assignment.v1.GetLedgerEntryResponse", &answer),
                || {
                    let entry = answer.entry.clone().unwrap_or_default();
                    show(&entry);
                    if !entry.policy_profile.is_empty() {
                        let (profile, revision) = (&entry.policy_profile, entry.policy_revision);
                        line("by policy", format!("{profile}, revision {revision}"));
                    }
                    heading("What was done");
                    for act in &answer.acts {
                        let (time, state) = (
                            when(act.act_time.as_ref()),
                            spelled(act.state().as_str_name(), "LEDGER_STATE_"),
                        );
                        crate::output::say!("  {time}  {state} by {}  {}", act.actor, act.reason);
                    }
                },
            );
            return Ok(());
        }
        LedgerCommand::Add { kind, what } => {
            let parent = parent(Some(&what.site));
            let add = wire::AddLedgerEntriesRequest {
                kind: choice("kind", "LEDGER_KIND_", &kind, wire::LedgerKind::as_str_name)?,
                cause: what.cause()?,
                staff: what.people(platform, &parent).await?,
                case: what.case(platform).await?,
                reason: what.reason,
                amount: what.amount.map(redress_proto::convert::to_money),
                request_id,
                parent,
            };
            let answer = client.add_ledger_entries(request(add)).await?;
            show_all(&answer.into_inner().entries, out);
            return Ok(());
        }
        LedgerCommand::Propose { what } => {
            let parent = parent(Some(&what.site));
            let propose = wire::ProposePenaltyRequest {
                cause: what.cause()?,
                staff: what.people(platform, &parent).await?,
                case: what.case(platform).await?,
                reason: what.reason,
                amount: what.amount.map(redress_proto::convert::to_money),
                request_id,
                parent,
            };
            let answer = client.propose_penalty(request(propose)).await?;
            show_all(&answer.into_inner().entries, out);
            return Ok(());
        }
        LedgerCommand::Confirm { name, reason } => {
            let decide = decision(name, true, reason, request_id);
            client
                .decide_penalty(request(decide))
                .await?
                .into_inner()
                .entry
        }
        LedgerCommand::Refuse { name, reason } => {
            let decide = decision(name, false, reason, request_id);
            client
                .decide_penalty(request(decide))
                .await?
                .into_inner()
                .entry
        }
        LedgerCommand::Appeal { name, reason } => {
            let appeal = wire::AppealLedgerEntryRequest {
                name,
                reason,
                request_id,
                ..Default::default()
            };
            client
                .appeal_ledger_entry(request(appeal))
                .await?
                .into_inner()
                .entry
        }
        LedgerCommand::Decide {
            name,
            stands,
            reason,
            ..
        } => {
            let decide = wire::DecideLedgerAppealRequest {
                name,
                stands,
                reason,
                request_id,
                ..Default::default()
            };
            client
                .decide_ledger_appeal(request(decide))
                .await?
                .into_inner()
                .entry
        }
        LedgerCommand::Settle { name, reason } => {
            let settle = wire::SettleLedgerEntryRequest {
                name,
                reason,
                request_id,
                ..Default::default()
            };
            client
                .settle_ledger_entry(request(settle))
                .await?
                .into_inner()
                .entry
        }
        LedgerCommand::Ranking { year, kind } => {
            let get = wire::GetLedgerRankingRequest {
                year,
                kind: super::number::<SiteKind>("kind", &kind)?,
            };
            let sites = client
                .get_ledger_ranking(request(get))
                .await?
                .into_inner()
                .sites;
            out.rows(
                &[
                    "Rank",
                    "Site",
                    "Upheld",
                    "Exposed",
                    "Taken over",
                    "Praise",
                    "Cases",
                    "Penalties",
                    "Share",
                    "Prize",
                ],
                &sites,
                |s| {
                    vec![
                        s.rank.to_string(),
                        short(&s.site),
                        s.upheld_complaints.to_string(),
                        s.exposures.to_string(),
                        s.take_overs.to_string(),
                        s.praise.to_string(),
                        s.cases.to_string(),
                        money(s.penalties.as_ref()),
                        money(s.share.as_ref()),
                        money(s.prize.as_ref()),
                    ]
                },
                |s| json::of("assignment.v1.RankedSite", s),
            );
            return Ok(());
        }
    };
    let entry = entry.unwrap_or_default();
    out.one(
        || json::of("assignment.v1.LedgerEntry", &entry),
        || show(&entry),
    );
    Ok(())
}

fn decision(
    name: String,
    stands: bool,
    reason: String,
    request_id: String,
) -> wire::DecidePenaltyRequest {
    wire::DecidePenaltyRequest {
        name,
        stands,
        reason,
        request_id,
        ..Default::default()
    }
}

/// Runs a subcommand of `action`.
pub(crate) async fn run_action(
    platform: &Platform,
    command: ActionCommand,
    out: Output,
) -> Result<(), Failure> {
    let mut client = platform.ledger();
    let request_id = request_id();
    let action = match command {
        ActionCommand::List {
            site,
            state,
            paging,
        } => {
            let name = wire::CorrectiveActionState::as_str_name;
            let filter = wire::ListCorrectiveActionsRequest {
                parent: parent(site.as_deref()),
                state: state
                    .map(|text| choice("state", "CORRECTIVE_ACTION_STATE_", &text, name))
                    .transpose()?
                    .unwrap_or(0),
                ..Default::default()
            };
            let actions = all_pages(paging.limit, |page_size, page_token| {
                let mut client = client.clone();
                let filter = wire::ListCorrectiveActionsRequest {
                    page_size,
                    page_token,
                    ..filter.clone()
                };
                async move {
                    let answer = client
                        .list_corrective_actions(request(filter))
                        .await?
                        .into_inner();
                    Ok((answer.actions, answer.next_page_token))
                }
            })
            .await?;
            show_actions(&actions, out);
            return Ok(());
        }
        ActionCommand::Add {
            site,
            title,
            owner,
            due,
            cause,
            case,
        } => {
            let parent = parent(Some(&site));
            let create = wire::CreateCorrectiveActionRequest {
                owner: person(platform, &parent, &owner).await?,
                case: name_if_given(platform, &case).await?,
                parent,
                title,
                cause,
                due_time: Some(to_timestamp(due)),
                request_id,
            };
            client
                .create_corrective_action(request(create))
                .await?
                .into_inner()
                .action
        }
        ActionCommand::Done { name, note } => {
            let done = wire::CompleteCorrectiveActionRequest {
                name,
                note,
                request_id,
                ..Default::default()
            };
            client
                .complete_corrective_action(request(done))
                .await?
                .into_inner()
                .action
        }
        ActionCommand::Check {
            name,
            works,
            due,
            note,
            ..
        } => {
            let check = wire::CheckCorrectiveActionRequest {
                name,
                effective: works,
                note,
                due_time: due.map(to_timestamp),
                request_id,
                ..Default::default()
            };
            client
                .check_corrective_action(request(check))
                .await?
                .into_inner()
                .action
        }
    };
    show_actions(&[action.unwrap_or_default()], out);
    Ok(())
}

fn show_all(entries: &[wire::LedgerEntry], out: Output) {
    out.rows(
        &[
            "Entry", "Kind", "Cause", "Who", "CNY", "Due", "State", "Reason",
        ],
        entries,
        |e| {
            vec![
                e.name.clone(),
                spelled(e.kind().as_str_name(), "LEDGER_KIND_"),
                spelled(e.cause().as_str_name(), "LEDGER_CAUSE_"),
                who(e),
                money(e.amount.as_ref()),
                when(e.due_time.as_ref()),
                spelled(e.state().as_str_name(), "LEDGER_STATE_"),
                e.reason.clone(),
            ]
        },
        |e| json::of("assignment.v1.LedgerEntry", e),
    );
}

fn show(e: &wire::LedgerEntry) {
    heading("Entry");
    line("name", &e.name);
    line("kind", spelled(e.kind().as_str_name(), "LEDGER_KIND_"));
    line("cause", spelled(e.cause().as_str_name(), "LEDGER_CAUSE_"));
    line("who", who(e));
    line("CNY", money(e.amount.as_ref()));
    line("due", when(e.due_time.as_ref()));
    line("state", spelled(e.state().as_str_name(), "LEDGER_STATE_"));
    line("reason", &e.reason);
}

fn show_actions(actions: &[wire::CorrectiveAction], out: Output) {
    out.rows(
        &[
            "Action", "What", "Cause", "Owner", "Due", "State", "Failed", "Note",
        ],
        actions,
        |a| {
            let state = spelled(a.state().as_str_name(), "CORRECTIVE_ACTION_STATE_");
            vec![
                a.name.clone(),
                a.title.clone(),
                a.cause.clone(),
                short(&a.owner),
                when(a.due_time.as_ref()),
                if a.overdue {
                    format!("{state}, overdue")
                } else {
                    state
                },
                a.failed_checks.to_string(),
                a.note.clone(),
            ]
        },
        |a| json::of("assignment.v1.CorrectiveAction", a),
    );
}

fn who(e: &wire::LedgerEntry) -> String {
    if e.staff.is_empty() {
        "the site".to_owned()
    } else {
        short(&e.staff)
    }
}

fn money(money: Option<&Money>) -> String {
    money.map_or_else(
        || "–".to_owned(),
        |m| format!("{}.{:02}", m.units, m.nanos / 10_000_000),
    )
}
