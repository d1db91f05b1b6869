//! What can be typed: every command with its help and examples. The list of all commands stands here; what follows
//! one stands in a file of its family, here or beside the code that answers it.

mod case;
mod cluster;
mod directory;
mod incident;
mod message;
mod parse;
mod platform;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use textwrap::core::{Word, display_width};
use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm};

pub(crate) use self::case::{CaseCommand, CreateArgs};
pub(crate) use self::cluster::ClusterCommand;
pub(crate) use self::directory::{OrganizationCommand, RegionCommand, SiteArgs, SiteCommand};
pub(crate) use self::incident::IncidentCommand;
pub(crate) use self::message::MessageCommand;
pub(crate) use self::parse::{parse_count, parse_month, parse_month_text, parse_when, parse_yuan};
pub(crate) use self::platform::{
    EventCommand, JwksArgs, ReplayArgs, ServiceArg, TokenArgs, UpArgs,
};
use crate::commands::audit::AuditCommand;
use crate::commands::briefing::{BriefingCommand, CommitmentCommand};
use crate::commands::calendar::CalendarCommand;
use crate::commands::grade::GradeCommand;
use crate::commands::media::MediaCommand;
use crate::commands::policy::PolicyCommand;
use crate::commands::roster::{DepartmentCommand, RosterCommand, StaffCommand};
use crate::commands::signal::SignalCommand;
use crate::commands::statement::StatementCommand;
use crate::commands::work::WorkCommand;

/// The complaint and crisis platform for property developers.
#[derive(Debug, Parser)]
#[command(name = "redress", version, about, propagate_version = true, after_help = EXAMPLES)]
pub(crate) struct Cli {
    /// Data folder of the platform on this machine; REDRESS_HOME says another than `.redress`.
    // What clap reads from the environment counts as typed and would stand in the usage of every error.
    #[arg(
        long,
        global = true,
        default_value_os_t = crate::now::home_of_environment(),
        value_name = "FOLDER"
    )]
    pub(crate) home: PathBuf,

    /// Print one compact JSON object a line instead of tables.
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// Access token; by default that of REDRESS_TOKEN, else the one that `redress up` left in the data folder.
    #[arg(long, global = true, value_name = "JWT")]
    pub(crate) token: Option<String>,

    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  redress up                                   start the platform here and stay
  redress replay tests/corpus/scenarios.jsonl  feed it, see what it decides
  redress case list --grade 1                  what is grave now
  redress clock list --state BREACHED          which promises were broken
  redress incident list --json | jq .          for scripts

Times are those of this machine's zone (TZ); what shows those of a site
(rosters, calendars, `clock explain`) names its zone. --json has them in UTC.";

/// How wide help is at most, in columns.
const HELP_COLUMNS: usize = 80;

/// How a shell is told that a line goes on.
const GOES_ON: &str = " \\";

/// What stands before the rest of a line that goes on.
const INDENT: &str = "      ";

/// All commands, with help that stands in [`HELP_COLUMNS`] and examples that can be copied all the same. What looks like a
/// negative number is one everywhere, so that whoever types one hears what the option takes.
pub(crate) fn command() -> clap::Command {
    folded(<Cli as clap::CommandFactory>::command().max_term_width(HELP_COLUMNS))
}

fn folded(command: clap::Command) -> clap::Command {
    let examples = command.get_after_help().map(ToString::to_string);
    let command = match examples {
        Some(text) => command.after_help(in_columns(&text)),
        None => command,
    };
    let command = command.mut_args(|arg| {
        let takes_value = arg.get_action().takes_values();
        arg.allow_negative_numbers(takes_value)
    });
    command.mut_subcommands(folded)
}

/// Examples whose long lines go on in the next one, as a shell reads them. Other lines are wrapped where they are shown.
fn in_columns(text: &str) -> String {
    let lines = text.split('\n').map(|line| {
        if line.starts_with("  redress ") && display_width(line) > HELP_COLUMNS {
            continued(line)
        } else {
            line.to_owned()
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn continued(line: &str) -> String {
    let options = Options::new(HELP_COLUMNS - GOES_ON.len())
        .subsequent_indent(INDENT)
        .break_words(false)
        .word_separator(WordSeparator::Custom(arguments))
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::FirstFit);
    let separator = format!("{GOES_ON}\n");
    textwrap::wrap(line, options).join(separator.as_str())
}

/// The words of a command as a shell takes them apart.
fn arguments(line: &str) -> Box<dyn Iterator<Item = Word<'_>> + '_> {
    crate::failure::words_quoted_by(line, '\'')
}

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
    /// Print the public keys of the platform's issuer as a JWKS.
    ///
    /// Services read it from platform.jwks_file while keys are exchanged, `redress statement verify` and `redress incident
    /// verify` from --jwks. Nothing private is printed.
    #[command(
        after_help = "Examples:\n  redress jwks > platform-jwks.json\n  redress jwks --key old.pem --key new.pem > jwks.json"
    )]
    Jwks(JwksArgs),
    /// Organizations: whom regions and their sites belong to.
    #[command(subcommand)]
    Organization(OrganizationCommand),
    /// Regions of organizations.
    #[command(subcommand)]
    Region(RegionCommand),
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
    /// Whether the platform runs as it should, on one screen; ends with 1 when it does not.
    ///
    /// Promises to customers that people broke are counted as well and do not change how it ends: `redress clock list
    /// --state BREACHED` names them.
    #[command(
        after_help = "Examples:\n  redress status\n  redress status --json | jq .troubles\n  watch -c -n 15 redress status"
    )]
    Status,
    /// Events that could not be delivered.
    #[command(subcommand)]
    Event(EventCommand),
    /// Verify that what was written stands as it was written; list who opened what is sealed.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Print the completions of a shell.
    #[command(after_help = "Example:\n  redress completions bash > /etc/bash_completion.d/redress")]
    Completions {
        /// The shell.
        shell: Shell,
    },
}

/// How many rows to print.
#[derive(Debug, Args, Clone, Copy)]
pub(crate) struct Paging {
    /// Print at most so many rows, at least 1; all pages are fetched otherwise.
    #[arg(long, value_name = "N", value_parser = parse::parse_limit)]
    pub(crate) limit: Option<usize>,
}

/// Whose, where the site alone says it: an argument, or an option as of other commands.
#[derive(Debug, Args, Clone)]
#[group(skip)]
pub(crate) struct OfSite {
    /// The site.
    #[arg(value_name = "SITE", value_parser = self::parse::parse_site, required_unless_present = "named_site", conflicts_with = "named_site")]
    site: Option<String>,
    /// The site, as other commands take it.
    #[arg(id = "named_site", long = "site", value_name = "SITE", value_parser = self::parse::parse_site)]
    named: Option<String>,
}

impl OfSite {
    /// Its id.
    pub(crate) fn id(self) -> String {
        self.site.or(self.named).unwrap_or_default()
    }
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
    fn an_error_shows_no_option_in_its_usage_that_was_not_typed() {
        use clap::CommandFactory as _;
        let all = Cli::command();
        let mut global = all.get_arguments().filter(|arg| arg.is_global_set());
        assert!(global.all(|arg| arg.get_env().is_none()));
        let wrong = ["redress", "grade", "lower", "LS-1", "--to", "3"];
        let said = Cli::try_parse_from(wrong)
            .expect_err("no reason")
            .to_string();
        assert!(said.contains("--reason <REASON>"), "{said}");
        assert!(!said.contains("--home"), "{said}");
    }

    #[test]
    fn a_negative_number_is_told_what_the_option_takes() {
        fn walk(command: &clap::Command) {
            for arg in command.get_arguments() {
                let reads = arg.is_allow_negative_numbers_set();
                assert_eq!(reads, arg.get_action().takes_values(), "{arg}");
            }
            command.get_subcommands().for_each(walk);
        }
        walk(&command());
        for (line, told) in [
            ("case list --limit -5", "at least 1"),
            ("report causes --months -5", "2..=24"),
        ] {
            let typed = ["redress"].into_iter().chain(line.split(' '));
            let said = command().try_get_matches_from(typed).expect_err("wrong");
            let said = said.to_string();
            assert!(said.contains(told), "{said}");
            assert!(!said.contains("unexpected argument"), "{said}");
        }
    }

    #[test]
    fn a_site_that_says_it_all_is_typed_with_its_option_or_without() {
        let read = |line: &str| {
            let typed = ["redress"].into_iter().chain(line.split(' '));
            Cli::try_parse_from(typed).map_err(|e| e.to_string())
        };
        for command in ["statement feed", "statement verify", "solution limits"] {
            for right in ["lake", "sites/lake", "--site lake", "--site sites/lake"] {
                let cli = read(&format!("{command} {right}")).expect("right");
                let of = match cli.command {
                    Command::Statement(StatementCommand::Feed { of }) => of,
                    Command::Statement(StatementCommand::Verify { of, .. }) => of,
                    Command::Solution(crate::commands::solution::SolutionCommand::Limits {
                        of,
                        ..
                    }) => of,
                    other => panic!("{other:?}"),
                };
                assert_eq!(of.id(), "lake");
            }
            assert!(read(command).is_err(), "{command}");
            assert!(read(&format!("{command} lake --site lake")).is_err());
        }
    }

    #[test]
    fn standing_down_takes_a_look_or_a_reason_and_says_so() {
        let read = |how: &[&str]| {
            let typed = ["redress", "incident", "stand-down", "lake/I1"];
            Cli::try_parse_from(typed.iter().chain(how))
                .map(|_| ())
                .map_err(|e| e.to_string())
        };
        let said = read(&[]).expect_err("neither");
        assert!(said.contains("--check"), "{said}");
        assert!(said.contains("--reason"), "{said}");
        assert_eq!(read(&["--check"]), Ok(()));
        assert_eq!(read(&["--reason", "calm"]), Ok(()));
        assert!(read(&["--check", "--reason", "calm"]).is_err());
    }

    #[test]
    fn a_deputy_is_appointed_until_a_time_or_revoked() {
        let read = |how: &[&str]| {
            let role = ["--role", "SPOKESPERSON", "--staff", "zhao", "--reason", "a"];
            let typed = ["redress", "incident", "deputy", "lake/I1"].iter();
            Cli::try_parse_from(typed.chain(&role).chain(how))
                .map(|_| ())
                .map_err(|e| e.to_string())
        };
        let said = read(&[]).expect_err("neither");
        assert!(said.contains("--until"), "{said}");
        assert_eq!(read(&["--until", "8h"]), Ok(()));
        assert_eq!(read(&["--revoke"]), Ok(()));
        assert!(read(&["--until", "8h", "--revoke"]).is_err());
    }

    #[test]
    fn a_grade_is_lowered_to_2_to_4_and_raised_to_1_to_3() {
        let is_right = |how: &str, to: &str| {
            let typed = ["redress", "grade", how, "LS-1", "--to", to, "--reason", "a"];
            Cli::try_parse_from(typed).is_ok()
        };
        let right = |how| ["0", "1", "2", "3", "4", "5"].map(|to| is_right(how, to));
        assert_eq!(right("lower"), [false, false, true, true, true, false]);
        assert_eq!(right("raise"), [false, true, true, true, false, false]);
    }

    #[test]
    fn help_stands_in_eighty_columns_and_its_examples_can_be_copied() {
        use clap::CommandFactory as _;
        fn examples(command: &clap::Command) -> String {
            let text = command.get_after_help().map(ToString::to_string);
            text.unwrap_or_default()
        }
        fn walk(folded: &clap::Command, whole: &clap::Command) {
            let shown = examples(folded);
            let mut goes_on = false;
            for line in shown.lines() {
                if goes_on || line.starts_with("  redress ") {
                    assert!(display_width(line) <= HELP_COLUMNS, "{line}");
                }
                goes_on = line.ends_with(GOES_ON);
            }
            let joined = shown.replace(&format!("{GOES_ON}\n{INDENT}"), " ");
            assert_eq!(joined, examples(whole));
            for (folded, whole) in folded.get_subcommands().zip(whole.get_subcommands()) {
                walk(folded, whole);
            }
        }
        walk(&command(), &Cli::command());
        let quoted = format!("'{}'", "d ".repeat(32));
        assert_eq!(
            continued(&format!("  redress a --b {quoted} --c")),
            format!("  redress a --b \\\n      {quoted} --c")
        );
        let mut all = command();
        all.build();
        let create = all
            .find_subcommand_mut("case")
            .and_then(|case| case.find_subcommand_mut("create"))
            .expect("a command");
        let help = create.render_help().to_string();
        for line in help.lines().filter(|line| !line.starts_with("Usage:")) {
            assert!(display_width(line) <= HELP_COLUMNS, "{line}");
        }
    }

    #[test]
    fn an_option_whose_empty_value_clears_says_so() {
        use clap::CommandFactory as _;
        let all = Cli::command();
        let update = all
            .find_subcommand("case")
            .and_then(|case| case.find_subcommand("update"))
            .expect("a command");
        for (option, clears) in [
            ("building", "'' clears it"),
            ("unit", "'' clears it"),
            ("headcount", "0 clears it"),
        ] {
            let mut options = update.get_arguments();
            let arg = options.find(|arg| arg.get_id() == option);
            let help = arg.and_then(clap::Arg::get_help).map(ToString::to_string);
            let help = help.expect("an option with help");
            assert!(help.contains(clears), "{option}: {help}");
        }
    }

    #[test]
    fn the_commands_are_well_formed() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }
}
