//! Writes a message. The templates are compiled in, one file a key and language with the blocks
//! `subject` and `body`. Strict: a name that a template uses and nobody gives is an error, found by
//! the test that renders every one of them, not by a customer.

use jiff::{Timestamp, tz::TimeZone};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, context};

use super::digest::Digest;
use super::labels;
use super::message::Facts;
use super::words::{Language, Template};

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
    /// By when a person will have been in touch.
    pub next_time: Option<Timestamp>,
    /// Resource name of the case; empty where none.
    pub case: &'a str,
    /// Resource name of the incident; empty where none.
    pub incident: &'a str,
    /// Resource name of the message.
    pub message: &'a str,
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

const SOURCES: [(&str, &str); 18] = sources!(
    "case.received",
    "case.assigned",
    "clock.warned",
    "clock.breached",
    "clock.climbed",
    "clock.paged_again",
    "clock.digest",
    "incident.callout",
    "signal.suspected"
);

impl Templates {
    /// Reads the templates.
    pub fn compiled_in() -> Result<Self, RenderError> {
        let mut environment = Environment::new();
        // Debug information of an error would carry the values, which name people.
        environment.set_debug(false);
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        for (name, source) in SOURCES {
            environment
                .add_template(name, source)
                .map_err(|source| RenderError {
                    template: name,
                    language: "",
                    source,
                })?;
        }
        Ok(Self { environment })
    }

    /// Writes a message.
    pub fn render(
        &self,
        template: Template,
        language: Language,
        material: &Material<'_>,
    ) -> Result<Text, RenderError> {
        let fault = |source| RenderError {
            template: template.key(),
            language: language.tag(),
            source,
        };
        let facts = material.facts;
        let values = context! {
            number => facts.number.as_str(),
            grade => facts.grade,
            promise => facts.clock_kind.map_or("", |kind| labels::promise(kind, language)),
            due_time => facts.due_time.map_or_else(String::new, |t| told(t, material.zone, language)),
            rung => labels::rung(facts.level, language),
            role => facts.role.map_or("", |role| labels::duty(role, language)),
            public_mode => facts.public_mode,
            provisional => facts.provisional,
            matter => matter(facts, language),
            reader => one_line(material.reader),
            site => one_line(material.site),
            owner => one_line(material.owner),
            next_time => material.next_time.map_or_else(String::new, |t| told(t, material.zone, language)),
            case => material.case,
            incident => material.incident,
            resource => if material.case.is_empty() { material.incident } else { material.case },
            message => material.message,
            digest => context! {
                total => material.digest.total(),
                warned => material.digest.warned,
                breached => material.digest.breached,
                climbed => material.digest.climbed,
                paged_again => material.digest.paged_again,
                more => material.digest.more,
                lines => material.digest.named.iter()
                    .map(|facts| line(facts, material.zone, language))
                    .collect::<Vec<_>>(),
            },
            page => material.page,
            page_max => material.page_max,
        };
        let name = format!("{}.{}", template.key(), language.tag());
        let source = self.environment.get_template(&name).map_err(fault)?;
        let mut written = source.render_captured(values).map_err(fault)?;
        let mut block = |name| written.with_state_mut(|state| state.render_block(name));
        Ok(Text {
            subject: one_line(&block("subject").map_err(fault)?),
            body: tidy(&block("body").map_err(fault)?),
        })
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

/// One promise of a digest.
fn line(facts: &Facts, zone: &TimeZone, language: Language) -> String {
    let promise = facts
        .clock_kind
        .map_or("", |kind| labels::promise(kind, language));
    let due = facts
        .due_time
        .map_or_else(String::new, |t| told(t, zone, language));
    let matter = matter(facts, language);
    match language {
        Language::Chinese => format!("{matter}（{}级）：{promise}，截止 {due}", facts.grade),
        Language::English => format!("{matter} (grade {}): {promise}, due {due}", facts.grade),
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
    use redress_model::words::{ClockKind, DutyRole};

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
        }
    }

    fn material<'a>(facts: &'a Facts, zone: &'a TimeZone) -> Material<'a> {
        static DIGEST: std::sync::LazyLock<Digest> = std::sync::LazyLock::new(|| Digest {
            warned: 2,
            breached: 9,
            climbed: 1,
            paged_again: 1,
            named: vec![Facts {
                grade: 2,
                ..self::facts()
            }],
            more: 12,
        });
        Material {
            digest: &DIGEST,
            facts,
            reader: "王女士",
            site: "湖畔花园",
            zone,
            owner: "李明",
            next_time: Some("2026-11-21T06:00:00Z".parse().unwrap()),
            case: "sites/lake/cases/0190a6c2-0000-7000-8000-000000000001",
            incident: "sites/lake/incidents/0190a6c2-0000-7000-8000-000000000002",
            message: "sites/lake/messages/0190a6c2-0000-7000-8000-000000000003",
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
                let text = templates.render(*template, *language, &rich).unwrap();
                assert!(!text.subject.is_empty() && !text.subject.contains('\n'));
                assert!(text.body.len() > 40, "{}", template.key());
                let whole = format!("{}{}", text.subject, text.body);
                for leftover in ["{{", "{%", "undefined", "none", "\n\n\n"] {
                    assert!(!whole.contains(leftover), "{} {leftover:?}", template.key());
                }
                assert!(whole.contains("湖畔花园"));
                assert!(whole.contains("LAKE-261121-0007"));
                let chinese = text.body.contains('请') || text.body.contains('您');
                assert_eq!(chinese, *language == Language::Chinese);

                let poor = Material {
                    reader: "",
                    owner: "",
                    next_time: None,
                    case: "",
                    incident: "",
                    ..material(&bare, &zone)
                };
                templates.render(*template, *language, &poor).unwrap();
            }
        }
    }

    #[test]
    fn a_receipt_names_the_number_the_owner_and_the_next_time_in_the_sites_zone() {
        let templates = Templates::compiled_in().unwrap();
        let (facts, zone) = (facts(), zone());
        let write = |language| {
            templates
                .render(Template::CaseReceived, language, &material(&facts, &zone))
                .unwrap()
                .body
        };
        let chinese = write(Language::Chinese);
        for part in ["LAKE-261121-0007", "李明", "11月21日 14:00", "王女士"] {
            assert!(chinese.contains(part), "{part} in {chinese}");
        }
        let english = write(Language::English);
        assert!(english.contains("14:00 on 21 November"), "{english}");
    }

    #[test]
    fn a_name_that_nobody_gives_is_an_error_and_not_a_blank() {
        let mut templates = Templates::compiled_in().unwrap();
        templates
            .environment
            .add_template(
                "case.received.en",
                "{% block subject %}{{ nobody_gives_this }}{% endblock %}{% block body %}{% endblock %}",
            )
            .unwrap();
        let (facts, zone) = (facts(), zone());
        let material = material(&facts, &zone);
        assert!(
            templates
                .render(Template::CaseReceived, Language::English, &material)
                .is_err()
        );
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
                .render(Template::IncidentCallout, *language, &sly)
                .unwrap();
            assert!(!text.subject.contains(['\r', '\n']));
        }
    }
}
