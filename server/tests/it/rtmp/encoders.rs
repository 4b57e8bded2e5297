//! Unusual behaviour of real encoders.

use std::path::PathBuf;

use callsheet::streams::SourceEvent;

use super::client::{AUDIO, Amf, Client, Tag, VIDEO, read_tags, tags, text};
use super::test_server::TestServer;
use super::{failure, letters, parts};
use crate::support::media::probe;

const FIRST_HALF: u32 = 3_000;

/// Counts the video frames in all parts of a session, after ffprobe has checked each part.
fn frames(server: &TestServer, events: &[SourceEvent]) -> usize {
    let of_part = |file: PathBuf| {
        probe(&file);
        let tags = read_tags(&file);
        // A decoder configuration is not a frame.
        tags.iter().filter(|tag| tag.kind == VIDEO && tag.data[1] == 1).count()
    };
    parts(events).into_iter().map(|part| of_part(server.file(part))).sum()
}

async fn unpublish(client: &mut Client, stream: u32) {
    let stream = Amf::Number(f64::from(stream));
    client.command(0, &[text("deleteStream"), Amf::Number(9.0), Amf::Null, stream]).await;
    client.wait_for("NetStream.Unpublish.Success").await;
}

/// Sends all tags, ends the publish, and checks that the recording is complete.
async fn assert_recorded_completely(server: TestServer, mut client: Client, tags: &[Tag]) {
    client.play(1, tags).await;
    unpublish(&mut client, 1).await;
    let events = server.until_ended("1").await;
    assert_eq!((letters(&events).as_str(), failure(&events)), ("SOCOCOCE", None));
    assert_eq!(frames(&server, &events), 60);
    server.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_may_contain_text_that_is_not_utf_8() {
    let server = TestServer::start(Some(2)).await;
    let mut client = Client::publishing(server.address, "room_7").await;
    let encoder = Amf::Text(b"Demo Broadcaster v0.1 (\xb6\xac\xc2\xed\xcc\xd8)");
    client.metadata(1, &[("encoder", encoder), ("width", Amf::Number(128.0))]).await;
    assert_recorded_completely(server, client, tags()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_may_last_more_than_four_hours() {
    // Beyond the limit of short timestamps, across that limit, and across the wraparound of long ones.
    for offset in [0x0100_0000 + 5_000, 0xFF_FFFF - 2_500, u32::MAX - 2_500] {
        for repeats in [true, false] {
            let server = TestServer::start(Some(2)).await;
            let mut client = Client::publishing(server.address, "room_7").await;
            client.set_chunk_size(128).await;
            (client.offset, client.repeats_extended) = (offset, repeats);
            assert_recorded_completely(server, client, tags()).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn aggregate_messages_are_recorded() {
    let aggregate = |tags: &[Tag], base: u32| {
        let mut payload = Vec::new();
        for tag in tags {
            let (time, length) =
                (tag.time.wrapping_sub(base).to_be_bytes(), u32::try_from(tag.data.len()).expect("short"));
            payload.push(tag.kind);
            payload.extend(&length.to_be_bytes()[1..]);
            payload.extend([time[1], time[2], time[3], time[0], 0, 0, 0]);
            payload.extend(&tag.data);
            payload.extend((length + 11).to_be_bytes());
        }
        Tag { kind: 22, time: tags[0].time, data: payload }
    };
    // Timestamps inside are absolute, or relative to the aggregate.
    for is_relative in [false, true] {
        let server = TestServer::start(Some(2)).await;
        let client = Client::publishing(server.address, "room_7").await;
        let aggregates = tags().chunks(5).map(|tags| aggregate(tags, if is_relative { tags[0].time } else { 0 }));
        assert_recorded_completely(server, client, &aggregates.collect::<Vec<_>>()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_publish_on_one_connection_changes_nothing() {
    for key in ["room_7", "room_8"] {
        let server = TestServer::start(Some(2)).await;
        let mut client = Client::publishing(server.address, "room_7").await;
        let (first, rest) = tags().split_at(20);
        client.play(1, first).await;
        for _ in 0..5 {
            client.command(1, &[text("publish"), Amf::Number(6.0), Amf::Null, text(key), text("live")]).await;
            client.wait_for("NetStream.Publish.BadName").await;
        }
        client.command(0, &[text("FCPublish"), Amf::Number(7.0), Amf::Null, text("room_7|@setDataFrame()")]).await;
        client.wait_for("onFCPublish").await;
        assert_recorded_completely(server, client, rest).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_may_publish_again() {
    let half: Vec<_> = tags().iter().filter(|tag| tag.time < FIRST_HALF).cloned().collect();
    for (end, second_stream) in [("closeStream", 2), ("FCUnpublish", 2), ("deleteStream", 2), ("deleteStream", 1)] {
        let server = TestServer::start(Some(60)).await;
        let mut client = Client::publishing(server.address, "room_7").await;
        client.play(1, &half).await;
        let of = if end == "FCUnpublish" { text("room_7?token=a") } else { Amf::Number(1.0) };
        client.command(0, &[text("FCUnpublish"), Amf::Number(0.0), Amf::Null, text("room_8")]).await;
        client.command(1, &[text(end), Amf::Number(0.0), Amf::Null, of]).await;
        client.wait_for("NetStream.Unpublish.Success").await;
        // Without a pause: the server waits for the end of the first publish.
        client.publish(second_stream, "room_7").await;
        client.wait_for("NetStream.Publish.Start").await;
        client.play(second_stream, &half).await;
        unpublish(&mut client, second_stream).await;
        for session in ["1", "2"] {
            let events = server.until_ended(session).await;
            assert_eq!((letters(&events).as_str(), failure(&events)), ("SOCE", None), "{end}");
            assert_eq!(frames(&server, &events), 30);
        }
        server.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_part_contains_the_decoder_configuration_of_a_second_audio_track() {
    let mut both = Vec::new();
    for tag in tags() {
        both.push(tag.clone());
        if tag.kind == AUDIO {
            // Packet type 5: one track, real packet type, codec, track 1.
            let kind = u8::from(tag.data[1] != 0);
            let data = [&[0x95, kind][..], b"mp4a\x01", &tag.data[2..]].concat();
            both.push(Tag { data, ..tag.clone() });
        }
    }
    let server = TestServer::start(Some(2)).await;
    let mut client = Client::publishing(server.address, "room_7").await;
    client.play(1, &both).await;
    unpublish(&mut client, 1).await;
    let events = server.until_ended("1").await;
    assert_eq!(letters(&events), "SOCOCOCE");
    for part in parts(&events) {
        let tags = read_tags(&server.file(part));
        let first = |wanted: fn(&Tag) -> bool| tags.iter().find(|tag| wanted(tag)).map(|tag| tag.data[1]);
        let is_second = |tag: &Tag| tag.kind == AUDIO && tag.data[0] == 0x95;
        assert_eq!(first(is_second), Some(0), "its configuration comes before its first frame");
        let is_first = |tag: &Tag| tag.kind == AUDIO && tag.data[0] != 0x95;
        assert_eq!(first(is_first), Some(0));
    }
    server.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn push_addresses_of_real_encoders_are_accepted() {
    let server = TestServer::start(None).await;
    for (number, (tc_url, app, key)) in [
        ("rtmp://push.example.com/live/", "live/", "room_7"),
        ("RTMP://PUSH.Example.COM:1935/live", "live", "room_7"),
        ("rtmps://push.example.com:443/live", "live", "/room_7"),
        ("rtmp://push.example.com./live", "live", "room_7?a=b"),
        ("rtmp://198.51.100.9/live?vhost=push.example.com", "live?vhost=push.example.com", "room_7"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut client = Client::connect(server.address).await;
        client.connect_app(app, tc_url).await;
        client.publish(1, key).await;
        client.wait_for("NetStream.Publish.Start").await;
        client.play(1, &tags()[..4]).await;
        unpublish(&mut client, 1).await;
        let events = server.until_ended(&(number + 1).to_string()).await;
        let SourceEvent::Started { push, .. } = &events[0] else { panic!("{events:?}") };
        assert_eq!((push.app.as_str(), push.stream.as_str()), ("live", "room_7"), "{tc_url}");
    }
    server.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_publish_ends_with_a_reason() {
    let endings: [(&[u8], &str); 4] = [
        // Only the first bytes of a message.
        (&[6, 0, 0, 0, 0, 1, 0, 9, 1, 0, 0, 0, 1, 2, 3], "the connection ended in the middle of a message"),
        (&[0xC0 | 33], "the publisher broke the protocol: chunk stream 33 continues a message that never began"),
        (
            &[2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0, 0, 0, 0, 0],
            "the publisher broke the protocol: a chunk size of 0 bytes",
        ),
        (
            &[6, 0, 0, 0, 0, 0, 12, 22, 1, 0, 0, 0, 9, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 1],
            "the publisher broke the protocol: an aggregate message that cannot be read to its end",
        ),
    ];
    for (bytes, reason) in endings {
        let server = TestServer::start(Some(60)).await;
        let mut client = Client::publishing(server.address, "room_7").await;
        client.play(1, tags()).await;
        client.send(bytes).await;
        drop(client);
        let events = server.until_ended("1").await;
        assert_eq!((letters(&events).as_str(), failure(&events)), ("SOCE", Some(reason)));
        assert_eq!(frames(&server, &events), 60, "everything before is recorded");
        server.shut_down().await;
    }
}
