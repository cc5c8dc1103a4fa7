//! Simulcast: each subscriber gets the layer that fits where it is shown; switching shows no seam.

mod common;

use std::time::Duration;

use common::{World, is_key_frame};
use engine_core::api::{Command, Event, Source};
use str0m::media::{Mid, Rid};

const RIDS: [&str; 3] = ["q", "h", "f"];

fn stream_layers(world: &mut World, client: usize, mid: Mid, frames: usize) {
    for frame in 0..frames {
        // A request names a stream; here every layer answers, as a simple encoder does.
        let asked = std::mem::take(&mut world.clients[client].key_frames_asked) > 0;
        let clock = world.video_clock();
        for (index, rid) in RIDS.iter().enumerate() {
            // A higher layer has more frames' worth of packets.
            for _ in 0..=index {
                let rid: Rid = (*rid).into();
                world.video_frame(client, mid, Some(rid), frame == 0 || asked, clock);
            }
        }
        world.run(Duration::from_millis(33));
    }
}

#[test]
fn the_view_chooses_the_layer() {
    let mut world = World::new(90);
    world.add_peer("alice", &[Source::Camera]);
    world.add_peer("bob", &[]);
    let alice = world.client();
    let camera = [Source::Camera];
    let mids = world
        .try_publish("alice", alice, &camera, Some(&RIDS), true)
        .unwrap();
    let bob = world.subscribe("bob");
    world.run_until_connected();
    stream_layers(&mut world, alice, mids[0], 60);
    let layers = world.events.iter().find_map(|e| match e {
        Event::TrackPublished { layers, .. } => Some(*layers),
        _ => None,
    });
    assert_eq!(layers, Some(3));
    let per_second = |world: &mut World| {
        let before = world.clients[bob].video().len();
        stream_layers(world, alice, mids[0], 30);
        world.clients[bob].video().len() - before
    };
    let top = per_second(&mut world);
    assert!((160..=200).contains(&top), "{top} packets of the top layer");

    let view = |width, height| Command::SetView {
        peer_id: "bob".into(),
        publisher_id: "alice".into(),
        source: Source::Camera,
        width,
        height,
    };
    world.command(view(160, 90)).unwrap();
    stream_layers(&mut world, alice, mids[0], 60);
    let low = per_second(&mut world);
    assert!(
        (50..=70).contains(&low),
        "{low} packets of the lowest layer"
    );

    let video = world.clients[bob].video();
    assert!(is_key_frame(video[0]));
    for pair in video.windows(2) {
        assert_eq!(
            *pair[1].seq_no,
            *pair[0].seq_no + 1,
            "one stream throughout"
        );
        let step = pair[1]
            .header
            .timestamp
            .wrapping_sub(pair[0].header.timestamp)
            .cast_signed();
        assert!((0..90_000).contains(&step), "time goes on: {step}");
    }
}

/// A sender that leaves out the layers it was told nobody wants.
fn stream_wanted(world: &mut World, client: usize, mid: Mid, frames: usize) {
    for frame in 0..frames {
        let asked = std::mem::take(&mut world.clients[client].key_frames_asked) > 0;
        let clock = world.video_clock();
        let rids = wanted(world).unwrap_or_else(|| RIDS.map(str::to_owned).to_vec());
        for rid in &rids {
            let rid: Rid = rid.as_str().into();
            world.video_frame(client, mid, Some(rid), frame == 0 || asked, clock);
        }
        world.run(Duration::from_millis(33));
    }
}

fn wanted(world: &World) -> Option<Vec<String>> {
    let mut told = world.events.iter().rev();
    told.find_map(|event| match event {
        Event::LayersWanted {
            peer_id,
            source: Source::Camera,
            rids,
            ..
        } if peer_id == "alice" => Some(rids.clone()),
        _ => None,
    })
}

#[test]
fn a_sender_is_told_which_layers_are_wanted() {
    let mut world = World::new(91);
    world.add_peer("alice", &[Source::Camera]);
    world.add_peer("bob", &[]);
    let alice = world.client();
    let mids = world
        .try_publish("alice", alice, &[Source::Camera], Some(&RIDS), true)
        .unwrap();
    world.run_until("alice connects", |w| w.clients[alice].connected);
    world.run(Duration::from_millis(200));
    stream_wanted(&mut world, alice, mids[0], 30);
    assert_eq!(wanted(&world).unwrap(), RIDS, "all at first");
    stream_wanted(&mut world, alice, mids[0], 150);
    assert_eq!(wanted(&world).unwrap(), ["q"], "nobody looks");

    let view = |width, height| Command::SetView {
        peer_id: "bob".into(),
        publisher_id: "alice".into(),
        source: Source::Camera,
        width,
        height,
    };
    // Pictures of the test are 640 × 360 in every layer that tells its size; the lowest is enough for that.
    world.command(view(640, 360)).unwrap();
    let bob = world.subscribe("bob");
    world.run_until("bob connects", |w| w.clients[bob].connected);
    stream_wanted(&mut world, alice, mids[0], 60);
    assert_eq!(wanted(&world).unwrap(), ["q"]);
    assert!(world.clients[bob].video().len() > 60, "a picture at once");

    world.command(view(1920, 1080)).unwrap();
    world.run(Duration::from_millis(100));
    assert_eq!(wanted(&world).unwrap(), RIDS, "more at once");
    stream_wanted(&mut world, alice, mids[0], 60);
    world.command(view(640, 360)).unwrap();
    stream_wanted(&mut world, alice, mids[0], 100);
    assert_eq!(wanted(&world).unwrap(), RIDS, "fewer after a while");
    stream_wanted(&mut world, alice, mids[0], 80);
    assert_eq!(wanted(&world).unwrap(), ["q"]);

    // A recording counts as a viewer of the largest picture.
    let tap = Command::StartTap {
        peer_id: "alice".into(),
        source: Source::Camera,
        sink: 1,
        track: 1,
    };
    world.command(tap).unwrap();
    world.run(Duration::from_millis(100));
    assert_eq!(wanted(&world).unwrap(), RIDS);

    let video = world.clients[bob].video();
    for pair in video.windows(2) {
        let step = *pair[1].seq_no - *pair[0].seq_no;
        assert_eq!(step, 1, "one stream throughout");
    }
}
