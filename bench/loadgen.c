/* loadgen.c - many keep-alive HTTP connections in one epoll loop. POSTs the lines of a file as queries, in turn, and measures latency.
 *
 *   loadgen HOST PORT TARGET FILE CONNECTIONS SECONDS RATE
 *
 * RATE 0 is a closed loop: each connection sends its next query when the last answer is in. RATE > 0 is an open loop: queries become due
 * RATE times a second whether or not the server keeps up, wait for a free connection, and their latency counts from when they were due, so
 * that a stall of the server is not hidden. Prints one line of JSON. Loopback only: it is no tool to aim at other machines.
 * Built by bench.py with: cc -O2 loadgen.c -o loadgen.   SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 512, SECONDS_MAX = 600, LATENCIES_MAX = 8000000, READ_SIZE = 1 << 16 };
static const double WARM_S = 0.3;

typedef struct {
    int fd;
    bool busy, chunked;
    char *in; /* the answer so far: `used` of `capacity` bytes; `head` bytes are its header once that is complete */
    size_t capacity, used, head;
    long length; /* Content-Length, -1 when there is none */
    int status;
    double begun;
} connection;

typedef struct {
    char *text;
    size_t size;
} request;

static struct sockaddr_in address;
static request *requests;
static size_t request_count, request_next;
static int poller;
static double *latencies, warm_until;
static size_t latency_count, errors;
static uint64_t bytes_read;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void die(const char *what)
{
    fprintf(stderr, "loadgen: %s\n", what);
    exit(1);
}

static void dial(connection *c)
{
    int one = 1;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (const struct sockaddr *)&address, sizeof address) < 0) die("cannot connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &e) < 0) die("epoll_ctl");
    c->busy = false;
}

static void redial(connection *c)
{
    close(c->fd);
    if (++errors > 10000) die("connections keep getting lost");
    dial(c);
}

/* Requests are small: a blocking send is enough. `due` is when the latency begins. */
static void begin(connection *c, double due)
{
    const request *r = &requests[request_next];
    request_next = (request_next + 1) % request_count;
    c->used = c->head = 0;
    c->length = -1;
    c->chunked = false;
    c->status = 0;
    c->begun = due;
    c->busy = true;
    for (size_t sent = 0; sent < r->size;) {
        ssize_t k = send(c->fd, r->text + sent, r->size - sent, MSG_NOSIGNAL);
        if (k < 0 && errno == EINTR) continue;
        if (k < 0) {
            redial(c);
            return;
        }
        sent += (size_t)k;
    }
}

static bool parse_head(connection *c)
{
    c->in[c->used] = 0;
    char *end = memmem(c->in, c->used, "\r\n\r\n", 4);
    if (!end) return false;
    c->head = (size_t)(end - c->in) + 4;
    c->status = c->used > 12 ? (int)strtol(c->in + 9, NULL, 10) : 0;
    for (char *line = strstr(c->in, "\r\n"); line && line < end; line = strstr(line + 2, "\r\n")) {
        if (!strncasecmp(line + 2, "content-length:", 15)) c->length = strtol(line + 17, NULL, 10);
        if (!strncasecmp(line + 2, "transfer-encoding:", 18)) c->chunked = true;
    }
    return true;
}

/* Is the whole answer in? */
static bool complete(connection *c)
{
    if (!c->head && !parse_head(c)) return false;
    if (!c->chunked) return c->length < 0 ? c->status == 204 : c->used >= c->head + (size_t)c->length;
    for (size_t at = c->head;;) {
        char *line = memmem(c->in + at, c->used - at, "\r\n", 2);
        if (!line) return false;
        size_t size = strtoul(c->in + at, NULL, 16);
        at = (size_t)(line - c->in) + 2;
        if (size == 0) return c->used >= at + 2;
        if (size > c->used - at || c->used - at - size < 2) return false;
        at += size + 2;
    }
}

/* Takes in what has arrived; true when the connection is free again. */
static bool receive(connection *c)
{
    if (c->capacity - c->used < READ_SIZE) {
        c->capacity = c->capacity * 2 + READ_SIZE;
        c->in = realloc(c->in, c->capacity + 1);
        if (!c->in) die("no memory");
    }
    ssize_t k = recv(c->fd, c->in + c->used, c->capacity - c->used, 0);
    if (k <= 0) {
        redial(c);
        return true;
    }
    c->used += (size_t)k;
    if (!complete(c)) return false;
    double t = now();
    if (c->status != 200) errors++;
    if (t > warm_until && latency_count < LATENCIES_MAX) {
        latencies[latency_count++] = t - c->begun;
        bytes_read += c->used;
    }
    c->busy = false;
    return true;
}

static void read_requests(const char *path, const char *host, const char *target)
{
    FILE *f = fopen(path, "r");
    if (!f) die("cannot open the file of queries");
    char *line = NULL;
    size_t capacity = 0;
    ssize_t n;
    while ((n = getline(&line, &capacity, f)) > 0) {
        if (line[n - 1] == '\n') line[--n] = 0;
        if (!n) continue;
        requests = realloc(requests, sizeof *requests * (request_count + 1));
        if (!requests) die("no memory");
        request *r = &requests[request_count++];
        int size = asprintf(&r->text, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %zd\r\n\r\n%s", target, host, n, line);
        if (size < 0) die("no memory");
        r->size = (size_t)size;
    }
    free(line);
    fclose(f);
    if (!request_count) die("no queries");
}

/* The loop. Open: free connections take what is due; closed: they take the next query at once. Returns when it ended. */
static double run(connection *connections, size_t count, double seconds, double rate)
{
    connection *free_list[CONNECTIONS_MAX];
    size_t free_count = 0;
    double start = now(), t = start;
    uint64_t issued = 0;
    warm_until = start + WARM_S;
    for (size_t i = 0; i < count; i++) {
        dial(&connections[i]);
        free_list[free_count++] = &connections[i];
    }
    while (t - start < seconds + WARM_S) {
        while (free_count) {
            double due = rate > 0 ? start + (double)issued / rate : t;
            if (due > t) break;
            connection *c = free_list[--free_count];
            begin(c, due);
            issued++;
            if (!c->busy) free_list[free_count++] = c;
        }
        /* In an open loop the next query may be due sooner than a millisecond from now: then do not sleep. */
        bool spin = rate > 0 && free_count;
        struct epoll_event events[CONNECTIONS_MAX];
        int n = epoll_wait(poller, events, CONNECTIONS_MAX, spin ? 0 : 1000);
        for (int i = 0; i < n; i++) {
            connection *c = events[i].data.ptr;
            bool was_busy = c->busy;
            if (receive(c) && was_busy) free_list[free_count++] = c;
        }
        t = now();
    }
    return t;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile_ms(double q)
{
    size_t i = (size_t)((double)latency_count * q);
    return latencies[i < latency_count ? i : latency_count - 1] * 1e3;
}

int main(int argc, char **argv)
{
    if (argc != 8) die("loadgen HOST PORT TARGET FILE CONNECTIONS SECONDS RATE");
    address.sin_family = AF_INET;
    address.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
    const char *host = strcmp(argv[1], "localhost") ? argv[1] : "127.0.0.1";
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1) die("give an IPv4 address");
    if (ntohl(address.sin_addr.s_addr) >> 24 != 127) die("loopback only");
    read_requests(argv[4], host, argv[3]);
    size_t count = strtoul(argv[5], NULL, 10);
    double seconds = strtod(argv[6], NULL), rate = strtod(argv[7], NULL);
    if (count < 1 || count > CONNECTIONS_MAX || !(seconds > 0 && seconds <= SECONDS_MAX) || !(rate >= 0)) die("1..512 connections, up to 120 seconds");
    connection *connections = calloc(count, sizeof *connections);
    latencies = malloc(sizeof *latencies * LATENCIES_MAX);
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (!connections || !latencies || poller < 0) die("no memory");
    double ended = run(connections, count, seconds, rate), wall = ended - warm_until;
    qsort(latencies, latency_count, sizeof *latencies, by_value);
    if (!latency_count) die("no answer in time");
    printf("{\"connections\":%zu,\"rate\":%.0f,\"qps\":%.1f,\"p50_ms\":%.3f,\"p90_ms\":%.3f,\"p99_ms\":%.3f,\"p999_ms\":%.3f,\"max_ms\":%.3f,"
           "\"n\":%zu,\"errors\":%zu,\"mb_per_s\":%.2f}\n",
           count, rate, (double)latency_count / wall, quantile_ms(.5), quantile_ms(.9), quantile_ms(.99), quantile_ms(.999),
           latencies[latency_count - 1] * 1e3, latency_count, errors, (double)bytes_read / 1e6 / wall);
    return 0;
}
