//! Paths: absolute, normalised, compared by whole segments.

use crate::error::is_unsafe_char;
use crate::id::is_at_or_below;
use crate::pattern::LOOKALIKES;
use crate::{Code, Error, Result, limits};

/// Whether a text is an absolute path without anything that a file system, a shell or a decoder could read as another path
/// (specification, constraints.md, "Path").
pub(crate) fn is_path(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('/') else { return false };
    rest.is_empty() || rest.split('/').all(is_segment)
}

pub(crate) fn check_root(root: &str) -> Result<()> {
    if root.len() > limits::MAX_PATH || !is_path(root) {
        return Err(Error::named(Code::ConstraintInvalid, "path", root));
    }
    Ok(())
}

pub(crate) fn is_below(path: &str, root: &str) -> bool {
    is_path(path) && is_at_or_below(path, root)
}

fn is_segment(segment: &str) -> bool {
    // `.` and `..` end in a dot; Windows drops dots and spaces at the end of a name.
    !segment.is_empty() && !segment.ends_with(['.', ' ']) && !segment.chars().any(is_refused)
}

fn is_refused(c: char) -> bool {
    match c {
        '\\' | '%' | ':' => true,
        '\0'..='~' => c < ' ',
        _ => is_unsafe_char(c) || LOOKALIKES.contains(&c),
    }
}
