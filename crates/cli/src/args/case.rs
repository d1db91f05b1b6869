//! What can be typed after `redress case`.

use clap::{Args, Subcommand};

use super::Paging;

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
        after_help = "Example:\n  redress case create --site lakeside --channel HOTLINE --phone 13800000000 --text '外墙渗水,请尽快维修'\n  redress case create --site north-store --complaining-store south-store --channel STORE --phone 13800000001 --text '抢走我店已登记的客户'"
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
    /// What they said; `-` reads standard input, without the end of its last line.
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
    /// One of the staff who is complained about, by id or name: they cannot see the case; may be given several times.
    #[arg(long, value_name = "STAFF")]
    pub(crate) about: Vec<String>,
    /// The agency store that complains about the store of the case, where one store complains about another.
    #[arg(long, value_name = "SITE")]
    pub(crate) complaining_store: Option<String>,
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
    #[arg(long, allow_negative_numbers = true, value_parser = super::parse_yuan)]
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
    /// What they say they need.
    #[arg(long, default_value = "")]
    pub(crate) need: String,
    /// Vulnerable persons concerned: CHILDREN, ELDERLY, DISABLED or PREGNANT; may be given several times.
    #[arg(long, value_name = "GROUP")]
    pub(crate) vulnerable: Vec<String>,
}
