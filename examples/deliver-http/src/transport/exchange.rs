use std::error::Error;
use std::io;

use convio_core::delivery::{Outcome, RESPONSE_BYTES_MAX, Response, SendError};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::RETRY_AFTER;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::rustls;

/// One request over this stream, and the response to it. The stream is closed when this future is dropped.
pub(super) async fn over(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: hyper::Request<Full<Bytes>>,
) -> Outcome {
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(HEAD_BYTES_MAX)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(why)?;
    let exchange = async move {
        let response = sender.send_request(request).await.map_err(why)?;
        let status = response.status().as_u16();
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = retry_after.map(str::to_owned);
        let (body, cut) = read(response.into_body()).await?;
        Ok(Response { status, retry_after, body, cut })
    };
    tokio::pin!(exchange, connection);
    let mut is_over = false;
    loop {
        tokio::select! {
            outcome = &mut exchange => return outcome,
            // What it has read is still to be taken, and what went wrong with it is told to the exchange.
            _ = &mut connection, if !is_over => is_over = true,
        }
    }
}

/// The first [`RESPONSE_BYTES_MAX`] bytes, and whether there were more. Nothing is read beyond the piece that they end in.
async fn read(mut body: Incoming) -> Result<(Vec<u8>, bool), SendError> {
    let mut kept = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(why)?.into_data() else { continue };
        let fits = data.len().min(RESPONSE_BYTES_MAX - kept.len());
        kept.extend_from_slice(&data[..fits]);
        if fits < data.len() {
            return Ok((kept, true));
        }
    }
    Ok((kept, false))
}

fn why(error: hyper::Error) -> SendError {
    sort(&error)
}

/// What an error of hyper is to whoever delivers. Its text is never looked at.
fn sort(error: &hyper::Error) -> SendError {
    let source = error.source();
    if let Some(error) = source.and_then(|source| source.downcast_ref::<hyper::Error>()) {
        return sort(error);
    }
    if let Some(error) = source.and_then(|source| source.downcast_ref::<io::Error>()) {
        return sort_io(error);
    }
    let is_end = error.is_incomplete_message() || error.is_closed() || error.is_canceled();
    // Without a source it is what was read: a head that is none, or bytes that nobody asked for.
    if is_end || (source.is_some() && !error.is_parse()) {
        SendError::Interrupted
    } else {
        SendError::Protocol
    }
}

fn sort_io(error: &io::Error) -> SendError {
    if error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()) {
        return SendError::Tls;
    }
    match error.kind() {
        // Of a body in pieces whose sizes are none.
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => SendError::Protocol,
        io::ErrorKind::TimedOut => SendError::Timeout,
        _ => SendError::Interrupted,
    }
}

/// The longest status line with all headers, and how much of a connection is read ahead: eight times what servers allow a request.
pub const HEAD_BYTES_MAX: usize = 65_536;
