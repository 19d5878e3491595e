//! Authority gets narrower hop by hop: a path, a glob below it, two files, one. Who asks for more is told a value.
use deputize::os::{SysRng, generate_key, now};
use deputize::{ArgumentRules, Arguments, Call, Constraint, Grant, MemoryStore, Tools, TrustAnchor, UnverifiedChain, Value, Verifier};

const SERVER: &str = "https://git.acme.example";

fn read_file(path: Constraint) -> deputize::Result<Tools> {
    Tools::new().allow("read_file", ArgumentRules::new().required("path", path))
}

/// What the holder of the last token may do.
fn held(chain: &UnverifiedChain) -> deputize::Result<Tools> {
    Ok(chain.unverified_claims()?.pop().map(|claims| claims.tools).unwrap_or_default())
}

/// What it may read.
fn reading(chain: &UnverifiedChain) -> Result<Constraint, Box<dyn std::error::Error>> {
    let tools = held(chain)?;
    let path = tools.rules("read_file").and_then(|rules| rules.iter().next()).map(|(_, constraint, _)| constraint.clone());
    Ok(path.ok_or("nothing may be read")?)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (ana, planner, coder) = (generate_key()?, generate_key()?, generate_key()?);
    let (reviewer, linter, stranger) = (generate_key()?, generate_key()?, generate_key()?);

    // A path: all below /src.
    let tools = read_file(Constraint::path("/src")?)?;
    let grant = Grant::to(planner.verifying_key()).holder_name("planner").tools(tools).max_depth(5).reason("review the login page");
    let chain = deputize::issue(&ana, "ana", &grant, &mut SysRng, now()?)?;
    println!("planner may read {}", reading(&chain)?);

    // The planner asks for the Python files and for a tool that it does not have, and gives what it may give of that.
    let wanted = read_file(Constraint::glob("/src/*.py")?)?.allow("deploy", ArgumentRules::new())?;
    let grant = Grant::to(coder.verifying_key()).holder_name("coder").tools(held(&chain)?.narrow(&wanted)?);
    let chain = deputize::delegate(&planner, &chain, &grant, &mut SysRng, now()?)?;
    println!("coder may read {}", reading(&chain)?);

    // Two files, then one of them.
    let two = read_file(Constraint::one_of(["/src/app.py", "/src/login.py"])?)?;
    let grant = Grant::to(reviewer.verifying_key()).holder_name("reviewer").tools(two);
    let chain = deputize::delegate(&coder, &chain, &grant, &mut SysRng, now()?)?;
    println!("reviewer may read {}", reading(&chain)?);
    let grant = Grant::to(linter.verifying_key()).holder_name("linter").tools(read_file(Constraint::exact("/src/login.py")?)?);
    let chain = deputize::delegate(&reviewer, &chain, &grant, &mut SysRng, now()?)?;
    println!("linter may read {}", reading(&chain)?);

    // The linter cannot hand on what the coder had. What would be too much can be asked before ...
    let wider = Constraint::glob("/src/*.py")?;
    if let Some(Value::Text(name)) = reading(&chain)?.counterexample(&wider) {
        println!("for example {name} is allowed by the child alone");
    }

    // ... and is in the refusal.
    let grant = Grant::to(stranger.verifying_key()).holder_name("stranger").tools(read_file(wider)?);
    if let Err(error) = deputize::delegate(&linter, &chain, &grant, &mut SysRng, now()?) {
        println!("{error}\n  {}", error.help());
    }

    // A denied call names the argument, what it must be, and the first token that says so.
    let store = MemoryStore::new(MemoryStore::DEFAULT_CAPACITY, now()?)?;
    let verifier = Verifier::new([TrustAnchor::new("ana", ana.verifying_key())?], SERVER, store)?;
    for name in ["/src/login.py", "/src/app.py"] {
        let arguments = Arguments::new(vec![("path".into(), name.into())])?;
        let call = Call::new("read_file", &arguments);
        let presentation = deputize::prove(&linter, &chain, &call, SERVER, &mut SysRng, now()?)?;
        match verifier.authorize(&presentation, &call, now()?) {
            Ok(allowed) => println!("{name}: allowed\n  {}", allowed.record().to_sentence()),
            Err(denied) => {
                let (link, context) = (denied.link().unwrap_or_default(), denied.error().context().unwrap_or_default());
                println!("{name}: {} by token {link}, {context}", denied.code().as_str());
            }
        }
    }
    Ok(())
}
