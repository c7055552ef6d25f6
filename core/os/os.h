/* os: the wrapper around every system call of core/os, so that tests can make the Nth one fail. */
#ifndef FARSPAN_OS_H
#define FARSPAN_OS_H

#include <stdbool.h>
#include <stdint.h>

/* The calls that can be made to fail, by kind; OS_ANY counts all of them together. */
enum os_call {
    OS_ANY,
    OS_OPEN,     /* open, openat */
    OS_READ,     /* read, pread */
    OS_WRITE,    /* write, pwrite */
    OS_SYNC,     /* fsync, fdatasync */
    OS_RENAME,   /* rename, link, unlink, mkdir */
    OS_LOCK,     /* flock */
    OS_MAP,      /* mmap, memfd_create, ftruncate, shmget, shmat */
    OS_SOCKET,   /* socket */
    OS_BIND,     /* bind, getsockname */
    OS_SETOPT,   /* setsockopt, except the two below */
    OS_SET_GRO,  /* setsockopt UDP_GRO */
    OS_SET_GSO,  /* setsockopt UDP_SEGMENT */
    OS_SEND,     /* sendmsg, send */
    OS_SENDMMSG, /* sendmmsg */
    OS_SEND_GSO, /* counted beside OS_SEND or OS_SENDMMSG when its first message is a GSO burst */
    OS_RECV,     /* recvmsg, recv */
    OS_RECVMMSG, /* recvmmsg */
    OS_CONNECT,  /* connect, and what became of it */
    OS_ACCEPT,   /* listen, accept4 */
    OS_POLL,     /* poll */
    OS_FD,       /* eventfd, timerfd, ioctl and what else makes or changes a descriptor */
    OS_CALL_COUNT
};

/* Fault injection for tests: the `nth` call of this kind from now on (1 = the next) fails, once,
 * with `error` in errno and without being made; nth 0 turns the kind off. Kinds are independent. */
void os_fail_at(enum os_call call, uint64_t nth, int error);

/* As os_fail_at, but that call and all later ones of its kind fail until it is turned off. */
void os_fail_from(enum os_call call, uint64_t nth, int error);

/* Whether a call chosen for this kind has failed since it was last set. */
bool os_fault_fired(enum os_call call);

/* Whether the call that is about to be made must fail; sets errno then. Never OS_ANY. */
bool os_fails(enum os_call call);

/* The value of `expression`, a system call of kind `call` that gives -1 and errno on failure. */
#define OS_CALL(call, expression) (os_fails(call) ? -1 : (expression))

#endif
