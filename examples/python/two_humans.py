"""Deploying needs two people: denied, approved by two of three, run once, and denied again."""

from deputize import Agent, ApprovalRequest, Authorized, Denied, Verifier

SERVER = "https://deploy.acme.example"


def main() -> None:
    ana, coder = Agent.generate("ana"), Agent.generate("coder")
    people = [Agent.generate(name) for name in ("bo", "cy", "di")]

    rule = {"deploy": {"count": 2, "approvers": [person.key for person in people]}}
    chain = ana.issue(to=coder, tools={"deploy": {}}, approvals=rule, reason="release 1.4")
    verifier = Verifier(trust=[ana], audience=SERVER)
    arguments = {"tag": "v1.4", "to": "production"}

    def call(*evidence: object) -> Authorized:
        presentation = coder.prove(chain, "deploy", arguments, SERVER, evidence=list(evidence))
        return verifier.authorize(presentation, "deploy", arguments)

    try:
        call()
    except Denied as denied:
        print(f"{denied.code}, request {denied.request_id}")

    # What travels to the approvers, each on a device of their own; what they read is made from these bytes.
    request = ApprovalRequest.decode(ApprovalRequest(chain, "deploy", arguments, SERVER).bytes)
    print(request.text)
    first, second = (person.approve(request, reason="agreed") for person in people[:2])

    try:
        call(first)
    except Denied as denied:
        print(f"with one approval: {denied.code}")
    print(f"with two: {call(first, second).audit}")
    try:
        call(first, second)
    except Denied as denied:
        print(f"again: {denied.code}")


if __name__ == "__main__":
    main()
