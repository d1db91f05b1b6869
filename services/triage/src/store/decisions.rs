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
use crate::domain::standing::{Override, proposed};

/// What a decision says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling {
    /// The grade that stands.
    pub grade: Grade,
    /// The grade without what counts provisionally; lower than the grade only while something does.
    pub firm: Grade,
    /// The grade that the facts alone give, without what a person set aside.
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
    /// The last word of a person on the grade.
    pub word: Option<Override>,
}

impl Ruling {
    /// Whether the grade hangs on a suspected signal that nobody answered.
    pub fn is_provisional(&self) -> bool {
        self.grade != self.firm
    }

    /// The lower grade that is proposed to whoever may lower it.
    pub fn proposed(&self) -> Option<Grade> {
        proposed(self.firm, self.computed, self.word.as_ref())
    }
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
        // What came later is added only where it says something, so that older entries hash as ever.
        if r.is_provisional() {
            text.push_str(&format!("\nfirm {}", r.firm));
        }
        if let Some(word) = &r.word {
            text.push_str(&format!("\nby person {}", by_person(word)));
        }
        let mut hash = Sha256::new();
        hash.update(before);
        hash.update(text.as_bytes());
        hash.finalize().to_vec()
    }
}

/// A person's word as it is kept: fields in their order.
fn by_person(word: &Override) -> serde_json::Value {
    serde_json::json!(word)
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
    firm_grade: Option<i16>,
    by_person: Option<serde_json::Value>,
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
                firm: grade(self.firm_grade.unwrap_or(self.grade))?,
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
                word: self
                    .by_person
                    .map(serde_json::from_value)
                    .transpose()
                    .map_err(Fault::internal)?,
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
          cluster_recent_cases, suspected, cause, decide_time, policy_profile, policy_revision, historical, hash,
          firm_grade, by_person)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
          $22, $23, $24, $25)",
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
        r.is_provisional().then(|| i16::from(r.firm.value())),
        r.word.as_ref().map(by_person),
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
               suspected, cause, decide_time, policy_profile, policy_revision, historical, hash, firm_grade,
               by_person
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
               suspected, cause, decide_time, policy_profile, policy_revision, historical, hash, firm_grade,
               by_person
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

/// All decisions on a case, oldest first.
pub async fn chain(tx: &mut Tx, site: &SiteId, case: Uuid) -> Result<Vec<DecisionRow>, Fault> {
    sqlx::query_as!(
        Row,
        "-- triage::store::decisions::chain
        SELECT case_id, revision, grade, computed_grade, criteria, evidence, nature, urgency, category,
               category_stated, category_words, cluster, complainants, cluster_complainants, cluster_recent_cases,
               suspected, cause, decide_time, policy_profile, policy_revision, historical, hash, firm_grade,
               by_person
        FROM decision WHERE site = $1 AND case_id = $2 ORDER BY revision",
        site.as_str(),
        case,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?
    .into_iter()
    .map(Row::read)
    .collect()
}

/// The first revision of a whole chain that is missing or does not hash to what it says and to the one
/// before it; `newest` is the revision that the case knows as its last.
pub fn first_broken(chain: &[DecisionRow], newest: i64) -> Option<i64> {
    let mut before: &[u8] = &[];
    for (row, expected) in chain.iter().zip(1..) {
        if row.revision != expected || row.hash != row.hash_after(before) {
            return Some(expected);
        }
        before = &row.hash;
    }
    let length = i64::try_from(chain.len()).unwrap_or(i64::MAX);
    (length != newest).then(|| length.min(newest) + 1)
}

/// Newest decisions of live cases whose facts give a lower grade than the one that stands, newest case
/// first, after a case.
pub async fn proposals(
    tx: &mut Tx,
    site: Option<&SiteId>,
    after: Option<Uuid>,
    ended: &[String],
    not_about: Option<&str>,
    limit: i64,
) -> Result<Vec<(SiteId, DecisionRow)>, Fault> {
    let rows = sqlx::query!(
        "-- triage::store::decisions::proposals
        SELECT d.site, d.case_id, d.revision, d.grade, d.computed_grade, d.criteria, d.evidence, d.nature, d.urgency,
               d.category, d.category_stated, d.category_words, d.cluster, d.complainants, d.cluster_complainants,
               d.cluster_recent_cases, d.suspected, d.cause, d.decide_time, d.policy_profile, d.policy_revision,
               d.historical, d.hash, d.firm_grade, d.by_person
        FROM case_file c JOIN decision d ON d.site = c.site AND d.case_id = c.id AND d.revision = c.decision
        WHERE c.proposed_grade IS NOT NULL AND ($1::text IS NULL OR c.site = $1) AND ($2::uuid IS NULL OR c.id < $2)
          AND NOT c.status = ANY ($3) AND ($4::text IS NULL OR NOT $4 = ANY (c.excluded))
        ORDER BY c.id DESC LIMIT $5",
        site.map(SiteId::as_str),
        after,
        ended,
        not_about,
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|r| {
            let site: SiteId = r.site.parse().map_err(Fault::internal)?;
            let row = Row {
                case_id: r.case_id,
                revision: r.revision,
                grade: r.grade,
                computed_grade: r.computed_grade,
                criteria: r.criteria,
                evidence: r.evidence,
                nature: r.nature,
                urgency: r.urgency,
                category: r.category,
                category_stated: r.category_stated,
                category_words: r.category_words,
                cluster: r.cluster,
                complainants: r.complainants,
                cluster_complainants: r.cluster_complainants,
                cluster_recent_cases: r.cluster_recent_cases,
                suspected: r.suspected,
                cause: r.cause,
                decide_time: r.decide_time,
                policy_profile: r.policy_profile,
                policy_revision: r.policy_revision,
                historical: r.historical,
                hash: r.hash,
                firm_grade: r.firm_grade,
                by_person: r.by_person,
            };
            Ok((site, row.read()?))
        })
        .collect()
}

/// The newest word of a person on each live case of a cluster that has not ended, where that word set aside how
/// many people complain.
pub async fn people_aside(
    tx: &mut Tx,
    site: &SiteId,
    cluster: Uuid,
) -> Result<Vec<(Uuid, Override)>, Fault> {
    let rows = sqlx::query!(
        "-- triage::store::decisions::people_aside
        SELECT c.id, d.by_person AS \"by_person!\"
        FROM case_file c
        JOIN decision d ON d.site = c.site AND d.case_id = c.id AND d.revision = c.decision
        WHERE c.site = $1 AND c.cluster = $2 AND c.people_aside AND d.by_person IS NOT NULL
          AND NOT c.historical AND c.status NOT IN ('CLOSED', 'ARCHIVED', 'WITHDRAWN', 'REJECTED')
        ORDER BY c.id",
        site.as_str(),
        cluster,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|row| {
            let word = serde_json::from_value(row.by_person).map_err(Fault::internal)?;
            Ok((row.id, word))
        })
        .collect()
}
