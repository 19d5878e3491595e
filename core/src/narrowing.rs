//! When a token is narrower than its parent: the table of token.md, used when a token is made and when it is verified.

use crate::claims::Claims;
use crate::id::is_at_or_below;
use crate::{Code, Error, Result};

/// Whether `child` gives no more than `parent`. `audience` is that of the nearest ancestor that has one.
pub(crate) fn narrows(parent: &Claims, child: &Claims, audience: Option<&[String]>) -> Result<()> {
    let refuse = |code, what| Err(Error::about(code, what));
    if child.subject != parent.subject {
        return refuse(Code::InvariantChanged, "sub");
    }
    if child.session != parent.session {
        return refuse(Code::InvariantChanged, "session");
    }
    if child.task != parent.task {
        return refuse(Code::InvariantChanged, "task");
    }
    if child.mode != parent.mode {
        return refuse(Code::InvariantChanged, "mode");
    }
    if child.max_depth > parent.max_depth || child.max_depth < child.depth {
        return refuse(Code::DepthExceeded, "max_depth");
    }
    if child.expires > parent.expires {
        return refuse(Code::LifetimeWidened, "exp");
    }
    if child.issued < parent.issued {
        return refuse(Code::LifetimeWidened, "iat");
    }
    if let (Some(child), Some(parent)) = (child.not_before, parent.not_before)
        && child < parent
    {
        return refuse(Code::LifetimeWidened, "nbf");
    }
    if let (Some(child), Some(audience)) = (&child.audience, audience)
        && !child.iter().all(|name| audience.contains(name))
    {
        return refuse(Code::AudienceWidened, "aud");
    }
    child.counted_in(child.audience.as_deref().or(audience))?;
    let within_context = match (&parent.context, &child.context) {
        (None, child) => child.is_none(),
        (Some(parent), Some(child)) => is_at_or_below(child, parent),
        (Some(_), None) => false,
    };
    if !within_context {
        return refuse(Code::ContextWidened, "context");
    }
    if let Some(tool) = parent.approvals.dropped_by(&child.approvals) {
        return Err(Error::named(Code::ApprovalsDropped, "tool", tool));
    }
    parent.tools.subsumes(&child.tools)
}
