#ifndef C_PROCESS_H
#define C_PROCESS_H

/// The processors that this process may use; 0 where that is not known.
int c_process_processor_count(void);

/// Limits how many heaps the allocator keeps; does nothing where it has no such limit.
void c_process_limit_heaps(int count);

#endif
