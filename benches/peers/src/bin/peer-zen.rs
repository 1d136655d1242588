//! Routing rules as a compiled decision table of zen-engine.
//!
//!     peer-zen RULES REQUESTS
//!
//! Two files of JSON: a decision, and a list of requests. It says in a line of JSON what it took to be ready, and then answers each
//! line of its input by one: `answers` by the rule of each request, a number of seconds by the nanoseconds of processor time that one
//! decision took while it decided for so long. Linux only.

use std::io::BufRead;
use std::time::Instant;

use convio_peers::Result;
use convio_peers::live::{Live, left_by};
use serde_json::{Value, json};
use zen_engine::model::GraphContent;
use zen_engine::{Decision, Variable};

#[global_allocator]
static ALLOCATOR: Live = Live;

fn main() -> Result<()> {
    // What it awaits is ready: it reads nothing while it decides.
    tokio::runtime::Builder::new_current_thread().build()?.block_on(peer())
}

async fn peer() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut file = || Result::Ok(std::fs::read_to_string(arguments.next().ok_or("two files are needed")?)?);
    let (rules, requests) = (file()?, file()?);
    let begin = Instant::now();
    let (content, bytes_read) = left_by(|| serde_json::from_str::<GraphContent>(&rules));
    let mut decision = Decision::from(content?);
    let read = begin.elapsed();
    drop(rules);
    let ((), bytes) = left_by(|| decision.compile());
    let seconds = (begin.elapsed() - read).as_secs_f64();
    println!(
        "{}",
        json!({ "read_seconds": read.as_secs_f64(), "seconds": seconds, "bytes": bytes_read + bytes })
    );
    let requests: Vec<Value> = serde_json::from_str(&requests)?;
    let requests: Vec<Variable> = requests.into_iter().map(Variable::from).collect();
    let mut at = 0;
    for line in std::io::stdin().lock().lines() {
        let answer = match line?.as_str() {
            "answers" => json!(answers(&decision, &requests).await?),
            window => json!(turn(&decision, &requests, window.parse()?, &mut at).await?),
        };
        println!("{answer}");
    }
    Ok(())
}

async fn answers(decision: &Decision, requests: &[Variable]) -> Result<Vec<Option<String>>> {
    let mut answers = Vec::with_capacity(requests.len());
    for request in requests {
        let result = decide(decision, request).await?;
        answers.push(result.dot("rule").and_then(|rule| rule.as_str().map(str::to_owned)));
    }
    Ok(answers)
}

/// Goes on with the request after the last.
async fn turn(decision: &Decision, requests: &[Variable], window: f64, at: &mut usize) -> Result<f64> {
    let (begin, cpu) = (Instant::now(), cpu_nanos()?);
    let mut count = 0;
    loop {
        for _ in 0..CHUNK {
            *at = (*at + STRIDE) % requests.len();
            std::hint::black_box(decide(decision, &requests[*at]).await?);
        }
        count += CHUNK;
        if begin.elapsed().as_secs_f64() >= window {
            return Ok((cpu_nanos()? - cpu) / f64::from(count));
        }
    }
}

/// Nanoseconds of processor time of the main thread, which is the only one that works.
fn cpu_nanos() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/schedstat")?;
    Ok(stat.split(' ').next().unwrap_or_default().parse()?)
}

async fn decide(decision: &Decision, request: &Variable) -> Result<Variable> {
    let answer = decision.evaluate(request.clone()).await;
    Ok(answer.map_err(|error| error.to_string())?.result)
}

/// Requests between two looks at the clock.
const CHUNK: u32 = 20;
/// From one request to the next.
const STRIDE: usize = 1_871;
