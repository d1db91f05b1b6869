//! What can be typed after `redress policy`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Subcommands of `policy`.
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Say what is wrong with a policy file, with line and field. Needs no platform.
    ///
    /// A file with `profile:` on top is held against the schema of a whole profile, any other against
    /// that of what an organization, a region or a site changes. With a scope the running platform
    /// also says whether it goes with the levels above and below.
    #[command(
        after_help = "Examples:\n  redress policy check demo.yaml\n  redress policy check demo.yaml --organization demo\n  redress policy check demo.yaml --json"
    )]
    Check {
        /// The file; `-` reads standard input.
        file: PathBuf,
        #[command(flatten)]
        scope: ScopeArgs,
    },
    /// Say which open cases a policy would change and who would be paged, without applying it.
    #[command(
        after_help = "Examples:\n  redress policy preview lakeside.yaml --site lakeside\n  redress policy preview demo.yaml --organization demo --from 2026-12-01T00:00+08:00"
    )]
    Preview {
        /// The file; `-` reads standard input.
        file: PathBuf,
        #[command(flatten)]
        scope: ScopeArgs,
        /// From when on it would hold, for example 2026-12-01T00:00; now otherwise.
        #[arg(long, value_name = "TIME")]
        from: Option<String>,
    },
    /// Add a revision of an organization's, a region's or a site's policy.
    ///
    /// It holds for what is decided and promised from then on; running clocks keep their deadlines.
    #[command(
        after_help = "Examples:\n  redress policy apply lakeside.yaml --site lakeside --reason 'agreed on 3 November'\n  redress policy apply demo.yaml --organization demo --from 2026-12-01T00:00 --reason 'winter rules' --etag r3"
    )]
    Apply {
        /// The file; `-` reads standard input.
        file: PathBuf,
        #[command(flatten)]
        scope: ScopeArgs,
        /// From when on it holds, for example 2026-12-01T00:00; now otherwise.
        #[arg(long, value_name = "TIME")]
        from: Option<String>,
        /// Why.
        #[arg(long)]
        reason: String,
        /// Only if this is still the scope's newest version, as `history` shows it; r0 where there is none.
        #[arg(long, default_value = "")]
        etag: String,
    },
    /// Show what holds at a site, and where each value comes from.
    #[command(
        after_help = "Examples:\n  redress policy show --site lakeside\n  redress policy show --site lakeside --changed\n  redress policy show --site lakeside --at 2026-12-01T00:00 --json"
    )]
    Show {
        /// Site.
        #[arg(long)]
        site: String,
        /// At which instant; now otherwise.
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
        /// Only values that are not the profile's.
        #[arg(long)]
        changed: bool,
    },
    /// List the revisions of an organization, a region or a site, newest first.
    #[command(
        after_help = "Examples:\n  redress policy history --organization demo\n  redress policy history --site lakeside --json | jq -r .document"
    )]
    History {
        #[command(flatten)]
        scope: ScopeArgs,
        /// Print at most so many rows; all otherwise.
        #[arg(long, value_name = "N", value_parser = crate::args::parse_count)]
        limit: Option<usize>,
    },
    /// Print the JSON schema of policy files, for editors.
    #[command(
        after_help = "Examples:\n  redress policy schema > policy.schema.json\n  redress policy schema --profile"
    )]
    Schema {
        /// That of a whole profile instead.
        #[arg(long)]
        profile: bool,
    },
    /// Show the opening-day windows of a sales centre; add one, or take one back.
    #[command(
        after_help = "Examples:\n  redress policy windows --site lakeside-sales\n  redress policy windows --site lakeside-sales --open 2026-12-05T08:00 --until 2026-12-06T20:00 --reason 'second release'\n  redress policy windows --site lakeside-sales --remove 2026-12-05T08:00"
    )]
    Windows {
        /// Site.
        #[arg(long)]
        site: String,
        /// Add a window that begins then.
        #[arg(
            long,
            value_name = "TIME",
            requires = "until",
            conflicts_with = "remove"
        )]
        open: Option<String>,
        /// When the added window ends.
        #[arg(long, value_name = "TIME", requires = "open")]
        until: Option<String>,
        /// What the added window is for.
        #[arg(long, default_value = "", requires = "open")]
        reason: String,
        /// Take back the window that begins then.
        #[arg(long, value_name = "TIME")]
        remove: Option<String>,
    },
}

/// What a policy belongs to; one of the three.
#[derive(Debug, Clone, Args)]
#[group(multiple = false)]
pub(crate) struct ScopeArgs {
    /// All sites of this organization.
    #[arg(long)]
    pub(crate) organization: Option<String>,
    /// All sites of this region, ORGANIZATION/REGION.
    #[arg(long, value_name = "ORGANIZATION/REGION", value_parser = parse_region)]
    pub(crate) region: Option<(String, String)>,
    /// One site.
    #[arg(long)]
    pub(crate) site: Option<String>,
}

fn parse_region(text: &str) -> Result<(String, String), String> {
    text.split_once('/')
        .map(|(organization, region)| (organization.to_owned(), region.to_owned()))
        .ok_or_else(|| "must look like demo/north".to_owned())
}

impl ScopeArgs {
    /// The resource name, where one was given.
    pub(crate) fn name(&self) -> Option<String> {
        let organization = self
            .organization
            .as_ref()
            .map(|id| format!("organizations/{id}"));
        let region = self
            .region
            .as_ref()
            .map(|(id, region)| format!("organizations/{id}/regions/{region}"));
        let site = self.site.as_ref().map(|id| format!("sites/{id}"));
        organization.or(region).or(site)
    }
}
