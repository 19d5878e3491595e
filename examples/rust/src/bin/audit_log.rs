//! A server keeps an audit log: no record, no action. Then somebody edits it, and somebody cuts it; a checkpoint that was kept elsewhere tells.
use std::path::Path;
use std::sync::Arc;

use deputize::os::{LogFile, LogOptions, SysRng, check_log, generate_key, now, read_log};
use deputize::{
    ArgumentRules, Arguments, AuditEvent, Call, Checkpoint, CheckpointPolicy, Grant, LogRecord, MemoryStore, NoteKey, Tools, TrustAnchor,
    Verifier,
};

const SERVER: &str = "https://git.acme.example";
const ORIGIN: &str = "git.acme.example/calls";

/// Writes a log of three calls. What it gives is what others keep: a signed checkpoint, and the key that it is checked by.
fn write(path: &Path) -> Result<(String, NoteKey), Box<dyn std::error::Error>> {
    let keeper = Arc::new(generate_key()?);
    let key = NoteKey::of_log(ORIGIN, keeper.verifying_key())?;
    let log = LogFile::open(path, ORIGIN, LogOptions::new().synced(true).checkpoints(keeper, 1000), now()?)?;

    let (ana, coder) = (generate_key()?, generate_key()?);
    let store = MemoryStore::new(MemoryStore::DEFAULT_CAPACITY, now()?)?;
    let verifier = Verifier::new([TrustAnchor::new("ana", ana.verifying_key())?], SERVER, store)?;
    let tools = Tools::new().allow("read_file", ArgumentRules::new())?;
    let grant = Grant::to(coder.verifying_key()).holder_name("coder").tools(tools).ttl(600).reason("fix the login page");
    let chain = deputize::issue(&ana, "ana", &grant, &mut SysRng, now()?)?;
    log.event(&AuditEvent::issued(&chain, ana.verifying_key(), now()?)?)?;

    for (tool, path) in [("read_file", "/src/login.py"), ("deploy", "/src/login.py"), ("read_file", "/src/none.py")] {
        let arguments = Arguments::new(vec![("path".into(), path.into())])?;
        let call = Call::new(tool, &arguments);
        let presentation = deputize::prove(&coder, &chain, &call, SERVER, &mut SysRng, now()?)?;
        match verifier.authorize(presentation.encode(), &call, now()?) {
            Ok(allowed) => {
                // If this fails, the tool does not run.
                log.record(allowed.record())?;
                let error = (path == "/src/none.py").then_some("no such file");
                log.event(&AuditEvent::outcome(&allowed, error, now()?))?;
            }
            Err(denied) => drop(log.record(denied.record())?),
        }
    }
    let note = log.sign_checkpoint(now()?)?;
    log.close(now()?)?;
    Ok((note, key))
}

fn check(what: &str, path: &Path, kept: &[Checkpoint]) {
    match check_log(path, kept.to_vec(), |_, _| {}) {
        Ok(report) if report.anchored.is_some() => println!("{what}: {} entries, as the checkpoint says", report.head.size()),
        Ok(report) => println!("{what}: {} entries that fit together, unanchored", report.head.size()),
        Err(error) => println!("{what}: {} at entry {}", error.code().as_str(), error.entry().unwrap_or_default()),
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::temp_dir().join(format!("deputize-audit-log-{}", std::process::id()));
    std::fs::create_dir(&folder)?;
    let path = folder.join("calls.log");
    let (note, key) = write(&path)?;

    let sentences = |_, record: &str| {
        println!("{}", LogRecord::from_json(record)?.to_sentence());
        Ok(())
    };
    read_log(&path, Vec::new(), sentences, |_, _| {})?;

    let kept = [CheckpointPolicy::new([key])?.verify(&note, now()?)?];
    check("as it was written", &path, &kept);
    let whole = std::fs::read_to_string(&path)?;
    std::fs::write(&path, whole.replacen("deploy", "browse", 1))?;
    check("with one word changed", &path, &[]);
    let cut: String = whole.split_inclusive('\n').take(4).collect();
    std::fs::write(&path, cut)?;
    check("cut, and nobody kept a checkpoint", &path, &[]);
    check("cut", &path, &kept);
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}
