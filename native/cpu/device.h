// The CPU as a device: its threads, the precision it computes in, and the memory it hands out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "enums.h"
#include "profile.h"

namespace framecast {

struct OneDnn;

// Bytes: how many may be handed out, how many are, and the most so far.
struct MemoryAccount {
    int64_t available;
    int64_t in_use = 0;
    int64_t peak = 0;
};

// What was made on a device may be destroyed after it, but not used.
class Device {
  public:
    // threads: at least 1; at most OMP_THREAD_LIMIT are used. operands: the name of one of Operands.
    Device(int threads, const char *operands);

    // Whether the processor multiplies bfloat16 itself (AVX512-BF16, AMX, AVX-NE-CONVERT): if not, Operands::BF16 is
    // slower than float32.
    static bool native_bf16();
    // Whether it has AMX, which multiplies bfloat16 many times as fast as float32.
    static bool has_matrix_units();
    // The instruction set oneDNN has chosen, by name.
    static const char *isa();

    int threads() const { return threads_; }
    Operands operands() const { return operands_; }
    bool fp32() const { return operands_ == Operands::F32; }
    size_t operand_bytes() const { return operands_ == Operands::BF16 ? 2 : 4; }
    const std::shared_ptr<OneDnn> &onednn() const { return onednn_; }

    // OpenMP keeps the thread count per calling thread, and Java may call from any: every op sets it before it computes.
    void enter() const;

    // Bytes of all Memory objects now, and at most so far.
    int64_t bytes_in_use() const { return account_->in_use; }
    int64_t peak_bytes() const { return account_->peak; }

    // Where time goes, by op.
    Profile &profile() { return profile_; }

  private:
    friend class Memory;
    int threads_;
    Operands operands_;
    std::shared_ptr<OneDnn> onednn_;
    std::shared_ptr<MemoryAccount> account_;
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
    std::shared_ptr<MemoryAccount> account_;
    void *data_ = nullptr;
    size_t bytes_;
};

}  // namespace framecast
