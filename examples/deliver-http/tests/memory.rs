//! How much memory a response may cost, counted by the allocator: a process of its own, in which nothing else happens.

#![expect(unsafe_code, reason = "an allocator that counts is one")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use convio_core::delivery::{
    Cause, Delivery, EventFilter, Guard, Health, NewEndpoint, RESPONSE_BYTES_MAX, SendError, Transport,
};
use convio_core::{Position, SequentialIds, WorkspaceId};
use deliver_http::{HEAD_BYTES_MAX, HttpTransport, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

struct Counting;

// SAFETY: each call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = USED.fetch_add(layout.size(), Ordering::SeqCst) + layout.size();
        PEAK.fetch_max(now, Ordering::SeqCst);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        USED.fetch_sub(layout.size(), Ordering::SeqCst);
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;
static USED: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

#[tokio::test]
async fn an_endless_response_costs_what_a_long_one_does() {
    let endless: [(&[u8], Result<bool, SendError>); 4] = [
        (b"HTTP/1.1 200 OK\r\n\r\n", Ok(true)),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9223372036854775807\r\n\r\n", Ok(true)),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffff\r\n", Ok(true)),
        (b"HTTP/1.1 200 OK\r\nx: ", Err(SendError::Protocol)),
    ];
    for (head, expected) in endless {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.read_exact(&mut [0; 100]).await.unwrap();
            stream.write_all(head).await.unwrap();
            while stream.write_all(&[b'x'; 4_096]).await.is_ok() {}
        });

        let (ids, now) = (SequentialIds::seeded(1), "2027-03-02T10:00:00Z".parse().unwrap());
        let guard = Guard::new().allow_http().allow_port(port).allow_network("127.0.0.1/32".parse().unwrap());
        let new = NewEndpoint::to(format!("http://127.0.0.1:{port}/"));
        let new = new.with(|settings| settings.events = EventFilter::Any);
        let endpoint = new.create(WorkspaceId::new(&ids, now), now, &ids, &guard).unwrap();
        let delivery = Delivery::new(Cause::Event(Position(1)), "lead.received", &endpoint, now, now);
        let delivery = delivery.begin(now, &endpoint, &Health::default()).unwrap();
        let keys = endpoint.signing.keys(now, &|_| None).unwrap();
        let request = delivery.request(now, &endpoint, &keys, &guard, b"{}".to_vec()).unwrap();
        let transport = HttpTransport::new(guard, RootCertStore::empty());

        let before = USED.load(Ordering::SeqCst);
        PEAK.store(before, Ordering::SeqCst);
        let outcome = transport.send(&request).await;
        let cost = PEAK.load(Ordering::SeqCst) - before;
        assert_eq!(outcome.map(|response| response.cut), expected);
        assert!((HEAD_BYTES_MAX / 2..=COST_MAX).contains(&cost), "{cost} bytes");
        server.await.unwrap();
    }
}

/// What is kept of a body, what is read ahead of it, and as much again while either grows.
const COST_MAX: usize = 2 * (RESPONSE_BYTES_MAX + 2 * HEAD_BYTES_MAX);
