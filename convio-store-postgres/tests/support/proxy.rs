//! A proxy between a pool and the server that counts: per connection, how often the server said that it is ready for the next
//! query, which is a round trip each, and how many statements it was told to run.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio::task::JoinHandle;

/// Forwards every connection to the server of the options it was made from.
pub(crate) struct Proxy {
    /// Options that lead to the proxy.
    pub(crate) options: PgConnectOptions,
    connections: Arc<Mutex<Vec<Arc<Counters>>>>,
    listening: JoinHandle<()>,
    directory: PathBuf,
}

/// What went over one connection, or over all of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Count {
    /// Round trips: messages `ReadyForQuery`.
    pub(crate) trips: u64,
    /// Statements that were run: messages `Execute` and `Query`. Texts with several statements in them count once.
    pub(crate) statements: u64,
}

#[derive(Default)]
struct Counters {
    trips: AtomicU64,
    statements: AtomicU64,
}

impl Proxy {
    /// A proxy to this server. Called inside the runtime.
    pub(crate) fn to(server: &PgConnectOptions) -> Self {
        static PROXIES: AtomicU64 = AtomicU64::new(0);
        let nth = PROXIES.fetch_add(1, Ordering::Relaxed);
        // A socket, because it takes precedence over whatever host the options name.
        let directory = std::env::temp_dir().join(format!("convio_proxy_{}_{nth}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("makes a directory");
        let path = directory.join(format!(".s.PGSQL.{}", server.get_port()));
        let listener = UnixListener::bind(path).expect("listens");
        let options = server.clone().socket(&directory).ssl_mode(PgSslMode::Disable);
        let connections = Arc::<Mutex<Vec<Arc<Counters>>>>::default();
        let (upstream, known) = (server.clone(), connections.clone());
        let listening = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.expect("accepts");
                let counters = Arc::<Counters>::default();
                known.lock().expect("no panic").push(counters.clone());
                tokio::spawn(connect(client, upstream.clone(), counters));
            }
        });
        Self { options, connections, listening, directory }
    }

    /// What each connection counted, in the order in which they were made. Its first round trip is its greeting.
    pub(crate) fn connections(&self) -> Vec<Count> {
        let connections = self.connections.lock().expect("no panic");
        connections
            .iter()
            .map(|counters| Count {
                trips: counters.trips.load(Ordering::SeqCst),
                statements: counters.statements.load(Ordering::SeqCst),
            })
            .collect()
    }

    /// What all connections counted together.
    pub(crate) fn count(&self) -> Count {
        self.connections().into_iter().fold(Count::default(), |sum, one| Count {
            trips: sum.trips + one.trips,
            statements: sum.statements + one.statements,
        })
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listening.abort();
        // Of no use to anybody, and in the way of nobody, should it stay.
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

async fn connect(client: UnixStream, server: PgConnectOptions, counters: Arc<Counters>) {
    let port = server.get_port();
    let socket = server.get_socket().map(|path| path.display().to_string());
    let socket = socket.or_else(|| server.get_host().starts_with('/').then(|| server.get_host().to_owned()));
    match socket {
        Some(directory) => {
            let path = format!("{directory}/.s.PGSQL.{port}");
            let server = UnixStream::connect(path).await.expect("reaches the server");
            forward(client, server.into_split(), counters).await;
        }
        None => {
            let server = TcpStream::connect((server.get_host(), port)).await.expect("reaches the server");
            forward(client, server.into_split(), counters).await;
        }
    }
}

async fn forward<R, W>(client: UnixStream, (from_server, to_server): (R, W), counters: Arc<Counters>)
where
    R: AsyncRead + Unpin + Send + 'static,
    W: AsyncWrite + Unpin + Send + 'static,
{
    let (from_client, to_client) = client.into_split();
    let told = counters.clone();
    let to_client = copy(from_server, to_client, false, move |kind| {
        if kind == b'Z' {
            told.trips.fetch_add(1, Ordering::SeqCst);
        }
    });
    let to_server = copy(from_client, to_server, true, move |kind| {
        if matches!(kind, b'E' | b'Q') {
            counters.statements.fetch_add(1, Ordering::SeqCst);
        }
    });
    // Whichever side ends, both are closed: so the server hears of a client that goes away, and the other way round.
    tokio::select! {
        _ = to_client => {}
        _ = to_server => {}
    }
}

/// Copies whole messages (kind, length, rest); of a client the first has no kind. A message is told before it is handed on, so
/// that who has the answer finds it counted.
async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    starts_bare: bool,
    tell: impl Fn(u8),
) -> std::io::Result<()> {
    let mut is_bare = starts_bare;
    loop {
        let mut message = Vec::new();
        if !std::mem::take(&mut is_bare) {
            let kind = from.read_u8().await?;
            tell(kind);
            message.push(kind);
        }
        let length = from.read_u32().await?;
        message.extend(length.to_be_bytes());
        let head = message.len();
        message.resize(head + length as usize - 4, 0);
        from.read_exact(&mut message[head..]).await?;
        to.write_all(&message).await?;
    }
}

impl std::ops::Sub for Count {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self { trips: self.trips - before.trips, statements: self.statements - before.statements }
    }
}
