//! What can be typed of organizations, their regions and their sites.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Paging;
use super::parse::{parse_organization, parse_region, parse_site, parse_slug};

/// Subcommands of `organization`.
#[derive(Debug, Subcommand)]
pub(crate) enum OrganizationCommand {
    /// Make an organization. The token has to name it among its organizations, and needs the role admin.
    #[command(after_help = "Example:\n  redress organization create demo 示范地产")]
    Create {
        /// Id of the new organization: letters a to z, digits and `-`.
        #[arg(value_parser = parse_organization)]
        organization: String,
        /// Name for people.
        name: String,
    },
    /// List the organizations that the token may see.
    #[command(after_help = "Example:\n  redress organization list --json")]
    List(Paging),
}

/// Subcommands of `region`.
#[derive(Debug, Subcommand)]
pub(crate) enum RegionCommand {
    /// Make a region of an organization. Needs the role admin.
    #[command(after_help = "Example:\n  redress region create north 北方区域 --organization demo")]
    Create {
        /// Id of the new region: letters a to z, digits and `-`.
        #[arg(value_parser = parse_slug)]
        region: String,
        /// Name for people.
        name: String,
        /// The organization.
        #[arg(long, value_name = "ORGANIZATION", value_parser = parse_organization)]
        organization: String,
    },
    /// List the regions of an organization.
    #[command(after_help = "Example:\n  redress region list --organization demo --json")]
    List {
        /// The organization.
        #[arg(long, value_name = "ORGANIZATION", value_parser = parse_organization)]
        organization: String,
        /// Rows.
        #[command(flatten)]
        paging: Paging,
    },
}

/// Subcommands of `site`.
#[derive(Debug, Subcommand)]
pub(crate) enum SiteCommand {
    /// Make a site. Needs the role admin. The other services learn of it within seconds.
    #[command(
        after_help = "Examples:\n  redress site create lakeside 湖畔小区 --region demo/north --kind residential --prefix LS --english 'Lakeside Garden'\n  redress site create bayside 'Bayside Store' --region demo/south --kind agency-store --prefix BS --time-zone Asia/Singapore --language en"
    )]
    Create(SiteArgs),
    /// List the sites that the token may see.
    #[command(after_help = "Example:\n  redress site list --json")]
    List(Paging),
    /// Make the organization of a file with sites, departments, made-up people and duties: for platforms to try out alone.
    ///
    /// Makes what `redress up` makes on an empty platform. Where the organization exists nothing is made, unless --again says to
    /// make what is missing; nothing is ever made at a site that is not in the file's region. The token has to name the
    /// organization among its own (that of the built-in file is called demo), and needs the role admin.
    #[command(
        after_help = "Examples:\n  redress site seed\n  redress site seed --demo company.toml\n  redress site seed --again"
    )]
    Seed {
        /// The file, instead of the built-in one.
        #[arg(long, value_name = "FILE")]
        demo: Option<PathBuf>,
        /// Make what is missing of an organization that exists: to go on after a seed that was cut short.
        #[arg(long)]
        again: bool,
    },
}

/// Arguments of `site create`.
#[derive(Debug, Args)]
pub(crate) struct SiteArgs {
    /// Id of the new site: letters a to z, digits and `-`; unique on the platform.
    #[arg(value_parser = parse_site)]
    pub(crate) site: String,
    /// Name for people.
    pub(crate) name: String,
    /// Where it belongs. Never changes.
    #[arg(long, value_name = "ORGANIZATION/REGION", value_parser = parse_region)]
    pub(crate) region: String,
    /// What kind of place it is: residential, sales-center, property-office or agency-store. Never changes.
    #[arg(long)]
    pub(crate) kind: String,
    /// What the numbers of its cases begin with: 1 to 6 letters A to Z, unique within the organization. Never changes.
    #[arg(long, value_name = "LETTERS")]
    pub(crate) prefix: String,
    /// Name for people who read English.
    #[arg(
        long,
        value_name = "NAME",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) english: String,
    /// Its time zone, of IANA's. Never changes.
    #[arg(long, value_name = "ZONE", default_value = "Asia/Shanghai")]
    pub(crate) time_zone: String,
    /// What customers receive unless they prefer another: zh-CN or en.
    #[arg(long, value_name = "TAG", default_value = "zh-CN")]
    pub(crate) language: String,
}
