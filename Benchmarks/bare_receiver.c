/* Receives what a broker publishes and does nothing but count it: what libmosquitto costs by itself.
 *
 * usage: bare_receiver PORT FILTER PAUSE
 *
 * MQTT 5, QoS 1, the settings of the gateway's listening connection (Sources/MQTT): receive maximum 1000, TCP_NODELAY, a keep-alive
 * of 10 s, and the library driven in the same way: poll, at most 512 packets per turn until the socket is dry, then the
 * acknowledgements. PAUSE: microseconds after such a turn before the socket is read again; the gateway takes 500, 0 is what one
 * would write.
 *
 * Prints READY when the broker has granted the subscription, and on SIGTERM how many messages came.
 */
#include <errno.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { BURST = 512, RECEIVE_MAXIMUM = 1000, KEEP_ALIVE = 10 };

static volatile sig_atomic_t ended;
static const char *filter;
static unsigned long count;

static void end(int signal) { (void)signal; ended = 1; }

static void connected(struct mosquitto *client, void *context, int reason, int flags, const mosquitto_property *properties) {
    (void)context, (void)flags, (void)properties;
    if (reason == 0) mosquitto_subscribe_v5(client, NULL, filter, 1, 0, NULL);
}

static void subscribed(
    struct mosquitto *client, void *context, int id, int granted, const int *levels, const mosquitto_property *properties) {
    (void)client, (void)context, (void)id, (void)properties;
    puts(granted == 1 && levels[0] == 1 ? "READY" : "REFUSED");
    fflush(stdout);
}

static void arrived(
    struct mosquitto *client, void *context, const struct mosquitto_message *message, const mosquitto_property *properties) {
    (void)client, (void)context, (void)message, (void)properties;
    count++;
}

/* Whether the burst stopped at its limit and not because the socket was dry. */
static int read_burst(struct mosquitto *client, int *code) {
    for (int packets = 0; packets < BURST; packets++) {
        unsigned long before = count;
        errno = 0;
        if ((*code = mosquitto_loop_read(client, 1)) != MOSQ_ERR_SUCCESS) return 0;
        /* The number alone does not say it: queueing an acknowledgement leaves EAGAIN behind, too. */
        if ((errno == EAGAIN || errno == EWOULDBLOCK) && count == before) return 0;
    }
    return 1;
}

int main(int arguments, char **values) {
    if (arguments != 4) return fprintf(stderr, "usage: bare_receiver PORT FILTER PAUSE\n"), 2;
    filter = values[2];
    struct timespec pause = {0, atol(values[3]) * 1000};
    signal(SIGTERM, end);
    mosquitto_lib_init();
    struct mosquitto *client = mosquitto_new("bare", true, NULL);
    if (client == NULL) return 1;
    mosquitto_threaded_set(client, true);
    mosquitto_int_option(client, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5);
    mosquitto_int_option(client, MOSQ_OPT_RECEIVE_MAXIMUM, RECEIVE_MAXIMUM);
    mosquitto_int_option(client, MOSQ_OPT_TCP_NODELAY, 1);
    mosquitto_connect_v5_callback_set(client, connected);
    mosquitto_subscribe_v5_callback_set(client, subscribed);
    mosquitto_message_v5_callback_set(client, arrived);
    int code = mosquitto_connect(client, "127.0.0.1", atoi(values[1]), KEEP_ALIVE);
    while (!ended && code == MOSQ_ERR_SUCCESS) {
        struct pollfd socket = {mosquitto_socket(client), POLLIN, 0};
        if (mosquitto_want_write(client)) socket.events |= POLLOUT;
        poll(&socket, 1, 500);
        unsigned long before = count;
        int more = 0;
        if (socket.revents & ~POLLOUT) more = read_burst(client, &code);
        if (code == MOSQ_ERR_SUCCESS && mosquitto_want_write(client)) code = mosquitto_loop_write(client, 1);
        if (code == MOSQ_ERR_SUCCESS) code = mosquitto_loop_misc(client);
        if (pause.tv_nsec > 0 && count != before && !more) nanosleep(&pause, NULL);
    }
    printf("%lu\n", count);
    if (code != MOSQ_ERR_SUCCESS) fprintf(stderr, "%s\n", mosquitto_strerror(code));
    return code != MOSQ_ERR_SUCCESS;
}
