// Shared by the cuDNN, cuBLAS and NCCL replacements: refused arguments, handles, and queued work.
#pragma once

#include <cstdio>
#include <cstring>
#include <mutex>
#include <new>
#include <string>
#include <type_traits>
#include <unordered_set>

#include "driver/stream/library_work.h"

#define SOFTGPU_LIBRARY_API extern "C" __attribute__((visibility("default")))

namespace softgpu {

// The reason why a call is refused, and the library's status for it.
struct Refusal {
    int status;
    std::string why;
};

// Prints the reason to standard error, which says more than the status. Returns the text.
inline std::string complain(const char *function, const std::string &why) {
    const std::string text = std::string(function) + ": " + why;
    fprintf(stderr, "framecast softgpu: %s\n", text.c_str());
    return text;
}

// The handles and descriptors of one type that were created and not destroyed.
template <class T> class Objects {
public:
    static T *create() {
        T *object = new T();
        std::lock_guard lock(mutex_);
        live_.insert(object);
        return object;
    }
    static bool holds(const T *object) {
        std::lock_guard lock(mutex_);
        return live_.count(object) != 0;
    }
    static bool destroy(T *object) {
        {
            std::lock_guard lock(mutex_);
            if (live_.erase(object) == 0) return false;
        }
        delete object;
        return true;
    }

private:
    static inline std::mutex mutex_;
    static inline std::unordered_set<const T *> live_;
};

// Enqueues job.run(), which returns a CUresult, in a stream; with an order as by softgpu_enqueue_ordered. Returns a
// CUresult.
template <class Job> int enqueue(void *stream, const char *name, const Job &job, const void *order = nullptr) {
    static_assert(std::is_trivially_copyable_v<Job>);
    constexpr int OUT_OF_MEMORY = 2;    // CUDA_ERROR_OUT_OF_MEMORY
    const auto run = [](const void *data) -> int {
        Job job;
        memcpy(static_cast<void *>(&job), data, sizeof job);
        try {
            return job.run();
        } catch (const std::bad_alloc &) {
            return OUT_OF_MEMORY;
        }
    };
    return softgpu_enqueue_ordered(stream, name, run, &job, sizeof job, order);
}

}  // namespace softgpu
