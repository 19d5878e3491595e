//! One table of what the benchmarks measured: ratios to one Ed25519 verification of the same run, our targets beside them, and the peers.
//!
//! Of the samples of a benchmark the lower decile counts, for the unit as for everything else: other work on the machine only ever adds.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

#[derive(Deserialize)]
struct Benchmark {
    group_id: String,
    function_id: Option<String>,
}

#[derive(Deserialize)]
struct Sample {
    iters: Vec<f64>,
    times: Vec<f64>,
}

impl Sample {
    /// Nanoseconds per iteration.
    fn time(&self) -> Option<f64> {
        let mut each: Vec<f64> = self.iters.iter().zip(&self.times).map(|(iterations, time)| time / iterations).collect();
        each.sort_by(f64::total_cmp);
        each.get(each.len() / 10).copied()
    }
}

/// Times by group and name.
#[derive(Default)]
struct Times(BTreeMap<(String, String), f64>);

impl Times {
    fn read(&mut self, folder: &Path) {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.file_name().is_some_and(|name| name == "new") {
                self.add(&path);
            } else if path.is_dir() {
                self.read(&path);
            }
        }
    }

    fn add(&mut self, folder: &Path) -> Option<()> {
        let text = |name| std::fs::read_to_string(folder.join(name)).ok();
        let benchmark: Benchmark = serde_json::from_str(&text("benchmark.json")?).ok()?;
        let sample: Sample = serde_json::from_str(&text("sample.json")?).ok()?;
        self.0.insert((benchmark.group_id, benchmark.function_id?), sample.time()?);
        Some(())
    }

    fn time(&self, group: &str, name: &str) -> Option<f64> {
        self.0.get(&(group.to_owned(), name.to_owned())).copied()
    }

    /// In units: one verification, as fast as any group of the same program saw it.
    fn ratio(&self, group: &str, name: &str) -> Option<f64> {
        let of_peers = |group: &str| group.starts_with("peers/");
        let units = self.0.iter().filter(|((other, name), _)| name == "verification" && of_peers(other) == of_peers(group));
        Some(self.time(group, name)? / units.map(|(_, time)| *time).min_by(f64::total_cmp)?)
    }

    fn names(&self, group: &str) -> impl Iterator<Item = &str> {
        self.0.keys().filter(move |(of, _)| of == group).map(|(_, name)| name.as_str())
    }
}

/// One line of the first table: what it is, in units, the bound, and how often the bound's own measure it takes.
struct Line {
    what: String,
    ratio: f64,
    most: f64,
    of: &'static str,
    measured: f64,
}

fn lines(times: &Times) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut add = |what: String, ratio: Option<f64>, floor: Option<f64>, most: f64, of: &'static str| {
        if let (Some(ratio), Some(floor)) = (ratio, floor) {
            lines.push(Line { what, ratio, most, of, measured: ratio / floor });
        }
    };
    for depth in deputize_peers::DEPTHS {
        let floor = times.ratio("cold", &format!("floor {depth}"));
        add(format!("cold, tokens: {depth}"), times.ratio("cold", &depth.to_string()), floor, 1.06, "floor");
    }
    for name in times.names("warm").filter(|name| *name != "verification" && !name.ends_with("text")) {
        add(format!("warm, tokens: {name}"), times.ratio("warm", name), Some(1.0), 1.05, "verification");
    }
    for name in times.names("make").filter(|name| !matches!(*name, "verification" | "signature")) {
        add(name.to_owned(), times.ratio("make", name), times.ratio("make", "signature"), 1.05, "signature");
    }
    for name in times.names("constraints") {
        let most = match name.split_once(": ") {
            Some(("check", _)) => 0.02,
            Some(("narrower", _)) => 0.05,
            Some(("worst", _)) => 2.0,
            _ => continue,
        };
        add(format!("constraints, {name}"), times.ratio("constraints", name), Some(1.0), most, "verification");
    }
    for (name, of, most) in [("look-up, miss", 1.0, 0.004), ("chain of 4", 1.0, 0.05), ("load a million", 1_000_000.0, 0.01)] {
        let what = if of > 1.0 { format!("revocation, {name}, each") } else { format!("revocation, {name}") };
        add(what, times.ratio("revocation", name).map(|ratio| ratio / of), Some(1.0), most, "verification");
    }
    for name in times.names("refuse").filter(|name| *name != "verification" && !name.ends_with("accept")) {
        let ratio = times.ratio("refuse", name);
        match name.split_once(", ").filter(|(state, _)| state.starts_with("warm") || state.starts_with("cold")) {
            None => add(format!("refused: {name}"), ratio, Some(1.0), 0.05, "verification"),
            // Twice the same work differs by this much from run to run.
            Some((state, _)) => add(format!("refused: {name}"), ratio, times.ratio("refuse", &format!("{state}, accept")), 1.03, "accept"),
        }
    }
    lines
}

fn print_targets(times: &Times) {
    println!("| | verifications | target | measured | |\n|---|---:|---:|---:|---|");
    for Line { what, ratio, most, of, measured } in lines(times) {
        let met = if measured <= most { "✓" } else { "✗" };
        println!("| {what} | {ratio:.4} | ≤ {most} × {of} | {measured:.4} | {met} |");
    }
    println!("\n| part | verifications |\n|---|---:|");
    let signature = times.ratio("make", "signature").map(|ratio| ("signature", ratio));
    let parts = times.names("parts").filter(|name| *name != "verification");
    for (name, ratio) in signature.into_iter().chain(parts.filter_map(|name| Some((name, times.ratio("parts", name)?)))) {
        println!("| {name} | {ratio:.3} |");
    }
}

fn print_peers(times: &Times) {
    let groups: std::collections::BTreeSet<&str> = times.0.keys().map(|(group, _)| group.as_str()).collect();
    println!("\n| in verifications | mint | delegate | 1 link | 2 | 4 | 8 |\n|---|---:|---:|---:|---:|---:|---:|");
    for (group, peer) in groups.into_iter().filter_map(|group| Some((group, group.strip_prefix("peers/")?))) {
        let cells = ["mint", "delegate", "1", "2", "4", "8"].map(|name| match times.ratio(group, name) {
            Some(ratio) => format!("{ratio:.2}"),
            None => "–".to_owned(),
        });
        println!("| {peer} | {} |", cells.join(" | "));
    }
    println!("\nbiscuit-auth has no proof of possession, so its presentations are bearer tokens and it verifies one signature less;");
    println!("tenuo's proof names no audience; jsonwebtoken has no chains, so that one is the least that could be written by hand.");
}

fn main() {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    let folder = std::env::var_os("CRITERION_HOME").map_or_else(|| target.join("criterion"), PathBuf::from);
    let mut times = Times::default();
    times.read(&folder);
    if times.0.is_empty() {
        eprintln!("nothing was measured yet: run `cargo bench` first");
        std::process::exit(1);
    }
    print_targets(&times);
    print_peers(&times);
}
