//! Dev scratch.
use signal::{KeptLook, Looks, Luma, keypoints::{self, Keypoint, align::{align, Alignment, Pair}, verify}, pdq::RgbImage};
use std::collections::BTreeMap;
fn load(p: &std::path::Path, side: usize) -> Luma {
    let im = image::open(p).unwrap().to_rgb8();
    Luma::reduce(RgbImage::new(im.width(), im.height(), im.as_raw()).unwrap(), side)
}
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let dir = std::path::Path::new(&a[1]);
    let ne: usize = a[2].parse().unwrap(); let nq: usize = a[3].parse().unwrap(); let t: u32 = a[4].parse().unwrap();
    let step: usize = a[5].parse().unwrap();
    let side = 512;
    let mut refs = vec![];
    for e in std::fs::read_dir(dir.join("refs")).unwrap() { let p = e.unwrap().path(); let l = load(&p, side); let mut k = Looks { views: vec![], keypoints: keypoints::find(&l, ne), picture: l.clone() }.keep(); k = KeptLook::from_bytes(&k.to_bytes()).unwrap(); refs.push((p.file_stem().unwrap().to_str().unwrap().to_string(), l, k)); }
    refs.sort_by(|a, b| a.0.cmp(&b.0));
    let mut paths: Vec<_> = std::fs::read_dir(dir.join("queries")).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    let paths: Vec<_> = paths.into_iter().enumerate().filter(|(i, _)| (i / 44) % step == 0).map(|x| x.1).collect();
    let t0 = std::time::Instant::now();
    let res: std::sync::Mutex<Vec<(String, bool, usize)>> = Default::default();
    let next = std::sync::atomic::AtomicUsize::new(0);
    let tk = std::sync::atomic::AtomicU64::new(0);
    std::thread::scope(|s| for _ in 0..2 { s.spawn(|| loop {
        let i = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        if i >= paths.len() { break }
        let p = &paths[i];
        let stem = p.file_stem().unwrap().to_str().unwrap();
        let (name, edit) = stem.split_once("__").unwrap();
        let l = load(p, side);
        let t1 = std::time::Instant::now();
        let q = keypoints::find(&l, nq);
        tk.fetch_add(t1.elapsed().as_micros() as u64, std::sync::atomic::Ordering::Relaxed);
        for (rn, _rl, rk) in &refs {
            let longest = rk.picture.width().max(rk.picture.height()) as f32;
            let al = score(&q, &rk.keypoints, t, longest);
            let mut n = al.map_or(0, |a| a.agreeing);
            if n >= 3 { let al = al.unwrap(); let v = verify::compare(&rk.picture, &l, &al);
              if rn != name && n >= 4 { eprintln!("FALSE {rn} {stem} inliers {n} {v:?} share {:.2}", v.share()) }
              if rn == name && n < 8 && n >= 3 { eprintln!("true {stem} inliers {n} {v:?} share {:.2}", v.share()) }
              let ok = v.share() >= 0.5 && v.compared >= 6 && v.overlap > 0.1; if ok { n += 100 } }
            res.lock().unwrap().push((edit.to_string(), rn == name, n));
        }
    }); });
    let res = res.into_inner().unwrap();
    println!("{} queries {:?} kp {:.2} ms", paths.len(), t0.elapsed(), tk.load(std::sync::atomic::Ordering::Relaxed) as f64 / paths.len() as f64 / 1e3);
    let mut by: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut fp = vec![0usize; 140];
    for (e, right, n) in &res { if *right { by.entry(e).or_default().push(*n) } else { fp[(*n).min(139)] += 1 } }
    println!("false by inliers: {:?}", fp.iter().enumerate().filter(|x| *x.1 > 0).collect::<Vec<_>>());
    let mut sums = [0.0; 5]; let n_e = by.len();
    for (e, v) in &by {
        let r: Vec<f64> = [4, 6, 103, 104, 106].iter().map(|k| v.iter().filter(|n| *n >= k).count() as f64 * 100.0 / v.len() as f64).collect();
        for (s, r) in sums.iter_mut().zip(&r) { *s += r / n_e as f64 }
        let mut s = v.clone(); s.sort();
        println!("{e:34} >=4 {:4.0} >=6 {:4.0} v3 {:4.0} v4 {:4.0} v6 {:4.0}  median {}", r[0], r[1], r[2], r[3], r[4], s[s.len() / 2]);
    }
    println!("mean {sums:.1?}");
}
fn score(q: &[Keypoint], e: &[(signal::Pdq, keypoints::Place)], t: u32, longest: f32) -> Option<Alignment> {
    let mut pairs = vec![];
    for (qi, qk) in q.iter().enumerate() { for (ei, ek) in e.iter().enumerate() {
        for (m, code) in [(false, qk.code), (true, qk.mirrored)] {
            let d = code.distance(ek.0);
            if d <= t { pairs.push((d, Pair { query: qk.place, entry: ek.1, query_at: qi, entry_at: ei, is_mirrored: m })); }
        }
    } }
    pairs.sort_by_key(|p| p.0);
    pairs.truncate(400);
    let pairs: Vec<Pair> = pairs.into_iter().map(|p| p.1).collect();
    align(&pairs, longest)
}
