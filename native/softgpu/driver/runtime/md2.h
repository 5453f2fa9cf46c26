// MD2 (RFC 1319) and its keyed form, HMAC (RFC 2104).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace softgpu {

class Md2 {
public:
    using Block = std::array<uint8_t, 16>;

    void add(const void *bytes, size_t count);
    template <class T> void add(const T &value) { add(&value, sizeof value); }
    // The digest of what was added. Nothing can be added after it.
    Block digest();

private:
    void take(const Block &block);

    std::array<uint8_t, 48> state_{};
    Block checksum_{}, pending_{};
    size_t count_ = 0;      // in `pending_`
};

// The HMAC of what is added, with a key of 16 bytes, which is MD2's size of a block.
class HmacMd2 {
public:
    explicit HmacMd2(const Md2::Block &key);
    template <class T> void add(const T &value) { inner_.add(value); }
    Md2::Block digest();

private:
    Md2 inner_, outer_;
};

}  // namespace softgpu
