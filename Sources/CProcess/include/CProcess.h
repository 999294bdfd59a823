#ifndef C_PROCESS_H
#define C_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// The processors that this process may use; 0 where that is not known.
int c_process_processor_count(void);

/// Limits how many heaps the allocator keeps; does nothing where it has no such limit.
void c_process_limit_heaps(int count);

/// Whether the process has a terminal that it is run from.
bool c_process_has_terminal(void);

/// Whether SIGHUP is ignored, as by `nohup`.
bool c_process_ignores_hangup(void);

/// Lets nothing come of a signal.
void c_process_ignore(int signal);

/// How many files and connections this process may have open at once, if it asks for all that it may have; 0 where that is not known.
long c_process_descriptor_limit(void);

/// Asks for all of them.
void c_process_raise_descriptor_limit(void);

/// How many it may have open now; 0 where that is not known.
long c_process_current_descriptor_limit(void);

/// Lets a program that is spawned have no descriptors from `first` on; does nothing where the C library has no call for that.
///
/// `actions` is a `posix_spawn_file_actions_t`.
void c_process_close_all(int first, void *actions);

/// Seconds that this process has had of all processors.
double c_process_cpu_seconds(void);

// MARK: Waiting for sockets (epoll(7)); these calls fail where there is no such thing.

/// What is to be reported of a socket, and what is.
enum { C_POLL_READ = 1, C_POLL_WRITE = 2 };

/// A socket with something to report.
struct c_poll_event {
    int32_t descriptor;
    uint32_t events;
};

/// A descriptor to wait with; -1 if that fails.
int c_poll_create(void);

/// A descriptor that is readable from the first call of `c_poll_wake` until `c_poll_calm`; -1 if that fails.
int c_poll_create_waker(void);
void c_poll_wake(int waker);
void c_poll_calm(int waker);

/// Adds a socket, changes what is reported of it, or removes it (`events` is 0).
///
/// If several threads wait for one socket, `isShared` lets a new event wake only one of them.
int c_poll_set(int poll, int descriptor, uint32_t events, bool isNew, bool isShared);

/// Waits for up to 256 events, for as many milliseconds.
int c_poll_wait(int poll, struct c_poll_event *events, int count, int milliseconds);

/// Accepts a connection, as a non-blocking socket that programs started by this one do not get; -1 and `errno` if there is none.
///
/// `length` is set to how many bytes of `address` its IP address has: 4, 16, or 0 if it has none.
int c_socket_accept(int listener, uint8_t address[16], int *length);

/// As recv(2) and send(2), without a signal if the other end has hung up.
ptrdiff_t c_socket_receive(int descriptor, void *bytes, size_t count);
ptrdiff_t c_socket_send(int descriptor, const void *bytes, size_t count);

/// Limits what the kernel buffers for a connection, and lets it send small answers at once.
void c_socket_limit(int descriptor, int receive_buffer, int unsent);

/// Lets no more be sent.
void c_socket_end_output(int descriptor);

/// Drops what is not sent, and tells the other end so, when the socket is closed.
void c_socket_reset_on_close(int descriptor);

/// The first words of `struct tcp_info`; those that the kernel does not know are left as they are.
bool c_socket_information(int descriptor, uint32_t *words, size_t count);

#endif
