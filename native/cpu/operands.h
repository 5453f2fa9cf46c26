// Copies of float32 images in the form convolutions multiply (see Device::operands).
#pragma once

#include <memory>

#include "device.h"
#include "parallel.h"
#include "passes.h"

namespace framecast {

// Room for the operands of up to `size` values. In fp32 the operands are the values themselves and there is no copy.
class OperandBuffer {
  public:
    OperandBuffer(Device &device, size_t size) : device_(device) {
        if (!device.fp32()) {
            memory_ = std::make_unique<Memory>(device, size * device.operand_bytes());
        }
    }

    // Converts n values to the operands from element `offset` on, and says where they begin.
    const void *convert(const float *values, size_t offset, size_t n) {
        if (device_.fp32()) {
            return values;
        }
        parallel_for(n, 1 << 16, [&](size_t begin, size_t end) {
            if (device_.operands() == Operands::BF16) {
                auto *words = static_cast<uint16_t *>(memory_->data());
                passes().to_bf16(values + begin, words + offset + begin, end - begin);
            } else {
                passes().round_bf16(values + begin, memory_->floats() + offset + begin, end - begin);
            }
        });
        return memory_data(offset);
    }

    // For a pass that writes the operands from element `offset` on.
    OperandTarget target(size_t offset) const {
        return device_.fp32() ? OperandTarget{} : OperandTarget{device_.operands(), memory_data(offset)};
    }

    // The operands from element `offset` on of a sequence that begins at `values` and was converted before.
    const void *at(const float *values, size_t offset) const {
        return device_.fp32() ? static_cast<const void *>(values + offset) : memory_data(offset);
    }

  private:
    void *memory_data(size_t offset) const {
        return static_cast<char *>(memory_->data()) + offset * device_.operand_bytes();
    }

    Device &device_;
    std::unique_ptr<Memory> memory_;
};

}  // namespace framecast
