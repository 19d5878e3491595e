//! A deployment as a log: two people approve it, a coder goes astray and is revoked. The same bytes in each run.
#![allow(dead_code)]

use std::convert::Infallible;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use deputize::os::{LogFile, LogOptions};
use deputize::*;
use deputize_cli::{Streams, Terminal, run};

pub const AUDIENCE: &str = "https://tools.acme.example";
pub const ORIGIN: &str = "acme.example/calls";
/// 2026-11-21T08:00:00Z.
pub const START: u64 = 1_795_248_000_000;

pub fn key(n: u8) -> SigningKey {
    SigningKey::from_seed(&[n; 32]).unwrap()
}

/// Milliseconds after the start.
pub fn at(millis: u64) -> Now {
    Now::from_millis(START + millis).unwrap()
}

pub fn note_key() -> String {
    NoteKey::of_log(ORIGIN, key(9).verifying_key()).unwrap().to_text()
}

/// The same numbers in each run.
pub struct Counter(pub u64);

impl rand_core::TryRng for Counter {
    type Error = Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.try_next_u64().map(|word| word as u32)
    }
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let word = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Ok(word ^ (word >> 31))
    }
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.try_next_u64()?.to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Counter {}

/// A folder that is gone when it is dropped.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("deputize-cli-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        std::fs::write(self.path(name), bytes).unwrap();
        self.path(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What a command did.
#[derive(Debug, PartialEq, Eq)]
pub struct Done {
    pub code: u8,
    pub output: String,
    pub error: String,
}

pub fn deputize_in(terminal: Option<Terminal>, input: &[u8], arguments: &[&dyn AsRef<Path>]) -> Done {
    let (mut input, mut output, mut error) = (input, Vec::new(), Vec::new());
    let arguments = arguments.iter().map(|argument| OsString::from(argument.as_ref()));
    let streams =
        Streams { input: &mut input, output: &mut output, error: &mut error, terminal, error_terminal: terminal, now: at(120_000) };
    let code = run(arguments, streams);
    Done { code, output: String::from_utf8(output).unwrap(), error: String::from_utf8(error).unwrap() }
}

pub fn deputize(arguments: &[&dyn AsRef<Path>]) -> Done {
    deputize_in(None, b"", arguments)
}

fn tools(rules: &[(&str, ArgumentRules)]) -> Tools {
    rules.iter().fold(Tools::new(), |tools, (name, rules)| tools.allow(name, rules.clone()).unwrap())
}

fn one_of(argument: &str, values: &[&str]) -> ArgumentRules {
    ArgumentRules::new().required(argument, Constraint::one_of(values.iter().copied()).unwrap())
}

/// ana gives the planner two tools; the planner gives the coder one and the deployer the other.
pub fn chains(rng: &mut Counter) -> [UnverifiedChain; 3] {
    let repos = |names: &[&str]| one_of("repo", names).optional("labels", Constraint::any());
    let session = Session::open(rng).unwrap().for_task(b"fix the login bug");
    let approvers = [key(5).verifying_key().clone(), key(6).verifying_key().clone()];
    let grant = Grant::to(key(2).verifying_key())
        .holder_name("planner")
        .tools(tools(&[
            ("github.update_pr", repos(&["acme/app", "acme/web"])),
            ("deploy", one_of("environment", &["production", "staging"])),
        ]))
        .in_session(&session)
        .audience(vec![AUDIENCE.into()])
        .max_depth(3)
        .approvals(ApprovalRules::new().require("deploy", 2, &approvers).unwrap())
        .ttl(3600)
        .reason("fix the login bug");
    let task = issue(&key(1), "ana", &grant, rng, at(1000)).unwrap();
    let grant = Grant::to(key(3).verifying_key())
        .holder_name("coder")
        .tools(tools(&[("github.update_pr", one_of("repo", &["acme/app"]))]))
        .max_depth(1)
        .ttl(600)
        .reason("write the fix");
    let coding = delegate(&key(2), &task, &grant, rng, at(2000)).unwrap();
    let grant = Grant::to(key(4).verifying_key())
        .holder_name("deployer")
        .tools(tools(&[("deploy", one_of("environment", &["production", "staging"]))]))
        .ttl(1800)
        .reason("ship it");
    let shipping = delegate(&key(2), &task, &grant, rng, at(3000)).unwrap();
    [task, coding, shipping]
}

pub struct Scene {
    pub log: LogFile,
    rng: Counter,
    verifier: Verifier,
    state: Arc<TrustState>,
    chains: [UnverifiedChain; 3],
}

impl Scene {
    pub fn new(path: &Path) -> Self {
        let mut rng = Counter(7);
        let options = LogOptions::new().with_arguments(true).rotate_at(1 << 20);
        let log = LogFile::open(path, ORIGIN, options, at(0)).unwrap();
        let state = Arc::new(TrustState::new([Authority::new("ana", key(1).verifying_key()).unwrap()]).unwrap());
        let anchor = TrustAnchor::new("ana", key(1).verifying_key()).unwrap();
        let verifier = Verifier::new([anchor], AUDIENCE, MemoryStore::new(1000, at(0)).unwrap()).unwrap().with_trust_state(state.clone());
        let chains = chains(&mut rng);
        Scene { log, rng, verifier, state, chains }
    }

    /// A call with the chain of that number, proven with the key of that number.
    fn call(
        &mut self,
        chain: usize,
        by: u8,
        tool: &str,
        arguments: &[(&str, &str)],
        approvals: &[&Approval],
        millis: u64,
    ) -> Option<Authorized> {
        let arguments = Arguments::new(arguments.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()).unwrap();
        let call = Call::new(tool, &arguments);
        let chain = &self.chains[chain];
        let proven = match chain.unverified_claims().unwrap().last().unwrap().holder == *key(by).verifying_key() {
            true => prove(&key(by), chain, &call, AUDIENCE, &mut self.rng, at(millis)).unwrap(),
            // Somebody else signs: the proof of another chain with this one in front.
            false => stolen(chain, &key(by), &call, &mut self.rng, at(millis)),
        };
        let presentation = proven.attach(approvals.iter().map(|approval| approval.encode())).unwrap();
        match self.verifier.authorize(presentation.encode(), &call, at(millis)) {
            Ok(allowed) => {
                self.log.record(allowed.record()).unwrap();
                Some(allowed)
            }
            Err(denied) => {
                self.log.record(denied.record()).unwrap();
                None
            }
        }
    }

    fn list(&mut self, list: RevocationList, millis: u64) {
        let event = AuditEvent::listed(&list, "ana", at(millis));
        self.state.apply_list(&list.sign(&key(1), "ana", 3600, at(millis)).unwrap(), at(millis)).unwrap();
        self.log.event(&event).unwrap();
    }

    pub fn approval(&mut self, environment: &str, by: u8, name: &str, millis: u64) -> Approval {
        let arguments = Arguments::new(vec![("environment".into(), environment.into())]).unwrap();
        let request = ApprovalRequest::new(&self.chains[2], &Call::new("deploy", &arguments), AUDIENCE).unwrap();
        approve(&key(by), &request, &ApprovalGrant::new().name(name).reason("tests are green"), &mut self.rng, at(millis)).unwrap()
    }

    /// The whole story.
    pub fn tell(mut self) -> LogFile {
        self.list(RevocationList::full(1), 500);
        for (chain, by, millis) in [(0, 1, 1000), (1, 2, 2000), (2, 2, 3000)] {
            self.log.event(&AuditEvent::issued(&self.chains[chain], key(by).verifying_key(), at(millis)).unwrap()).unwrap();
        }
        let pr = |repo: &'static str| [("repo", repo)];
        for number in 0..4_u64 {
            let millis = 5000 + 4000 * number;
            let allowed = self.call(1, 3, "github.update_pr", &pr("acme/app"), &[], millis).unwrap();
            let error = (number == 2).then_some("merge conflict");
            self.log.event(&AuditEvent::outcome(&allowed, error, at(millis + 800))).unwrap();
        }
        self.call(2, 4, "deploy", &[("environment", "production")], &[], 22_000);
        let approvals = [(5, "bo", 25_000), (6, "cleo", 31_000)].map(|(by, name, millis)| {
            let approval = self.approval("production", by, name, millis);
            self.log.event(&AuditEvent::answered(&approval, at(millis))).unwrap();
            approval
        });
        let allowed = self.call(2, 4, "deploy", &[("environment", "production")], &[&approvals[0], &approvals[1]], 33_000).unwrap();
        self.log.event(&AuditEvent::outcome(&allowed, None, at(41_000))).unwrap();
        for number in 0..6_u64 {
            self.call(1, 3, "github.update_pr", &pr("acme/web"), &[], 45_000 + 500 * number);
        }
        self.call(1, 3, "deploy", &[("environment", "production")], &[], 48_500);
        self.call(1, 8, "github.update_pr", &pr("acme/app"), &[], 49_000);
        let signal = format!(
            r#"{{"entry":24,"kind":"signal","signal":"denials","text":"coder was denied 7 times within 5 s","time":"{}","version":1}}"#,
            at(50_000).to_rfc3339()
        );
        self.log.append(&[signal], at(50_000)).unwrap();
        self.list(RevocationList::full(2).revoke([Target::Key(key(3).verifying_key().clone())]), 58_000);
        self.call(1, 3, "github.update_pr", &pr("acme/app"), &[], 61_500);
        let refused = self.verifier.authorize(b"nonsense".as_slice(), &Call::new("deploy", &Arguments::new(vec![]).unwrap()), at(63_000));
        self.log.record(refused.unwrap_err().record()).unwrap();
        // Its outcome never comes.
        let approvals = [(5, "bo", 70_000), (6, "cleo", 71_000)].map(|(by, name, millis)| self.approval("staging", by, name, millis));
        self.call(2, 4, "deploy", &[("environment", "staging")], &[&approvals[0], &approvals[1]], 72_000).unwrap();
        self.log
    }
}

/// A presentation of a chain by somebody who does not hold it.
fn stolen(chain: &UnverifiedChain, thief: &SigningKey, call: &Call<'_>, rng: &mut Counter, now: Now) -> Presentation {
    let own = issue(thief, "thief", &Grant::to(key(200).verifying_key()).tools(Tools::new()), rng, now).unwrap();
    let proven = prove(&key(200), &own, call, AUDIENCE, rng, now).unwrap();
    // [chain, proof]: the other chain in its place.
    let proof = &proven.encode()[1 + own.encode().len()..];
    Presentation::decode(&[&[0x82], chain.encode(), proof].concat()).unwrap()
}

/// The story in a file.
pub fn story(folder: &Folder) -> PathBuf {
    let path = folder.path("calls.log");
    drop(Scene::new(&path).tell());
    is_as_written("calls.log", &std::fs::read_to_string(&path).unwrap());
    path
}

/// What was printed is what is in that file. With `DEPUTIZE_WRITE` the file becomes what was printed.
pub fn is_as_written(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/expected").join(name);
    if std::env::var_os("DEPUTIZE_WRITE").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    assert!(text == expected, "{name} is not as expected, it is:\n{text}");
}
