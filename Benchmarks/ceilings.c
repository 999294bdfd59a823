// What this machine can do at best, for comparison: a server that reads and writes without looking, and copies of memory.
// usage: ceilings serve PORT BYTES   answers whatever is read with so many bytes, with one thread and epoll
//        ceilings copy MIB           copies so many MiB in memory five times and prints MiB/s, the median
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int fail(const char *what) {
    perror(what);
    return 1;
}

static int serve(int port, int size) {
    char head[256];
    int length = snprintf(head, sizeof head, "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: ");
    char *answer = malloc(size + 512);
    if (answer == NULL) return fail("malloc");
    int body = size > length + 16 ? size - length - 16 : 1;
    length = sprintf(answer, "%s%d\r\n\r\n", head, body);
    memset(answer + length, 'x', body);
    length += body;

    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), yes = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 1024) != 0) return fail("listen");
    int poll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[256];
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
    static char input[16384];
    while (1) {
        int count = epoll_wait(poll, events, 256, -1);
        for (int index = 0; index < count; index += 1) {
            int descriptor = events[index].data.fd;
            if (descriptor == listener) {
                int connection = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
                if (connection < 0) continue;
                setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
                struct epoll_event added = {.events = EPOLLIN, .data.fd = connection};
                epoll_ctl(poll, EPOLL_CTL_ADD, connection, &added);
            } else if (read(descriptor, input, sizeof input) <= 0 || write(descriptor, answer, length) != length) {
                close(descriptor);
            }
        }
    }
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + now.tv_nsec / 1e9;
}

static int by_size(const void *first, const void *second) {
    double difference = *(const double *)first - *(const double *)second;
    return (difference > 0) - (difference < 0);
}

static int copy(size_t size) {
    char *from = malloc(size << 20), *to = malloc(size << 20);
    if (from == NULL || to == NULL) return fail("malloc");
    memset(from, 1, size << 20);
    memset(to, 2, size << 20);
    double rates[5];
    for (int round = 0; round < 5; round += 1) {
        from[round] = (char)round;
        double started = seconds();
        memcpy(to, from, size << 20);
        rates[round] = size / (seconds() - started);
        if (to[round] != (char)round) return 1;
    }
    qsort(rates, 5, sizeof *rates, by_size);
    printf("%f\n", rates[2]);
    return 0;
}

int main(int count, char **words) {
    if (count == 4 && strcmp(words[1], "serve") == 0) return serve(atoi(words[2]), atoi(words[3]));
    if (count == 3 && strcmp(words[1], "copy") == 0) return copy(strtoul(words[2], NULL, 10));
    fprintf(stderr, "usage: ceilings serve PORT BYTES | ceilings copy MIB\n");
    return 2;
}
