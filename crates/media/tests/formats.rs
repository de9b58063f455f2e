//! Every format is decoded to the pixels that the reference decodes it to, as far as its hash can tell.
//!
//! The samples and what `pdqhash` with Pillow says of them are in `testdata/formats/`, made by its `make.py`.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use media::{HostSettings, MediaHost, Scan, ScanError, View, Want, WorkerCommand};
use signal::Pdq;

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/formats")
}

fn sample(name: &str) -> Bytes {
    std::fs::read(samples().join(name)).expect(name).into()
}

async fn host() -> MediaHost {
    let worker = WorkerCommand {
        program: env!("CARGO_BIN_EXE_media-worker").into(),
        args: Vec::new(),
    };
    MediaHost::start(HostSettings {
        workers: 1,
        ..HostSettings::new(worker)
    })
    .await
    .unwrap()
}

async fn scan(name: &str) -> Scan {
    host()
        .await
        .scan(sample(name), Want::Signals)
        .await
        .unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[tokio::test]
async fn signals_agree_with_the_reference() {
    let host = host().await;
    let expected = std::fs::read_to_string(samples().join("expected.tsv")).unwrap();
    let mut wrong = Vec::new();
    for line in expected.lines() {
        let [name, mime, width, height, frames, value, quality, bits_max] = line.split('\t').collect::<Vec<_>>()[..]
        else {
            panic!("{line}")
        };
        let scan = match host.scan(sample(name), Want::Signals).await {
            Ok(scan) => scan,
            Err(error) => {
                wrong.push(format!("{name}: {error}"));
                continue;
            }
        };
        let found = (scan.media_type.mime(), scan.width, scan.height, scan.frames_total);
        if found
            != (
                mime,
                width.parse().unwrap(),
                height.parse().unwrap(),
                frames.parse().ok(),
            )
        {
            wrong.push(format!("{name}: {found:?}"));
        }
        assert!(scan.is_intact, "{name}");
        let first = &scan.frames[0];
        assert_eq!((first.index, first.at_ms, first.view), (0, 0, View::AsIs));
        let distance_bits = first.pdq.hash.distance(value.parse::<Pdq>().unwrap());
        let quality_off = first.pdq.quality.abs_diff(quality.parse().unwrap());
        if distance_bits > bits_max.parse().unwrap() || quality_off > 2 {
            wrong.push(format!(
                "{name}: {distance_bits} bits, quality {} for {quality}",
                first.pdq.quality
            ));
        }
    }
    assert!(expected.lines().count() > 60);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn a_turned_photo_also_has_the_signal_of_the_upright_one() {
    let upright = scan("turned-1.jpg").await;
    assert_eq!(
        upright.frames.iter().map(|frame| frame.view).collect::<Vec<_>>(),
        [View::AsIs]
    );
    for n in 2..=8 {
        let turned = scan(&format!("turned-{n}.jpg")).await;
        let [as_is, seen] = &turned.frames[..] else {
            panic!("{n}: {:?}", turned.frames)
        };
        assert_eq!((as_is.view, seen.view), (View::AsIs, View::Upright));
        assert_eq!(as_is.pdq, upright.frames[0].pdq, "{n}: stored alike");
        assert_ne!(seen.pdq.hash, as_is.pdq.hash, "{n}: seen differently");
    }
    // Orientation 6 is seen as a quarter turn clockwise; turning it back gives the picture that was stored.
    let [as_is, seen] = &scan("turned-6.jpg").await.frames[..] else {
        panic!()
    };
    let [_, seen_8] = &scan("turned-8.jpg").await.frames[..] else {
        panic!()
    };
    assert_ne!(seen.pdq.hash, seen_8.pdq.hash);
    assert_eq!(seen.pdq.quality, as_is.pdq.quality);
}

#[tokio::test]
async fn the_frames_of_an_animation_differ() {
    for name in ["moving.gif", "moving.png", "moving.webp", "moving-default-apart.png"] {
        let scan = scan(name).await;
        let mut frames: Vec<_> = scan.frames.iter().filter(|frame| frame.view == View::AsIs).collect();
        assert_eq!(
            frames.iter().map(|frame| frame.index).collect::<Vec<_>>(),
            [0, 1, 2, 3, 4],
            "{name}"
        );
        assert!(frames.is_sorted_by_key(|frame| frame.at_ms));
        frames.dedup_by_key(|frame| frame.pdq.hash);
        assert_eq!(frames.len(), 5, "{name}");
    }
}

#[tokio::test]
async fn transparency_adds_the_view_on_white() {
    for name in [
        "rgba.png",
        "alpha.webp",
        "alpha.tif",
        "alpha.avif",
        "alpha.heic",
        "grey-alpha.png",
    ] {
        let scan = scan(name).await;
        let views: Vec<_> = scan.frames.iter().map(|frame| frame.view).collect();
        assert_eq!(views, [View::AsIs, View::OnWhite], "{name}");
        assert!(scan.frames[0].pdq.hash.distance(scan.frames[1].pdq.hash) > 31, "{name}");
    }
}

#[tokio::test]
async fn what_no_decoder_reads_is_named() {
    let error = host()
        .await
        .scan(sample("unsupported-palette.tif"), Want::Signals)
        .await
        .unwrap_err();
    assert_eq!(
        error,
        ScanError::UnsupportedType {
            found: "an unusual variant of an image type"
        }
    );
}

#[tokio::test]
async fn a_file_that_is_cut_off_is_hashed_as_far_as_a_browser_shows_it() {
    let host = host().await;
    for name in ["420.jpg", "progressive.jpg", "moving.gif", "moving.png", "moving.webp"] {
        let bytes = sample(name);
        let whole = host.scan(bytes.clone(), Want::Signals).await.unwrap();
        let cut = host
            .scan(bytes.slice(..bytes.len() * 95 / 100), Want::Signals)
            .await
            .unwrap();
        assert!(whole.is_intact && !cut.is_intact, "{name}");
        let distance_bits = whole.frames[0].pdq.hash.distance(cut.frames[0].pdq.hash);
        assert!(distance_bits <= 31, "{name}: {distance_bits}");
    }
    let bytes = sample("rgb.png");
    let error = host
        .scan(bytes.slice(..bytes.len() / 2), Want::Signals)
        .await
        .unwrap_err();
    assert_eq!(
        error.kind(),
        "damaged",
        "half a picture with nothing in place of the rest is not guessed at"
    );
}

#[tokio::test]
async fn a_name_is_not_believed() {
    // The host never sees a name; what decides is how the bytes begin, here those of a PNG with a JPEG behind it.
    let polyglot = [sample("rgb.png"), sample("420.jpg")].concat();
    let host = host().await;
    let scan = host.scan(polyglot.into(), Want::Signals).await.unwrap();
    assert_eq!(scan.media_type.mime(), "image/png");
}

#[tokio::test]
async fn looks_are_of_the_picture_as_people_see_it() {
    let host = host().await;
    let scan = host.scan(sample("turned-6.jpg"), Want::SignalsAndLooks).await.unwrap();
    assert_eq!(scan.previews, None);
    let looks = scan.looks.expect("they were asked for");
    let (width, height) = (looks.picture.width() as u32, looks.picture.height() as u32);
    assert_eq!(
        (width, height),
        (scan.width, scan.height),
        "smaller than the largest: not reduced"
    );
    let upright = scan.frames.iter().find(|frame| frame.view == View::Upright).unwrap();
    assert_eq!(looks.views[0].view, signal::views::View::AS_IS);
    assert!(looks.views[0].pdq.hash.distance(upright.pdq.hash) <= 2);
    let plain = host.scan(sample("turned-6.jpg"), Want::Signals).await.unwrap();
    assert_eq!((plain.looks, plain.previews), (None, None));
}

#[tokio::test]
async fn previews_are_upright_and_at_most_320_pixels() {
    let host = host().await;
    let scan = host
        .scan(sample("turned-6.jpg"), Want::SignalsAndPreviews)
        .await
        .unwrap();
    let previews = scan.previews.expect("they were asked for");
    for jpeg in [&previews.small, &previews.blurred, &previews.greyscale] {
        let preview = host.scan(jpeg.clone().into(), Want::Signals).await.unwrap();
        assert_eq!(
            (preview.media_type.mime(), preview.width, preview.height),
            ("image/jpeg", scan.width, scan.height)
        );
    }
    let small = host.scan(previews.small.into(), Want::Signals).await.unwrap();
    let distance_bits = small.frames[0].pdq.hash.distance(scan.frames[1].pdq.hash);
    assert!(
        distance_bits <= 20,
        "the small picture is the upright view: {distance_bits}"
    );
    let blurred = host.scan(previews.blurred.into(), Want::Signals).await.unwrap();
    assert!(blurred.frames[0].pdq.quality < scan.frames[1].pdq.quality);
}

#[tokio::test]
async fn digests_are_those_of_the_bytes() {
    let bytes = sample("420.jpg");
    let scan = scan("420.jpg").await;
    assert_eq!(scan.md5, signal::Md5::of(&bytes));
    assert_eq!(scan.sha256, signal::Sha256::of(&bytes));
}

#[tokio::test]
async fn limits_are_typed_errors() {
    let worker = WorkerCommand {
        program: env!("CARGO_BIN_EXE_media-worker").into(),
        args: Vec::new(),
    };
    let mut settings = HostSettings {
        workers: 1,
        ..HostSettings::new(worker)
    };
    settings.limits.bytes_max = 100_000;
    settings.limits.pixels_max = 120 * 80 - 1;
    settings.limits.frames_decoded_max = 3;
    let host = MediaHost::start(settings).await.unwrap();
    let check = async |bytes: Bytes| host.scan(bytes, Want::Signals).await;
    assert_eq!(check(Bytes::new()).await, Err(ScanError::Empty));
    let too_large = ScanError::TooLarge {
        bytes: 100_001,
        bytes_max: 100_000,
    };
    assert_eq!(check(vec![0; 100_001].into()).await, Err(too_large));
    let too_many = ScanError::TooManyPixels { width: 120, height: 80 };
    for name in [
        "420.jpg",
        "rgb.png",
        "lossy.webp",
        "moving.gif",
        "24bit.bmp",
        "lzw.tif",
        "420.avif",
        "420.heic",
    ] {
        assert_eq!(check(sample(name)).await, Err(too_many.clone()), "{name}");
    }
}

#[tokio::test]
async fn an_animation_is_looked_at_up_to_the_limits() {
    let worker = WorkerCommand {
        program: env!("CARGO_BIN_EXE_media-worker").into(),
        args: Vec::new(),
    };
    let mut settings = HostSettings {
        workers: 1,
        ..HostSettings::new(worker)
    };
    settings.limits.frames_decoded_max = 3;
    settings.limits.frames_max = 2;
    let host = MediaHost::start(settings).await.unwrap();
    let scan = host.scan(sample("moving.gif"), Want::Signals).await.unwrap();
    assert_eq!(scan.frames_total, None, "there are more than were looked at");
    assert_eq!(scan.frames.len(), 2);
    assert_eq!(scan.frames[0].index, 0);
}
