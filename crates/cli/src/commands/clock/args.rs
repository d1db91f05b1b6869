//! What can be typed after `redress clock`.

use clap::{Args, Subcommand};

use crate::args::Paging;

/// Subcommands of `clock`.
#[derive(Debug, Subcommand)]
pub(crate) enum ClockCommand {
    /// List clocks, the next deadline first.
    ///
    /// Times are those of this machine's zone (TZ); `clock explain` shows those of the site.
    #[command(
        after_help = "Examples:\n  redress clock list --state RUNNING --limit 20\n  redress clock list --state BREACHED --json\n  redress clock list --state 'HELD CUSTOMER'\n  redress clock list --case LS-20261121-0001 --kind RESOLVE\n  redress clock list --law DATA_LEAK_TOLD --state RUNNING"
    )]
    List {
        /// Site; all of the token's sites otherwise.
        #[arg(long)]
        site: Option<String>,
        /// Only the clocks of this case: its name or number.
        #[arg(long)]
        case: Option<String>,
        /// Only those that are shown so: RUNNING, MET or CANCELLED; HELD, or HELD with its reason, for example
        /// 'HELD CUSTOMER'; or BREACHED, held meanwhile or not.
        #[arg(long)]
        state: Option<String>,
        /// Only this kind, for example RESOLVE or OUTSIDE_DEADLINE.
        #[arg(long)]
        kind: Option<String>,
        /// Only this deadline of the law, for example DATA_LEAK_TOLD; `clock explain` says where the law is written.
        #[arg(long, value_name = "NAME")]
        law: Option<String>,
        /// Rows.
        #[command(flatten)]
        paging: Paging,
    },
    /// List clocks of cases and incidents that fired a second late or more, the latest first, and why each did.
    ///
    /// Times are those of this machine's zone (TZ). While one of the two services that keep them is away, those of the
    /// other are listed, and the command fails by its name.
    #[command(
        after_help = "Examples:\n  redress clock late\n  redress clock late --min-lag 10s --cause REDIS_AWAY\n  redress clock late --site lakeside --json"
    )]
    Late {
        /// Site; all of the token's sites otherwise.
        #[arg(long)]
        site: Option<String>,
        /// Only those that were at least so late, for example 10s or 5m.
        #[arg(long, value_name = "SPAN")]
        min_lag: Option<jiff::SignedDuration>,
        /// Only for this reason: BACKLOG, REDIS_AWAY, INDEX_LOST, INDEX_REPAIRED, WORKER_LOST, RESTART, FAILED,
        /// CLOCK_STEPPED or ARMED_LATE.
        #[arg(long)]
        cause: Option<String>,
        /// Rows.
        #[command(flatten)]
        paging: Paging,
    },
    /// Draw what a clock's time was spent on, and say why its deadline is where it is.
    ///
    /// Times are those of the site's zone, which is named; lists show those of this machine's. Without a kind every clock of
    /// the case is explained, AGE_CHECK and HOLD_END too, which promise nothing to anybody.
    #[command(
        after_help = "Examples:\n  redress clock explain LS-20261121-0001 --kind RESOLVE\n  redress clock explain sites/lakeside/clocks/ID --json"
    )]
    Explain(Target),
    /// Hold a case: the reason lies with somebody else, so what it may stop stands still.
    #[command(
        after_help = "Examples:\n  redress clock hold LS-20261121-0001 --reason CUSTOMER --until 3d --note 'keys of the flat'\n  redress clock hold LS-20261121-0001 --reason COURT --until 2026-12-31T18:00 --note 'hearing'"
    )]
    Hold {
        /// The case, `sites/{site}/cases/{case}`, or its number.
        case: String,
        /// With whom the reason lies: CUSTOMER, OUTSIDE_PARTY or COURT.
        #[arg(long)]
        reason: String,
        /// When it ends by itself: an instant, a local time, or so long from now (8h, 3d).
        #[arg(long, value_name = "WHEN")]
        until: String,
        /// What is waited for. No names or contact points.
        #[arg(long)]
        note: String,
    },
    /// End a hold of a case before its time.
    #[command(after_help = "Example:\n  redress clock resume LS-20261121-0001 --reason CUSTOMER")]
    Resume {
        /// The case, `sites/{site}/cases/{case}`, or its number.
        case: String,
        /// The reason that is gone: CUSTOMER, OUTSIDE_PARTY or COURT.
        #[arg(long)]
        reason: String,
    },
    /// Show the holds of a case and what is left of their budgets.
    #[command(after_help = "Example:\n  redress clock holds LS-20261121-0001")]
    Holds {
        /// The case, `sites/{site}/cases/{case}`, or its number.
        case: String,
    },
    /// Start a clock by hand: the deadline of an outside body or of the law, what a partner owes us, an appeal, a rescue.
    #[command(
        after_help = "Examples:\n  redress clock start LS-20261121-0001 --kind OUTSIDE_DEADLINE --party 12345 --number HZ-77 --due 2026-12-01T18:00\n  redress clock start LS-20261121-0001 --kind SUPPORT --party 'Waterproofing contractor' --length '2 working days'\n  redress clock start LS-20261121-0001 --kind APPEAL_JUDGMENT\n  redress clock start LS-20261121-0001 --law PRODUCTION_ACCIDENT_REPORT --from 2026-12-01T17:40\n\nWhat the law gives at a site, to whom it is owed and where it is written:\n  redress policy show --site lakeside"
    )]
    Start(Start),
    /// Move the deadline of a running clock later.
    #[command(
        after_help = "Example:\n  redress clock extend LS-20261121-0001 --kind OUTSIDE_DEADLINE --due 2026-12-15T18:00 --reason 'granted by the body'"
    )]
    Extend {
        /// Which clock.
        #[command(flatten)]
        target: Target,
        /// The deadline from now on: an instant, a local time, or so long from now (8h, 3d).
        #[arg(long, value_name = "WHEN")]
        due: String,
        /// Why, for its history. No names or contact points.
        #[arg(long)]
        reason: String,
    },
    /// Say that what a clock promises was done, where no event says so.
    #[command(
        after_help = "Examples:\n  redress clock meet LS-20261121-0001 --kind OUTSIDE_DEADLINE\n  redress clock meet LS-20261121-0001 --law DATA_LEAK_TOLD"
    )]
    Meet {
        /// Which clock.
        #[command(flatten)]
        target: Target,
    },
    /// Say that nobody needs a clock any more that was started by hand; what the policy or the law started stands.
    #[command(
        after_help = "Example:\n  redress clock cancel sites/lakeside/clocks/ID --reason 'another contractor'"
    )]
    Cancel {
        /// Which clock.
        #[command(flatten)]
        target: Target,
        /// Why, for its history. No names or contact points.
        #[arg(long)]
        reason: String,
    },
}

/// A clock, or the clocks of a case.
#[derive(Debug, Args)]
pub(crate) struct Target {
    /// The clock, `sites/{site}/clocks/{clock}`; or its case, by name or number.
    pub(crate) name: String,
    /// Which clock of the case, for example RESOLVE.
    #[arg(long)]
    pub(crate) kind: Option<String>,
    /// Which deadline of the law, for example DATA_LEAK_TOLD.
    #[arg(long)]
    pub(crate) law: Option<String>,
}

/// Arguments of `clock start`.
#[derive(Debug, Args)]
pub(crate) struct Start {
    /// The case, `sites/{site}/cases/{case}`, or its number.
    pub(crate) case: String,
    /// OUTSIDE_DEADLINE, SUPPORT, INTERIM_UPDATE, DEFENCE, APPEAL_JUDGMENT, APPEAL_RULING, RESCUE, ON_SITE,
    /// STORE_REPORT or MEDIA_CLARIFICATION.
    #[arg(long, required_unless_present = "law")]
    pub(crate) kind: Option<String>,
    /// A deadline of the law: DATA_LEAK_TOLD, NETWORK_INCIDENT_REPORT, PRODUCTION_ACCIDENT_REPORT, PLAN_CHANGE_NOTICE or
    /// PLAN_CHANGE_ANSWER. The site's policy says how much time it gives.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["due", "length"])]
    pub(crate) law: Option<String>,
    /// From when on it counts, for example when it became known: an instant or a local time; now otherwise.
    #[arg(long, value_name = "WHEN")]
    pub(crate) from: Option<String>,
    /// Deadline as given or promised: an instant, a local time, or so long from now (8h, 3d).
    #[arg(long, value_name = "WHEN", conflicts_with = "length")]
    pub(crate) due: Option<String>,
    /// How much time it gives, for example `2 working days`; what the policy promises otherwise.
    #[arg(long)]
    pub(crate) length: Option<redress_clock::Length>,
    /// Who demands it or owes it.
    #[arg(long, default_value = "")]
    pub(crate) party: String,
    /// That party's own number for the case.
    #[arg(long, default_value = "")]
    pub(crate) number: String,
    /// The customer was told the deadline.
    #[arg(long)]
    pub(crate) told: bool,
}
