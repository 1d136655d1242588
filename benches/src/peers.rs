//! Peers: other libraries, each a program of its own, so that their dependencies stay out of this build.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde::Deserialize;

use crate::Result;
use crate::leads::Kind;
use crate::server::Server;
use crate::turns::Cost;

/// The program of a peer.
#[derive(Debug)]
pub struct Peer(PathBuf);

/// What a peer says at its end, in one line of JSON.
#[derive(Debug, Deserialize)]
struct Said {
    /// Leads acknowledged.
    done: u64,
    /// Leads found in its tables, of this run.
    stored: u64,
    seconds: f64,
}

impl Peer {
    /// The program of this name in a folder.
    pub fn in_folder(folder: &Path, name: &str) -> Result<Self> {
        let program = folder.join(name);
        if program.is_file() {
            Ok(Self(program))
        } else {
            Err(format!("{} is not there", program.display()).into())
        }
    }

    /// Its callers' work of one window.
    pub fn run(&self, server: &Server, callers: usize, window: Duration, kind: Kind) -> Result<Cost> {
        let mut command = Command::new(&self.0);
        command.args(["--url", &server.url, "--callers", &callers.to_string()]);
        command.args(["--seconds", &window.as_secs_f64().to_string(), "--bytes", &kind.bytes().to_string()]);
        let output = command.output()?;
        if !output.status.success() {
            return Err(format!("{}: {}", self.0.display(), String::from_utf8_lossy(&output.stderr)).into());
        }
        let Said { done, stored, seconds } = serde_json::from_slice(&output.stdout)?;
        if done != stored || done == 0 {
            return Err(format!("{}: {done} acknowledged, {stored} stored", self.0.display()).into());
        }
        Ok(Cost { leads: done, wall: seconds, cpu: 0.0 })
    }
}
