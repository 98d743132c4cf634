//! Multipart bodies: how some clients (the Rust one among them) send a statement and its parameters, to
//! keep them out of the URL.

use bytes::Bytes;

use crate::exception::{Code, Exception};

/// The boundary of a `multipart/form-data` content type; `None` for any other type.
pub(super) fn boundary(content_type: &str) -> Option<String> {
    let parameters = content_type.strip_prefix("multipart/form-data")?;
    let value = parameters
        .split(';')
        .find_map(|parameter| parameter.trim().strip_prefix("boundary="));
    Some(value.unwrap_or_default().trim_matches('"').to_owned())
}

/// Splits a body into its fields. Parts that are files would be external tables, which are not supported.
pub(super) fn fields(body: &Bytes, boundary: &str) -> Result<Vec<(String, String)>, Exception> {
    if boundary.is_empty() {
        return Err(malformed("it has no boundary"));
    }
    let delimiter = format!("--{boundary}");
    let mut rest = after(body, delimiter.as_bytes()).ok_or_else(|| malformed("it does not begin"))?;
    let separator = format!("\r\n{delimiter}");
    let mut fields = Vec::new();
    while !rest.starts_with(b"--") {
        let part = rest
            .strip_prefix(b"\r\n")
            .ok_or_else(|| malformed("a boundary is not a line"))?;
        let end = find(part, separator.as_bytes()).ok_or_else(|| malformed("a part has no end"))?;
        fields.push(field(&part[..end])?);
        rest = &part[end + separator.len()..];
    }
    Ok(fields)
}

/// Reads one part: headers, an empty line, the value.
fn field(part: &[u8]) -> Result<(String, String), Exception> {
    let split = find(part, b"\r\n\r\n").ok_or_else(|| malformed("a part has no headers"))?;
    let headers = String::from_utf8_lossy(&part[..split]);
    let disposition = headers
        .lines()
        .find_map(|line| {
            line.split_once(':')
                .filter(|(name, _)| name.eq_ignore_ascii_case("content-disposition"))
        })
        .map(|(_, value)| value)
        .ok_or_else(|| malformed("a part has no name"))?;
    let attribute = |wanted: &str| {
        disposition.split(';').find_map(|item| {
            let (name, value) = item.trim().split_once('=')?;
            (name == wanted).then(|| value.trim_matches('"').to_owned())
        })
    };
    if attribute("filename").is_some() {
        return Err(Exception::new(
            Code::NOT_IMPLEMENTED,
            "External tables are not supported",
        ));
    }
    let name = attribute("name").ok_or_else(|| malformed("a part has no name"))?;
    let value =
        String::from_utf8(part[split + 4..].to_vec()).map_err(|_| malformed("a field is not UTF-8"))?;
    Ok((name, value))
}

fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    text.windows(needle.len()).position(|window| window == needle)
}

fn after<'text>(text: &'text [u8], needle: &[u8]) -> Option<&'text [u8]> {
    find(text, needle).map(|at| &text[at + needle.len()..])
}

fn malformed(what: &str) -> Exception {
    Exception::new(
        Code::BAD_ARGUMENTS,
        format!("Cannot read the multipart body: {what}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_taken_apart() {
        let body = Bytes::from_static(
            b"--X\r\nContent-Disposition: form-data; name=\"query\"\r\n\r\nSELECT 1\r\n--\r\n--X\r\ncontent-disposition: \
              form-data; name=\"param_a\"\r\nContent-Type: text/plain\r\n\r\n\r\n--X--\r\n",
        );
        let found = fields(&body, "X").unwrap();
        assert_eq!(
            found,
            [
                ("query".into(), "SELECT 1\r\n--".into()),
                ("param_a".into(), String::new())
            ]
        );
        assert_eq!(
            boundary("multipart/form-data; boundary=\"X\"").as_deref(),
            Some("X")
        );
        assert_eq!(boundary("text/plain"), None);
    }

    #[test]
    fn broken_bodies_and_files_are_refused() {
        for body in [
            "",
            "--X",
            "--X\r\nno end",
            "--X\r\nname\r\n--X--",
            "--X\r\nA: b\r\n\r\nv\r\n--X--",
        ] {
            assert!(fields(&Bytes::from(body), "X").is_err(), "{body}");
        }
        let file = "--X\r\nContent-Disposition: form-data; name=\"t\"; filename=\"t\"\r\n\r\n1\r\n--X--";
        assert_eq!(fields(&Bytes::from(file), "X").unwrap_err().code, 48);
    }
}
