//! The system: randomness, the clock and key files. The only place that touches any of them; everything else takes keys, time and
//! bytes as arguments.

mod clock;
mod key_file;
mod random;

pub use clock::now;
pub use getrandom::SysRng;
pub use key_file::{load, load_or_create, save};
pub use random::{fill, generate_key};
