//! A frame is read whole or not at all.

use crate::samples::all;
use aludel_protocol::{Error, ErrorKind, Reply, Request};

fn read(reply: bool, frame: &[u8]) -> Result<(), Error> {
    if reply { Reply::decode(frame).map(|_| ()) } else { Request::decode(frame).map(|_| ()) }
}

#[test]
fn every_prefix_of_every_frame_is_refused() {
    for sample in all() {
        read(sample.reply, &sample.frame).unwrap();
        for len in 0..sample.frame.len() {
            let error = read(sample.reply, &sample.frame[..len])
                .expect_err(&format!("the first {len} bytes of {} are accepted", sample.name));
            assert_eq!(error.kind(), ErrorKind::Protocol);
        }
    }
}

#[test]
fn a_byte_behind_a_frame_is_refused() {
    for sample in all() {
        for byte in [0, 1, 0xff] {
            let mut frame = sample.frame.clone();
            frame.push(byte);
            let error = read(sample.reply, &frame).expect_err(sample.name);
            assert_eq!(error.kind(), ErrorKind::Protocol);
        }
    }
}

#[test]
fn a_frame_that_goes_the_other_way_is_refused() {
    for sample in all() {
        assert!(read(!sample.reply, &sample.frame).is_err(), "{}", sample.name);
    }
}

#[test]
fn the_message_says_where_the_frame_ends() {
    let frame = &all().remove(0).frame[..34];
    let error = Request::decode(frame).unwrap_err();
    assert_eq!(error.message(), "frame ends at byte 34 where 4 more were due at byte 34");
}
