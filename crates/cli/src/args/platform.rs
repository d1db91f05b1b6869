//! What can be typed to run the platform of this machine: starting it, tokens for it, its events, feeding it.

use std::path::PathBuf;

use clap::builder::PossibleValue;
use clap::{Args, Subcommand, ValueEnum};

use super::parse::{parse_organization, parse_site, parse_span, parse_staff};

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
        value_parser = ROLES.map(|(role, what)| PossibleValue::new(role).help(what))
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

/// The roles of people and portals that come with the product, and what each is for (`roles.toml`).
const ROLES: [(&str, &str); 10] = [
    ("admin", "runs the installation"),
    (
        "clerk",
        "takes complaints: hotline, front desk, on-site desk",
    ),
    (
        "manager",
        "answers for a site: everything about its cases, people and incidents",
    ),
    (
        "department_manager",
        "leads a department; given together with handler",
    ),
    ("handler", "works on cases"),
    ("spokesperson", "speaks for the company in an incident"),
    (
        "counsel",
        "reviews what is said in an incident, and writes it",
    ),
    ("portal", "files complaints for its users"),
    (
        "auditor",
        "reads everything that people may read, changes nothing",
    ),
    ("sre", "keeps the platform running; sees no case"),
];

/// Arguments of `jwks`.
#[derive(Debug, Args)]
pub(crate) struct JwksArgs {
    /// A private key of the issuer, ES256 in PKCS#8 PEM; may be given several times. The data folder's own otherwise.
    #[arg(long = "key", value_name = "FILE")]
    pub(crate) keys: Vec<PathBuf>,
}

/// Arguments of `replay`.
#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// A corpus file: scenarios or messages, one JSON object a line.
    pub(crate) file: PathBuf,
    /// Ask for the decisions only; nothing is written. Each row is decided alone, without the cluster that a real run makes of
    /// rows about one issue. Rows with `expect` are judged.
    #[arg(long)]
    pub(crate) preview: bool,
    /// Site for messages; the demo's residential site otherwise.
    #[arg(long)]
    pub(crate) site: Option<String>,
    /// Give up on rows that have not settled after so long, and on a platform that answers nothing for so long.
    #[arg(long, default_value = "10m", value_name = "TIME", value_parser = parse_span)]
    pub(crate) patience: std::time::Duration,
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
