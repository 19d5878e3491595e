//! What a tool does, as its own server says.

/// What a tool does, as its own server says: never what a caller says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ToolHint {
    /// It may change or delete what is there.
    Destructive,
    /// It adds, and changes or deletes nothing.
    Additive,
    /// It changes nothing.
    ReadOnly,
    /// Nothing is said; counts as destructive.
    #[default]
    Unknown,
}

impl ToolHint {
    /// From the annotations of an MCP tool, `readOnlyHint` and `destructiveHint`. A tool that says it is destructive is, whatever else it says.
    #[must_use]
    pub const fn from_annotations(read_only: Option<bool>, destructive: Option<bool>) -> Self {
        match (read_only, destructive) {
            (_, Some(true)) => ToolHint::Destructive,
            (Some(true), _) => ToolHint::ReadOnly,
            (_, Some(false)) => ToolHint::Additive,
            _ => ToolHint::Unknown,
        }
    }

    pub(crate) const fn is_harmless(self) -> bool {
        matches!(self, ToolHint::Additive | ToolHint::ReadOnly)
    }
}
