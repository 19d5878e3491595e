//! What a verifier knows beyond the tokens themselves: what was revoked, who is suspended, which keys have successors (specification,
//! revocation.md).

mod authority;
mod head;
mod judge;
mod list;
mod load;
mod observe;
mod part;
#[cfg(all(unix, feature = "os"))]
mod restore;
mod rotation;
mod state;
mod successors;
mod table;
mod target;

pub use authority::Authority;
pub use judge::{ChainFacts, LinkFacts};
pub use list::RevocationList;
pub use load::ListLoader;
pub use observe::{FirstDenial, Revocation, RevocationObserver, Standing};
pub(crate) use rotation::Rotation;
pub use rotation::rotate;
pub use state::{Equivocation, HeldList, TrustState, Update};
pub use successors::KeyInUse;
pub(crate) use successors::Place;
pub use target::Target;
#[cfg(all(unix, feature = "os"))]
pub(crate) use {load::Loading, restore::ListOf};
