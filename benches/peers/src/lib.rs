//! What the peers have in common: their arguments, their callers, and what they say at the end.
//!
//!     peer --url URL --callers N --seconds S --bytes B
//!
//! Each prints one line of JSON: how many leads it acknowledged, how many it found stored, and the seconds that it took. The one that
//! decides takes no leads, and says itself how it is asked.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

#[path = "../../src/live.rs"]
pub mod live;

/// Any error: it ends the run.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// What the bench asks for.
#[derive(Debug, Clone, Default)]
pub struct Arguments {
    /// The server.
    pub url: String,
    /// How many send at once.
    pub callers: u32,
    /// For how long.
    pub window: Duration,
    /// The length of a payload.
    pub bytes: usize,
}

impl Arguments {
    /// Those of the process.
    pub fn read() -> Result<Self> {
        let mut read = Self::default();
        let mut arguments = std::env::args().skip(1);
        while let (Some(name), Some(value)) = (arguments.next(), arguments.next()) {
            match name.as_str() {
                "--url" => read.url = value,
                "--callers" => read.callers = value.parse()?,
                "--seconds" => read.window = Duration::from_secs_f64(value.parse()?),
                "--bytes" => read.bytes = value.parse()?,
                _ => return Err(format!("`{name}` is not known").into()),
            }
        }
        if read.url.is_empty() || read.callers == 0 {
            return Err("--url and --callers are needed".into());
        }
        Ok(read)
    }
}

/// A lead: its number in this process, a phone of its own in no order, a JSON payload.
#[derive(Debug, Clone)]
pub struct Lead {
    /// Ascending.
    pub n: u64,
    /// E.164.
    pub phone: String,
    /// JSON.
    pub body: String,
}

impl Lead {
    /// The next one.
    pub fn next(arguments: &Arguments) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let mixed = n * 2_654_435_761 % 5_600_000_000;
        let phone =
            format!("+1{:03}{:03}{:04}", 201 + mixed / 8_000_000, 200 + mixed / 10_000 % 800, mixed % 10_000);
        let head =
            format!(r#"{{"firstName":"John","lastName":"Doe","phone":"{phone}","product":"Solar","notes":""#);
        let fill = arguments.bytes.saturating_sub(head.len() + 2);
        Self { n, phone, body: format!("{head}{}\"}}", "x".repeat(fill)) }
    }
}

/// Lets so many callers send leads, each the next one once the last is stored, and tells how many were and how long it took.
pub async fn call<W, F>(arguments: &Arguments, take: W) -> Result<(u64, f64)>
where
    W: Fn(Lead) -> F + Clone + Send + 'static,
    F: Future<Output = Result<()>> + Send,
{
    let begin = Instant::now();
    let callers: Vec<_> = (0..arguments.callers)
        .map(|_| {
            let (arguments, take) = (arguments.clone(), take.clone());
            tokio::spawn(async move {
                let mut done = 0;
                while begin.elapsed() < arguments.window {
                    take(Lead::next(&arguments)).await?;
                    done += 1;
                }
                Result::Ok(done)
            })
        })
        .collect();
    let mut done: u64 = 0;
    for caller in callers {
        done += caller.await??;
    }
    Ok((done, begin.elapsed().as_secs_f64()))
}

/// Runs on two threads, as the subject does.
pub fn run(peer: impl Future<Output = Result<()>>) -> Result<()> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(peer)
}

/// The last line.
pub fn tell((done, seconds): (u64, f64), stored: u64) {
    println!(r#"{{"done":{done},"stored":{stored},"seconds":{seconds}}}"#);
}
