//! A person lets a planner act, the planner lets a coder do a part of it, and a server decides about each call.
use deputize::os::{SysRng, generate_key, now};
use deputize::{ArgumentRules, Arguments, Call, Constraint, Grant, MemoryStore, Tools, TrustAnchor, Verifier};

const SERVER: &str = "https://git.acme.example";

fn read_below(root: &str) -> deputize::Result<Tools> {
    Tools::new().allow("read_file", ArgumentRules::new().required("path", Constraint::path(root)?))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (ana, planner, coder) = (generate_key()?, generate_key()?, generate_key()?);

    let tools = read_below("/")?.allow("deploy", ArgumentRules::new())?;
    let grant = Grant::to(planner.verifying_key()).holder_name("planner").tools(tools).ttl(3600).reason("fix the login page");
    let chain = deputize::issue(&ana, "ana", &grant, &mut SysRng, now()?)?;

    let narrower = Grant::to(coder.verifying_key()).holder_name("coder").tools(read_below("/src")?).ttl(600);
    let chain = deputize::delegate(&planner, &chain, &narrower, &mut SysRng, now()?)?;

    let store = MemoryStore::new(MemoryStore::DEFAULT_CAPACITY, now()?)?;
    let verifier = Verifier::new([TrustAnchor::new("ana", ana.verifying_key())?], SERVER, store)?;
    for path in ["/src/login.py", "/secrets/key.pem"] {
        let arguments = Arguments::new(vec![("path".into(), path.into())])?;
        let call = Call::new("read_file", &arguments);
        let presentation = deputize::prove(&coder, &chain, &call, SERVER, &mut SysRng, now()?)?;
        match verifier.authorize(presentation.encode(), &call, now()?) {
            Ok(allowed) => println!("{path}: allowed\n  {}", allowed.record().to_sentence()),
            Err(denied) => println!("{path}: {}, {}\n  {}", denied.code().as_str(), denied.help(), denied.record().to_sentence()),
        }
    }
    Ok(())
}
