"""The request for approval, and what a person sees of it: docs/spec/approval.md."""

import hashlib
from datetime import datetime, timezone

from deputize_audit import canonical_json, to_json
from deputize_claims import Token, checked, read_name
from deputize_envelopes import open_envelope
from deputize_keys import did_key
from deputize_values import Reader, encode, encode_value, is_context, is_name, require

MAX_REQUEST, MAX_ARGUMENTS = 1115136, 256
MODES = ("own behalf", "on behalf of", "impersonation")
HIDDEN = """
7F-9F AD 34F 600-605 61C 6DD 70F 890-891 8E2 115F-1160 17B4-17B5 180B-180F 200B-200F 2028-202E 2060-206F 3164 FE00-FE0F
FEFF FFA0 FFF0-FFFC 110BD 110CD 13430-1343F 1BCA0-1BCA3 1D159 1D173-1D17A E0000-E0FFF
A0 1680 2000-200A 202F 205F 2800 3000
300-36F 483-489 1AB0-1AFF 1DC0-1DFF 20D0-20FF A670-A672 FE20-FE2F
590-8FF FB1D-FDFF FE70-FEFE 10800-10FFF 1E800-1EFFF
E000-F8FF FDD0-FDEF F0000-10FFFF
"""
RANGES = [tuple(int(end, 16) for end in (part.split("-") * 2)[:2]) for part in HIDDEN.split()]


class Request:
    def __init__(self, tokens, leaf_hash, tool, arguments, audience, context):
        self.tokens, self.tool, self.arguments, self.audience = tokens, tool, arguments, audience
        self.context = context
        digest = hashlib.sha256(encode_value(arguments)).digest()
        asked = [1, leaf_hash, tool, digest, audience, tokens[-1].session, context]
        self.id = hashlib.sha256(encode(asked)).digest()[:16]


def read_chain(reader):
    start = reader.pos
    count = reader.count(4, 16)
    require(count > 0, "malformed")
    tokens = [reader.bytes() for _ in range(count)]
    require(reader.pos - start <= 65536, "too-large")
    return [open_envelope(token, "cap") for token in tokens]


def read_arguments(reader):
    start = reader.pos
    reader.count(5, MAX_ARGUMENTS)
    reader.pos = start
    arguments = reader.value()
    require(all(is_name(name) and name != "*" for name in arguments), "name-invalid")
    return arguments


def read_context(reader):
    if reader.data[reader.pos : reader.pos + 1] == b"\xf6":
        reader.pos += 1
        return None
    text = reader.text()
    return checked(text, is_context(text))


def read_request(data):
    require(len(data) <= MAX_REQUEST, "too-large")
    reader = Reader(data)
    require(reader.expect(4) == 6, "malformed")
    require(reader.unsigned() == 1, "version-unsupported")
    envelopes = read_chain(reader)
    tool, arguments, audience, context = (read(reader) for read in (read_name, read_arguments, read_name, read_context))
    reader.end()
    tokens = [Token(envelope.payload, link) for link, envelope in enumerate(envelopes)]
    root, parent = tokens[0], None
    for link, (token, envelope) in enumerate(zip(tokens, envelopes, strict=True)):
        require(token.parent == parent and token.depth == link, "parent-mismatch", link)
        same = (token.sub, token.session, token.task, token.mode) == (root.sub, root.session, root.task, root.mode)
        require(same, "invariant-changed", link)
        parent = envelope.hash
    return Request(tokens, parent, tool, arguments, audience, context)


def is_hidden(char):
    point = ord(char)
    return any(first <= point <= last for first, last in RANGES) or point & 0xFFFE == 0xFFFE


def visible(text):
    shown, previous = "", ""
    for char in text:
        if is_hidden(char) or char == previous == " ":
            units = char.encode("utf-16-be")
            shown += "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
        else:
            shown += char
        previous = char
    return shown


def quoted(value):
    return visible(canonical_json(value))


def shown_value(value):
    text = canonical_json(to_json(value))
    if len(text) <= 200:
        return visible(text)
    content = value if isinstance(value, bytes) else (value if isinstance(value, str) else text).encode()
    digest = hashlib.sha256(content).hexdigest()
    return f'("{len(content)}" bytes, SHA-256 "{digest}", it begins) {visible(text[:200])}'


def until(token):
    return datetime.fromtimestamp(token.exp, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def render(request):
    tokens = request.tokens
    leaf = tokens[-1]
    lines = [
        f"approval request {quoted(request.id.hex())}",
        f"tool: {quoted(request.tool)}",
        f"for: {quoted(leaf.sub)}, {MODES[leaf.mode]}",
        f"issuer: {quoted(tokens[0].iss)} (not verified here)",
    ]
    for number, token in enumerate(tokens, 1):
        named = [] if token.holder_name is None else [quoted(token.holder_name)]
        lines.append(" ".join([f"holder {number}:", *named, quoted(did_key(token.key))]))
        if token.reason is not None:
            lines.append(f"holder {number} reason: {quoted(token.reason)}")
    lines.append(f"at: {quoted(request.audience)}")
    if request.context is not None:
        lines.append(f"context: {quoted(request.context)}")
    lines.append(f"session: {quoted(leaf.session.hex())}")
    if leaf.task is not None:
        lines.append(f"task: {quoted(leaf.task.hex())}")
    lines.append(f"until: {quoted(until(min(tokens, key=lambda token: token.exp)))}")
    for count, keys in leaf.approvals.get(request.tool, []):
        lines.append(f'approvals: "{count}" of {" ".join(quoted(did_key(key)) for key in keys)}')
    lines.append(f'arguments: "{len(request.arguments)}"')
    lines += [f"argument {quoted(name)}: {shown_value(value)}" for name, value in request.arguments.items()]
    return "".join(line + "\n" for line in lines)
