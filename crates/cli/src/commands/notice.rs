//! `redress notice`: what the owners of a site are told before they complain (M19).

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use redress_proto::notification::v1::{
    AddNoticeRecipientsRequest, ApproveNoticeRequest, CreateNoticeRequest, GetNoticeRequest,
    ListNoticesRequest, NoticeRecipient, NoticeState, NoticeText, OwnerNotice as Notice,
    RejectNoticeRequest, SubmitNoticeRequest, UpdateNoticeRequest, WithdrawNoticeRequest,
};

use super::practice::bad;
use super::{choice, spelled};
use crate::args::Paging;
use crate::connect::{Platform, all_pages, parent, request, request_id};
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, heading, line, show_table, table, when};

/// Owners a call takes.
const CALL_MAX: usize = 1000;
/// Fewest digits of a digest that say which text was read.
const DIGEST_DIGITS_MIN: usize = 8;

/// Subcommands of `notice`.
#[derive(Debug, Subcommand)]
pub(crate) enum NoticeCommand {
    /// List notices, newest first, with how many owners know.
    #[command(
        after_help = "Examples:\n  redress notice list --site lakeside\n  redress notice list --state SUBMITTED --json"
    )]
    List {
        /// Site; all of the token's sites otherwise.
        #[arg(long)]
        site: Option<String>,
        /// Only in this state: DRAFT, SUBMITTED, REJECTED, APPROVED, RELEASED or WITHDRAWN.
        #[arg(long)]
        state: Option<String>,
        /// Rows.
        #[command(flatten)]
        paging: Paging,
    },
    /// Show a notice: texts, digest, whom it concerns, what others said, what became of it.
    #[command(after_help = "Example:\n  redress notice show sites/lakeside/notices/ID")]
    Show {
        /// The notice, `sites/{site}/notices/{notice}`.
        name: String,
    },
    /// Write a notice of your own and hand it over for approval; one that a defect proposed is edited instead.
    #[command(
        after_help = "Examples:\n  redress notice propose --site lakeside --zh-subject '请检查厨房水管' --zh-body '…' --en-subject 'Please check the kitchen pipe' --en-body '…' --owners owners.csv\n  redress notice propose --site lakeside … --known --draft\n\nThe file has a head line with any of: name, phone, email, account, address, language."
    )]
    Propose {
        /// The site.
        #[arg(long)]
        site: String,
        /// The complaints that it is about, `sites/{site}/clusters/{cluster}`; whoever made them is not told.
        #[arg(long, default_value = "")]
        cluster: String,
        /// The texts.
        #[command(flatten)]
        texts: Texts,
        /// Warns of a danger: told at any hour, and nobody can refuse it.
        #[arg(long)]
        danger: bool,
        /// Tell the people known from live cases of the site too.
        #[arg(long)]
        known: bool,
        /// A file of owners.
        #[arg(long, value_name = "FILE")]
        owners: Option<PathBuf>,
        /// Do not hand it over yet.
        #[arg(long)]
        draft: bool,
        /// Why it is right although the wording check finds something.
        #[arg(long, default_value = "")]
        override_reason: String,
    },
    /// Change a notice that nobody approved: what you give is replaced, the rest stays.
    #[command(
        after_help = "Examples:\n  redress notice edit sites/lakeside/notices/ID --zh-body '…' --en-body '…'\n  redress notice edit sites/lakeside/notices/ID --known false"
    )]
    Edit {
        /// The notice.
        name: String,
        /// The texts.
        #[command(flatten)]
        texts: Texts,
        /// Whether it warns of a danger.
        #[arg(long)]
        danger: Option<bool>,
        /// Whether the people known from live cases of the site are told too.
        #[arg(long)]
        known: Option<bool>,
    },
    /// Put owners on the list of a notice that nobody approved.
    #[command(
        after_help = "Examples:\n  redress notice owners sites/lakeside/notices/ID owners.csv\n  redress notice owners sites/lakeside/notices/ID owners.csv --replace\n\nThe file has a head line with any of: name, phone, email, account, address, language."
    )]
    Owners {
        /// The notice.
        name: String,
        /// The file.
        file: PathBuf,
        /// They take the place of the list so far.
        #[arg(long)]
        replace: bool,
    },
    /// Hand a draft to somebody else for approval.
    #[command(after_help = "Example:\n  redress notice submit sites/lakeside/notices/ID")]
    Submit {
        /// The notice.
        name: String,
        /// Why it is right although the wording check finds something.
        #[arg(long, default_value = "")]
        override_reason: String,
    },
    /// Approve exactly what you have read: the owners are told.
    #[command(
        after_help = "Example:\n  redress notice show sites/lakeside/notices/ID      # shows the digest\n  redress notice approve sites/lakeside/notices/ID --digest 4f1c99ab"
    )]
    Approve {
        /// The notice.
        name: String,
        /// The digest that `show` showed with the text, or its first 8 digits or more.
        #[arg(long)]
        digest: String,
        /// A word with it.
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Say no to what you have read, and why.
    #[command(
        after_help = "Example:\n  redress notice reject sites/lakeside/notices/ID --digest 4f1c99ab --reason 'say when we come'"
    )]
    Reject {
        /// The notice.
        name: String,
        /// The digest that `show` showed with the text, or its first 8 digits or more.
        #[arg(long)]
        digest: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Take a notice back: whoever was not told yet is not told any more.
    #[command(
        after_help = "Example:\n  redress notice withdraw sites/lakeside/notices/ID --reason 'wrong building'"
    )]
    Withdraw {
        /// The notice.
        name: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
}

/// The texts of a notice.
#[derive(Debug, Args)]
pub(crate) struct Texts {
    /// One line in Chinese.
    #[arg(long)]
    zh_subject: Option<String>,
    /// The text in Chinese.
    #[arg(long)]
    zh_body: Option<String>,
    /// One line in English.
    #[arg(long)]
    en_subject: Option<String>,
    /// The text in English.
    #[arg(long)]
    en_body: Option<String>,
}

impl Texts {
    /// Lays what is given over the texts of a notice.
    fn lay_over(self, notice: &mut Notice) {
        let chinese = notice.chinese.get_or_insert_default();
        for (given, field) in [
            (self.zh_subject, &mut chinese.subject),
            (self.zh_body, &mut chinese.body),
        ] {
            if let Some(given) = given {
                *field = given;
            }
        }
        let english = notice.english.get_or_insert_default();
        for (given, field) in [
            (self.en_subject, &mut english.subject),
            (self.en_body, &mut english.body),
        ] {
            if let Some(given) = given {
                *field = given;
            }
        }
    }
}

/// Runs a subcommand.
pub(crate) async fn run(
    platform: &Platform,
    command: NoticeCommand,
    out: Output,
) -> Result<(), Failure> {
    let mut client = platform.notices();
    let notice = match command {
        NoticeCommand::List {
            site,
            state,
            paging,
        } => {
            let filter = ListNoticesRequest {
                parent: parent(site.as_deref()),
                state: state
                    .map(|s| choice("state", "NOTICE_STATE_", &s, NoticeState::as_str_name))
                    .transpose()?
                    .unwrap_or(0),
                ..Default::default()
            };
            let rows = all_pages(paging.limit, |page_size, page_token| {
                let mut client = client.clone();
                let filter = ListNoticesRequest {
                    page_size,
                    page_token,
                    ..filter.clone()
                };
                async move {
                    let answer = client.list_notices(request(filter)).await?.into_inner();
                    Ok((answer.notices, answer.next_page_token))
                }
            })
            .await?;
            show_all(&rows, out);
            return Ok(());
        }
        NoticeCommand::Show { name } => get(platform, &name).await?,
        NoticeCommand::Propose {
            site,
            cluster,
            texts,
            danger,
            known,
            owners,
            draft,
            override_reason,
        } => {
            let mut notice = Notice {
                cluster,
                danger,
                include_known: known,
                ..Default::default()
            };
            texts.lay_over(&mut notice);
            // A file that cannot be read leaves no half of a notice behind.
            let owners = owners.map(|file| read_owners(&file)).transpose()?;
            let create = CreateNoticeRequest {
                parent: parent(Some(&site)),
                notice: Some(notice),
                request_id: request_id(),
            };
            let answer = client.create_notice(request(create)).await?.into_inner();
            let mut notice = answer.notice.unwrap_or_default();
            if let Some(owners) = owners {
                notice = add(platform, &notice.name, &owners, false).await?;
            }
            if draft {
                notice
            } else {
                submit(platform, &notice.name, override_reason).await?
            }
        }
        NoticeCommand::Edit {
            name,
            texts,
            danger,
            known,
        } => {
            let mut notice = get(platform, &name).await?;
            texts.lay_over(&mut notice);
            notice.danger = danger.unwrap_or(notice.danger);
            notice.include_known = known.unwrap_or(notice.include_known);
            let update = UpdateNoticeRequest {
                notice: Some(notice),
                request_id: request_id(),
            };
            let answer = client.update_notice(request(update)).await?;
            answer.into_inner().notice.unwrap_or_default()
        }
        NoticeCommand::Owners {
            name,
            file,
            replace,
        } => add(platform, &name, &read_owners(&file)?, replace).await?,
        NoticeCommand::Submit {
            name,
            override_reason,
        } => submit(platform, &name, override_reason).await?,
        NoticeCommand::Approve {
            name,
            digest,
            reason,
        } => {
            let approve = ApproveNoticeRequest {
                digest: whole_digest(platform, &name, &digest).await?,
                name,
                reason,
                request_id: request_id(),
            };
            let answer = client.approve_notice(request(approve)).await?;
            answer.into_inner().notice.unwrap_or_default()
        }
        NoticeCommand::Reject {
            name,
            digest,
            reason,
        } => {
            let reject = RejectNoticeRequest {
                digest: whole_digest(platform, &name, &digest).await?,
                name,
                reason,
                request_id: request_id(),
            };
            let answer = client.reject_notice(request(reject)).await?;
            answer.into_inner().notice.unwrap_or_default()
        }
        NoticeCommand::Withdraw { name, reason } => {
            let withdraw = WithdrawNoticeRequest {
                name,
                reason,
                request_id: request_id(),
                ..Default::default()
            };
            let answer = client.withdraw_notice(request(withdraw)).await?;
            answer.into_inner().notice.unwrap_or_default()
        }
    };
    out.one(
        || json::of("notification.v1.OwnerNotice", &notice),
        || show(&notice),
    );
    Ok(())
}

async fn get(platform: &Platform, name: &str) -> Result<Notice, Failure> {
    let get = GetNoticeRequest {
        name: name.to_owned(),
    };
    let answer = platform.notices().get_notice(request(get)).await?;
    Ok(answer.into_inner().notice.unwrap_or_default())
}

async fn submit(
    platform: &Platform,
    name: &str,
    override_reason: String,
) -> Result<Notice, Failure> {
    let submit = SubmitNoticeRequest {
        name: name.to_owned(),
        override_reason,
        request_id: request_id(),
        ..Default::default()
    };
    let answer = platform.notices().submit_notice(request(submit)).await?;
    Ok(answer.into_inner().notice.unwrap_or_default())
}

/// Puts owners on the list, in as many calls as it takes.
async fn add(
    platform: &Platform,
    name: &str,
    owners: &[NoticeRecipient],
    replace: bool,
) -> Result<Notice, Failure> {
    let mut notice = Notice::default();
    for (call, owners) in owners.chunks(CALL_MAX).enumerate() {
        let add = AddNoticeRecipientsRequest {
            name: name.to_owned(),
            recipients: owners.to_vec(),
            replace: replace && call == 0,
            request_id: request_id(),
            ..Default::default()
        };
        let answer = platform
            .notices()
            .add_notice_recipients(request(add))
            .await?;
        notice = answer.into_inner().notice.unwrap_or_default();
    }
    Ok(notice)
}

/// The digest of the notice as it is, where it is the one that was read.
async fn whole_digest(platform: &Platform, name: &str, read: &str) -> Result<String, Failure> {
    let now = get(platform, name).await?.digest;
    let read = read.to_lowercase();
    if read.len() < DIGEST_DIGITS_MIN {
        return Err(bad("digest", "must have 8 digits or more"));
    }
    if now.starts_with(&read) {
        return Ok(now);
    }
    Err(bad(
        "digest",
        "is not of the notice as it is now; read it again with `redress notice show`",
    ))
}

fn read_owners(file: &Path) -> Result<Vec<NoticeRecipient>, Failure> {
    let text = std::fs::read_to_string(file).map_err(|e| bad("owners", e))?;
    owners(&text).map_err(|reason| bad("owners", reason))
}

/// Reads lines of owners under a head that names the columns. A field in quotes may hold commas.
fn owners(text: &str) -> Result<Vec<NoticeRecipient>, String> {
    let mut lines = text
        .trim_start_matches('\u{feff}')
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty());
    let (_, head) = lines.next().ok_or("has no line")?;
    let columns = fields(head);
    let known = ["name", "phone", "email", "account", "address", "language"];
    for column in &columns {
        if !known.contains(&column.to_lowercase().as_str()) {
            return Err(format!(
                "line 1: no column {column}; the columns are {}",
                known.join(", ")
            ));
        }
    }
    let mut owners = Vec::new();
    for (number, line) in lines {
        let values = fields(line);
        if values.len() > columns.len() {
            return Err(format!(
                "line {}: {} fields under {} columns",
                number + 1,
                values.len(),
                columns.len()
            ));
        }
        let mut owner = NoticeRecipient::default();
        for (column, value) in columns.iter().zip(values) {
            match column.to_lowercase().as_str() {
                "name" => owner.display_name = value,
                "phone" => owner.phone = value,
                "email" => owner.email = value,
                "account" => owner.account = value,
                "address" => owner.postal_address = value,
                _ => owner.language = value,
            }
        }
        owners.push(owner);
    }
    if owners.is_empty() {
        return Err("names no owner".to_owned());
    }
    Ok(owners)
}

fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                fields.last_mut().into_iter().for_each(|f| f.push('"'));
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            other => fields.last_mut().into_iter().for_each(|f| f.push(other)),
        }
    }
    for field in &mut fields {
        *field = field.trim().to_owned();
    }
    fields
}

fn state(notice: &Notice) -> String {
    spelled(notice.state().as_str_name(), "NOTICE_STATE_")
}

fn title(notice: &Notice) -> String {
    let subject = |text: &Option<NoticeText>| text.as_ref().map(|t| t.subject.clone());
    subject(&notice.chinese)
        .filter(|s| !s.is_empty())
        .or_else(|| subject(&notice.english))
        .unwrap_or_default()
}

fn show_all(notices: &[Notice], out: Output) {
    out.rows(
        &[
            "Notice", "State", "Title", "Told", "Failed", "Waiting", "Not told", "Made",
        ],
        notices,
        |n| {
            let p = n.progress.unwrap_or_default();
            vec![
                n.name.clone(),
                state(n),
                title(n),
                p.told_count.to_string(),
                p.failed_count.to_string(),
                p.waiting_count.to_string(),
                p.cancelled_count.to_string(),
                when(n.create_time.as_ref()),
            ]
        },
        |n| json::of("notification.v1.OwnerNotice", n),
    );
}

fn show(n: &Notice) {
    heading("Notice to owners");
    line("name", &n.name);
    line("state", state(n));
    line("digest", &n.digest);
    if n.proposed {
        line("proposed", format!("of a defect in {} units", n.units));
    }
    if !n.cluster.is_empty() {
        line("about", &n.cluster);
    }
    if n.danger {
        line("danger", "told at any hour, cannot be refused");
    }
    line("written by", n.authors.join(", "));
    if let Some(audience) = &n.audience {
        line("listed", audience.listed_count);
        if n.include_known {
            line("also known", audience.known_count);
        }
        line("complained", audience.excluded_count);
    }
    if let Some(progress) = n.progress.as_ref().filter(|_| n.approve_time.is_some()) {
        line("told", progress.told_count);
        line("delivered", progress.delivered_count);
        line("failed", progress.failed_count);
        line("waiting", progress.waiting_count);
        line("not told", progress.cancelled_count);
    }
    if !n.overridden_rules.is_empty() {
        line(
            "wording",
            format!(
                "{} let through: {}",
                n.overridden_rules.join(", "),
                n.override_reason
            ),
        );
    }
    if !n.withdraw_reason.is_empty() {
        line("withdrawn", &n.withdraw_reason);
    }
    for (language, text) in [("中文", &n.chinese), ("English", &n.english)] {
        if let Some(text) = text {
            heading(&format!("{language}: {}", text.subject));
            crate::output::say!("{}", text.body);
        }
    }
    if !n.reviews.is_empty() {
        heading("Reviews");
        let mut reviews = table(&["When", "Who", "Said", "Of", "Why"]);
        for review in &n.reviews {
            reviews.add_row(vec![
                when(review.review_time.as_ref()),
                review.reviewer.clone(),
                spelled(review.verdict().as_str_name(), "NOTICE_VERDICT_"),
                review.digest.chars().take(DIGEST_DIGITS_MIN).collect(),
                review.reason.clone(),
            ]);
        }
        show_table(reviews);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_are_read_by_the_names_of_their_columns() {
        let text = "\u{feff}phone,name,address\n13800138000,王芳,\"3栋1单元, 1201\"\n\n,\"李 \"\"小\"\" 明\",4-101\n";
        let read = owners(text).unwrap();
        assert_eq!(read.len(), 2);
        assert_eq!(read[0].phone, "13800138000");
        assert_eq!(read[0].postal_address, "3栋1单元, 1201");
        assert_eq!(read[1].display_name, "李 \"小\" 明");
        assert!(
            owners("phone,age\n1,2")
                .unwrap_err()
                .contains("no column age")
        );
        assert!(owners("phone\n1,2").unwrap_err().contains("line 2"));
        assert!(owners("").is_err() && owners("phone\n").is_err());
    }
}
