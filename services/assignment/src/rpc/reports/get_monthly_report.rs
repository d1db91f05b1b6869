//! Gets the report for the monthly analysis meeting (M06).

use std::collections::BTreeMap;

use redress_model::Fault;
use redress_proto::assignment::v1 as wire;
use redress_proto::assignment::v1::{GetMonthlyReportRequest, GetMonthlyReportResponse};
use redress_proto::convert::to_wire;
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::super::ledger::money;
use super::ask::{self, Ask};
use super::list_recurring_causes::{CASES_DEFAULT, MONTHS_DEFAULT};
use super::{Shared, measures, month, parent, recurring, this_month};
use crate::domain::monthly::{Compared, Desk, Language, Measures, Monthly, Section, csv, markdown};
use crate::domain::report::{Dimension, Month, desk_pair};
use crate::store::reports::read::{self, Parent, Question, Sites};

/// The breakdowns, in the order of the meeting.
const SECTIONS: [Dimension; 7] = [
    Dimension::Site,
    Dimension::Category,
    Dimension::Grade,
    Dimension::Channel,
    Dimension::Department,
    Dimension::Cause,
    Dimension::Source,
];

/// Rows of a section: what a meeting can talk about.
const ROWS_MAX: usize = 50;

/// Causes shown.
const CAUSES_MAX: usize = 20;

pub(super) async fn run(
    shared: &Shared,
    request: Request<GetMonthlyReportRequest>,
) -> Result<GetMonthlyReportResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let request = request.into_inner();
    let operation = Get {
        parent: parent(&caller, &request.parent)?,
        month: month("month", &request.month, this_month(shared).plus(-1))?,
        name: &request.parent,
    };
    let scope = redress_runtime::scope(&caller);
    let report = shared.db.read(&scope, &operation).await?;
    let language = if request.language == "en" {
        Language::English
    } else {
        Language::Chinese
    };
    Ok(GetMonthlyReportResponse {
        markdown: markdown(&report, language),
        csv: csv(&report, language),
        report: Some(render(&report)),
    })
}

fn render(report: &Monthly) -> wire::MonthlyReport {
    let row = |row: &Compared| wire::ComparedRow {
        value: row.value.clone(),
        current: Some(measures(&row.current)),
        previous: Some(measures(&row.previous)),
    };
    wire::MonthlyReport {
        parent: report.parent.clone(),
        month: report.month.to_string(),
        total: Some(row(&report.total)),
        desk: Some(wire::ComparedDesk {
            current: Some(desk(&report.desk[0])),
            previous: Some(desk(&report.desk[1])),
        }),
        sections: report
            .sections
            .iter()
            .map(|section| wire::MonthlySection {
                dimension: to_wire(section.dimension),
                rows: section.rows.iter().map(row).collect(),
            })
            .collect(),
        recurring_causes: report.causes.iter().map(recurring).collect(),
        ledger: report
            .ledger
            .iter()
            .map(|booked| wire::BookedEntries {
                kind: to_wire(booked.kind),
                cause: to_wire(booked.cause),
                entries: booked.entries,
                amount: money(booked.amount_fen),
                settled: money(booked.settled_fen),
            })
            .collect(),
    }
}

fn desk(desk: &Desk) -> wire::DeskMeasures {
    wire::DeskMeasures {
        accepted: desk.accepted,
        acknowledged_on_time: desk.acknowledged_on_time,
        acknowledged_late: desk.acknowledged_late,
        followed: desk.followed,
        rerouted: desk.rerouted,
        regraded: desk.regraded,
    }
}

struct Get<'a> {
    parent: Parent,
    month: Month,
    name: &'a str,
}

impl Operation for Get<'_> {
    const NAME: &'static str = "assignment.get_monthly_report";
    type Output = Monthly;

    async fn run(&self, tx: &mut Tx) -> Result<Monthly, Fault> {
        read::prepare(tx).await?;
        let sites = read::sites(tx, &self.parent).await?;
        let total = self.compared(tx, &sites, None).await?;
        let total = total.into_iter().next().unwrap_or_default();
        let mut sections = Vec::new();
        for dimension in SECTIONS {
            let is_one_site = matches!(self.parent, Parent::Site(_));
            if dimension == Dimension::Site && is_one_site {
                continue;
            }
            let mut rows = self.compared(tx, &sites, Some(dimension)).await?;
            rows.truncate(ROWS_MAX);
            if !rows.is_empty() {
                sections.push(Section { dimension, rows });
            }
        }
        let months = (self.month.plus(1 - MONTHS_DEFAULT), self.month);
        Ok(Monthly {
            parent: self.name.to_owned(),
            month: self.month,
            desk: self.desk(tx, &sites, &total).await?,
            total,
            sections,
            ledger: read::booked(tx, sites.only.as_deref(), self.month).await?,
            causes: ask::causes(tx, sites, months, CASES_DEFAULT, CAUSES_MAX).await?,
        })
    }
}

impl Get<'_> {
    /// The desk in the month and the one before it.
    async fn desk(&self, tx: &mut Tx, sites: &Sites, total: &Compared) -> Result<[Desk; 2], Fault> {
        let question = Question {
            pair: desk_pair(),
            sites: sites.clone(),
            from: self.month.plus(-1),
            to: self.month,
            historical: false,
            by: [false, true, false, true],
            only_a: None,
            only_b: None,
            limit: i64::MAX,
        };
        let (mut current, mut previous) = (Desk::of(&total.current), Desk::of(&total.previous));
        for group in read::groups(tx, &question).await? {
            let (rerouted, regraded) = match group.b.as_str() {
                "KEPT" => (0, 0),
                "REROUTED" => (group.cases, 0),
                "REGRADED" => (0, group.cases),
                "BOTH" => (group.cases, group.cases),
                _ => return Err(Fault::internal("column tally.b holds an unknown word")),
            };
            let desk = if group.month == Some(self.month) {
                &mut current
            } else {
                &mut previous
            };
            desk.followed += group.cases;
            desk.rerouted += rerouted;
            desk.regraded += regraded;
        }
        Ok([current, previous])
    }

    /// The month and the one before it, side by side, most cases first. The total in detail.
    async fn compared(
        &self,
        tx: &mut Tx,
        sites: &Sites,
        dimension: Option<Dimension>,
    ) -> Result<Vec<Compared>, Fault> {
        let ask = Ask {
            sites: sites.clone(),
            months: (self.month.plus(-1), self.month),
            dimensions: dimension.into_iter().chain([Dimension::Month]).collect(),
            filters: Vec::new(),
            in_detail: dimension.is_none(),
            historical: false,
            limit: i64::MAX,
        };
        let this = self.month.to_string();
        let mut rows: BTreeMap<String, (Measures, Measures)> = BTreeMap::new();
        for (mut values, measures) in ask.run(tx).await? {
            let month = values.pop().unwrap_or_default();
            let both = rows.entry(values.pop().unwrap_or_default()).or_default();
            if month == this {
                both.0 = measures;
            } else {
                both.1 = measures;
            }
        }
        let mut rows: Vec<Compared> = rows
            .into_iter()
            .map(|(value, (current, previous))| Compared {
                value,
                current,
                previous,
            })
            .collect();
        rows.sort_by_key(|row| std::cmp::Reverse((row.current.cases, row.previous.cases)));
        Ok(rows)
    }
}
