//! What can be asked for.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Who acts, for whom, and what it may do: keys, chains and audit logs.
#[derive(Debug, Parser)]
#[command(name = "deputize", version, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    /// JSON, one object or one in each line.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Makes a key, in a file that is never overwritten, and prints its public part.
    Keygen(Keygen),
    /// Shows what a chain, presentation, approval, request, identity or consent says, without verifying it.
    Inspect(Inspect),
    /// Verifies a chain, without a call: who may do what.
    Verify(Verify),
    /// Says what a code means and what to do about it.
    Explain(Explain),
    /// Looks at and checks audit logs.
    #[command(subcommand)]
    Audit(Audit),
}

#[derive(Args, Debug)]
pub(crate) struct Keygen {
    /// What the agent is called: the file is NAME.pem.
    pub(crate) name: String,
    /// Where the file is put.
    #[arg(long, value_name = "DIR", default_value = ".deputize/keys")]
    pub(crate) directory: PathBuf,
    /// Also prints the key as `audit verify --key` takes it, for a log of this origin.
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) origin: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Inspect {
    /// The text form, `-` for standard input, or `@FILE` with the text form or the bytes.
    pub(crate) token: String,
}

#[derive(Args, Debug)]
pub(crate) struct Verify {
    /// The chain: its text form, `-` for standard input, or `@FILE`.
    pub(crate) token: String,
    /// Who is trusted to issue roots: a name, and a did:key or a file with a public key in PEM.
    #[arg(long, value_name = "NAME=KEY", required = true)]
    pub(crate) trust: Vec<String>,
    /// The verifier that the chain is for.
    #[arg(long, value_name = "AUDIENCE")]
    pub(crate) audience: String,
    /// When: RFC 3339. Now, unless given.
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
    /// The trusted may issue impersonations.
    #[arg(long)]
    pub(crate) may_impersonate: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Explain {
    /// A code, or any text with codes in it, such as a line of an error; `-` for standard input.
    #[arg(required = true, value_name = "CODE")]
    pub(crate) text: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Checks a whole log: 0 whole and anchored, 1 broken, 3 whole but unanchored.
    Verify(Check),
    /// The records as sentences.
    Show(Show),
    /// The records as they come, through rotations.
    Follow(Follow),
    /// The records that fit.
    Query(Query),
    /// Calls that were allowed and have no outcome: the tool may have run.
    Open(Log),
    /// Signs a checkpoint of a log that is whole.
    Checkpoint(Checkpoint),
    /// Makes a receipt: that an entry is in the log, to be checked without the log.
    Receipt(Receipt),
    /// Checks a receipt, with the line of its entry.
    VerifyReceipt(VerifyReceipt),
    /// Makes one HTML page of a log.
    Report(Report),
}

#[derive(Args, Debug)]
pub(crate) struct Log {
    /// The file of the log. Those that were put away beside it are read too.
    #[arg(value_name = "LOG")]
    pub(crate) path: PathBuf,
}

/// What a log is checked against.
#[derive(Args, Debug)]
pub(crate) struct Anchors {
    /// The key of the log: `<origin>+<id>+<base64>`. The checkpoint beside the log, LOG.checkpoint, then counts too.
    #[arg(long, value_name = "NOTEKEY")]
    pub(crate) key: Vec<String>,
    /// A checkpoint that was kept elsewhere: a file. Without --key its signature is not checked: who gives it vouches for it.
    #[arg(long, value_name = "FILE")]
    pub(crate) checkpoint: Vec<PathBuf>,
    /// The key of a witness.
    #[arg(long, value_name = "NOTEKEY", requires = "key")]
    pub(crate) witness: Vec<String>,
    /// How many witnesses have to have cosigned. All, unless given.
    #[arg(long, value_name = "N", requires = "witness")]
    pub(crate) witnesses: Option<usize>,
}

#[derive(Args, Debug)]
pub(crate) struct Check {
    #[command(flatten)]
    pub(crate) log: Log,
    #[command(flatten)]
    pub(crate) anchors: Anchors,
}

#[derive(Args, Debug)]
pub(crate) struct Show {
    #[command(flatten)]
    pub(crate) log: Log,
    /// Only the last so many.
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
    /// With the arguments of calls, where the log has them.
    #[arg(long)]
    pub(crate) arguments: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Follow {
    #[command(flatten)]
    pub(crate) log: Log,
    /// How many that are there already are shown first.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) last: usize,
    /// Ends after so many.
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
}

#[derive(Args, Debug)]
pub(crate) struct Query {
    #[command(flatten)]
    pub(crate) show: Show,
    #[command(flatten)]
    pub(crate) filter: Filter,
}

/// Which records fit: those that fit all that is given.
#[derive(Args, Debug, Default)]
pub(crate) struct Filter {
    /// For this principal.
    #[arg(long, value_name = "NAME")]
    pub(crate) principal: Option<String>,
    /// With this agent anywhere in its chain, by name or did:key.
    #[arg(long, value_name = "NAME")]
    pub(crate) agent: Option<String>,
    /// Of this session: its hex digits, or the first of them.
    #[arg(long, value_name = "HEX")]
    pub(crate) session: Option<String>,
    /// About this tool.
    #[arg(long, value_name = "TOOL")]
    pub(crate) tool: Option<String>,
    /// With this code: `allowed`, or that of a denial.
    #[arg(long, value_name = "CODE")]
    pub(crate) code: Option<String>,
    /// Of this kind: `decision`, `delegated`, `revoked` …
    #[arg(long, value_name = "KIND")]
    pub(crate) kind: Option<String>,
    /// From this time on: RFC 3339, or a day.
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Before this time: RFC 3339, or a day.
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Checkpoint {
    #[command(flatten)]
    pub(crate) log: Log,
    /// The key file of the log.
    #[arg(long, value_name = "PEMFILE")]
    pub(crate) key: PathBuf,
    /// The name of the log.
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) origin: String,
    /// Where it is put, in place of what is there; `-`, or nothing, for standard output.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct Receipt {
    #[command(flatten)]
    pub(crate) log: Log,
    /// The entry.
    #[arg(value_name = "SEQUENCE")]
    pub(crate) sequence: u64,
    /// The checkpoint, which becomes a part of the receipt.
    #[arg(long, value_name = "FILE")]
    pub(crate) note: PathBuf,
    /// Where the line of the entry is put: the receipt is checked with it.
    #[arg(long, value_name = "FILE")]
    pub(crate) line: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct VerifyReceipt {
    /// The file of the receipt; `-` for standard input.
    #[arg(value_name = "RECEIPT")]
    pub(crate) receipt: PathBuf,
    /// A file with the line of the entry; `-` for standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) line: PathBuf,
    /// The key of the log: `<origin>+<id>+<base64>`.
    #[arg(long, value_name = "NOTEKEY", required = true)]
    pub(crate) key: Vec<String>,
    /// The key of a witness.
    #[arg(long, value_name = "NOTEKEY")]
    pub(crate) witness: Vec<String>,
    /// How many witnesses have to have cosigned. All, unless given.
    #[arg(long, value_name = "N", requires = "witness")]
    pub(crate) witnesses: Option<usize>,
}

#[derive(Args, Debug)]
pub(crate) struct Report {
    #[command(flatten)]
    pub(crate) log: Log,
    #[command(flatten)]
    pub(crate) anchors: Anchors,
    /// Where the page is put, in place of what is there; `-` for standard output.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: PathBuf,
}
