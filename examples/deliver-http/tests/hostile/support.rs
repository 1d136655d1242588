//! A server of bytes, and a case: an endpoint with all that is needed to make attempts to it.

use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use convio_core::chrono::{DateTime, TimeDelta, Utc};
use convio_core::delivery::{
    Answered, AttemptResult, Cause, Delivery, DeliveryStatus, Endpoint, EndpointSettings, EventFilter, Guard,
    Health, NewEndpoint, Outcome, Request, Response, SendError, TIMEOUT_SECONDS_MAX, Transport,
};
use convio_core::{Position, SequentialIds, WorkspaceId};
use deliver_http::{HttpTransport, Resolve, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A server of connections on a free port, until it is dropped.
pub(crate) struct Server {
    pub(crate) port: u16,
    pub(crate) connections: Arc<AtomicUsize>,
    pub(crate) requests: Arc<Mutex<Vec<Vec<u8>>>>,
    task: JoinHandle<()>,
}

impl Server {
    /// One that does this with each connection.
    pub(crate) async fn doing<F, D>(each: F) -> Self
    where
        F: Fn(TcpStream) -> D + Send + 'static,
        D: Future<Output = ()> + Send + 'static,
    {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), each)
    }

    pub(crate) fn on<F, D>(listener: TcpListener, each: F) -> Self
    where
        F: Fn(TcpStream) -> D + Send + 'static,
        D: Future<Output = ()> + Send + 'static,
    {
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = connections.clone();
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(each(stream));
            }
        });
        Self { port, connections, requests: Arc::default(), task }
    }

    /// One that reads a request, notes it and answers with these bytes.
    pub(crate) async fn answering(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Self::choosing(move |_| bytes.clone()).await
    }

    /// One that reads a request, notes it and answers with what this makes of it.
    pub(crate) async fn choosing(answer: impl Fn(&[u8]) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let (requests, answer) = (Arc::<Mutex<Vec<Vec<u8>>>>::default(), Arc::new(answer));
        let noted = requests.clone();
        let mut server = Self::doing(move |mut stream| {
            let (noted, answer) = (noted.clone(), answer.clone());
            async move {
                let request = read_request(&mut stream).await;
                let bytes = answer(&request);
                noted.lock().unwrap().push(request);
                close_after(&mut stream, &bytes).await;
            }
        })
        .await;
        server.requests = requests;
        server
    }

    /// How many connections there were.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// The requests that came in, as text.
    pub(crate) fn requests(&self) -> Vec<String> {
        let requests = self.requests.lock().unwrap();
        requests.iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A request with its body; what came of one if the connection ended before.
pub(crate) async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let (mut request, mut piece) = (Vec::new(), [0; 4_096]);
    while !is_whole(&request) {
        match stream.read(&mut piece).await {
            Ok(read) if read > 0 => request.extend_from_slice(&piece[..read]),
            _ => break,
        }
    }
    request
}

fn is_whole(request: &[u8]) -> bool {
    let Some(end) = request.windows(4).position(|four| four == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&request[..end]).to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    request.len() - end - 4 >= length.unwrap_or(0)
}

/// Writes this and closes, and waits for the other side to close too, so that nothing is lost by a reset.
pub(crate) async fn close_after(stream: &mut TcpStream, bytes: &[u8]) {
    if stream.write_all(bytes).await.is_ok() && stream.shutdown().await.is_ok() {
        drop(tokio::io::copy(stream, &mut tokio::io::sink()).await);
    }
}

/// Names whose addresses a test gives: the first time the first of these answers, and so on; the last one ever after.
#[derive(Clone)]
pub(crate) struct Names {
    answers: Arc<Vec<Vec<IpAddr>>>,
    asked: Arc<AtomicUsize>,
}

impl Names {
    pub(crate) fn of(answers: &[&[&str]]) -> Self {
        let parse = |each: &&[&str]| each.iter().map(|address| address.parse().unwrap()).collect();
        Self { answers: Arc::new(answers.iter().map(parse).collect()), asked: Arc::default() }
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait::async_trait]
impl Resolve for Names {
    async fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        let n = self.asked.fetch_add(1, Ordering::SeqCst);
        self.answers.get(n).or(self.answers.last()).cloned().ok_or(io::ErrorKind::NotFound.into())
    }
}

/// An endpoint at its start, and all that an attempt to it takes.
pub(crate) struct Case {
    pub(crate) endpoint: Endpoint,
    pub(crate) health: Health,
    pub(crate) now: DateTime<Utc>,
    pub(crate) guard: Guard,
    pub(crate) transport: HttpTransport,
}

impl Case {
    /// An endpoint on this port of this machine, by HTTP.
    pub(crate) fn on(port: u16) -> Self {
        Self::to(&format!("http://127.0.0.1:{port}/in"), port)
    }

    /// An endpoint at this URL, where this port and all of `127.0.0.0/8` are allowed, and nothing else that is private.
    pub(crate) fn to(url: &str, port: u16) -> Self {
        Self::guarded(url, loopback(port))
    }

    pub(crate) fn guarded(url: &str, guard: Guard) -> Self {
        let (ids, now) = (SequentialIds::seeded(1), "2027-03-02T10:00:00Z".parse().unwrap());
        let new = NewEndpoint::to(url).with(|settings| {
            settings.events = EventFilter::Any;
            // As long as may be, so that nothing but a receiver which never ends meets it.
            settings.timeout_seconds = TIMEOUT_SECONDS_MAX;
        });
        let endpoint = new.create(WorkspaceId::new(&ids, now), now, &ids, &guard).unwrap();
        let transport = HttpTransport::new(guard.clone(), RootCertStore::empty());
        Self { endpoint, health: Health::default(), now, guard, transport }
    }

    pub(crate) fn with(mut self, set: impl FnOnce(&mut EndpointSettings)) -> Self {
        set(&mut self.endpoint.settings);
        self
    }

    /// With the shortest timeout that an endpoint can have.
    pub(crate) fn impatient(self) -> Self {
        self.with(|settings| settings.timeout_seconds = 1)
    }

    pub(crate) fn resolving_by(self, names: &Names) -> Self {
        Self { transport: self.transport.resolving_by(names.clone()), ..self }
    }

    /// A delivery of the event at this position.
    pub(crate) fn delivery(&self, position: u64) -> Delivery {
        Delivery::new(Cause::Event(Position(position)), "lead.received", &self.endpoint, self.now, self.now)
    }

    /// What is sent of a delivery that is being sent.
    pub(crate) fn request(&self, sending: &Delivery) -> Request {
        let keys = self.endpoint.signing.keys(self.now, &|_| None).unwrap();
        sending.request(self.now, &self.endpoint, &keys, &self.guard, BODY.to_vec()).unwrap()
    }

    /// Sends a delivery once. A second passes, and what came of it is what the endpoint's health is from now on.
    pub(crate) async fn attempt(&mut self, delivery: &Delivery) -> (Outcome, Answered) {
        let sending = delivery.begin(self.now, &self.endpoint, &self.health).unwrap();
        let outcome = self.transport.send(&self.request(&sending)).await;
        self.now += TimeDelta::seconds(1);
        let answered = sending.answered(self.now, &outcome, &self.endpoint, &self.health).unwrap();
        self.health = answered.health.clone();
        (outcome, answered)
    }

    /// The first attempt of a new delivery gets this response, and it is kept.
    pub(crate) async fn answered(&mut self, status: u16) -> (Response, Answered) {
        let (outcome, answered) = self.attempt(&self.delivery(1)).await;
        let response = outcome.unwrap();
        assert_eq!(response.status, status);
        assert_eq!(answered.delivery.attempts[0].result.status(), Some(status));
        (response, answered)
    }

    /// The first attempt of a new delivery fails like this, and it is tried again by the schedule.
    pub(crate) async fn fails(&mut self, error: SendError) {
        let (outcome, answered) = self.attempt(&self.delivery(1)).await;
        assert_eq!(outcome, Err(error));
        let delivery = answered.delivery;
        assert_eq!(delivery.attempts[0].result, AttemptResult::Failed(error));
        assert_eq!((delivery.status, delivery.attempts_made), (DeliveryStatus::Pending, 1));
        assert_after(&delivery, self.now, 5);
        assert_eq!((self.health.failures, self.health.failing_since), (1, Some(self.now)));
        assert_eq!((answered.disable, answered.notices), (None, vec![]));
    }
}

/// The next attempt is so many seconds later, and at most a tenth of that more.
#[track_caller]
pub(crate) fn assert_after(delivery: &Delivery, now: DateTime<Utc>, seconds: i64) {
    let wait = (delivery.next_attempt_at.expect("it is tried again") - now).num_milliseconds();
    assert!((seconds * 1_000..=seconds * 1_100).contains(&wait), "{wait} ms");
}

pub(crate) fn loopback(port: u16) -> Guard {
    Guard::new().allow_http().allow_port(port).allow_network("127.0.0.0/8".parse().unwrap())
}

/// A response with this status, these lines of a head, and this body.
pub(crate) fn response(status: u16, lines: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let mut bytes = format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n{lines}\r\n").into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

pub(crate) const BODY: &[u8] = br#"{"type":"lead.received","data":{"position":1}}"#;
