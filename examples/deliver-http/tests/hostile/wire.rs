//! What goes over the wire, and what comes back that is no HTTP.

use convio_core::delivery::{SendError, SignedHeaders, TargetUrl};
use convio_core::service::SystemClock;
use convio_core::{Clock, delivery::SecretSource};
use standardwebhooks::Webhook;
use tokio::net::TcpListener;

use crate::support::{BODY, Case, Server, read_request, response};

#[tokio::test]
async fn a_request_arrives_byte_for_byte_and_once() {
    let server = Server::answering(response(204, "", b"")).await;
    let mut case = Case::to(&format!("http://127.0.0.1:{}/in/a%20b?key=1&x=%2F", server.port), server.port);
    let request = {
        let sending = case.delivery(1).begin(case.now, &case.endpoint, &case.health).unwrap();
        case.request(&sending)
    };
    drop(case.answered(204).await);
    let [got] = server.requests().try_into().unwrap();
    let (head, body) = got.split_once("\r\n\r\n").unwrap();
    let mut lines: Vec<&str> = head.lines().collect();
    assert_eq!(lines.remove(0), "POST /in/a%20b?key=1&x=%2F HTTP/1.1");
    let mut expected = vec![
        format!("host: 127.0.0.1:{}", server.port),
        "connection: close".to_owned(),
        format!("content-length: {}", BODY.len()),
    ];
    expected.extend(request.headers.iter().map(|(name, value)| format!("{name}: {value}")));
    lines.sort_unstable();
    expected.sort_unstable();
    assert_eq!(lines, expected);
    assert_eq!(body.as_bytes(), BODY);
}

#[tokio::test]
async fn a_url_is_sent_as_the_guard_reads_it() {
    let server = Server::answering(response(200, "", b"")).await;
    for (path, sent) in [
        ("", "/"),
        ("?", "/?"),
        ("/a/../b/./c", "/b/c"),
        ("/%2e%2e/%2E%2e/etc", "/etc"),
        ("/ü{}|^`\"<>'[]", "/%C3%BC%7B%7D|^%60%22%3C%3E'[]"),
        ("/q?ü{}|^`'[]", "/q?%C3%BC{}|^`%27[]"),
        ("//other.example/x", "//other.example/x"),
        ("/%0d%0ax-evil:%201", "/%0d%0ax-evil:%201"),
        ("/a@b:80/", "/a@b:80/"),
    ] {
        let mut case = Case::to(&format!("http://127.0.0.1:{}{path}", server.port), server.port);
        drop(case.answered(200).await);
        let line = server.requests().last().unwrap().lines().next().unwrap().to_owned();
        assert_eq!(line, format!("POST {sent} HTTP/1.1"));
    }
}

#[tokio::test]
async fn what_arrives_is_signed_by_the_reckoning_of_the_reference_library() {
    let server = Server::answering(response(200, "", b"")).await;
    let mut case = Case::on(server.port);
    case.now = SystemClock.now(); // the library knows no other clock
    drop(case.answered(200).await);
    let [got] = server.requests().try_into().unwrap();
    let (head, body) = got.split_once("\r\n\r\n").unwrap();
    let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
    let signed = SignedHeaders::read(header).unwrap();
    let mut headers = axum::http::HeaderMap::new();
    for (name, value) in signed.each() {
        headers.insert(name, value.parse().unwrap());
    }
    let SecretSource::Value(secret) = &case.endpoint.signing.secret else { panic!("the secret is here") };
    let library = Webhook::new(&secret.expose()).unwrap();
    library.verify(body.as_bytes(), &headers).unwrap();
    assert!(library.verify(b"{}", &headers).is_err(), "it can fail");
}

#[tokio::test]
async fn a_url_that_no_guard_read_is_refused() {
    let server = Server::answering(response(200, "", b"")).await;
    let case = Case::on(server.port);
    let sending = case.delivery(1).begin(case.now, &case.endpoint, &case.health).unwrap();
    let mut request = case.request(&sending);
    for url in [
        "",
        "no url",
        "http://127.0.0.1:1/",
        "ftp://127.0.0.1/",
        "http://me:pw@127.0.0.1/",
        "http://127.0.0.1/#x",
    ] {
        request.url = TargetUrl::new(url.replace("127.0.0.1/", &format!("127.0.0.1:{}/", server.port)));
        let outcome = convio_core::delivery::Transport::send(&case.transport, &request).await;
        assert_eq!(outcome, Err(SendError::Refused), "{url}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_port_where_nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    Case::on(port).fails(SendError::Connect).await;
}

#[tokio::test]
async fn a_connection_that_is_closed_before_the_answer() {
    for before in ["", "HTTP/1.1", "HTTP/1.1 200 OK\r\nx: y\r\n"] {
        let server = Server::answering(before).await;
        Case::on(server.port).fails(SendError::Interrupted).await;
        assert_eq!(server.connections(), 1, "nothing is tried twice");
    }
    let resetting = Server::doing(|mut stream| async move {
        read_request(&mut stream).await;
        // Closed without a farewell.
        stream.set_zero_linger().unwrap();
    })
    .await;
    Case::on(resetting.port).fails(SendError::Interrupted).await;
}

#[tokio::test]
async fn what_is_no_http() {
    let many = (0..200).map(|n| format!("x-{n}: y\r\n")).collect::<String>();
    let answers: [Vec<u8>; 11] = [
        b"SSH-2.0-OpenSSH_9.6\r\n".into(),
        b"220 mail.example.com ESMTP\r\n".into(),
        b"-ERR unknown command\r\n".into(),
        b"<html>hello</html>".into(),
        vec![0; 1_000],
        // The first frame of HTTP/2, and an alert of TLS.
        b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x64\0\x04\0\x10\0\0\0\x06\0\0\x40\0".into(),
        b"\x15\x03\x03\0\x02\x02\x46".into(),
        b"HTTP/1.1 2000 OK\r\n\r\n".into(),
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n".into(),
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx".into(),
        format!("HTTP/1.1 200 OK\r\n{many}\r\n").into(),
    ];
    for (n, answer) in answers.into_iter().enumerate() {
        let server = Server::answering(answer).await;
        let mut case = Case::on(server.port);
        let (outcome, _) = case.attempt(&case.delivery(1)).await;
        assert_eq!(outcome, Err(SendError::Protocol), "answer {n}");
    }
}

#[tokio::test]
async fn a_head_that_is_too_long() {
    let long = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(2 * deliver_http::HEAD_BYTES_MAX));
    let server = Server::answering(long).await;
    Case::on(server.port).fails(SendError::Protocol).await;
}

#[tokio::test]
async fn one_that_speaks_first_is_no_http_server() {
    let server = Server::doing(|mut stream| async move {
        crate::support::close_after(&mut stream, b"220 mail.example.com ESMTP\r\n").await;
    })
    .await;
    Case::on(server.port).fails(SendError::Protocol).await;
}
