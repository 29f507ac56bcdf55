/* A fake engine that is never the bottleneck: one thread, epoll, chat replies as vLLM words them.
 *
 *     upstream PORT
 *
 * What it does is told by the model's name in the body: `fast-N` streams as fast as it is read, N events to a write;
 * `paced-N` one event every N ms, each stream in its own phase; `step-N` the same, all streams in one burst.
 * `max_tokens` is how many events a stream has. Each event holds the time at which it was made, in 19 digits of ns.
 * Without `"stream":true` it answers about 1 KB at once. It looks for these words in a body's first and last 4 KB. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
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

enum { MOST = 8192, READ = 1 << 18, HEAD = 16384, TAIL = 4096, EVENT = 512, BATCH = 32 };

typedef struct {
    bool open, streaming, fast, stuck, usage;
    char head[HEAD];        /* the request's head and the first bytes of its body */
    size_t held, body_left; /* bytes in `head`; bytes of the body still to come */
    size_t body_at;         /* where in `head` the body begins; 0 while the head is incomplete */
    char tail[TAIL];        /* the last bytes of the body */
    size_t tail_held;
    long asked, left;       /* events, and how many of them are still to be sent */
    int batch;
    int64_t pace, due;
    char out[EVENT * BATCH + 1024];
    size_t out_held, out_sent;
} Connection;

static Connection *connections[MOST];
static int epoll, highest;
static char scratch[READ];
static int64_t now;

static int64_t clock_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void hang_up(int fd) {
    connections[fd]->open = connections[fd]->streaming = false;
    close(fd);
}

/* False when the peer is gone. What does not fit stays, and the connection is stuck until it does. */
static bool push(int fd) {
    Connection *c = connections[fd];
    while (c->out_sent < c->out_held) {
        ssize_t n = send(fd, c->out + c->out_sent, c->out_held - c->out_sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0) {
            if (errno != EAGAIN) return false;
            c->stuck = true;
            return true;
        }
        c->out_sent += n;
    }
    c->out_held = c->out_sent = 0;
    c->stuck = false;
    return true;
}

static void say(Connection *c, const char *data, size_t size) {
    memcpy(c->out + c->out_held, data, size);
    c->out_held += size;
}

static void say_chunk(Connection *c, const char *data, size_t size) {
    char line[16];
    say(c, line, sprintf(line, "%zx\r\n", size));
    say(c, data, size);
    say(c, "\r\n", 2);
}

#define CHUNK "data: {\"id\":\"chatcmpl-4f8c1b7a9d2e4c60\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"bench\",\"choices\":["
#define USAGE "\"usage\":{\"prompt_tokens\":212,\"total_tokens\":%ld,\"completion_tokens\":%ld,\"prompt_tokens_details\":null}"

static void say_event(Connection *c) {
    static char event[] = CHUNK "{\"index\":0,\"delta\":{\"content\":\" 0000000000000000000\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n";
    static char *stamp;
    if (!stamp) stamp = strstr(event, "0000000000000000000");
    int64_t rest = now + 1000000000000000000; /* always 19 digits */
    for (int i = 18; i >= 0; i--, rest /= 10) stamp[i] = '0' + rest % 10;
    say_chunk(c, event, sizeof event - 1);
}

static void say_end(Connection *c, long tokens) {
    static const char last[] = CHUNK "{\"index\":0,\"delta\":{\"content\":\"\"},\"logprobs\":null,\"finish_reason\":\"stop\",\"stop_reason\":null}]}\n\n";
    say_chunk(c, last, sizeof last - 1);
    if (c->usage) {
        char usage[EVENT];
        say_chunk(c, usage, sprintf(usage, CHUNK "]," USAGE "}\n\n", 212 + tokens, tokens));
    }
    say_chunk(c, "data: [DONE]\n\n", 14);
    say(c, "0\r\n\r\n", 5);
}

static void say_answer(Connection *c) {
    static char body[2048], head[256];
    static size_t body_size, head_size;
    if (!body_size) {
        char text[700];
        memset(text, 'a', sizeof text - 1);
        text[sizeof text - 1] = 0;
        for (size_t i = 6; i < sizeof text - 1; i += 7) text[i] = ' ';
        body_size = sprintf(body, "{\"id\":\"chatcmpl-4f8c1b7a9d2e4c60\",\"object\":\"chat.completion\",\"created\":1700000000,\"model\":\"bench\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"%s\"},\"logprobs\":null,\"finish_reason\":\"stop\"}]," USAGE "}", text, 340L, 128L);
        head_size = sprintf(head, "HTTP/1.1 200 OK\r\nserver: upstream\r\ncontent-type: application/json\r\ncontent-length: %zu\r\n\r\n", body_size);
    }
    say(c, head, head_size);
    say(c, body, body_size);
}

/* The first byte of a key's value, or NULL. */
static const char *value(Connection *c, const char *key) {
    const char *at = memmem(c->head + c->body_at, c->held - c->body_at, key, strlen(key));
    const char *end = c->head + c->held;
    if (!at) {
        at = memmem(c->tail, c->tail_held, key, strlen(key));
        end = c->tail + c->tail_held;
    }
    if (!at) return NULL;
    for (at += strlen(key); at < end && (*at == ' ' || *at == ':' || *at == '"'); at++) {}
    return at < end ? at : NULL;
}

static void answer(int fd) {
    Connection *c = connections[fd];
    const char *stream = value(c, "\"stream\""), *usage = value(c, "\"include_usage\"");
    const char *model = value(c, "\"model\""), *tokens = value(c, "\"max_tokens\"");
    c->usage = usage && *usage == 't';
    if (!stream || *stream != 't') {
        say_answer(c);
    } else {
        static const char head[] = "HTTP/1.1 200 OK\r\nserver: upstream\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n";
        if (model && !strncmp(model, "openai/", 7)) model += 7;
        const char *dash = model ? strchr(model, '-') : NULL;
        int number = dash ? atoi(dash + 1) : 1;
        say(c, head, sizeof head - 1);
        c->streaming = true;
        c->asked = c->left = tokens ? atol(tokens) : 100;
        c->fast = !model || *model == 'f';
        c->batch = c->fast && number >= 1 && number <= BATCH ? number : 1;
        c->pace = number * 1000000LL;
        if (model && *model == 's') c->due = (now / c->pace + 1) * c->pace;
        else c->due = c->fast ? 0 : now + rand() % c->pace;
    }
    c->held = c->body_at = c->tail_held = 0;
    if (!push(fd)) hang_up(fd);
}

static void keep_tail(Connection *c, const char *data, size_t size) {
    if (size >= TAIL) {
        memcpy(c->tail, data + size - TAIL, TAIL);
        c->tail_held = TAIL;
        return;
    }
    if (c->tail_held + size > TAIL) {
        size_t drop = c->tail_held + size - TAIL;
        memmove(c->tail, c->tail + drop, c->tail_held - drop);
        c->tail_held -= drop;
    }
    memcpy(c->tail + c->tail_held, data, size);
    c->tail_held += size;
}

/* One request at a time on a connection: nothing here pipelines. False: hang up. */
static bool take(int fd, const char *data, size_t size) {
    Connection *c = connections[fd];
    if (!c->body_at) {
        size_t room = HEAD - 1 - c->held, n = size < room ? size : room;
        memcpy(c->head + c->held, data, n);
        c->held += n;
        c->head[c->held] = 0;
        char *end = strstr(c->head, "\r\n\r\n"), *length = strcasestr(c->head, "\r\ncontent-length:");
        if (!end) return n == size;
        if (!length || length > end) return false;
        c->body_at = end + 4 - c->head;
        c->body_left = strtoul(length + 17, NULL, 10);
        size_t already = c->held - c->body_at;
        c->body_left -= already < c->body_left ? already : c->body_left;
        data += n;
        size -= n;
    }
    keep_tail(c, data, size);
    c->body_left -= size < c->body_left ? size : c->body_left;
    if (!c->body_left) answer(fd);
    return true;
}

static void receive(int fd) {
    while (connections[fd]->open) {
        ssize_t n = recv(fd, scratch, READ, MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN) return;
        if (n <= 0 || !take(fd, scratch, n)) hang_up(fd);
    }
}

static void stream(int fd) {
    Connection *c = connections[fd];
    for (int i = 0; i < c->batch && c->left; i++, c->left--) say_event(c);
    if (!c->left) {
        say_end(c, c->asked);
        c->streaming = false;
    }
    if (!c->fast) c->due += c->pace;
    if (!push(fd)) hang_up(fd);
}

static void welcome(int listener) {
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK), on = 1;
        if (fd < 0) return;
        if (fd >= MOST) { close(fd); continue; }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (!connections[fd]) connections[fd] = malloc(sizeof(Connection));
        memset(connections[fd], 0, sizeof(Connection));
        connections[fd]->open = true;
        if (fd > highest) highest = fd;
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.fd = fd};
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    }
}

/* Every stream whose time has come sends; returns when the next one is due. */
static int64_t stream_all(void) {
    int64_t next = now + 1000000000;
    for (int fd = 0; fd <= highest; fd++) {
        Connection *c = connections[fd];
        if (!c || !c->open || !c->streaming || c->stuck) continue;
        if (c->due <= now) stream(fd);
        if (c->streaming && !c->stuck && c->due < next) next = c->due;
    }
    return next;
}

int main(int count, char **arguments) {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(count > 1 ? atoi(arguments[1]) : 0)};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096)) {
        perror("cannot listen");
        return 1;
    }
    getsockname(listener, (struct sockaddr *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    signal(SIGPIPE, SIG_IGN);
    epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[512];
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    int64_t next = 0;
    for (;;) {
        now = clock_ns();
        int64_t wait = next > now ? next - now : 0;
        struct timespec timeout = {wait / 1000000000, wait % 1000000000};
        int n = epoll_pwait2(epoll, events, 512, &timeout, NULL);
        now = clock_ns();
        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) { welcome(listener); continue; }
            Connection *c = connections[fd];
            if (c->open && events[i].events & EPOLLOUT && c->out_held && !push(fd)) hang_up(fd);
            if (c->open && events[i].events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) receive(fd);
        }
        next = stream_all();
    }
}
