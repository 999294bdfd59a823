#ifndef C_PROCESS_H
#define C_PROCESS_H

#include <stdbool.h>

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

#endif
