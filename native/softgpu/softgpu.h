// The control interface of the software device: checks, counters and fault injection. It is not part of CUDA: a program
// that runs on the device does not need it.
#pragma once

#include <stdint.h>

#if defined(__GNUC__) && !defined(SOFTGPU_API)
#define SOFTGPU_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

// Sets options, in the format of the environment variable FRAMECAST_SOFTGPU:
// "checks=all,counters=on,threads=2,compute=80,memory=16g,watchdog=0". Returns NULL, or an error message. Compute
// capability and memory can only change while no context exists. "processors=2" is the number of processors that this
// process may use: the C++ library does not know the CPU limit of a container. With threads=0, the default, as many
// host threads run blocks.
SOFTGPU_API const char *softgpu_configure(const char *options);

// The options in use, in the same format; valid until the thread's next call.
SOFTGPU_API const char *softgpu_options(void);

// Sampling, to count launches that are too large to be run here: of each launch at most this many blocks run (4 to 16,
// among them the first and the last), and their counters are scaled to the grid. Of launches that are alike (of kernel,
// grid, block, shared memory, and arguments that are not addresses of the device's memory), only the first `launches`
// run; the others count as the last of these did. All results are meaningless then: memory has whatever the few blocks
// wrote. So reading device memory that nothing wrote is no error meanwhile; the other checks are as they were.
// 0 blocks: all blocks of all launches run again, as at first. Returns NULL, or an error message.
SOFTGPU_API const char *softgpu_sample(int blocks, int launches);

// The number of host threads that run blocks.
SOFTGPU_API int softgpu_threads(void);

// The report of the last failed check or launch, or an empty string. The text stays valid until the thread's next call.
SOFTGPU_API const char *softgpu_report(void);
SOFTGPU_API void softgpu_clear_report(void);

// Counters of the launches since the last reset, summed by kernel: as a readable table, as JSON, and as a listing of
// one kernel's source with the counters of each line. `source` is the text of the CUDA file, or NULL to read the file
// named in the PTX (or, if it does not exist, to list the PTX).
SOFTGPU_API const char *softgpu_counters_table(void);
SOFTGPU_API const char *softgpu_counters_json(void);
SOFTGPU_API const char *softgpu_listing(const char *kernel, const char *source);
SOFTGPU_API void softgpu_reset_counters(void);

// Which PTX instructions some thread has run, as JSON: for all programs that were loaded while coverage=on, or for
// those of them with code from a source file of this name. Independent of resets, unloading and counters=off.
SOFTGPU_API const char *softgpu_coverage_json(const char *file);

// Injects faults: "alloc:3=CUDA_ERROR_OUT_OF_MEMORY", "copy:1=700", "launch:2=...", "synchronize:1=...", "load:1=..."
// (the nth from now on; alloc covers every allocating call, copy copies and memsets), "cuInit:1=802" (likewise any
// function of the driver API), "attribute:20=2" (what cuDeviceGetAttribute says of this CUdevice_attribute),
// "devices=2" (the driver has so many devices, which are all the same one), "memory=64m" (no more than this can be
// allocated), "lost:10" (the device is lost from the 10th call from now on); several separated by commas. NULL or ""
// removes all faults. Returns NULL, or an error message.
SOFTGPU_API const char *softgpu_inject(const char *faults);

// The number of driver calls since the process began. A test can use it to make each call fail in turn.
SOFTGPU_API uint64_t softgpu_call_count(void);

// The live allocations, one line each, or an empty string.
SOFTGPU_API const char *softgpu_live_allocations(void);

#ifdef __cplusplus
}
#endif
