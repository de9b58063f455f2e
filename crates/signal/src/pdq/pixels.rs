//! Decoded pixels, borrowed and checked once, so that the hashing code can trust their size.

/// Eight-bit red, green, blue, interleaved, row after row from the top, no padding.
#[derive(Debug, Clone, Copy)]
pub struct RgbImage<'a> {
    width: usize,
    height: usize,
    pixels: &'a [u8],
}

/// Eight-bit luma or grey, row after row from the top, no padding.
#[derive(Debug, Clone, Copy)]
pub struct LumaImage<'a> {
    width: usize,
    height: usize,
    pixels: &'a [u8],
}

/// A pixel buffer does not belong to an image of the size given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPixels {
    /// A side is zero.
    #[error("an image of {width} x {height} has no pixels")]
    Empty {
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
    },
    /// The buffer is shorter or longer than the size asks for.
    #[error("{width} x {height} pixels of {channels} bytes are not {found} bytes")]
    Length {
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
        /// Bytes of a pixel.
        channels: u8,
        /// Bytes that were given.
        found: usize,
    },
}

impl<'a> RgbImage<'a> {
    /// An image of `width` by `height` pixels over exactly `3 * width * height` bytes.
    pub fn new(width: u32, height: u32, pixels: &'a [u8]) -> Result<Self, BadPixels> {
        let (width, height) = check(width, height, 3, pixels)?;
        Ok(Self { width, height, pixels })
    }

    /// The same of pixels whose number was checked before.
    pub(crate) fn of_checked(width: usize, height: usize, pixels: &'a [u8]) -> Self {
        debug_assert_eq!(3 * width * height, pixels.len());
        Self { width, height, pixels }
    }

    /// Pixels in a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// The bytes.
    pub fn pixels(&self) -> &'a [u8] {
        self.pixels
    }
}

impl<'a> LumaImage<'a> {
    /// An image of `width` by `height` pixels over exactly `width * height` bytes.
    pub fn new(width: u32, height: u32, pixels: &'a [u8]) -> Result<Self, BadPixels> {
        let (width, height) = check(width, height, 1, pixels)?;
        Ok(Self { width, height, pixels })
    }

    /// The same of pixels whose number was checked before.
    pub(crate) fn of_checked(width: usize, height: usize, pixels: &'a [u8]) -> Self {
        debug_assert_eq!(width * height, pixels.len());
        Self { width, height, pixels }
    }

    /// Pixels in a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// The bytes.
    pub fn pixels(&self) -> &'a [u8] {
        self.pixels
    }
}

fn check(width: u32, height: u32, channels: u8, pixels: &[u8]) -> Result<(usize, usize), BadPixels> {
    if width == 0 || height == 0 {
        return Err(BadPixels::Empty { width, height });
    }
    let size_bytes = u128::from(width) * u128::from(height) * u128::from(channels);
    if size_bytes != pixels.len() as u128 {
        return Err(BadPixels::Length {
            width,
            height,
            channels,
            found: pixels.len(),
        });
    }
    Ok((width as usize, height as usize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_and_buffer_must_agree() {
        assert!(RgbImage::new(2, 3, &[0; 18]).is_ok());
        assert!(LumaImage::new(2, 3, &[0; 6]).is_ok());
        assert_eq!(
            RgbImage::new(0, 3, &[]).unwrap_err(),
            BadPixels::Empty { width: 0, height: 3 }
        );
        assert_eq!(
            LumaImage::new(3, 0, &[]).unwrap_err(),
            BadPixels::Empty { width: 3, height: 0 }
        );
        for found in [0, 17, 19] {
            let error = RgbImage::new(2, 3, &vec![0; found]).unwrap_err();
            assert_eq!(
                error,
                BadPixels::Length {
                    width: 2,
                    height: 3,
                    channels: 3,
                    found
                }
            );
        }
        let error = RgbImage::new(u32::MAX, u32::MAX, &[0; 3]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "4294967295 x 4294967295 pixels of 3 bytes are not 3 bytes"
        );
    }
}
