//! Steps that may still be taken. Counted, never timed, so that a busy machine refuses nothing.

use crate::limits;

/// A budget of steps for one token or one decision.
#[derive(Debug)]
pub(crate) struct Steps(u32);

impl Steps {
    pub(crate) const fn for_token() -> Self {
        Steps(limits::MAX_STEPS)
    }

    /// For a call whose arguments have so many bytes.
    pub(crate) fn for_arguments(bytes: usize) -> Self {
        let more = u32::try_from(bytes).unwrap_or(u32::MAX).saturating_mul(limits::STEPS_PER_BYTE);
        Steps(limits::MAX_STEPS.saturating_add(more))
    }

    /// Takes steps; false when they are used up.
    pub(crate) fn take(&mut self, steps: usize) -> bool {
        match u32::try_from(steps).ok().and_then(|steps| self.0.checked_sub(steps)) {
            Some(left) => {
                self.0 = left;
                true
            }
            None => {
                self.0 = 0;
                false
            }
        }
    }

    pub(crate) const fn are_used_up(&self) -> bool {
        self.0 == 0
    }
}
