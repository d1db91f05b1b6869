//! `redress contractor`: who built it, what they are ordered to do, and what a default costs them.

use clap::Subcommand;
use jiff::Timestamp;
use redress_proto::assignment::v1::record_order_step_request::Step;
use redress_proto::assignment::v1::{
    ChecklistItem, Contractor, ContractorOrder, CreateContractorRequest, DefectClass,
    ListContractorsRequest, ListOrdersRequest, OrderCancelled, OrderCharged, OrderChecked,
    OrderDefaulted, OrderDone, OrderRecovered, PlaceOrderRequest, RecordOrderStepRequest,
};

use super::case::{Numbers, name_if_given, name_of};
use super::practice::{amount, at, yuan};
use super::{choice, spelled};
use crate::args::Paging;
use crate::connect::{Platform, all_pages, parent, request, request_id};
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, when};

/// Subcommands of `contractor`.
#[derive(Debug, Subcommand)]
pub(crate) enum ContractorCommand {
    /// Register a contractor; at most 3 % may be retained, for at most 24 months.
    #[command(
        after_help = "Example:\n  redress contractor add --site lakeside --name 'First Builders' --sum 1000000 --retention 30000 --accepted 2025-03-15 --class ROOF --class LEAK"
    )]
    Add {
        /// The site.
        #[arg(long)]
        site: String,
        /// The company.
        #[arg(long)]
        name: String,
        /// The settled sum in yuan.
        #[arg(long)]
        sum: String,
        /// What was retained of it, in yuan.
        #[arg(long)]
        retention: String,
        /// Completion acceptance of its works.
        #[arg(long, value_name = "DATE")]
        accepted: String,
        /// Months of liability with the retention.
        #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(i32).range(1..=24))]
        months: i32,
        /// What it built; may be given several times.
        #[arg(long = "class", value_name = "CLASS")]
        classes: Vec<String>,
    },
    /// List contractors, newest first.
    #[command(after_help = "Example:\n  redress contractor list --site lakeside")]
    List {
        /// Site; all of the token's sites otherwise.
        #[arg(long)]
        site: Option<String>,
        /// Rows.
        #[command(flatten)]
        paging: Paging,
    },
    /// Order a repair for a case; a clock of its own runs on the case.
    #[command(
        after_help = "Example:\n  redress contractor order LS-20261121-0001 --contractor sites/lakeside/contractors/ID --scope 'seal the joint' --due 2026-06-02T18:00:00+08:00"
    )]
    Order {
        /// The case.
        case: String,
        /// The contractor.
        #[arg(long)]
        contractor: String,
        /// What is to be done; name nobody.
        #[arg(long)]
        scope: String,
        /// By when: an instant, a local time, or so long from now (3d).
        #[arg(long, value_name = "WHEN", value_parser = crate::args::parse_when)]
        due: Timestamp,
        /// The order in default that this one stands in for.
        #[arg(long, default_value = "")]
        replaces: String,
        /// What is done beside the repair itself; may be given several times. The shipped list otherwise.
        #[arg(long = "check", value_name = "ITEM")]
        checklist: Vec<String>,
    },
    /// Tick items of an order's checklist, counted from 1.
    #[command(after_help = "Example:\n  redress contractor check sites/lakeside/orders/ID 1 2")]
    Check {
        /// The order.
        order: String,
        /// Which items.
        #[arg(required = true, value_parser = clap::value_parser!(i32).range(1..=20))]
        items: Vec<i32>,
    },
    /// Say that an order is done.
    #[command(
        after_help = "Examples:\n  redress contractor done sites/lakeside/orders/ID\n  redress contractor done sites/lakeside/orders/ID --text 'the home is empty'"
    )]
    Done {
        /// The order.
        order: String,
        /// Why items of its checklist are open; name nobody.
        #[arg(long, default_value = "")]
        text: String,
    },
    /// Say that the contractor does not do it; another may then be ordered.
    #[command(
        after_help = "Example:\n  redress contractor default sites/lakeside/orders/ID --text 'nobody came twice'"
    )]
    Default {
        /// The order.
        order: String,
        /// Why; name nobody.
        #[arg(long)]
        text: String,
    },
    /// Charge what the replacement cost: the retention pays first, the rest is recourse.
    #[command(
        after_help = "Example:\n  redress contractor charge sites/lakeside/orders/ID --cost 20000"
    )]
    Charge {
        /// The order in default.
        order: String,
        /// What the replacement cost, in yuan.
        #[arg(long)]
        cost: String,
    },
    /// Say that recourse came in.
    #[command(
        after_help = "Example:\n  redress contractor recovered sites/lakeside/orders/ID --amount 5000"
    )]
    Recovered {
        /// The charged order.
        order: String,
        /// How much, in yuan.
        #[arg(long)]
        amount: String,
    },
    /// Say that nobody needs an order any more.
    #[command(
        after_help = "Example:\n  redress contractor cancel sites/lakeside/orders/ID --text 'the owner repaired it'"
    )]
    Cancel {
        /// The order.
        order: String,
        /// Why; name nobody.
        #[arg(long)]
        text: String,
    },
    /// List orders, newest first.
    #[command(
        after_help = "Example:\n  redress contractor orders --site lakeside --case sites/lakeside/cases/ID"
    )]
    Orders {
        /// Site; all of the token's sites otherwise.
        #[arg(long)]
        site: Option<String>,
        /// Only of this case; needs --site.
        #[arg(long, default_value = "", requires = "site")]
        case: String,
        /// Only of this contractor; needs --site.
        #[arg(long, default_value = "", requires = "site")]
        contractor: String,
        /// Rows.
        #[command(flatten)]
        paging: Paging,
    },
}

/// Runs a subcommand.
pub(crate) async fn run(
    platform: &Platform,
    command: ContractorCommand,
    out: Output,
) -> Result<(), Failure> {
    let mut client = platform.contractors();
    let request_id = request_id();
    let mut said = String::new();
    let (name, step) = match command {
        ContractorCommand::Add {
            site,
            name,
            sum,
            retention,
            accepted,
            months,
            classes,
        } => {
            let classes: Result<Vec<i32>, Failure> = classes
                .iter()
                .map(|c| choice("class", "DEFECT_CLASS_", c, DefectClass::as_str_name))
                .collect();
            let create = CreateContractorRequest {
                parent: parent(Some(&site)),
                display_name: name,
                defect_classes: classes?,
                contract_sum: yuan("sum", &sum)?,
                retention: yuan("retention", &retention)?,
                acceptance_date: accepted,
                liability_months: months,
                request_id,
            };
            let answer = client
                .create_contractor(request(create))
                .await?
                .into_inner();
            show_contractors(&Vec::from_iter(answer.contractor), out);
            return Ok(());
        }
        ContractorCommand::List { site, paging } => {
            let rows = all_pages(paging.limit, |page_size, page_token| {
                let mut client = client.clone();
                let list = ListContractorsRequest {
                    parent: parent(site.as_deref()),
                    page_size,
                    page_token,
                };
                async move {
                    let answer = client.list_contractors(request(list)).await?.into_inner();
                    Ok((answer.contractors, answer.next_page_token))
                }
            })
            .await?;
            show_contractors(&rows, out);
            return Ok(());
        }
        ContractorCommand::Order {
            case,
            contractor,
            scope,
            due,
            replaces,
            checklist,
        } => {
            let case = name_of(platform, &case).await?;
            let place = PlaceOrderRequest {
                case,
                contractor,
                scope,
                due_time: at(due),
                replaces,
                request_id,
                checklist,
            };
            let answer = client.place_order(request(place)).await?.into_inner();
            show_orders(platform, &Vec::from_iter(answer.order), out).await;
            return Ok(());
        }
        ContractorCommand::Orders {
            site,
            case,
            contractor,
            paging,
        } => {
            let case = name_if_given(platform, &case).await?;
            let rows = all_pages(paging.limit, |page_size, page_token| {
                let mut client = client.clone();
                let list = ListOrdersRequest {
                    parent: parent(site.as_deref()),
                    page_size,
                    page_token,
                    case: case.clone(),
                    contractor: contractor.clone(),
                };
                async move {
                    let answer = client.list_orders(request(list)).await?.into_inner();
                    Ok((answer.orders, answer.next_page_token))
                }
            })
            .await?;
            show_orders(platform, &rows, out).await;
            return Ok(());
        }
        ContractorCommand::Check { order, items } => (order, Step::Checked(OrderChecked { items })),
        ContractorCommand::Done { order, text } => {
            said = text;
            (order, Step::Done(OrderDone {}))
        }
        ContractorCommand::Default { order, text } => {
            said = text;
            (order, Step::Defaulted(OrderDefaulted {}))
        }
        ContractorCommand::Charge { order, cost } => {
            let cost = yuan("cost", &cost)?;
            (order, Step::Charged(OrderCharged { cost }))
        }
        ContractorCommand::Recovered { order, amount } => {
            let amount = yuan("amount", &amount)?;
            (order, Step::Recovered(OrderRecovered { amount }))
        }
        ContractorCommand::Cancel { order, text } => {
            said = text;
            (order, Step::Cancelled(OrderCancelled {}))
        }
    };
    let record = RecordOrderStepRequest {
        name,
        step: Some(step),
        text: said,
        etag: String::new(),
        request_id,
    };
    let answer = client
        .record_order_step(request(record))
        .await?
        .into_inner();
    show_orders(platform, &Vec::from_iter(answer.order), out).await;
    Ok(())
}

fn show_contractors(rows: &[Contractor], out: Output) {
    out.rows(
        &[
            "Contractor",
            "Company",
            "Sum",
            "Retention",
            "Left",
            "Liable until",
        ],
        rows,
        |c| {
            vec![
                c.name.clone(),
                c.display_name.clone(),
                amount(c.contract_sum.as_ref()),
                amount(c.retention.as_ref()),
                amount(c.retention_left.as_ref()),
                c.liability_end_date.clone(),
            ]
        },
        |c| json::of("assignment.v1.Contractor", c),
    );
}

/// How many items of the checklist are ticked, and which are open.
pub(super) fn checked(list: &[ChecklistItem]) -> String {
    let open: Vec<String> = list
        .iter()
        .enumerate()
        .filter(|(_, item)| item.tick_time.is_none())
        .map(|(i, item)| format!("{} {}", i + 1, item.text))
        .collect();
    let total = list.len();
    let ticked = format!("{} of {total}", total - open.len());
    match open.as_slice() {
        [] => ticked,
        open => format!("{ticked}, open: {}", open.join("; ")),
    }
}

async fn show_orders(platform: &Platform, rows: &[ContractorOrder], out: Output) {
    let cases = rows.iter().map(|o| o.case.as_str());
    let numbers = Numbers::look_up(platform, cases, out).await;
    out.rows(
        &[
            "Order",
            "Case",
            "State",
            "Due",
            "Cost",
            "Retention paid",
            "Recourse",
            "Recovered",
            "Checked",
            "Scope",
        ],
        rows,
        |o| {
            vec![
                o.name.clone(),
                numbers.of(&o.case),
                spelled(o.state().as_str_name(), "CONTRACTOR_ORDER_STATE_"),
                when(o.due_time.as_ref()),
                amount(o.cost.as_ref()),
                amount(o.from_retention.as_ref()),
                amount(o.recourse.as_ref()),
                amount(o.recovered.as_ref()),
                checked(&o.checklist),
                o.scope.clone(),
            ]
        },
        |o| json::of("assignment.v1.ContractorOrder", o),
    );
}
