//! Steps that may still be taken. Counted, never timed, so that a busy machine refuses nothing.

use crate::limits;

/// A budget of steps for one token or one decision.
#[derive(Debug)]
pub(crate) struct Steps {
    left: u32,
    /// What is left for counterexamples; none while one is sought.
    aside: Option<u32>,
    /// What was paid for and is kept, by its address.
    paid: Vec<usize>,
}

impl Steps {
    pub(crate) const fn for_token() -> Self {
        Steps::of(limits::MAX_STEPS)
    }

    const fn of(left: u32) -> Self {
        Steps { left, aside: Some(limits::MAX_STEPS), paid: Vec::new() }
    }

    /// For a call whose arguments have so many bytes.
    pub(crate) fn for_arguments(bytes: usize) -> Self {
        let more = u32::try_from(bytes).unwrap_or(u32::MAX).saturating_mul(limits::STEPS_PER_BYTE);
        Steps::of(limits::MAX_STEPS.saturating_add(more))
    }

    /// Takes steps; false when they are used up.
    pub(crate) fn take(&mut self, steps: usize) -> bool {
        match u32::try_from(steps).ok().and_then(|steps| self.left.checked_sub(steps)) {
            Some(left) => {
                self.left = left;
                true
            }
            None => {
                self.left = 0;
                false
            }
        }
    }

    /// Takes steps for what is kept at this address as long as there is the budget, the first time that it is needed.
    pub(crate) fn take_once(&mut self, address: usize, steps: usize) -> bool {
        if self.paid.contains(&address) {
            return true;
        }
        self.paid.push(address);
        self.take(steps)
    }

    /// Seeks a counterexample, on steps of its own: seeking one changes no answer, and all that are sought share these steps.
    pub(crate) fn aside<T>(&mut self, seek: impl FnOnce(&mut Steps) -> T) -> T {
        let Some(left) = self.aside.take() else { return seek(self) };
        let mut apart = Steps { left, aside: None, paid: Vec::new() };
        let found = seek(&mut apart);
        self.aside = Some(apart.left);
        found
    }

    pub(crate) const fn are_used_up(&self) -> bool {
        self.left == 0
    }
}
