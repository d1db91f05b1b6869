//! What can be typed after `redress work`.

use clap::{Args, Subcommand};

use super::handling::HandlingCommand;
use super::powers::PowerCommand;
use crate::args::Paging;

/// Subcommands of `work`.
#[derive(Debug, Subcommand)]
pub(crate) enum WorkCommand {
    /// List work, newest first.
    #[command(
        after_help = "Examples:\n  redress work list --site lakeside --status INVESTIGATING\n  redress work list --site lakeside --responsible engineer-1\n  redress work list --offered engineer-2 --site lakeside --json"
    )]
    List {
        /// Site; all of the token's sites otherwise.
        #[arg(long)]
        site: Option<String>,
        /// Only in this status; may be given several times.
        #[arg(long = "status", value_name = "STATUS")]
        statuses: Vec<String>,
        /// Only what this person is responsible for, by id or name.
        #[arg(long, requires = "site", value_name = "STAFF")]
        responsible: Option<String>,
        /// Only what is offered to this person, by id or name.
        #[arg(long, requires = "site", value_name = "STAFF")]
        offered: Option<String>,
        /// Only of this department.
        #[arg(long, requires = "site")]
        department: Option<String>,
        /// Rows.
        #[command(flatten)]
        paging: Paging,
    },
    /// Show the work on a case: who, why, who helps, who was summoned, and its history.
    #[command(
        after_help = "Examples:\n  redress work show LS-20261121-0001\n  redress work show sites/lakeside/work/ID --json"
    )]
    Show {
        /// The case's number, or the name of the case or its work.
        name: String,
    },
    /// List what is promised and not done yet, what is due first at the head.
    #[command(
        after_help = "Examples:\n  redress work promises --site lakeside\n  redress work promises --site lakeside --staff engineer-1 --json"
    )]
    Promises {
        /// Site; all of the token's sites otherwise.
        #[arg(long)]
        site: Option<String>,
        /// Only what this person owes, by id or name.
        #[arg(long, requires = "site")]
        staff: Option<String>,
        /// Rows.
        #[command(flatten)]
        paging: Paging,
    },
    /// Accept what is offered or handed over.
    #[command(after_help = "Example:\n  redress work accept sites/lakeside/work/ID")]
    Accept {
        /// The case's number, or the name of the case or its work.
        name: String,
    },
    /// Decline what is offered or handed over.
    #[command(
        after_help = "Example:\n  redress work decline sites/lakeside/work/ID --reason 'needs a scaffold crew'"
    )]
    Decline {
        /// The case's number, or the name of the case or its work.
        name: String,
        /// Why; name nobody.
        #[arg(long)]
        reason: String,
    },
    /// Offer a case in hand to somebody else; the giver keeps it until that person accepts.
    #[command(
        after_help = "Examples:\n  redress work handover sites/lakeside/work/ID --to engineer-2 --note 'parts arrive on Friday'\n  redress work handover --shift --site lakeside --from engineer-1 --to engineer-2"
    )]
    Handover(HandoverArgs),
    /// Receive a case whose complainant went over the office's head; it goes back by `handover --consent` alone.
    #[command(
        after_help = "Examples:\n  redress work past-office LS-20261121-0001\n  redress work past-office LS-20261121-0001 --staff centre-1"
    )]
    PastOffice {
        /// The case's number, or the name of the case or its work.
        name: String,
        /// Who of the region or the head office received it, by id or name; oneself otherwise.
        #[arg(long)]
        staff: Option<String>,
    },
    /// Help of other departments.
    #[command(subcommand)]
    Support(SupportCommand),
    /// Who has to appear because of group complaints.
    #[command(subcommand)]
    Summons(SummonsCommand),
    /// What handlers do on a case in hand.
    #[command(flatten)]
    Handling(HandlingCommand),
    /// Powers of whoever supervises.
    #[command(flatten)]
    Powers(PowerCommand),
}

/// Arguments of `work handover`.
#[derive(Debug, Args)]
pub(crate) struct HandoverArgs {
    /// The case's number, or the name of the case or its work.
    #[arg(required_unless_present = "shift")]
    pub(crate) name: Option<String>,
    /// Who is to take it, by id or name.
    #[arg(long, value_name = "STAFF")]
    pub(crate) to: String,
    /// What the receiver needs to know first; name nobody.
    #[arg(long, default_value = "")]
    pub(crate) note: String,
    /// How the complainant was asked, for example HOTLINE, who went past the office and consents to go back to it.
    #[arg(long, value_name = "CHANNEL", conflicts_with = "shift")]
    pub(crate) consent: Option<String>,
    /// How long the offer stands, in minutes.
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..=43_200))]
    pub(crate) minutes: u32,
    /// Everything that somebody has in hand, at a change of shifts; what stays is named: what is only offered to who goes, and
    /// promises outside these cases, too.
    #[arg(long, requires_all = ["site", "from"], conflicts_with = "name")]
    pub(crate) shift: bool,
    /// Site of the change of shifts.
    #[arg(long)]
    pub(crate) site: Option<String>,
    /// Who goes, by id or name.
    #[arg(long, value_name = "STAFF")]
    pub(crate) from: Option<String>,
}

/// Subcommands of `work support`.
#[derive(Debug, Subcommand)]
pub(crate) enum SupportCommand {
    /// Ask a department to help.
    #[command(
        after_help = "Example:\n  redress work support ask sites/lakeside/work/ID --department design --task 'check the slope of the roof'"
    )]
    Ask {
        /// The case's number, or the name of the case or its work.
        name: String,
        /// Which department.
        #[arg(long)]
        department: String,
        /// Who, by id or name; the least loaded one at work otherwise.
        #[arg(long)]
        staff: Option<String>,
        /// What is needed; name nobody.
        #[arg(long)]
        task: String,
        /// How long the department has, in hours.
        #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=720))]
        hours: u32,
    },
    /// List the help on a case.
    #[command(after_help = "Example:\n  redress work support list sites/lakeside/work/ID")]
    List {
        /// The case's number, or the name of the case or its work.
        name: String,
    },
    /// Say that the help was given.
    #[command(after_help = "Example:\n  redress work support done sites/lakeside/supports/ID")]
    Done {
        /// The help, `sites/{site}/supports/{support}`.
        name: String,
    },
    /// Say that the help is not needed any more.
    #[command(after_help = "Example:\n  redress work support withdraw sites/lakeside/supports/ID")]
    Withdraw {
        /// The help, `sites/{site}/supports/{support}`.
        name: String,
    },
}

/// Subcommands of `work summons`.
#[derive(Debug, Subcommand)]
pub(crate) enum SummonsCommand {
    /// List who was summoned, newest first.
    #[command(after_help = "Example:\n  redress work summons list --site lakeside --open")]
    List {
        /// Site.
        #[arg(long)]
        site: String,
        /// Only those that nobody acknowledged.
        #[arg(long)]
        open: bool,
        /// Rows.
        #[command(flatten)]
        paging: Paging,
    },
    /// Say that the summoned person knows.
    #[command(after_help = "Example:\n  redress work summons ack sites/lakeside/summonses/ID")]
    Ack {
        /// The summons, `sites/{site}/summonses/{summons}`.
        name: String,
    },
}
