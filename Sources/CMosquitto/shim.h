#ifndef LINEKEEPER_CMOSQUITTO_SHIM_H
#define LINEKEEPER_CMOSQUITTO_SHIM_H

// libmosquitto's client API, and the names of MQTT 5 (property identifiers, reason codes).
#include <mosquitto.h>
#include <mqtt_protocol.h>

// What the connection's thread needs of Linux that Swift's Glibc module leaves out.
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <time.h>

static inline int cmosquitto_eventfd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

int ppoll(struct pollfd *descriptors, nfds_t count, const struct timespec *timeout, const sigset_t *signals);

/// `poll` with a time-out finer than a millisecond.
static inline int cmosquitto_poll(struct pollfd *descriptors, nfds_t count, int64_t nanoseconds) {
    struct timespec timeout = {nanoseconds / 1000000000, nanoseconds % 1000000000};
    return ppoll(descriptors, count, &timeout, 0);
}

/// Names the calling thread, as `top -H` and a debugger show it.
static inline void cmosquitto_name_thread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }

#endif
