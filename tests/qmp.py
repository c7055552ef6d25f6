#!/usr/bin/env python3
"""qmp.py SOCKET COMMAND [ARGUMENTS]: one QMP command to a QEMU; prints what it returns as JSON.
qmp.py SOCKET until-migrated SECONDS: waits for the end of its migration; prints query-migrate."""
import json
import sys
import time

from move import Qmp, Stuck


def main():
    q = Qmp(sys.argv[1])
    if sys.argv[2] != "until-migrated":
        arguments = json.loads(sys.argv[3]) if len(sys.argv) > 3 else {}
        print(json.dumps(q.do(sys.argv[2], **arguments)))
        return
    end = time.monotonic() + float(sys.argv[3])
    while time.monotonic() < end:
        m = q.do("query-migrate")
        if m.get("status") in ("completed", "failed", "cancelled"):
            print(json.dumps(m))
            return
        time.sleep(0.05)
    sys.exit("qmp.py: not migrated in time: " + json.dumps(m))


try:
    main()
except Stuck as e:
    sys.exit(f"qmp.py: {e}")
