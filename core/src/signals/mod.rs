//! What is out of the ordinary in a log, from its records one by one (specification, signals.md). Signals are for people: they block nothing.

mod memory;

use crate::audit::{LogHolder, LogRecord};
use crate::error::shown;
use crate::json::object;
use crate::time::{NANOS, instant};
use crate::{Code, Error, Result};

use self::memory::{Bursts, Name, Names, Pace};

/// The most times that one burst remembers, and with it the largest threshold.
const MAX_COUNT: u64 = 256;
/// A day, in seconds.
const MAX_WINDOW: u64 = 86_400;
/// The most names of each sort that are remembered.
const MAX_CAPACITY: u64 = 1 << 20;

/// From when on something counts as out of the ordinary.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Thresholds {
    learning: u64,
    capacity: u64,
    denials: (u64, u64),
    approvals: (u64, u64),
    most: u64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Thresholds { learning: 1000, capacity: 65_536, denials: (20, 60), approvals: (3, 10), most: 60 }
    }
}

impl Thresholds {
    /// 1,000 calls to learn from, 65,536 names of each sort, 20 denials within 60 s, 3 approvals within 10 s, 60 signals of a kind a minute.
    pub fn new() -> Self {
        Thresholds::default()
    }

    /// So many calls of proven callers, from the first on, make nothing new.
    pub const fn learning(mut self, calls: u64) -> Self {
        self.learning = calls;
        self
    }

    /// So many agents, paths, tools of agents and revoked targets are remembered, each: 16 to 1,048,576.
    pub const fn capacity(mut self, names: u64) -> Self {
        self.capacity = names;
        self
    }

    /// So many denials, 2 to 256, within so many seconds, 1 to 86,400, are a burst.
    pub const fn denials(mut self, count: u64, seconds: u64) -> Self {
        self.denials = (count, seconds);
        self
    }

    /// So many approvals of one approver, 2 to 256, within so many seconds, 1 to 86,400, are too fast to have been read.
    pub const fn approvals(mut self, count: u64, seconds: u64) -> Self {
        self.approvals = (count, seconds);
        self
    }

    /// So many signals of a kind a minute, 1 to 10,000; more are counted in the next one.
    pub const fn most_per_minute(mut self, signals: u64) -> Self {
        self.most = signals;
        self
    }

    fn check(&self) -> Result<()> {
        let is_burst = |(count, seconds): (u64, u64)| (2..=MAX_COUNT).contains(&count) && (1..=MAX_WINDOW).contains(&seconds);
        let rules = [
            ((16..=MAX_CAPACITY).contains(&self.capacity), "capacity: 16 to 1,048,576 names"),
            (is_burst(self.denials), "denials: 2 to 256, within 1 to 86,400 s"),
            (is_burst(self.approvals), "approvals: 2 to 256, within 1 to 86,400 s"),
            ((1..=10_000).contains(&self.most), "most_per_minute: 1 to 10,000"),
        ];
        rules.iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, rule)| Err(Error::about(Code::ConfigInvalid, rule)))
    }
}

/// Something out of the ordinary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signal {
    kind: Kind,
    entry: u64,
    time: String,
    text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    NewAgent,
    NewPath,
    NewTool,
    DenialBurst,
    ProofReplay,
    UseAfterRevocation,
    RapidApprovals,
}

impl Kind {
    const COUNT: usize = 7;

    const fn name(self) -> &'static str {
        match self {
            Kind::NewAgent => "new-agent",
            Kind::NewPath => "new-path",
            Kind::NewTool => "new-tool",
            Kind::DenialBurst => "denial-burst",
            Kind::ProofReplay => "proof-replay",
            Kind::UseAfterRevocation => "use-after-revocation",
            Kind::RapidApprovals => "rapid-approvals",
        }
    }
}

impl Signal {
    /// What it is about: `new-agent`, `new-path`, `new-tool`, `denial-burst`, `proof-replay`, `use-after-revocation` or `rapid-approvals`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        self.kind.name()
    }

    /// The entry that it is about.
    #[must_use]
    pub const fn entry(&self) -> u64 {
        self.entry
    }

    /// Why, for people.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The record of the kind `signal`, for an audit log: one line of canonical JSON (RFC 8785). Its time is that of the record that it is about.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut out = String::with_capacity(256);
        object(&mut out, |members| {
            members.name("entry").push_str(&self.entry.to_string());
            members.text("kind", "signal");
            members.text("signal", self.kind());
            members.text("text", &self.text);
            members.text("time", &self.time);
            members.name("version").push('1');
        });
        out
    }
}

/// Watches a log, record by record. Its memory has fixed bounds, whatever the log holds.
#[derive(Clone, Debug)]
pub struct Signals {
    thresholds: Thresholds,
    learnt: u64,
    now: u64,
    agents: Names,
    paths: Names,
    tools: Names,
    revoked: Names,
    denials: Bursts,
    approvals: Bursts,
    pace: [Pace; Kind::COUNT],
}

impl Signals {
    /// Knows nothing yet. `config-invalid` for thresholds outside their bounds.
    pub fn new(thresholds: Thresholds) -> Result<Self> {
        thresholds.check()?;
        let names = || Names::new(thresholds.capacity as usize);
        let bursts = |(count, seconds): (u64, u64)| Bursts::new(count as usize, seconds * 1000);
        Ok(Signals {
            learnt: 0,
            now: 0,
            agents: names(),
            paths: names(),
            tools: names(),
            revoked: names(),
            denials: bursts(thresholds.denials),
            approvals: bursts(thresholds.approvals),
            pace: Default::default(),
            thresholds,
        })
    }

    /// What is out of the ordinary about the next record of the log.
    pub fn observe(&mut self, record: &LogRecord, sequence: u64) -> Vec<Signal> {
        if let Some(millis) = instant(&record.time).and_then(|instant| u64::try_from(instant / (NANOS / 1000)).ok()) {
            self.now = millis;
        }
        let mut found = Vec::new();
        match &*record.kind {
            "decision" => self.decision(record, &mut found),
            "approved" => self.approved(record, &mut found),
            "revoked" => self.revoked(record),
            "suppressed" => {
                let (now, count) = (self.now, record.count.unwrap_or(0));
                if self.denials.add(Name::of("unproven", [""]), now, count) {
                    found.push((Kind::DenialBurst, format!("{count} denials of unproven callers were counted in a minute")));
                }
            }
            _ => {}
        }
        found.into_iter().filter_map(|(kind, text)| self.paced(kind, text, record, sequence)).collect()
    }

    fn decision(&mut self, record: &LogRecord, found: &mut Vec<(Kind, String)>) {
        let caller = record.proof.as_ref().and(record.chain.last());
        let who = who(record);
        let tool = shown(record.tool.as_deref().unwrap_or("?"), 128);
        let code = record.code.as_deref().unwrap_or("?");
        if let Some(caller) = caller {
            self.novelty(record, caller, &who, &tool, found);
        }
        if record.is_allowed() {
            if let Some(target) = self.revoked_target(record) {
                let text = format!("{who} was allowed {tool} although this log says that {target} was revoked");
                found.push((Kind::UseAfterRevocation, text));
            }
            return;
        }
        if code == "proof-replayed" {
            found.push((Kind::ProofReplay, format!("the proof of a call of {tool} by {who} was sent again")));
        }
        if matches!(code, "token-revoked" | "key-revoked" | "agent-suspended" | "session-closed" | "task-closed" | "approval-withdrawn") {
            found.push((Kind::UseAfterRevocation, format!("{who} called {tool} and was refused: {code}")));
        }
        let of = caller.map_or_else(|| Name::of("unproven", [""]), agent);
        if self.denials.add(of, self.now, 1) {
            let (count, seconds) = self.thresholds.denials;
            let who = if caller.is_some() { &*who } else { "callers who proved nothing" };
            found.push((Kind::DenialBurst, format!("{count} denials of {who} within {seconds} s, the last {code} for {tool}")));
        }
    }

    /// Never seen before: the agent, otherwise its path, otherwise its tool. A new agent's path and tool are new with it.
    fn novelty(&mut self, record: &LogRecord, caller: &LogHolder, who: &str, tool: &str, found: &mut Vec<(Kind, String)>) {
        let caller = agent(caller);
        let mut path = vec![Name::of("issuer", [record.issuer.as_deref().unwrap_or("")])];
        path.extend(record.chain.iter().map(agent));
        let is_new_agent = self.agents.is_new(caller);
        let is_new_path = self.paths.is_new(Name::joined(&path));
        // What is refused teaches nothing: it would let a caller fill the memory with names of its own.
        let is_new_tool =
            record.is_allowed() && self.tools.is_new(Name::joined(&[caller, Name::of("tool", [record.tool.as_deref().unwrap_or("")])]));
        if self.learnt < self.thresholds.learning {
            self.learnt += 1;
            return;
        }
        if is_new_agent {
            found.push((Kind::NewAgent, format!("{who} never called before; now it called {tool}")));
        } else if is_new_path {
            let names: Vec<_> = (0..record.chain.len()).filter_map(|link| record.holder_name(link)).map(|name| shown(name, 64)).collect();
            let issuer = shown(record.issuer.as_deref().unwrap_or("?"), 64);
            found.push((Kind::NewPath, format!("{who} was never given authority this way before: {issuer} → {}", names.join(" → "))));
        }
        if is_new_tool && !is_new_agent {
            found.push((Kind::NewTool, format!("{who} never called {tool} before")));
        }
    }

    fn approved(&mut self, record: &LogRecord, found: &mut Vec<(Kind, String)>) {
        let Some(by) = &record.by else { return };
        if self.approvals.add(Name::of("approver", [by]), self.now, 1) {
            let (count, seconds) = self.thresholds.approvals;
            let who = shown(record.name.as_deref().unwrap_or(by), 128);
            found.push((Kind::RapidApprovals, format!("{who} approved {count} calls within {seconds} s")));
        }
    }

    /// Remembers targets, and forgets those that are active again. What is pending was never in use.
    fn revoked(&mut self, record: &LogRecord) {
        for target in &record.targets {
            if let Some(target) = target.strip_prefix("active ") {
                self.revoked.forget(Name::of("target", [target]));
            } else if !target.starts_with("pending ") {
                self.revoked.is_new(Name::of("target", [target.strip_prefix("suspended ").unwrap_or(target)]));
            }
        }
    }

    /// Something that a decision rests on and that was revoked.
    fn revoked_target(&self, record: &LogRecord) -> Option<String> {
        if self.revoked.is_empty() {
            return None;
        }
        let of_chain = record.chain.iter().flat_map(|holder| [format!("token:{}", holder.token), format!("key:{}", holder.key)]);
        let session = record.session.iter().map(|session| format!("session:{session}"));
        let task = record.task.iter().map(|task| format!("task:{task}"));
        let issuer = record.issuer_key.iter().map(|key| format!("key:{key}"));
        let approvals = record.approvals.iter().flat_map(|one| [format!("approval:{}", one.id), format!("key:{}", one.approver)]);
        of_chain.chain(session).chain(task).chain(issuer).chain(approvals).find(|target| self.revoked.has(Name::of("target", [target])))
    }

    fn paced(&mut self, kind: Kind, mut text: String, record: &LogRecord, sequence: u64) -> Option<Signal> {
        let left_out = self.pace[kind as usize].take(self.now, self.thresholds.most)?;
        if left_out > 0 {
            text.push_str(&format!("; {left_out} more of these were not told before"));
        }
        Some(Signal { kind, entry: sequence, time: record.time.clone(), text })
    }
}

/// An agent is who its verified identity says; without one it is its key.
fn agent(holder: &LogHolder) -> Name {
    match &holder.identity {
        Some(identity) => Name::of("identity", [&*identity.authority, &identity.name]),
        None => Name::of("key", [&*holder.key]),
    }
}

fn who(record: &LogRecord) -> String {
    match (record.caller_name(), &record.proof) {
        (None, _) => "an unverified caller".to_owned(),
        (Some(name), None) => format!("somebody with a token of {}", shown(name, 128)),
        (Some(name), Some(_)) => shown(name, 128),
    }
}
