"""Sixty-four threads append to a log."""

import sys
import threading

from deputize import AuditLog

log = AuditLog(sys.argv[1], origin="acme.example/calls", rotate_at=200_000)


def run(thread: int) -> None:
    for number in range(10):
        writers = (f"{sys.argv[2]}-{thread}-{batch}" for batch in range(4))
        log.append_json([f'{{"kind":"test","number":{number},"writer":"{writer}"}}' for writer in writers])


threads = [threading.Thread(target=run, args=(number,)) for number in range(64)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
