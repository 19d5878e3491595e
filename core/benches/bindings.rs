//! The call that the bindings repeat: it writes presentations and signatures into a file, with how long each took here. The scripts in
//! `bindings-python/benches` and `bindings-node/benches` take the file, do the same with the same bytes, and print the ratios.

use std::hint::black_box;
use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use deputize::*;
use serde_json::json;

#[allow(dead_code)]
mod scene;
use scene::{AUDIENCE, Scene, TOOL, deeper, entries, key, now, verifier};

/// Few calls in a round, so that some round is not disturbed.
const CALLS: usize = 100;
const ROUNDS: usize = 200;
const DEPTH: usize = 2;

/// The nanoseconds of one call in the fastest of all rounds. Each round begins with `prepare` and is at another place on the stack.
fn fastest<T>(prepare: impl Fn() -> T, work: impl Fn(&T, usize)) -> f64 {
    let round = |round| {
        let prepared = prepare();
        deeper(round % 16, || {
            let start = Instant::now();
            (0..CALLS).for_each(|number| work(&prepared, number));
            start.elapsed().as_nanos() as f64 / CALLS as f64
        })
    };
    (0..ROUNDS).map(round).min_by(f64::total_cmp).expect("a round")
}

fn main() {
    let Some(file) = std::env::args().skip(1).find(|argument| !argument.starts_with("--")) else { return };
    let mut scene = Scene::new();
    let chain = scene.chain(DEPTH);
    let presentations: Vec<Vec<u8>> = (0..=CALLS).map(|_| scene.prove(&chain, DEPTH).encode().to_vec()).collect();
    let signer = key(0);
    let messages: Vec<Vec<u8>> = (0..CALLS).map(|number| [&number.to_le_bytes()[..], &[5; 352]].concat()).collect();
    let signatures: Vec<Signature> = messages.iter().map(|message| signer.sign(message).expect("a signature")).collect();

    let verification =
        fastest(|| (), |(), number| signer.verifying_key().verify(&messages[number], &signatures[number]).expect("it is of this key"));
    let authorize = |verifier: &Verifier, presentation: &[u8]| {
        let arguments = Arguments::new(entries()).expect("arguments");
        black_box(verifier.authorize(presentation, &Call::new(TOOL, &arguments), now()).expect("it is allowed"));
    };
    let warm = || {
        let verifier = verifier(MemoryStore::new(CALLS + 1, now()).expect("a store"));
        authorize(&verifier, &presentations[CALLS]);
        verifier
    };
    let call = fastest(warm, |verifier, number| authorize(verifier, &presentations[number]));

    let text = |bytes: &Vec<u8>| BASE64.encode(bytes);
    let shared = json!({
        "now_ms": now().millis(),
        "issuer": BASE64.encode(signer.verifying_key().as_bytes()),
        "audience": AUDIENCE,
        "tool": TOOL,
        "arguments": {"repo": "acme/app", "number": 1719, "labels": ["bug", "urgent"]},
        "rounds": ROUNDS,
        "messages": messages.iter().map(text).collect::<Vec<_>>(),
        "signatures": signatures.iter().map(|signature| BASE64.encode(signature)).collect::<Vec<_>>(),
        "presentations": presentations.iter().map(text).collect::<Vec<_>>(),
        "rust_ns": {"verification": verification, "authorize": call},
    });
    std::fs::write(&file, shared.to_string()).expect("the file");
    println!("| warm authorize | verifications | of Rust |\n|---|---:|---:|");
    println!("| Rust | {:.3} | 1.000 |", call / verification);
}
