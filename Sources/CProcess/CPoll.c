#define _GNU_SOURCE
#include "CProcess.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifdef __linux__

#include <sys/epoll.h>
#include <sys/eventfd.h>

enum { most = 256 };

int c_poll_create(void) {
    return epoll_create1(EPOLL_CLOEXEC);
}

int c_poll_create_waker(void) {
    return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

void c_poll_wake(int waker) {
    uint64_t one = 1;
    // If the counter is full, it is readable anyway.
    ssize_t written = write(waker, &one, sizeof one);
    (void)written;
}

void c_poll_calm(int waker) {
    uint64_t count;
    ssize_t got = read(waker, &count, sizeof count);
    (void)got;
}

int c_poll_set(int poll, int descriptor, uint32_t events, bool isNew, bool isShared) {
    struct epoll_event event = {.data.fd = descriptor};
    if (events & C_POLL_READ) event.events |= EPOLLIN;
    if (events & C_POLL_WRITE) event.events |= EPOLLOUT;
    if (isShared) event.events |= EPOLLEXCLUSIVE;
    return epoll_ctl(poll, isNew ? EPOLL_CTL_ADD : events == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD, descriptor, &event);
}

int c_poll_wait(int poll, struct c_poll_event *events, int count, int milliseconds) {
    struct epoll_event found[most];
    int number = epoll_wait(poll, found, count < most ? count : most, milliseconds);
    for (int index = 0; index < number; index += 1) {
        // An error or the end is met by whatever is tried next.
        uint32_t both = found[index].events & (EPOLLERR | EPOLLHUP) ? C_POLL_READ | C_POLL_WRITE : 0;
        events[index].descriptor = found[index].data.fd;
        events[index].events =
            both | (found[index].events & EPOLLIN ? C_POLL_READ : 0) | (found[index].events & EPOLLOUT ? C_POLL_WRITE : 0);
    }
    return number;
}

int c_socket_accept(int listener, uint8_t address[16], int *length) {
    struct sockaddr_storage peer;
    socklen_t size = sizeof peer;
    *length = 0;
    int descriptor = accept4(listener, (struct sockaddr *)&peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor < 0) return descriptor;
    if (peer.ss_family == AF_INET) {
        *length = 4;
        memcpy(address, &((struct sockaddr_in *)&peer)->sin_addr, 4);
    } else if (peer.ss_family == AF_INET6) {
        *length = 16;
        memcpy(address, &((struct sockaddr_in6 *)&peer)->sin6_addr, 16);
    }
    return descriptor;
}

ptrdiff_t c_socket_receive(int descriptor, void *bytes, size_t count) {
    return recv(descriptor, bytes, count, 0);
}

ptrdiff_t c_socket_send(int descriptor, const void *bytes, size_t count) {
    return send(descriptor, bytes, count, MSG_NOSIGNAL);
}

void c_socket_limit(int descriptor, int receive_buffer, int unsent) {
    int yes = 1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    // TCP_NOTSENT_LOWAT of linux/tcp.h
    setsockopt(descriptor, IPPROTO_TCP, 25, &unsent, sizeof unsent);
}

bool c_socket_information(int descriptor, uint32_t *words, size_t count) {
    socklen_t length = (socklen_t)(count * sizeof *words);
    return getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, words, &length) == 0;
}

#else

static int unsupported(void) {
    errno = ENOSYS;
    return -1;
}

int c_poll_create(void) { return unsupported(); }
int c_poll_create_waker(void) { return unsupported(); }
void c_poll_wake(int waker) { (void)waker; }
void c_poll_calm(int waker) { (void)waker; }

int c_poll_set(int poll, int descriptor, uint32_t events, bool isNew, bool isShared) {
    (void)poll, (void)descriptor, (void)events, (void)isNew, (void)isShared;
    return unsupported();
}

int c_poll_wait(int poll, struct c_poll_event *events, int count, int milliseconds) {
    (void)poll, (void)events, (void)count, (void)milliseconds;
    return unsupported();
}

int c_socket_accept(int listener, uint8_t address[16], int *length) {
    (void)listener, (void)address;
    *length = 0;
    return unsupported();
}

ptrdiff_t c_socket_receive(int descriptor, void *bytes, size_t count) { return recv(descriptor, bytes, count, 0); }
ptrdiff_t c_socket_send(int descriptor, const void *bytes, size_t count) { return send(descriptor, bytes, count, 0); }
void c_socket_limit(int descriptor, int receive_buffer, int unsent) { (void)descriptor, (void)receive_buffer, (void)unsent; }

bool c_socket_information(int descriptor, uint32_t *words, size_t count) {
    (void)descriptor, (void)words, (void)count;
    return false;
}

#endif

void c_socket_end_output(int descriptor) {
    shutdown(descriptor, SHUT_WR);
}

void c_socket_reset_on_close(int descriptor) {
    struct linger none = {.l_onoff = 1, .l_linger = 0};
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &none, sizeof none);
}
