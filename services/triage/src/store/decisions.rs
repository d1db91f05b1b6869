//! Decisions: added, never changed, each hashing what it says and the hash before it (I12).

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::name::SiteId;
use redress_model::words::{Category, Nature, SignalKind, Urgency};
use redress_model::{Fault, Grade};
use redress_store::{StoreResultExt as _, Tx};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::cases::grade_of_row;
use super::{count_of_row, count_to_row, word};
use crate::domain::ClusterFacts;

/// What a decision says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling {
    /// The grade that stands.
    pub grade: Grade,
    /// The grade that the facts alone give.
    pub computed: Grade,
    /// Ids of the criteria, gravest first, each with what matched.
    pub criteria: Vec<(String, String)>,
    /// How public.
    pub nature: Nature,
    /// How soon.
    pub urgency: Urgency,
    /// What it is about.
    pub category: Option<Category>,
    /// Whether a person stated that.
    pub category_stated: bool,
    /// The words that led to it otherwise.
    pub category_words: Vec<String>,
    /// The cluster.
    pub cluster: Uuid,
    /// Complainants of the case.
    pub complainants: u32,
    /// What the cluster added.
    pub cluster_facts: ClusterFacts,
    /// Signals that did not count.
    pub suspected: Vec<SignalKind>,
    /// The policy.
    pub policy_profile: String,
    /// Its revision.
    pub policy_revision: u32,
}

/// A decision of a case.
#[derive(Debug, Clone)]
pub struct DecisionRow {
    /// The case.
    pub case: Uuid,
    /// Rises from 1.
    pub revision: i64,
    /// What it says.
    pub ruling: Ruling,
    /// Why it was made.
    pub cause: String,
    /// When.
    pub decided: Timestamp,
    /// Only kept.
    pub historical: bool,
    /// Over this decision and the one before.
    pub hash: Vec<u8>,
}

impl DecisionRow {
    /// The hash of this decision after the one before it; empty before the first.
    pub fn hash_after(&self, before: &[u8]) -> Vec<u8> {
        let r = &self.ruling;
        // One line a field, so that no two decisions read alike.
        let mut text = format!(
            "{}\n{}\n{}\n{}\n{}\n{}\n{:?}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n",
            self.case,
            self.revision,
            r.grade,
            r.computed,
            r.nature,
            r.urgency,
            r.category.map(Category::word),
            r.category_stated,
            r.cluster,
            r.complainants,
            r.cluster_facts.complainants,
            r.cluster_facts.recent_cases,
            r.policy_profile,
            r.policy_revision,
            self.cause,
            self.decided,
            self.historical,
        );
        for (id, evidence) in &r.criteria {
            text.push_str(&format!("{id} {evidence}\n"));
        }
        text.push_str(&r.category_words.join(" "));
        for kind in &r.suspected {
            text.push_str(&format!("\n{kind}"));
        }
        let mut hash = Sha256::new();
        hash.update(before);
        hash.update(text.as_bytes());
        hash.finalize().to_vec()
    }
}

struct Row {
    case_id: Uuid,
    revision: i64,
    grade: i16,
    computed_grade: i16,
    criteria: Vec<String>,
    evidence: Vec<String>,
    nature: String,
    urgency: String,
    category: Option<String>,
    category_stated: bool,
    category_words: Vec<String>,
    cluster: Uuid,
    complainants: i32,
    cluster_complainants: i32,
    cluster_recent_cases: i32,
    suspected: Vec<String>,
    cause: String,
    decide_time: jiff_sqlx::Timestamp,
    policy_profile: String,
    policy_revision: i32,
    historical: bool,
    hash: Vec<u8>,
}

impl Row {
    fn read(self) -> Result<DecisionRow, Fault> {
        let grade =
            |grade| grade_of_row(grade).ok_or_else(|| Fault::internal("a grade beyond 1 to 4"));
        Ok(DecisionRow {
            case: self.case_id,
            revision: self.revision,
            ruling: Ruling {
                grade: grade(self.grade)?,
                computed: grade(self.computed_grade)?,
                criteria: self.criteria.into_iter().zip(self.evidence).collect(),
                nature: word(&self.nature)?,
                urgency: word(&self.urgency)?,
                category: self.category.as_deref().map(word).transpose()?,
                category_stated: self.category_stated,
                category_words: self.category_words,
                cluster: self.cluster,
                complainants: count_of_row(self.complainants),
                cluster_facts: ClusterFacts {
                    complainants: count_of_row(self.cluster_complainants),
                    recent_cases: count_of_row(self.cluster_recent_cases),
                },
                suspected: self
                    .suspected
                    .iter()
                    .map(|k| word(k))
                    .collect::<Result<_, _>>()?,
                policy_profile: self.policy_profile,
                policy_revision: count_of_row(self.policy_revision),
            },
            cause: self.cause,
            decided: self.decide_time.to_jiff(),
            historical: self.historical,
            hash: self.hash,
        })
    }
}

/// Adds a decision.
pub async fn insert(tx: &mut Tx, site: &SiteId, decision: &DecisionRow) -> Result<(), Fault> {
    let r = &decision.ruling;
    let (criteria, evidence): (Vec<String>, Vec<String>) = r.criteria.iter().cloned().unzip();
    let suspected: Vec<String> = r.suspected.iter().map(|k| k.word().to_owned()).collect();
    sqlx::query!(
        "-- triage::store::decisions::insert
        INSERT INTO decision (site, case_id, revision, grade, computed_grade, criteria, evidence, nature, urgency,
          category, category_stated, category_words, cluster, complainants, cluster_complainants,
          cluster_recent_cases, suspected, cause, decide_time, policy_profile, policy_revision, historical, hash)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
          $22, $23)",
        site.as_str(),
        decision.case,
        decision.revision,
        i16::from(r.grade.value()),
        i16::from(r.computed.value()),
        &criteria,
        &evidence,
        r.nature.word(),
        r.urgency.word(),
        r.category.map(Category::word),
        r.category_stated,
        &r.category_words,
        r.cluster,
        count_to_row(r.complainants),
        count_to_row(r.cluster_facts.complainants),
        count_to_row(r.cluster_facts.recent_cases),
        &suspected,
        decision.cause,
        decision.decided.to_sqlx(),
        r.policy_profile,
        count_to_row(r.policy_revision),
        decision.historical,
        decision.hash,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// A decision of a case: of this revision, or the newest.
pub async fn get(
    tx: &mut Tx,
    site: &SiteId,
    case: Uuid,
    revision: Option<i64>,
) -> Result<Option<DecisionRow>, Fault> {
    sqlx::query_as!(
        Row,
        "-- triage::store::decisions::get
        SELECT case_id, revision, grade, computed_grade, criteria, evidence, nature, urgency, category,
               category_stated, category_words, cluster, complainants, cluster_complainants, cluster_recent_cases,
               suspected, cause, decide_time, policy_profile, policy_revision, historical, hash
        FROM decision WHERE site = $1 AND case_id = $2 AND ($3::bigint IS NULL OR revision = $3)
        ORDER BY revision DESC LIMIT 1",
        site.as_str(),
        case,
        revision,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?
    .map(Row::read)
    .transpose()
}

/// Decisions of a case, newest first, below a revision.
pub async fn page(
    tx: &mut Tx,
    site: &SiteId,
    case: Uuid,
    below: Option<i64>,
    limit: i64,
) -> Result<Vec<DecisionRow>, Fault> {
    sqlx::query_as!(
        Row,
        "-- triage::store::decisions::page
        SELECT case_id, revision, grade, computed_grade, criteria, evidence, nature, urgency, category,
               category_stated, category_words, cluster, complainants, cluster_complainants, cluster_recent_cases,
               suspected, cause, decide_time, policy_profile, policy_revision, historical, hash
        FROM decision WHERE site = $1 AND case_id = $2 AND ($3::bigint IS NULL OR revision < $3)
        ORDER BY revision DESC LIMIT $4",
        site.as_str(),
        case,
        below,
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?
    .into_iter()
    .map(Row::read)
    .collect()
}
