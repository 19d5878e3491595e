//! The system: randomness, the clock, key files, state files, and files below a root. The only place that touches any of them; everything
//! else takes keys, time and bytes as arguments.

mod beneath;
mod clock;
mod key_file;
mod log_file;
mod measure;
#[cfg(unix)]
mod place;
mod random;
#[cfg_attr(not(unix), path = "state_file/elsewhere.rs")]
mod state_file;

pub use beneath::{FileAccess, open_beneath};
pub use clock::now;
pub use getrandom::SysRng;
pub use key_file::{load, load_or_create, save};
pub use log_file::{LogFile, LogOptions, LogPieces, check_log, log_files, log_pieces, make_receipt, prove_consistency, read_log};
pub use measure::measure;
pub use random::{fill, generate_key};
pub use state_file::StateFile;
