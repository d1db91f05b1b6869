//! `redress warranty`: how long who owes a repair, and why.

use std::path::PathBuf;

use clap::Subcommand;
use redress_proto::assignment::v1::{
    ContractTerm, DefectClass, ExplainWarrantyRequest, ListUnitsRequest, ListWarrantyRulesRequest,
    PutUnitsRequest, SetSiteWarrantyRequest, Unit, WarrantyBasis,
};

use super::practice::bad;
use super::{choice, spelled};
use crate::args::Paging;
use crate::connect::{Platform, all_pages, parent, request, request_id};
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, heading, line, show_table, table};

/// Subcommands of `warranty`.
#[derive(Debug, Subcommand)]
pub(crate) enum WarrantyCommand {
    /// Say whether a defect is within warranty: every length with its source and dates.
    #[command(
        after_help = "Examples:\n  redress warranty explain sites/lakeside/units/3-1201 --class LEAK --reported 2026-05-28\n  redress warranty explain sites/lakeside/units/3-1201 --class HEATING --reported 2026-05-28 --json"
    )]
    Explain {
        /// The unit, `sites/{site}/units/{unit}`.
        unit: String,
        /// What kind of defect, for example LEAK, ROOF, HEATING or FIT_OUT.
        #[arg(long)]
        class: String,
        /// The day on which it was reported.
        #[arg(long, value_name = "DATE")]
        reported: String,
    },
    /// List every length that holds at a site, with its legal source.
    #[command(after_help = "Example:\n  redress warranty rules --site lakeside")]
    Rules {
        /// The site.
        #[arg(long)]
        site: String,
    },
    /// List the units of a site.
    #[command(after_help = "Example:\n  redress warranty units --site lakeside --limit 20")]
    Units {
        /// The site.
        #[arg(long)]
        site: String,
        /// Rows.
        #[command(flatten)]
        paging: Paging,
    },
    /// Write units from a file of lines `unit,acceptance,handover,design life`; the handover may be empty.
    #[command(after_help = "Example:\n  redress warranty put --site lakeside units.csv")]
    Put {
        /// The site.
        #[arg(long)]
        site: String,
        /// The file.
        file: PathBuf,
    },
    /// Set what a site gives beyond the law, whole; without terms it gives nothing more.
    #[command(
        after_help = "Example:\n  redress warranty raise --site lakeside --term LAMP_SWITCH=36 --reason 'board, 2026'"
    )]
    Raise {
        /// The site.
        #[arg(long)]
        site: String,
        /// `CLASS=MONTHS`; may be given several times.
        #[arg(long = "term", value_name = "CLASS=MONTHS")]
        terms: Vec<String>,
        /// Who decided it.
        #[arg(long)]
        reason: String,
    },
}

/// Runs a subcommand.
pub(crate) async fn run(
    platform: &Platform,
    command: WarrantyCommand,
    out: Output,
) -> Result<(), Failure> {
    let mut client = platform.warranties();
    match command {
        WarrantyCommand::Explain {
            unit,
            class,
            reported,
        } => {
            let explain = ExplainWarrantyRequest {
                name: unit,
                defect_class: choice("class", "DEFECT_CLASS_", &class, DefectClass::as_str_name)?,
                report_date: reported,
            };
            let answer = client
                .explain_warranty(request(explain))
                .await?
                .into_inner();
            out.one(
                || json::of("assignment.v1.ExplainWarrantyResponse", &answer),
                || {
                    heading("Warranty");
                    line("covered", if answer.covered { "yes" } else { "no" });
                    line("why", &answer.explanation);
                    let mut claims = table(&["Basis", "Length", "From", "Last day", "", "Source"]);
                    for c in &answer.claims {
                        claims.add_row(vec![
                            spelled(c.basis().as_str_name(), "WARRANTY_BASIS_"),
                            c.length.clone(),
                            c.start_date.clone(),
                            c.end_date.clone(),
                            if c.decides { "decides" } else { "" }.to_owned(),
                            c.source.clone(),
                        ]);
                    }
                    show_table(claims);
                },
            );
        }
        WarrantyCommand::Rules { site } => {
            let list = ListWarrantyRulesRequest {
                parent: parent(Some(&site)),
            };
            let rules = client
                .list_warranty_rules(request(list))
                .await?
                .into_inner()
                .rules;
            show_rules(&rules, out);
        }
        WarrantyCommand::Units { site, paging } => {
            let units = all_pages(paging.limit, |page_size, page_token| {
                let mut client = client.clone();
                let list = ListUnitsRequest {
                    parent: parent(Some(&site)),
                    page_size,
                    page_token,
                };
                async move {
                    let answer = client.list_units(request(list)).await?.into_inner();
                    Ok((answer.units, answer.next_page_token))
                }
            })
            .await?;
            show_units(&units, out);
        }
        WarrantyCommand::Put { site, file } => {
            let text = std::fs::read_to_string(&file).map_err(|e| bad("file", e))?;
            let units: Result<Vec<Unit>, Failure> = text
                .lines()
                .filter(|l| !l.trim().is_empty() && !l.starts_with('#'))
                .map(|l| unit(&site, l))
                .collect();
            let put = PutUnitsRequest {
                parent: parent(Some(&site)),
                units: units?,
                request_id: request_id(),
            };
            let units = client.put_units(request(put)).await?.into_inner().units;
            show_units(&units, out);
        }
        WarrantyCommand::Raise {
            site,
            terms,
            reason,
        } => {
            let terms: Result<Vec<ContractTerm>, Failure> =
                terms.iter().map(|t| term(t, &reason)).collect();
            let set = SetSiteWarrantyRequest {
                parent: parent(Some(&site)),
                terms: terms?,
                request_id: request_id(),
            };
            let rules = client
                .set_site_warranty(request(set))
                .await?
                .into_inner()
                .rules;
            show_rules(&rules, out);
        }
    }
    Ok(())
}

/// One line of a file of units.
fn unit(site: &str, text: &str) -> Result<Unit, Failure> {
    let parts: Vec<&str> = text.split(',').map(str::trim).collect();
    let [unit, acceptance, handover, years] = parts[..] else {
        return Err(bad(
            "file",
            "each line is `unit,acceptance,handover,design life`",
        ));
    };
    Ok(Unit {
        name: format!("{}/units/{unit}", parent(Some(site))),
        acceptance_date: acceptance.to_owned(),
        handover_date: handover.to_owned(),
        design_life_years: years.parse().map_err(|e| bad("file", e))?,
        ..Default::default()
    })
}

fn term(text: &str, reason: &str) -> Result<ContractTerm, Failure> {
    let (class, months) = text
        .split_once('=')
        .ok_or_else(|| bad("term", "is CLASS=MONTHS"))?;
    Ok(ContractTerm {
        defect_class: choice("term", "DEFECT_CLASS_", class, DefectClass::as_str_name)?,
        months: months.parse().map_err(|e| bad("term", e))?,
        clause: reason.to_owned(),
    })
}

fn show_units(units: &[Unit], out: Output) {
    out.rows(
        &[
            "Unit",
            "Accepted",
            "Handed over",
            "Design life",
            "Contract terms",
        ],
        units,
        |u| {
            vec![
                u.name.clone(),
                u.acceptance_date.clone(),
                u.handover_date.clone(),
                format!("{} years", u.design_life_years),
                u.terms.len().to_string(),
            ]
        },
        |u| json::of("assignment.v1.Unit", u),
    );
}

fn show_rules(rules: &[redress_proto::assignment::v1::WarrantyRule], out: Output) {
    out.rows(
        &["Defect", "Basis", "Length", "Source"],
        rules,
        |r| {
            let basis = WarrantyBasis::try_from(r.basis).unwrap_or_default();
            vec![
                spelled(r.defect_class().as_str_name(), "DEFECT_CLASS_"),
                spelled(basis.as_str_name(), "WARRANTY_BASIS_"),
                r.length.clone(),
                r.source.clone(),
            ]
        },
        |r| json::of("assignment.v1.WarrantyRule", r),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_unit_with_or_without_its_handover() {
        let read = unit("lakeside", "3-1201, 2024-03-15, , 50").expect("a unit");
        assert_eq!(read.name, "sites/lakeside/units/3-1201");
        assert_eq!(
            (read.handover_date.as_str(), read.design_life_years),
            ("", 50)
        );
        assert!(unit("lakeside", "3-1201,2024-03-15").is_err());
    }
}
