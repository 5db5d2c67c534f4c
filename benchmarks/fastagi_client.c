/* Acts as Asterisk for a FastAGI server: simultaneous calls, with every command checked and timed.
 *
 *   fastagi_client PORT PLAY CALLS WARM_UP_MS WINDOW_MS DELAY_MS PID
 *
 * PLAY is a file: an environment, a blank line, then one line per command, `EXPECTED BEGINNING<TAB>REPLY` (quotes in the
 * command are ignored). `{serial}` in the environment becomes a different number for each session.
 *
 * DELAY_MS 0 is the closed loop: each command is answered at once, and the end of a session starts the next one.
 * Otherwise a command is answered after this delay. The calls then start during the warm-up, each at a different point
 * of its play (the commands before it are answered at once), so that the window has its usual share of starts and ends.
 *
 * After the window no session starts and all commands are answered at once; a session that has not ended 8 s later is
 * stuck. PID is the server's process: its CPU time and memory are read at both ends of the window. The output is one
 * line of JSON.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { STEPS = 64, LINE = 2048, FINE = 64, BUCKETS = 40 * FINE, PATIENCE_MS = 8000 };

struct call {
    int fd, step, length, hurry; /* hurry: commands to be answered at once */
    int connecting, owed;        /* owed: an answer waits for its time */
    uint64_t asked;              /* when we sent what the server is to react to */
    char line[LINE];
};

struct due {
    uint64_t at;
    struct call *call;
    int fd;
};

static struct {
    char *expected[STEPS], *reply[STEPS];
    char *before, *after; /* the environment around {serial} */
    int steps;
} play;

static struct sockaddr_in server;
static int poller, calls, draining;
static uint64_t delay, serial;
static struct due *queue; /* a ring: the delay is the same for all, so the first is always due first */
static size_t room, first, waiting;
static long open_now, begun, done, dropped, wrong;          /* over the whole run */
static long window_done, window_commands, buckets[BUCKETS]; /* in the window */
static uint64_t slowest;
static char odd[128];

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void die(const char *what) {
    perror(what);
    exit(1);
}

/* Logarithmic buckets, 64 to each doubling: a percentile is right within 1.6 %. Unit: 100 ns. */
static int bucket_of(uint64_t ns) {
    uint64_t value = ns / 100;
    if (value < FINE) return (int)value;
    int shift = 63 - __builtin_clzll(value) - 6;
    int bucket = (shift + 1) * FINE + (int)(value >> shift) - FINE;
    return bucket < BUCKETS ? bucket : BUCKETS - 1;
}

static double bucket_ms(int bucket) {
    int shift = bucket / FINE - 1;
    double value = bucket < FINE ? bucket + 0.5 : (double)((uint64_t)(bucket % FINE + FINE) << shift) + (1 << shift) / 2.0;
    return value / 10000.0;
}

static double percentile(double share) {
    long seen = 0, wanted = (long)(share * (double)window_commands);
    for (int i = 0; i < BUCKETS; i++)
        if ((seen += buckets[i]) > wanted) return bucket_ms(i);
    return (double)slowest / 1e6;
}

static void read_play(const char *path) {
    FILE *file = fopen(path, "r");
    if (!file) die(path);
    char *text = calloc(1, 1 << 20);
    if (!fread(text, 1, (1 << 20) - 1, file)) die(path);
    fclose(file);
    char *end = strstr(text, "\n\n"), *mark = strstr(text, "{serial}");
    if (!end || !mark || mark > end) { fprintf(stderr, "%s: no environment with {serial}\n", path); exit(1); }
    play.after = strndup(mark + 8, (size_t)(end + 2 - mark - 8));
    play.before = strndup(text, (size_t)(mark - text));
    for (char *line = strtok(end + 2, "\n"); line; line = strtok(NULL, "\n")) {
        char *tab = strchr(line, '\t');
        if (!tab || play.steps == STEPS) { fprintf(stderr, "%s: %s\n", path, line); exit(1); }
        *tab = 0;
        play.expected[play.steps] = line;
        char *reply = malloc(strlen(tab + 1) + 2);
        sprintf(reply, "%s\n", tab + 1);
        play.reply[play.steps++] = reply;
    }
}

static void send_all(struct call *call, const char *data) {
    call->asked = now();
    /* A failure shows when we read: the server has closed. */
    if (send(call->fd, data, strlen(data), MSG_NOSIGNAL) < 0 && errno != EPIPE && errno != ECONNRESET) die("send");
}

static void introduce(struct call *call) {
    char text[4096];
    snprintf(text, sizeof text, "%s%lu%s", play.before, (unsigned long)++serial, play.after);
    send_all(call, text);
}

static void begin(struct call *call) {
    call->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (call->fd < 0) die("socket");
    call->step = call->length = call->owed = 0;
    int one = 1;
    setsockopt(call->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    begun++;
    open_now++;
    call->asked = now();
    call->connecting = connect(call->fd, (struct sockaddr *)&server, sizeof server) < 0;
    if (call->connecting && errno != EINPROGRESS && errno != ECONNREFUSED && errno != EAGAIN) die("connect");
    struct epoll_event event = {.events = call->connecting ? EPOLLIN | EPOLLOUT : EPOLLIN, .data.ptr = call};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, call->fd, &event) < 0) die("epoll_ctl");
    if (!call->connecting) introduce(call);
}

static void end(struct call *call, long *how) {
    close(call->fd);
    call->fd = -1;
    open_now--;
    ++*how;
    call->hurry = 0;
    if (!draining) begin(call);
}

static void answer(struct call *call) {
    call->owed = 0;
    send_all(call, play.reply[call->step++]);
}

static int as_expected(const char *line, const char *wanted) {
    for (; *wanted; line++) {
        if (*line == '"') continue;
        if (*line != *wanted++) return 0;
    }
    return 1;
}

static void command(struct call *call, const char *line) {
    uint64_t time = now(), took = time - call->asked;
    if (call->owed || call->step >= play.steps || !as_expected(line, play.expected[call->step])) {
        if (!odd[0]) snprintf(odd, sizeof odd, "command %d: %.80s", call->step + 1, line);
        end(call, &wrong);
        return;
    }
    window_commands++;
    buckets[bucket_of(took)]++;
    if (took > slowest) slowest = took;
    if (!delay || draining || call->hurry > call->step) {
        answer(call);
        return;
    }
    if (waiting == room) { fprintf(stderr, "more answers due than calls\n"); exit(1); }
    queue[(first + waiting++) % room] = (struct due){time + delay, call, call->fd};
    call->owed = 1;
}

static void connected(struct call *call) {
    int problem = 0;
    socklen_t size = sizeof problem;
    getsockopt(call->fd, SOL_SOCKET, SO_ERROR, &problem, &size);
    if (problem) {
        if (!odd[0]) snprintf(odd, sizeof odd, "connect: %s", strerror(problem));
        end(call, &dropped);
        return;
    }
    call->connecting = 0;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = call};
    epoll_ctl(poller, EPOLL_CTL_MOD, call->fd, &event);
    introduce(call);
}

static void receive(struct call *call) {
    ssize_t got = recv(call->fd, call->line + call->length, (size_t)(LINE - 1 - call->length), 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
        int whole = call->step == play.steps && !call->owed;
        if (whole) window_done++;
        end(call, whole ? &done : &dropped);
        return;
    }
    call->length += (int)got;
    call->line[call->length] = 0;
    char *stop = memchr(call->line, '\n', (size_t)call->length);
    if (!stop && call->length < LINE - 1) return;
    if (!stop || stop != call->line + call->length - 1) { /* too long, or a second command behind the first */
        if (!odd[0]) snprintf(odd, sizeof odd, "command %d: more than one line", call->step + 1);
        end(call, &wrong);
        return;
    }
    *stop = 0;
    call->length = 0;
    command(call, call->line);
}

static void answer_due(uint64_t time) {
    while (waiting && (draining || queue[first].at <= time)) {
        struct due due = queue[first];
        first = (first + 1) % room;
        waiting--;
        if (due.call->fd == due.fd && due.call->owed) answer(due.call);
    }
}

static void pump(uint64_t until) {
    struct epoll_event events[256];
    uint64_t stop = waiting && queue[first].at < until ? queue[first].at : until, time = now();
    int ms = stop > time ? (int)((stop - time + 999999) / 1000000) : 0;
    int count = epoll_wait(poller, events, 256, ms);
    for (int i = 0; i < count; i++) {
        struct call *call = events[i].data.ptr;
        if (call->connecting) connected(call);
        else receive(call);
    }
    answer_due(now());
}

/* What the machine and the server have used so far: seconds of CPU. */
struct usage { double server, machine, own; };

static struct usage usage(const char *pid) {
    char path[64], text[1024];
    unsigned long user, system, children, more;
    double tick = (double)sysconf(_SC_CLK_TCK);
    struct usage use = {0, 0, 0};
    snprintf(path, sizeof path, "/proc/%s/stat", pid);
    FILE *file = fopen(path, "r");
    if (file) {
        text[fread(text, 1, sizeof text - 1, file)] = 0;
        fclose(file);
        char *rest = strrchr(text, ')');
        if (rest && sscanf(rest + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %lu %lu", &user, &system,
                           &children, &more) == 4)
            use.server = (double)(user + system + children + more) / tick;
    }
    if ((file = fopen("/proc/stat", "r"))) {
        double all[8] = {0};
        if (fscanf(file, "cpu %lf %lf %lf %lf %lf %lf %lf %lf", all, all + 1, all + 2, all + 3, all + 4, all + 5, all + 6,
                   all + 7) == 8)
            use.machine = (all[0] + all[1] + all[2] + all[5] + all[6] + all[7]) / tick;
        fclose(file);
    }
    struct rusage own;
    getrusage(RUSAGE_SELF, &own);
    use.own = (double)(own.ru_utime.tv_sec + own.ru_stime.tv_sec) +
              (double)(own.ru_utime.tv_usec + own.ru_stime.tv_usec) / 1e6;
    return use;
}

static double memory_mb(const char *pid) {
    char path[64];
    long pages = 0;
    snprintf(path, sizeof path, "/proc/%s/statm", pid);
    FILE *file = fopen(path, "r");
    if (file) {
        if (fscanf(file, "%*d %ld", &pages) != 1) pages = 0;
        fclose(file);
    }
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1048576.0;
}

int main(int argc, char **argv) {
    if (argc != 8) { fprintf(stderr, "usage: %s PORT PLAY CALLS WARM_UP_MS WINDOW_MS DELAY_MS PID\n", argv[0]); return 2; }
    read_play(argv[2]);
    calls = atoi(argv[3]);
    uint64_t warm_up = strtoull(argv[4], NULL, 10) * 1000000u, window = strtoull(argv[5], NULL, 10) * 1000000u;
    delay = strtoull(argv[6], NULL, 10) * 1000000u;
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    server.sin_family = AF_INET;
    server.sin_port = htons((uint16_t)atoi(argv[1]));
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    poller = epoll_create1(EPOLL_CLOEXEC);
    struct call *all = calloc((size_t)calls, sizeof *all);
    room = (size_t)calls + 1;
    queue = calloc(room, sizeof *queue);

    uint64_t started = now(), opening = delay ? warm_up * 3 / 4 : 0; /* the last quarter settles */
    for (int i = 0; i < calls; i++) {
        uint64_t turn = started + opening / (uint64_t)calls * (uint64_t)i;
        while (opening && now() < turn) pump(turn);
        all[i].hurry = delay ? i % play.steps : 0;
        begin(&all[i]);
        if (!opening && i % 64 == 63) pump(now());
    }
    while (now() < started + warm_up) pump(started + warm_up);

    window_done = window_commands = 0;
    memset(buckets, 0, sizeof buckets);
    slowest = 0;
    struct usage before = usage(argv[7]);
    uint64_t opened = now();
    while (now() < opened + window) pump(opened + window);
    double seconds = (double)(now() - opened) / 1e9;
    struct usage after = usage(argv[7]);
    double memory = memory_mb(argv[7]);
    long sessions = window_done, commands = window_commands;
    double p50 = percentile(0.50), p99 = percentile(0.99), most = (double)slowest / 1e6;

    draining = 1;
    uint64_t latest = now() + PATIENCE_MS * 1000000ull;
    while (open_now && now() < latest) pump(now() + 10000000u);
    double cpu = after.server - before.server, own = after.own - before.own;
    double others = after.machine - before.machine - cpu - own;
    printf("{\"seconds\": %.4f, \"sessions\": %ld, \"commands\": %ld, \"p50_ms\": %.4f, \"p99_ms\": %.4f, "
           "\"slowest_ms\": %.3f, \"server_cpu\": %.3f, \"client_cpu\": %.3f, \"others_cpu\": %.3f, \"rss_mb\": %.1f, "
           "\"begun\": %ld, \"done\": %ld, \"dropped\": %ld, \"wrong\": %ld, \"stuck\": %ld, \"odd\": \"",
           seconds, sessions, commands, p50, p99, most, cpu, own, others > 0 ? others : 0, memory, begun, done, dropped,
           wrong, open_now);
    for (char *c = odd; *c; c++) /* for JSON */
        putchar(*c == '"' || *c == '\\' || *c < ' ' ? '\'' : *c);
    printf("\"}\n");
    return 0;
}
