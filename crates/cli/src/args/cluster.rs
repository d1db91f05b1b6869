//! What can be typed after `redress cluster`.

use clap::Subcommand;

use super::Paging;

/// Subcommands of `cluster`.
#[derive(Debug, Subcommand)]
pub(crate) enum ClusterCommand {
    /// List clusters, newest complaint first.
    #[command(
        after_help = "Examples:\n  redress cluster list --min-cases 3\n  redress cluster list --defect PROPOSED --json"
    )]
    List {
        /// Site; all of the token's sites otherwise.
        #[arg(long)]
        site: Option<String>,
        /// Only clusters of at least so many cases.
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(i32).range(1..=1_000_000))]
        min_cases: i32,
        /// Only those whose general defect is PROPOSED, ACCEPTED or DISMISSED.
        #[arg(long, value_name = "STATE")]
        defect: Option<String>,
        /// Rows.
        #[command(flatten)]
        paging: Paging,
    },
    /// Show a cluster: its cases, why they joined, and what people did to it.
    #[command(
        after_help = "Examples:\n  redress cluster show LS-20261121-0001\n  redress cluster show sites/lakeside/clusters/ID"
    )]
    Show {
        /// The cluster, `sites/{site}/clusters/{cluster}`, or a case in it, by name or number.
        name: String,
    },
    /// Move every case of a cluster into another of the same site.
    #[command(
        after_help = "Example:\n  redress cluster merge sites/lakeside/clusters/ENDS --into sites/lakeside/clusters/STAYS"
    )]
    Merge {
        /// The cluster that ends, or a case in it.
        source: String,
        /// The cluster that takes its cases, or a case in it.
        #[arg(long, value_name = "CLUSTER")]
        into: String,
    },
    /// Move cases of a cluster into a new one. No grade falls by it: lower ones are proposed.
    #[command(
        after_help = "Example:\n  redress cluster split sites/lakeside/clusters/ID --case LS-20261121-0001 --reason 'another lift'"
    )]
    Split {
        /// The cluster, or a case in it.
        name: String,
        /// A case that leaves it, `sites/{site}/cases/{case}`, or its number; may be given several times.
        #[arg(long = "case", required = true, value_name = "CASE")]
        cases: Vec<String>,
        /// Why; name nobody.
        #[arg(long)]
        reason: String,
    },
    /// Say that cases belong together, so that they are not split any more.
    #[command(
        after_help = "Examples:\n  redress cluster confirm sites/lakeside/clusters/ID\n  redress cluster confirm sites/lakeside/clusters/ID --case LS-20261121-0001 --withdraw"
    )]
    Confirm {
        /// The cluster, or a case in it.
        name: String,
        /// Only this case, `sites/{site}/cases/{case}`, or its number; may be given several times.
        #[arg(long = "case", value_name = "CASE")]
        cases: Vec<String>,
        /// Take it back.
        #[arg(long)]
        withdraw: bool,
    },
    /// Decide whether the other owners of the site are to be told of a defect of many homes.
    #[command(
        after_help = "Examples:\n  redress cluster defect sites/lakeside/clusters/ID --accept --reason 'the whole wall'\n  redress cluster defect sites/lakeside/clusters/ID --dismiss --reason 'one pipe'"
    )]
    Defect {
        /// The cluster, or a case in it.
        name: String,
        /// They are to be told.
        #[arg(long, required_unless_present = "dismiss", conflicts_with = "dismiss")]
        accept: bool,
        /// It is none.
        #[arg(long)]
        dismiss: bool,
        /// Why; name nobody.
        #[arg(long)]
        reason: String,
    },
}
