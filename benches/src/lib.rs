//! Measuring Convio beside its floors and its peers: they take turns in one run, and what is published is the ratio, as its
//! median and spread. This machine's other work then hits all of them.
//!
//! | file | what |
//! |---|---|
//! | `leads.rs`, `subject.rs`, `load.rs` | the leads, the store they go to, and who brings them |
//! | `floors/`, `peers.rs` | what the subject is compared with |
//! | `rules.rs` | routing rules, and what is asked of them |
//! | `calendars.rs` | people who can be booked, and what is asked of their calendars |
//! | `paths.rs` | paths to conversions, and their credits by channel |
//! | `feeds.rs` | who reads what has happened |
//! | `turns.rs`, `cpu.rs`, `live.rs`, `server.rs`, `stats.rs` | how it is measured |
//! | `sections/` | what is measured: one file per run |
//! | `figure.rs`, `outcome.rs`, `report.rs`, `chart.rs`, `machine.rs` | what is told of it |

pub mod calendars;
pub mod chart;
pub mod clock;
pub mod cpu;
pub mod effort;
pub mod feeds;
pub mod figure;
pub mod floors;
pub mod lab;
pub mod leads;
pub mod live;
pub mod load;
pub mod machine;
pub mod outcome;
pub mod paths;
pub mod peers;
pub mod report;
pub mod rules;
pub mod sections;
pub mod server;
pub mod stats;
pub mod subject;
pub mod turns;

pub use cpu::cpu_seconds;
pub use stats::Ratio;

/// What fails here ends the run: a figure of a run that went wrong is worth nothing.
pub type Result<T, E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;
