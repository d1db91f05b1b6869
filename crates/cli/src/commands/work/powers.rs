//! Powers of whoever supervises a case: ask for evidence, and order handling with a deadline (M13).

use clap::{Args, Subcommand};
use jiff::Timestamp;
use redress_proto::assignment::v1::{
    EndEvidenceRequestRequest, EvidenceRequest, HandlingOrder, LiftHandlingOrderRequest,
    OrderHandlingRequest, RequestEvidenceRequest,
};

use super::{department_of, find, or_dash};
use crate::commands::people::person_if_given;
use crate::commands::practice::at;
use crate::connect::{Platform, request, request_id};
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, Tail as _, short, show_table, table, when};

/// Arguments of `work ask-evidence`.
#[derive(Debug, Args)]
pub(crate) struct AskArgs {
    /// The case's number, or the name of the case or its work.
    name: String,
    /// Who is to bring it, by id or name.
    #[arg(long, required_unless_present = "department")]
    staff: Option<String>,
    /// Which department is to bring it: its least loaded person at work is asked, unless one of it is named.
    #[arg(long)]
    department: Option<String>,
    /// What is needed; name nobody.
    #[arg(long)]
    what: String,
    /// By when: an instant, a local time, or so long from now (3d).
    #[arg(long, value_name = "WHEN", value_parser = crate::args::parse_when)]
    due: Timestamp,
}

/// The subcommands of `work` that are powers of whoever supervises.
#[derive(Debug, Subcommand)]
pub(crate) enum PowerCommand {
    /// Ask a person or a department to bring evidence by a time.
    #[command(
        after_help = "Examples:\n  redress work ask-evidence LS-20261121-0001 --department engineering --what 'the acceptance record' --due 2d\n  redress work ask-evidence LS-20261121-0001 --staff seller --what 'the signed promise' --due 2026-12-01T18:00"
    )]
    AskEvidence(AskArgs),
    /// Say that evidence was brought, or is not needed any more.
    #[command(
        after_help = "Examples:\n  redress work end-evidence sites/lakeside/evidenceRequests/ID --evidence sites/lakeside/cases/ID/evidence/ID\n  redress work end-evidence sites/lakeside/evidenceRequests/ID --reason 'the owner has it'"
    )]
    EndEvidence {
        /// The request, `sites/{site}/evidenceRequests/{request}`.
        request: String,
        /// The piece that was brought, `sites/{site}/cases/{case}/evidence/{evidence}`.
        #[arg(long, required_unless_present = "reason", conflicts_with = "reason")]
        evidence: Option<String>,
        /// Why it is not needed any more; name nobody.
        #[arg(long)]
        reason: Option<String>,
    },
    /// Order that a case is resolved by a deadline (company centre, region, head office).
    #[command(
        after_help = "Example:\n  redress work order LS-20261121-0001 --reason 'nobody called back' --due 2d --report-hours 12"
    )]
    Order {
        /// The case's number, or the name of the case or its work.
        name: String,
        /// Why; name nobody.
        #[arg(long)]
        reason: String,
        /// By when: an instant, a local time, or so long from now (3d).
        #[arg(long, value_name = "WHEN", value_parser = crate::args::parse_when)]
        due: Timestamp,
        /// How often progress has to be reported until then, in hours; 0: not at all.
        #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(i32).range(0..=720))]
        report_hours: i32,
    },
    /// Lift an order.
    #[command(
        after_help = "Example:\n  redress work lift-order sites/lakeside/handlingOrders/ID --reason 'the owner asked for time'"
    )]
    LiftOrder {
        /// The order, `sites/{site}/handlingOrders/{order}`.
        order: String,
        /// Why; name nobody.
        #[arg(long)]
        reason: String,
    },
}

/// Runs a subcommand.
pub(crate) async fn run(
    platform: &Platform,
    command: PowerCommand,
    out: Output,
) -> Result<(), Failure> {
    let mut client = platform.powers();
    match command {
        PowerCommand::AskEvidence(args) => {
            let name = find(platform, &args.name).await?;
            let department = args.department.as_deref();
            let ask = RequestEvidenceRequest {
                staff: person_if_given(platform, &name, args.staff.as_deref()).await?,
                department: department.map_or_else(String::new, |id| department_of(&name, id)),
                what: args.what,
                due_time: at(args.due),
                request_id: request_id(),
                name: name.clone(),
            };
            let answer = client.request_evidence(request(ask)).await?.into_inner();
            show_evidence(&Vec::from_iter(answer.evidence_request), out);
        }
        PowerCommand::EndEvidence {
            request: name,
            evidence,
            reason,
        } => {
            let end = EndEvidenceRequestRequest {
                name,
                evidence: evidence.unwrap_or_default(),
                reason: reason.unwrap_or_default(),
                request_id: request_id(),
            };
            let answer = client
                .end_evidence_request(request(end))
                .await?
                .into_inner();
            show_evidence(&Vec::from_iter(answer.evidence_request), out);
        }
        PowerCommand::Order {
            name,
            reason,
            due,
            report_hours,
        } => {
            let order = OrderHandlingRequest {
                name: find(platform, &name).await?,
                reason,
                due_time: at(due),
                report_hours,
                request_id: request_id(),
            };
            let answer = client.order_handling(request(order)).await?.into_inner();
            show_orders(&Vec::from_iter(answer.order), out);
        }
        PowerCommand::LiftOrder {
            order: name,
            reason,
        } => {
            let lift = LiftHandlingOrderRequest {
                name,
                reason,
                request_id: request_id(),
            };
            let answer = client
                .lift_handling_order(request(lift))
                .await?
                .into_inner();
            show_orders(&Vec::from_iter(answer.order), out);
        }
    }
    Ok(())
}

fn show_evidence(requests: &[EvidenceRequest], out: Output) {
    if out.json {
        let json = |r: &EvidenceRequest| json::of("assignment.v1.EvidenceRequest", r);
        out.rows(&[], requests, |_| Vec::new(), json);
    } else {
        show_table(evidence_table(requests));
    }
}

fn show_orders(orders: &[HandlingOrder], out: Output) {
    if out.json {
        let json = |o: &HandlingOrder| json::of("assignment.v1.HandlingOrder", o);
        out.rows(&[], orders, |_| Vec::new(), json);
    } else {
        show_table(orders_table(orders));
    }
}

/// Evidence that was asked for.
pub(super) fn evidence_table(requests: &[EvidenceRequest]) -> comfy_table::Table {
    let mut shown = table(&["Request", "What", "Person", "State", "Due", "Brought"]);
    for r in requests {
        shown.add_row(vec![
            r.name.clone(),
            r.what.clone(),
            short(&r.staff),
            r.state()
                .as_str_name()
                .tail("EVIDENCE_REQUEST_STATE_")
                .to_owned(),
            when(r.due_time.as_ref()),
            or_dash(&r.evidence),
        ]);
    }
    shown
}

/// Handling that was ordered.
pub(super) fn orders_table(orders: &[HandlingOrder]) -> comfy_table::Table {
    let mut shown = table(&["Order", "Why", "By", "State", "Due", "Report due"]);
    for o in orders {
        let state = o.state().as_str_name().tail("HANDLING_ORDER_STATE_");
        let late = if o.overdue_time.is_some() {
            " (late)"
        } else {
            ""
        };
        shown.add_row(vec![
            o.name.clone(),
            o.reason.clone(),
            o.orderer.clone(),
            state.to_owned(),
            format!("{}{late}", when(o.due_time.as_ref())),
            when(o.report_due_time.as_ref()),
        ]);
    }
    shown
}
