use std::net::{IpAddr, SocketAddr};

use convio_core::delivery::SendError;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

/// A connection to one of these addresses: the first that takes it. Each has its share of the time that is left, so that one which
/// never answers leaves some for the next one. Nothing is sent before there is a connection, so no attempt is made twice.
pub(super) async fn connect(
    addresses: &[IpAddr],
    port: u16,
    deadline: Instant,
) -> Result<TcpStream, SendError> {
    let tried = &addresses[..addresses.len().min(ADDRESSES_TRIED_MAX)];
    let mut failed = SendError::Connect;
    for (address, left) in tried.iter().zip((1..=tried.len()).rev()) {
        let share = deadline.saturating_duration_since(Instant::now()) / u32::try_from(left).unwrap_or(1);
        failed = match timeout(share, TcpStream::connect(SocketAddr::new(*address, port))).await {
            Ok(Ok(stream)) => {
                // The request is written whole: there is nothing to be waited for.
                stream.set_nodelay(true).map_err(|_| SendError::Connect)?;
                return Ok(stream);
            }
            Ok(Err(_)) => SendError::Connect,
            Err(_) => SendError::Timeout,
        };
    }
    Err(failed)
}

/// The most addresses of a name that are tried. All of them are judged.
pub const ADDRESSES_TRIED_MAX: usize = 8;
