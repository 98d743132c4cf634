//! Requests that come as a form: a file and a few fields. The fields that decide are found, the model's name is
//! replaced where it stands, and everything else reaches the provider byte for byte.
//! Facts: RFC 7578 and RFC 2046, section 5.1.

use std::ops::Range;

use memchr::memmem;

/// More than any of these calls has.
const PARTS_MAX: usize = 200;
/// The longest field that is looked at.
const FIELD_BYTES_MAX: usize = 4096;

/// One part of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    /// The field's name.
    pub(crate) name: String,
    /// Where its file's name stands, without the quotation marks.
    pub(crate) filename: Option<Range<usize>>,
    /// Where its value stands.
    pub(crate) value: Range<usize>,
}

/// A form taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) parts: Vec<Part>,
}

impl Form {
    /// Reads a form, or says what is wrong with it.
    pub(crate) fn parse(content_type: &str, body: &[u8]) -> Result<Self, &'static str> {
        let boundary =
            boundary(content_type).ok_or("the body must be `multipart/form-data` with a boundary")?;
        let delimiter = format!("--{boundary}");
        let start = memmem::find(body, delimiter.as_bytes()).ok_or("the form has no part")?;
        // What stands before the first delimiter is nobody's.
        if start != 0 && !body[..start].ends_with(b"\r\n") {
            return Err("the form does not begin with its boundary");
        }
        let between = format!("\r\n{delimiter}");
        let finder = memmem::Finder::new(&between);
        let mut at = start + delimiter.len();
        let mut parts = Vec::new();
        loop {
            let rest = &body[at..];
            if rest.starts_with(b"--") {
                return Ok(Self { parts });
            }
            let head = memmem::find(rest, b"\r\n\r\n").ok_or("a part of the form has no end")?;
            let value = at + head + 4;
            let length = finder.find(&body[value..]).ok_or("the form has no end")?;
            parts.push(part(body, at..at + head, value..value + length)?);
            if parts.len() > PARTS_MAX {
                return Err("the form has too many parts");
            }
            at = value + length + between.len();
        }
    }

    /// The value of the field `name`, and where it stands; of several, the last, as servers take it.
    pub(crate) fn field<'b>(&self, body: &'b [u8], name: &str) -> Option<(&'b str, Range<usize>)> {
        let part = self
            .parts
            .iter()
            .rev()
            .find(|part| part.name == name && part.filename.is_none())?;
        let value = body
            .get(part.value.clone())
            .filter(|value| value.len() <= FIELD_BYTES_MAX)?;
        Some((std::str::from_utf8(value).ok()?, part.value.clone()))
    }
}

fn boundary(content_type: &str) -> Option<&str> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim())
    })?;
    let boundary = boundary.trim_matches('"');
    (!boundary.is_empty() && boundary.len() <= 70).then_some(boundary)
}

fn part(body: &[u8], head: Range<usize>, value: Range<usize>) -> Result<Part, &'static str> {
    const NAMELESS: &str = "a part of the form has no name";
    let text = std::str::from_utf8(&body[head.clone()]).map_err(|_| NAMELESS)?;
    let mut offset = head.start;
    for line in text.split("\r\n") {
        let is_disposition = line
            .get(.."content-disposition:".len())
            .is_some_and(|start| start.eq_ignore_ascii_case("content-disposition:"));
        if is_disposition {
            let name = quoted(line, "name").ok_or(NAMELESS)?;
            let filename = quoted(line, "filename");
            return Ok(Part {
                name: line[name].to_owned(),
                filename: filename.map(|at| offset + at.start..offset + at.end),
                value,
            });
        }
        offset += line.len() + 2;
    }
    Err(NAMELESS)
}

/// Where the value of a header's parameter stands in its line.
fn quoted(line: &str, parameter: &str) -> Option<Range<usize>> {
    let mut from = 0;
    let wanted = format!("{parameter}=\"");
    loop {
        let at = from + line[from..].find(&wanted)?;
        let start = at + wanted.len();
        // `filename` ends with `name`.
        if line[..at].ends_with([' ', ';', '\t']) {
            let length = line[start..].find('"')?;
            return Some(start..start + length);
        }
        from = start;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPE: &str = "multipart/form-data; boundary=\"XX\"";

    fn body() -> Vec<u8> {
        let mut body =
            b"--XX\r\nContent-Disposition: form-data; filename=\"a \xC3\xA9.mp3\"; name=\"file\"\r\n"
                .to_vec();
        body.extend_from_slice(b"Content-Type: audio/mpeg\r\n\r\n\x00\xff--X\r\n\r\n--X \r\n");
        body.extend_from_slice(
            b"--XX\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\nmock/whisper\r\n",
        );
        body.extend_from_slice(
            b"--XX\r\nContent-Disposition: form-data; name=\"stream\"\r\n\r\ntrue\r\n--XX--\r\n",
        );
        body
    }

    #[test]
    fn fields_are_found_beside_a_file_of_any_bytes() {
        let body = body();
        let form = Form::parse(TYPE, &body).unwrap();
        assert_eq!(form.parts.len(), 3);
        assert_eq!(form.field(&body, "model").unwrap().0, "mock/whisper");
        assert_eq!(form.field(&body, "stream").unwrap().0, "true");
        assert_eq!(form.field(&body, "file"), None);
        let filename = form.parts[0].filename.clone().unwrap();
        assert_eq!(&body[filename], "a é.mp3".as_bytes());
        assert_eq!(&body[form.parts[0].value.clone()], b"\x00\xff--X\r\n\r\n--X ");
    }

    #[test]
    fn what_is_no_form_is_refused() {
        let body = body();
        assert!(Form::parse("application/json", &body).is_err());
        assert!(Form::parse("multipart/form-data", &body).is_err());
        assert!(Form::parse("multipart/form-data; boundary=YY", &body).is_err());
        for end in 0..body.len() - 4 {
            assert!(Form::parse(TYPE, &body[..end]).is_err(), "cut at {end}");
        }
    }
}
