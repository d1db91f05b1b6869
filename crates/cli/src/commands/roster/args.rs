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
        after_help = "Examples:\n  redress roster import --site lakeside october.csv\n  redress roster import --site lakeside october.csv --from 2026-10-01 --to 2026-10-31 --apply --etag r3\n  redress roster import --site lakeside leads.ics --apply"
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
        /// The etag of what you looked at, as the try without --apply prints it: what somebody changed since is left
        /// alone. Needed where duties that stand are removed.
        #[arg(long, default_value = "")]
        etag: String,
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
    /// Who is planned, by id or name.
    pub(crate) staff: String,
    /// Who comes, by id or name.
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
        /// Who, by id or name.
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
        /// Only of this person, by id or name.
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
    /// Show a person with account, skills, languages and limit.
    #[command(
        after_help = "Examples:\n  redress staff show engineer-1 --site lakeside\n  redress staff show sites/lakeside/staff/engineer-1 --json"
    )]
    Show {
        /// Who, by id or name.
        staff: String,
        /// Where to look for the id or name; at all of the token's sites otherwise.
        #[arg(long)]
        site: Option<String>,
    },
    /// Add a person to a site.
    #[command(
        after_help = "Examples:\n  redress staff add li-na 李娜 --site lakeside --department repair --skill waterproofing\n  redress staff add li-na 李娜 --site lakeside --account lakeside-li-na --language zh-CN --contact EMAIL=li-na@lakeside.example"
    )]
    Add {
        /// Id of the new person: letters a to z, digits and `-`.
        staff: String,
        /// Name for people.
        name: String,
        /// Site.
        #[arg(long)]
        site: String,
        /// What is said of the person.
        #[command(flatten)]
        said: PersonArgs,
    },
    /// Change what is said of a person: what is not given stays.
    #[command(
        after_help = "Examples:\n  redress staff set engineer-1 --site lakeside --etag r3 --skill waterproofing --skill lifts\n  redress staff set engineer-1 --site lakeside --etag r3 --max-open 20\n  redress staff set engineer-1 --site lakeside --etag r3 --account ''\n  redress staff set engineer-1 --site lakeside --etag r3 --retired true"
    )]
    Set {
        /// Who, by id or name.
        staff: String,
        /// Where to look for the id or name; at all of the token's sites otherwise.
        #[arg(long)]
        site: Option<String>,
        /// The etag of what you looked at, as `show` prints it: another one is not changed.
        #[arg(long)]
        etag: String,
        /// Name for people.
        #[arg(long)]
        name: Option<String>,
        /// No longer works here: what is open is handed over at once. Or does again.
        #[arg(long, value_name = "BOOL")]
        retired: Option<bool>,
        /// What else is said of the person.
        #[command(flatten)]
        said: PersonArgs,
    },
    /// Lend a person to another department until an end.
    #[command(
        after_help = "Example:\n  redress staff borrow engineer-1 --department repair --site lakeside --until 2026-10-08"
    )]
    Borrow {
        /// Who, by id or name.
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

/// What is said of a person beside the name.
#[derive(Debug, Args)]
pub(crate) struct PersonArgs {
    /// Name for people who read English; '' for none.
    #[arg(long)]
    pub(crate) english: Option<String>,
    /// Department, by its id; '' for none.
    #[arg(long)]
    pub(crate) department: Option<String>,
    /// What the person can do, in the site's own words; may be given several times, '' for nothing.
    #[arg(long = "skill", value_name = "SKILL")]
    pub(crate) skills: Option<Vec<String>>,
    /// A language that the person speaks, the preferred one first; may be given several times, '' for the site's.
    #[arg(long = "language", value_name = "TAG")]
    pub(crate) languages: Option<Vec<String>>,
    /// Subject of the person's access tokens; '' for none.
    #[arg(long, value_name = "SUBJECT")]
    pub(crate) account: Option<String>,
    /// How many open cases before routing passes the person over; 0 for no limit.
    #[arg(long, value_name = "CASES", value_parser = clap::value_parser!(i32).range(0..=10_000))]
    pub(crate) max_open: Option<i32>,
    /// Where the person is reached, in the order to try: PHONE, EMAIL or WEBHOOK with its value; may be given several times,
    /// '' for nowhere. Kept sealed, and never shown again.
    #[arg(long = "contact", value_name = "KIND=VALUE")]
    pub(crate) contacts: Option<Vec<String>>,
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
    /// Add a department to a site, with the categories of complaints that it takes.
    #[command(
        after_help = "Examples:\n  redress department add repair 维修部 --site lakeside --english Repairs --category REPAIR_SERVICE\n  redress department add company-centre 公司服务中心 --site lakeside"
    )]
    Add {
        /// Id of the new department: letters a to z, digits and `-`.
        department: String,
        /// Name for people.
        name: String,
        /// Site.
        #[arg(long)]
        site: String,
        /// Name for people who read English.
        #[arg(
            long,
            value_name = "NAME",
            default_value = "",
            hide_default_value = true
        )]
        english: String,
        /// A category whose cases are its own, for example ENGINEERING_QUALITY; may be given several times.
        #[arg(long = "category", value_name = "CATEGORY")]
        categories: Vec<String>,
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
