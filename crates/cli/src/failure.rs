//! What can go wrong at a command line, each with one sentence that says what to do.

use miette::{Diagnostic, MietteHandlerOpts};
use redress_proto::refusal::LEFT_OUT;
use textwrap::core::Word;
use textwrap::{WordSeparator, WordSplitter};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::args::ServiceArg;
use crate::connect;
use crate::output::counted;

/// How failures are drawn: commands and paths that they name are never broken, so that they can be read and copied whole.
/// What is too long for a line goes beyond it.
pub(crate) fn drawn() -> MietteHandlerOpts {
    MietteHandlerOpts::new()
        .break_words(false)
        .word_separator(WordSeparator::Custom(words))
        .word_splitter(WordSplitter::NoHyphenation)
}

/// The words of a line, where what stands in backticks is one.
fn words(line: &str) -> Box<dyn Iterator<Item = Word<'_>> + '_> {
    words_quoted_by(line, '`')
}

/// The words of a line, each with the blanks behind it. What stands between two quotes is one.
pub(crate) fn words_quoted_by(line: &str, quote: char) -> Box<dyn Iterator<Item = Word<'_>> + '_> {
    let mut rest = line;
    Box::new(std::iter::from_fn(move || {
        let (mut is_quoted, mut is_behind) = (false, false);
        let end = rest.find(|c: char| {
            is_quoted ^= c == quote;
            let begins = is_behind && c != ' ';
            is_behind |= c == ' ' && !is_quoted;
            begins
        });
        let (word, behind) = rest.split_at(end.unwrap_or(rest.len()));
        rest = behind;
        (!word.is_empty()).then(|| Word::from(word))
    }))
}

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub(crate) enum Failure {
    /// No platform here.
    #[error("no platform runs in {home}")]
    #[diagnostic(help(
        "start one with `redress up`, or point REDRESS_HOME or REDRESS_INTAKE_URL … at one"
    ))]
    NotUp { home: String },
    /// An endpoint is missing.
    #[error("the address of {service} is not known")]
    #[diagnostic(help("set {}", connect::variable(service)))]
    NoEndpoint { service: &'static str },
    /// An endpoint is no address.
    #[error("the address of {service} is no URL: {url}")]
    BadEndpoint { service: &'static str, url: String },
    /// An `https://` endpoint that cannot be spoken to under TLS.
    #[error("{service} cannot be reached by https: {why}")]
    #[diagnostic(help(
        "the address has to name a host; the authorities that are trusted are the machine's (ca-certificates), or those in the file that SSL_CERT_FILE names"
    ))]
    NoTrust { service: &'static str, why: String },
    /// The data folder is not ours or is damaged.
    #[error("{path} cannot be read as what `redress up` writes")]
    #[diagnostic(help("stop the platform, remove the file and start it again"))]
    BrokenHome { path: String },
    /// The sealing keys are gone and what they sealed is not.
    #[error(
        "{path} is missing, and what it sealed in the database cannot be read without it; put the file back, or start empty with `redress up --fresh`"
    )]
    KeysLost { path: String },
    /// No token.
    #[error("no access token: {path} cannot be read")]
    #[diagnostic(help("give one with --token or REDRESS_TOKEN; `redress token` makes one"))]
    NoToken { path: String },
    /// The token cannot be sent.
    #[error("the access token has characters that no token has")]
    BadToken,
    /// The platform runs already.
    #[error("a platform runs in {home} already")]
    #[diagnostic(help("use it, or end it with `redress stop`"))]
    RunsAlready { home: String },
    /// A word is none of the domain's.
    #[error("--{argument} {unknown}")]
    Word {
        argument: &'static str,
        unknown: redress_model::words::UnknownWord,
    },
    /// An argument that cannot be read.
    #[error("--{argument} {reason}")]
    Argument {
        argument: &'static str,
        reason: String,
    },
    /// Nothing by that name or number.
    #[error("no {what} {name}")]
    NotFound { what: &'static str, name: String },
    /// An organization that the token does not name.
    #[error(
        "the token may not make organization {organization}: it is not among its organizations"
    )]
    #[diagnostic(help(
        "ask for a token that names it; `redress token --organization {organization} --role admin` prints one where the issuer's key is"
    ))]
    NotOfToken { organization: String },
    /// A site of the file is that of somebody else.
    #[error(
        "site {site} is there already, in {region} and not in {wanted}: nobody was made up there"
    )]
    #[diagnostic(help(
        "give the site of the file another id; `redress site seed --again` then makes what is missing"
    ))]
    SiteElsewhere {
        site: String,
        region: String,
        wanted: String,
    },
    /// A site of the file cannot be made.
    #[error("site {site} cannot be made, its id or number prefix is taken: {why}")]
    #[diagnostic(help(
        "give the site of the file another id and number prefix; `redress site seed --again` then makes what is missing"
    ))]
    SiteTaken { site: String, why: String },
    /// An organization that is there is not filled with made-up people by chance.
    #[error("organization {organization} is there already: nothing was made up in it")]
    #[diagnostic(help(
        "if it is one to try out, and what is missing of the file shall be made: `redress site seed --again`"
    ))]
    ThereAlready { organization: String },
    /// A case that nothing was proposed for.
    #[error("case {case} has no solution yet")]
    #[diagnostic(help("propose one: `redress solution propose {} --terms FILE`", case))]
    NoSolution { case: String },
    /// Several by that number.
    #[error("several incidents are called {name}")]
    #[diagnostic(help("say which: `redress incident show SITE/NUMBER`"))]
    Ambiguous { name: String },
    /// The wording check found something.
    #[error("{} must not leave the house", counted(count, "phrase", "phrases"))]
    #[diagnostic(help("change them as shown above"))]
    Wording { count: usize },
    /// A chain of hashes does not hold.
    #[error("something that was written is not as it was written")]
    #[diagnostic(help("compare with a backup; the first that is wrong is named above"))]
    Tampered,
    /// A service answered with an error.
    #[error("{}", shown(.0))]
    Call(Box<Status>),
    /// One of the services that a list is made of did not answer; what the others have was printed.
    #[error("{service} did not answer ({why}): {what} are missing above")]
    #[diagnostic(help("`redress status` names what is away; ask again once it is back"))]
    Partial {
        service: &'static str,
        what: &'static str,
        why: String,
    },
    /// A service refused, told in the words of the command line: options and commands instead of fields and methods.
    #[error("{text}")]
    Refused { text: String },
    /// A file or folder.
    #[error("{what} {path}")]
    File {
        what: &'static str,
        path: String,
        #[source]
        source: std::io::Error,
    },
    /// A corpus file.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Corpus(#[from] crate::corpus::CorpusError),
    /// A policy file.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Policy(Box<crate::commands::policy::WrongPolicy>),
    /// The demo file.
    #[error("the demo organization in {path} cannot be used: {reason}")]
    Demo { path: String, reason: String },
    /// A script of a drill.
    #[error("the drill script {name} is wrong:\n{problems}")]
    Script {
        name: String,
        problems: redress_policy::Problems,
    },
    /// No drill was run here.
    #[error("no drill was run in {home}")]
    #[diagnostic(help("run one: `redress drill run plan-change`"))]
    NoDrill { home: String },
    /// A team did not do what was expected of it.
    #[error("{} missed", counted(missed, "expectation was", "expectations were"))]
    #[diagnostic(help("`redress drill score` shows which"))]
    Missed { missed: usize },
    /// A drill that reached somebody. Cannot be; is looked for all the same.
    #[error(
        "{} of the drill went by gateways that reach people",
        counted(left, "message", "messages")
    )]
    Left { left: usize },
    /// Rows of a replay failed.
    #[error("{failed} of {rows} rows failed")]
    Replay { failed: usize, rows: usize },
    /// The private database ended under the platform.
    #[error(
        "Postgres ended ({how}; its log is {log}) and nothing goes on without it; what was answered is kept, start again with `redress up`"
    )]
    PostgresEnded { how: String, log: String },
    /// A part of the platform.
    #[error("{what}")]
    Platform {
        what: &'static str,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The platform does not run as it should.
    #[error(
        "{} the platform from running as it should",
        counted(count, "thing keeps", "things keep")
    )]
    #[diagnostic(help("each names its section of docs/runbook.md above"))]
    Trouble { count: usize },
    /// Something is missing on this machine.
    #[error("{0}")]
    Doctor(String),
}

impl Failure {
    /// A part of the platform did not do what it must.
    pub(crate) fn platform(
        what: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Platform {
            what,
            source: source.into(),
        }
    }

    /// A list lacks `what`, since that service did not answer.
    pub(crate) fn partial(service: ServiceArg, what: &'static str, status: &Status) -> Self {
        Self::Partial {
            service: service.name(),
            what,
            why: in_short(status),
        }
    }
}

impl Failure {
    /// The same in the words of the command line: the fields and methods that a service names are those of its contract, and
    /// whoever types knows commands and `options`, as [`typed`] spells them. A field that none of them gives keeps its name.
    pub(crate) fn in_options(self, options: &[String]) -> Self {
        let Self::Call(status) = &self else {
            return self;
        };
        let details = status.get_error_details();
        let violations = details.bad_request().map(|b| &b.field_violations);
        let Some(violations) = violations.filter(|v| !v.is_empty()) else {
            let text = in_commands(&shown(status), options);
            return Self::Refused { text };
        };
        let told = violations.iter().map(|v| {
            let field = option_of(&v.field, options).unwrap_or_else(|| v.field.clone());
            let said = in_commands(in_words(&v.field, &v.description), options);
            format!("{field} {said}")
        });
        let left_out = details
            .error_info()
            .and_then(|info| info.metadata.get(LEFT_OUT))
            .map(|count| format!("and {count} more"));
        let text = told.chain(left_out).collect::<Vec<_>>().join("; ");
        Self::Refused { text }
    }
}

/// What a sum of money consists of; it is typed as one.
const PARTS_OF_MONEY: [&str; 3] = ["currency_code", "units", "nanos"];

/// Fields that are typed under another name, where a command has no argument of their own.
static TYPED_AS: [(&str, &[&str]); 46] = [
    ("acceptance-date", &["accepted"]),
    ("basis", &["signal"]),
    ("commitments", &["promise"]),
    ("consent-channel", &["consent"]),
    ("contract-sum", &["sum"]),
    ("correction-reason", &["corrects"]),
    ("display-name", &["name"]),
    ("display-name-en", &["english"]),
    ("document", &["file"]),
    ("effective-time", &["from"]),
    ("end-date", &["to"]),
    ("end-time", &["until"]),
    ("from-month", &["from"]),
    ("hold-time", &["at"]),
    ("limit", &["minutes", "hours"]),
    ("name", &["case", "request", "order"]),
    ("number-prefix", &["prefix"]),
    ("numbers", &["case", "name"]),
    ("offered-to", &["offered"]),
    ("other", &["into"]),
    ("outside-body", &["outside"]),
    ("outside-number", &["number"]),
    ("override-reason", &["override-wording"]),
    ("parent", &["site", "case", "incident"]),
    ("participants", &["with"]),
    ("person-tokens", &["to"]),
    ("promised-next-time", &["next"]),
    ("query", &["words"]),
    ("receive-time", &["received"]),
    ("receiver", &["to"]),
    ("resume-token", &["resume"]),
    ("return-form", &["form"]),
    ("root-cause", &["cause"]),
    ("staff-complained-about", &["about", "staff"]),
    ("start-date", &["from"]),
    ("start-time", &["from"]),
    ("stated", &["need"]),
    ("stated-category", &["category"]),
    ("to-month", &["to"]),
    ("valid-from", &["from"]),
    ("valid-to", &["to"]),
    ("validity", &["decide", "grant"]),
    ("visit-id", &["id"]),
    ("vulnerable-groups", &["vulnerable"]),
    ("waivers", &["waive"]),
    ("wording-override-reason", &["override-wording"]),
];

/// Methods that services name where a caller is to go on, and the commands that call them.
static COMMANDS: [(&str, &str); 13] = [
    ("AcceptAssignment", "redress work accept"),
    ("AddBriefingNotes", "redress briefing record"),
    ("AppointDeputy", "redress incident deputy"),
    ("CheckWording", "redress wording check"),
    ("ListHeldMessages", "redress message held"),
    ("ListTasks", "redress task list"),
    ("ListTemplates", "redress template list"),
    ("OfferHandover", "redress work handover"),
    ("OfferRole", "redress incident offer"),
    ("RecordSurveyCall", "redress survey call"),
    ("ReleaseMessage", "redress message release"),
    ("SplitCase", "redress incident split"),
    ("UpdateStatement", "redress statement edit"),
];

/// An option that stands beside `--region` and `--site`: which of them gave `parent` is not known where a command has it.
const LEVEL: &str = "organization";

/// What is typed for a field, as [`typed`] spells it: `site.display_name` comes from `--display-name`,
/// `terms.remedies[0].amount` from `--amount`, `case.claim.units` from `--claim`, `numbers[0]` from `<NAME>`, `due_time` from
/// `--due`.
fn option_of(field: &str, options: &[String]) -> Option<String> {
    let mut names = field.rsplit('.');
    let last = names.next()?;
    let sum = names.next().filter(|_| PARTS_OF_MONEY.contains(&last));
    let known = |word: &str| {
        let spelled = [typed(word, false), typed(word, true)];
        spelled.into_iter().find(|word| options.contains(word))
    };
    // What is one of several may be typed whole: `commitments[0].due_time` comes from `--promise`.
    let whole = names.next().or(sum).filter(|name| name.contains('['));
    let parts = sum.into_iter().chain([last]).chain(whole);
    parts.into_iter().find_map(|name| {
        let name = name.split('[').next()?.replace('_', "-");
        let singular = name.strip_suffix('s').unwrap_or(&name);
        let instant = name.strip_suffix("-time").unwrap_or(&name);
        let is_of_level = name == "parent" && known(LEVEL).is_some();
        let others = TYPED_AS.iter().find(|(field, _)| *field == name);
        let others = others.filter(|_| !is_of_level);
        let others = others.map_or(&[][..], |(_, others)| *others);
        let own = [name.as_str(), singular, instant];
        let mut words = own.into_iter().chain(others.iter().copied());
        words.find_map(known)
    })
}

/// A text of a service with the fields and methods in it as they are typed.
fn in_commands(text: &str, options: &[String]) -> String {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || "_.[]/".contains(c);
    let mut told = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !is_of_name(c)).unwrap_or(rest.len());
        let (word, behind) = rest.split_at(end);
        // What ends a sentence is no part of a name.
        let name = word.trim_end_matches('.');
        match in_command(name, options) {
            Some(typed) => told.push_str(&typed),
            None => told.push_str(name),
        }
        told.push_str(&word[name.len()..]);
        let next = behind.find(is_of_name).unwrap_or(behind.len());
        let (between, behind) = behind.split_at(next);
        told.push_str(between);
        rest = behind;
    }
    told
}

/// What is typed for a word of a service's text: a command for a method, an option for a field. Fields are told from words by
/// an underscore or an index, and from names of resources by no slash.
fn in_command(word: &str, options: &[String]) -> Option<String> {
    if let Some((_, command)) = COMMANDS.iter().find(|(method, _)| *method == word) {
        return Some(format!("`{command}`"));
    }
    if word.contains(['_', '[']) && !word.contains('/') {
        option_of(word, options)
    } else {
        None
    }
}

/// How the usage of a command spells an argument: `--cause`, or `<NAME>` for one without dashes.
pub(crate) fn typed(name: &str, positional: bool) -> String {
    if positional {
        format!("<{}>", name.to_uppercase().replace('-', "_"))
    } else {
        format!("--{name}")
    }
}

/// What a service says of a field, in the words of whoever typed it.
fn in_words<'a>(field: &str, description: &'a str) -> &'a str {
    if description.starts_with("value length must be at least 1 ") {
        "must not be empty"
    } else if field.ends_with(".nanos") {
        "must be zero or more, with at most two decimals"
    } else {
        description
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Self::Call(Box::new(status))
    }
}

/// A status as one sentence: what, and the fields it names.
pub(crate) fn shown(status: &Status) -> String {
    if connect::is_broken(status) {
        let cause = connect::cause(status);
        if let Some(mend) = connect::distrust(status) {
            return format!("the platform cannot be trusted ({cause}): {mend}");
        }
        return format!(
            "the platform cannot be reached ({cause}): does it run? `redress status` names the service that is away; on this machine `redress up` starts one"
        );
    }
    let details = status.get_error_details();
    let reason = details
        .error_info()
        .map(|i| format!(" ({})", i.reason))
        .unwrap_or_default();
    match status.code() {
        Code::Unavailable => format!(
            "the service cannot be reached: {}; does the platform run?{reason}",
            status.message()
        ),
        Code::DeadlineExceeded => format!(
            "{}: it is slow, not away, and may still do what was asked; `redress status` says what it waits for, then look and ask again",
            in_short(status)
        ),
        Code::PermissionDenied => {
            let info = details.error_info();
            let permission = info.and_then(|info| info.metadata.get("permission"));
            let with = permission.map_or_else(String::new, |wanted| had_by(wanted));
            format!("{}{reason}{with}", status.message())
        }
        _ => format!("{}{reason}", status.message()),
    }
}

/// Which roles allow it where the platform has the ones that come with the product.
fn had_by(permission: &str) -> String {
    let shipped = redress_runtime::config::shipped_roles();
    let roles = shipped.map(|roles| roles.with(permission).join(", "));
    match roles {
        Ok(roles) if !roles.is_empty() => {
            format!("; as shipped the roles that allow it are {roles}")
        }
        _ => String::new(),
    }
}

/// Why a call that is made again did not succeed, in a few words.
pub(crate) fn in_short(status: &Status) -> String {
    if connect::is_broken(status) {
        return connect::cause(status);
    }
    match status.message() {
        "" => format!("{:?}", status.code()),
        message => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_and_paths_of_a_failure_are_not_broken_where_its_text_wraps() {
        let (command, path) = (
            "`redress up --fresh --home elsewhere`",
            "/srv/a-folder-of-many-words/and/another/endpoints.json",
        );
        let text =
            format!("{path} is missing; put it back, or start with {command}, and ask again");
        let options = textwrap::Options::new(24)
            .break_words(false)
            .word_separator(WordSeparator::Custom(words))
            .word_splitter(WordSplitter::NoHyphenation);
        let wrapped = textwrap::fill(&text, options);
        assert!(wrapped.lines().count() > 3, "{wrapped}");
        for whole in [command, path] {
            assert!(
                wrapped.lines().any(|line| line.contains(whole)),
                "{wrapped}"
            );
        }
        let again: Vec<&str> = wrapped.split_whitespace().collect();
        let words: Vec<&str> = text.split_whitespace().collect();
        assert_eq!(again, words, "nothing is lost");
    }

    #[test]
    fn a_case_without_a_solution_says_so_and_how_to_propose_one() {
        let failure = Failure::NoSolution {
            case: "LS-20261121-0001".to_owned(),
        };
        let told = "case LS-20261121-0001 has no solution yet";
        assert_eq!(failure.to_string(), told);
        let help = failure.help().map(|help| help.to_string());
        let advice = "propose one: `redress solution propose LS-20261121-0001 --terms FILE`";
        assert_eq!(help.as_deref(), Some(advice));
    }

    #[test]
    fn what_is_slow_is_told_apart_from_what_is_away_and_from_what_was_refused() {
        let slow = shown(&Status::deadline_exceeded("triage did not answer in time"));
        assert!(
            slow.starts_with("triage did not answer in time: it is slow, not away"),
            "{slow}"
        );
        let away = shown(&Status::from_error("connection refused".into()));
        let busy = shown(&Status::unavailable("starts"));
        for told in [&away, &busy] {
            assert!(told.contains("cannot be reached"), "{told}");
            assert!(!told.contains("slow"), "{told}");
        }
        for code in [
            Code::Cancelled,
            Code::Internal,
            Code::InvalidArgument,
            Code::NotFound,
            Code::ResourceExhausted,
        ] {
            assert_eq!(shown(&Status::new(code, "its words")), "its words");
        }
    }

    #[test]
    fn what_is_typed_under_another_name_or_without_dashes_is_named_as_it_is_typed() {
        for (field, given, shown) in [
            ("numbers[0]", typed("name", true), "<NAME>"),
            ("numbers[0]", typed("case", true), "<CASE>"),
            ("numbers[0]", typed("case", false), "--case"),
            ("query", typed("words", true), "<WORDS>"),
            ("root_cause", typed("cause", false), "--cause"),
            ("event_id", typed("event_id", true), "<EVENT_ID>"),
        ] {
            let found = option_of(field, std::slice::from_ref(&given));
            assert_eq!(found.as_deref(), Some(shown), "{field}");
        }
        for (field, said, told) in [
            (
                "query",
                "value length must be at least 1 characters",
                "must not be empty",
            ),
            (
                "case.claim.nanos",
                "must be whole fen: a multiple of 10000000 from 0 to 990000000",
                "must be zero or more, with at most two decimals",
            ),
            (
                "case.claim.units",
                "must be from 0 to 9",
                "must be from 0 to 9",
            ),
        ] {
            assert_eq!(in_words(field, said), told);
        }
    }

    #[test]
    fn the_fields_of_everyday_commands_are_named_as_they_are_typed() {
        let long = |names: &[&str]| names.iter().map(|n| typed(n, false)).collect::<Vec<_>>();
        for (field, options, shown) in [
            // case create, contact, custody, update, about
            (
                "case.complainants[0].display_name",
                long(&["site", "name"]),
                "--name",
            ),
            (
                "case.staff_complained_about[1]",
                long(&["about"]),
                "--about",
            ),
            (
                "case.staff_complained_about[1]",
                long(&["staff"]),
                "--staff",
            ),
            ("case.needs.stated", long(&["need"]), "--need"),
            (
                "case.stated_category",
                long(&["unit", "category"]),
                "--category",
            ),
            (
                "needs.vulnerable_groups[0]",
                long(&["vulnerable"]),
                "--vulnerable",
            ),
            ("contact.promised_next_time", long(&["next"]), "--next"),
            ("entry.outside_body", long(&["outside"]), "--outside"),
            ("parent", long(&["site", "case"]), "--site"),
            // work
            ("due_time", long(&["staff", "due"]), "--due"),
            ("plan_time", long(&["plan"]), "--plan"),
            ("visit_id", long(&["id"]), "--id"),
            ("participants[0]", long(&["with"]), "--with"),
            ("limit", long(&["to", "minutes"]), "--minutes"),
            ("consent_channel", long(&["consent"]), "--consent"),
            ("validity", long(&["decide", "reason"]), "--decide"),
            (
                "wording_override_reason",
                long(&["answer", "override-wording"]),
                "--override-wording",
            ),
            ("name", vec![typed("case", true)], "<CASE>"),
            (
                "name",
                vec![typed("request", true), typed("evidence", false)],
                "<REQUEST>",
            ),
            // message, statement, incident, wording
            ("person_tokens[0]", long(&["to"]), "--to"),
            ("appointment.visit_time", long(&["visit"]), "--visit"),
            (
                "override_reason",
                long(&["override-wording"]),
                "--override-wording",
            ),
            (
                "statement.correction_reason",
                long(&["corrects"]),
                "--corrects",
            ),
            ("waivers[0]", long(&["waive"]), "--waive"),
            ("document", vec![typed("file", true)], "<FILE>"),
            // What a command has an argument of its own for is not typed under another name.
            (
                "site.display_name",
                vec![typed("name", true), typed("display-name", false)],
                "--display-name",
            ),
        ] {
            let found = option_of(field, &options);
            assert_eq!(found.as_deref(), Some(shown), "{field} {options:?}");
        }
        // Which of several options gave it is not known.
        let levels = long(&["organization", "region", "site"]);
        assert_eq!(option_of("parent", &levels), None);
    }

    #[test]
    fn what_a_service_says_names_options_and_commands_and_no_fields_and_methods() {
        let long = |names: &[&str]| names.iter().map(|n| typed(n, false)).collect::<Vec<_>>();
        for (said, options, told) in [
            (
                "change the text (CheckWording says where and how), or give override_reason with the permission wording.override",
                long(&["text", "override-wording"]),
                "change the text (`redress wording check` says where and how), or give --override-wording with the permission wording.override",
            ),
            (
                "does not wait; ListHeldMessages says which do",
                long(&["reason"]),
                "does not wait; `redress message held` says which do",
            ),
            (
                "must be after start_time.",
                long(&["from", "until"]),
                "must be after --from.",
            ),
            (
                "case.signals[0].basis says that staff confirmed it",
                long(&["signal"]),
                "--signal says that staff confirmed it",
            ),
            // Words, permissions, reasons, names and fields that nothing gives stay.
            (
                "the text of sites/a/b_text; cases.read_text is missing (NO_TEXT), not start_time",
                long(&["text", "b-text"]),
                "the text of sites/a/b_text; cases.read_text is missing (NO_TEXT), not start_time",
            ),
            ("楼栋 must be given", long(&["text"]), "楼栋 must be given"),
        ] {
            let status = Status::failed_precondition(said);
            let failure = Failure::from(status).in_options(&options);
            assert_eq!(failure.to_string(), told);
        }
        let fields = [tonic_types::FieldViolation::new(
            "end_time",
            "must be after start_time",
        )];
        let details = tonic_types::ErrorDetails::with_bad_request(fields);
        let status = redress_proto::refusal::refusal(Code::InvalidArgument, "no", details);
        let failure = Failure::from(status).in_options(&long(&["from", "until"]));
        assert_eq!(failure.to_string(), "--until must be after --from");
        // What did not fit into the answer is counted.
        let phones = (0..300).map(|i| {
            let field = format!("case.complainants[{i}].phone");
            tonic_types::FieldViolation::new(field, "must be a telephone number")
        });
        let mut details = tonic_types::ErrorDetails::with_error_info("INVALID_FIELD", "", []);
        details.set_bad_request(phones.collect::<Vec<_>>());
        let status = redress_proto::refusal::refusal(Code::InvalidArgument, "no", details);
        let said = Failure::from(status)
            .in_options(&long(&["phone"]))
            .to_string();
        assert!(
            said.starts_with("--phone must be a telephone number; "),
            "{said}"
        );
        assert!(
            said.contains("; and 2") && said.ends_with(" more"),
            "{said}"
        );
    }

    #[test]
    fn the_methods_that_services_name_are_called_by_commands_that_exist() {
        use clap::CommandFactory as _;
        let all = crate::args::Cli::command();
        for (method, command) in COMMANDS {
            let mut words = command.split(' ').skip(1);
            let found = words.try_fold(&all, |above, word| above.find_subcommand(word));
            assert!(found.is_some(), "{command}");
            assert!(crate::json::is_method(method), "{method}");
        }
    }

    #[test]
    fn a_missing_permission_says_which_roles_have_it_as_shipped() {
        let refused = |permission: &str| {
            let metadata = [("permission".to_owned(), permission.to_owned())];
            let details =
                tonic_types::ErrorDetails::with_error_info("PERMISSION_DENIED", "", metadata);
            let text = "the permission is missing";
            shown(&redress_proto::refusal::refusal(
                Code::PermissionDenied,
                text,
                details,
            ))
        };
        let told = refused("signals.confirm");
        assert!(told.contains("admin") && told.contains("manager"), "{told}");
        assert!(
            !told.contains("clerk") && !told.contains("portal"),
            "{told}"
        );
        // What services alone may names nobody.
        let told = refused("cases.read_text");
        assert_eq!(told, "the permission is missing (PERMISSION_DENIED)");
    }

    #[test]
    fn a_refused_field_is_named_as_the_option_that_gives_it() {
        let options = [
            "answer",
            "amount",
            "skill",
            "postal-address",
            "claim",
            "unit",
        ]
        .map(|name| typed(name, false));
        for (field, option) in [
            ("answer", Some("--answer")),
            ("terms.remedies[0].amount", Some("--amount")),
            ("staff.skills[2]", Some("--skill")),
            (
                "case.complainants[0].postal_address",
                Some("--postal-address"),
            ),
            // A claim has no unit, and a place has one.
            ("case.claim.units", Some("--claim")),
            ("case.claim.nanos", Some("--claim")),
            ("case.place.unit", Some("--unit")),
            ("terms.remedies[0].amount.units", Some("--amount")),
            // Other things than sums have units.
            ("entry.units", Some("--unit")),
            ("units[1]", Some("--unit")),
            ("update_mask", None),
        ] {
            assert_eq!(option_of(field, &options).as_deref(), option, "{field}");
        }
    }
}
