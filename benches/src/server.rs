//! A database server: what it is, what it uses, and connections to it.

use std::fs;
use std::str::FromStr;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, Connection, Executor};

use crate::Result;
use crate::cpu::{TICKS_PER_SECOND, run_seconds};

/// A Postgres server on this machine.
#[derive(Debug, Clone)]
pub struct Server {
    /// Where it is.
    pub url: String,
    /// Its version.
    pub version: String,
    /// Where its data is.
    pub data: String,
    /// Where its programs are.
    pub programs: String,
    /// Whether what it acknowledges is on the disk.
    pub is_synced: bool,
    postmaster: u32,
}

impl Server {
    /// The server at this URL, which must run on this machine: its processor time is read from `/proc`.
    pub async fn at(url: &str) -> Result<Self> {
        let mut conn = PgConnection::connect(url).await?;
        let text = async |conn: &mut PgConnection, sql: &'static str| {
            sqlx::query_scalar::<_, String>(sql).fetch_one(conn).await
        };
        let backend: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut conn).await?;
        let stat = fs::read_to_string(format!("/proc/{backend}/stat")).unwrap_or_default();
        let Some(postmaster) = Stat::of(&stat).filter(|stat| stat.name == "postgres").map(|stat| stat.parent)
        else {
            return Err(format!(
                "the server's process {backend} is not one of this machine: its processor time can't be measured"
            )
            .into());
        };
        let synced = "SELECT (current_setting('fsync')::bool AND current_setting('synchronous_commit') <> 'off')::text";
        let server = Self {
            url: url.to_owned(),
            version: text(&mut conn, "SELECT current_setting('server_version')").await?,
            data: text(&mut conn, "SELECT current_setting('data_directory')").await?,
            programs: text(&mut conn, "SELECT setting FROM pg_config WHERE name = 'BINDIR'").await?,
            is_synced: text(&mut conn, synced).await? == "true",
            postmaster,
        };
        conn.close().await?;
        Ok(server)
    }

    /// A connection.
    pub async fn connect(&self) -> Result<PgConnection> {
        Ok(PgConnection::connect_with(&PgConnectOptions::from_str(&self.url)?).await?)
    }

    /// Runs statements that answer nothing.
    pub async fn run(&self, sql: String) -> Result<()> {
        let mut conn = self.connect().await?;
        conn.execute(AssertSqlSafe(sql)).await?;
        Ok(conn.close().await?)
    }

    /// Asks for a number.
    pub async fn count(&self, sql: String) -> Result<u64> {
        let mut conn = self.connect().await?;
        let n: i64 = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut conn).await?;
        conn.close().await?;
        Ok(u64::try_from(n)?)
    }

    /// Processor seconds that the server has used in all: every process of it that lives, and those that have ended.
    pub fn cpu_seconds(&self) -> f64 {
        let Ok(processes) = fs::read_dir("/proc") else { return 0.0 };
        let mut seconds = 0.0;
        for name in processes.flatten().filter_map(|entry| entry.file_name().into_string().ok()) {
            let Ok(pid) = name.parse::<u32>() else { continue };
            let Ok(text) = fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
            let Some(stat) = Stat::of(&text) else { continue };
            if pid == self.postmaster {
                seconds += stat.ended_ticks as f64 / TICKS_PER_SECOND;
            }
            if pid == self.postmaster || stat.parent == self.postmaster {
                seconds += run_seconds(&format!("/proc/{pid}"));
            }
        }
        seconds
    }
}

/// What `/proc/PID/stat` says.
#[derive(Debug, PartialEq)]
struct Stat<'t> {
    name: &'t str,
    parent: u32,
    /// Of children that have ended and were waited for.
    ended_ticks: u64,
}

impl<'t> Stat<'t> {
    fn of(text: &'t str) -> Option<Self> {
        // The name may hold blanks and brackets: it ends at the last one.
        let (head, tail) = text.rsplit_once(')')?;
        let fields: Vec<&str> = tail.split_whitespace().collect();
        let ticks = |n: usize| fields.get(n)?.parse::<u64>().ok();
        Some(Self {
            name: head.split_once('(')?.1,
            parent: fields.get(1)?.parse().ok()?,
            ended_ticks: ticks(13)? + ticks(14)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stat_is_read_behind_the_name() {
        let text = "71 (a (b) c) S 42 71 71 0 -1 4194560 1 2 0 0 5 6 700 80 20 0 1 0 100";
        assert_eq!(Stat::of(text), Some(Stat { name: "a (b) c", parent: 42, ended_ticks: 780 }));
        assert_eq!(Stat::of("71 (a) S 42"), None);
    }
}
