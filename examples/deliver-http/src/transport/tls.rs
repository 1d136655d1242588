use std::io;
use std::sync::Arc;

use convio_core::delivery::SendError;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, DEFAULT_VERSIONS, RootCertStore};
use url::Host;

/// The root certificates that the system trusts.
///
/// # Errors
/// There is none: to every receiver there would be no safe connection.
pub fn system_roots() -> io::Result<RootCertStore> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // Stores of systems hold old ones that nobody can read any more.
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the system has no root certificates"));
    }
    Ok(roots)
}

pub(super) fn connector(roots: RootCertStore) -> TlsConnector {
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(DEFAULT_VERSIONS)
        .expect("ring has ciphers for TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    TlsConnector::from(Arc::new(config))
}

/// TLS over this connection, with a host whose certificate is for it. Whatever fails before there is TLS is a failure of TLS.
pub(super) async fn over(
    connector: &TlsConnector,
    stream: TcpStream,
    host: &Host<&str>,
) -> Result<TlsStream<TcpStream>, SendError> {
    let name = match host {
        Host::Domain(name) => ServerName::try_from(*name).map_err(|_| SendError::Tls)?.to_owned(),
        Host::Ipv4(address) => ServerName::IpAddress((*address).into()),
        Host::Ipv6(address) => ServerName::IpAddress((*address).into()),
    };
    connector.connect(name, stream).await.map_err(|_| SendError::Tls)
}
