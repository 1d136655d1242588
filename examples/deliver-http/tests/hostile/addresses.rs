//! Hosts that lead inside: by their address, by their name, by one of their addresses, by another one the second time.

use std::net::SocketAddr;

use convio_core::delivery::{Guard, SendError, Transport};
use deliver_http::{HttpTransport, RootCertStore};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::support::{Case, Names, Server, assert_after, response};

/// A case whose request a lenient guard let through, with a transport that goes by this one.
fn sent_past(url: &str, port: u16, strict: Guard) -> Case {
    let everything = ["0.0.0.0/0", "::/0"].map(|network| network.parse().unwrap());
    let lenient =
        everything.into_iter().fold(Guard::new().allow_http().allow_port(port), Guard::allow_network);
    let case = Case::guarded(url, lenient.allow_host("localhost"));
    Case { transport: HttpTransport::new(strict, RootCertStore::empty()), ..case }
}

#[tokio::test]
async fn private_addresses_are_refused_though_the_request_names_them() {
    let server = Server::answering(response(200, "", b"")).await;
    let strict = Guard::new().allow_http().allow_port(server.port);
    for host in [
        "127.0.0.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[fd00::1]",
        "[fe80::1]",
    ] {
        let url = format!("http://{host}:{}/", server.port);
        sent_past(&url, server.port, strict.clone()).fails(SendError::Refused).await;
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn names_that_lead_to_private_addresses_are_refused() {
    let server = Server::answering(response(200, "", b"")).await;
    let strict = Guard::new().allow_http().allow_port(server.port);
    for addresses in [
        ["127.0.0.1"].as_slice(),
        &["10.1.2.3"],
        &["::1"],
        &["::ffff:127.0.0.1"],
        &["fd00:ec2::254"],
        // One that is public does not make the others so, wherever it stands.
        &["93.184.216.34", "127.0.0.1"],
        &["127.0.0.1", "93.184.216.34"],
        &[
            "93.184.216.34",
            "93.184.216.35",
            "93.184.216.36",
            "93.184.216.37",
            "93.184.216.38",
            "93.184.216.39",
            "93.184.216.40",
            "93.184.216.41",
            "10.0.0.1",
        ],
    ] {
        let names = Names::of(&[addresses]);
        let case = Case::guarded(&format!("http://hooks.example.com:{}/", server.port), strict.clone());
        case.resolving_by(&names).fails(SendError::Refused).await;
        assert_eq!(names.asked(), 1, "{addresses:?}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn the_systems_own_name_of_this_machine_is_refused_by_its_address() {
    let server = Server::answering(response(200, "", b"")).await;
    let url = format!("http://localhost:{}/", server.port);
    let strict = Guard::new().allow_http().allow_port(server.port).allow_host("localhost");
    sent_past(&url, server.port, strict).fails(SendError::Refused).await;
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_name_is_resolved_once_and_what_was_judged_is_connected_to() {
    // Two servers on one port: that of the first answer, and that of all later ones.
    let server = Server::answering(response(200, "", b"")).await;
    let trap = TcpListener::bind(("127.0.0.2", server.port)).await.unwrap();
    let trap = Server::on(trap, |_| async {});
    let names = Names::of(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let url = format!("http://hooks.example.com:{}/", server.port);
    let guard =
        Guard::new().allow_http().allow_port(server.port).allow_network("127.0.0.1/32".parse().unwrap());
    let mut case = Case::guarded(&url, guard).resolving_by(&names);
    drop(case.answered(200).await);
    assert_eq!((names.asked(), server.connections(), trap.connections()), (1, 1, 0));
    assert!(server.requests()[0].contains(&format!("host: hooks.example.com:{}\r\n", server.port)));

    // The next attempt asks again, and what the name leads to by then is judged again.
    let (outcome, _) = case.attempt(&case.delivery(2)).await;
    assert_eq!(outcome, Err(SendError::Refused));
    assert_eq!((names.asked(), server.connections(), trap.connections()), (2, 1, 0));
}

#[tokio::test]
async fn an_address_where_nobody_listens_is_passed_over() {
    let server = Server::answering(response(200, "", b"")).await;
    let url = format!("http://hooks.example.com:{}/", server.port);
    let names = Names::of(&[&["127.0.0.9", "127.0.0.1", "127.0.0.8"]]);
    drop(Case::to(&url, server.port).resolving_by(&names).answered(200).await);
    assert_eq!((names.asked(), server.requests().len()), (1, 1));

    let far = vec!["127.0.0.9"; deliver_http::ADDRESSES_TRIED_MAX];
    let names = Names::of(&[&[far.as_slice(), &["127.0.0.1"]].concat()]);
    Case::to(&url, server.port).resolving_by(&names).fails(SendError::Connect).await;
    assert_eq!(server.requests().len(), 1, "not as many are tried");
}

/// What is left of the time is shared out: here it is half for each.
#[tokio::test]
async fn an_address_that_never_answers_leaves_time_for_the_next_one() {
    let server = Server::answering(response(200, "", b"")).await;
    // A queue of one, which is taken: the system lets the next one wait for a place.
    let full = TcpSocket::new_v4().unwrap();
    full.bind(SocketAddr::from(([127, 0, 0, 9], server.port))).unwrap();
    let full = full.listen(0).unwrap();
    let first = TcpStream::connect(full.local_addr().unwrap()).await.unwrap();
    let url = format!("http://hooks.example.com:{}/", server.port);
    let case = Case::to(&url, server.port).with(|settings| settings.timeout_seconds = 8);
    let mut case = case.resolving_by(&Names::of(&[&["127.0.0.9", "127.0.0.1"]]));
    drop(case.answered(200).await);
    let mut alone = Case::to(&url, server.port).impatient().resolving_by(&Names::of(&[&["127.0.0.9"]]));
    alone.fails(SendError::Timeout).await;
    drop(first);
}

#[tokio::test]
async fn a_name_without_an_address_is_not_found() {
    for names in [Names::of(&[&[]]), Names::of(&[])] {
        Case::to("https://hooks.example.com/", 443).resolving_by(&names).fails(SendError::Dns).await;
    }
}

#[tokio::test]
async fn what_was_allowed_when_it_was_saved_is_refused_when_it_is_sent() {
    let server = Server::answering(response(200, "", b"")).await;
    let mut case = Case::on(server.port);
    let sending = case.delivery(1).begin(case.now, &case.endpoint, &case.health).unwrap();
    let request = case.request(&sending);
    for guard in [Guard::new().allow_port(server.port), Guard::new().allow_http()] {
        let guard = guard.allow_network("127.0.0.0/8".parse().unwrap());
        let transport = HttpTransport::new(guard.clone(), RootCertStore::empty());
        assert_eq!(transport.send(&request).await, Err(SendError::Refused), "the scheme or the port");
        case.guard = guard;
        let keys = case.endpoint.signing.keys(case.now, &|_| None).unwrap();
        assert!(sending.request(case.now, &case.endpoint, &keys, &case.guard, vec![]).is_err());
    }
    // Which is answered so, and waits as every failure.
    let answered =
        sending.answered(case.now, &Err(SendError::Refused), &case.endpoint, &case.health).unwrap();
    assert_after(&answered.delivery, case.now, 5);
    assert_eq!(server.connections(), 0);
}
