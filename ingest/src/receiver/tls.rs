//! TLS and mutual TLS on a port, from files that are read again when they change: certificates are renewed
//! under a running server, and what it cannot use must not take a port down that works.
//!
//! The handshake happens in the connection's own task, on its first read or write, so that a slow peer holds
//! up nobody else.

use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;
use tokio_rustls::{Accept, TlsAcceptor, server::TlsStream};
use tokio_util::sync::CancellationToken;

/// Between two looks at the files.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// From the connection to the end of the handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Where a port's certificate is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, PEM; its chain behind it.
    pub cert_file: PathBuf,
    /// Its private key, PEM.
    pub key_file: PathBuf,
    /// Who signs the certificates that callers must show, PEM. Unset: callers need none.
    pub client_ca_file: Option<PathBuf>,
}

/// Why a certificate cannot be used. Every message names the file.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file holds something else.
    #[error("{} is not {wanted} in PEM form: {reason}", .path.display())]
    NotPem {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        wanted: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The two files do not belong together, or the key is of a kind that cannot be used.
    #[error("the certificate in {} and the key in {} cannot be used together: {source}", .cert_file.display(), .key_file.display())]
    Pair {
        /// The certificate.
        cert_file: PathBuf,
        /// The key.
        key_file: PathBuf,
        /// Why.
        source: rustls::Error,
    },
    /// The authority's certificates cannot be used.
    #[error("callers cannot be checked by the certificates in {}: {reason}", .path.display())]
    ClientCa {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

/// The bytes of the three files.
#[derive(Clone, PartialEq, Eq)]
struct Contents {
    cert: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

/// A port's TLS.
pub struct Tls {
    files: TlsFiles,
    current: RwLock<Arc<ServerConfig>>,
    /// What was read last, usable or not.
    seen: Mutex<Contents>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Tls").field(&self.files).finish()
    }
}

impl Tls {
    /// Reads the files.
    pub fn load(files: TlsFiles) -> Result<Arc<Self>, TlsError> {
        let contents = files.read()?;
        let config = files.config(&contents)?;
        Ok(Arc::new(Self {
            files,
            current: RwLock::new(Arc::new(config)),
            seen: Mutex::new(contents),
        }))
    }

    /// Looks at the files until `stop`. New connections get what is there; should it not be usable, that is
    /// said once, and they get what was there before.
    pub async fn watch(self: Arc<Self>, stop: CancellationToken) {
        while stop
            .run_until_cancelled(tokio::time::sleep(LOOK_AGAIN))
            .await
            .is_some()
        {
            let this = Arc::clone(&self);
            if tokio::task::spawn_blocking(move || this.look()).await.is_err() {
                return;
            }
        }
    }

    fn look(&self) {
        // Files that are away for the moment in which they are replaced are looked at again.
        let Ok(contents) = self.files.read() else { return };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen == contents {
            return;
        }
        match self.files.config(&contents) {
            Ok(config) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
                tracing::info!(file = %self.files.cert_file.display(), "a new certificate is in use");
            }
            Err(error) => tracing::error!(%error, "the new certificate is not used; the old one stays"),
        }
        *seen = contents;
    }

    fn accept(&self, stream: TcpStream) -> Stream {
        let config = Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner));
        let handshake = TlsAcceptor::from(config).accept(stream);
        let deadline = tokio::time::sleep(HANDSHAKE_TIMEOUT);
        Stream(State::Handshake(Box::new((handshake, Box::pin(deadline)))))
    }
}

impl TlsFiles {
    fn read(&self) -> Result<Contents, TlsError> {
        let client_ca = self.client_ca_file.as_deref().map(read_file).transpose()?;
        Ok(Contents {
            cert: read_file(&self.cert_file)?,
            key: read_file(&self.key_file)?,
            client_ca,
        })
    }

    fn config(&self, contents: &Contents) -> Result<ServerConfig, TlsError> {
        let chain = certificates(&self.cert_file, &contents.cert)?;
        let key = PrivateKeyDer::from_pem_slice(&contents.key).map_err(|error| TlsError::NotPem {
            path: self.key_file.clone(),
            wanted: "a private key",
            reason: error.to_string(),
        })?;
        let pair = |source| TlsError::Pair {
            cert_file: self.cert_file.clone(),
            key_file: self.key_file.clone(),
            source,
        };
        let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(pair)?;
        let builder = match (&self.client_ca_file, &contents.client_ca) {
            (Some(path), Some(pem)) => builder.with_client_cert_verifier(client_verifier(path, pem)?),
            _ => builder.with_no_client_auth(),
        };
        let mut config = builder.with_single_cert(chain, key).map_err(pair)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }
}

fn client_verifier(
    path: &Path,
    pem: &[u8],
) -> Result<Arc<dyn rustls::server::danger::ClientCertVerifier>, TlsError> {
    let refuse = |reason: String| TlsError::ClientCa {
        path: path.to_owned(),
        reason,
    };
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path, pem)? {
        roots
            .add(certificate)
            .map_err(|error| refuse(error.to_string()))?;
    }
    let provider = Arc::new(default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
    verifier.map_err(|error| refuse(error.to_string()))
}

fn certificates(path: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let not_pem = |reason: String| TlsError::NotPem {
        path: path.to_owned(),
        wanted: "a certificate",
        reason,
    };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let chain = chain.map_err(|error| not_pem(error.to_string()))?;
    if chain.is_empty() {
        return Err(not_pem("it holds no certificate".to_owned()));
    }
    Ok(chain)
}

fn read_file(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|source| TlsError::Unreadable {
        path: path.to_owned(),
        source,
    })
}

/// A connection, encrypted or not.
#[derive(Debug)]
pub struct Stream(State);

enum State {
    Plain(TcpStream),
    Handshake(Box<(Accept<TcpStream>, Pin<Box<Sleep>>)>),
    Encrypted(Box<TlsStream<TcpStream>>),
    Failed,
}

impl std::fmt::Debug for State {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Plain(_) => "Plain",
            Self::Handshake(_) => "Handshake",
            Self::Encrypted(_) => "Encrypted",
            Self::Failed => "Failed",
        })
    }
}

impl Stream {
    /// Speaks TLS on `stream` if the port does.
    pub fn new(stream: TcpStream, tls: Option<&Tls>) -> Self {
        match tls {
            Some(tls) => tls.accept(stream),
            None => Self(State::Plain(stream)),
        }
    }

    /// Goes on with the handshake, if it is not done.
    fn poll_open(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Open<'_>>> {
        if let State::Handshake(handshake) = &mut self.0 {
            let (accept, deadline) = &mut **handshake;
            let outcome = match Pin::new(accept).poll(context) {
                Poll::Ready(outcome) => outcome,
                Poll::Pending => {
                    ready!(deadline.as_mut().poll(context));
                    Err(io::ErrorKind::TimedOut.into())
                }
            };
            match outcome {
                Ok(stream) => self.0 = State::Encrypted(Box::new(stream)),
                Err(error) => {
                    tracing::debug!("a TLS handshake failed: {error}");
                    self.0 = State::Failed;
                    return Poll::Ready(Err(error));
                }
            }
        }
        Poll::Ready(match &mut self.0 {
            State::Plain(stream) => Ok(Open::Plain(stream)),
            State::Encrypted(stream) => Ok(Open::Encrypted(stream)),
            State::Handshake(_) | State::Failed => Err(io::ErrorKind::NotConnected.into()),
        })
    }
}

/// A stream behind its handshake.
enum Open<'a> {
    Plain(&'a mut TcpStream),
    Encrypted(&'a mut TlsStream<TcpStream>),
}

macro_rules! forward {
    ($self:ident, $context:ident, $call:ident $(, $argument:expr)*) => {
        match ready!($self.poll_open($context))? {
            Open::Plain(stream) => Pin::new(stream).$call($context $(, $argument)*),
            Open::Encrypted(stream) => Pin::new(stream).$call($context $(, $argument)*),
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        forward!(self, context, poll_read, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        forward!(self, context, poll_write, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        forward!(self, context, poll_write_vectored, slices)
    }

    fn is_write_vectored(&self) -> bool {
        // Both kinds of stream are.
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        forward!(self, context, poll_flush)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        forward!(self, context, poll_shutdown)
    }
}
