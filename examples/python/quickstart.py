"""A person lets a planner act, the planner lets a coder do a part of it, and a server decides about each call."""

from deputize import Agent, Denied, Verifier, path

SERVER = "https://git.acme.example"


def main() -> None:
    ana, planner, coder = (Agent.generate(name) for name in ("ana", "planner", "coder"))

    tools = {"read_file": {"path": path("/")}, "deploy": {}}
    chain = ana.issue(to=planner, tools=tools, ttl="1h", reason="fix the login page")
    chain = planner.delegate(chain, to=coder, tools={"read_file": {"path": path("/src")}}, ttl="10m")

    verifier = Verifier(trust=[ana], audience=SERVER)
    for name in ("/src/login.py", "/secrets/key.pem"):
        arguments = {"path": name}
        presentation = coder.prove(chain, "read_file", arguments, SERVER)
        try:
            allowed = verifier.authorize(presentation, "read_file", arguments)
            print(f"{name}: allowed\n  {allowed.audit}")
        except Denied as denied:
            print(f"{name}: {denied.code}, {denied.help}\n  {denied.record.sentence}")


if __name__ == "__main__":
    main()
