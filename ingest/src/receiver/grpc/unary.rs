//! gRPC's framing of one request and one answer: a flag, a length, the message; then trailers.

use ::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::body::Body;
use axum::response::Response;
use bytes::{Buf, BufMut, Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use tonic::Status;

use crate::receiver::body::PREFIX_BYTES;
use crate::receiver::inflate::Compression;
use crate::receiver::intake::Held;
use crate::receiver::refusal::Refusal;

const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");
const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const GRPC_ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");
const ACCEPTED: HeaderValue = HeaderValue::from_static("identity,gzip,deflate,zstd");

/// Refuses what is not gRPC with protobuf messages.
pub(super) fn check_content_type(headers: &HeaderMap) -> Result<(), Refusal> {
    let value = headers
        .get(header::CONTENT_TYPE)
        .map(HeaderValue::as_bytes)
        .unwrap_or_default();
    let text = String::from_utf8_lossy(value);
    match text.split(';').next().unwrap_or_default().trim() {
        "application/grpc" | "application/grpc+proto" => Ok(()),
        other => Err(Refusal::ContentType(other.chars().take(64).collect())),
    }
}

/// Takes the one message out of its frame.
pub(super) fn unframe(
    held: Held,
    headers: &HeaderMap,
    bytes_max: usize,
) -> Result<(Held, Compression), Refusal> {
    let Held {
        mut body,
        reservation,
    } = held;
    if body.len() < PREFIX_BYTES {
        return Err(Refusal::Framing("there is no message"));
    }
    let flag = body.get_u8();
    let length = body.get_u32() as usize;
    if length > bytes_max {
        return Err(Refusal::TooLarge(bytes_max));
    }
    if length > body.len() {
        return Err(Refusal::Framing("the message is shorter than announced"));
    }
    if length < body.len() {
        return Err(Refusal::Framing("there is more than one message"));
    }
    let compression = match flag {
        0 => Compression::Identity,
        1 => compression(headers)?,
        _ => return Err(Refusal::Framing("the compression flag is neither 0 nor 1")),
    };
    Ok((Held { body, reservation }, compression))
}

fn compression(headers: &HeaderMap) -> Result<Compression, Refusal> {
    let value = headers
        .get(GRPC_ENCODING)
        .map(HeaderValue::as_bytes)
        .unwrap_or_default();
    let name = String::from_utf8_lossy(value);
    match Compression::parse(name.trim()) {
        Some(Compression::Identity) => Err(Refusal::Framing(
            "the message is flagged as compressed, but no encoding is named",
        )),
        None if name.is_empty() => Err(Refusal::Framing(
            "the message is flagged as compressed, but no encoding is named",
        )),
        Some(compression) => Ok(compression),
        None => Err(Refusal::ContentEncoding(name.chars().take(64).collect())),
    }
}

/// An answer with status OK.
pub(super) fn message(message: &[u8]) -> Response {
    let mut frame = BytesMut::with_capacity(PREFIX_BYTES + message.len());
    frame.put_u8(0);
    frame.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    frame.put_slice(message);
    let mut trailers = HeaderMap::new();
    trailers.insert(Status::GRPC_STATUS, HeaderValue::from_static("0"));
    let body = Full::new(frame.freeze()).with_trailers(std::future::ready(Some(Ok(trailers))));
    finish(Response::new(Body::new(body)))
}

/// An answer that is nothing but a status: all of it is in the head.
pub(super) fn failure(refusal: &Refusal) -> Response {
    let verdict = refusal.verdict();
    let details = Bytes::from(verdict.status.to_protobuf());
    let status = Status::with_details(verdict.status.code, verdict.status.message, details);
    finish(status.into_http())
}

fn finish(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, GRPC);
    headers.insert(GRPC_ACCEPT_ENCODING, ACCEPTED);
    response
}
