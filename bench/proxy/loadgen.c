/* A load generator that is never the bottleneck: one thread, epoll, each connection in a closed loop.
 *
 *     loadgen PORT FILE CONNECTIONS WARM_S SECONDS REQUESTS [PID,PID…]
 *
 * FILE holds one whole HTTP request. It is sent again on the same connection when its answer is complete. What happens
 * in the first WARM_S seconds does not count; then it counts for SECONDS, or until REQUESTS are answered if that is not
 * 0. Prints one line of JSON: answers, events (what ends with an empty line in a stream), how long answers took, how
 * old events were (from the 19 digits that `upstream` puts in them), and the processor time of the PIDs meanwhile. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 8192, READ = 1 << 18, HEAD = 16384, EVENT = 2048, SAMPLES = 4000000 };
typedef enum { IN_HEAD, IN_LENGTH, IN_SIZE, IN_CHUNK, AFTER_CHUNK, IN_TRAILER } Place;

typedef struct {
    bool open;
    Place place;
    size_t sent, left; /* bytes of the request; bytes that the answer or its chunk still has */
    char head[HEAD];   /* the answer's head, or the line that is being read */
    size_t held;
    char event[EVENT]; /* the start of the event that is being read */
    size_t event_held;
    char last;
    bool stream;
    int64_t began;
} Connection;

static Connection *connections[MOST];
static int epoll, port;
static char *request, scratch[READ];
static size_t request_size;
static int64_t now;
static bool counting;
static long answers, errors, events, most;
static uint32_t *took, *ages; /* tenths of a microsecond */
static size_t took_held, ages_held;

static int64_t clock_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void keep(uint32_t *samples, size_t *held, int64_t ns) {
    if (counting && *held < SAMPLES) samples[(*held)++] = ns / 100 > UINT32_MAX ? UINT32_MAX : ns / 100;
}

static void dial(void);

static void fail(int fd, const char *why, const char *what) {
    if (errors++ < 3) fprintf(stderr, "%s: %.300s\n", why, what);
    connections[fd]->open = false;
    close(fd);
    if (errors < 100) dial();
}

static void push(int fd) {
    Connection *c = connections[fd];
    while (c->sent < request_size) {
        ssize_t n = send(fd, request + c->sent, request_size - c->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0) {
            if (errno != EAGAIN) fail(fd, "cannot send", strerror(errno));
            return;
        }
        c->sent += n;
    }
}

static void ask(int fd) {
    Connection *c = connections[fd];
    c->place = IN_HEAD;
    c->held = c->sent = c->event_held = 0;
    c->last = 0;
    c->began = clock_ns();
    push(fd);
}

static void dial(void) {
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd >= MOST || connect(fd, (struct sockaddr *)&address, sizeof address)) {
        perror("cannot connect");
        exit(1);
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (!connections[fd]) connections[fd] = malloc(sizeof(Connection));
    memset(connections[fd], 0, sizeof(Connection));
    connections[fd]->open = true;
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.fd = fd};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    ask(fd);
}

static void end_event(Connection *c) {
    if (counting) events++;
    int digits = 0;
    for (size_t i = 0; i < c->event_held; i++) {
        digits = c->event[i] >= '0' && c->event[i] <= '9' ? digits + 1 : 0;
        if (digits == 19) {
            int64_t stamp = 0;
            for (size_t k = i - 17; k <= i; k++) stamp = stamp * 10 + c->event[k] - '0';
            keep(ages, &ages_held, now - stamp);
            break;
        }
    }
    c->event_held = 0;
}

/* Only lines that hold data begin an event: comments and blank lines between events do not. */
static void body(Connection *c, const char *data, size_t size) {
    if (!c->stream) return;
    for (const char *end = data + size; data < end;) {
        const char *line = memchr(data, '\n', end - data);
        size_t n = (line ? line : end) - data, room = EVENT - c->event_held;
        memcpy(c->event + c->event_held, data, n < room ? n : room);
        c->event_held += n < room ? n : room;
        if (n) c->last = data[n - 1];
        if (!line) return;
        if (c->last == '\n' && c->event_held) {
            if (c->event[0] == ':') c->event_held = 0;
            else end_event(c);
        }
        c->last = '\n';
        data = line + 1;
    }
}

/* False: the head is not what we wait for. */
static bool read_head(Connection *c) {
    c->head[c->held] = 0;
    if (strncmp(c->head, "HTTP/1.1 200", 12)) return false;
    char *length = strcasestr(c->head, "\r\ncontent-length:");
    c->stream = strcasestr(c->head, "text/event-stream") != NULL;
    if (length) {
        c->left = strtoul(length + 17, NULL, 10);
        c->place = IN_LENGTH;
    } else {
        if (!strcasestr(c->head, "\r\ntransfer-encoding: chunked")) return false;
        c->place = IN_SIZE;
    }
    c->held = 0;
    return true;
}

static void finish(int fd) {
    Connection *c = connections[fd];
    if (counting) answers++;
    keep(took, &took_held, now - c->began);
    ask(fd);
}

/* Takes one line into `head`; true when it is whole. */
static bool line(Connection *c, const char **data, const char *end) {
    while (*data < end) {
        char byte = *(*data)++;
        if (byte == '\n') return true;
        if (c->held < HEAD - 1) c->head[c->held++] = byte;
    }
    return false;
}

static bool head(Connection *c, const char **data, const char *end) {
    while (*data < end && c->held < HEAD - 1) {
        c->head[c->held++] = *(*data)++;
        if (c->held >= 4 && !memcmp(c->head + c->held - 4, "\r\n\r\n", 4)) return true;
    }
    return false;
}

static void feed(int fd, const char *data, size_t size) {
    Connection *c = connections[fd];
    for (const char *end = data + size; data < end && c->open;) {
        size_t n = (size_t)(end - data) < c->left ? (size_t)(end - data) : c->left;
        switch (c->place) {
        case IN_HEAD:
            if (head(c, &data, end) && !read_head(c)) return fail(fd, "refused", c->head);
            if (c->held == HEAD - 1) return fail(fd, "refused", "an endless head");
            if (c->place != IN_LENGTH || c->left) break;
            return finish(fd);
        case IN_LENGTH:
        case IN_CHUNK:
            body(c, data, n);
            data += n;
            if (c->left -= n) break;
            if (c->place == IN_LENGTH) return finish(fd);
            c->place = AFTER_CHUNK;
            break;
        case AFTER_CHUNK:
            if (line(c, &data, end)) { c->place = IN_SIZE; c->held = 0; }
            break;
        case IN_SIZE:
            if (!line(c, &data, end)) break;
            c->head[c->held] = 0;
            c->left = strtoul(c->head, NULL, 16);
            c->place = c->left ? IN_CHUNK : IN_TRAILER;
            c->held = 0;
            break;
        case IN_TRAILER:
            if (!line(c, &data, end)) break;
            if (c->held <= 1) return finish(fd);
            c->held = 0;
        }
    }
}

static void receive(int fd) {
    while (connections[fd]->open) {
        ssize_t n = recv(fd, scratch, READ, MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN) return;
        if (n <= 0) return fail(fd, "cut", n ? strerror(errno) : "closed before the answer was complete");
        now = clock_ns();
        feed(fd, scratch, n);
        if (n < READ) return; /* a further byte makes a further edge */
    }
}

/* User and system time of the processes, in seconds. */
static double processor_s(const char *pids) {
    double ticks = 0;
    while (pids && *pids) {
        char path[64], stat[1024] = "";
        unsigned long user = 0, system = 0;
        snprintf(path, sizeof path, "/proc/%ld/stat", strtol(pids, (char **)&pids, 10));
        FILE *file = fopen(path, "r");
        if (file) {
            stat[fread(stat, 1, sizeof stat - 1, file)] = 0;
            fclose(file);
            char *name = strrchr(stat, ')');
            if (name) sscanf(name + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
            ticks += user + system;
        }
        if (*pids) pids++;
    }
    return ticks / sysconf(_SC_CLK_TCK);
}

static double own_s(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static int ascending(const void *a, const void *b) {
    uint32_t one = *(const uint32_t *)a, two = *(const uint32_t *)b;
    return one < two ? -1 : one > two;
}

static void print_samples(const char *name, uint32_t *samples, size_t held) {
    qsort(samples, held, sizeof *samples, ascending);
    double p50 = held ? samples[held / 2] / 10.0 : 0, p99 = held ? samples[held * 99 / 100] / 10.0 : 0;
    printf(", \"%s\": {\"p50_us\": %.1f, \"p99_us\": %.1f, \"n\": %zu}", name, p50, p99, held);
}

static void load(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) { perror("cannot read the request"); exit(1); }
    fseek(file, 0, SEEK_END);
    request_size = ftell(file);
    rewind(file);
    request = malloc(request_size);
    if (fread(request, 1, request_size, file) != request_size) exit(1);
    fclose(file);
}

/* Until that time, or until enough are answered. */
static void loop(int64_t until) {
    struct epoll_event found[512];
    for (now = clock_ns(); now < until && !(counting && most && answers >= most) && errors < 100; now = clock_ns()) {
        int n = epoll_wait(epoll, found, 512, (until - now) / 1000000 + 1);
        for (int i = 0; i < n; i++) {
            int fd = found[i].data.fd;
            if (connections[fd]->open && found[i].events & EPOLLOUT && connections[fd]->sent < request_size) push(fd);
            if (connections[fd]->open && found[i].events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) receive(fd);
        }
    }
}

int main(int count, char **arguments) {
    if (count < 7) return 2;
    port = atoi(arguments[1]);
    load(arguments[2]);
    double warm_s = atof(arguments[4]), seconds = atof(arguments[5]);
    most = atol(arguments[6]);
    const char *pids = count > 7 ? arguments[7] : "";
    took = malloc(SAMPLES * sizeof *took);
    ages = malloc(SAMPLES * sizeof *ages);
    signal(SIGPIPE, SIG_IGN);
    epoll = epoll_create1(0);
    for (int i = 0; i < atoi(arguments[3]); i++) dial();

    loop(clock_ns() + (int64_t)(warm_s * 1e9));
    double theirs_s = processor_s(pids), ours_s = own_s();
    int64_t begin = clock_ns();
    counting = true;
    loop(begin + (int64_t)(seconds * 1e9));
    theirs_s = processor_s(pids) - theirs_s, ours_s = own_s() - ours_s;
    double lasted_s = (clock_ns() - begin) / 1e9;

    printf("{\"answers\": %ld, \"events\": %ld, \"errors\": %ld, \"lasted_s\": %.4f", answers, events, errors, lasted_s);
    printf(", \"cpu_s\": %.3f, \"loadgen_cpu_s\": %.3f", theirs_s, ours_s);
    print_samples("took", took, took_held);
    print_samples("ages", ages, ages_held);
    printf("}\n");
    return 0;
}
