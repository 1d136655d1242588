//! Receivers that take their time: each ends with the timeout, whatever part of the exchange they hold up.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use convio_core::delivery::SendError;
use deliver_http::Resolve;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::support::{Case, Server, read_request};

/// Writes this, and then this again and again until nobody listens any more.
async fn drip(mut stream: TcpStream, head: &'static [u8], drop: &'static [u8], pause: Duration) {
    read_request(&mut stream).await;
    let mut written = stream.write_all(head).await;
    while written.is_ok() {
        sleep(pause).await;
        written = stream.write_all(drop).await;
    }
}

#[tokio::test]
async fn one_that_never_answers_is_left_and_its_connection_closed() {
    let (closed, mut seen) = mpsc::unbounded_channel();
    let server = Server::doing(move |mut stream| {
        let closed = closed.clone();
        async move {
            assert!(!read_request(&mut stream).await.is_empty());
            let end = stream.read(&mut [0; 1]).await;
            closed.send(end.map_or(0, |read| read)).unwrap();
        }
    })
    .await;
    Case::on(server.port).impatient().fails(SendError::Timeout).await;
    assert_eq!(seen.recv().await, Some(0), "the connection is not kept");
    assert_eq!(server.connections(), 1, "nothing is tried twice");
}

#[tokio::test]
async fn one_that_never_takes_the_connection() {
    // The system takes it, and nobody reads.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    Case::on(listener.local_addr().unwrap().port()).impatient().fails(SendError::Timeout).await;
}

#[tokio::test]
async fn one_that_never_begins_tls() {
    let server = Server::doing(|mut stream| async move {
        drop(tokio::io::copy(&mut stream, &mut tokio::io::sink()).await);
    })
    .await;
    let url = format!("https://127.0.0.1:{}/", server.port);
    Case::to(&url, server.port).impatient().fails(SendError::Timeout).await;
}

#[tokio::test]
async fn headers_that_never_end() {
    let pause = Duration::from_millis(20);
    let server = Server::doing(move |stream| drip(stream, b"HTTP/1.1 200 OK\r\nx: ", b"y", pause)).await;
    Case::on(server.port).impatient().fails(SendError::Timeout).await;
}

#[tokio::test]
async fn a_body_that_never_ends() {
    let pause = Duration::from_millis(20);
    let server = Server::doing(move |stream| drip(stream, b"HTTP/1.1 200 OK\r\n\r\n", b"y", pause)).await;
    Case::on(server.port).impatient().fails(SendError::Timeout).await;
    let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let server = Server::doing(move |stream| drip(stream, head, b"1\r\ny\r\n", pause)).await;
    Case::on(server.port).impatient().fails(SendError::Timeout).await;
}

#[tokio::test]
async fn responses_that_announce_another_one_for_ever() {
    let interim = b"HTTP/1.1 100 Continue\r\n\r\n";
    let server = Server::doing(move |stream| drip(stream, interim, interim, Duration::ZERO)).await;
    Case::on(server.port).impatient().fails(SendError::Timeout).await;
}

#[tokio::test]
async fn a_name_that_nobody_resolves() {
    struct Silent;
    #[async_trait::async_trait]
    impl Resolve for Silent {
        async fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
            std::future::pending().await
        }
    }
    let mut case = Case::to("https://hooks.example.com/", 443).impatient();
    case.transport = case.transport.resolving_by(Silent);
    case.fails(SendError::Timeout).await;
}
