"""Appends to a log until it is killed, and says after each append which number is in it."""

import json
import sys

from deputize import AuditLog

log = AuditLog(sys.argv[1], origin="acme.example/calls", rotate_at=int(sys.argv[2]), sync=sys.argv[3] == "sync")
for number in range(int(sys.argv[4])):
    log.append_json([json.dumps({"kind": "test", "number": number, "writer": sys.argv[5]}, separators=(",", ":"))])
    print(number, flush=True)
