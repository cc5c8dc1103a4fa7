//! Offers as Firefox writes them: every m-line but the first has port 0 and is `bundle-only` (RFC 8843 §6).

mod common;

use common::World;
use engine_core::api::{Command, FaultCode, Source};
use engine_core::session::publish::bind;
use engine_core::session::sdp::Description;

/// Offers of Firefox 153 ESR: microphone and a camera in three layers; then the camera off and a screen in its place.
const CAMERA: &str = include_str!("fixtures/firefox_camera.sdp");
const SCREEN: &str = include_str!("fixtures/firefox_camera_stopped_screen_added.sdp");

fn tracks(of: &[(&str, Source)]) -> Vec<(String, Source)> {
    of.iter()
        .map(|(mid, source)| ((*mid).to_owned(), *source))
        .collect()
}

#[test]
fn its_sources_are_bound() {
    let bound = |sdp: &str, of: &[(&str, Source)]| {
        let offer = Description::parse(sdp).unwrap();
        let bindings = bind(&offer, &tracks(of), |_| true).unwrap();
        let read =
            |b: &engine_core::session::publish::Binding| (b.mid.clone(), b.source, b.rids.concat());
        bindings.iter().map(read).collect::<Vec<_>>()
    };
    assert_eq!(
        bound(CAMERA, &[("0", Source::Microphone), ("1", Source::Camera)]),
        [
            ("0".into(), Source::Microphone, String::new()),
            ("1".into(), Source::Camera, "qhf".into())
        ]
    );
    assert_eq!(
        bound(SCREEN, &[("0", Source::Microphone), ("2", Source::Screen)]),
        [
            ("0".into(), Source::Microphone, String::new()),
            ("2".into(), Source::Screen, String::new())
        ]
    );
}

#[test]
fn its_line_without_a_source_is_refused() {
    let mut world = World::new(70);
    world.add_peer("guest", &[Source::Microphone, Source::Camera]);
    let offer = |tracks| Command::Publish {
        peer_id: "guest".into(),
        sdp: CAMERA.into(),
        tracks,
        fresh: true,
    };
    let refused = world.command(offer(tracks(&[("0", Source::Microphone)])));
    assert_eq!(refused.unwrap_err().code, FaultCode::OutsideGrant);
    let both = tracks(&[("0", Source::Microphone), ("1", Source::Camera)]);
    let answer = world.command(offer(both)).unwrap().unwrap();
    assert!(answer.contains("a=simulcast:recv q;h;f"));
    assert!(!answer.contains("m=video 0 "));
}

#[test]
fn what_comes_on_a_bundle_only_line_is_forwarded() {
    let mut world = World::new(71);
    world.add_peer("guest", &[Source::Microphone, Source::Camera]);
    world.add_peer("host", &[]);
    let client = world.client();
    let sources = [Source::Microphone, Source::Camera];
    let mids = world
        .publish_written("guest", client, &sources, &|sdp| {
            sdp.replace("m=video 9 ", "m=video 0 ")
                .replace("a=mid:", "a=bundle-only\r\na=mid:")
        })
        .unwrap();
    let host = world.subscribe("host");
    world.run_until_connected();
    world.stream(client, Some(mids[0]), Some(mids[1]), 20);
    assert!(world.clients[host].video().len() >= 15);
    assert!(world.clients[host].audio().len() >= 15);
}
