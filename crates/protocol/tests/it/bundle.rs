//! Several frames in one message: read whole or refused, as frames are.

use crate::samples::all;
use aludel_protocol::{
    Bundle, ErrorKind, Header, LONGEST_BUNDLE, RepeatClass, Request, SMALL_FRAME, frames, is_bundle,
};

fn message(parts: &[&[u8]]) -> Vec<u8> {
    let mut bundle = Bundle::default();
    parts.iter().for_each(|frame| bundle.push(&[frame]));
    bundle.send(<[u8]>::to_vec).unwrap()
}

fn close(request: u64) -> Vec<u8> {
    Request::Close.encode(&Header::new(0, request, 1, RepeatClass::Safe))
}

#[test]
fn its_bytes_are_those_that_the_documents_draw() {
    let (first, second) = (close(1), [&close(2)[..], b"abc"].concat());
    let mut expected = vec![0xA2, 1, 0, 0, 2, 0, 0, 0, 32, 0, 0, 0, 0, 0, 0, 0];
    expected.extend(&first);
    expected.extend([35, 0, 0, 0, 0, 0, 0, 0]);
    expected.extend(&second);
    expected.extend([0; 5]);
    assert_eq!(message(&[&first, &second]), expected);
}

#[test]
fn frames_come_out_as_they_went_in_and_one_alone_is_itself() {
    let all: Vec<_> = all().into_iter().map(|sample| sample.frame).collect();
    let parts: Vec<&[u8]> = all.iter().map(Vec::as_slice).collect();
    let together = message(&parts);
    assert!(is_bundle(&together));
    let found = frames(&together).unwrap();
    assert!(found.iter().all(|at| at.start % 8 == 0), "batches in them are aligned");
    assert_eq!(found.into_iter().map(|at| &together[at]).collect::<Vec<_>>(), parts);
    for frame in &parts {
        let alone = message(&[frame]);
        assert_eq!((&alone[..], is_bundle(&alone)), (*frame, false));
        let whole = 0..frame.len();
        assert_eq!(frames(&alone).unwrap(), [whole]);
    }
}

#[test]
fn it_is_used_again_when_it_was_sent() {
    let mut bundle = Bundle::default();
    assert_eq!(bundle.send(<[u8]>::len), None);
    bundle.push(&[&close(1), b"ab", b"", b"c"]);
    bundle.push(&[&close(2)]);
    assert_eq!((bundle.count(), bundle.is_empty()), (2, false));
    assert_eq!(bundle.send(|message| frames(message).unwrap().len()), Some(2));
    assert!(bundle.is_empty());
    bundle.push(&[&close(3)]);
    assert_eq!(bundle.send(<[u8]>::to_vec), Some(close(3)));
}

#[test]
fn every_prefix_and_every_byte_more_is_refused() {
    let whole = message(&[&close(1), &close(2), &close(3)]);
    for len in 1..whole.len() {
        let error = frames(&whole[..len]).expect_err(&format!("its first {len} bytes are accepted"));
        assert_eq!(error.kind(), ErrorKind::Protocol);
    }
    let longer = [&whole[..], &[0]].concat();
    assert_eq!(frames(&longer).unwrap_err().kind(), ErrorKind::Protocol);
}

#[test]
fn counts_and_lengths_that_lie_and_padding_that_holds_something_are_refused() {
    let whole = message(&[&[&close(1)[..], b"abc"].concat(), &close(2)]);
    let with = |at: usize, byte: u8| {
        let mut bytes = whole.clone();
        bytes[at] = byte;
        frames(&bytes)
    };
    for (at, byte) in [(1, 2), (2, 1), (4, 0), (4, 1), (4, 3), (7, 0xff), (8, 33), (15, 0xff), (52, 1)] {
        let error = with(at, byte).expect_err(&format!("byte {at} may be {byte}"));
        assert_eq!(error.kind(), ErrorKind::Protocol);
    }
}

#[test]
fn a_bundle_that_takes_no_more_is_no_longer_than_one_may_be() {
    for last in [1, 8, 4_095, SMALL_FRAME] {
        let mut bundle = Bundle::default();
        // As long as it can get without being full.
        while !bundle.is_full() && bundle.len() + 48 < 32 << 10 {
            bundle.push(&[&vec![0; (SMALL_FRAME - 8).min((32 << 10) - 24 - bundle.len()).max(1)]]);
        }
        if !bundle.is_full() {
            bundle.push(&[&vec![0; last]]);
        }
        assert!(bundle.len() <= LONGEST_BUNDLE, "{} bytes", bundle.len());
        let mut many = Bundle::default();
        while !many.is_full() {
            many.push(&[&close(1)]);
        }
        assert_eq!(many.count(), 128);
    }
}
