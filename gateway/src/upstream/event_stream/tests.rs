use super::*;

/// The message `{'foo':'bar'}` with the header `content-type`, as AWS's own test data has it.
const PUBLISHED: [u8; 61] = [
    0x00, 0x00, 0x00, 0x3d, 0x00, 0x00, 0x00, 0x20, 0x07, 0xfd, 0x83, 0x96, 0x0c, b'c', b'o', b'n', b't',
    b'e', b'n', b't', b'-', b't', b'y', b'p', b'e', 0x07, 0x00, 0x10, b'a', b'p', b'p', b'l', b'i', b'c',
    b'a', b't', b'i', b'o', b'n', b'/', b'j', b's', b'o', b'n', b'{', b'\'', b'f', b'o', b'o', b'\'', b':',
    b'\'', b'b', b'a', b'r', b'\'', b'}', 0x8d, 0x9c, 0x08, 0xb1,
];

fn message(headers: &[(&str, &str)], payload: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    for (name, value) in headers {
        packed.push(u8::try_from(name.len()).unwrap());
        packed.extend_from_slice(name.as_bytes());
        packed.push(7);
        packed.extend_from_slice(&u16::try_from(value.len()).unwrap().to_be_bytes());
        packed.extend_from_slice(value.as_bytes());
    }
    let total = PRELUDE_BYTES + packed.len() + payload.len() + CHECKSUM_BYTES;
    let mut out = u32::try_from(total).unwrap().to_be_bytes().to_vec();
    out.extend_from_slice(&u32::try_from(packed.len()).unwrap().to_be_bytes());
    out.extend_from_slice(&crc32fast::hash(&out).to_be_bytes());
    out.extend_from_slice(&packed);
    out.extend_from_slice(payload);
    out.extend_from_slice(&crc32fast::hash(&out).to_be_bytes());
    out
}

#[test]
fn the_published_message_is_read() {
    let mut splitter = Splitter::new(1 << 20);
    splitter.push(&PUBLISHED);
    let read = splitter.next_message().unwrap().unwrap();
    assert_eq!(parse(&read).unwrap().payload, b"{'foo':'bar'}");
    assert!(!splitter.has_remainder());
}

#[test]
fn messages_survive_every_way_of_cutting() {
    let mut wire = message(
        &[(":message-type", "event"), (":event-type", "messageStart")],
        b"{}",
    );
    wire.extend(message(
        &[
            (":message-type", "exception"),
            (":exception-type", "throttlingException"),
        ],
        "{\"message\":\"né\"}".as_bytes(),
    ));
    for size in 1..=wire.len() {
        let mut splitter = Splitter::new(1 << 20);
        let mut read = Vec::new();
        for piece in wire.chunks(size) {
            splitter.push(piece);
            while let Some(message) = splitter.next_message().unwrap() {
                read.push(message);
            }
        }
        let names: Vec<_> = read.iter().map(|message| parse(message).unwrap().name).collect();
        assert_eq!(names, ["messageStart", "throttlingException"], "pieces of {size}");
        assert!(!splitter.has_remainder());
    }
}

#[test]
fn a_changed_bit_is_noticed_wherever_it_is() {
    for at in 0..PUBLISHED.len() {
        let mut wire = PUBLISHED;
        wire[at] ^= 0x10;
        let mut splitter = Splitter::new(1 << 20);
        splitter.push(&wire);
        assert_eq!(splitter.next_message(), Err(Broken::Corrupt), "byte {at}");
    }
}

#[test]
fn a_message_beyond_the_bound_is_refused_before_it_has_come() {
    let wire = message(&[], &vec![b' '; 5000]);
    let mut splitter = Splitter::new(4096);
    splitter.push(&wire[..PRELUDE_BYTES]);
    assert_eq!(splitter.next_message(), Err(Broken::TooLarge));
}

#[test]
fn headers_that_lie_about_their_length_are_refused() {
    let mut wire = message(&[(":event-type", "x")], b"{}");
    // The name of the first header is said to be longer than all headers.
    wire[PRELUDE_BYTES] = 200;
    assert_eq!(parse(&wire), None);
    assert_eq!(parse(b"short"), None);
}
