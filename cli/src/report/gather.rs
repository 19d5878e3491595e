//! What a report says, gathered from the records as they go by, in memory that does not grow with the log.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use deputize::LogRecord;

use super::chart::Chart;
use super::graph::Graph;
use super::html::SENTENCE;
use crate::audit::Record;
use crate::time;

/// Rows of a table: the latest.
pub(super) const ROWS: usize = 50;
/// Rows of the list of everything: the latest.
pub(super) const LATEST: usize = 200;
/// Agents, codes, tokens and entries that are remembered.
const MOST: usize = 10_000;
/// Codes that are counted one by one; and codes and tools of one agent.
const CODES: usize = 500;
pub(super) const FEW: usize = 16;
/// Denials further apart than this belong to different incidents.
const QUIET: u64 = 3_600_000;

/// The latest of many.
#[derive(Debug)]
pub(super) struct Latest<T> {
    pub(super) rows: VecDeque<T>,
    pub(super) all: u64,
    most: usize,
}

impl<T> Latest<T> {
    const fn new(most: usize) -> Self {
        Latest { rows: VecDeque::new(), all: 0, most }
    }

    fn push(&mut self, row: T) {
        self.all += 1;
        self.rows.push_back(row);
        if self.rows.len() > self.most {
            self.rows.pop_front();
        }
    }
}

/// What is known of one agent.
#[derive(Debug, Default)]
pub(super) struct Agent {
    pub(super) name: String,
    pub(super) principal: Option<String>,
    pub(super) allowed: u64,
    pub(super) denied: u64,
    pub(super) codes: BTreeMap<String, u64>,
    pub(super) tools: BTreeMap<String, u64>,
    pub(super) last: String,
    pub(super) is_revoked: bool,
    /// The first and the last denial of an incident, and its first signal.
    trouble: Option<(u64, u64)>,
    signal: Option<u64>,
}

/// The call that a reader should know of.
#[derive(Debug)]
pub(super) struct Headline {
    pub(super) sequence: u64,
    pub(super) record: LogRecord,
    pub(super) arguments: Option<String>,
    /// `succeeded` or `failed`, once somebody said so.
    pub(super) result: Option<String>,
}

#[derive(Debug)]
pub(super) struct Approval {
    pub(super) sequence: u64,
    pub(super) record: LogRecord,
    /// The entry of the call that it counted for.
    pub(super) used: Option<u64>,
}

/// What became of something that was revoked, in milliseconds.
#[derive(Debug)]
pub(super) struct Revoked {
    pub(super) sequence: u64,
    pub(super) time: String,
    pub(super) by: Option<String>,
    pub(super) target: String,
    pub(super) more: u64,
    /// The agent, where the log knows it.
    pub(super) name: Option<String>,
    key: Option<String>,
    millis: Option<u64>,
    /// From the first denial to the signal.
    pub(super) to_detect: Option<u64>,
    /// From the first denial to the revocation.
    pub(super) to_revoke: Option<u64>,
    /// From the revocation to its first refused use.
    pub(super) to_refuse: Option<u64>,
}

#[derive(Debug)]
pub(super) struct Row {
    pub(super) sequence: u64,
    pub(super) kind: &'static str,
    pub(super) time: String,
    pub(super) sentence: String,
    pub(super) arguments: Option<String>,
}

#[derive(Debug)]
pub(super) struct Signal {
    pub(super) sequence: u64,
    pub(super) record: LogRecord,
}

#[derive(Debug)]
pub(super) struct Facts {
    pub(super) entries: u64,
    pub(super) origin: Option<String>,
    pub(super) first: Option<String>,
    pub(super) last: String,
    pub(super) allowed: u64,
    pub(super) denied: u64,
    pub(super) unproven: u64,
    pub(super) suppressed: u64,
    pub(super) codes: BTreeMap<String, u64>,
    pub(super) agents: HashMap<String, Agent>,
    pub(super) chart: Chart,
    pub(super) graph: Graph,
    pub(super) headline: Option<Headline>,
    pub(super) approvals: Latest<Approval>,
    pub(super) revoked: Latest<Revoked>,
    pub(super) signals: Latest<Signal>,
    pub(super) latest: Latest<Row>,
    /// Allowed calls without an outcome, by proof; and those that were forgotten.
    open: HashSet<String>,
    forgotten: u64,
    /// Who called in the latest entries, for signals that name one.
    callers: VecDeque<(u64, String)>,
    /// Whose each token is.
    holders: HashMap<String, String>,
    /// What was said last of each target of a revocation.
    states: HashMap<String, String>,
}

impl Facts {
    pub(super) fn new() -> Self {
        Facts {
            entries: 0,
            origin: None,
            first: None,
            last: String::new(),
            allowed: 0,
            denied: 0,
            unproven: 0,
            suppressed: 0,
            codes: BTreeMap::new(),
            agents: HashMap::new(),
            chart: Chart::default(),
            graph: Graph::default(),
            headline: None,
            approvals: Latest::new(ROWS),
            revoked: Latest::new(ROWS),
            signals: Latest::new(ROWS),
            latest: Latest::new(LATEST),
            open: HashSet::new(),
            forgotten: 0,
            callers: VecDeque::new(),
            holders: HashMap::new(),
            states: HashMap::new(),
        }
    }

    /// Allowed calls of which nobody said how they ended.
    pub(super) fn open(&self) -> u64 {
        self.open.len() as u64 + self.forgotten
    }

    pub(super) fn add(&mut self, sequence: u64, record: Option<Record>) {
        self.entries += 1;
        let Some(Record { record, arguments }) = record else {
            let sentence = "a record that cannot be read as one".to_owned();
            return self.latest.push(Row { sequence, kind: "", time: String::new(), sentence, arguments: None });
        };
        if self.first.is_none() {
            (self.first, self.origin) = (Some(record.time.clone()), record.origin.clone());
        }
        self.last.clone_from(&record.time);
        for holder in &record.chain {
            if self.holders.len() < MOST {
                self.holders.entry(brief(&holder.token)).or_insert_with(|| brief(&holder.key));
            }
        }
        let kind = match &*record.kind {
            "decision" => self.decision(sequence, &record, arguments.as_ref()),
            "issued" | "delegated" => {
                self.graph.gave(&record);
                self.name_agents(&record);
                "gave"
            }
            "approved" | "refused" => {
                let class = if record.kind == "approved" { "approved" } else { "deny" };
                self.approvals.push(Approval { sequence, record: record.clone(), used: None });
                class
            }
            "revoked" => {
                self.revoke(sequence, &record);
                "revoked"
            }
            "signal" => {
                self.signal(&record);
                self.signals.push(Signal { sequence, record: record.clone() });
                "signal"
            }
            "outcome" => {
                self.outcome(&record);
                if record.result.as_deref() == Some("failed") { "failed" } else { "" }
            }
            "suppressed" => {
                self.suppressed = self.suppressed.saturating_add(record.count.unwrap_or(0));
                for (code, count) in &record.suppressed {
                    let all = slot(&mut self.codes, code, CODES);
                    *all = all.saturating_add(*count);
                }
                ""
            }
            _ => "",
        };
        let sentence = record.to_sentence();
        let sentence = sentence.split_once(' ').map_or(&*sentence, |(_, what)| what).chars().take(SENTENCE).collect();
        self.latest.push(Row { sequence, kind, time: record.time, sentence, arguments });
    }

    fn name_agents(&mut self, record: &LogRecord) {
        for (link, holder) in record.chain.iter().enumerate() {
            if let Some(agent) = self.agent(&holder.key)
                && agent.name.is_empty()
            {
                agent.name = brief(record.holder_name(link).unwrap_or(&holder.key));
                agent.principal = record.principal.as_deref().map(brief);
            }
        }
    }

    fn agent(&mut self, key: &str) -> Option<&mut Agent> {
        let key = brief(key);
        if self.agents.len() >= MOST && !self.agents.contains_key(&key) {
            return None;
        }
        Some(self.agents.entry(key).or_default())
    }

    fn decision(&mut self, sequence: u64, record: &LogRecord, arguments: Option<&String>) -> &'static str {
        let millis = time::of_record(&record.time);
        let is_allowed = record.is_allowed();
        let code = record.code.as_deref().unwrap_or("?");
        if is_allowed {
            self.allowed += 1
        } else {
            self.denied += 1
        }
        *slot(&mut self.codes, code, CODES) += 1;
        if let Some(millis) = millis {
            self.chart.add(millis, is_allowed);
        }
        self.graph.called(record);
        self.name_agents(record);
        self.first_use(record, code, millis);
        if record.proof.is_none() {
            self.unproven += u64::from(!is_allowed);
        } else if let Some(holder) = record.chain.last() {
            self.callers.push_back((sequence, brief(&holder.key)));
            if self.callers.len() > MOST {
                self.callers.pop_front();
            }
            let name = record.caller_name().map(brief);
            if let Some(agent) = self.agent(&holder.key) {
                agent.name = name.unwrap_or_default();
                agent.principal = record.principal.as_deref().map(brief);
                agent.last = brief(&record.time);
                *slot(&mut agent.tools, record.tool.as_deref().unwrap_or("?"), FEW) += 1;
                if is_allowed {
                    agent.allowed += 1;
                } else {
                    agent.denied += 1;
                    *slot(&mut agent.codes, code, FEW) += 1;
                    if let Some(millis) = millis.filter(|_| code != "approval-required") {
                        let first = agent.trouble.filter(|(_, last)| millis.saturating_sub(*last) < QUIET).map(|(first, _)| first);
                        if first.is_none() {
                            agent.signal = None;
                        }
                        agent.trouble = Some((first.unwrap_or(millis), millis));
                    }
                }
            }
        }
        if is_allowed {
            self.allow(sequence, record, arguments);
            return "allow";
        }
        "deny"
    }

    fn allow(&mut self, sequence: u64, record: &LogRecord, arguments: Option<&String>) {
        for approval in self.approvals.rows.iter_mut() {
            if record.approvals.iter().any(|counted| Some(&counted.id) == approval.record.id.as_ref()) {
                approval.used = Some(sequence);
            }
        }
        if let Some(proof) = &record.proof {
            if self.open.len() < MOST {
                self.open.insert(brief(proof));
            } else {
                self.forgotten += 1;
            }
        }
        // What took the most people to allow; of those the latest.
        let weight = |record: &LogRecord| record.approvals.len();
        if self.headline.as_ref().is_none_or(|headline| weight(record) >= weight(&headline.record)) {
            self.headline = Some(Headline { sequence, record: record.clone(), arguments: arguments.cloned(), result: None });
        }
    }

    fn outcome(&mut self, record: &LogRecord) {
        let Some(proof) = &record.proof else { return };
        if !self.open.remove(&brief(proof)) {
            self.forgotten = self.forgotten.saturating_sub(1);
        }
        if let Some(headline) = self.headline.as_mut().filter(|headline| headline.record.proof.as_ref() == Some(proof)) {
            headline.result.clone_from(&record.result);
        }
    }

    fn signal(&mut self, record: &LogRecord) {
        let (Some(entry), Some(millis)) = (record.entry, time::of_record(&record.time)) else { return };
        let Ok(at) = self.callers.binary_search_by_key(&entry, |(sequence, _)| *sequence) else { return };
        let key = self.callers[at].1.clone();
        if let Some(agent) = self.agents.get_mut(&key) {
            agent.signal.get_or_insert(millis);
        }
    }

    fn revoke(&mut self, sequence: u64, record: &LogRecord) {
        let millis = time::of_record(&record.time);
        // A full list says again what lists before it said.
        let new: Vec<_> = record.targets.iter().filter(|target| self.is_new(target)).collect();
        let unnamed = record.count.unwrap_or(0).saturating_sub(record.targets.len() as u64);
        let left = new.len().saturating_sub(ROWS) as u64 + unnamed;
        // Of an agent of which a key and a token are named, both end the same incident.
        let mut ended: HashMap<String, (Option<u64>, Option<u64>)> = HashMap::new();
        for (at, target) in new.into_iter().take(ROWS).enumerate() {
            let what = what(target);
            let key = match what.split_once(':') {
                Some(("key", key)) => Some(brief(key)),
                Some(("token", token)) => self.holders.get(&brief(token)).cloned(),
                _ => None,
            };
            let is_active = target.starts_with("active ");
            let mut row = Revoked {
                sequence,
                time: record.time.clone(),
                by: record.authority.clone().or_else(|| record.issuer.clone()),
                target: target.clone(),
                more: if at == 0 { left } else { 0 },
                name: None,
                key: None,
                millis,
                to_detect: None,
                to_revoke: None,
                to_refuse: None,
            };
            if let Some(agent) = key.as_ref().and_then(|key| self.agents.get_mut(key)) {
                row.name = Some(agent.name.clone());
                if let (Some((first, _)), false) = (agent.trouble.take(), is_active) {
                    let to_detect = agent.signal.take().and_then(|signal| signal.checked_sub(first));
                    ended.insert(key.clone().unwrap_or_default(), (to_detect, millis.and_then(|millis| millis.checked_sub(first))));
                }
                if let (Some(times), false) = (key.as_ref().and_then(|key| ended.get(key)), is_active) {
                    (row.to_detect, row.to_revoke) = *times;
                }
                if what.starts_with("key:") {
                    agent.is_revoked = !is_active;
                    if !is_active {
                        self.graph.revoked(key.as_deref().unwrap_or_default());
                    }
                }
            }
            row.key = key.filter(|_| !is_active);
            self.revoked.push(row);
        }
    }

    /// Whether something else was said of a target before, or nothing.
    fn is_new(&mut self, target: &str) -> bool {
        let (target, what) = (brief(target), brief(what(target)));
        if self.states.len() >= MOST && !self.states.contains_key(&what) {
            return true;
        }
        self.states.insert(what, target.clone()).is_none_or(|before| before != target)
    }

    /// The first use of something that was revoked: its denial says so.
    fn first_use(&mut self, record: &LogRecord, code: &str, millis: Option<u64>) {
        let is_refusal =
            matches!(code, "key-revoked" | "token-revoked" | "agent-suspended" | "agent-pending" | "session-closed" | "task-closed");
        let (true, Some(millis), Some(holder)) =
            (is_refusal, millis, record.link.and_then(|link| record.chain.get(usize::try_from(link).ok()?)))
        else {
            return;
        };
        let key = brief(&holder.key);
        for row in self.revoked.rows.iter_mut().filter(|row| row.key.as_ref() == Some(&key) && row.to_refuse.is_none()) {
            row.to_refuse = row.millis.and_then(|revoked| millis.checked_sub(revoked));
        }
    }
}

/// A target without what happened to it: `suspended`, `pending` or `active`; nothing if it was revoked.
fn what(target: &str) -> &str {
    ["suspended ", "pending ", "active "].iter().find_map(|state| target.strip_prefix(state)).unwrap_or(target)
}

/// The count of a name; of too many names, that of all others.
pub(super) fn slot<'a>(counts: &'a mut BTreeMap<String, u64>, name: &str, most: usize) -> &'a mut u64 {
    let name = brief(name);
    let is_known = counts.len() < most || counts.contains_key(&name);
    counts.entry(if is_known { name } else { "others".to_owned() }).or_default()
}

/// Of a name, key or id, as much as one that the library made has.
pub(super) fn brief(text: &str) -> String {
    text.chars().take(256).collect()
}
