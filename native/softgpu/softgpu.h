// Controlling the software device from outside: its checks, its counters, and calls that are made to fail.
// These are not CUDA's: a program that runs on the device needs none of them.
#pragma once

#include <stdint.h>

#if defined(__GNUC__) && !defined(SOFTGPU_API)
#define SOFTGPU_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

// As the environment variable FRAMECAST_SOFTGPU: "checks=all,counters=on,threads=2,compute=80,memory=16g,watchdog=0".
// Returns NULL, or what is wrong with it. Compute capability and memory can only change while no context exists.
// "processors=2" says how many this process may use, which takes more than the C++ library to know (a container's CPU
// limit); where threads=0, as at first, as many threads of the host run blocks.
SOFTGPU_API const char *softgpu_configure(const char *options);

// How many threads of the host run blocks.
SOFTGPU_API int softgpu_threads(void);

// The report of the last failed check or launch, or an empty string. The text stays valid until the thread's next call.
SOFTGPU_API const char *softgpu_report(void);
SOFTGPU_API void softgpu_clear_report(void);

// Counters of the launches since the last reset, summed by kernel: as a table for people, as JSON, and one kernel's
// source with the counters of each line. `source` is the text of the CUDA file, or NULL to read the file the PTX names (and,
// where there is none, to list the PTX).
SOFTGPU_API const char *softgpu_counters_table(void);
SOFTGPU_API const char *softgpu_counters_json(void);
SOFTGPU_API const char *softgpu_listing(const char *kernel, const char *source);
SOFTGPU_API void softgpu_reset_counters(void);

// Which PTX instructions some thread has run since the process began, whatever was reset or unloaded since and whether
// counters were on: as JSON, of every program that was loaded, or of those with code from a source file of this name.
SOFTGPU_API const char *softgpu_coverage_json(const char *file);

// Makes calls fail: "alloc:3=CUDA_ERROR_OUT_OF_MEMORY", "copy:1=700", "launch:2=...", "synchronize:1=...", "load:1=..."
// (the nth from now on; alloc covers every allocating call, copy copies and memsets), "memory=64m" (no more than this
// can be allocated), "lost:10" (the device is lost from the 10th call from now on); several separated by commas. NULL or ""
// takes all back. Returns NULL, or what is wrong with it.
SOFTGPU_API const char *softgpu_inject(const char *faults);

// Driver calls since the process began: so that a test can fail each of them in turn.
SOFTGPU_API uint64_t softgpu_call_count(void);

// The allocations that were not freed yet, one line each, or an empty string.
SOFTGPU_API const char *softgpu_live_allocations(void);

#ifdef __cplusplus
}
#endif
