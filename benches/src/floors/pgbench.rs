//! Bare inserts of many callers, by PostgreSQL's own program `pgbench`: prepared, one row a transaction.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use sqlx::{Connection, Executor};
use tempfile::TempDir;

use super::postgres::SCHEMA;
use crate::Result;
use crate::lab::Lab;
use crate::leads::Leads;
use crate::server::Server;
use crate::turns::Cost;

/// The program, its script, and the table that it fills.
pub struct Pgbench {
    program: PathBuf,
    folder: TempDir,
    server: Server,
    written: u64,
    runs: u64,
}

impl Pgbench {
    /// A table that is new.
    pub async fn new(lab: &Lab, server: &Server) -> Result<Self> {
        let program = program(&server.programs)?;
        let folder = lab.folder()?;
        fs::write(folder.path().join("insert.sql"), SCRIPT)?;
        let mut conn = server.connect().await?;
        conn.execute(SCHEMA).await?;
        conn.close().await?;
        Ok(Self { program, folder, server: server.clone(), written: 0, runs: 0 })
    }

    /// So many callers for as long as the window is, a second at least: the program counts in seconds.
    pub fn run(&mut self, leads: &Leads, callers: usize, window: Duration) -> Result<Cost> {
        let lead = leads.bare();
        let seconds = window.as_secs().max(1);
        let mut command = Command::new(&self.program);
        command.args(["-n", "-M", "prepared", "-f", "insert.sql", "-j", "2"]).current_dir(self.folder.path());
        command.args(["-c", &callers.to_string(), "-T", &seconds.to_string()]);
        let variables = [
            ("run", self.runs.to_string()),
            ("n", "0".to_owned()),
            ("workspace", lead.workspace.to_string()),
            ("phone", lead.phone),
            ("body", String::from_utf8(lead.body)?),
        ];
        for (name, value) in variables {
            command.arg("-D").arg(format!("{name}={value}"));
        }
        let output = command.arg(&self.server.url).output()?;
        let (said, complaint) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        if !output.status.success() {
            return Err(format!("pgbench failed: {complaint}").into());
        }
        let said = Said::of(&said).ok_or_else(|| format!("pgbench said something else: {said}"))?;
        if said.failed > 0 {
            return Err(format!("{} inserts of pgbench failed: {complaint}", said.failed).into());
        }
        self.runs += 1;
        self.written += said.done;
        Ok(Cost { leads: said.done, wall: said.done as f64 / said.per_second, cpu: 0.0 })
    }

    /// Checks that all rows are there, and removes them.
    pub async fn finish(self) -> Result<()> {
        let stored = self.server.count("SELECT count(*) FROM bench_floor.lead".to_owned()).await?;
        if stored != self.written {
            return Err(
                format!("pgbench says that it wrote {} rows, {stored} are stored", self.written).into()
            );
        }
        self.server.run("DROP SCHEMA bench_floor CASCADE".to_owned()).await
    }
}

/// The program beside the server's, or in `PATH`: Debian has it in `/usr/lib/postgresql/VERSION/bin` only.
fn program(beside: &str) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(Path::new(beside).to_owned()).chain(std::env::split_paths(&path));
    folders.map(|folder| folder.join("pgbench")).find(|program| program.is_file()).ok_or_else(|| {
        format!(
            "pgbench is needed, and is neither in `{beside}` nor in PATH: it comes with Debian's package `postgresql-15` or \
             newer, elsewhere with `postgresql-contrib`"
        )
        .into()
    })
}

/// What the program says at its end.
#[derive(Debug, PartialEq)]
struct Said {
    done: u64,
    failed: u64,
    /// Without the time that it took to connect.
    per_second: f64,
}

impl Said {
    fn of(text: &str) -> Option<Self> {
        let after = |head: &str| text.lines().find_map(|line| line.strip_prefix(head));
        let word = |head: &str| after(head)?.split_whitespace().next();
        Some(Self {
            done: word("number of transactions actually processed: ")?.parse().ok()?,
            // Before version 15 a transaction that fails ends the program.
            failed: word("number of failed transactions: ").map_or(Some(0), |n| n.parse().ok())?,
            per_second: word("tps = ")?.parse().ok()?,
        })
    }
}

/// Ids ascend for each caller, as those of version 7 do; run and caller set them apart.
const SCRIPT: &str = "\\set n :n + 1
\\set id (:run * 1000 + :client_id) * 100000000 + :n
INSERT INTO bench_floor.lead VALUES (lpad(to_hex(:id::int8), 32, '0')::uuid, :workspace, :phone, :body);
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pgbench_says_is_read() {
        let text = "transaction type: insert.sql\nnumber of transactions actually processed: 12345\n\
                    number of failed transactions: 1 (0.008%)\nlatency average = 3.1 ms\n\
                    tps = 4115.25 (without initial connection time)\n";
        assert_eq!(Said::of(text), Some(Said { done: 12_345, failed: 1, per_second: 4_115.25 }));
        assert_eq!(Said::of("nothing"), None);
    }

    #[test]
    fn a_program_that_is_not_there_is_asked_for() {
        if let Err(error) = program("/nowhere") {
            assert!(error.to_string().contains("postgresql-contrib"), "{error}");
        }
    }
}
