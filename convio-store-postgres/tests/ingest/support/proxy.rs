//! A proxy that counts round trips: how often the server said that it is ready for the next query.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixListener, UnixStream};

/// Forwards one connection to the server of the options it was made from.
pub(crate) struct Proxy {
    pub(crate) options: PgConnectOptions,
    trips: Arc<AtomicU64>,
}

impl Proxy {
    pub(crate) async fn to(server: &PgConnectOptions) -> Self {
        // A socket, because it takes precedence over whatever host the options name.
        let directory = std::env::temp_dir().join(format!("convio_proxy_{}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("makes a directory");
        let path = directory.join(format!(".s.PGSQL.{}", server.get_port()));
        let listener = UnixListener::bind(&path).expect("listens");
        let options = server.clone().socket(&directory).ssl_mode(PgSslMode::Disable);
        let upstream = server.clone();
        let trips = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&trips);
        tokio::spawn(async move {
            let (client, _) = listener.accept().await.expect("accepts");
            std::fs::remove_dir_all(&directory).expect("removes the directory");
            let port = upstream.get_port();
            let directory = upstream.get_socket().map(|path| path.display().to_string());
            let directory = directory
                .or_else(|| upstream.get_host().starts_with('/').then(|| upstream.get_host().to_owned()));
            if let Some(directory) = directory {
                let server = UnixStream::connect(format!("{directory}/.s.PGSQL.{port}"))
                    .await
                    .expect("reaches the server");
                forward(client, server.into_split(), counter).await;
            } else {
                let server =
                    TcpStream::connect((upstream.get_host(), port)).await.expect("reaches the server");
                forward(client, server.into_split(), counter).await;
            }
        });
        Self { options, trips }
    }

    /// Round trips so far.
    pub(crate) fn trips(&self) -> u64 {
        self.trips.load(Ordering::SeqCst)
    }
}

async fn forward<R, W>(client: UnixStream, (from_server, mut to_server): (R, W), trips: Arc<AtomicU64>)
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin + Send + 'static,
{
    let (mut from_client, to_client) = client.into_split();
    tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
    // An end of the stream is the end of the test's connection, so there is nobody left to tell.
    let _closed = count(from_server, to_client, &trips).await;
}

/// Copies whole messages (kind, length, rest) and counts those of kind `Z`, ReadyForQuery.
async fn count(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    trips: &AtomicU64,
) -> std::io::Result<()> {
    loop {
        let kind = from.read_u8().await?;
        let length = from.read_u32().await?;
        let mut rest = vec![0; length as usize - 4];
        from.read_exact(&mut rest).await?;
        if kind == b'Z' {
            trips.fetch_add(1, Ordering::SeqCst);
        }
        let mut message = vec![kind];
        message.extend(length.to_be_bytes());
        message.append(&mut rest);
        to.write_all(&message).await?;
    }
}
