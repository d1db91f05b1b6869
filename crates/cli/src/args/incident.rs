//! What can be typed after `redress incident`.

use clap::Subcommand;

use super::Paging;
use crate::commands::aftermath::AftermathCommand;

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
        /// example `lakeside/I20261121-01`; the end of its id will do where a list shows no more.
        name: String,
    },
    /// Show what was told to whom in each stage, how old it is, how many that reached, and what is missing before the stage may end.
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
