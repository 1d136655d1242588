//! Bodies that are too long, compressed or cut: no more is read than a response may have, and less of it is kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use convio_core::delivery::{
    AttemptResult, DeliveryStatus, RESPONSE_BYTES_MAX, RESPONSE_KEPT_BYTES_MAX, SendError,
};
use tokio::io::AsyncWriteExt;
use tokio::sync::oneshot;

use crate::support::{Case, Server, read_request, response};

#[tokio::test]
async fn a_body_is_read_up_to_its_limit() {
    for (length, cut) in [(0, false), (1, false), (RESPONSE_BYTES_MAX, false), (RESPONSE_BYTES_MAX + 1, true)]
    {
        let server = Server::answering(response(200, "", &vec![b'x'; length])).await;
        let (got, answered) = Case::on(server.port).answered(200).await;
        assert_eq!((got.body.len(), got.cut), (length.min(RESPONSE_BYTES_MAX), cut), "{length}");
        assert_eq!(answered.delivery.status, DeliveryStatus::Success);
        let AttemptResult::Answered(kept) = &answered.delivery.attempts[0].result else { panic!() };
        assert_eq!(kept.body.len(), length.min(RESPONSE_KEPT_BYTES_MAX));
        assert_eq!(kept.cut, length > RESPONSE_KEPT_BYTES_MAX);
    }
}

#[tokio::test]
async fn a_body_without_an_end_is_left_at_the_limit() {
    let whole = b"HTTP/1.1 200 OK\r\n\r\n".as_slice();
    let promised = b"HTTP/1.1 200 OK\r\ncontent-length: 9223372036854775807\r\n\r\n";
    let in_pieces = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffff\r\n";
    for head in [whole, promised, in_pieces] {
        let written = Arc::new(AtomicUsize::new(0));
        let (ended, end) = oneshot::channel();
        let (count, ended) = (written.clone(), std::sync::Mutex::new(Some(ended)));
        let server = Server::doing(move |mut stream| {
            let (count, ended) = (count.clone(), ended.lock().unwrap().take());
            async move {
                read_request(&mut stream).await;
                stream.write_all(head).await.unwrap();
                while let Ok(bytes) = stream.write(&[b'x'; 16_384]).await {
                    count.fetch_add(bytes, Ordering::SeqCst);
                }
                ended.unwrap().send(()).unwrap();
            }
        })
        .await;
        let (got, _) = Case::on(server.port).answered(200).await;
        assert_eq!((got.body.len(), got.cut), (RESPONSE_BYTES_MAX, true));
        end.await.unwrap();
        let written = written.load(Ordering::SeqCst);
        assert!((RESPONSE_BYTES_MAX..=SYSTEM_BUFFERS_MAX).contains(&written), "{written} bytes were taken");
    }
}

#[tokio::test]
async fn what_is_compressed_stays_so() {
    let server = Server::answering(response(200, "content-encoding: gzip\r\n", &bomb())).await;
    let (got, answered) = Case::on(server.port).answered(200).await;
    assert_eq!((got.body.as_slice(), got.cut), (bomb().as_slice(), false));
    let AttemptResult::Answered(kept) = &answered.delivery.attempts[0].result else { panic!() };
    assert!(kept.lossy && kept.body.len() <= RESPONSE_KEPT_BYTES_MAX);
    assert!(!server.requests()[0].to_lowercase().contains("accept-encoding"), "nobody asked for it");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_no_answer() {
    for cut in [
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n12345\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n123",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5",
    ] {
        let server = Server::answering(cut).await;
        Case::on(server.port).fails(SendError::Interrupted).await;
    }
}

#[tokio::test]
async fn pieces_that_are_none_are_no_http() {
    // No number, a sign, more than 64 bits.
    for size in ["x", "-1", "fffffffffffffffff"] {
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        let server = Server::answering(format!("{head}{size}\r\n12345\r\n0\r\n\r\n")).await;
        Case::on(server.port).fails(SendError::Protocol).await;
    }
}

/// 100,000 zeros by gzip.
fn bomb() -> Vec<u8> {
    let head = b"\x1f\x8b\x08\0\0\0\0\0\x02\x03\xed\xc1\x31\x01\0\0\0\xc2\xa0\xf5\x4f\x6d\x0d\x0f\xa0";
    [head.as_slice(), &[0; 96], b"\x80\x57\x03\x7d\x95\x11\xd4\xa0\x86\x01\0"].concat()
}

/// More than what systems take of a connection before anybody reads it: what a receiver can write beyond what was wanted of it.
const SYSTEM_BUFFERS_MAX: usize = 16 << 20;
