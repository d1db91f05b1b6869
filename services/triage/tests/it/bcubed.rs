//! How well predicted clusters agree with labelled ones: B-cubed, each row's overlap of its predicted cluster
//! with its labelled one, averaged. And how large clusters grow that nobody labelled as large.

use std::collections::HashMap;
use std::hash::Hash;

/// Agreement of predicted and labelled clusters.
#[derive(Debug, Clone, Copy)]
pub struct BCubed {
    pub precision: f64,
    pub recall: f64,
}

impl BCubed {
    /// Of these labels and predicted clusters.
    #[allow(clippy::cast_precision_loss)]
    pub fn of<L: Eq + Hash, C: Eq + Hash>(rows: &[(L, C)]) -> Self {
        let mut labels: HashMap<&L, usize> = HashMap::new();
        let mut clusters: HashMap<&C, usize> = HashMap::new();
        let mut both: HashMap<(&L, &C), usize> = HashMap::new();
        for (label, cluster) in rows {
            *labels.entry(label).or_default() += 1;
            *clusters.entry(cluster).or_default() += 1;
            *both.entry((label, cluster)).or_default() += 1;
        }
        let (mut precision, mut recall) = (0.0, 0.0);
        for ((label, cluster), n) in both {
            let square = (n * n) as f64;
            precision += square / clusters[cluster] as f64;
            recall += square / labels[label] as f64;
        }
        let all = rows.len().max(1) as f64;
        Self {
            precision: precision / all,
            recall: recall / all,
        }
    }

    /// The harmonic mean of precision and recall.
    pub fn f(&self) -> f64 {
        2.0 * self.precision * self.recall / (self.precision + self.recall)
    }
}

/// The one matter that is labelled as larger than [`SHARE_MAX`].
pub const LARGE: &str = "T01";

/// What share of all rows every other cluster has at most.
pub const SHARE_MAX: f64 = 0.05;

/// The share of all rows that the largest cluster has, but for the one that holds most rows of [`LARGE`].
#[allow(clippy::cast_precision_loss)]
pub fn largest_share<C: Copy + Eq + Hash>(clusters: &[C], labelled: &[(&str, C)]) -> f64 {
    let large = labelled.iter().filter(|(label, _)| *label == LARGE);
    let excused = counted(large.map(|(_, cluster)| *cluster))
        .into_iter()
        .max_by_key(|(_, rows)| *rows)
        .map(|(cluster, _)| cluster);
    let largest = counted(clusters.iter().copied())
        .into_iter()
        .filter(|(cluster, _)| Some(*cluster) != excused)
        .map(|(_, rows)| rows)
        .max()
        .unwrap_or(0);
    largest as f64 / clusters.len().max(1) as f64
}

fn counted<C: Eq + Hash>(all: impl Iterator<Item = C>) -> HashMap<C, usize> {
    let mut counts: HashMap<C, usize> = HashMap::new();
    all.for_each(|one| *counts.entry(one).or_default() += 1);
    counts
}

/// One public message.
#[derive(Debug, Clone, serde::Deserialize)]
pub struct Message {
    pub complainant: String,
    pub received_at: jiff::Timestamp,
    pub title: String,
    pub text: String,
    pub issue: Option<String>,
}

/// The public messages, in the order of their times; none where `REDRESS_MESSAGES` names no file.
pub fn messages() -> Option<Vec<Message>> {
    let path = std::env::var("REDRESS_MESSAGES").ok()?;
    let text = std::fs::read_to_string(path).expect("the corpus");
    let mut rows: Vec<Message> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("a row"))
        .collect();
    rows.sort_by_key(|row| row.received_at);
    Some(rows)
}
