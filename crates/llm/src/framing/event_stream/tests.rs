//! The vendors' own vectors, every cut, every flipped bit.

use super::*;
use std::path::PathBuf;

/// The folder of the vendors' vectors; `None`, said aloud, where it is not at hand.
fn vectors() -> Option<PathBuf> {
    let usual = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/specs");
    let folder = std::env::var_os("PILLION_SPECS").map_or_else(usual, PathBuf::from);
    let folder = folder.join("aws/eventstream-vectors");
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(std::env::var_os("CI").is_none_or(|value| value != "true"), "{} is absent", folder.display());
    #[allow(clippy::print_stderr)]
    {
        eprintln!("the event stream vectors are absent, expected at {} (PILLION_SPECS)", folder.display());
    }
    None
}

fn split(pieces: &[&[u8]]) -> Result<(Vec<Bytes>, Bytes), FrameError> {
    let mut splitter = Splitter::default();
    let mut out = Vec::new();
    for piece in pieces {
        splitter.push(Bytes::copy_from_slice(piece), |message| out.push(message))?;
    }
    Ok((out, splitter.rest()))
}

/// The frames of some bytes; `Err` when any is wrong or cut.
fn frames(bytes: &[u8]) -> Result<Vec<Frame>, FrameError> {
    let (messages, rest) = split(&[bytes])?;
    if !rest.is_empty() {
        return Err(FrameError::Corrupt("it is cut"));
    }
    messages.iter().map(read).collect()
}

fn sample() -> Vec<u8> {
    let mut bytes = write_event("messageStart", br#"{"role":"assistant"}"#).to_vec();
    bytes.extend_from_slice(&write_event("contentBlockDelta", "{\"delta\":{\"text\":\"ü\"}}".as_bytes()));
    bytes.extend_from_slice(&write_exception("throttlingException", br#"{"message":"slow"}"#));
    bytes
}

#[test]
fn what_is_written_is_read_and_named() {
    let frames = frames(&sample()).unwrap();
    let names: Vec<_> = frames.iter().map(|frame| frame.name.as_deref().unwrap()).collect();
    assert_eq!(names, ["messageStart", "contentBlockDelta", "throttlingException"]);
    assert_eq!(frames.iter().map(|frame| frame.exception).collect::<Vec<_>>(), [false, false, true]);
    assert_eq!(frames[2].data.as_deref(), Some(&br#"{"message":"slow"}"#[..]));
}

#[test]
fn messages_end_where_their_length_says_whatever_the_cuts() {
    let bytes = sample();
    let whole = split(&[&bytes]).unwrap();
    assert_eq!((whole.0.len(), whole.1.len()), (3, 0));
    for cut in 0..=bytes.len() {
        assert_eq!(split(&[&bytes[..cut], &bytes[cut..]]).unwrap(), whole, "cut at {cut}");
        let (messages, rest) = split(&[&bytes[..cut]]).unwrap();
        let joined: Vec<u8> = messages.iter().chain([&rest]).flat_map(|piece| piece.to_vec()).collect();
        assert_eq!(joined, bytes[..cut], "nothing is lost of a stream that ends at {cut}");
    }
    for size in [1, 2, 3, 7, 11, 13] {
        assert_eq!(split(&bytes.chunks(size).collect::<Vec<_>>()).unwrap(), whole, "{size} bytes at a time");
    }
}

#[test]
fn one_pushed_message_is_not_copied() {
    let input = Bytes::from(sample());
    let mut places = Vec::new();
    let each = |message: Bytes| places.push(message.as_ptr() as usize - input.as_ptr() as usize);
    Splitter::default().push(input.clone(), each).unwrap();
    assert_eq!(places[0], 0);
    assert_eq!(places.len(), 3);
}

#[test]
fn every_flipped_bit_is_noticed() {
    let bytes = write_event("contentBlockDelta", br#"{"contentBlockIndex":0,"delta":{"text":"a"}}"#).to_vec();
    for bit in 0..bytes.len() * 8 {
        let mut broken = bytes.clone();
        broken[bit / 8] ^= 1 << (bit % 8);
        assert!(frames(&broken).is_err(), "bit {bit}");
    }
}

#[test]
fn a_message_beyond_the_bound_is_refused_by_its_prelude() {
    let mut prelude = u32::try_from(MAX_FRAME + 1).unwrap().to_be_bytes().to_vec();
    prelude.extend_from_slice(&0_u32.to_be_bytes());
    prelude.extend_from_slice(&crc32fast::hash(&prelude).to_be_bytes());
    assert_eq!(split(&[&prelude]), Err(FrameError::TooLarge));
    for (total, headers) in [(0, 0), (15, 0), (16, 1), (16, u32::MAX), (40, 25)] {
        let mut prelude = [u32::to_be_bytes(total), u32::to_be_bytes(headers)].concat();
        prelude.extend_from_slice(&crc32fast::hash(&prelude).to_be_bytes());
        assert!(matches!(split(&[&prelude]), Err(FrameError::Corrupt(_))), "{total} {headers}");
    }
}

#[test]
fn an_endless_message_costs_its_own_length() {
    let payload = vec![b' '; 1 << 20];
    let bytes = write_event("chunk", &payload);
    let mut splitter = Splitter::default();
    let mut seen = 0;
    for piece in bytes.chunks(64) {
        splitter.push(Bytes::copy_from_slice(piece), |_| seen += 1).unwrap();
    }
    assert_eq!(seen, 1);
}

#[test]
fn the_vendors_vectors_are_read_or_refused_as_they_say() {
    let Some(folder) = vectors() else { return };
    let read_all = |path: &str| frames(&std::fs::read(folder.join(path)).unwrap());
    let data = |path: &str| read_all(path).unwrap_or_else(|error| panic!("{path}: {error}")).remove(0).data.unwrap();
    for (path, payload) in [
        ("aws-sdk-go/encoded/positive/all_headers", "{'foo':'bar'}"),
        ("aws-sdk-go/encoded/positive/empty_message", ""),
        ("aws-sdk-go/encoded/positive/int32_header", "{'foo':'bar'}"),
        ("aws-sdk-go/encoded/positive/payload_no_headers", "{'foo':'bar'}"),
        ("aws-sdk-go/encoded/positive/payload_one_str_header", "{'foo':'bar'}"),
        ("smithy-rs/valid_empty_payload", ""),
        ("smithy-rs/valid_no_headers", "another test payload"),
        ("smithy-rs/valid_with_all_headers_and_payload", "some payload"),
    ] {
        assert_eq!(data(path), payload, "{path}");
    }
    let mut refused = 0;
    for folder in [folder.join("aws-sdk-go/encoded/negative"), folder.join("smithy-rs")] {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if name.starts_with("corrupted") || name.starts_with("invalid") {
                assert!(frames(&std::fs::read(&path).unwrap()).is_err(), "{name}");
                refused += 1;
            }
        }
    }
    assert_eq!(refused, 12);
    let stream = read_all("kong/input.bin").unwrap();
    assert_eq!(stream.len(), 6);
    assert_eq!(stream[5].name.as_deref(), Some("metadata"));
}
