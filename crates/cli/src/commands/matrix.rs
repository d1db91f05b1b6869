//! `redress incident matrix`: what was told to whom, stage by stage, and what is missing.

use redress_proto::crisis::v1::{
    Audience, CellFill, GetMatrixRequest, IncidentStage, Matrix, MatrixCell,
};

use super::incident::find;
use super::spelled;
use crate::connect::{Platform, request};
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, heading, line, table, when};

/// Shows the matrix of an incident.
pub(super) async fn run(platform: &Platform, incident: String, out: Output) -> Result<(), Failure> {
    let get = GetMatrixRequest {
        name: find(platform, incident).await?,
    };
    let answer = platform.matrices().get_matrix(request(get)).await?;
    let matrix = answer.into_inner().matrix.unwrap_or_default();
    out.one(|| json::of("crisis.v1.Matrix", &matrix), || show(&matrix));
    Ok(())
}

fn show(matrix: &Matrix) {
    heading("What was told to whom");
    line("incident", &matrix.incident);
    line(
        "stage",
        format!(
            "{} since {}",
            stage(matrix.stage),
            when(matrix.stage_time.as_ref())
        ),
    );
    let mut stages: Vec<i32> = Vec::new();
    let mut audiences: Vec<i32> = Vec::new();
    for cell in &matrix.cells {
        for (list, value) in [(&mut stages, cell.stage), (&mut audiences, cell.audience)] {
            if !list.contains(&value) {
                list.push(value);
            }
        }
    }
    let mut columns = vec!["To".to_owned()];
    columns.extend(stages.iter().map(|s| stage(*s)));
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let mut rows = table(&columns);
    for &to in &audiences {
        let mut row = vec![audience(to)];
        row.extend(stages.iter().map(|&stage| {
            let found = matrix
                .cells
                .iter()
                .find(|c| (c.audience, c.stage) == (to, stage));
            found.map_or_else(String::new, shown)
        }));
        rows.add_row(row);
    }
    crate::output::say!("{rows}");
}

/// How much it was told, how old the last of it is and how many that reached; what is missing stands out.
fn shown(cell: &MatrixCell) -> String {
    let mut told = match &cell.age {
        Some(age) => format!("{} × {}", cell.count, old(age.seconds)),
        None => "–".to_owned(),
    };
    if cell.audience_size > 0 && (cell.age.is_some() || cell.missing) {
        told += &format!(", {} of {}", cell.reached_count, cell.audience_size);
    }
    match (cell.missing, cell.fill()) {
        (true, CellFill::Partly) => told + " PARTLY",
        (true, _) => told + " MISSING",
        (false, _) => told,
    }
}

fn old(seconds: i64) -> String {
    match seconds {
        ..3_600 => format!("{} min ago", seconds / 60),
        3_600..172_800 => format!("{} h ago", seconds / 3_600),
        _ => format!("{} d ago", seconds / 86_400),
    }
}

fn stage(value: i32) -> String {
    spelled(
        IncidentStage::try_from(value).map_or("", |s| s.as_str_name()),
        "INCIDENT_STAGE_",
    )
}

fn audience(value: i32) -> String {
    spelled(
        Audience::try_from(value).map_or("", |a| a.as_str_name()),
        "AUDIENCE_",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(minutes: Option<i64>, reached: (i32, i32), fill: CellFill, missing: bool) -> String {
        shown(&MatrixCell {
            count: i32::from(minutes.is_some()),
            age: minutes.map(|minutes| prost_types::Duration {
                seconds: minutes * 60,
                nanos: 0,
            }),
            reached_count: reached.0,
            audience_size: reached.1,
            fill: fill.into(),
            missing,
            ..Default::default()
        })
    }

    #[test]
    fn a_cell_shows_how_many_were_reached_of_how_many() {
        use CellFill::{Filled, Nothing, Partly};
        for (shown, expected) in [
            (
                cell(Some(5), (12, 35), Partly, true),
                "1 × 5 min ago, 12 of 35 PARTLY",
            ),
            (
                cell(Some(5), (0, 35), Nothing, true),
                "1 × 5 min ago, 0 of 35 MISSING",
            ),
            (
                cell(Some(5), (35, 35), Filled, false),
                "1 × 5 min ago, 35 of 35",
            ),
            (cell(None, (0, 35), Nothing, true), "–, 0 of 35 MISSING"),
            (cell(None, (0, 35), Nothing, false), "–"),
            (cell(Some(5), (0, 0), Filled, false), "1 × 5 min ago"),
            (cell(None, (0, 0), Nothing, true), "– MISSING"),
        ] {
            assert_eq!(shown, expected);
        }
    }
}
