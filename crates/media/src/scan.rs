//! What a scan returns.

use signal::pdq::PdqSignal;
use signal::{Looks, Md5, Sha256};

/// What the caller wants from a scan besides signals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// Signals and measurements only.
    Signals,
    /// Signals, and the derived pictures a reviewer's console shows.
    SignalsAndPreviews,
    /// Signals, and what the first frame is recognised by when it was edited.
    SignalsAndLooks,
    /// Signals, previews and looks.
    Everything,
}

impl Want {
    pub(crate) const ALL: [Want; 4] = [
        Want::Signals,
        Want::SignalsAndPreviews,
        Want::SignalsAndLooks,
        Want::Everything,
    ];

    pub(crate) fn has_previews(self) -> bool {
        matches!(self, Want::SignalsAndPreviews | Want::Everything)
    }

    pub(crate) fn has_looks(self) -> bool {
        matches!(self, Want::SignalsAndLooks | Want::Everything)
    }
}

/// What was found in one file.
#[derive(Debug, Clone, PartialEq)]
pub struct Scan {
    /// The type the bytes themselves show. File names and declared types are not consulted.
    pub media_type: MediaType,
    /// Width in pixels as a viewer sees it, after the orientation the file asks for.
    pub width: u32,
    /// Height in pixels as a viewer sees it, after the orientation the file asks for.
    pub height: u32,
    /// How many frames the file has; `None` when it has more than were worth counting
    /// ([`crate::Limits::frames_decoded_max`]). A still picture has one.
    pub frames_total: Option<u32>,
    /// False when a decoder met damage and went on, as browsers do: a JPEG that is cut off, an animation that breaks. The
    /// signals are of what could be seen; that they match nothing says less than it would of an intact file.
    pub is_intact: bool,
    /// Digest of the file's bytes, computed by the host.
    pub md5: Md5,
    /// Digest of the file's bytes, computed by the host.
    pub sha256: Sha256,
    /// The hashed frames, by `index` and then `view`. Never empty, and the first is frame 0 as it is stored.
    pub frames: Vec<FrameSignal>,
    /// Present when asked for.
    pub previews: Option<Previews>,
    /// Views and keypoints of the first frame, upright and on white; present when asked for.
    pub looks: Option<Looks>,
}

/// The signal of one view of one frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameSignal {
    /// Position in the file, from 0.
    pub index: u32,
    /// When the frame appears, in milliseconds from the start.
    pub at_ms: u32,
    /// Which rendering of the frame was hashed.
    pub view: View,
    /// Hash and quality.
    pub pdq: PdqSignal,
}

/// How a frame was turned before it was hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum View {
    /// The pixels in the order the file stores them. This is what exchanges and other hashers of PDQ compare.
    AsIs,
    /// Turned as the file's EXIF orientation says, which is how people see it. Present only when that turns it.
    Upright,
    /// Upright and laid on white, as most pages show it. Present only when some of it is transparent; the other views
    /// take the colours that the file stores under transparent pixels.
    OnWhite,
}

impl View {
    /// Every view, in the order in which a frame lists them.
    pub const ALL: [View; 3] = [View::AsIs, View::Upright, View::OnWhite];

    /// The stable name used in evidence: `as_is`, `upright` or `on_white`.
    pub fn name(self) -> &'static str {
        match self {
            View::AsIs => "as_is",
            View::Upright => "upright",
            View::OnWhite => "on_white",
        }
    }
}

/// Small derived JPEG pictures of the first frame, upright, without any metadata of the original.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Previews {
    /// At most 320 pixels on the longer side.
    pub small: Vec<u8>,
    /// The small picture blurred so strongly that no detail can be recognised.
    pub blurred: Vec<u8>,
    /// The small picture without colour.
    pub greyscale: Vec<u8>,
}

/// The types of media that are recognised by their bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MediaType {
    /// JPEG.
    Jpeg,
    /// PNG, still or animated.
    Png,
    /// GIF, still or animated.
    Gif,
    /// WebP, still or animated.
    WebP,
    /// Windows bitmap.
    Bmp,
    /// TIFF; the first page is scanned.
    Tiff,
    /// AVIF still picture.
    Avif,
    /// HEIC still picture.
    Heic,
}

impl MediaType {
    /// Every type.
    pub const ALL: [MediaType; 8] = [
        MediaType::Jpeg,
        MediaType::Png,
        MediaType::Gif,
        MediaType::WebP,
        MediaType::Bmp,
        MediaType::Tiff,
        MediaType::Avif,
        MediaType::Heic,
    ];

    /// The registered media type, such as `image/jpeg`.
    pub fn mime(self) -> &'static str {
        match self {
            MediaType::Jpeg => "image/jpeg",
            MediaType::Png => "image/png",
            MediaType::Gif => "image/gif",
            MediaType::WebP => "image/webp",
            MediaType::Bmp => "image/bmp",
            MediaType::Tiff => "image/tiff",
            MediaType::Avif => "image/avif",
            MediaType::Heic => "image/heic",
        }
    }
}
