//! TLS and mutual TLS on the OTLP ports, over gRPC and over HTTP, with certificates made for the test.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{Request, StatusCode, Version};
use brokle_testkit::otlp;
use brokle_testkit::server::{Server, ServerOptions};
use brokle_testkit::tenant::Tenant;
use brokle_testkit::wait;
use http_body_util::Full;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::harness::binary;

const RELOADED_WITHIN: Duration = Duration::from_secs(20);

/// An authority.
struct Authority {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self {
            certificate,
            issuer: Issuer::new(params, key),
        }
    }

    /// A certificate for `localhost`, and its key, as PEM.
    fn issue(&self) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        (
            params.signed_by(&key, &self.issuer).unwrap().pem(),
            key.serialize_pem(),
        )
    }

    fn install(&self, directory: &Path) {
        let (certificate, key) = self.issue();
        std::fs::write(directory.join("cert.pem"), certificate).unwrap();
        std::fs::write(directory.join("key.pem"), key).unwrap();
    }
}

fn client(trusted: &Authority, own: Option<(String, String)>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.certificate.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    match own {
        Some((certificate, key)) => {
            let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
            builder.with_client_auth_cert(chain, key).unwrap()
        }
        None => builder.with_no_client_auth(),
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Transport {
    Http,
    Grpc,
}

const BOTH: [Transport; 2] = [Transport::Http, Transport::Grpc];

async fn connect(
    server: &Server,
    transport: Transport,
    mut config: ClientConfig,
) -> std::io::Result<TlsStream<TcpStream>> {
    let (url, protocol) = match transport {
        Transport::Http => (server.otlp_http_url(), "http/1.1"),
        Transport::Grpc => (server.otlp_grpc_url(), "h2"),
    };
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    let stream = TcpStream::connect(url.trim_start_matches("http://")).await?;
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

/// Sends one span; what was answered, or why there was no answer.
async fn send(
    server: &Server,
    tenant: &Tenant,
    transport: Transport,
    config: ClientConfig,
) -> Result<StatusCode, String> {
    let stream = connect(server, transport, config)
        .await
        .map_err(|error| error.to_string())?;
    let io = TokioIo::new(stream);
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let start_ns = u64::try_from(now.as_nanos()).unwrap();
    let body = otlp::request(vec![otlp::root_span(
        [0x77; 16],
        rand::random(),
        "encrypted",
        start_ns,
    )]);
    let request = Request::post("https://localhost/v1/traces").header("x-api-key", &tenant.key);
    let failed = |error: hyper::Error| format!("{error}");
    if transport == Transport::Http {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.map_err(failed)?;
        tokio::spawn(connection);
        let request = request
            .header("host", "localhost")
            .header("content-type", "application/x-protobuf");
        let answer = sender
            .send_request(request.body(Full::new(Bytes::from(body))).unwrap())
            .await;
        return answer.map(|answer| answer.status()).map_err(failed);
    }
    let executor = TokioExecutor::new();
    let (mut sender, connection) = hyper::client::conn::http2::handshake(executor, io)
        .await
        .map_err(failed)?;
    tokio::spawn(connection);
    let mut frame = vec![0];
    frame.extend(u32::try_from(body.len()).unwrap().to_be_bytes());
    frame.extend(body);
    let request = request
        .uri("https://localhost/opentelemetry.proto.collector.trace.v1.TraceService/Export")
        .version(Version::HTTP_2)
        .header("content-type", "application/grpc");
    let answer = sender
        .send_request(request.body(Full::new(Bytes::from(frame))).unwrap())
        .await
        .map_err(failed)?;
    // A failure would be in the head.
    assert_eq!(answer.headers().get("grpc-status"), None);
    Ok(answer.status())
}

async fn start(directory: &Path, client_ca: Option<&Authority>) -> (Server, Tenant) {
    let file = |name: &str| directory.join(name).display().to_string();
    let mut environment = vec![
        ("BROKLE_OTLP_TLS_CERT_FILE".to_owned(), file("cert.pem")),
        ("BROKLE_OTLP_TLS_KEY_FILE".to_owned(), file("key.pem")),
    ];
    if let Some(authority) = client_ca {
        std::fs::write(directory.join("ca.pem"), authority.certificate.pem()).unwrap();
        environment.push(("BROKLE_OTLP_TLS_CLIENT_CA_FILE".to_owned(), file("ca.pem")));
    }
    let options = ServerOptions {
        environment,
        ..ServerOptions::default()
    };
    let server = Server::start(binary(), options).await.unwrap();
    let tenant = Tenant::sign_up(&server.url()).await.unwrap();
    (server, tenant)
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_are_taken_over_tls_and_a_renewed_certificate_is_used_without_a_restart() {
    let (directory, old, new) = (tempfile::tempdir().unwrap(), Authority::new(), Authority::new());
    old.install(directory.path());
    let (server, tenant) = start(directory.path(), None).await;
    for transport in BOTH {
        assert_eq!(
            send(&server, &tenant, transport, client(&old, None)).await,
            Ok(StatusCode::OK)
        );
        assert!(
            send(&server, &tenant, transport, client(&new, None))
                .await
                .is_err()
        );
    }
    // What cannot be used is not used.
    std::fs::write(directory.path().join("cert.pem"), "nonsense").unwrap();
    wait::until(
        "the server says that the file is of no use",
        RELOADED_WITHIN,
        || async { server.log().contains("the old one stays").then_some(()) },
    )
    .await
    .unwrap();
    assert!(server.log().contains("cert.pem"));
    for transport in BOTH {
        assert_eq!(
            send(&server, &tenant, transport, client(&old, None)).await,
            Ok(StatusCode::OK)
        );
    }
    new.install(directory.path());
    for transport in BOTH {
        wait::until("the new certificate is in use", RELOADED_WITHIN, || async {
            send(&server, &tenant, transport, client(&new, None)).await.ok()
        })
        .await
        .unwrap();
    }
    let stored = crate::harness::observations(&tenant, &"77".repeat(16), 6).await;
    assert_eq!(
        stored.len(),
        6,
        "both authorities' spans, and none of the refused"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn mutual_tls_lets_in_only_callers_with_a_certificate_of_the_authority() {
    let (directory, authority, other) = (tempfile::tempdir().unwrap(), Authority::new(), Authority::new());
    authority.install(directory.path());
    let (server, tenant) = start(directory.path(), Some(&authority)).await;
    for transport in BOTH {
        let with = |own| send(&server, &tenant, transport, client(&authority, own));
        assert_eq!(
            with(Some(authority.issue())).await,
            Ok(StatusCode::OK),
            "{transport:?}"
        );
        assert!(with(None).await.is_err(), "{transport:?}: no certificate");
        assert!(
            with(Some(other.issue())).await.is_err(),
            "{transport:?}: another authority's"
        );
    }
    let stored = crate::harness::observations(&tenant, &"77".repeat(16), 2).await;
    assert_eq!(stored.len(), 2);
}

#[test]
fn a_start_with_files_that_do_not_belong_together_names_them() {
    let (directory, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    authority.install(directory.path());
    std::fs::write(directory.path().join("key.pem"), authority.issue().1).unwrap();
    let start = |certificate: &str, key: &str| {
        let mut command = Command::new(binary());
        command.arg("serve").current_dir(directory.path()).envs([
            ("PORT", "0"),
            ("BROKLE_OTLP_GRPC_PORT", "0"),
            ("BROKLE_OTLP_HTTP_PORT", "0"),
            ("BROKLE_OTLP_TLS_CERT_FILE", certificate),
            ("BROKLE_OTLP_TLS_KEY_FILE", key),
        ]);
        let output = command.output().unwrap();
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let text = start("cert.pem", "key.pem");
    assert!(
        text.contains("cert.pem") && text.contains("key.pem") && text.contains("[ingest.tls]"),
        "{text}"
    );
    let text = start("absent.pem", "key.pem");
    assert!(text.contains("cannot read absent.pem"), "{text}");
    let text = start("cert.pem", "cert.pem");
    assert!(text.contains("cert.pem is not a private key"), "{text}");
}
