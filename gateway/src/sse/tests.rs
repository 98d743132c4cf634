use super::*;

/// Splits `stream`, arriving in pieces of `piece` bytes.
fn split(stream: &[u8], piece: usize) -> (Vec<Vec<u8>>, Option<Vec<u8>>) {
    let mut splitter = Splitter::new(1 << 20);
    let mut frames = Vec::new();
    for bytes in stream.chunks(piece) {
        splitter.push(bytes);
        while let Some(frame) = splitter.next_frame().unwrap() {
            frames.push(frame.to_vec());
        }
    }
    (frames, splitter.remainder().map(|rest| rest.to_vec()))
}

#[test]
fn frames_are_found_wherever_the_network_cuts_them() {
    let streams: [&[u8]; 4] = [
        "data: {\"a\":\"é🦀\"}\n\n: ping\n\ndata:[DONE]\n\n".as_bytes(),
        b"\xEF\xBB\xBFdata: 1\r\n\r\nevent: x\r\ndata: 2\r\n\r\n",
        b"id: 7\nretry: 10\ndata: a\ndata: b\n\ndata: c\n\n",
        b"data: mixed\r\n\ndata: 2\n\r\ndata: 3\n\n",
    ];
    for stream in streams {
        let whole = split(stream, stream.len());
        assert_eq!(whole.0.concat(), stream, "no byte is lost");
        for piece in 1..stream.len() {
            assert_eq!(split(stream, piece), whole, "pieces of {piece}");
        }
    }
}

#[test]
fn a_last_frame_without_its_blank_line_is_the_remainder() {
    assert_eq!(split(b"data: 1\n\ndata: [DONE]", 4).1.unwrap(), b"data: [DONE]");
    assert_eq!(split(b"data: 1\n\n\n", 4).1, None);
}

#[test]
fn a_frame_beyond_the_bound_is_refused() {
    let mut splitter = Splitter::new(8);
    splitter.push(b"data: 0123456789");
    assert_eq!(splitter.next_frame(), Err(FrameTooLarge));
}

#[test]
fn fields_are_read_with_and_without_the_space() {
    let data = |frame: &'static [u8]| parse(frame).data.map(Cow::into_owned);
    assert_eq!(data(b"data: x\n\n").unwrap(), b"x");
    assert_eq!(data(b"data:x\r\n\r\n").unwrap(), b"x");
    assert_eq!(data(b"data:  x\n\n").unwrap(), b" x");
    assert_eq!(data(b"data: a\ndata: b\n\n").unwrap(), b"a\nb");
    assert_eq!(data(b"\xEF\xBB\xBFdata: x\n\n").unwrap(), b"x");
    assert_eq!(data(b": data: x\n\n"), None);
    assert_eq!(data(b"database: x\n\n"), None);
    assert_eq!(parse(b"event: error\ndata: {}\n\n").name.unwrap(), b"error");
}
