//! Writes a message, from the product's own text or from one that an organization, a region or a site puts in its
//! place. Our own are compiled in, one file a key and language with the blocks `subject` and `body`. Strict: a name
//! that a text uses and nobody gives is an error, found by the test that renders every one of ours and by the check
//! at save of theirs, not by a customer.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, tz::TimeZone};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context};
use redress_model::text::is_blank;
use redress_model::words::{CaseStatus, ClockKind, DutyRole};

use super::digest::Digest;
use super::labels;
use super::message::{Appointment, Facts};
use super::texts::{BODY_CHARS_MAX, SUBJECT_CHARS_MAX, Source};
use super::variables;
use super::words::{Language, Template, VisitPlace};

/// What a text is written from.
#[derive(Clone)]
pub struct Material<'a> {
    /// What the cause said.
    pub facts: &'a Facts,
    /// The reader's name; empty where unknown.
    pub reader: &'a str,
    /// Name of the site.
    pub site: &'a str,
    /// Time zone in which times are told.
    pub zone: &'a TimeZone,
    /// Name of the person who looks after the case; empty where not known.
    pub owner: &'a str,
    /// That person's department; empty where unknown.
    pub owner_department: &'a str,
    /// That person's phone; empty where unknown.
    pub owner_phone: &'a str,
    /// Who comes; empty for everything but appointments.
    pub visitor: &'a str,
    /// What somebody wrote to be sent; empty for everything else.
    pub text: &'a str,
    /// Title of a notice; empty for everything else.
    pub title: &'a str,
    /// Resource name of a notice; empty for everything else.
    pub notice: &'a str,
    /// By when a person will have been in touch.
    pub next_time: Option<Timestamp>,
    /// Resource name of the case; empty where none.
    pub case: &'a str,
    /// Resource name of the incident; empty where none.
    pub incident: &'a str,
    /// Resource name of the message.
    pub message: &'a str,
    /// Where the reader answers; empty where nobody does, or nobody serves it.
    pub link: &'a str,
    /// What a digest tells; empty for everything else.
    pub digest: &'a Digest,
    /// Page of a call-out, from 1.
    pub page: i32,
    /// Last page of a call-out.
    pub page_max: i32,
}

/// A text ready to be sent. May name a person: never logged; hence no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Text {
    /// One line.
    pub subject: String,
    /// Plain text.
    pub body: String,
    /// What it was written from, by name: for gateways that know texts by codes.
    pub params: BTreeMap<String, serde_json::Value>,
}

/// A template could not be written. A defect of the product; says where, not what was in it.
#[derive(Debug, thiserror::Error)]
#[error("the template {template} ({language}) cannot be written")]
pub struct RenderError {
    /// Key of the template.
    pub template: &'static str,
    /// Language.
    pub language: &'static str,
    /// Why.
    #[source]
    source: minijinja::Error,
}

/// All templates, checked when made.
#[derive(Debug)]
pub struct Templates {
    environment: Environment<'static>,
}

macro_rules! sources {
    ($($key:literal),+) => {
        [$(
            (concat!($key, ".zh-CN"), include_str!(concat!("../../templates/", $key, ".zh-CN.j2"))),
            (concat!($key, ".en"), include_str!(concat!("../../templates/", $key, ".en.j2"))),
        )+]
    };
}

const SOURCES: [(&str, &str); 54] = sources!(
    "case.received",
    "case.assigned",
    "clock.warned",
    "clock.breached",
    "clock.climbed",
    "clock.paged_again",
    "clock.digest",
    "incident.callout",
    "signal.suspected",
    "task.waiting",
    "case.message",
    "survey.asked",
    "work.summoned",
    "case.progress",
    "case.proposed",
    "case.closed",
    "notice.owners",
    "safety.notice",
    "notice.waiting",
    "work.noticed",
    "statement.published",
    "voice.waiting",
    "case.resolved",
    "case.rejected",
    "appeal.dismissed",
    "case.appointment",
    "praise.thanked"
);

/// A text of somebody's own cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextProblem {
    /// `subject` or `body`.
    pub field: &'static str,
    /// What would be right.
    pub what: String,
}

/// Steps of the interpreter that one text may take.
const FUEL: u64 = 50_000;

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    // Debug information of an error would carry the values, which name people.
    environment.set_debug(false);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_fuel(Some(FUEL));
    environment
}

/// What stands in a block of one of our files.
fn block<'a>(file: &'a str, name: &str) -> Option<&'a str> {
    let begin = format!("{{% block {name} %}}");
    let from = file.find(&begin)? + begin.len();
    let to = file[from..].find("{% endblock %}")? + from;
    Some(file[from..to].trim())
}

impl Templates {
    /// Reads the templates.
    pub fn compiled_in() -> Result<Self, RenderError> {
        let mut environment = environment();
        for (name, file) in SOURCES {
            for part in ["subject", "body"] {
                let source = block(file, part).unwrap_or_default();
                environment
                    .add_template_owned(format!("{name}.{part}"), source)
                    .map_err(|source| RenderError {
                        template: name,
                        language: "",
                        source,
                    })?;
            }
        }
        Ok(Self { environment })
    }

    /// The product's own text.
    pub fn built_in(template: Template, language: Language) -> Source {
        let key = format!("{}.{}", template.key(), language.tag());
        let file = SOURCES
            .iter()
            .find(|(name, _)| *name == key)
            .map_or("", |(_, file)| *file);
        let part = |name| block(file, name).unwrap_or_default().to_owned();
        Source {
            subject: part("subject"),
            body: part("body"),
        }
    }

    /// What is wrong with a text of somebody's own: too long, no template, or a name that this template does not
    /// have. A text that is right is written from full and from bare material without a fault.
    pub fn check(template: Template, language: Language, source: &Source) -> Vec<TextProblem> {
        let mut problems = Vec::new();
        let known: BTreeSet<&str> = variables::of(template).iter().map(|v| v.name).collect();
        let mut environment = environment();
        for (field, text, limit) in [
            ("subject", &source.subject, SUBJECT_CHARS_MAX),
            ("body", &source.body, BODY_CHARS_MAX),
        ] {
            let mut wrong = |what: String| problems.push(TextProblem { field, what });
            if is_blank(text) || text.chars().count() > limit || text.contains('\0') {
                wrong(format!("must be 1 to {limit} characters, without U+0000"));
                continue;
            }
            let parsed = environment
                .add_template_owned(field, text.clone())
                .and_then(|()| environment.get_template(field));
            match parsed {
                Err(error) => wrong(format!(
                    "is no template: line {}: {}",
                    error.line().unwrap_or(1),
                    error.kind()
                )),
                Ok(parsed) => {
                    let mut unknown: Vec<String> = parsed
                        .undeclared_variables(false)
                        .into_iter()
                        .filter(|name| !known.contains(name.as_str()))
                        .collect();
                    unknown.sort_unstable();
                    if !unknown.is_empty() {
                        let legal: Vec<&str> = known.iter().copied().collect();
                        wrong(format!(
                            "names {}, which {} does not have; it has {}",
                            unknown.join(", "),
                            template.key(),
                            legal.join(", ")
                        ));
                    }
                }
            }
        }
        if problems.is_empty() {
            for rich in [true, false] {
                if let Err(error) = sample(template, language, source, rich) {
                    let what = format!("cannot be written: {}", error.source.kind());
                    let field = "body";
                    problems.push(TextProblem { field, what });
                    break;
                }
            }
        }
        problems
    }

    /// What a text leaves out that it has to say; a text that cannot be written at all is another problem.
    pub fn unsaid(template: Template, language: Language, source: &Source) -> Option<TextProblem> {
        let written = sample(template, language, source, true).ok()?;
        let whole = format!("{}\n{}", written.subject, written.body);
        let missing: Vec<&str> = variables::required(template)
            .iter()
            .copied()
            .filter(|name| {
                let value = written.params.get(*name).and_then(|value| value.as_str());
                !value.is_some_and(|value| whole.contains(value))
            })
            .collect();
        (!missing.is_empty()).then(|| TextProblem {
            field: "body",
            what: format!(
                "must say {} where known: customers rely on it (M16)",
                missing.join(", ")
            ),
        })
    }

    /// Writes a message, from the product's own text or the one given.
    pub fn render(
        &self,
        template: Template,
        language: Language,
        own: Option<&Source>,
        material: &Material<'_>,
    ) -> Result<Text, RenderError> {
        let values = Value::from(values(template, language, material));
        let params = params(&values);
        let fault = |source| RenderError {
            template: template.key(),
            language: language.tag(),
            source,
        };
        let part = |name: &str, text: Option<&str>| match text {
            Some(text) => environment().render_str(text, values.clone()),
            None => self
                .environment
                .get_template(&format!("{}.{}.{name}", template.key(), language.tag()))
                .and_then(|template| template.render(values.clone())),
        };
        Ok(Text {
            subject: one_line(&part("subject", own.map(|o| o.subject.as_str())).map_err(fault)?),
            body: tidy(&part("body", own.map(|o| o.body.as_str())).map_err(fault)?),
            params,
        })
    }
}

/// A text written from sample material: full, or with nothing that may be missing.
pub fn sample(
    template: Template,
    language: Language,
    source: &Source,
    rich: bool,
) -> Result<Text, RenderError> {
    let pick = |chinese, english| match language {
        Language::Chinese => chinese,
        Language::English => english,
    };
    let at = |second| Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH);
    // 2026-11-22, 09:30 and 14:00 in China.
    let (due, next) = (at(1_795_311_000), at(1_795_327_200));
    let facts = Facts {
        number: "LAKE-261121-0007".to_owned(),
        grade: 2,
        clock_kind: Some(ClockKind::Answer),
        due_time: Some(due),
        level: 1,
        role: Some(DutyRole::Spokesperson),
        status: Some(CaseStatus::Investigating),
        appointment: Some(Appointment {
            time: next,
            place: VisitPlace::Home,
            visitor: String::new(),
        }),
        ..Facts::default()
    };
    let digest = Digest {
        breached: 3,
        warned: 2,
        named: vec![facts.clone()],
        more: 4,
        ..Digest::default()
    };
    let zone = TimeZone::fixed(jiff::tz::offset(8));
    let full = Material {
        facts: &facts,
        reader: pick("王芳", "Wang Fang"),
        site: pick("湖畔花园", "Lake Garden"),
        zone: &zone,
        owner: pick("李明", "Li Ming"),
        owner_department: pick("工程部", "Engineering"),
        owner_phone: "021-5550 0100",
        visitor: pick("赵强", "Zhao Qiang"),
        text: pick(
            "我们明天上午九点到现场检查。",
            "We come to look at it tomorrow at nine.",
        ),
        title: pick("请查看厨房水管", "Please check the pipe in your kitchen"),
        notice: "sites/lake/notices/0190a6c2-0000-7000-8000-000000000004",
        next_time: Some(next),
        case: "sites/lake/cases/0190a6c2-0000-7000-8000-000000000001",
        incident: "sites/lake/incidents/0190a6c2-0000-7000-8000-000000000002",
        message: "sites/lake/messages/0190a6c2-0000-7000-8000-000000000003",
        link: "https://portal.example.com/survey?token=sample",
        digest: &digest,
        page: 1,
        page_max: 4,
    };
    let bare = Material {
        reader: "",
        owner: "",
        owner_department: "",
        owner_phone: "",
        visitor: "",
        link: "",
        next_time: None,
        ..full.clone()
    };
    let material = if rich { &full } else { &bare };
    let values = Value::from(values(template, language, material));
    let fault = |source| RenderError {
        template: template.key(),
        language: language.tag(),
        source,
    };
    let environment = environment();
    let write = |text: &str| environment.render_str(text, values.clone()).map_err(fault);
    Ok(Text {
        subject: one_line(&write(&source.subject)?),
        body: tidy(&write(&source.body)?),
        params: params(&values),
    })
}

fn params(values: &Value) -> BTreeMap<String, serde_json::Value> {
    serde_json::to_value(values)
        .ok()
        .and_then(|values| serde_json::from_value(values).ok())
        .unwrap_or_default()
}

/// What a text may use; of what is known, its template's own part alone.
fn values(
    template: Template,
    language: Language,
    material: &Material<'_>,
) -> BTreeMap<&'static str, Value> {
    let facts = material.facts;
    let zone = material.zone;
    let told_at =
        |time: Option<Timestamp>| time.map_or_else(String::new, |time| told(time, zone, language));
    variables::of(template)
        .into_iter()
        .map(|variable| {
            let value = match variable.name {
                "number" => Value::from(facts.number.as_str()),
                "grade" => Value::from(facts.grade),
                "promise" => facts
                    .clock_kind
                    .map_or("", |kind| labels::promise(kind, language))
                    .into(),
                "due_time" => told_at(facts.due_time).into(),
                "rung" => labels::rung(facts.level, language).into(),
                "role" => facts
                    .role
                    .map_or("", |role| labels::duty(role, language))
                    .into(),
                "public_mode" => facts.public_mode.into(),
                "provisional" => facts.provisional.into(),
                "complainants" => facts.complainants.into(),
                "position" => facts.position.as_str().into(),
                "news" => facts.news.as_str().into(),
                "headline" => labels::news(&facts.news, language).into(),
                "about" => facts.about.as_str().into(),
                "matter" => matter(facts, language).into(),
                "reader" => one_line(material.reader).into(),
                "site" => one_line(material.site).into(),
                "owner" => one_line(material.owner).into(),
                "owner_department" => one_line(material.owner_department).into(),
                "owner_phone" => one_line(material.owner_phone).into(),
                "visitor" => one_line(material.visitor).into(),
                "visit_time" => told_at(facts.appointment.as_ref().map(|a| a.time)).into(),
                "place" => facts
                    .appointment
                    .as_ref()
                    .map_or("", |a| labels::place(a.place, language))
                    .into(),
                "text" => material.text.into(),
                "title" => one_line(material.title).into(),
                "notice" => material.notice.into(),
                "for_approval" => facts.for_approval.into(),
                "step" => facts.status.map_or("", |status| status.word()).into(),
                "next_time" => told_at(material.next_time).into(),
                "case" => material.case.into(),
                "incident" => material.incident.into(),
                "resource" if material.case.is_empty() => material.incident.into(),
                "resource" => material.case.into(),
                "message" => material.message.into(),
                "link" => material.link.into(),
                "page" => material.page.into(),
                "page_max" => material.page_max.into(),
                "digest" => digest_values(material, language),
                _ => Value::UNDEFINED,
            };
            (variable.name, value)
        })
        .collect()
}

fn digest_values(material: &Material<'_>, language: Language) -> Value {
    let digest = material.digest;
    context! {
        total => digest.total(),
        warned => digest.warned,
        breached => digest.breached,
        climbed => digest.climbed,
        paged_again => digest.paged_again,
        noticed => digest.noticed,
        offered => digest.offered,
        more => digest.more,
        lines => digest.named.iter()
            .map(|facts| line(facts, material.zone, language))
            .collect::<Vec<_>>(),
    }
}

/// What a promise belongs to: a complaint by its number, else an incident.
fn matter(facts: &Facts, language: Language) -> String {
    match (facts.number.is_empty(), language) {
        (false, Language::Chinese) => format!("投诉 {}", facts.number),
        (false, Language::English) => format!("complaint {}", facts.number),
        (true, Language::Chinese) => "一级事件".to_owned(),
        (true, Language::English) => "grade-1 incident".to_owned(),
    }
}

/// One matter of a digest: a promise, an offer, or news of the work.
fn line(facts: &Facts, zone: &TimeZone, language: Language) -> String {
    let due = facts
        .due_time
        .map_or_else(String::new, |t| told(t, zone, language));
    let what = match (facts.clock_kind, language) {
        // An offer is told without a word of news.
        (None, Language::Chinese) if facts.news.is_empty() => "请您接手".to_owned(),
        (None, Language::English) if facts.news.is_empty() => "offered to you".to_owned(),
        (None, _) => labels::news(&facts.news, language).to_owned(),
        (Some(kind), Language::Chinese) => {
            format!("{}，截止 {due}", labels::promise(kind, language))
        }
        (Some(kind), Language::English) => {
            format!("{}, due {due}", labels::promise(kind, language))
        }
    };
    if facts.is_of_no_case() {
        return match language {
            Language::Chinese => format!("{}：{what}", facts.about),
            Language::English => format!("{}: {what}", facts.about),
        };
    }
    let matter = matter(facts, language);
    match language {
        Language::Chinese => format!("{matter}（{}级）：{what}", facts.grade),
        Language::English => format!("{matter} (grade {}): {what}", facts.grade),
    }
}

/// A time in plain words, in the site's zone.
fn told(time: Timestamp, zone: &TimeZone, language: Language) -> String {
    let local = time.to_zoned(zone.clone());
    match language {
        Language::Chinese => format!(
            "{}月{}日 {:02}:{:02}",
            local.month(),
            local.day(),
            local.hour(),
            local.minute()
        ),
        Language::English => local.strftime("%H:%M on %-d %B").to_string(),
    }
}

/// Names come from people: no line break of theirs reaches a subject or a header.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Drops the blank lines that template tags leave: at most one in a row, none at the ends.
fn tidy(text: &str) -> String {
    let mut lines: Vec<&str> = Vec::new();
    for line in text.trim().lines().map(str::trim_end) {
        if !line.is_empty() || lines.last().is_some_and(|last| !last.is_empty()) {
            lines.push(line);
        }
    }
    let mut tidied = lines.join("\n");
    tidied.push('\n');
    tidied
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORK_NEWS: [&str; 26] = [
        "HANDOVER_EXPIRED",
        "HANDOVER_DECLINED",
        "LOAN_BEGAN",
        "LOAN_ENDED",
        "TAKEN_OVER",
        "SOLUTION_AWAITS",
        "SOLUTION_APPROVED",
        "SOLUTION_REFUSED",
        "PASSED_ON",
        "EVIDENCE_ASKED",
        "HANDLING_ORDERED",
        "ORDER_OVERDUE",
        "ORDER_LIFTED",
        "APPEAL_AWAITS",
        "ACTION_DUE",
        "ACTION_OVERDUE",
        "LEDGER_BOOKED",
        "LEDGER_APPEAL_AWAITS",
        "LEDGER_DECIDED",
        "REVIEW_AWAITS",
        "LEDGER_PROPOSAL_AWAITS",
        "LEDGER_OVERDUE",
        "HELPER_ON_LEAVE",
        "ROLE_OFFERED",
        "ROLE_TAKEN",
        "INCIDENT_LINKED",
    ];

    fn facts() -> Facts {
        Facts {
            number: "LAKE-261121-0007".to_owned(),
            grade: 1,
            clock_kind: Some(ClockKind::Answer),
            due_time: Some("2026-11-22T01:30:00Z".parse().unwrap()),
            level: 2,
            role: Some(DutyRole::Spokesperson),
            public_mode: true,
            provisional: false,
            survey: None,
            complainants: 12,
            position: "VICE_PRESIDENT".to_owned(),
            status: Some(CaseStatus::Resolving),
            notice: None,
            writer: String::new(),
            for_approval: true,
            news: "SOLUTION_AWAITS".to_owned(),
            about: "sites/lake/solutions/0190a6c2-0000-7000-8000-000000000004".to_owned(),
            statement: None,
            allowed_rules: Vec::new(),
            purpose: None,
            appointment: Some(Appointment {
                time: "2026-11-22T01:30:00Z".parse().unwrap(),
                place: VisitPlace::Office,
                visitor: "sites/lake/staff/zhao".to_owned(),
            }),
        }
    }

    fn material<'a>(facts: &'a Facts, zone: &'a TimeZone) -> Material<'a> {
        static DIGEST: std::sync::LazyLock<Digest> = std::sync::LazyLock::new(|| Digest {
            warned: 2,
            breached: 9,
            climbed: 1,
            paged_again: 1,
            noticed: 1,
            offered: 1,
            named: vec![
                Facts {
                    grade: 2,
                    ..self::facts()
                },
                Facts {
                    grade: 3,
                    clock_kind: None,
                    news: "TAKEN_OVER".to_owned(),
                    ..self::facts()
                },
                Facts {
                    grade: 3,
                    clock_kind: None,
                    news: String::new(),
                    ..self::facts()
                },
            ],
            more: 12,
        });
        Material {
            digest: &DIGEST,
            facts,
            reader: "王女士",
            site: "湖畔花园",
            zone,
            owner: "李明",
            owner_department: "工程部",
            owner_phone: "021-5550 0100",
            visitor: "赵强",
            text: "We come tomorrow at nine.",
            title: "Please check the pipe",
            notice: "sites/lake/notices/0190a6c2-0000-7000-8000-000000000004",
            next_time: Some("2026-11-21T06:00:00Z".parse().unwrap()),
            case: "sites/lake/cases/0190a6c2-0000-7000-8000-000000000001",
            incident: "sites/lake/incidents/0190a6c2-0000-7000-8000-000000000002",
            message: "sites/lake/messages/0190a6c2-0000-7000-8000-000000000003",
            link: "https://portal.example.com/survey?token=x",
            page: 2,
            page_max: 4,
        }
    }

    fn zone() -> TimeZone {
        TimeZone::fixed(jiff::tz::offset(8))
    }

    #[test]
    fn every_template_is_written_in_every_language_from_full_and_from_bare_material() {
        let templates = Templates::compiled_in().unwrap();
        let (full, bare, zone) = (facts(), Facts::default(), zone());
        for template in Template::ALL {
            for language in Language::ALL {
                let rich = material(&full, &zone);
                let text = templates.render(*template, *language, None, &rich).unwrap();
                assert!(!text.subject.is_empty() && !text.subject.contains('\n'));
                assert!(text.body.len() > 40, "{}", template.key());
                let whole = format!("{}{}", text.subject, text.body);
                for leftover in ["{{", "{%", "undefined", "none", "\n\n\n"] {
                    assert!(!whole.contains(leftover), "{} {leftover:?}", template.key());
                }
                assert!(whole.contains("湖畔花园"));
                let about =
                    if template.key().contains("notice") && *template != Template::WorkNoticed {
                        "Please check the pipe"
                    } else {
                        "LAKE-261121-0007"
                    };
                assert!(whole.contains(about), "{}", template.key());
                let chinese = text.body.contains('请') || text.body.contains('您');
                assert_eq!(chinese, *language == Language::Chinese);

                let poor = Material {
                    reader: "",
                    owner: "",
                    link: "",
                    next_time: None,
                    case: "",
                    incident: "",
                    ..material(&bare, &zone)
                };
                templates.render(*template, *language, None, &poor).unwrap();
            }
        }
    }

    #[test]
    fn p22_news_of_no_case_stands_in_a_digest_by_what_it_is_about_and_without_a_grade() {
        let facts = Facts {
            news: "LEDGER_BOOKED".to_owned(),
            about: "sites/lake/ledgerEntries/one".to_owned(),
            ..Facts::default()
        };
        let told = line(&facts, &zone(), Language::English);
        let said = "sites/lake/ledgerEntries/one: something was booked in the ledger";
        assert_eq!(told, said);
    }

    #[test]
    fn every_news_of_the_work_has_words_of_its_own() {
        let (templates, zone) = (Templates::compiled_in().unwrap(), zone());
        for language in Language::ALL {
            let mut seen = BTreeSet::new();
            for news in WORK_NEWS {
                let facts = Facts {
                    news: news.to_owned(),
                    ..facts()
                };
                let text = templates
                    .render(
                        Template::WorkNoticed,
                        *language,
                        None,
                        &material(&facts, &zone),
                    )
                    .unwrap();
                assert!(seen.insert(text.subject), "{news} ({})", language.tag());
            }
        }
    }

    #[test]
    fn m16_a_receipt_names_the_number_the_handler_department_phone_and_the_next_time() {
        let templates = Templates::compiled_in().unwrap();
        let (facts, zone) = (facts(), zone());
        let write = |language| {
            templates
                .render(
                    Template::CaseReceived,
                    language,
                    None,
                    &material(&facts, &zone),
                )
                .unwrap()
                .body
        };
        let chinese = write(Language::Chinese);
        for part in [
            "LAKE-261121-0007",
            "李明",
            "工程部",
            "021-5550 0100",
            "11月21日 14:00",
            "王女士",
        ] {
            assert!(chinese.contains(part), "{part} in {chinese}");
        }
        let english = write(Language::English);
        assert!(english.contains("14:00 on 21 November"), "{english}");
    }

    #[test]
    fn m16_a_text_of_ones_own_that_leaves_out_what_a_customer_relies_on_is_refused() {
        let unsaid = |template, body: &str| {
            Templates::unsaid(template, Language::Chinese, &own("已登记", body))
                .map(|problem| problem.what)
                .unwrap_or_default()
        };
        let empty = unsaid(Template::CaseReceived, "您好,没有编号");
        for name in [
            "number",
            "owner",
            "owner_department",
            "owner_phone",
            "next_time",
        ] {
            assert!(empty.contains(name), "{empty}");
        }
        let whole = "{{ number }}，{{ owner_department }}的{{ owner }}，电话 {{ owner_phone }}，{{ next_time }} 前联系您";
        assert_eq!(unsaid(Template::CaseReceived, whole), "");
        let hidden = format!("{{% if false %}}{whole}{{% endif %}}您好");
        assert!(unsaid(Template::CaseReceived, &hidden).contains("number"));
        assert!(unsaid(Template::CaseMessage, "编号 {{ number }}").contains("text"));
    }

    fn own(subject: &str, body: &str) -> Source {
        Source {
            subject: subject.to_owned(),
            body: body.to_owned(),
        }
    }

    #[test]
    fn a_name_that_a_template_does_not_have_is_refused_at_save_with_those_it_has() {
        let check = |subject: &str, body: &str| {
            Templates::check(
                Template::CaseReceived,
                Language::English,
                &own(subject, body),
            )
        };
        assert!(check("{{ number }}", "{{ reader }} {{ owner_phone }}").is_empty());
        let unknown = check("{{ number }}", "{{ nobody_gives_this }} {{ rung }}");
        assert_eq!(unknown.len(), 1);
        assert!(
            unknown[0]
                .what
                .starts_with("names nobody_gives_this, rung,")
        );
        assert!(unknown[0].what.contains("owner_department"));
        assert_eq!(check("{{ number", "x")[0].field, "subject");
        for body in [
            "{% include 'clock.digest.en.body' %}",
            "{% for i in range(9000) %}{% for j in range(9000) %}x{% endfor %}{% endfor %}",
            "{{ reader.name.first }}",
            "",
        ] {
            assert_eq!(check("x", body).len(), 1, "{body}");
        }
    }

    #[test]
    fn every_text_of_ours_passes_the_check_of_others_and_offends_no_wording_rule() {
        for template in Template::ALL {
            for language in Language::ALL {
                let source = Templates::built_in(*template, *language);
                assert_eq!(Templates::unsaid(*template, *language, &source), None);
                let problems = Templates::check(*template, *language, &source);
                assert_eq!(problems, [], "{}", template.key());
                let text = sample(*template, *language, &source, true).unwrap();
                let whole = format!("{}\n{}", text.subject, text.body);
                let hits = redress_wording::Checker::built_in()
                    .check(&whole, redress_wording::Audience::Complainant);
                assert!(hits.is_empty() || !template.is_outward(), "{hits:?}");
            }
        }
    }

    #[test]
    fn a_text_of_a_sites_own_takes_the_place_of_ours() {
        let templates = Templates::compiled_in().unwrap();
        let (facts, zone) = (facts(), zone());
        let text = templates
            .render(
                Template::CaseReceived,
                Language::English,
                Some(&own("On record: {{ number }}", "Call {{ owner_phone }}.")),
                &material(&facts, &zone),
            )
            .unwrap();
        assert_eq!(text.subject, "On record: LAKE-261121-0007");
        assert_eq!(text.body, "Call 021-5550 0100.\n");
    }

    #[test]
    fn a_line_break_in_a_name_does_not_reach_the_subject() {
        let templates = Templates::compiled_in().unwrap();
        let (facts, zone) = (facts(), zone());
        let sly = Material {
            site: "Lake\r\nBcc: everybody@example.com",
            ..material(&facts, &zone)
        };
        for language in Language::ALL {
            let text = templates
                .render(Template::IncidentCallout, *language, None, &sly)
                .unwrap();
            assert!(!text.subject.contains(['\r', '\n']));
        }
    }
}
