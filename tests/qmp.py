#!/usr/bin/env python3
"""qmp.py SOCKET COMMAND [ARGUMENTS]: one QMP command to a QEMU; prints what it returns as JSON.
qmp.py SOCKET until-migrated SECONDS: waits for the end of its migration; prints query-migrate."""
import json
import socket
import sys
import time


class Qmp:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        self.socket.connect(path)
        self.file = self.socket.makefile("rw")
        self.read("QMP")
        self.do("qmp_capabilities")

    def read(self, key):
        while True:
            line = self.file.readline()
            if not line:
                sys.exit("qmp.py: QEMU has closed its monitor")
            v = json.loads(line)
            if key in v:
                return v[key]
            if "error" in v:
                sys.exit("qmp.py: " + v["error"]["desc"])

    def do(self, command, arguments=None):
        what = {"execute": command}
        if arguments:
            what["arguments"] = arguments
        self.file.write(json.dumps(what) + "\n")
        self.file.flush()
        return self.read("return")


def main():
    q = Qmp(sys.argv[1])
    if sys.argv[2] != "until-migrated":
        print(json.dumps(q.do(sys.argv[2], json.loads(sys.argv[3]) if len(sys.argv) > 3 else None)))
        return
    end = time.monotonic() + float(sys.argv[3])
    while time.monotonic() < end:
        m = q.do("query-migrate")
        if m.get("status") in ("completed", "failed", "cancelled"):
            print(json.dumps(m))
            return
        time.sleep(0.05)
    sys.exit("qmp.py: not migrated in time: " + json.dumps(m))


main()
