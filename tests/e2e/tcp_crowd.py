#!/usr/bin/env python3
"""Connections that say nothing of use: tcp_crowd.py PORT COUNT.

They come from many addresses of 127.0.0.0/8, each says half of a length. Says "there" when all were
made and "gone" when the server has closed every one of them.
"""
import selectors
import socket
import sys


def main():
    port, count = int(sys.argv[1]), int(sys.argv[2])
    watch = selectors.DefaultSelector()
    for i in range(count):
        here = "127.0.1.%d" % (i % 250)
        s = socket.create_connection(("127.0.0.1", port), source_address=(here, 0))
        s.sendall(b"\x10")
        watch.register(s, selectors.EVENT_READ)
    print("there", flush=True)
    while count:
        for key, _ in watch.select():
            try:
                if key.fileobj.recv(100):
                    continue
            except OSError:
                pass
            watch.unregister(key.fileobj)
            key.fileobj.close()
            count -= 1
    print("gone", flush=True)


if __name__ == "__main__":
    main()
