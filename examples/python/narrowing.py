"""Authority gets narrower hop by hop: a path, a glob below it, two files, one. Who asks for more is told a value."""

from deputize import Agent, Chain, Constraint, Denied, DeputizeError, Verifier, glob, one_of, path

SERVER = "https://git.acme.example"


def reading(chain: Chain) -> Constraint:
    """What the holder of the last token may read."""
    return chain.unverified_claims()[-1]["tools"]["read_file"]["path"]


def main() -> None:
    names = ("ana", "planner", "coder", "reviewer", "linter", "stranger")
    ana, planner, coder, reviewer, linter, stranger = (Agent.generate(name) for name in names)

    # A path: all below /src.
    chain = ana.issue(
        to=planner, tools={"read_file": {"path": path("/src")}}, max_depth=5, reason="review the login page"
    )
    print("planner may read", reading(chain))

    # A glob: of those, what is a Python file and in no directory.
    chain = planner.delegate(chain, to=coder, tools={"read_file": {"path": glob("/src/*.py")}})
    print("coder may read", reading(chain))

    # Two files: the coder asks for three and gets what it may give of them.
    wanted = {"read_file": {"path": one_of("/src/app.py", "/src/login.py", "/etc/passwd")}}
    chain = coder.delegate(chain, to=reviewer, tools=chain.narrow(wanted))
    print("reviewer may read", reading(chain))

    # One of them. A plain text stands for exact, as a list does for one_of.
    chain = reviewer.delegate(chain, to=linter, tools={"read_file": {"path": "/src/login.py"}})
    print("linter may read", reading(chain))

    # The linter cannot hand on what the coder had. What would be too much can be asked before ...
    wider = glob("/src/*.py")
    counterexample = reading(chain).counterexample(wider)
    assert counterexample is not None
    print("for example", counterexample["value"], "is allowed by the child alone")

    # ... and is in the refusal.
    try:
        linter.delegate(chain, to=stranger, tools={"read_file": {"path": wider}})
    except DeputizeError as error:
        print(f"{error}\n  {error.help}")

    # A denied call names the argument, what it must be, and the first token that says so.
    verifier = Verifier(trust=[ana], audience=SERVER)
    for name in ("/src/login.py", "/src/app.py"):
        arguments = {"path": name}
        presentation = linter.prove(chain, "read_file", arguments, SERVER)
        try:
            print(f"{name}: allowed\n  {verifier.authorize(presentation, 'read_file', arguments).audit}")
        except Denied as denied:
            print(f"{name}: {denied.code} by token {denied.link}, {denied.context}")


if __name__ == "__main__":
    main()
