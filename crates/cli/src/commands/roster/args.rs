//! What can be typed after `redress roster`, `redress staff` and `redress department`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::civil::Date;

use crate::args::Paging;

/// Subcommands of `roster`.
#[derive(Debug, Subcommand)]
pub(crate) enum RosterCommand {
    /// Draw a week: who has which duty when, deputies in brackets, ▲ where nobody has.
    #[command(
        after_help = "Examples:\n  redress roster show --site lakeside\n  redress roster show --site lakeside --from 2026-10-26 --days 14\n  redress roster show --site lakeside --json"
    )]
    Show {
        /// Site.
        #[arg(long)]
        site: String,
        /// First day; Monday of this week otherwise.
        #[arg(long, value_name = "DATE")]
        from: Option<Date>,
        /// How many days.
        #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u8).range(1..=31))]
        days: u8,
    },
    /// Say who is on duty at an instant.
    #[command(
        after_help = "Examples:\n  redress roster who --site lakeside\n  redress roster who --site lakeside --at 2026-10-01T03:00\n  redress roster who --site lakeside --role DUTY_LEAD --json"
    )]
    Who {
        /// Site.
        #[arg(long)]
        site: String,
        /// When, in the site's zone or with an offset; now otherwise.
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
        /// Only this duty, for example DUTY_LEAD.
        #[arg(long, value_name = "DUTY")]
        role: Option<String>,
    },
    /// Replace the fixed duties of some days by those of a file: CSV or iCalendar.
    ///
    /// Says what it would do; with --apply does it. The whole file or nothing: every wrong line is named with
    /// its number and field. A CSV file begins with `role,staff,start,end,rank`; in an iCalendar file SUMMARY names
    /// the person, CATEGORIES the duty and X-REDRESS-RANK the rank; daily and weekly repetitions (RRULE) that end are
    /// understood.
    #[command(
        after_help = "Examples:\n  redress roster import --site lakeside october.csv\n  redress roster import --site lakeside october.csv --from 2026-10-01 --to 2026-10-31 --apply\n  redress roster import --site lakeside leads.ics --apply"
    )]
    Import {
        /// The file; by its name a .csv or an .ics.
        file: PathBuf,
        /// Site.
        #[arg(long)]
        site: String,
        /// First day whose duties are replaced; the first of the file otherwise.
        #[arg(long, value_name = "DATE")]
        from: Option<Date>,
        /// Last day whose duties are replaced; the last of the file otherwise.
        #[arg(long, value_name = "DATE")]
        to: Option<Date>,
        /// Do it.
        #[arg(long)]
        apply: bool,
    },
    /// Shifts and rotations.
    #[command(subcommand)]
    Plan(PlanCommand),
    /// What routing demands: skills of categories, and who has which position.
    #[command(subcommand)]
    Rules(RulesCommand),
    /// Leave: who has no duty for some time.
    #[command(subcommand)]
    Leave(LeaveCommand),
    /// Let one person take what another is planned for.
    #[command(
        after_help = "Examples:\n  redress roster swap li-na wang-wei --site lakeside --from 2026-10-01 --until 2026-10-03\n  redress roster swap li-na wang-wei --site lakeside --from 2026-10-01T20:00 --until 2026-10-02T08:00 --both"
    )]
    Swap(SwapArgs),
    /// List or take back swaps.
    #[command(subcommand)]
    Swaps(SwapsCommand),
}

/// Arguments of `roster swap`.
#[derive(Debug, Args)]
pub(crate) struct SwapArgs {
    /// Who is planned.
    pub(crate) staff: String,
    /// Who comes.
    pub(crate) substitute: String,
    /// Site.
    #[arg(long)]
    pub(crate) site: String,
    /// From when on, in the site's zone.
    #[arg(long, value_name = "TIME")]
    pub(crate) from: String,
    /// Until before when.
    #[arg(long, value_name = "TIME")]
    pub(crate) until: String,
    /// Only this duty.
    #[arg(long, value_name = "DUTY")]
    pub(crate) role: Option<String>,
    /// The other way round too: both take what the other is planned for.
    #[arg(long)]
    pub(crate) both: bool,
}

/// Subcommands of `roster plan`.
#[derive(Debug, Subcommand)]
pub(crate) enum PlanCommand {
    /// Show the shifts and rotations.
    #[command(
        after_help = "Examples:\n  redress roster plan show --site lakeside\n  redress roster plan show --site lakeside --json > plan.json"
    )]
    Show {
        /// Site.
        #[arg(long)]
        site: String,
    },
    /// Replace the shifts and rotations by those of a file, written as `plan show --json` prints them.
    #[command(after_help = "Example:\n  redress roster plan set --site lakeside plan.json")]
    Set {
        /// The file.
        file: PathBuf,
        /// Site.
        #[arg(long)]
        site: String,
    },
}

/// Subcommands of `roster rules`.
#[derive(Debug, Subcommand)]
pub(crate) enum RulesCommand {
    /// Show the skills and positions.
    #[command(
        after_help = "Example:\n  redress roster rules show --site lakeside --json > rules.json"
    )]
    Show {
        /// Site.
        #[arg(long)]
        site: String,
    },
    /// Replace the skills and positions by those of a file, written as `rules show --json` prints them.
    #[command(after_help = "Example:\n  redress roster rules set --site lakeside rules.json")]
    Set {
        /// The file.
        file: PathBuf,
        /// Site.
        #[arg(long)]
        site: String,
    },
}

/// Subcommands of `roster leave`.
#[derive(Debug, Subcommand)]
pub(crate) enum LeaveCommand {
    /// Add leave.
    #[command(
        after_help = "Example:\n  redress roster leave add li-na --site lakeside --from 2026-10-01 --until 2026-10-08"
    )]
    Add {
        /// Who.
        staff: String,
        /// Site.
        #[arg(long)]
        site: String,
        /// From when on, in the site's zone; a date means its midnight.
        #[arg(long, value_name = "TIME")]
        from: String,
        /// Until before when.
        #[arg(long, value_name = "TIME")]
        until: String,
    },
    /// List leave that is not over.
    #[command(after_help = "Example:\n  redress roster leave list --site lakeside")]
    List {
        /// Site.
        #[arg(long)]
        site: String,
        /// Only of this person.
        #[arg(long)]
        staff: Option<String>,
        /// Past leave too.
        #[arg(long)]
        all: bool,
        /// Rows.
        #[command(flatten)]
        paging: Paging,
    },
    /// Remove leave.
    #[command(after_help = "Example:\n  redress roster leave remove sites/lakeside/leaves/ID")]
    Remove {
        /// The leave, `sites/{site}/leaves/{leave}`.
        name: String,
    },
}

/// Subcommands of `roster swaps`.
#[derive(Debug, Subcommand)]
pub(crate) enum SwapsCommand {
    /// List swaps that are not over.
    #[command(after_help = "Example:\n  redress roster swaps list --site lakeside")]
    List {
        /// Site.
        #[arg(long)]
        site: String,
        /// Rows.
        #[command(flatten)]
        paging: Paging,
    },
    /// Take a swap back.
    #[command(after_help = "Example:\n  redress roster swaps remove sites/lakeside/swaps/ID")]
    Remove {
        /// The swap, `sites/{site}/swaps/{swap}`.
        name: String,
    },
}

/// Subcommands of `staff`.
#[derive(Debug, Subcommand)]
pub(crate) enum StaffCommand {
    /// List people with what they can do and have on their hands.
    #[command(
        after_help = "Examples:\n  redress staff list --site lakeside\n  redress staff list --site lakeside --department repair --json"
    )]
    List {
        /// Site; all of the token's sites otherwise.
        #[arg(long)]
        site: Option<String>,
        /// Only of this department; needs --site.
        #[arg(long, requires = "site")]
        department: Option<String>,
        /// People who left too.
        #[arg(long)]
        retired: bool,
        /// Rows.
        #[command(flatten)]
        paging: Paging,
    },
    /// Lend a person to another department until an end.
    #[command(
        after_help = "Example:\n  redress staff borrow engineer-1 --department repair --site lakeside --until 2026-10-08"
    )]
    Borrow {
        /// Who.
        staff: String,
        /// Which department borrows.
        #[arg(long)]
        department: String,
        /// Site.
        #[arg(long)]
        site: String,
        /// From when on, in the site's zone; now otherwise.
        #[arg(long, value_name = "TIME")]
        from: Option<String>,
        /// Until before when.
        #[arg(long, value_name = "TIME")]
        until: String,
    },
    /// List who is or was lent to whom.
    #[command(after_help = "Example:\n  redress staff loans --site lakeside")]
    Loans {
        /// Site.
        #[arg(long)]
        site: String,
        /// Rows.
        #[command(flatten)]
        paging: Paging,
    },
    /// End a loan now.
    #[command(after_help = "Example:\n  redress staff return sites/lakeside/loans/ID")]
    Return {
        /// The loan, `sites/{site}/loans/{loan}`.
        name: String,
    },
}

/// Subcommands of `department`.
#[derive(Debug, Subcommand)]
pub(crate) enum DepartmentCommand {
    /// List departments with the categories they take.
    #[command(after_help = "Example:\n  redress department list --site lakeside")]
    List {
        /// Site; all of the token's sites otherwise.
        #[arg(long)]
        site: Option<String>,
        /// Rows.
        #[command(flatten)]
        paging: Paging,
    },
    /// Change what a department is called: to everybody, or to those who read English.
    #[command(
        after_help = "Examples:\n  redress department rename repair --site lakeside --english 'Repairs'\n  redress department rename repair --site lakeside --to 维修部\n  redress department rename repair --site lakeside --english ''"
    )]
    Rename {
        /// The department, by its id or `sites/{site}/departments/{department}`.
        department: String,
        /// Site, where the department is given by its id.
        #[arg(long)]
        site: Option<String>,
        /// The new name.
        #[arg(long, value_name = "NAME", required_unless_present = "english")]
        to: Option<String>,
        /// The new name for who reads English; '' leaves only the other.
        #[arg(long, value_name = "NAME")]
        english: Option<String>,
    },
}
