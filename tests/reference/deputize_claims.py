"""The claims of tokens and proofs: docs/spec/token.md and proof.md."""

from deputize_budget import read_budgets
from deputize_constraints import read_entry
from deputize_keys import is_public_key
from deputize_values import MAX_TIME, Denied, Reader, is_context, is_free_text, is_name, require

MAX_LIFETIME = 2592000
CAPABILITY, CALL = -65537, -65538


def checked(value, condition):
    require(condition, "claim-invalid")
    return value


def read_name(reader):
    text = reader.text()
    return checked(text, is_name(text))


def read_number(reader, least, most):
    number = reader.integer()
    return checked(number, least <= number <= most)


def read_bytes(reader, least, most):
    data = reader.bytes()
    return checked(data, least <= len(data) <= most)


def read_key(data):
    require(is_public_key(data), "key-invalid")
    return data


def need(claims, labels):
    require(all(label in claims for label in labels), "claim-missing")


def read_cnf(reader):
    """The key in {1: {1: 1, -1: 6, -2: key}}: a map of another size is another form as soon as its head is read."""
    checked(None, reader.expect(5) == 1)
    checked(None, reader.integer() == 1)
    checked(None, reader.expect(5) == 3)
    form = iter(((1, 1), (-1, 6), (-2, None)))
    key = None
    for label in reader.ascending(3, reader.integer):
        expected, value = next(form)
        checked(None, label == expected)
        key = read_key(reader.bytes()) if value is None else read_number(reader, value, value)
    return key


def read_tools(reader):
    tools = {}
    reader.pattern_sizes = 0
    for tool in reader.ascending(reader.count(5, 256), reader.text):
        checked(tool, is_name(tool))
        tools[tool] = {}
        for name in reader.ascending(reader.count(5, 256), reader.text):
            checked(name, is_name(name))
            tools[tool][name] = read_entry(reader, name)
    return tools


def read_requirement(reader):
    require(reader.expect(4) == 2, "malformed")
    least = reader.integer()
    keys = [read_key(key) for key in reader.ascending(reader.count(4, 16), reader.bytes)]
    checked(least, 1 <= least <= len(keys))
    return [least, keys]


def read_approvals(reader):
    approvals = {}
    for tool in reader.ascending(reader.count(5, 256), reader.text):
        checked(tool, is_name(tool))
        count = reader.count(4, 16)
        checked(count, count > 0)
        approvals[tool] = list(reader.ascending(count, lambda: read_requirement(reader)))
    return checked(approvals, approvals)


def read_capability(reader):
    capability = {}
    for label in reader.labels():
        if label == 0:
            capability[0] = reader.integer()
            require(capability[0] == 1, "version-unsupported")
        elif label == 1:
            capability[1] = read_number(reader, 0, 2)
        elif label in (2, 3):
            capability[label] = read_number(reader, 0, 15)
        elif label in (4, 7, 10):
            capability[label] = read_bytes(reader, 32, 32)
        elif label == 5:
            capability[5] = read_tools(reader)
        elif label == 6:
            capability[6] = read_bytes(reader, 16, 16)
        elif label == 8:
            capability[8] = read_name(reader)
        elif label == 9:
            capability[9] = read_approvals(reader)
        elif label in (11, 12):
            text = reader.text()
            capability[label] = checked(text, is_free_text(text) if label == 11 else is_context(text))
        elif label == 13:
            capability[13] = read_budgets(reader)
        else:
            raise Denied("claim-unknown")
    return capability


class Token:
    """The claims of one token, by the names of the specification; None for a claim that is absent."""

    def __init__(self, payload, link):
        claims, self.ignored = read_token_claims(payload)
        self.iss, self.sub, self.aud = claims.get(1), claims[2], claims.get(3)
        self.exp, self.nbf, self.iat, self.cti, self.key = claims[4], claims.get(5), claims[6], claims[7], claims[8]
        capability = claims[CAPABILITY]
        self.mode, self.depth, self.max_depth = capability[1], capability[2], capability[3]
        self.parent, self.tools, self.session = capability.get(4), capability[5], capability[6]
        self.task, self.holder_name, self.approvals = capability.get(7), capability.get(8), capability.get(9, {})
        self.reason, self.context = capability.get(11), capability.get(12)
        self.budgets = capability.get(13, (0, []))
        self.check(link)

    def check(self, link):
        if link == 0:
            require(self.iss is not None, "claim-missing")
            require(self.parent is None and self.depth == 0, "claim-invalid")
        else:
            require(self.parent is not None, "claim-missing")
            require(self.iss is None, "claim-invalid")
        require(self.iat < self.exp <= self.iat + MAX_LIFETIME, "claim-invalid")
        if self.mode == 0 and link == 0:
            require(self.holder_name == self.sub, "claim-invalid")
        if self.mode == 2:
            require(link == 0 and self.max_depth == 0, "claim-invalid")
            require(self.holder_name is not None and self.aud, "claim-invalid")
        if link == 0:
            self.check_counted_in(self.aud)
        for requirements in self.approvals.values():
            require(all(self.key not in keys for _, keys in requirements), "holder-is-approver")

    def check_counted_in(self, aud):
        """Budgets are counted by one audience."""
        require(not self.budgets[1] or (aud is not None and len(aud) == 1), "claim-invalid")


def read_token_claims(payload):
    reader = Reader(payload)
    claims, ignored = {}, []
    for label in reader.labels():
        if label in (1, 2):
            claims[label] = read_name(reader)
        elif label == 3:
            names = reader.ascending(reader.count(4, 16), reader.text)
            claims[3] = [checked(name, is_name(name)) for name in names]
        elif label in (4, 5, 6):
            claims[label] = read_number(reader, 0, MAX_TIME)
        elif label == 7:
            claims[7] = read_bytes(reader, 16, 16)
        elif label == 8:
            claims[8] = read_cnf(reader)
        elif label == CAPABILITY:
            claims[CAPABILITY] = read_capability(reader)
        elif label < -100000:
            ignored.append(label)
            reader.value()
        else:
            raise Denied("claim-unknown")
    reader.end()
    need(claims, (2, 4, 6, 7, 8, CAPABILITY))
    need(claims[CAPABILITY], (0, 1, 2, 3, 5, 6))
    return claims, ignored


def read_proof_claims(payload):
    reader = Reader(payload)
    claims = {}
    for label in reader.labels():
        if label == 3:
            claims[3] = read_name(reader)
        elif label in (4, 6):
            claims[label] = read_number(reader, 0, MAX_TIME)
        elif label == 7:
            claims[7] = read_bytes(reader, 16, 16)
        elif label == 10:
            claims[10] = read_bytes(reader, 1, 64)
        elif label == CALL:
            call = claims[CALL] = {}
            for key in reader.labels():
                require(0 <= key <= 3, "claim-unknown")
                if key in (0, 2):
                    call[key] = read_bytes(reader, 32, 32)
                else:
                    call[key] = read_name(reader) if key == 1 else read_number(reader, 0, 999)
            need(call, (0, 1, 2, 3))
        else:
            raise Denied("claim-unknown")
    reader.end()
    need(claims, (3, 4, 6, 7, CALL))
    require(claims[6] < claims[4] <= claims[6] + 60, "claim-invalid")
    return claims
