//! What can be typed after `redress message`.

use clap::Subcommand;

use super::Paging;
use super::parse::parse_when;

/// Subcommands of `message`.
#[derive(Debug, Subcommand)]
pub(crate) enum MessageCommand {
    /// List messages, newest first.
    #[command(
        after_help = "Examples:\n  redress message list --site lakeside --limit 20\n  redress message list --to me\n  redress message list --state FAILED\n  redress message list --case LS-20261121-0001\n  redress message list --digest sites/lakeside/messages/ID --json"
    )]
    List {
        /// Site; all of the token's sites otherwise.
        #[arg(long)]
        site: Option<String>,
        /// Only messages about this case: its name or number.
        #[arg(long)]
        case: Option<String>,
        /// Only messages of this template, for example case.received.
        #[arg(long)]
        template: Option<String>,
        /// Only what this digest tells, `sites/{site}/messages/{message}`.
        #[arg(long)]
        digest: Option<String>,
        /// Only in this state, for example FAILED.
        #[arg(long)]
        state: Option<String>,
        /// Only to this person, `sites/{site}/staff/{staff}`, or `me`: what you are told.
        #[arg(long, value_name = "STAFF")]
        to: Option<String>,
        /// Only what failed or was cancelled for this reason, for example HTTP_503.
        #[arg(long)]
        reason: Option<String>,
        /// Rows.
        #[command(flatten)]
        paging: Paging,
    },
    /// Show a message: of the local outbox as it was sent, and what would go of one that waits for you to decide.
    #[command(after_help = "Example:\n  redress message show sites/lakeside/messages/ID")]
    Show {
        /// The message, `sites/{site}/messages/{message}`.
        name: String,
    },
    /// Send what you write to the complainants of a case, after the wording check; or tell them who comes when, which never
    /// waits while an incident is open.
    #[command(
        after_help = "Examples:\n  redress message send LS-20261121-0001 --text '我们明天上午九点到现场检查。'\n  redress message send LS-20261121-0001 --visit 2026-11-23T09:00 --place HOME --visitor li\n  redress message send sites/lakeside/cases/ID --text '…' --override-wording 'a quotation that the customer asked for'"
    )]
    Send {
        /// The case, `sites/{site}/cases/{case}`, or its number.
        case: String,
        /// What to say; greeting, handler and number are added.
        #[arg(long, required_unless_present = "visit", conflicts_with = "visit")]
        text: Option<String>,
        /// When somebody of ours meets them: an appointment, told without words of your own.
        #[arg(long, value_name = "WHEN", value_parser = parse_when, requires = "visitor")]
        visit: Option<jiff::Timestamp>,
        /// Where: HOME, the place that the complaint is about, or OFFICE, that of the site.
        #[arg(long, default_value = "HOME", requires = "visit")]
        place: String,
        /// Who, by id or name.
        #[arg(long, value_name = "STAFF", requires = "visit")]
        visitor: Option<String>,
        /// Only to this complainant, by person token; may be given several times.
        #[arg(long = "to", value_name = "TOKEN")]
        person_tokens: Vec<String>,
        /// ORDINARY, or SAFETY_WARNING or LEGAL_REPLY, which do not wait while an incident is open.
        #[arg(long, default_value = "ORDINARY", conflicts_with = "visit")]
        purpose: String,
        /// Why it may say what the wording check finds.
        #[arg(long, value_name = "REASON", default_value = "")]
        override_wording: String,
    },
    /// List what waits for the spokesperson of an incident, also of one that has ended, with what it says, newest first.
    #[command(
        after_help = "Examples:\n  redress message held --site lakeside\n  redress message held --decided --json"
    )]
    Held {
        /// Site; all of the token's sites otherwise.
        #[arg(long)]
        site: Option<String>,
        /// Only what this incident holds, `sites/{site}/incidents/{incident}`.
        #[arg(long)]
        incident: Option<String>,
        /// What was released or dropped, too.
        #[arg(long)]
        decided: bool,
        /// Rows.
        #[command(flatten)]
        paging: Paging,
    },
    /// Let a message go that waits for the spokesperson.
    #[command(
        after_help = "Example:\n  redress message release sites/lakeside/messages/ID --reason 'says what the statement says'"
    )]
    Release {
        /// The message, `sites/{site}/messages/{message}`.
        name: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Drop a message that waits for the spokesperson: it never goes.
    #[command(
        after_help = "Example:\n  redress message drop sites/lakeside/messages/ID --reason 'overtaken by the statement'"
    )]
    Drop {
        /// The message, `sites/{site}/messages/{message}`.
        name: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Queue a failed message anew, by every way again.
    #[command(after_help = "Example:\n  redress message retry sites/lakeside/messages/ID")]
    Retry {
        /// The message, `sites/{site}/messages/{message}`.
        name: String,
        /// Why it may say what the wording check found.
        #[arg(long, value_name = "REASON", default_value = "")]
        override_wording: String,
    },
    /// Queue all failed messages of a site anew, after a gateway was mended.
    #[command(
        after_help = "Examples:\n  redress message redrive --site lakeside\n  redress message redrive --site lakeside --reason HTTP_503 --template case.received"
    )]
    Redrive {
        /// Site.
        #[arg(long)]
        site: String,
        /// Only what failed for this reason.
        #[arg(long, default_value = "")]
        reason: String,
        /// Only of this template.
        #[arg(long, default_value = "")]
        template: String,
    },
    /// Acknowledge a call-out, a page about a broken promise, or a digest with everything in it.
    #[command(
        visible_alias = "ack",
        after_help = "Example:\n  redress message acknowledge sites/lakeside/messages/ID"
    )]
    Acknowledge {
        /// The message, `sites/{site}/messages/{message}`.
        name: String,
    },
}
