//! What templates and wording rules share: who may read and write a level, and how a revision is added.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::Violation;
use redress_model::name::{RegionName, SiteId};
use redress_model::text::is_blank;
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use redress_wording::{Document, Hit};

use crate::domain::texts::{self, Subject, TextScope};
use crate::jobs::announce;
use crate::store::texts::{self as store, Revision};

/// What a caller needs besides the method's own permission to send what the wording check finds.
const OVERRIDE: &str = "wording.override";

/// That there is nothing of this name that the caller may know of.
fn missing(scope: &TextScope) -> Fault {
    let kind = match scope {
        TextScope::Organization(_) => "Organization",
        TextScope::Region(_) => "Region",
        TextScope::Site(_) => "Site",
    };
    Fault::not_found(kind, scope)
}

/// Refuses a site that is not there for the caller.
pub(super) async fn require_site(tx: &mut Tx, site: &SiteId) -> Result<(), Fault> {
    store::place(tx, site)
        .await?
        .map(|_| ())
        .ok_or_else(|| missing(&TextScope::Site(site.clone())))
}

/// Refuses a level in which the caller has nothing, like one that is not there.
pub(super) async fn require_inside(
    tx: &mut Tx,
    caller: &Caller,
    scope: &TextScope,
) -> Result<(), Fault> {
    let inside = acts_for(caller, scope)
        || match scope {
            TextScope::Site(site) => store::place(tx, site).await?.is_some(),
            TextScope::Region(name) => {
                store::any_in(tx, &name.organization, Some(&name.region)).await?
            }
            TextScope::Organization(id) => store::any_in(tx, id, None).await?,
        };
    inside.then_some(()).ok_or_else(|| missing(scope))
}

/// Whether the caller's token names all of an organization or a region.
fn acts_for(caller: &Caller, scope: &TextScope) -> bool {
    match scope {
        TextScope::Site(_) => false,
        TextScope::Region(name) => {
            caller.regions.contains(name) || caller.organizations.contains(&name.organization)
        }
        TextScope::Organization(id) => caller.organizations.contains(id),
    }
}

/// The site of a receipt: none for what belongs to many.
pub(super) fn receipt_site(scope: &TextScope) -> String {
    match scope {
        TextScope::Site(id) => id.to_string(),
        TextScope::Organization(_) | TextScope::Region(_) => String::new(),
    }
}

/// From when on a revision holds.
pub(super) fn effective(
    asked: Option<&prost_types::Timestamp>,
    now: Timestamp,
) -> Result<Option<Timestamp>, Fault> {
    let asked = asked
        .map(|time| redress_proto::convert::from_timestamp("effective_time", time))
        .transpose()?;
    Ok(texts::effective(asked, now))
}

/// Refuses U+0000, the one character that a text of Postgres cannot hold.
pub(super) fn plain(fields: &[(&str, &str)]) -> Result<(), Fault> {
    let violations: Vec<Violation> = fields
        .iter()
        .filter(|(_, text)| text.contains('\0'))
        .map(|(field, _)| Violation {
            field: (*field).to_owned(),
            description: "must not hold the character U+0000".to_owned(),
        })
        .collect();
    if violations.is_empty() {
        Ok(())
    } else {
        Err(Fault::violations(violations))
    }
}

/// Asks for the right to override where a reason is given.
pub(super) fn may_override(caller: &Caller, reason: &str) -> Result<(), Fault> {
    if reason.is_empty() {
        Ok(())
    } else {
        caller.require(OVERRIDE)
    }
}

/// The rules that hits name, each once.
pub(super) fn rules_of(hits: &[Hit]) -> Vec<String> {
    let mut rules: Vec<String> = hits.iter().map(|hit| hit.rule.clone()).collect();
    rules.sort_unstable();
    rules.dedup();
    rules
}

/// Lets an outward text through: without hits, or with a reason. Returns the rules that the reason overrides.
pub(super) fn let_through(
    hits: &[Hit],
    override_reason: &str,
    name: impl std::fmt::Display,
) -> Result<Vec<String>, Fault> {
    let rules = rules_of(hits);
    if rules.is_empty() || !is_blank(override_reason) {
        return Ok(rules);
    }
    Err(Fault::illegal(
        "WORDING_BLOCKED",
        format!(
            "the wording check finds {}; change the text (CheckWording says where and how), or give override_reason with the permission {OVERRIDE}",
            rules.join(", ")
        ),
        name,
    ))
}

/// Adds a revision of a level's text.
pub(super) struct Apply<'a> {
    pub(super) scope: TextScope,
    pub(super) subject: Subject,
    pub(super) document: String,
    /// Ids of wording rules that the document switches off; each must be one of the levels above.
    pub(super) disable: Vec<String>,
    /// None where the time has passed.
    pub(super) effective: Option<Timestamp>,
    pub(super) reason: String,
    pub(super) overridden: Vec<String>,
    pub(super) etag: String,
    pub(super) caller: &'a Caller,
    pub(super) receipt: ReceiptKey,
    pub(super) now: Timestamp,
}

impl Operation for Apply<'_> {
    const NAME: &'static str = "notification.apply_text";
    /// The revision, and whether it is new.
    type Output = (Revision, bool);

    async fn run(&self, tx: &mut Tx) -> Result<(Revision, bool), Fault> {
        match &self.scope {
            TextScope::Site(site) => require_site(tx, site).await?,
            scope if acts_for(self.caller, scope) => {}
            scope => return Err(missing(scope)),
        }
        if let Claim::Seen { etag, .. } = receipt::claim(tx, &self.receipt, self.now).await? {
            let number: i32 = etag
                .trim_start_matches('r')
                .parse()
                .map_err(|_| Fault::internal("a receipt without a revision"))?;
            let seen = store::list(tx, &self.scope, self.subject, Some(number + 1), 1).await?;
            let seen = seen.into_iter().next();
            return seen
                .map(|row| (row, false))
                .ok_or_else(|| Fault::internal("a receipt of a revision that is not there"));
        }
        let effective = self
            .effective
            .ok_or_else(|| Fault::invalid("effective_time", "must not have passed"))?;
        store::lock(tx, &self.scope, self.subject).await?;
        let newest = store::list(tx, &self.scope, self.subject, None, 1).await?;
        let known = newest.first().map_or(0, |row| row.revision);
        let name = format!("{} {}", self.scope, self.subject.key());
        etag::check(&self.etag, i64::from(known), &name)?;
        require_above(tx, &self.scope, &self.disable, effective).await?;
        let row = Revision {
            scope: self.scope.clone(),
            subject: self.subject,
            revision: known + 1,
            effective,
            document: self.document.clone(),
            author: self.caller.subject.clone(),
            reason: self.reason.clone(),
            overridden: self.overridden.clone(),
            created: self.now,
        };
        store::insert(tx, &row).await?;
        if self.subject == Subject::Wording {
            for site in store::sites_below(tx, &self.scope).await? {
                announce::wording(tx, &site, &row).await?;
            }
        }
        let etag = etag::of(i64::from(row.revision));
        receipt::complete(tx, &self.receipt, &name, &etag).await?;
        tracing::info!(
            scope = %self.scope,
            text = self.subject.key(),
            revision = row.revision,
            effective = %row.effective,
            overridden = row.overridden.len(),
            "a text was applied",
        );
        Ok((row, true))
    }
}

/// Refuses to switch off rules that neither the product nor a level above has: a slip of the pen would leave the rule that was
/// meant in force.
async fn require_above(
    tx: &mut Tx,
    scope: &TextScope,
    disable: &[String],
    at: Timestamp,
) -> Result<(), Fault> {
    if disable.is_empty() {
        return Ok(());
    }
    let above = match scope {
        TextScope::Organization(_) => Vec::new(),
        TextScope::Region(name) => vec![TextScope::Organization(name.organization.clone())],
        TextScope::Site(site) => {
            let place = store::place(tx, site).await?;
            let (organization, region) = place.ok_or_else(|| missing(scope))?;
            vec![
                TextScope::Organization(organization.clone()),
                TextScope::Region(RegionName {
                    organization,
                    region,
                }),
            ]
        }
    };
    let mut documents = Vec::new();
    for level in &above {
        let rules = rules_at(tx, level, at).await?;
        // One that this release cannot read changes nothing, as where texts are checked.
        documents.extend(rules.and_then(|row| Document::parse(&row.document).ok()));
    }
    let unknown = texts::unknown_above(disable, &documents);
    if unknown.is_empty() {
        return Ok(());
    }
    let violations = unknown.into_iter().map(|(place, id)| Violation {
        field: format!("disable[{place}]"),
        description: format!("{id} is a rule of no level above"),
    });
    Err(Fault::violations(violations.collect()))
}

/// The revision of a level's wording rules that will hold at an instant; none where the level has none by then.
async fn rules_at(
    tx: &mut Tx,
    level: &TextScope,
    at: Timestamp,
) -> Result<Option<Revision>, Fault> {
    let mut below = None;
    loop {
        let newest = store::list(tx, level, Subject::Wording, below, 1).await?;
        match newest.into_iter().next() {
            Some(row) if row.effective > at => below = Some(row.revision),
            found => return Ok(found),
        }
    }
}

/// What holds at a site now, with the site's language.
pub(super) struct Holds<'a> {
    pub(super) site: &'a SiteId,
    pub(super) now: Timestamp,
}

impl Operation for Holds<'_> {
    const NAME: &'static str = "notification.texts_that_hold";
    type Output = (Vec<texts::Holding>, String);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        require_site(tx, self.site).await?;
        let holding = store::holding(tx, self.site, self.now).await?;
        let site = crate::store::matters::site(tx, self.site).await?;
        Ok((holding, site.map(|s| s.language).unwrap_or_default()))
    }
}

/// Revisions of one level's text, for a page.
pub(super) struct Revisions<'a> {
    pub(super) scope: &'a TextScope,
    pub(super) subject: Subject,
    pub(super) below: Option<i32>,
    pub(super) limit: i64,
    pub(super) caller: &'a Caller,
}

impl Operation for Revisions<'_> {
    const NAME: &'static str = "notification.list_text_revisions";
    type Output = Vec<Revision>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<Revision>, Fault> {
        require_inside(tx, self.caller, self.scope).await?;
        store::list(tx, self.scope, self.subject, self.below, self.limit).await
    }
}
