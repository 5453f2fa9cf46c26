// The CPU as a device: its threads, the precision it computes in, and the memory it hands out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

#include <oneapi/dnnl/dnnl.hpp>
#include <oneapi/dnnl/dnnl_debug.h>

#include "passes.h"
#include "profile.h"

namespace framecast {

class Device {
  public:
    // threads: at least 1, and no more than OMP_THREAD_LIMIT.
    Device(int threads, int operands);

    // Whether the processor multiplies bfloat16 itself (AVX512-BF16, AMX, AVX-NE-CONVERT), so that
    // OPERANDS_BF16 is worth having.
    static bool native_bf16();
    // Whether it has AMX, which multiplies bfloat16 many times as fast as float32.
    static bool has_matrix_units();
    // The instruction set oneDNN has chosen, by name.
    static const char *isa();

    int threads() const { return threads_; }
    Operands operands() const { return operands_; }
    bool fp32() const { return operands_ == OPERANDS_F32; }
    dnnl::memory::data_type operand_type() const {
        return operands_ == OPERANDS_BF16 ? dnnl::memory::data_type::bf16 : dnnl::memory::data_type::f32;
    }
    size_t operand_bytes() const { return operands_ == OPERANDS_BF16 ? 2 : 4; }
    dnnl::engine &engine() { return engine_; }
    dnnl::stream &stream() { return stream_; }

    // OpenMP keeps the thread count per calling thread, and Java may call from any: every entry
    // point of an op says which count it wants.
    void enter() const;

    // Bytes handed out by Memory objects now, and at most so far.
    int64_t bytes_in_use() const { return in_use_; }
    int64_t peak_bytes() const { return peak_; }

    // Where time goes, by op.
    Profile &profile() { return profile_; }
    void set_profiling(bool on) { profile_.enable(on); }
    std::string take_profile() { return profile_.take(); }

  private:
    friend class Memory;
    int threads_;
    Operands operands_;
    dnnl::engine engine_;
    dnnl::stream stream_;
    int64_t available_;
    int64_t in_use_ = 0;
    int64_t peak_ = 0;
    Profile profile_;
};

// A block of zeroed memory on its own pages, freed by its destructor.
class Memory {
  public:
    Memory(Device &device, size_t bytes);
    ~Memory();
    Memory(const Memory &) = delete;
    Memory &operator=(const Memory &) = delete;

    float *floats() const { return static_cast<float *>(data_); }
    void *data() const { return data_; }
    size_t bytes() const { return bytes_; }

  private:
    Device &device_;
    void *data_ = nullptr;
    size_t bytes_;
};

// Runs a oneDNN call, and turns its error into one that names the call, the status and its meaning.
template <typename Call>
auto named(const std::string &what, Call call) -> decltype(call()) {
    try {
        return call();
    } catch (const dnnl::error &e) {
        throw std::runtime_error("oneDNN: " + what + " failed with status " + std::to_string(e.status) + " ("
                + dnnl_status2str(e.status) + "): " + e.message);
    }
}

}  // namespace framecast
