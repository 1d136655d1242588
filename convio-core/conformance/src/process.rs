//! Other processes on the same store: a test binary, started once more to run a single test of its own, which is ignored where
//! nobody starts it so. The two talk in lines, over the standard input and output.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// A process that is killed when it goes out of scope.
#[derive(Debug)]
pub struct Process {
    child: std::process::Child,
    lines: Receiver<String>,
}

impl Process {
    /// Starts the ignored test `second_process` of the running binary, with these words to find by [`order`].
    pub fn start(order: &[&str]) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["second_process", "--exact", "--ignored", "--nocapture", "--test-threads=1"])
            .env(ORDER, order.join("\n"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (send, lines) = channel();
        std::thread::spawn(move || {
            // What the test harness prints is between the lines, and a killed process leaves the last one unfinished.
            let said = |line: &str| Some(line.split_once(SAID)?.1.strip_suffix(END)?.to_owned());
            for line in output.lines().map_while(Result::ok).filter_map(|line| said(&line)) {
                if send.send(line).is_err() {
                    break;
                }
            }
        });
        Self { child, lines }
    }

    /// The next line that it says.
    pub fn line(&self) -> String {
        self.lines.recv_timeout(HANG).expect("the process says something")
    }

    /// What it has said and nobody has read yet, to its end: read it when the process has ended.
    pub fn rest(&self) -> Vec<String> {
        let mut rest = Vec::new();
        loop {
            match self.lines.recv_timeout(HANG) {
                Ok(line) => rest.push(line),
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => return rest,
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => panic!("the process has not ended"),
            }
        }
    }

    /// Says a line to it.
    pub fn tell(&mut self, line: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Kills it, as `kill -9` does, and waits until it is gone.
    pub fn kill(&mut self) {
        assert_eq!(self.child.try_wait().unwrap(), None, "the process has ended by itself");
        self.child.kill().unwrap();
        assert!(!self.child.wait().unwrap().success());
    }

    /// Lets it end by itself.
    pub fn finish(mut self) {
        drop(self.child.stdin.take());
        self.rest();
        assert!(self.child.wait().unwrap().success(), "the process failed");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Of one that has ended there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// In the started process: what it was started with. `None` where nobody started it.
pub fn order() -> Option<Vec<String>> {
    let order = std::env::var(ORDER).ok()?;
    Some(order.split('\n').map(str::to_owned).collect())
}

/// In the started process: says a line, all of it or nothing.
pub fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("{SAID}{line}{END}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

/// In the started process: the next line it is told; `None` when it shall end.
pub fn hear() -> Option<String> {
    std::io::stdin().lines().next().transpose().unwrap()
}

const ORDER: &str = "CONVIO_TEST_ORDER";
const SAID: &str = "> ";
const END: &str = " <";
/// No test waits for the clock; this ends one that would wait for ever.
const HANG: Duration = Duration::from_secs(300);
