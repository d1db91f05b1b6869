//! From what is kept to the wire.

use jiff::Timestamp;
use jiff::civil::Date;
use redress_model::name::SiteId;
use redress_proto::Money;
use redress_proto::assignment::v1 as wire;
use redress_proto::convert::{to_money, to_timestamp, to_wire, to_wire_opt};
use redress_rpc::etag;
use rust_decimal::Decimal;

use super::super::render::checked;
use crate::domain::practice::contractor::{Contractor, Order, OrderState};
use crate::domain::practice::dispute::Dispute;
use crate::domain::practice::law::DefectClass;
use crate::domain::practice::library;
use crate::domain::practice::register::Entry;
use crate::domain::practice::settlement::{Answer, Settlement};
use crate::domain::practice::transfer::Transfer;
use crate::domain::practice::warranty::{Claim, Rule, Term};
use crate::store::library::Said;
use crate::store::matters::{Kept, StepRow};
use crate::store::units;

fn time(t: Option<Timestamp>) -> Option<prost_types::Timestamp> {
    t.map(to_timestamp)
}

fn day(date: Option<Date>) -> String {
    date.map(|d| d.to_string()).unwrap_or_default()
}

fn money(amount: Decimal) -> Option<Money> {
    Some(to_money(amount))
}

/// Counts fit: rolls and lists are bounded.
fn count(n: usize) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

fn steps(rows: Vec<StepRow>) -> Vec<wire::PracticeStep> {
    rows.into_iter()
        .map(|row| wire::PracticeStep {
            sequence: row.sequence,
            kind: row.kind,
            step_time: Some(to_timestamp(row.at)),
            actor: row.actor,
            text: row.text,
        })
        .collect()
}

fn classes(classes: &[DefectClass]) -> Vec<i32> {
    classes.iter().copied().map(to_wire).collect()
}

pub(super) fn unit(site: &SiteId, kept: units::Kept) -> wire::Unit {
    let unit = kept.unit;
    wire::Unit {
        name: format!("sites/{site}/units/{}", unit.id),
        acceptance_date: unit.accepted.to_string(),
        handover_date: day(unit.handed_over),
        design_life_years: i32::from(unit.design_life_years),
        terms: unit.terms.into_iter().map(term).collect(),
        etag: etag::of(kept.revision),
    }
}

fn term(term: Term) -> wire::ContractTerm {
    wire::ContractTerm {
        defect_class: to_wire(term.class),
        months: i32::from(term.months),
        clause: term.clause,
    }
}

pub(super) fn rule(rule: Rule) -> wire::WarrantyRule {
    wire::WarrantyRule {
        defect_class: to_wire(rule.class),
        basis: to_wire(rule.basis),
        length: rule.length.to_string(),
        source: rule.source,
    }
}

pub(super) fn claim(claim: Claim, decides: bool) -> wire::WarrantyClaim {
    wire::WarrantyClaim {
        basis: to_wire(claim.rule.basis),
        source: claim.rule.source,
        length: claim.rule.length.to_string(),
        start_date: day(claim.start),
        end_date: day(claim.end),
        decides,
    }
}

pub(super) fn contractor(kept: Kept<Contractor>) -> wire::Contractor {
    let name = kept.name();
    let c = kept.matter;
    wire::Contractor {
        name,
        defect_classes: classes(&c.classes),
        contract_sum: money(c.contract_sum),
        retention: money(c.retention),
        retention_left: money(c.left()),
        acceptance_date: c.accepted.to_string(),
        liability_months: i32::from(c.liability_months),
        liability_end_date: day(c.liable_until()),
        display_name: c.display_name,
        etag: etag::of(kept.revision),
    }
}

pub(super) fn order(kept: Kept<Order>, history: Vec<StepRow>) -> wire::ContractorOrder {
    let site = &kept.site;
    let other = |collection: &str, id| format!("sites/{site}/{collection}/{id}");
    let o = &kept.matter;
    let charged = o.state == OrderState::Charged;
    let amount = |amount| if charged { money(amount) } else { None };
    wire::ContractorOrder {
        name: kept.name(),
        case: kept.case_name(),
        contractor: other("contractors", o.contractor),
        scope: o.scope.clone(),
        due_time: time(Some(o.due)),
        state: to_wire(o.state),
        replaces: o.replaces.map(|id| other("orders", id)).unwrap_or_default(),
        cost: amount(o.cost),
        from_retention: amount(o.from_retention),
        recourse: amount(o.recourse()),
        recovered: amount(o.recovered),
        checklist: o.checklist.items().iter().map(checked).collect(),
        steps: steps(history),
        etag: etag::of(kept.revision),
    }
}

pub(super) fn transfer(kept: Kept<Transfer>, history: Vec<StepRow>) -> wire::Transfer {
    let (name, case) = (kept.name(), kept.case_name());
    let t = kept.matter;
    wire::Transfer {
        name,
        case,
        policy_days: t.by_policy.as_ref().map_or(0, |by| i32::from(by.days)),
        due_source: t.due_source(),
        body: to_wire(t.body),
        office: t.office,
        outside_number: t.outside_number,
        receive_time: time(Some(t.received)),
        due_time: time(Some(t.due)),
        return_form: t.return_form,
        extension: to_wire(t.extension),
        wished_due_time: time(t.wished),
        answer_time: time(t.answered),
        call_back_score: t.score.map_or(0, i32::from),
        representatives: i32::try_from(t.representatives).unwrap_or(i32::MAX),
        steps: steps(history),
        etag: etag::of(kept.revision),
        grant_time: time(t.granted),
    }
}

pub(super) fn dispute(kept: Kept<Dispute>, history: Vec<StepRow>) -> wire::Dispute {
    let (name, case) = (kept.name(), kept.case_name());
    let d = kept.matter;
    let stages = d.stages.into_iter().map(|s| wire::DisputeStage {
        rung: to_wire(s.rung),
        body: s.body,
        outside_number: s.outside_number,
        brought_by: to_wire(s.side),
        counsel: s.counsel,
        start_time: time(Some(s.start)),
        end_time: time(s.end.map(|(at, _)| at)),
        outcome: s.end.map_or(0, |(_, outcome)| to_wire(outcome)),
        result: s.result,
    });
    wire::Dispute {
        name,
        case,
        subject: d.subject,
        state: to_wire(d.state),
        stages: stages.collect(),
        police_report_due_time: time(d.police.as_ref().map(|p| p.due)),
        police_report_time: time(d.police.as_ref().and_then(|p| p.reported)),
        steps: steps(history),
        etag: etag::of(kept.revision),
    }
}

pub(super) fn settlement(
    kept: Kept<Settlement>,
    roll: bool,
    history: Vec<StepRow>,
) -> wire::Settlement {
    let name = kept.name();
    let s = kept.matter;
    let counted = |answer| count(s.count(answer));
    let households = s
        .households
        .iter()
        .filter(|_| roll)
        .map(|(unit, h)| wire::Household {
            unit: unit.clone(),
            person_token: h.person_token.clone(),
            answer: to_wire(h.answer),
            answer_time: time(h.answered),
        });
    wire::Settlement {
        name,
        households: households.collect(),
        signed: counted(Answer::Signed),
        refused: counted(Answer::Refused),
        waiting: counted(Answer::Waiting),
        share_percent: count(s.share_percent()),
        cluster: s.cluster,
        title: s.title,
        terms: s.terms,
        needed_percent: i32::from(s.needed_percent),
        reach_time: time(s.reached),
        closed: s.closed,
        steps: steps(history),
        etag: etag::of(kept.revision),
        approve_time: time(s.approval.map(|approval| approval.at)),
    }
}

pub(super) fn entry(kept: Kept<Entry>, history: Vec<StepRow>) -> wire::RegisterEntry {
    let name = kept.name();
    let e = kept.matter;
    wire::RegisterEntry {
        name,
        kind: to_wire(e.kind),
        text: e.text,
        source: e.source,
        valid_from: e.from.to_string(),
        valid_to: day(e.to),
        categories: e.categories.into_iter().map(to_wire).collect(),
        units: e.units,
        show_flat: e.show_flat,
        stated_otherwise: e.stated_otherwise,
        steps: steps(history),
        etag: etag::of(kept.revision),
    }
}

pub(super) fn library(
    kept: Kept<library::Entry>,
    (satisfied, dissatisfied): Said,
    history: Vec<StepRow>,
) -> wire::LibraryEntry {
    let (name, case) = (kept.name(), kept.case_name());
    let e = kept.matter;
    wire::LibraryEntry {
        name,
        case,
        category: to_wire_opt(e.category),
        defect_class: to_wire_opt(e.class),
        summary: e.summary,
        root_cause: e.root_cause,
        amount: e.amount.map(to_money),
        state: to_wire(e.state),
        satisfied,
        dissatisfied,
        create_time: time(Some(kept.created)),
        steps: steps(history),
        etag: etag::of(kept.revision),
    }
}
