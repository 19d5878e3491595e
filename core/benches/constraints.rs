//! The cost of constraints, beside one Ed25519 verification: a call's arguments, a hop's narrowing, and the worst that fits within the limits.

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BatchSize, BenchmarkGroup, Criterion, criterion_group, criterion_main};
use deputize::*;
use ed25519_dalek::{Signer as _, Verifier as _};

fn measure<I, O>(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, setup: impl FnMut() -> I, routine: impl FnMut(I) -> O) {
    let (mut setup, mut routine) = (setup, routine);
    group.bench_function(name, |bencher| bencher.iter_batched(&mut setup, &mut routine, BatchSize::NumIterations(16)));
}

fn url() -> Constraint {
    Constraint::url(UrlRule { path: Some("/repos/acme/**".into()), ..UrlRule::hosts(["api.github.com"]) }).unwrap()
}

fn typical() -> Vec<(&'static str, Constraint, Value)> {
    vec![
        ("path", Constraint::path("/data").unwrap(), "/data/reports/q3.csv".into()),
        ("glob", Constraint::glob("/data/reports/*.csv").unwrap(), "/data/reports/q3.csv".into()),
        ("regex", Constraint::regex("[A-Za-z0-9-]{1,39}/[A-Za-z0-9._-]{1,100}").unwrap(), "acme/web-shop".into()),
        ("url", url(), "https://api.github.com/repos/acme/app/pulls?state=open".into()),
        ("email", Constraint::email(["*.acme.com", "acme.com"]).unwrap(), "ana.b@acme.com".into()),
        ("cidr", Constraint::cidr("10.0.0.0/8").unwrap(), "10.11.12.13".into()),
        ("time window", Constraint::time_window(None, Some(Timestamp::MAX)).unwrap(), "2026-11-21T12:00:00Z".into()),
    ]
}

fn of(rules: ArgumentRules) -> Tools {
    Tools::new().allow("t", rules).unwrap()
}

/// Arguments of a call, without a signature in sight: `Tools` decides as a verifier asks it to.
fn check(group: &mut BenchmarkGroup<'_, WallTime>) {
    let rules = ArgumentRules::new()
        .required("repo", Constraint::one_of(["acme/app", "acme/web"]).unwrap())
        .required("branch", Constraint::glob("feature/*").unwrap())
        .required("file", Constraint::path("/src").unwrap());
    let arguments = [("repo", "acme/app"), ("branch", "feature/login-form"), ("file", "/src/login/form.rs")];
    let arguments = Arguments::new(arguments.map(|(name, value)| (name.into(), value.into())).into()).unwrap();
    let tools = of(rules);
    tools.check("t", &arguments).unwrap();
    measure(group, "check: three arguments", || (), |()| black_box(&tools).check("t", black_box(&arguments)).is_ok());
    for (name, constraint, value) in typical() {
        assert!(constraint.accepts(&value), "{name}");
        measure(group, &format!("check, part: {name}"), || (), |()| black_box(&constraint).accepts(black_box(&value)));
    }
}

fn hops(group: &mut BenchmarkGroup<'_, WallTime>) {
    let wide = of(ArgumentRules::new()
        .required("repo", Constraint::one_of(["acme/app", "acme/web", "acme/api"]).unwrap())
        .required("branch", Constraint::glob("feature/*").unwrap())
        .required("file", Constraint::path("/src").unwrap()));
    let narrow = of(ArgumentRules::new()
        .required("repo", Constraint::one_of(["acme/app", "acme/web"]).unwrap())
        .required("branch", Constraint::glob("feature/login-*").unwrap())
        .required("file", Constraint::glob("/src/login/*.rs").unwrap()));
    wide.subsumes(&narrow).unwrap();
    measure(group, "narrower: three arguments", || (), |()| black_box(&wide).subsumes(black_box(&narrow)).is_ok());
    let value = of(ArgumentRules::new()
        .required("repo", Constraint::exact("acme/app").unwrap())
        .required("branch", Constraint::exact("feature/login-form").unwrap())
        .required("file", Constraint::one_of(["/src/login/form.rs", "/src/login/page.rs"]).unwrap()));
    narrow.subsumes(&value).unwrap();
    measure(group, "narrower: down to values", || (), |()| black_box(&narrow).subsumes(black_box(&value)).is_ok());
}

/// Constraints as they come from a token: nothing is compiled yet.
fn fresh(encoding: &[u8]) -> Constraint {
    Constraint::decode(encoding).unwrap()
}

fn nested(parts: usize, depth: usize, leaf: &dyn Fn(usize) -> Constraint) -> Constraint {
    let below = |at| if depth == 1 { leaf(at) } else { nested(parts, depth - 1, leaf) };
    let parts = (0..parts).map(below).collect();
    if depth.is_multiple_of(2) { Constraint::all(parts).unwrap() } else { Constraint::any_of(parts).unwrap() }
}

fn worst(group: &mut BenchmarkGroup<'_, WallTime>) {
    let regex = |pattern: &str| Constraint::regex(pattern).unwrap();
    let letters = |offset: usize| {
        move |at: usize| Constraint::regex(&format!("[a-z]*{}[a-z]*", (b'a' + ((at + offset) % 26) as u8) as char)).unwrap()
    };
    let numbers: Vec<i64> = (0..5000).collect();
    let cases = [
        ("two to the power of states", regex("(a|b)*a(a|b){200}"), regex("(a|b)*b(a|b){200}")),
        ("categories", regex(r"(\p{L}|\p{N})*"), regex(r"(\p{Lu}|\p{Ll}|\p{Nd})*")),
        ("all and any, 16 × 16", nested(16, 2, &letters(0)), nested(16, 2, &letters(1))),
        (
            "all and any, 4 to the power of 6",
            nested(4, 6, &|at| Constraint::glob(&format!("a{at}*")).unwrap()),
            nested(4, 6, &|at| Constraint::glob(&format!("*b{at}")).unwrap()),
        ),
        (
            "exclusions",
            Constraint::not_one_of(numbers.iter().copied()).unwrap(),
            Constraint::range(Range::at_least(Number::Integer(-9))).unwrap(),
        ),
        ("long texts", Constraint::length(0, Some(1_000_000)).unwrap(), Constraint::glob("**").unwrap()),
        ("alternatives", regex(&["abcdefgh"; 60].join("|")), regex(&["abcdefg[hi]"; 50].join("|"))),
    ];
    for (name, parent, child) in cases {
        let encodings = [parent.encode(), child.encode()];
        let pair = || [fresh(&encodings[0]), fresh(&encodings[1])];
        // Just read, as they are when a token is verified; what comes out is dropped outside of what is measured.
        group.bench_function(format!("worst: {name}"), |bencher| {
            let judge = |[parent, child]: [Constraint; 2]| (black_box(&parent).subsumes(black_box(&child)), parent, child);
            bencher.iter_batched(pair, judge, BatchSize::PerIteration);
        });
    }
    let slow = Constraint::regex("(a|aa|aaa|aaaa){1,45}b").unwrap();
    let text = Value::from("a".repeat(4000));
    measure(group, "worst: a text that nearly matches", || (), |()| black_box(&slow).accepts(black_box(&text)));
}

fn constraints(c: &mut Criterion) {
    let mut group = c.benchmark_group("constraints");
    let signing = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
    let (key, message) = (signing.verifying_key(), [5; 360]);
    let signature = signing.sign(&message);
    measure(&mut group, "verification", || (), |()| black_box(&key).verify(black_box(&message), &signature).is_ok());
    check(&mut group);
    hops(&mut group);
    worst(&mut group);
}

fn brief() -> Criterion {
    Criterion::default().sample_size(30).warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_millis(800))
}

criterion_group! { name = all; config = brief(); targets = constraints }
criterion_main!(all);
