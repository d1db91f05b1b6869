//! From a question in dimensions to the counts that answer it.

use std::collections::{BTreeMap, BTreeSet};

use redress_model::Fault;
use redress_model::words::ClockKind;
use redress_store::Tx;

use crate::domain::monthly::{Cause, Measures};
use crate::domain::report::{Column, Dimension, Month, Pair, Plan, quantile, trend};
use crate::store::reports::read::{self, Detail, Group, Question, Sites};

/// A question to the counts.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    /// Whose counts.
    pub(super) sites: Sites,
    /// First and last month.
    pub(super) months: (Month, Month),
    /// By what to break down.
    pub(super) dimensions: Vec<Dimension>,
    /// Only these values.
    pub(super) filters: Vec<(Dimension, Vec<String>)>,
    /// Times and kinds of promises too.
    pub(super) in_detail: bool,
    /// History too.
    pub(super) historical: bool,
    /// At most so many rows.
    pub(super) limit: i64,
}

/// Groups, each with its values in the order of the dimensions.
type Rows = Vec<(Vec<String>, Measures)>;

/// What a group is of: site, month, and the one value that goes with details.
type Key = (String, Option<Month>, String);

impl Ask {
    /// The counts that answer it; none where they would have to be of three dimensions.
    pub(super) fn plan(&self) -> Option<Plan> {
        let filtered = self.filters.iter().map(|(d, _)| *d);
        Plan::of(self.dimensions.iter().copied().chain(filtered))
            .filter(|plan| !self.in_detail || plan.details().is_some())
    }

    /// The groups, by month first where they are by month, then most cases first.
    pub(super) async fn run(&self, tx: &mut Tx) -> Result<Rows, Fault> {
        let plan = self
            .plan()
            .ok_or_else(|| Fault::internal("a question that was checked"))?;
        let is_one_site = matches!(self.sites.only.as_deref(), Some([_]));
        let by_both = self.by(Dimension::Site) && self.by(Dimension::Month);
        if is_one_site || !by_both || !plan.is_broad(self.in_detail) {
            return self.rows(tx, plan).await;
        }
        // Nearly as many groups as counts: the first months fill the answer, and the others are not read.
        let mut rows = Rows::new();
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        for month in (self.months.0.0..=self.months.1.0).map(Month) {
            let of_month = Self {
                months: (month, month),
                ..self.clone()
            };
            rows.extend(of_month.rows(tx, plan).await?);
            if rows.len() >= limit {
                rows.truncate(limit);
                break;
            }
        }
        Ok(rows)
    }

    async fn rows(&self, tx: &mut Tx, plan: Plan) -> Result<Rows, Fault> {
        let groups = read::groups(tx, &self.question(plan.cases(), plan)).await?;
        let mut details = BTreeMap::new();
        if self.in_detail {
            details = self.details(tx, plan, &groups).await?;
        }
        Ok(groups
            .into_iter()
            .map(|group| {
                let values = self.values(&group, plan);
                let key = (group.site, group.month, group.b);
                let detail = details.remove(&key).unwrap_or_default();
                (
                    values,
                    Measures {
                        cases: group.cases,
                        resolved: group.resolved,
                        on_time: group.on_time,
                        late: group.late,
                        surveys: group.surveys,
                        score: group.score,
                        ..detail
                    },
                )
            })
            .collect())
    }

    fn by(&self, dimension: Dimension) -> bool {
        self.dimensions.contains(&dimension)
    }

    fn question(&self, pair: Pair, plan: Plan) -> Question {
        let at = |column| {
            let of = |d: &Dimension| plan.column(*d) == Some(column);
            let by = self.dimensions.iter().any(of);
            let only = self.filters.iter().find(|(d, _)| of(d));
            (by, only.map(|(_, values)| values.clone()))
        };
        let ((by_a, only_a), (by_b, only_b)) = (at(Column::A), at(Column::B));
        Question {
            pair,
            sites: self.sites.clone(),
            from: self.months.0,
            to: self.months.1,
            historical: self.historical,
            by: [
                self.by(Dimension::Site),
                self.by(Dimension::Month),
                by_a,
                by_b,
            ],
            only_a,
            only_b,
            limit: self.limit,
        }
    }

    /// Times and promises of each of these groups. A detail is the second value of its pair, the dimension the first.
    async fn details(
        &self,
        tx: &mut Tx,
        plan: Plan,
        groups: &[Group],
    ) -> Result<BTreeMap<Key, Measures>, Fault> {
        let mut found: BTreeMap<Key, Measures> = BTreeMap::new();
        let Some([answers, resolutions, promises]) = plan.details() else {
            return Ok(found);
        };
        let cases = self.question(plan.cases(), plan);
        let [by_site, by_month, _, by_value] = cases.by;
        // Of many groups most are not shown.
        let shown: BTreeSet<(&str, &str)> = groups
            .iter()
            .map(|g| (g.site.as_str(), g.b.as_str()))
            .collect();
        let of = (by_site && by_value).then(|| {
            let of = shown.iter();
            of.map(|(site, value)| ((*site).to_owned(), (*value).to_owned()))
                .unzip::<String, String, Vec<_>, Vec<_>>()
        });
        let question = |pair| Question {
            pair,
            by: [by_site, by_month, by_value, true],
            only_a: if by_value {
                let values: BTreeSet<&str> = shown.iter().map(|(_, value)| *value).collect();
                Some(values.into_iter().map(str::to_owned).collect())
            } else {
                cases.only_b.clone()
            },
            only_b: None,
            ..cases.clone()
        };
        for (pair, is_answer) in [(answers, true), (resolutions, false)] {
            for detail in read::details(tx, &question(pair), of.clone()).await? {
                let counts: Vec<(i32, i64)> = detail
                    .counts
                    .iter()
                    .map(|count| (count.b.parse().unwrap_or(i32::MAX), count.cases))
                    .collect();
                let times = quantile(&counts, 0.5).zip(quantile(&counts, 0.9));
                let measures = found.entry(key(detail)).or_default();
                let slot = if is_answer {
                    &mut measures.answer
                } else {
                    &mut measures.resolve
                };
                *slot = times.map(|(half, most)| [half, most]);
            }
        }
        for mut detail in read::details(tx, &question(promises), of).await? {
            let counts = std::mem::take(&mut detail.counts);
            let measures = found.entry(key(detail)).or_default();
            for count in counts {
                if count.on_time <= 0 && count.late <= 0 {
                    continue;
                }
                let kind: ClockKind = count
                    .b
                    .parse()
                    .map_err(|_| Fault::internal("column tally.b holds an unknown kind"))?;
                measures.promises.push((kind, count.on_time, count.late));
            }
            measures.promises.sort_unstable();
        }
        Ok(found)
    }

    fn values(&self, group: &Group, plan: Plan) -> Vec<String> {
        self.dimensions
            .iter()
            .map(|dimension| match dimension {
                Dimension::Site => format!("sites/{}", group.site),
                Dimension::Month => group.month.map(|m| m.to_string()).unwrap_or_default(),
                other => match plan.column(*other) {
                    Some(Column::A) => group.a.clone(),
                    _ => group.b.clone(),
                },
            })
            .collect()
    }
}

fn key(detail: Detail) -> Key {
    (detail.site, detail.month, detail.a)
}

/// Causes that came up in at least so many cases of these months, most cases first.
pub(super) async fn causes(
    tx: &mut Tx,
    sites: Sites,
    months: (Month, Month),
    min_cases: i64,
    limit: usize,
) -> Result<Vec<Cause>, Fault> {
    let ask = Ask {
        sites,
        months,
        dimensions: vec![Dimension::Month, Dimension::Category, Dimension::Cause],
        filters: Vec::new(),
        in_detail: false,
        historical: false,
        limit: i64::MAX,
    };
    let mut seen: BTreeMap<(String, String), BTreeMap<Month, i64>> = BTreeMap::new();
    for (values, measures) in ask.run(tx).await? {
        let [month, category, cause] = values.as_slice() else {
            continue;
        };
        if let (Some(month), false) = (Month::parse(month), cause.is_empty()) {
            let cause = (cause.clone(), category.clone());
            seen.entry(cause).or_default().insert(month, measures.cases);
        }
    }
    let mut causes: Vec<Cause> = seen
        .into_iter()
        .map(|((cause, category), counts)| {
            let months: Vec<(Month, i64)> = (months.0.0..=months.1.0)
                .map(|m| (Month(m), counts.get(&Month(m)).copied().unwrap_or(0)))
                .collect();
            let cases: Vec<i64> = months.iter().map(|(_, n)| *n).collect();
            Cause {
                cause,
                category,
                trend: trend(&cases),
                months,
            }
        })
        .filter(|cause| cause.cases() >= min_cases)
        .collect();
    causes.sort_by_key(|cause| (std::cmp::Reverse(cause.cases()), cause.cause.clone()));
    causes.truncate(limit);
    Ok(causes)
}
