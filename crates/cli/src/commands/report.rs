//! `redress report`: how many complaints of what kind, why, and how well promises are kept.

use clap::{Args, Subcommand};
use redress_model::words::{Category, Channel, ClockKind};
use redress_proto::assignment::v1::{
    CauseSource, CauseTrend, ClassifyCauseRequest, GetMonthlyReportRequest,
    ListRecurringCausesRequest, MonthlyReport, QueryReportRequest, ReportDimension, ReportFilter,
    ReportMeasures, ReportRow,
};

use super::{choice, choice_but, word};
use crate::connect::{Platform, parent, request, request_id};
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, Tail as _, counted, heading, line, show_table, table};
use crate::paint::bare;

/// Characters of the longest bar: what a table keeps in one line.
const BAR_CELLS: i64 = 16;

/// Whose counts.
#[derive(Debug, Args)]
pub(crate) struct Whose {
    /// Site; everything that the token sees otherwise.
    #[arg(long, conflicts_with = "of")]
    site: Option<String>,
    /// Organization or region, `organizations/{organization}[/regions/{region}]`.
    #[arg(long, value_name = "NAME")]
    of: Option<String>,
}

impl Whose {
    fn parent(&self) -> String {
        self.of
            .clone()
            .unwrap_or_else(|| parent(self.site.as_deref()))
    }
}

/// Subcommands of `report`.
#[derive(Debug, Subcommand)]
pub(crate) enum ReportCommand {
    /// Count cases by any dimensions: SITE, MONTH, CATEGORY, CAUSE, SOURCE, GRADE, CHANNEL, DEPARTMENT.
    #[command(
        after_help = "Examples:\n  redress report show --by category\n  redress report show --site lakeside --by month,grade --from 2026-01 --to 2026-06\n  redress report show --by department --only category=REPAIR_SERVICE\n  redress report show --by category --detail --csv > counts.csv"
    )]
    Show {
        /// Whose counts.
        #[command(flatten)]
        whose: Whose,
        /// By what, separated by commas; beside SITE and MONTH two at most.
        #[arg(long, value_delimiter = ',', value_name = "DIMENSION")]
        by: Vec<String>,
        /// Only one value of a dimension, `DIMENSION=VALUE`; twice at most.
        #[arg(long, value_name = "DIMENSION=VALUE")]
        only: Vec<String>,
        /// First month, for example 2026-01; a year back otherwise.
        #[arg(long, value_name = "MONTH", value_parser = crate::args::parse_month_text)]
        from: Option<String>,
        /// Last month; the current one otherwise.
        #[arg(long, value_name = "MONTH", value_parser = crate::args::parse_month_text)]
        to: Option<String>,
        /// Times to the answer and to the resolution, and each kind of promise.
        #[arg(long)]
        detail: bool,
        /// Imported history too.
        #[arg(long)]
        history: bool,
        /// Print CSV.
        #[arg(long, conflicts_with = "markdown")]
        csv: bool,
        /// Print Markdown.
        #[arg(long)]
        markdown: bool,
    },
    /// The report for the monthly analysis meeting, the month before beside it.
    #[command(
        after_help = "Examples:\n  redress report monthly --site lakeside\n  redress report monthly --of organizations/demo --month 2026-05 --language en\n  redress report monthly --csv > month.csv"
    )]
    Monthly {
        /// Whose counts.
        #[command(flatten)]
        whose: Whose,
        /// The month; the last whole one otherwise.
        #[arg(long, value_name = "MONTH", value_parser = crate::args::parse_month_text)]
        month: Option<String>,
        /// `zh-CN` or `en`.
        #[arg(long, default_value = "zh-CN")]
        language: String,
        /// Print CSV instead of Markdown.
        #[arg(long, conflicts_with = "markdown")]
        csv: bool,
        /// Print Markdown, as without it.
        #[arg(long)]
        markdown: bool,
    },
    /// Causes that come up again and again.
    #[command(
        after_help = "Examples:\n  redress report causes --site lakeside\n  redress report causes --months 12 --min-cases 5 --json"
    )]
    Causes {
        /// Whose counts.
        #[command(flatten)]
        whose: Whose,
        /// Over how many months.
        #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(i32).range(2..=24))]
        months: i32,
        /// In at least so many cases.
        #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(i32).range(1..=1_000_000))]
        min_cases: i32,
        /// Last month; the current one otherwise.
        #[arg(long, value_name = "MONTH", value_parser = crate::args::parse_month_text)]
        to: Option<String>,
        /// Print CSV.
        #[arg(long, conflicts_with = "markdown")]
        csv: bool,
        /// Print Markdown.
        #[arg(long)]
        markdown: bool,
    },
    /// Say what the cause of a case is, so that it counts with others alike.
    #[command(
        after_help = "Example:\n  redress report classify LS-20261121-0001 --cause 'loose joint' --source OBJECTIVE_DEFECT"
    )]
    Classify {
        /// The work, or its case by name or number.
        name: String,
        /// The cause, spelled as for cases alike.
        #[arg(long)]
        cause: String,
        /// OBJECTIVE_DEFECT, ECONOMIC_MOTIVE, THIRD_PARTY_INSTIGATION or OUTSIDE_OUR_RESPONSIBILITY.
        #[arg(long)]
        source: Option<String>,
    },
}

/// Runs a subcommand.
pub(crate) async fn run(
    platform: &Platform,
    command: ReportCommand,
    out: Output,
) -> Result<(), Failure> {
    let mut client = platform.reports();
    match command {
        ReportCommand::Show {
            whose,
            by,
            only,
            from,
            to,
            detail,
            history,
            csv,
            markdown,
        } => {
            let dimensions: Vec<ReportDimension> = by
                .iter()
                .map(|text| dimension("by", text))
                .collect::<Result<_, _>>()?;
            let query = QueryReportRequest {
                parent: whose.parent(),
                from_month: from.unwrap_or_default(),
                to_month: to.unwrap_or_default(),
                dimensions: dimensions.iter().map(|d| i32::from(*d)).collect(),
                filters: only
                    .iter()
                    .map(|text| filter(text))
                    .collect::<Result<_, _>>()?,
                in_detail: detail,
                include_historical: history,
            };
            let answer = client.query_report(request(query)).await?.into_inner();
            let form = Form { csv, markdown };
            show(&answer.rows, &dimensions, detail, form, out);
            if answer.truncated {
                anstream::eprintln!("there are more groups; ask for fewer months or sites");
            }
            if answer.pending > 0 {
                let changed = counted(
                    &answer.pending,
                    "case changed since it was",
                    "cases changed since they were",
                );
                anstream::eprintln!("{changed} counted");
            }
        }
        ReportCommand::Monthly {
            whose,
            month,
            language,
            csv,
            ..
        } => {
            let get = GetMonthlyReportRequest {
                parent: whose.parent(),
                month: month.unwrap_or_default(),
                language,
            };
            let answer = client.get_monthly_report(request(get)).await?.into_inner();
            let report = answer.report.unwrap_or_default();
            out.one(
                || json::of("assignment.v1.MonthlyReport", &report),
                || anstream::print!("{}", if csv { answer.csv } else { answer.markdown }),
            );
            if let Some(hint) = of_an_empty_month(&report) {
                anstream::eprintln!("{hint}");
            }
        }
        ReportCommand::Causes {
            whose,
            months,
            min_cases,
            to,
            csv,
            markdown,
        } => {
            let list = ListRecurringCausesRequest {
                parent: whose.parent(),
                to_month: to.unwrap_or_default(),
                months,
                min_cases,
                page_size: 1000,
            };
            let answer = client.list_recurring_causes(request(list)).await?;
            let causes = answer.into_inner().causes;
            let most = causes.iter().map(|c| c.cases).max().unwrap_or(0);
            let heads = [
                "Cause", "Category", "Cases", "", "Months", "Trend", "By month",
            ];
            let cells = |c: &redress_proto::assignment::v1::RecurringCause| {
                let by_month: Vec<String> = c.months.iter().map(|m| m.cases.to_string()).collect();
                vec![
                    c.cause.clone(),
                    or_dash(&c.category),
                    c.cases.to_string(),
                    bar(c.cases, most),
                    c.months_seen.to_string(),
                    trend(c.trend()).to_owned(),
                    by_month.join(" "),
                ]
            };
            let form = Form { csv, markdown };
            form.print(
                &heads,
                &causes,
                cells,
                |c| json::of("assignment.v1.RecurringCause", c),
                out,
            );
        }
        ReportCommand::Classify {
            name,
            cause,
            source,
        } => {
            let classify = ClassifyCauseRequest {
                name: super::work::find(platform, &name).await?,
                cause,
                source: source.map(|s| source_number(&s)).transpose()?.unwrap_or(0),
                request_id: request_id(),
            };
            let answer = client.classify_cause(request(classify)).await?.into_inner();
            out.one(
                || json::of("assignment.v1.ClassifyCauseResponse", &answer),
                || {
                    heading("Cause");
                    line("cause", or_dash(&answer.cause));
                    let source = answer.source().as_str_name();
                    line("source", source.tail("CAUSE_SOURCE_"));
                },
            );
        }
    }
    Ok(())
}

/// In which form rows are printed, unless as JSON.
#[derive(Debug, Clone, Copy)]
struct Form {
    csv: bool,
    markdown: bool,
}

impl Form {
    fn print<T>(
        self,
        heads: &[&str],
        rows: &[T],
        cells: impl Fn(&T) -> Vec<String>,
        json: impl Fn(&T) -> serde_json::Value,
        out: Output,
    ) {
        if out.json || !(self.csv || self.markdown) {
            out.rows(heads, rows, cells, json);
            return;
        }
        // Bars are for the eye.
        let keep: Vec<usize> = (0..heads.len()).filter(|i| !heads[*i].is_empty()).collect();
        let pick =
            |cells: &[String]| -> Vec<String> { keep.iter().map(|i| bare(&cells[*i])).collect() };
        let heads: Vec<String> = heads.iter().map(|h| (*h).to_owned()).collect();
        let all = std::iter::once(heads).chain(rows.iter().map(cells));
        for (i, row) in all.enumerate() {
            let row = pick(&row);
            if self.csv {
                let fields: Vec<String> = row.iter().map(|f| field(f)).collect();
                // For a program: as it is, like JSON.
                anstream::println!("{}", fields.join(","));
                continue;
            }
            let row: Vec<String> = row.iter().map(|f| f.replace('|', "\\|")).collect();
            crate::output::say!("| {} |", row.join(" | "));
            if i == 0 {
                crate::output::say!("|{}", " --- |".repeat(row.len()));
            }
        }
    }
}

fn show(rows: &[ReportRow], dimensions: &[ReportDimension], detail: bool, form: Form, out: Output) {
    let none = ReportMeasures::default();
    let most = rows
        .iter()
        .filter_map(|row| row.measures.as_ref())
        .map(|m| m.cases)
        .max()
        .unwrap_or(0);
    let names: Vec<String> = dimensions.iter().map(|d| title(*d)).collect();
    let mut heads: Vec<&str> = names.iter().map(String::as_str).collect();
    heads.extend(["Cases", "", "Resolved", "On time", "Satisfaction"]);
    if detail {
        heads.extend(["Answer p50", "p90", "Resolve p50", "Resolve p90"]);
    }
    let cells = |row: &ReportRow| {
        let m = row.measures.as_ref().unwrap_or(&none);
        let mut cells: Vec<String> = row.values.iter().map(|v| or_dash(v)).collect();
        cells.extend([
            m.cases.to_string(),
            bar(m.cases, most),
            m.resolved.to_string(),
            m.on_time_rate
                .map_or_else(|| "–".to_owned(), |rate| format!("{:.1} %", rate * 100.0)),
            m.satisfaction
                .map_or_else(|| "–".to_owned(), |score| format!("{score:.1}")),
        ]);
        if detail {
            for time in [&m.answer_p50, &m.answer_p90, &m.resolve_p50, &m.resolve_p90] {
                cells.push(hours(time.as_ref()));
            }
        }
        cells
    };
    form.print(
        &heads,
        rows,
        cells,
        |row| json::of("assignment.v1.ReportRow", row),
        out,
    );
    if detail && !out.json && !form.csv && !form.markdown {
        promises(rows);
    }
}

/// How each kind of promise was kept, over all rows.
fn promises(rows: &[ReportRow]) {
    let mut kinds: std::collections::BTreeMap<i32, (i64, i64)> = std::collections::BTreeMap::new();
    for promise in rows
        .iter()
        .filter_map(|row| row.measures.as_ref())
        .flat_map(|m| &m.promises)
    {
        let both = kinds.entry(promise.kind).or_default();
        both.0 += promise.on_time;
        both.1 += promise.late;
    }
    if kinds.is_empty() {
        return;
    }
    heading("Promises");
    let mut table = table(&["Promise", "On time", "Late", ""]);
    for (kind, (on_time, late)) in kinds {
        table.add_row(vec![
            word::<ClockKind>(kind),
            on_time.to_string(),
            late.to_string(),
            bar(on_time, on_time + late),
        ]);
    }
    show_table(table);
}

/// What to do about a report of nothing; none where there is something.
fn of_an_empty_month(report: &MonthlyReport) -> Option<String> {
    let total = report.total.as_ref().and_then(|t| t.current.as_ref());
    let month = &report.month;
    total.is_none_or(|m| m.cases == 0).then(|| {
        format!(
            "{month} has no case; --month names another month, and `redress report show --by month` says which have some"
        )
    })
}

/// A bar as long as its share of the most.
fn bar(value: i64, most: i64) -> String {
    if most <= 0 || value <= 0 {
        return String::new();
    }
    let cells = (value * BAR_CELLS + most / 2) / most;
    "█".repeat(usize::try_from(cells.max(1)).unwrap_or(1))
}

fn hours(time: Option<&prost_types::Duration>) -> String {
    time.map_or_else(
        || "–".to_owned(),
        |t| match t.seconds {
            seconds @ ..3600 => format!("{} min", (seconds + 30) / 60),
            seconds => format!("{}.{} h", seconds / 3600, seconds % 3600 / 360),
        },
    )
}

fn trend(trend: CauseTrend) -> &'static str {
    match trend {
        CauseTrend::Unspecified => "–",
        CauseTrend::Rising => "rising",
        CauseTrend::Steady => "steady",
        CauseTrend::Falling => "falling",
    }
}

fn or_dash(text: &str) -> String {
    if text.is_empty() { "–" } else { text }.to_owned()
}

/// A CSV field that no spreadsheet takes for a formula.
fn field(text: &str) -> String {
    let text = if text.starts_with(['=', '+', '-', '@']) {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if text.contains([',', '"', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

fn title(dimension: ReportDimension) -> String {
    let word = dimension
        .as_str_name()
        .tail("REPORT_DIMENSION_")
        .to_lowercase();
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

fn dimension(argument: &'static str, text: &str) -> Result<ReportDimension, Failure> {
    let name = ReportDimension::as_str_name;
    choice(argument, "REPORT_DIMENSION_", text, name)
}

fn filter(text: &str) -> Result<ReportFilter, Failure> {
    let Some((name, value)) = text.split_once('=') else {
        return Err(Failure::Argument {
            argument: "only",
            reason: "is written DIMENSION=VALUE".to_owned(),
        });
    };
    // The parent and the months narrow these.
    let refused = [ReportDimension::Site, ReportDimension::Month];
    let spelled = ReportDimension::as_str_name;
    let dimension: ReportDimension =
        choice_but("only", "REPORT_DIMENSION_", name, spelled, &refused)?;
    let value = match dimension {
        ReportDimension::Category => {
            super::number::<Category>("only", value).map(word::<Category>)?
        }
        ReportDimension::Channel => super::number::<Channel>("only", value).map(word::<Channel>)?,
        _ => value.to_owned(),
    };
    Ok(ReportFilter {
        dimension: dimension.into(),
        values: vec![value],
    })
}

fn source_number(text: &str) -> Result<i32, Failure> {
    choice("source", "CAUSE_SOURCE_", text, CauseSource::as_str_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_shows_its_share_and_something_for_anything() {
        assert_eq!(bar(10, 10).chars().count(), 16);
        assert_eq!(bar(5, 10).chars().count(), 8);
        assert_eq!(bar(1, 1000).chars().count(), 1);
        assert_eq!(bar(0, 10), "");
    }

    #[test]
    fn a_bar_stands_in_one_line_of_80_columns() {
        let heads = [
            "Month",
            "Category",
            "Cases",
            "",
            "Resolved",
            "On time",
            "Satisfaction",
        ];
        let mut rows = table(&heads);
        rows.add_row([
            "2026-10",
            "REPAIR_SERVICE",
            "112",
            bar(10, 10).as_str(),
            "98",
            "97.5 %",
            "4.5",
        ]);
        let shown = crate::layout::fitted(rows, Some(80));
        assert!(shown.contains(&bar(10, 10)), "{shown}");
    }

    #[test]
    fn m06_a_report_of_an_empty_month_says_which_month_it_is_and_how_to_ask_for_another() {
        let of = |cases| MonthlyReport {
            month: "2026-10".to_owned(),
            total: Some(redress_proto::assignment::v1::ComparedRow {
                current: Some(ReportMeasures {
                    cases,
                    ..Default::default()
                }),
                ..Default::default()
            }),
            ..Default::default()
        };
        let hint = of_an_empty_month(&of(0)).expect("nothing in it");
        assert!(hint.starts_with("2026-10 "), "{hint}");
        assert!(hint.contains("--month"), "{hint}");
        assert_eq!(of_an_empty_month(&of(1)), None);
    }

    #[test]
    fn a_filter_names_a_dimension_and_a_value() {
        let filter = filter("category=repair-service").expect("well spelled");
        assert_eq!(filter.values, ["REPAIR_SERVICE"]);
        assert!(super::filter("category").is_err());
        assert!(super::filter("colour=red").is_err());
    }

    #[test]
    fn i10_a_filter_is_told_the_dimensions_that_it_takes() {
        for refused in ["month=2026-05", "site=lake", "colour=red"] {
            let said = filter(refused).expect_err("refused").to_string();
            let offered = said.split(" is not one of ").nth(1).unwrap_or_default();
            for word in offered.split(", ") {
                assert!(dimension("only", word).is_ok(), "{said}");
                assert!(!["SITE", "MONTH"].contains(&word), "{said}");
            }
        }
        assert!(filter("grade=1").is_ok());
    }
}
