//! What can be typed after `redress calendar`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use jiff::civil::Date;

/// Subcommands of `calendar`.
#[derive(Debug, Subcommand)]
pub(crate) enum CalendarCommand {
    /// Draw months of a site's calendar: * holiday, + make-up day, ? not published yet.
    #[command(
        after_help = "Examples:\n  redress calendar show --site lakeside\n  redress calendar show --site lakeside --month 2026-10\n  redress calendar show --site lakeside --month 2027-01 --months 3 --json"
    )]
    Show {
        /// Site.
        #[arg(long)]
        site: String,
        /// First month, for example 2026-10; this one otherwise.
        #[arg(long, value_name = "YYYY-MM", value_parser = crate::args::parse_month)]
        month: Option<Date>,
        /// How many months.
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=12))]
        months: u8,
    },
    /// List the revisions of a site's calendar, newest first.
    #[command(after_help = "Example:\n  redress calendar history --site lakeside")]
    History {
        /// Site.
        #[arg(long)]
        site: String,
        /// Print at most so many rows; all otherwise.
        #[arg(long, value_name = "N", value_parser = crate::args::parse_count)]
        limit: Option<usize>,
    },
    /// Change a site's calendar from tomorrow on: holidays out of an iCalendar file, hours.
    ///
    /// Events marked (休), (班), by CATEGORIES (HOLIDAY, WORKDAY) or by X-APPLE-SPECIAL-DAY are holidays and make-up
    /// days; in a file without marks every whole-day event is a holiday. The site's own days of the years
    /// in the file are replaced, others stay. Clocks that run move, never into the past.
    #[command(
        after_help = "Examples:\n  redress calendar import --site lakeside holidays.ics --preview\n  redress calendar import --site lakeside holidays.ics --note 'as published on 4 November'\n  redress calendar import --site lakeside --hours mon-fri=09:00-12:00,13:00-18:00 --hours make-up=09:00-12:00\n  redress calendar import --site harbour us.ics --holidays none"
    )]
    Import(Box<ImportArgs>),
    /// Compute a deadline in a site's working time and show every stretch that it counts.
    #[command(
        after_help = "Examples:\n  redress calendar add --site lakeside --length '4 working hours'\n  redress calendar add --site lakeside --from 2026-09-30T16:00 --length '3 working days'"
    )]
    Add {
        /// Site.
        #[arg(long)]
        site: String,
        /// From when on, in the site's zone or with an offset, for example 2026-09-30T16:00; now otherwise.
        #[arg(long, value_name = "TIME")]
        from: Option<String>,
        /// How much, for example '4 working hours', '3 working days', '15 days' or '1 month'.
        #[arg(long)]
        length: String,
    },
}

/// Arguments of `calendar import`.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// An iCalendar file; `-` reads standard input.
    #[arg(value_name = "FILE.ics", required_unless_present_any = ["hours", "holidays"])]
    pub(crate) file: Option<PathBuf>,
    /// Site.
    #[arg(long)]
    pub(crate) site: String,
    /// Only say what would change and which clocks would move.
    #[arg(long)]
    pub(crate) preview: bool,
    /// New weekly hours, as DAYS=INTERVALS; may be given several times. Days that no one names are closed.
    #[arg(long, value_name = "DAYS=INTERVALS")]
    pub(crate) hours: Vec<String>,
    /// Whose public holidays beside the site's own.
    #[arg(long)]
    pub(crate) holidays: Option<HolidaysArg>,
    /// What it is about.
    #[arg(long, default_value = "")]
    pub(crate) note: String,
}

/// Whose public holidays, as an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum HolidaysArg {
    /// Nobody's: only the site's own.
    None,
    /// Those of mainland China, which ship with the product.
    MainlandChina,
}
