//! What a record of the audit log costs: appended, checked, and watched.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use deputize::{LogCheck, LogHead, LogRecord, Signals, Thresholds};

/// A record as decisions have them: three holders with names and reasons, 1.1 KB.
fn record(number: u64) -> String {
    let holder = |name: &str| {
        format!(
            r#"{{"key":"did:key:z6MkjUbGiwFfVaEMKLjvFjZDUpj2aYCks4ktUMriHhCUFJ4F","name":"{name}","reason":"fix the login of the website","token":"{number:032x}"}}"#
        )
    };
    format!(
        r#"{{"arguments_digest":"{number:064x}","audience":"https://tools.acme.example","chain":[{},{},{}],"code":"allowed","context":"tenant:1/task:7","decision":"allow","issuer":"ana","issuer_key":"did:key:z6MkobwvMQDs5msNRV9hb2eVUjH2cFqoDooVRqXLofcCY7zJ","kind":"decision","mode":"on_behalf_of","principal":"ana","proof":"{number:032x}","session":"a0a1a2a3a4a5a6a7a8a9aaabacadaeaf","time":"2026-11-21T08:00:00.000Z","tool":"github.update_pr","version":1}}"#,
        holder("planner"),
        holder("coder"),
        holder("tester")
    )
}

fn log(c: &mut Criterion) {
    const COUNT: u64 = 10_000;
    let records: Vec<_> = (0..COUNT).map(record).collect();
    let mut head = LogHead::default();
    let lines: String = records.iter().map(|record| head.append(record).expect("a record")).collect();
    let mut group = c.benchmark_group("log");
    group.throughput(Throughput::Elements(COUNT));
    group.bench_function("append", |b| {
        b.iter(|| {
            let mut head = LogHead::default();
            records.iter().map(|record| head.append(record).expect("a record").len()).sum::<usize>()
        });
    });
    group.bench_function("check", |b| {
        b.iter(|| {
            let mut check = LogCheck::new([]);
            lines.as_bytes().chunks(65_536).for_each(|piece| check.push(piece).expect("whole"));
            check.finish().expect("whole")
        });
    });
    group.bench_function("watch", |b| {
        b.iter(|| {
            let mut signals = Signals::new(Thresholds::new()).expect("thresholds");
            let observed = records.iter().zip(0..).map(|(record, sequence)| {
                let record = LogRecord::from_json(record).expect("a record");
                signals.observe(&record, sequence).len()
            });
            observed.sum::<usize>()
        });
    });
    group.finish();
}

criterion_group!(benches, log);
criterion_main!(benches);
