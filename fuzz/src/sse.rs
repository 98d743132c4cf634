//! The splitter of event streams. However the network cuts a stream, the frames are the same, nothing is lost
//! or added, and no frame exceeds its bound by more than one read.

use brokle_gateway::sse::{FrameTooLarge, Splitter, parse};

const FRAME_BYTES_MAX: usize = 4 * 1024;

/// Takes any bytes; the first says how the rest is cut into reads.
pub fn run(bytes: &[u8]) {
    let Some((cut, stream)) = bytes.split_first() else {
        return;
    };
    let at_once = split(stream, stream.len().max(1));
    let cut_up = split(stream, usize::from(*cut) + 1);
    if let (Ok(at_once), Ok(cut_up)) = (&at_once, &cut_up) {
        assert_eq!(at_once, cut_up, "the cuts show");
    }
    // The bound is asked after each read, so only a smaller one finds a long frame that ends in it.
    assert!(at_once.is_ok() || split(stream, 1).is_err());
}

fn split(stream: &[u8], read_bytes: usize) -> Result<Vec<Vec<u8>>, FrameTooLarge> {
    let mut splitter = Splitter::new(FRAME_BYTES_MAX);
    let mut frames = Vec::new();
    for read in stream.chunks(read_bytes) {
        splitter.push(read);
        while let Some(frame) = splitter.next_frame()? {
            assert!(frame.len() <= FRAME_BYTES_MAX + read_bytes + 2);
            let event = parse(&frame);
            assert!(event.data.is_none_or(|data| data.len() <= frame.len()));
            frames.push(frame.to_vec());
        }
    }
    let kept: usize = frames.iter().map(Vec::len).sum();
    match splitter.remainder() {
        Some(rest) => frames.push(rest.to_vec()),
        None => assert!(stream[kept..].trim_ascii().is_empty(), "an end was lost"),
    }
    assert!(
        stream.starts_with(&frames.concat()),
        "the frames are not the stream"
    );
    Ok(frames)
}
