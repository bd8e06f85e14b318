/* Receives what a broker publishes and does nothing but count it: what libmosquitto costs by itself. With a file it also makes
 * something durable after each burst: what a message costs at least that is not to be lost.
 *
 * usage: bare_receiver PORT FILTER PAUSE [FILE]
 *
 * MQTT 5, QoS 1, the settings of the gateway's listening connection (Sources/MQTT): receive maximum 1000, TCP_NODELAY, a keep-alive
 * of 10 s, and the library driven in the same way: poll, at most 512 packets per turn until the socket is dry, then the
 * acknowledgements. PAUSE: microseconds after such a turn before the socket is read again; the gateway takes 500, 0 is what one
 * would write.
 * FILE: after each such turn, before the acknowledgements, 200 bytes per message are written into it, over what stands there, and
 * made durable with one fdatasync, as the embedded tree does with a transaction.
 *
 * Prints READY when the broker has granted the subscription, and on SIGTERM how many messages came.
 */
#include <errno.h>
#include <fcntl.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { BURST = 512, RECEIVE_MAXIMUM = 1000, KEEP_ALIVE = 10, RECORD = 200, FILE_SIZE = 32 << 20 };

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

/* Opens the file with its whole size, so that later writes change nothing but its contents. */
static int open_file(const char *name) {
    static char zeros[1 << 20];
    int file = open(name, O_RDWR | O_CREAT, 0600);
    for (int written = 0; file >= 0 && written < FILE_SIZE; written += sizeof zeros)
        if (write(file, zeros, sizeof zeros) != sizeof zeros) return -1;
    return file < 0 || fsync(file) != 0 ? -1 : file;
}

static int make_durable(int file, unsigned long messages) {
    static char records[BURST * RECORD];
    static off_t position;
    size_t length = (messages < BURST ? messages : BURST) * RECORD;
    if (position + (off_t)length > FILE_SIZE) position = 0;
    if (pwrite(file, records, length, position) != (ssize_t)length) return -1;
    position += length;
    return fdatasync(file);
}

int main(int arguments, char **values) {
    if (arguments != 4 && arguments != 5) return fprintf(stderr, "usage: bare_receiver PORT FILTER PAUSE [FILE]\n"), 2;
    int file = arguments == 5 ? open_file(values[4]) : -1;
    if (arguments == 5 && file < 0) return perror(values[4]), 1;
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
        if (file >= 0 && count != before && make_durable(file, count - before) != 0) return perror(values[4]), 1;
        if (code == MOSQ_ERR_SUCCESS && mosquitto_want_write(client)) code = mosquitto_loop_write(client, 1);
        if (code == MOSQ_ERR_SUCCESS) code = mosquitto_loop_misc(client);
        if (pause.tv_nsec > 0 && count != before && !more) nanosleep(&pause, NULL);
    }
    printf("%lu\n", count);
    if (code != MOSQ_ERR_SUCCESS) fprintf(stderr, "%s\n", mosquitto_strerror(code));
    return code != MOSQ_ERR_SUCCESS;
}
