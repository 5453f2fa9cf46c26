#include "machine/texture.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <mutex>

#include "base/formats.h"
#include "base/hex.h"

namespace softgpu {

double channel_value(TexelFormat format, const std::byte *texel, int channel, bool normalized) {
    const int bits = 8 * format.channel_bytes;
    uint32_t raw = 0;
    std::memcpy(&raw, texel + channel * format.channel_bytes, format.channel_bytes);
    if (format.kind == TexelFormat::Kind::floating)
        return bits == 16 ? widen<F16, double>(raw) : static_cast<double>(std::bit_cast<float>(raw));
    if (format.kind == TexelFormat::Kind::unsigned_integer) {
        const double value = raw;
        return normalized ? value / ((uint64_t(1) << bits) - 1) : value;
    }
    const double value = static_cast<int32_t>(raw << (32 - bits)) >> (32 - bits);
    return normalized ? std::max(-1.0, value / ((uint64_t(1) << (bits - 1)) - 1)) : value;
}

// Never destroyed: a launch may go on while the process ends.
BoundImages &BoundImages::get() {
    static BoundImages &all = *new BoundImages;
    return all;
}

uint64_t BoundImages::add(const BoundImage &image) {
    const std::unique_lock lock(mutex_);
    images_[++last_] = std::make_shared<const BoundImage>(image);
    return last_;
}

void BoundImages::remove(uint64_t handle) {
    const std::unique_lock lock(mutex_);
    images_.erase(handle);
}

std::shared_ptr<const BoundImage> BoundImages::find(uint64_t handle) const {
    const std::shared_lock lock(mutex_);
    const auto at = images_.find(handle);
    return at == images_.end() ? nullptr : at->second;
}

std::string BoundImages::describe(uint64_t handle) const {
    const std::shared_lock lock(mutex_);
    if (handle == 0) return "handle 0: no object, or a texture reference to which nothing is bound";
    return "handle " + hex(handle) + (handle <= last_ ? ": an object that was destroyed" : ": no object");
}

}  // namespace softgpu
