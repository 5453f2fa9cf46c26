// How the stand-ins for cuDNN and cuBLAS put their work in a stream and reach device memory. Exported by libcuda.so.1.
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SOFTGPU_INTERNAL __attribute__((visibility("default")))

extern "C" {

// Appends host work to a stream (0: the default stream) in stream order, as a kernel launch would be: it runs when the
// stream comes to it, is captured into a graph while the stream captures, and may then run many times. `run` returns a
// CUresult. `data` is copied by value: `bytes` of it. Returns a CUresult.
SOFTGPU_INTERNAL int softgpu_enqueue(void *stream, const char *name, int (*run)(const void *data), const void *data,
                                     size_t bytes);

// For `run`: checks that [address, address + bytes) is in a live allocation and, for read != 0, fully written. If not, makes
// a report that names `what` ("cudnnConvolutionForward: filter") and returns the CUresult to end with; 0 otherwise.
SOFTGPU_INTERNAL int softgpu_check_range(const char *what, uint64_t address, size_t bytes, int read);
// For `run`: the bytes are now written.
SOFTGPU_INTERNAL void softgpu_mark_written(uint64_t address, size_t bytes);

}  // extern "C"
