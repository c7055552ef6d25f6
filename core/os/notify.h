/* notify: telling the service manager how far this process is (sd_notify(3), without a library). */
#ifndef FARSPAN_NOTIFY_H
#define FARSPAN_NOTIFY_H

/* Sends the borrowed lines ("READY=1", "STOPPING=1" ...) to $NOTIFY_SOCKET, a path or, with @
 * before it, an abstract name. Nothing when the variable is not set; what goes wrong is logged, and
 * is no reason to end. */
void notify_send(const char *lines);

#endif
