//! `redress`: the whole platform on one machine by one command, and everything that an operator
//! asks of it.

use std::process::ExitCode;

use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _};

use crate::args::{Cli, Command};
use crate::connect::{Home, Platform};
use crate::failure::Failure;
use crate::output::Output;
use crate::paint::Paint as _;

mod args;
mod commands;
mod connect;
mod corpus;
mod drill;
mod failure;
mod json;
mod layout;
mod now;
mod output;
mod paint;
mod replay;
mod up;

fn main() -> ExitCode {
    now::follow_home();
    // Nothing else in this process sets one.
    let _ = miette::set_hook(Box::new(|_| Box::new(failure::drawn().build())));
    let matches = args::command().get_matches();
    let options = options(&Cli::command(), &matches);
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    let is_json = cli.json;
    match run(cli) {
        Ok(()) => {
            // Beside the answer and not in it: whatever reads tables reads on.
            if let Some(zone) = output::zone_told().filter(|_| !is_json) {
                anstream::eprintln!("{}", paint::shown(&zone.dimmed().to_string()));
            }
            ExitCode::SUCCESS
        }
        Err(failure) => {
            // Whoever reads JSON reads the contract's names in it, too.
            let failure = match is_json {
                true => failure,
                false => failure.in_options(&options),
            };
            anstream::eprintln!("{:?}", miette::Report::new(failure));
            ExitCode::FAILURE
        }
    }
}

/// The arguments of the command that was typed.
fn options(command: &clap::Command, matches: &ArgMatches) -> Vec<String> {
    match matches.subcommand() {
        Some((name, below)) => command
            .find_subcommand(name)
            .map(|command| options(command, below))
            .unwrap_or_default(),
        None => command
            .get_arguments()
            .map(|arg| match arg.get_long() {
                Some(name) => failure::typed(name, false),
                None => failure::typed(arg.get_id().as_str(), true),
            })
            .collect(),
    }
}

fn run(cli: Cli) -> Result<(), Failure> {
    let home = Home::new(&cli.home);
    let out = Output { json: cli.json };
    let token = cli.token.or_else(|| std::env::var("REDRESS_TOKEN").ok());
    let platform = || Platform::find(&home, token.as_deref());
    let wait = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|e| Failure::platform("the runtime does not start", e))?;
    wait.block_on(async {
        match cli.command {
            Command::Up(args) => up::run(&home, &args, out).await,
            Command::Stop => commands::stop::run(&home, out).await,
            Command::Drill(command) => drill::run(&home, command, out).await,
            Command::Doctor => commands::doctor::run(out),
            Command::Token(args) => commands::token::run(&home, &args, out),
            Command::Jwks(args) => commands::jwks::run(&home, &args, out),
            Command::Organization(command) => {
                commands::organization::run(&platform()?, command, out).await
            }
            Command::Region(command) => {
                commands::organization::run_region(&platform()?, command, out).await
            }
            Command::Site(command) => commands::site::run(&platform()?, command, out).await,
            Command::Case(command) => commands::case::run(&platform()?, command, out).await,
            Command::Grade(command) => commands::grade::run(&platform()?, command, out).await,
            Command::Signal(command) => commands::signal::run(&platform()?, command, out).await,
            Command::Audit(command) => commands::audit::run(&platform()?, command, out).await,
            Command::Media(command) => commands::media::run(&platform()?, command, out).await,
            Command::Statement(command) => {
                commands::statement::run(&home, &platform()?, command, out).await
            }
            Command::Briefing(command) => commands::briefing::run(&platform()?, command, out).await,
            Command::Commitment(command) => {
                commands::briefing::run_commitment(&platform()?, command, out).await
            }
            Command::Incident(command) => {
                commands::incident::run(&home, platform, command, out).await
            }
            Command::Cluster(command) => commands::cluster::run(&platform()?, command, out).await,
            Command::Clock(command) => commands::clock::run(&platform()?, command, out).await,
            Command::Calendar(command) => commands::calendar::run(&platform()?, command, out).await,
            Command::Playbook(command) => commands::playbook::run(platform, command, out).await,
            Command::Policy(command) => commands::policy::run(platform, command, out).await,
            Command::Work(command) => commands::work::run(&platform()?, command, out).await,
            Command::Roster(command) => commands::roster::run(&platform()?, command, out).await,
            Command::Staff(command) => {
                commands::roster::run_staff(&platform()?, command, out).await
            }
            Command::Department(command) => {
                commands::roster::run_department(&platform()?, command, out).await
            }
            Command::Solution(command) => commands::solution::run(&platform()?, command, out).await,
            Command::Warranty(command) => commands::warranty::run(&platform()?, command, out).await,
            Command::Contractor(command) => {
                commands::contractor::run(&platform()?, command, out).await
            }
            Command::Transfer(command) => commands::transfer::run(&platform()?, command, out).await,
            Command::Dispute(command) => commands::dispute::run(&platform()?, command, out).await,
            Command::Settlement(command) => {
                commands::settlement::run(&platform()?, command, out).await
            }
            Command::Library(command) => commands::library::run(&platform()?, command, out).await,
            Command::Register(command) => commands::register::run(&platform()?, command, out).await,
            Command::Report(command) => commands::report::run(&platform()?, command, out).await,
            Command::Ledger(command) => commands::ledger::run(&platform()?, command, out).await,
            Command::Action(command) => {
                commands::ledger::run_action(&platform()?, command, out).await
            }
            Command::Message(command) => commands::message::run(&platform()?, command, out).await,
            Command::Template(command) => commands::template::run(&platform()?, command, out).await,
            Command::Wording(command) => commands::wording::run(&platform()?, command, out).await,
            Command::Task(command) => commands::task::run(&platform()?, command, out).await,
            Command::Survey(command) => commands::survey::run(&platform()?, command, out).await,
            Command::Notice(command) => commands::notice::run(&platform()?, command, out).await,
            Command::Delivery(command) => commands::delivery::run(&platform()?, command, out).await,
            Command::Preference(command) => {
                commands::delivery::run_preference(&platform()?, command, out).await
            }
            Command::Status => commands::status::run(&platform()?, out).await,
            Command::Event(command) => commands::event::run(&platform()?, command, out).await,
            Command::Replay(args) => replay::run(&platform()?, &args, out).await,
            Command::Completions { shell } => {
                let mut script = Vec::new();
                clap_complete::generate(shell, &mut Cli::command(), "redress", &mut script);
                output::whole(&mut std::io::stdout().lock(), &script)
            }
        }
    })
}
