//! BullMQ in a process of its own, spoken to by lines of JSON.

use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::BULLMQ_CONCURRENCY;

pub(crate) struct BullMq {
    child: Child,
    requests: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl BullMq {
    pub(crate) async fn start(folder: &Path, url: &str) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/timers/bullmq.mjs");
        let mut child = Command::new("node")
            .arg(script)
            .arg(folder)
            .arg(url)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("node is installed");
        let requests = child.stdin.take().expect("it is piped");
        let answers = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        Self {
            child,
            requests,
            answers,
        }
    }

    async fn ask(&mut self, command: &str, mut how: Value) -> Value {
        how["command"] = command.into();
        how["chunk"] = 1000.into();
        how["lanes"] = 4.into();
        how["concurrency"] = BULLMQ_CONCURRENCY.into();
        let line = format!("{how}\n");
        self.requests
            .write_all(line.as_bytes())
            .await
            .expect("it listens");
        let answer = self.answers.next_line().await.expect("it answers");
        let answer: Value =
            serde_json::from_str(&answer.expect("it runs")).expect("answers are JSON");
        assert!(answer.get("error").is_none(), "{answer}");
        answer
    }

    /// Seconds.
    pub(crate) async fn schedule(&mut self, count: usize) -> f64 {
        seconds(&self.ask("schedule", json!({ "count": count })).await)
    }

    /// Seconds.
    pub(crate) async fn burst(&mut self, count: usize) -> f64 {
        let how = json!({ "count": count, "ahead_ms": 20_000 });
        seconds(&self.ask("burst", how).await)
    }

    pub(crate) async fn hold(&mut self, count: usize) {
        self.ask("hold", json!({ "count": count })).await;
    }

    pub(crate) async fn release(&mut self) {
        self.ask("release", json!({})).await;
    }

    /// Milliseconds, one for each.
    pub(crate) async fn lag(&mut self, rate: usize, seconds: usize) -> Vec<f64> {
        let how = json!({ "rate": rate, "seconds": seconds, "ahead_ms": 20_000 });
        let answer = self.ask("lag", how).await;
        serde_json::from_value(answer["lags_ms"].clone()).expect("numbers")
    }

    pub(crate) async fn end(mut self) {
        drop(self.requests);
        self.child.wait().await.expect("it ends");
    }
}

fn seconds(answer: &Value) -> f64 {
    answer["seconds"].as_f64().expect("a number")
}
