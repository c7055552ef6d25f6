#!/usr/bin/env python3
"""A TCP port of its own in front of another: tcp_door.py LISTEN_PORT TARGET_PORT.

Says "open" once it listens. What is killed takes its connections along, as a NAT that forgets.
"""
import selectors
import socket
import sys


def main():
    listen, target = int(sys.argv[1]), int(sys.argv[2])
    door = socket.create_server(("127.0.0.1", listen), reuse_port=False)
    watch = selectors.DefaultSelector()
    watch.register(door, selectors.EVENT_READ, None)
    print("open", flush=True)
    while True:
        for key, _ in watch.select():
            if key.data is None:
                near, _ = door.accept()
                far = socket.create_connection(("127.0.0.1", target))
                watch.register(near, selectors.EVENT_READ, far)
                watch.register(far, selectors.EVENT_READ, near)
                continue
            try:
                data = key.fileobj.recv(65536)
                if data:
                    key.data.sendall(data)
                    continue
            except OSError:
                pass
            for end in (key.fileobj, key.data):
                try:
                    watch.unregister(end)
                except KeyError:
                    pass
                end.close()


if __name__ == "__main__":
    main()
