//! Peers: other libraries, each a program of its own, so that their dependencies stay out of this build.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;

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

    /// Starts it with rules to decide by and requests to decide. It stays: what it makes of the rules takes long.
    pub fn decide(&self, rules: &Path, requests: &Path) -> Result<Deciding> {
        let mut command = Command::new(&self.0);
        command.args([rules, requests]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let (input, output) = (child.stdin.take(), child.stdout.take().map(BufReader::new));
        let mut deciding = Deciding { child, input, output, made: Made::default() };
        deciding.made = deciding.answer()?;
        Ok(deciding)
    }
}

/// A peer that decides when it is asked, a line of JSON for a line.
#[derive(Debug)]
pub struct Deciding {
    child: Child,
    input: Option<ChildStdin>,
    output: Option<BufReader<ChildStdout>>,
    /// What it said at its start.
    pub made: Made,
}

/// What it took a peer to be ready.
#[derive(Debug, Default, Deserialize)]
pub struct Made {
    /// Seconds in which it read its rules.
    pub read_seconds: f64,
    /// Seconds in which it made of them what it decides by.
    pub seconds: f64,
    /// Bytes that it holds for both.
    pub bytes: f64,
}

impl Deciding {
    /// The name of the rule by which it decides each request.
    pub fn answers(&mut self) -> Result<Vec<Option<String>>> {
        self.ask("answers")
    }

    /// Decides request after request until the window is over: the nanoseconds of processor time of one.
    pub fn turn(&mut self, window: Duration) -> Result<f64> {
        self.ask(&window.as_secs_f64().to_string())
    }

    fn ask<T: DeserializeOwned>(&mut self, line: &str) -> Result<T> {
        writeln!(self.input.as_mut().ok_or("it was told to end")?, "{line}")?;
        self.answer()
    }

    fn answer<T: DeserializeOwned>(&mut self) -> Result<T> {
        let mut line = String::new();
        self.output.as_mut().ok_or("it has no output")?.read_line(&mut line)?;
        if line.is_empty() {
            return Err(format!("the peer that decides ended: {}", self.child.wait()?).into());
        }
        Ok(serde_json::from_str(&line)?)
    }
}

/// It ends with its input.
impl Drop for Deciding {
    fn drop(&mut self) {
        drop(self.input.take());
        // Nothing can be done about one that is gone already.
        let _ = self.child.wait();
    }
}
