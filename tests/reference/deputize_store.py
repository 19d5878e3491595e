"""The store of store.md: what was claimed, marked and spent, in memory."""


class MemoryStore:
    """Remembers until things expire, and the latest time its verifier has seen."""

    def __init__(self, capacity=1 << 20, created_ms=None):
        self.capacity = capacity
        self.created_ms = 0 if created_ms is None else created_ms
        self.claims, self.marks, self.counters = {}, {}, {}
        self.latest_ms = self.forgotten_ms = 0

    def commit(self, operations, now_ms):
        """`True`, `("refused", index)`, `("predates", index)` or `"full"`."""
        self.forgotten_ms = max(now_ms, self.forgotten_ms)
        for table in (self.claims, self.marks, self.counters):
            for key in [key for key, (_, expires) in table.items() if expires * 1000 <= now_ms]:
                del table[key]
        for index, (name, key, *parts) in enumerate(operations):
            if name in ("claim", "spend"):
                *_, expires, since = parts
                if since < self.created_ms or expires * 1000 <= self.forgotten_ms:
                    return "predates", index
            if self.refuses(name, key, parts):
                return "refused", index
        new = sum(key not in table for table, key in map(self.place, operations) if table is not None)
        if len(self.claims) + len(self.marks) + len(self.counters) + new > self.capacity:
            return "full"
        for operation in operations:
            self.apply(*operation)
        return True

    def refuses(self, name, key, parts):
        if name == "claim":
            return key in self.claims
        if name == "absent":
            return key in self.marks
        return name == "spend" and self.counters.get(key, (0, 0))[0] + parts[0] > parts[1]

    def place(self, operation):
        """The table that an operation writes a key into."""
        return {"claim": self.claims, "mark": self.marks, "spend": self.counters}.get(operation[0]), operation[1]

    def apply(self, name, key, *parts):
        if name == "claim":
            self.claims[key] = (1, parts[0])
        elif name == "mark":
            self.marks[key] = (1, max(parts[0], self.marks.get(key, (1, 0))[1]))
        elif name == "spend":
            amount, _, expires, _ = parts
            count, until = self.counters.get(key, (0, 0))
            self.counters[key] = (count + amount, max(expires, until))
        elif name == "refund" and key in self.counters:
            count, until = self.counters[key]
            self.counters[key] = (max(0, count - parts[0]), until)
