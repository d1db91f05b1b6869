//! `redress clock`: the promises on cases, what their time was spent on, and what a person does to them.

mod act;
mod args;
mod explain;
mod late;
mod list;

pub(crate) use act::instant;
pub(crate) use args::ClockCommand;

use crate::connect::Platform;
use crate::failure::Failure;
use crate::output::Output;

/// Runs a subcommand.
pub(crate) async fn run(
    platform: &Platform,
    command: ClockCommand,
    out: Output,
) -> Result<(), Failure> {
    match command {
        ClockCommand::List {
            site,
            case,
            state,
            kind,
            law,
            paging,
        } => list::run(platform, (site, case, state, kind, law), paging, out).await,
        ClockCommand::Late {
            site,
            min_lag,
            cause,
            paging,
        } => late::run(platform, site.as_deref(), (min_lag, cause), paging, out).await,
        ClockCommand::Explain(target) => explain::run(platform, &target, out).await,
        ClockCommand::Hold {
            case,
            reason,
            until,
            note,
        } => act::hold(platform, (&case, &reason), &until, note, out).await,
        ClockCommand::Resume { case, reason } => act::resume(platform, &case, &reason, out).await,
        ClockCommand::Holds { case } => act::holds(platform, &case, out).await,
        ClockCommand::Start(start) => act::start(platform, start, out).await,
        ClockCommand::Extend {
            target,
            due,
            reason,
        } => act::extend(platform, &target, &due, reason, out).await,
        ClockCommand::Meet { target } => act::meet(platform, &target, out).await,
        ClockCommand::Cancel { target, reason } => {
            act::cancel(platform, &target, reason, out).await
        }
    }
}
