//! What the policy of a site says of handling, as triage told it last.

use redress_model::Fault;
use redress_model::name::SiteId;
use redress_model::words::SiteKind;
use redress_policy::{Accountability, Handling, Policy, Practice, Routing};
use redress_store::{StoreResultExt as _, Tx};

/// What holds at a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SitePolicy {
    /// The profile on which it is based.
    pub profile: String,
    /// The number of the site's policy, as triage pins it.
    pub revision: i64,
    /// What it says.
    pub handling: Handling,
}

impl SitePolicy {
    /// What a kind of site starts from.
    pub fn of_kind(kind: SiteKind) -> Self {
        let policy = Policy::for_site(kind, false);
        Self {
            profile: policy.name.clone(),
            revision: i64::from(policy.revision),
            handling: policy.handling(),
        }
    }

    /// What a complaint costs there.
    pub fn accountability(&self) -> &Accountability {
        &self.handling.accountability
    }

    /// Which department takes which category there: as told, else as its profile ships it (told by a release that said
    /// nothing of it).
    pub fn routing(&self) -> Routing {
        let shipped = || Policy::built_in(&self.profile).map(|policy| policy.routing.clone());
        let told = self.handling.routing.clone();
        told.or_else(shipped).unwrap_or_default()
    }

    /// What law and practice leave to the place: as told, else as its profile ships it (told by a release that said nothing
    /// of it).
    pub fn practice(&self) -> Practice {
        let shipped = || Policy::built_in(&self.profile).map(|policy| policy.practice.clone());
        let told = self.handling.practice.clone();
        told.or_else(shipped).unwrap_or_default()
    }
}

/// Keeps what is not older than what is known.
///
/// # Errors
/// When Postgres is away.
pub async fn learn(tx: &mut Tx, site: &SiteId, policy: &SitePolicy) -> Result<(), Fault> {
    let document = serde_json::to_value(&policy.handling).map_err(Fault::internal)?;
    sqlx::query!(
        "-- assignment::store::policy::learn
        INSERT INTO site_policy AS p (site, profile, revision, document) VALUES ($1, $2, $3, $4)
        ON CONFLICT ON CONSTRAINT site_policy_key DO UPDATE SET profile = $2, revision = $3, document = $4
        WHERE p.revision <= $3",
        site.as_str(),
        policy.profile,
        policy.revision,
        document,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// What holds at a site: what triage told, else the profile of the site's kind.
///
/// # Errors
/// When Postgres is away.
pub async fn of_site(tx: &mut Tx, site: &SiteId) -> Result<SitePolicy, Fault> {
    let row = sqlx::query!(
        r#"-- assignment::store::policy::of_site
        SELECT p.profile AS "profile?", p.revision AS "revision?", p.document AS "document?", l.kind AS "kind?"
        FROM (VALUES ($1::text)) AS s (site)
        LEFT JOIN site_policy p ON p.site = s.site
        LEFT JOIN place l ON l.site = s.site"#,
        site.as_str(),
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()?;
    if let (Some(profile), Some(revision), Some(document)) =
        (row.profile, row.revision, row.document)
    {
        return Ok(SitePolicy {
            profile,
            revision,
            handling: serde_json::from_value(document).map_err(Fault::internal)?,
        });
    }
    let kind = row.kind.and_then(|kind| kind.parse().ok());
    Ok(SitePolicy::of_kind(kind.unwrap_or(SiteKind::Residential)))
}
