//! The encoder writes heads in their shortest form; the order of keys is the caller's, who writes them ascending.

/// Bytes being written.
#[derive(Debug, Default)]
pub(crate) struct Encoder {
    bytes: Vec<u8>,
}

impl Encoder {
    pub(crate) const fn new() -> Self {
        Encoder { bytes: Vec::new() }
    }

    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Encoder { bytes: Vec::with_capacity(capacity) }
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
    }

    pub(crate) fn truncate(&mut self, length: usize) {
        self.bytes.truncate(length);
    }

    /// Puts bytes that are an encoding already before what was written from there on.
    pub(crate) fn insert(&mut self, at: usize, encoding: &[u8]) {
        self.bytes.splice(at..at, encoding.iter().copied());
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    fn head(&mut self, major: u8, argument: u64) {
        let major = major << 5;
        match argument {
            0..=23 => self.bytes.push(major | argument as u8),
            24..=0xff => self.bytes.extend([major | 24, argument as u8]),
            0x100..=0xffff => {
                self.bytes.push(major | 25);
                self.bytes.extend((argument as u16).to_be_bytes());
            }
            0x1_0000..=0xffff_ffff => {
                self.bytes.push(major | 26);
                self.bytes.extend((argument as u32).to_be_bytes());
            }
            _ => {
                self.bytes.push(major | 27);
                self.bytes.extend(argument.to_be_bytes());
            }
        }
    }

    pub(crate) fn integer(&mut self, value: i64) -> &mut Self {
        if value < 0 {
            self.head(1, !(value as u64))
        } else {
            self.head(0, value as u64)
        }
        self
    }

    pub(crate) fn unsigned(&mut self, value: u64) -> &mut Self {
        self.head(0, value);
        self
    }

    pub(crate) fn bytes(&mut self, value: &[u8]) -> &mut Self {
        self.head(2, value.len() as u64);
        self.bytes.extend_from_slice(value);
        self
    }

    pub(crate) fn text(&mut self, value: &str) -> &mut Self {
        self.head(3, value.len() as u64);
        self.bytes.extend_from_slice(value.as_bytes());
        self
    }

    pub(crate) fn array(&mut self, length: usize) -> &mut Self {
        self.head(4, length as u64);
        self
    }

    pub(crate) fn map(&mut self, length: usize) -> &mut Self {
        self.head(5, length as u64);
        self
    }

    pub(crate) fn tag(&mut self, tag: u64) -> &mut Self {
        self.head(6, tag);
        self
    }

    pub(crate) fn bool(&mut self, value: bool) -> &mut Self {
        self.bytes.push(if value { 0xf5 } else { 0xf4 });
        self
    }

    pub(crate) fn null(&mut self) -> &mut Self {
        self.bytes.push(0xf6);
        self
    }

    /// A float with a fractional part, in the shortest of the three forms.
    pub(crate) fn float(&mut self, value: f64) -> &mut Self {
        match float_width(value) {
            2 => {
                self.bytes.push(0xf9);
                self.bytes.extend(f64_to_half(value).unwrap_or_default().to_be_bytes());
            }
            4 => {
                self.bytes.push(0xfa);
                self.bytes.extend((value as f32).to_be_bytes());
            }
            _ => {
                self.bytes.push(0xfb);
                self.bytes.extend(value.to_be_bytes());
            }
        }
        self
    }

    /// Bytes that are an encoding already.
    pub(crate) fn raw(&mut self, encoding: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(encoding);
        self
    }
}

/// Whether a float is one that values may have: finite, with a fractional part.
pub(crate) fn is_fraction(value: f64) -> bool {
    value.is_finite() && value.fract() != 0.0
}

/// The width in bytes of the shortest form that keeps the value.
pub(crate) fn float_width(value: f64) -> usize {
    if f64_to_half(value).is_some() {
        2
    } else if f64::from(value as f32) == value {
        4
    } else {
        8
    }
}

/// The half-precision bits of a finite value, if it fits without loss.
fn f64_to_half(value: f64) -> Option<u16> {
    let sign = if value.is_sign_negative() { 0x8000 } else { 0 };
    let magnitude = value.abs();
    if magnitude >= 65_536.0 {
        return None;
    }
    // Below 2^-14 halfs are multiples of 2^-24; above, the 10 bits after the leading one.
    if magnitude < 2f64.powi(-14) {
        let units = magnitude * 2f64.powi(24);
        return (units.fract() == 0.0).then_some(sign | units as u16);
    }
    let bits = magnitude.to_bits();
    let exponent = (bits >> 52) as i32 - 1023;
    let fraction = bits & ((1 << 52) - 1);
    (fraction & ((1 << 42) - 1) == 0).then_some(sign | ((exponent + 15) as u16) << 10 | (fraction >> 42) as u16)
}
