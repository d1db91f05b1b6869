//! What a message says: written when it goes, and for whoever decides whether it does. One place, so that nobody decides about
//! another text than the one that leaves.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use redress_model::Fault;
use redress_model::name::StaffName;
use redress_store::{Keyring, Tx};
use zeroize::Zeroizing;

use crate::domain::case::CaseView;
use crate::domain::digest::Digest;
use crate::domain::message::Recipient;
use crate::domain::preference::Preference;
use crate::domain::render::{Material, RenderError, Templates, Text};
use crate::domain::texts::{self, Holding, Source};
use crate::domain::words::{Language, MessageChannel, Template};
use crate::store::matters::{self, SiteView};
use crate::store::messages::Message;
use crate::store::owner_notices::{self, Notice};
use crate::store::staff::{self, StaffContact};
use crate::store::{preferences, texts as kept};

/// What stands in a previewed text where the reader's own key to the page lies: it is nobody else's.
const HIDDEN: &str = "…";

/// Everything that a text is written from.
pub(super) struct Words<'a> {
    pub message: &'a Message,
    pub site: &'a SiteView,
    pub case: Option<&'a CaseView>,
    /// Who looks after the case.
    pub owner: Option<&'a StaffContact>,
    /// Who comes, where an appointment is told.
    pub visitor: Option<&'a StaffContact>,
    pub notice: Option<&'a Notice>,
    /// What somebody wrote, where somebody did.
    pub said: Option<&'a str>,
    pub digest: &'a Digest,
    /// The reader's name; empty where unknown.
    pub reader: &'a str,
    /// Where the reader answers; empty for nowhere.
    pub link: &'a str,
}

impl Words<'_> {
    /// Writes it, from the product's own text or the one given.
    pub(super) fn write(
        &self,
        templates: &Templates,
        language: Language,
        own: Option<&Source>,
    ) -> Result<Text, RenderError> {
        let message = self.message;
        let zone = TimeZone::get(&self.site.time_zone).unwrap_or(TimeZone::UTC);
        let text = |name: Option<String>| name.unwrap_or_default();
        let case = text(message.case.as_ref().map(ToString::to_string));
        let incident = text(message.incident.as_ref().map(ToString::to_string));
        let name = message.name.to_string();
        let mut facts = message.facts.clone();
        if let Some(view) = self.case
            && facts.number.is_empty()
        {
            facts.number.clone_from(&view.number);
        }
        let source_of_notice = self.notice.map(|notice| notice.content.text(language));
        let notice_name = text(self.notice.map(Notice::name));
        let material = Material {
            facts: &facts,
            reader: self.reader,
            site: language.pick(&self.site.display_name, &self.site.display_name_en),
            zone: &zone,
            owner: self
                .owner
                .map_or("", |owner| owner.points.name_in(language)),
            owner_department: self.owner.map_or("", |owner| {
                language.pick(&owner.department, &owner.department_en)
            }),
            owner_phone: self
                .owner
                .map_or("", |owner| owner.points.address(MessageChannel::Sms)),
            visitor: self
                .visitor
                .map_or("", |visitor| visitor.points.name_in(language)),
            text: self
                .said
                .unwrap_or_else(|| source_of_notice.map_or("", |text| text.body.as_str())),
            title: source_of_notice.map_or("", |text| text.subject.as_str()),
            notice: &notice_name,
            next_time: self.case.and_then(|case| case.next_time),
            case: &case,
            incident: &incident,
            message: &name,
            link: self.link,
            digest: self.digest,
            page: message.fate.page,
            page_max: message.fate.page_max,
        };
        templates.render(message.template, language, own, &material)
    }
}

/// A rehearsal is taken for nothing else, wherever its messages are read.
pub(super) fn marked(rehearsal: bool, language: Language, text: String) -> String {
    match (rehearsal, language) {
        (false, _) => text,
        (true, Language::Chinese) => format!("【演练】{text}"),
        (true, Language::English) => format!("[DRILL] {text}"),
    }
}

/// Who comes to an appointment.
pub(super) async fn visitor(
    tx: &mut Tx,
    keys: &Keyring,
    message: &Message,
) -> Result<Option<StaffContact>, Fault> {
    let appointment = message.facts.appointment.as_ref();
    match appointment.and_then(|a| a.visitor.parse::<StaffName>().ok()) {
        Some(name) => staff::get(tx, keys, &name).await,
        None => Ok(None),
    }
}

/// Who looks after the case. News of an acceptance may be on their way: whoever writes about a case that is offered to them has
/// accepted it.
pub(super) async fn owner(
    tx: &mut Tx,
    keys: &Keyring,
    case: Option<&CaseView>,
    writer: &str,
) -> Result<Option<StaffContact>, Fault> {
    let responsible = case.map(|case| {
        if !writer.is_empty() && case.offered_to == writer {
            writer
        } else {
            case.responsible.as_str()
        }
    });
    match responsible.and_then(|name| name.parse().ok()) {
        Some(name) => staff::get(tx, keys, &name).await,
        None => Ok(None),
    }
}

/// A text as it would go now. May name staff: hence no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Preview {
    /// In this language.
    pub language: Language,
    /// One line.
    pub subject: String,
    /// Plain text.
    pub body: String,
}

/// Writes messages for whoever decides whether they go.
#[derive(Debug)]
pub struct Previews {
    /// What is said.
    pub templates: Templates,
    /// Where surveys are answered; none where nobody serves that.
    pub survey_url: Option<String>,
    /// Whether every message says that it is a rehearsal.
    pub rehearsal: bool,
}

impl Previews {
    /// A message as it would go now, without its reader's name and key, in the reader's language as far as it is known here: the one
    /// asked for, else the case's, else the site's. None where the site is not known yet, the words are gone, or a text of the
    /// site's own cannot be written.
    ///
    /// # Errors
    /// When Postgres is away.
    pub async fn of(
        &self,
        tx: &mut Tx,
        keys: &Keyring,
        message: &Message,
        now: Timestamp,
    ) -> Result<Option<Preview>, Fault> {
        let here = &message.name.site;
        let Some(site) = matters::site(tx, here).await? else {
            return Ok(None);
        };
        let case = match &message.case {
            Some(name) => matters::case(tx, name).await?,
            None => None,
        };
        let reached_by = match &message.known_by {
            Some(name) => matters::case(tx, name).await?,
            None => None,
        };
        let notice = match message.facts.notice {
            Some(id) => owner_notices::get(tx, here, id).await?,
            None => None,
        };
        let preference = match &message.recipient {
            Recipient::Complainant(token) => preferences::get(tx, here, token).await?,
            Recipient::Staff(_) => Preference::default(),
        };
        let language = Language::of_tag(&preference.language).unwrap_or_else(|| {
            let of_reader = reached_by.as_ref().or(case.as_ref());
            let of_case = of_reader.map_or("", |case| case.language.as_str());
            Language::choose(of_case, &site.language)
        });
        let said: Option<Zeroizing<String>> = kept::said(tx, keys, &message.name).await?;
        if said.is_none() && message.template == Template::CaseMessage {
            return Ok(None);
        }
        let owner = owner(tx, keys, case.as_ref(), &message.facts.writer).await?;
        let visitor = visitor(tx, keys, message).await?;
        let holding: Vec<Holding> = kept::holding(tx, here, now).await?;
        let link = match (&self.survey_url, message.facts.survey) {
            (Some(page), Some(_)) => format!("{page}{HIDDEN}"),
            _ => String::new(),
        };
        let words = Words {
            message,
            site: &site,
            case: case.as_ref(),
            owner: owner.as_ref(),
            visitor: visitor.as_ref(),
            notice: notice.as_ref(),
            said: said.as_ref().map(|said| said.as_str()),
            digest: &Digest::default(),
            reader: "",
            link: &link,
        };
        let own = texts::template(&holding, message.template, language);
        let text = match words.write(
            &self.templates,
            language,
            own.as_ref().map(|own| &own.source),
        ) {
            Ok(text) => text,
            Err(error) => {
                tracing::error!(message.name = %message.name, %error, "a message cannot be written");
                return Ok(None);
            }
        };
        Ok(Some(Preview {
            language,
            subject: marked(self.rehearsal, language, text.subject),
            body: marked(self.rehearsal, language, text.body),
        }))
    }
}
