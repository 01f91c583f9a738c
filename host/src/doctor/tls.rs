//! A certificate, as this node's own client judges it.

use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use hedgeschool_doctor::link::Fault;
use rustls::pki_types::ServerName;
use rustls::{CertificateError, ClientConfig, ClientConnection, Error, RootCertStore};
use x509_cert::Certificate;
use x509_cert::der::Decode;

/// Why there is no encrypted connection.
#[derive(Debug)]
pub enum TlsFailure {
    /// The certificate is not taken.
    Certificate(Fault),
    /// Something else.
    Other(String),
}

impl TlsFailure {
    fn from_error(error: impl std::fmt::Display) -> Self {
        Self::Other(error.to_string())
    }
}

/// Shakes hands; answers when the certificate ends, in seconds since 1970.
///
/// # Errors
/// When that fails: the certificate is judged as by the client that replicates.
pub fn certificate_end(
    host: &str,
    mut stream: TcpStream,
    within: Duration,
) -> Result<i64, TlsFailure> {
    let name = ServerName::try_from(host.to_owned()).map_err(TlsFailure::from_error)?;
    stream.set_read_timeout(Some(within)).map_err(TlsFailure::from_error)?;
    stream.set_write_timeout(Some(within)).map_err(TlsFailure::from_error)?;
    let config = Arc::new(tls_config().map_err(TlsFailure::from_error)?);
    let mut connection = ClientConnection::new(config, name).map_err(TlsFailure::from_error)?;
    while connection.is_handshaking() {
        connection.complete_io(&mut stream).map_err(handshake_failure)?;
    }
    let chain = connection.peer_certificates().unwrap_or_default();
    let own = chain.first().ok_or_else(|| TlsFailure::from_error("it shows no certificate"))?;
    let certificate = Certificate::from_der(own).map_err(TlsFailure::from_error)?;
    let end = certificate.tbs_certificate().validity().not_after.to_unix_duration();
    Ok(i64::try_from(end.as_secs()).unwrap_or(i64::MAX))
}

fn tls_config() -> Result<ClientConfig, Error> {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(versions.with_root_certificates(roots).with_no_client_auth())
}

/// What a failed handshake was about.
fn handshake_failure(error: std::io::Error) -> TlsFailure {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<Error>());
    let Some(Error::InvalidCertificate(reason)) = cause else {
        return TlsFailure::from_error(error);
    };
    TlsFailure::Certificate(match reason {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => Fault::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            Fault::NotYetValid
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            Fault::OtherName
        }
        CertificateError::UnknownIssuer => Fault::UnknownIssuer,
        other => Fault::Other(other.to_string()),
    })
}
