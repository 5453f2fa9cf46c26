// The interface through which the cuDNN, cuBLAS and NCCL replacements enqueue work and access device memory. Exported
// by libcuda.so.1.
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SOFTGPU_INTERNAL __attribute__((visibility("default")))

extern "C" {

// Appends host work to a stream (0: the default stream), in stream order like a kernel launch. It runs when the stream
// reaches it. While the stream captures, it becomes a node of the graph and may run many times. `run` returns a
// CUresult. `bytes` bytes of `data` are copied. Returns a CUresult.
SOFTGPU_INTERNAL int softgpu_enqueue(void *stream, const char *name, int (*run)(const void *data), const void *data,
                                     size_t bytes);

// The same, for work that other processes wait for. It runs soon, even if no thread of this process waits for it. Work
// of one order runs in the order in which it was enqueued, in whatever streams. CUDA_ERROR_NOT_READY from `run` means
// that it waits for another process: it is called again, and other streams go on meanwhile.
SOFTGPU_INTERNAL int softgpu_enqueue_ordered(void *stream, const char *name, int (*run)(const void *data),
                                             const void *data, size_t bytes, const void *order);

// Writes a report, for softgpu_report().
SOFTGPU_INTERNAL void softgpu_complain(const char *text);

// For `run`: checks that [address, address + bytes) is in a live allocation and, for read != 0, fully written. If not,
// writes a report that names `what` ("cudnnConvolutionForward: filter") and returns the CUresult to end with; 0
// otherwise.
SOFTGPU_INTERNAL int softgpu_check_range(const char *what, uint64_t address, size_t bytes, int read);
// For `run`: the bytes are now written.
SOFTGPU_INTERNAL void softgpu_mark_written(uint64_t address, size_t bytes);

}  // extern "C"
