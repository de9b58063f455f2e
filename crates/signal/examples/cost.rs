//! Dev scratch.
use signal::{Luma, Looks, keypoints, views, pdq::{self, RgbImage}};
fn main() {
    let p = std::env::args().nth(1).unwrap(); let n: u32 = 40;
    let im = image::open(p).unwrap().to_rgb8();
    let img = RgbImage::new(im.width(), im.height(), im.as_raw()).unwrap();
    let t = std::time::Instant::now(); for _ in 0..n { std::hint::black_box(pdq::nearly_hash_rgb_dihedral(img)); } let a = t.elapsed() / n;
    let whole = pdq::hash_rgb_dihedral(img);
    let t = std::time::Instant::now(); for _ in 0..n { std::hint::black_box(Luma::reduce(img, 512)); } let b = t.elapsed() / n;
    let l = Luma::reduce(img, 512);
    let t = std::time::Instant::now(); for _ in 0..n { std::hint::black_box(views::of_query(&whole, &l)); } let c = t.elapsed() / n;
    let t = std::time::Instant::now(); for _ in 0..n { std::hint::black_box(keypoints::find(&l, 128)); } let d = t.elapsed() / n;
    let looks = Looks::of(img);
    println!("{}x{} whole {a:?} reduce {b:?} views {c:?} ({}) keypoints {d:?} ({})", im.width(), im.height(), looks.views.len(), looks.keypoints.len());
}
