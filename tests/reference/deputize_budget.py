"""The budgets of a token: docs/spec/budget.md."""

import hashlib

from deputize_values import Denied, encode, is_name, require

MAX_AMOUNT = 2**53 - 1
MAX_WINDOW = 2592000


def checked(value, condition):
    require(condition, "claim-invalid")
    return value


def read_budget(reader):
    budget = {}
    for key in reader.labels():
        if key in (0, 1, 4):
            least, most = {0: (0, MAX_AMOUNT), 1: (0, 1), 4: (0, MAX_WINDOW)}[key]
            number = reader.integer()
            budget[key] = checked(number, least <= number <= most)
        elif key in (2, 3):
            name = reader.text()
            budget[key] = checked(name, is_name(name))
        else:
            raise Denied("claim-unknown")
    checked(None, 3 not in budget or 2 in budget)
    require(0 in budget and 1 in budget, "claim-missing")
    checked(None, budget[0] >= 1 and budget.get(4, 1) >= 1)
    return budget


def read_budgets(reader):
    """The millisecond within iat, and the budgets."""
    millisecond = budgets = None
    for key in reader.labels():
        if key == 0:
            millisecond = reader.integer()
            checked(None, 0 <= millisecond <= 999)
        elif key == 1:
            count = reader.count(4, 8)
            checked(None, count > 0)
            budgets = [read_budget(reader) for _ in range(count)]
        else:
            raise Denied("claim-unknown")
    require(millisecond is not None and budgets is not None, "claim-missing")
    return millisecond, budgets


def amount(budget, tool, arguments):
    """What a call takes from a budget; None if the budget is not about it."""
    if 2 in budget and budget[2] != tool:
        return None
    if 3 not in budget:
        return 1
    if budget[3] not in arguments:
        return 0
    value = arguments[budget[3]]
    require(type(value) is int and 0 <= value <= MAX_AMOUNT, "argument-refused")
    return value


def spending(token, token_hash, issuer, tool, arguments, now_ms):
    """The operations that count a call against the budgets of one token."""
    millisecond, budgets = token.budgets
    now = now_ms // 1000
    for index, budget in enumerate(budgets):
        taken = amount(budget, tool, arguments)
        if taken is None:
            continue
        window = now // budget[4] if 4 in budget else 0
        expires = (window + 1) * budget[4] if 4 in budget else token.exp
        if budget[1] == 0:
            key = b"b" + token_hash + bytes([index])
        else:
            about = encode({key: value for key, value in budget.items() if key >= 2})
            key = b"B" + hashlib.sha256(issuer.encode()).digest() + token.session + hashlib.sha256(about).digest()
        key += window.to_bytes(8, "big")
        yield "spend", key, taken, budget[0], expires, token.iat * 1000 + millisecond


def spend_once(plan, spend, link):
    """Adds a spend to the plan; into one of the same counter, if there is one: the smallest limit counts."""
    name, key, taken, limit, expires, since = spend
    for place, ((other, other_key, *rest), refused, predates, other_link) in enumerate(plan):
        if (other, other_key) == (name, key):
            _, least, latest, earliest = rest
            merged = (name, key, taken, min(limit, least), max(expires, latest), min(since, earliest))
            plan[place] = (merged, refused, predates, link if limit < least else other_link)
            return
    plan.append((spend, "budget-exhausted", "token-predates-store", link))
