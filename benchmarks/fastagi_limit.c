/* The limit: a FastAGI server that only sends the twelve commands, on one epoll loop.
 *
 *   fastagi_limit
 *
 * Takes a free port of 127.0.0.1 and prints it. Every reply is answered with the next command; nothing is parsed beyond
 * the ends of lines. No server in another language can be faster.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *commands[] = {
    "ANSWER\n", "SET VARIABLE IVR_FATE informed\n", "GET VARIABLE CALLERID(num)\n", "STREAM FILE nul/welcome \"\"\n",
    "STREAM FILE nul/topics \"0123456789*#\"\n", "GET DATA nul/topics 5000 1\n", "STREAM FILE nul/queue-wait \"\"\n",
    "SET VARIABLE IVR_TOPIC DID\n", "EXEC Queue \"nul,c\"\n", "GET VARIABLE QUEUESTATUS\n",
    "GET DATA nul/survey-1 5000 1\n", "SET VARIABLE IVR_OUTCOME done\n",
};
enum { STEPS = sizeof commands / sizeof *commands };

struct call {
    int fd, step;
    char last; /* the last byte received: the blank line may come in two pieces */
};

static void leave(struct call *call) {
    close(call->fd);
    free(call);
}

static void serve(struct call *call) {
    char data[8192];
    ssize_t got = recv(call->fd, data, sizeof data, 0);
    if (got <= 0) {
        leave(call);
        return;
    }
    int whole = data[got - 1] == '\n' && (call->step || (got > 1 ? data[got - 2] : call->last) == '\n');
    call->last = data[got - 1];
    if (!whole) return;
    if (call->step == STEPS) {
        leave(call);
        return;
    }
    const char *command = commands[call->step++];
    if (send(call->fd, command, strlen(command), MSG_NOSIGNAL) < 0) leave(call);
}

int main(void) {
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), poller = epoll_create1(0), one = 1;
    if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 4096) ||
        getsockname(listener, (struct sockaddr *)&address, &size)) {
        perror("fastagi_limit");
        return 1;
    }
    struct epoll_event wanted = {.events = EPOLLIN, .data.ptr = NULL}, events[256];
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &wanted);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    for (;;) {
        int count = epoll_wait(poller, events, 256, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr) {
                serve(events[i].data.ptr);
                continue;
            }
            for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
                struct call *call = calloc(1, sizeof *call);
                call->fd = fd;
                setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                wanted.data.ptr = call;
                epoll_ctl(poller, EPOLL_CTL_ADD, fd, &wanted);
            }
        }
    }
}
