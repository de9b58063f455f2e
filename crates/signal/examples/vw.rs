//! Dev scratch.
use signal::{Luma, views, pdq::{self, RgbImage}};
use std::collections::BTreeMap;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let dir = std::path::Path::new(&a[1]); let step: usize = a[2].parse().unwrap();
    let load = |p: &std::path::Path| image::open(p).unwrap().to_rgb8();
    let mut refs = BTreeMap::new();
    for e in std::fs::read_dir(dir.join("refs")).unwrap() { let p = e.unwrap().path(); let im = load(&p); let s = pdq::hash_rgb(RgbImage::new(im.width(), im.height(), im.as_raw()).unwrap()); refs.insert(p.file_stem().unwrap().to_str().unwrap().to_string(), s); }
    let mut paths: Vec<_> = std::fs::read_dir(dir.join("queries")).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    let paths: Vec<_> = paths.into_iter().enumerate().filter(|(i, _)| (i / 44) % step == 0).map(|x| x.1).collect();
    let mut by: BTreeMap<String, Vec<(u32, u32, String)>> = BTreeMap::new();
    let (mut fp, mut fl) = (0, 0);
    let mut t = std::time::Duration::ZERO; let mut codes = 0;
    for p in &paths {
        let stem = p.file_stem().unwrap().to_str().unwrap(); let (name, edit) = stem.split_once("__").unwrap();
        let im = load(p); let img = RgbImage::new(im.width(), im.height(), im.as_raw()).unwrap();
        let whole = pdq::hash_rgb_dihedral(img);
        let t0 = std::time::Instant::now();
        let l = Luma::reduce(img, Luma::WORK_SIDE);
        let v = views::of_query(&whole, &l);
        t += t0.elapsed(); codes += v.len();
        let best = v.iter().filter(|v| v.pdq.quality >= 50).map(|v| (v.pdq.hash.distance(refs[name].hash), v.view.to_string())).min().unwrap_or((256, String::new()));
        by.entry(edit.into()).or_default().push((whole[0].hash.distance(refs[name].hash), best.0, best.1));
        for (n, r) in &refs { if n != name { let d = v.iter().filter(|v| v.pdq.quality >= 50).map(|v| v.pdq.hash.distance(r.hash)).min().unwrap_or(256); if d <= 31 { fp += 1 } if d <= 60 { fl += 1 } } }
    }
    println!("views {:.2} ms {:.1} codes; fp {fp} fl {fl}", t.as_secs_f64() * 1e3 / paths.len() as f64, codes as f64 / paths.len() as f64);
    let n = by.len() as f64; let mut s = [0.0; 3];
    for (e, v) in &by {
        let sh = |f: &dyn Fn(&(u32, u32, String)) -> bool| v.iter().filter(|x| f(x)).count() as f64 * 100.0 / v.len() as f64;
        let r = [sh(&|x| x.0 <= 31), sh(&|x| x.1 <= 31), sh(&|x| x.1 <= 60)];
        for (s, r) in s.iter_mut().zip(r) { *s += r / n }
        let mut c: BTreeMap<&str, usize> = BTreeMap::new(); for x in v { if x.1 <= 60 { *c.entry(&x.2).or_default() += 1 } }
        println!("{e:34} plain {:4.0} views {:4.0} lead {:4.0}  {:?}", r[0], r[1], r[2], c);
    }
    println!("{s:.1?}");
}
