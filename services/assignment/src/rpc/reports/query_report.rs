//! Counts cases by any dimensions.

use redress_model::{Fault, Violation};
use redress_proto::assignment::v1::{QueryReportRequest, QueryReportResponse, ReportRow};
use redress_proto::convert::from_wire;
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::ask::Ask;
use super::{Shared, measures, month, parent, this_month};
use crate::domain::monthly::Measures;
use crate::domain::report::{Dimension, is_value};
use crate::store::reports::read::{self, Parent, Sites};

/// The most rows of an answer.
const ROWS_MAX: usize = 5_000;

/// The most rows in detail: each is counted of some forty times and kinds of promises.
const DETAILED_ROWS_MAX: usize = 500;

/// The most months of a question.
const MONTHS_MAX: i32 = 60;

pub(super) async fn run(
    shared: &Shared,
    request: Request<QueryReportRequest>,
) -> Result<QueryReportResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let request = request.into_inner();
    let to = month("to_month", &request.to_month, this_month(shared))?;
    let from = month("from_month", &request.from_month, to.plus(-11))?;
    if from > to || to.0 - from.0 >= MONTHS_MAX {
        return Err(Fault::invalid(
            "from_month",
            "must be at most 60 months before to_month, and not after it",
        ));
    }
    let mut dimensions: Vec<Dimension> = Vec::new();
    for dimension in request.dimensions.iter().filter_map(|n| from_wire(*n)) {
        if dimensions.contains(&dimension) {
            return Err(Fault::invalid("dimensions", "must not name one twice"));
        }
        dimensions.push(dimension);
    }
    let rows_max = if request.in_detail {
        DETAILED_ROWS_MAX
    } else {
        ROWS_MAX
    };
    let ask = Ask {
        sites: Sites::default(),
        months: (from, to),
        dimensions,
        filters: filters(&request)?,
        in_detail: request.in_detail,
        historical: request.include_historical,
        limit: i64::try_from(rows_max).unwrap_or(i64::MAX) + 1,
    };
    if ask.plan().is_none() {
        let description = if request.in_detail {
            "of all but SITE and MONTH one at most in detail, those of the filters counted too"
        } else {
            "of all but SITE and MONTH two at most, those of the filters counted too"
        };
        return Err(Fault::invalid("dimensions", description));
    }
    let operation = Query {
        parent: parent(&caller, &request.parent)?,
        ask,
    };
    let scope = redress_runtime::scope(&caller);
    let (mut rows, pending) = shared.db.read(&scope, &operation).await?;
    let truncated = rows.len() > rows_max;
    rows.truncate(rows_max);
    Ok(QueryReportResponse {
        rows: rows
            .into_iter()
            .map(|(values, m)| ReportRow {
                values,
                measures: Some(measures(&m)),
            })
            .collect(),
        truncated,
        pending,
    })
}

fn filters(request: &QueryReportRequest) -> Result<Vec<(Dimension, Vec<String>)>, Fault> {
    let mut filters: Vec<(Dimension, Vec<String>)> = Vec::new();
    let mut violations = Vec::new();
    for (i, filter) in request.filters.iter().enumerate() {
        let Some(dimension) = from_wire::<Dimension>(filter.dimension) else {
            continue;
        };
        if filters.iter().any(|(d, _)| *d == dimension) {
            violations.push(Violation {
                field: format!("filters[{i}].dimension"),
                description: "must not be narrowed twice".to_owned(),
            });
        }
        for (j, value) in filter.values.iter().enumerate() {
            if !is_value(dimension, value) {
                violations.push(Violation {
                    field: format!("filters[{i}].values[{j}]"),
                    description: format!("is no {dimension}"),
                });
            }
        }
        filters.push((dimension, filter.values.clone()));
    }
    if violations.is_empty() {
        Ok(filters)
    } else {
        Err(Fault::violations(violations))
    }
}

struct Query {
    parent: Parent,
    ask: Ask,
}

impl Operation for Query {
    const NAME: &'static str = "assignment.query_report";
    type Output = (Vec<(Vec<String>, Measures)>, i64);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        read::prepare(tx).await?;
        let sites = read::sites(tx, &self.parent).await?;
        let pending = read::pending(tx, sites.only.as_deref()).await?;
        let ask = Ask {
            sites,
            ..self.ask.clone()
        };
        Ok((ask.run(tx).await?, pending))
    }
}
