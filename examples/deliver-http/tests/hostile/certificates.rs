//! Connections that can't be made safe.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use convio_core::delivery::SendError;
use deliver_http::{HttpTransport, RootCertStore};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use tokio::io::AsyncWriteExt;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};

use crate::support::{Case, Names, Server, close_after, read_request, response};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    Authority::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// What a server shows: a certificate for this name, made out by this authority.
struct Identity(CertificateDer<'static>, KeyPair);

impl Identity {
    fn by(authority: &Authority, name: &str, set: impl FnOnce(&mut CertificateParams)) -> Self {
        let (mut params, key) =
            (CertificateParams::new([name.to_owned()]).unwrap(), KeyPair::generate().unwrap());
        set(&mut params);
        Self(params.signed_by(&key, authority).unwrap().der().clone(), key)
    }

    fn self_signed(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        Self(params.self_signed(&key).unwrap().der().clone(), key)
    }
}

/// A server of HTTPS, and how many requests it could read.
async fn serving(identity: Identity) -> (Server, Arc<AtomicUsize>) {
    let key = PrivatePkcs8KeyDer::from(identity.1.serialize_der());
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![identity.0], key.into())
        .unwrap();
    let (acceptor, read) = (TlsAcceptor::from(Arc::new(config)), Arc::new(AtomicUsize::new(0)));
    let count = read.clone();
    let server = Server::doing(move |stream| {
        let (acceptor, count) = (acceptor.clone(), count.clone());
        async move {
            let mut stream = match acceptor.accept(stream).into_fallible().await {
                Ok(stream) => stream,
                // Read to its end, so that no reset takes away what the server says of it.
                Err((_, mut stream)) => {
                    return drop(tokio::io::copy(&mut stream, &mut tokio::io::sink()).await);
                }
            };
            if !read_request(&mut stream).await.is_empty() {
                count.fetch_add(1, Ordering::SeqCst);
            }
            stream.write_all(&response(200, "", b"safe")).await.unwrap();
            stream.shutdown().await.unwrap();
        }
    })
    .await;
    (server, read)
}

/// A case of this host, whose name leads here, by HTTPS, and who trusts this authority.
fn case(host: &str, port: u16, authority: &Authority) -> Case {
    let case = Case::to(&format!("https://{host}:{port}/in"), port);
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    let transport = HttpTransport::new(case.guard.clone(), roots);
    Case { transport, ..case }.resolving_by(&Names::of(&[&["127.0.0.1"]]))
}

#[tokio::test]
async fn a_certificate_for_the_name_or_the_address_is_good() {
    let authority = authority();
    for host in [NAME, "127.0.0.1"] {
        let (server, read) = serving(Identity::by(&authority, host, |_| {})).await;
        let (got, _) = case(host, server.port, &authority).answered(200).await;
        assert_eq!((got.body.as_slice(), read.load(Ordering::SeqCst)), (b"safe".as_slice(), 1), "{host}");
    }
}

#[tokio::test]
async fn any_other_certificate_is_refused_before_anything_is_sent() {
    let (authority, stranger) = (authority(), self::authority());
    let past = |params: &mut CertificateParams| params.not_after = date_time_ymd(2020, 1, 1);
    let future = |params: &mut CertificateParams| params.not_before = date_time_ymd(3000, 1, 1);
    for (what, identity) in [
        ("self-signed", Identity::self_signed(NAME)),
        ("of an authority that nobody trusts", Identity::by(&stranger, NAME, |_| {})),
        ("of another name", Identity::by(&authority, "other.example.com", |_| {})),
        ("of a name below", Identity::by(&authority, "a.hooks.example.com", |_| {})),
        ("of the address alone", Identity::by(&authority, "127.0.0.1", |_| {})),
        ("that has ended", Identity::by(&authority, NAME, past)),
        ("that has not begun", Identity::by(&authority, NAME, future)),
    ] {
        let (server, read) = serving(identity).await;
        let mut case = case(NAME, server.port, &authority);
        let (outcome, _) = case.attempt(&case.delivery(1)).await;
        assert_eq!(outcome, Err(SendError::Tls), "one {what}");
        assert_eq!((server.connections(), read.load(Ordering::SeqCst)), (1, 0), "one {what}");
    }
    let (server, _) = serving(Identity::by(&authority, NAME, |_| {})).await;
    case("127.0.0.1", server.port, &authority).fails(SendError::Tls).await;
}

#[tokio::test]
async fn without_roots_nobody_is_trusted() {
    let authority = authority();
    let (server, _) = serving(Identity::by(&authority, NAME, |_| {})).await;
    let url = format!("https://{NAME}:{}/", server.port);
    let names = Names::of(&[&["127.0.0.1"]]);
    Case::to(&url, server.port).resolving_by(&names).fails(SendError::Tls).await;
}

#[tokio::test]
async fn http_where_https_is_expected_and_the_other_way_round() {
    let authority = authority();
    let plain = Server::doing(|mut stream| async move {
        close_after(&mut stream, &response(400, "", b"speak HTTP")).await;
    })
    .await;
    case(NAME, plain.port, &authority).fails(SendError::Tls).await;
    let closing = Server::doing(|_| async {}).await;
    case(NAME, closing.port, &authority).fails(SendError::Tls).await;
    let (safe, read) = serving(Identity::by(&authority, NAME, |_| {})).await;
    Case::on(safe.port).fails(SendError::Protocol).await;
    assert_eq!(read.load(Ordering::SeqCst), 0);
}

const NAME: &str = "hooks.example.com";
