//! What can be typed: every command with its help and examples.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use redress_model::name::{NameError, OrganizationId, SiteId, StaffName};

use crate::commands::aftermath::AftermathCommand;
use crate::commands::audit::AuditCommand;
use crate::commands::briefing::{BriefingCommand, CommitmentCommand};
use crate::commands::grade::GradeCommand;
use crate::commands::media::MediaCommand;
use crate::commands::signal::SignalCommand;
use crate::commands::statement::StatementCommand;

use crate::commands::calendar::CalendarCommand;
use crate::commands::policy::PolicyCommand;
use crate::commands::roster::{DepartmentCommand, RosterCommand, StaffCommand};
use crate::commands::work::WorkCommand;

/// The complaint and crisis platform for property developers.
#[derive(Debug, Parser)]
#[command(name = "redress", version, about, propagate_version = true, after_help = EXAMPLES)]
pub(crate) struct Cli {
    /// Data folder of the platform on this machine.
    #[arg(
        long,
        global = true,
        env = "REDRESS_HOME",
        default_value = ".redress",
        value_name = "FOLDER"
    )]
    pub(crate) home: PathBuf,

    /// Print one compact JSON object a line instead of tables.
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// Access token; by default the one that `redress up` left in the data folder.
    #[arg(
        long,
        global = true,
        env = "REDRESS_TOKEN",
        value_name = "JWT",
        hide_env_values = true
    )]
    pub(crate) token: Option<String>,

    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  redress up                                   start the platform here and stay
  redress replay tests/corpus/scenarios.jsonl  feed it complaints and show what it decides
  redress case list --grade 1                  what is grave now
  redress clock list --state BREACHED          which promises were broken
  redress incident list --json | jq .          for scripts";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start all five services over a private Postgres and Redis, and stay.
    #[command(
        after_help = "Examples:\n  redress up\n  redress up --fresh\n  REDRESS_HOME=/srv/redress redress up"
    )]
    Up(UpArgs),
    /// End the platform that runs in the data folder.
    #[command(after_help = "Example:\n  redress stop")]
    Stop,
    /// Drills: rehearse a crisis on a platform of its own, on a clock that runs fast, and get a score.
    #[command(subcommand)]
    Drill(crate::drill::DrillCommand),
    /// Say what is missing on this machine and how to get it.
    #[command(after_help = "Example:\n  redress doctor --json")]
    Doctor,
    /// Print an access token of this machine's own issuer.
    #[command(
        after_help = "Examples:\n  redress token --site lakeside --role clerk\n  redress token --organization demo --role auditor --ttl 1h"
    )]
    Token(TokenArgs),
    /// Sites.
    #[command(subcommand)]
    Site(SiteCommand),
    /// Complaints.
    #[command(subcommand)]
    Case(CaseCommand),
    /// Grades: what stands and why, lowering and raising with a reason, what could fall.
    #[command(subcommand)]
    Grade(GradeCommand),
    /// Signals: what happened that can raise a grade, and whether it is so.
    #[command(subcommand)]
    Signal(SignalCommand),
    /// Briefings: the weekly meetings and notices of an incident.
    #[command(subcommand)]
    Briefing(BriefingCommand),
    /// Commitments: what was promised at briefings.
    #[command(subcommand)]
    Commitment(CommitmentCommand),
    /// The media desk: who asks, who reported, and what is true of it.
    #[command(subcommand)]
    Media(MediaCommand),
    /// Statements: what may leave as the company's word on an incident.
    #[command(subcommand)]
    Statement(StatementCommand),
    /// Incidents: the coordinated responses to grade-1 complaints.
    #[command(subcommand)]
    Incident(IncidentCommand),
    /// Clusters: complaints about the same issue at one site.
    #[command(subcommand)]
    Cluster(ClusterCommand),
    /// Clocks: the promises and their deadlines.
    #[command(subcommand)]
    Clock(crate::commands::clock::ClockCommand),
    /// Calendars: working hours, public holidays and make-up days of sites.
    #[command(subcommand)]
    Calendar(CalendarCommand),
    /// Playbooks: what is done in each stage of a crisis.
    #[command(subcommand)]
    Playbook(crate::commands::playbook::PlaybookCommand),
    /// Policies: what grading and promises do differently from place to place, and why.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Work: who has which case, who takes it over, who helps, and what is done from acceptance to the close.
    #[command(subcommand)]
    Work(WorkCommand),
    /// The roster: shifts, rotations, leave, swaps, and who is on duty.
    #[command(subcommand)]
    Roster(RosterCommand),
    /// People who work at sites.
    #[command(subcommand)]
    Staff(StaffCommand),
    /// Departments of sites.
    #[command(subcommand)]
    Department(DepartmentCommand),
    /// Solutions: proposed, approved, told, confirmed, carried out.
    #[command(subcommand)]
    Solution(crate::commands::solution::SolutionCommand),
    /// Warranty: how long who owes a repair, and why.
    #[command(subcommand)]
    Warranty(crate::commands::warranty::WarrantyCommand),
    /// Contractors: what they are ordered to do, and what a default costs them.
    #[command(subcommand)]
    Contractor(crate::commands::contractor::ContractorCommand),
    /// Transfers: cases that hotlines, regulators and petition offices transfer to us.
    #[command(subcommand)]
    Transfer(crate::commands::transfer::TransferCommand),
    /// Disputes: agreement, mediation, arbitration or litigation.
    #[command(subcommand)]
    Dispute(crate::commands::dispute::DisputeCommand),
    /// Settlements: one set of terms for a group, and who signed.
    #[command(subcommand)]
    Settlement(crate::commands::settlement::SettlementCommand),
    /// The solution library: what solved cases before, and what it cost.
    #[command(subcommand)]
    Library(crate::commands::library::LibraryCommand),
    /// The register: adverse facts and sales promises of a site.
    #[command(subcommand)]
    Register(crate::commands::register::RegisterCommand),
    /// Reports: how many complaints of what kind, why, and how well promises are kept.
    #[command(subcommand)]
    Report(crate::commands::report::ReportCommand),
    /// The accountability ledger: penalties, recognitions, appeals and the yearly ranking.
    #[command(subcommand)]
    Ledger(crate::commands::ledger::LedgerCommand),
    /// Corrective actions: what is done so that a complaint does not come again.
    #[command(subcommand)]
    Action(crate::commands::ledger::ActionCommand),
    /// Messages to complainants and staff.
    #[command(subcommand)]
    Message(MessageCommand),
    /// Templates: what is said to people, and what each level changes of it.
    #[command(subcommand)]
    Template(crate::commands::template::TemplateCommand),
    /// Wording: phrases that must not leave the house.
    #[command(subcommand)]
    Wording(crate::commands::wording::WordingCommand),
    /// Tasks: calls to make, letters to write, readers whom nothing reached.
    #[command(subcommand)]
    Task(crate::commands::task::TaskCommand),
    /// Surveys: how customers say it was.
    #[command(subcommand)]
    Survey(crate::commands::survey::SurveyCommand),
    /// Notices: what owners of a site are told before they complain.
    #[command(subcommand)]
    Notice(crate::commands::notice::NoticeCommand),
    /// Delivery: when customers are left alone, and how many messages people get.
    #[command(subcommand)]
    Delivery(crate::commands::delivery::DeliveryCommand),
    /// Preferences: how customers want to be reached.
    #[command(subcommand)]
    Preference(crate::commands::delivery::PreferenceCommand),
    /// Feed a corpus file through the running platform and show every decision.
    #[command(
        after_help = "Examples:\n  redress replay tests/corpus/scenarios.jsonl\n  redress replay tests/corpus/scenarios.jsonl --preview --json\n  redress replay messages.jsonl --site lakeside"
    )]
    Replay(ReplayArgs),
    /// Whether the platform keeps its promises, on one screen; ends with 1 when something needs somebody.
    #[command(
        after_help = "Examples:\n  redress status\n  redress status --json | jq .troubles\n  watch -c -n 15 redress status"
    )]
    Status,
    /// Events that could not be delivered.
    #[command(subcommand)]
    Event(EventCommand),
    /// Verify that what was written stands as it was written.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Print the completions of a shell.
    #[command(after_help = "Example:\n  redress completions bash > /etc/bash_completion.d/redress")]
    Completions {
        /// The shell.
        shell: Shell,
    },
}

/// Arguments of `up`.
#[derive(Debug, Args)]
pub(crate) struct UpArgs {
    /// Start empty: removes the data folder's database first.
    #[arg(long)]
    pub(crate) fresh: bool,
    /// Demo organization to seed when the platform is empty, instead of the built-in one.
    #[arg(long, value_name = "FILE")]
    pub(crate) demo: Option<PathBuf>,
    /// Log filter of the services, for example `info` or `redress=debug`.
    #[arg(
        long,
        default_value = "warn",
        env = "REDRESS_LOG",
        value_name = "FILTER"
    )]
    pub(crate) log: String,
}

/// Arguments of `token`.
#[derive(Debug, Args)]
pub(crate) struct TokenArgs {
    /// Site the token is good for; may be given several times.
    #[arg(long = "site", value_name = "SITE", value_parser = parse_site, required_unless_present = "organizations")]
    pub(crate) sites: Vec<String>,
    /// Organization the token is good for; may be given several times.
    #[arg(long = "organization", value_name = "ORGANIZATION", value_parser = parse_organization)]
    pub(crate) organizations: Vec<String>,
    /// Role; may be given several times.
    #[arg(
        long = "role",
        value_name = "ROLE",
        required = true,
        value_parser = ["admin", "clerk", "manager", "department_manager", "handler", "spokesperson", "counsel", "portal", "auditor", "sre"]
    )]
    pub(crate) roles: Vec<String>,
    /// Subject of the token.
    #[arg(long, default_value = "developer", value_name = "SUBJECT")]
    pub(crate) subject: String,
    /// The person behind the token, `sites/{site}/staff/{staff}`.
    #[arg(long, value_name = "STAFF", value_parser = parse_staff)]
    pub(crate) staff: Option<String>,
    /// How long it is good for, for example `15m`, `8h`, `30d`.
    #[arg(long, default_value = "8h", value_name = "TIME", value_parser = parse_span)]
    pub(crate) ttl: std::time::Duration,
}

/// Subcommands of `site`.
#[derive(Debug, Subcommand)]
pub(crate) enum SiteCommand {
    /// List the sites that the token may see.
    #[command(after_help = "Example:\n  redress site list --json")]
    List(Paging),
}

/// How many rows to print.
#[derive(Debug, Args, Clone, Copy)]
pub(crate) struct Paging {
    /// Print at most so many rows; all pages are fetched otherwise.
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
}

/// Subcommands of `case`.
#[derive(Debug, Subcommand)]
pub(crate) enum CaseCommand {
    /// List cases, newest first.
    #[command(
        after_help = "Examples:\n  redress case list --site lakeside\n  redress case list --grade 1 --json"
    )]
    List {
        /// Site; all of the token's sites otherwise.
        #[arg(long)]
        site: Option<String>,
        /// Only this grade, 1 to 4.
        #[arg(long, value_parser = clap::value_parser!(u8).range(1..=4))]
        grade: Option<u8>,
        /// Only this status, for example INVESTIGATING.
        #[arg(long)]
        status: Option<String>,
        /// Only this category.
        #[arg(long)]
        category: Option<String>,
        /// Only of whoever has this telephone number.
        #[arg(long)]
        phone: Option<String>,
        /// Rows.
        #[command(flatten)]
        paging: Paging,
    },
    /// Find cases whose text or place holds all these words.
    #[command(after_help = "Example:\n  redress case find 外墙 渗水 --site lakeside")]
    Find {
        /// What to look for.
        #[arg(required = true)]
        words: Vec<String>,
        /// Site; all of the token's sites otherwise.
        #[arg(long)]
        site: Option<String>,
        /// Rows.
        #[command(flatten)]
        paging: Paging,
    },
    /// Show a case: who, what, its clocks and its timeline.
    #[command(after_help = "Example:\n  redress case show LS-20261121-0001")]
    Show {
        /// The case, `sites/{site}/cases/{case}`, or its number.
        name: String,
    },
    /// Print changes of cases as they happen.
    #[command(
        after_help = "Examples:\n  redress case watch --site lakeside\n  redress case watch --json --resume TOKEN"
    )]
    Watch {
        /// Site; all of the token's sites otherwise.
        #[arg(long)]
        site: Option<String>,
        /// Resume after this token.
        #[arg(long)]
        resume: Option<String>,
    },
    /// Take in a complaint.
    #[command(
        after_help = "Example:\n  redress case create --site lakeside --channel HOTLINE --phone 13800000000 --text '外墙渗水,请尽快维修'"
    )]
    Create(Box<CreateArgs>),
    #[command(flatten)]
    Act(crate::commands::case::ActCommand),
}

/// Arguments of `case create`.
#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    /// Site.
    #[arg(long)]
    pub(crate) site: String,
    /// Channel, for example HOTLINE or APP.
    #[arg(long, default_value = "HOTLINE")]
    pub(crate) channel: String,
    /// What they said; `-` reads standard input.
    #[arg(long)]
    pub(crate) text: String,
    /// Name of the complainant.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Phone of the complainant.
    #[arg(long)]
    pub(crate) phone: Option<String>,
    /// E-mail of the complainant.
    #[arg(long)]
    pub(crate) email: Option<String>,
    /// Where a letter finds the complainant.
    #[arg(long)]
    pub(crate) postal_address: Option<String>,
    /// What the complainant reads: zh-CN or en; that of the text where it is plain, else the site's.
    #[arg(long)]
    pub(crate) language: Option<String>,
    /// Staff complained about, `sites/{site}/staff/{staff}`: they cannot see the case; may be given several times.
    #[arg(long, value_name = "STAFF")]
    pub(crate) about: Vec<String>,
    /// How many complain together.
    #[arg(long, default_value_t = 1, allow_negative_numbers = true)]
    pub(crate) headcount: i32,
    /// Quality impact: NONE, COSMETIC, AFFECTS_USE or GRAVE.
    #[arg(long, default_value = "NONE")]
    pub(crate) quality_impact: String,
    /// REMEDY or EXPLANATION.
    #[arg(long, default_value = "REMEDY")]
    pub(crate) wants: String,
    /// Claimed amount in CNY, for example 2000.00.
    #[arg(long, allow_negative_numbers = true)]
    pub(crate) claim: Option<rust_decimal::Decimal>,
    /// A signal as KIND or KIND:BASIS, for example INJURY:CONFIRMED; may be given several times.
    #[arg(long = "signal", value_name = "KIND[:BASIS]")]
    pub(crate) signals: Vec<String>,
    /// Complained again after handling.
    #[arg(long)]
    pub(crate) repeat: bool,
    /// Building of the place.
    #[arg(long)]
    pub(crate) building: Option<String>,
    /// Unit of the place.
    #[arg(long)]
    pub(crate) unit: Option<String>,
}

/// Subcommands of `incident`.
#[derive(Debug, Subcommand)]
pub(crate) enum IncidentCommand {
    /// What follows, and the room.
    #[command(flatten)]
    Aftermath(AftermathCommand),
    /// List incidents, newest first.
    #[command(after_help = "Example:\n  redress incident list --state OPEN")]
    List {
        /// Site; all of the token's sites otherwise.
        #[arg(long)]
        site: Option<String>,
        /// Only this state: OPEN, MERGED or STOOD_DOWN.
        #[arg(long)]
        state: Option<String>,
        /// Rows.
        #[command(flatten)]
        paging: Paging,
    },
    /// Show an incident: mode, stage, roles, clocks, cases.
    #[command(after_help = "Example:\n  redress incident show lakeside/I20261121-01")]
    Show {
        /// The incident, `sites/{site}/incidents/{incident}`, or its number with its site, for
        /// example `lakeside/I20261121-01`.
        name: String,
    },
    /// Show what was told to whom in each stage, how old it is, and what is missing before the stage may end.
    #[command(after_help = "Example:\n  redress incident matrix lakeside/I20261121-01")]
    Matrix {
        /// The incident, `sites/{site}/incidents/{incident}`, or its number with its site.
        name: String,
    },
    /// Move an incident to another stage, by decision.
    #[command(
        after_help = "Examples:\n  redress incident stage lakeside/I20261121-01 HANDLING --reason 'everybody is safe and knows what comes next'\n  redress incident stage lakeside/I20261121-01 HANDLING --reason 'calm' --waive 'promise/HOLDING_STATEMENT=nobody asks'"
    )]
    Stage {
        /// The incident, `sites/{site}/incidents/{incident}`, or its number with its site.
        name: String,
        /// LATENT, OUTBREAK, HANDLING or AFTERMATH.
        stage: String,
        /// Why.
        #[arg(long)]
        reason: String,
        /// A gap that the stage may be left with, as the refusal names it, and why. May be repeated.
        #[arg(long, value_name = "GAP=REASON")]
        waive: Vec<String>,
    },
    /// Who commands it.
    #[command(flatten)]
    Command(crate::commands::command::CommandCommand),
    /// What it does in its stage.
    #[command(flatten)]
    Plan(crate::commands::plan::PlanCommand),
}

/// Subcommands of `cluster`.
#[derive(Debug, Subcommand)]
pub(crate) enum ClusterCommand {
    /// List clusters, newest complaint first.
    #[command(
        after_help = "Examples:\n  redress cluster list --min-cases 3\n  redress cluster list --defect PROPOSED --json"
    )]
    List {
        /// Site; all of the token's sites otherwise.
        #[arg(long)]
        site: Option<String>,
        /// Only clusters of at least so many cases.
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(i32).range(1..=1_000_000))]
        min_cases: i32,
        /// Only those whose general defect is PROPOSED, ACCEPTED or DISMISSED.
        #[arg(long, value_name = "STATE")]
        defect: Option<String>,
        /// Rows.
        #[command(flatten)]
        paging: Paging,
    },
    /// Show a cluster: its cases, why they joined, and what people did to it.
    #[command(after_help = "Example:\n  redress cluster show sites/lakeside/clusters/ID")]
    Show {
        /// The cluster, `sites/{site}/clusters/{cluster}`.
        name: String,
    },
    /// Move every case of a cluster into another of the same site.
    #[command(
        after_help = "Example:\n  redress cluster merge sites/lakeside/clusters/ENDS --into sites/lakeside/clusters/STAYS"
    )]
    Merge {
        /// The cluster that ends.
        source: String,
        /// The cluster that takes its cases.
        #[arg(long, value_name = "CLUSTER")]
        into: String,
    },
    /// Move cases of a cluster into a new one. No grade falls by it: lower ones are proposed.
    #[command(
        after_help = "Example:\n  redress cluster split sites/lakeside/clusters/ID --case sites/lakeside/cases/A --reason 'another lift'"
    )]
    Split {
        /// The cluster.
        name: String,
        /// A case that leaves it; may be given several times.
        #[arg(long = "case", required = true, value_name = "CASE")]
        cases: Vec<String>,
        /// Why; name nobody.
        #[arg(long)]
        reason: String,
    },
    /// Say that cases belong together, so that they are not split any more.
    #[command(
        after_help = "Examples:\n  redress cluster confirm sites/lakeside/clusters/ID\n  redress cluster confirm sites/lakeside/clusters/ID --case sites/lakeside/cases/A --withdraw"
    )]
    Confirm {
        /// The cluster.
        name: String,
        /// Only this case; may be given several times.
        #[arg(long = "case", value_name = "CASE")]
        cases: Vec<String>,
        /// Take it back.
        #[arg(long)]
        withdraw: bool,
    },
    /// Decide whether the other owners of the site are to be told of a defect of many homes.
    #[command(
        after_help = "Examples:\n  redress cluster defect sites/lakeside/clusters/ID --accept --reason 'the whole wall'\n  redress cluster defect sites/lakeside/clusters/ID --dismiss --reason 'one pipe'"
    )]
    Defect {
        /// The cluster.
        name: String,
        /// They are to be told.
        #[arg(long, required_unless_present = "dismiss", conflicts_with = "dismiss")]
        accept: bool,
        /// It is none.
        #[arg(long)]
        dismiss: bool,
        /// Why; name nobody.
        #[arg(long)]
        reason: String,
    },
}

/// Subcommands of `message`.
#[derive(Debug, Subcommand)]
pub(crate) enum MessageCommand {
    /// List messages, newest first.
    #[command(
        after_help = "Examples:\n  redress message list --site lakeside --limit 20\n  redress message list --state FAILED\n  redress message list --case LS-20261121-0001\n  redress message list --digest sites/lakeside/messages/ID --json"
    )]
    List {
        /// Site; all of the token's sites otherwise.
        #[arg(long)]
        site: Option<String>,
        /// Only messages about this case: its name or number.
        #[arg(long)]
        case: Option<String>,
        /// Only messages of this template, for example case.received.
        #[arg(long)]
        template: Option<String>,
        /// Only what this digest tells, `sites/{site}/messages/{message}`.
        #[arg(long)]
        digest: Option<String>,
        /// Only in this state, for example FAILED.
        #[arg(long)]
        state: Option<String>,
        /// Only what failed or was cancelled for this reason, for example HTTP_503.
        #[arg(long)]
        reason: Option<String>,
        /// Rows.
        #[command(flatten)]
        paging: Paging,
    },
    /// Show a message of the local outbox as it was sent.
    #[command(after_help = "Example:\n  redress message show sites/lakeside/messages/ID")]
    Show {
        /// The message, `sites/{site}/messages/{message}`.
        name: String,
    },
    /// Send what you write to the complainants of a case, after the wording check.
    #[command(
        after_help = "Examples:\n  redress message send LS-20261121-0001 --text '我们明天上午九点到现场检查。'\n  redress message send sites/lakeside/cases/ID --text '…' --override-wording 'a quotation that the customer asked for'"
    )]
    Send {
        /// The case, `sites/{site}/cases/{case}`, or its number.
        case: String,
        /// What to say; greeting, handler and number are added.
        #[arg(long)]
        text: String,
        /// Only to this complainant, by person token; may be given several times.
        #[arg(long = "to", value_name = "TOKEN")]
        person_tokens: Vec<String>,
        /// ORDINARY, APPOINTMENT, SAFETY_WARNING or LEGAL_REPLY: what never waits while an incident is open.
        #[arg(long, default_value = "ORDINARY")]
        purpose: String,
        /// Why it may say what the wording check finds.
        #[arg(long, value_name = "REASON", default_value = "")]
        override_wording: String,
    },
    /// List what waits for the spokesperson while an incident is open, newest first.
    #[command(
        after_help = "Examples:\n  redress message held --site lakeside\n  redress message held --decided --json"
    )]
    Held {
        /// Site; all of the token's sites otherwise.
        #[arg(long)]
        site: Option<String>,
        /// Only what this incident holds, `sites/{site}/incidents/{incident}`.
        #[arg(long)]
        incident: Option<String>,
        /// What was released or dropped, too.
        #[arg(long)]
        decided: bool,
        /// Rows.
        #[command(flatten)]
        paging: Paging,
    },
    /// Let a message go that waits for the spokesperson.
    #[command(
        after_help = "Example:\n  redress message release sites/lakeside/messages/ID --reason 'says what the statement says'"
    )]
    Release {
        /// The message, `sites/{site}/messages/{message}`.
        name: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Drop a message that waits for the spokesperson: it never goes.
    #[command(
        after_help = "Example:\n  redress message drop sites/lakeside/messages/ID --reason 'overtaken by the statement'"
    )]
    Drop {
        /// The message, `sites/{site}/messages/{message}`.
        name: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Queue a failed message anew, by every way again.
    #[command(after_help = "Example:\n  redress message retry sites/lakeside/messages/ID")]
    Retry {
        /// The message, `sites/{site}/messages/{message}`.
        name: String,
        /// Why it may say what the wording check found.
        #[arg(long, value_name = "REASON", default_value = "")]
        override_wording: String,
    },
    /// Queue all failed messages of a site anew, after a gateway was mended.
    #[command(
        after_help = "Examples:\n  redress message redrive --site lakeside\n  redress message redrive --site lakeside --reason HTTP_503 --template case.received"
    )]
    Redrive {
        /// Site.
        #[arg(long)]
        site: String,
        /// Only what failed for this reason.
        #[arg(long, default_value = "")]
        reason: String,
        /// Only of this template.
        #[arg(long, default_value = "")]
        template: String,
    },
    /// Acknowledge a call-out, a page about a broken promise, or a digest with everything in it.
    #[command(
        visible_alias = "ack",
        after_help = "Example:\n  redress message acknowledge sites/lakeside/messages/ID"
    )]
    Acknowledge {
        /// The message, `sites/{site}/messages/{message}`.
        name: String,
    },
}

/// Subcommands of `event`.
#[derive(Debug, Subcommand)]
pub(crate) enum EventCommand {
    /// List events that were parked after bounded retries.
    #[command(after_help = "Example:\n  redress event parked --service intake")]
    Parked {
        /// Only of this service.
        #[arg(long)]
        service: Option<ServiceArg>,
    },
    /// Put a parked event, and what waits behind it, back into delivery.
    #[command(
        after_help = "Example:\n  redress event redrive --service intake --subscriber triage EVENT_ID"
    )]
    Redrive {
        /// The service that sends it.
        #[arg(long)]
        service: ServiceArg,
        /// The subscriber that could not apply it.
        #[arg(long)]
        subscriber: String,
        /// Id of the event.
        event_id: String,
    },
}

/// A service, as an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ServiceArg {
    /// Takes complaints in.
    Intake,
    /// Grades them and watches the promises.
    Triage,
    /// Finds who is responsible.
    Assignment,
    /// Tells everybody concerned.
    Notification,
    /// Coordinates the response to grade 1.
    Crisis,
}

impl ServiceArg {
    pub(crate) const ALL: [Self; 5] = [
        Self::Intake,
        Self::Triage,
        Self::Assignment,
        Self::Notification,
        Self::Crisis,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Intake => "intake",
            Self::Triage => "triage",
            Self::Assignment => "assignment",
            Self::Notification => "notification",
            Self::Crisis => "crisis",
        }
    }
}

/// Arguments of `replay`.
#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// A corpus file: scenarios or messages, one JSON object a line.
    pub(crate) file: PathBuf,
    /// Ask for the decisions only; nothing is written. Rows with `expect` are judged.
    #[arg(long)]
    pub(crate) preview: bool,
    /// Site for messages; the demo's residential site otherwise.
    #[arg(long)]
    pub(crate) site: Option<String>,
    /// Give up on rows that have not settled after so long.
    #[arg(long, default_value = "10m", value_name = "TIME", value_parser = parse_span)]
    pub(crate) patience: std::time::Duration,
}

/// A site's id, with or without `sites/`.
fn parse_site(text: &str) -> Result<String, NameError> {
    let id = text.strip_prefix("sites/").unwrap_or(text);
    id.parse().map(|id: SiteId| id.to_string())
}

/// An organization's id, with or without `organizations/`.
fn parse_organization(text: &str) -> Result<String, NameError> {
    let id = text.strip_prefix("organizations/").unwrap_or(text);
    id.parse().map(|id: OrganizationId| id.to_string())
}

/// A person's name.
fn parse_staff(text: &str) -> Result<String, NameError> {
    text.parse().map(|name: StaffName| name.to_string())
}

/// An instant: whole, local, or so long from now.
pub(crate) fn parse_when(text: &str) -> Result<jiff::Timestamp, String> {
    crate::commands::clock::instant("when", text, crate::now::now())
        .map_err(|_| "must look like 2026-12-01T18:00, 2026-12-01T18:00:00Z, 8h or 3d".to_owned())
}

fn parse_span(text: &str) -> Result<std::time::Duration, String> {
    let span: jiff::SignedDuration = match text.strip_suffix('d') {
        Some(days) => days
            .parse::<i64>()
            .map(|d| jiff::SignedDuration::from_hours(d.saturating_mul(24)))
            .map_err(|e| e.to_string())?,
        None => text.parse().map_err(|e: jiff::Error| e.to_string())?,
    };
    std::time::Duration::try_from(span).map_err(|_| "must not be negative".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_argument_of_a_command_takes_the_place_of_one_that_every_command_has() {
        use clap::CommandFactory as _;
        fn walk(command: &clap::Command, global: &[String]) {
            for below in command.get_subcommands() {
                for arg in below.get_arguments().filter(|arg| !arg.is_global_set()) {
                    let id = arg.get_id().as_str();
                    assert!(
                        !global.iter().any(|g| g == id),
                        "{} {id} hides the one of all commands",
                        below.get_name()
                    );
                }
                walk(below, global);
            }
        }
        let all = Cli::command();
        let global = all.get_arguments().filter(|arg| arg.is_global_set());
        let global: Vec<String> = global.map(|arg| arg.get_id().to_string()).collect();
        assert!(global.contains(&"token".to_owned()));
        walk(&all, &global);
        // M12: an answer by phone is taken down by whoever the access token says.
        let line = "redress --token ACCESS survey answer sites/a/surveys/b --score 4";
        let parsed = Cli::try_parse_from(line.split(' ')).expect("a right line");
        assert_eq!(parsed.token.as_deref(), Some("ACCESS"));
        let line = "redress survey answer --link-token LINK --score 4 --token ACCESS";
        let parsed = Cli::try_parse_from(line.split(' ')).expect("a right line");
        assert_eq!(parsed.token.as_deref(), Some("ACCESS"));
    }

    #[test]
    fn the_commands_are_well_formed() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }

    #[test]
    fn spans_are_read_in_minutes_hours_and_days() {
        assert_eq!(parse_span("15m").map(|d| d.as_secs()), Ok(900));
        assert_eq!(parse_span("8h").map(|d| d.as_secs()), Ok(28_800));
        assert_eq!(parse_span("30d").map(|d| d.as_secs()), Ok(2_592_000));
        assert!(parse_span("soon").is_err());
        assert!(parse_span("-1h").is_err());
    }
}
