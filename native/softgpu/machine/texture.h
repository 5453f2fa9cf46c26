// Textures and surfaces as instructions see them: images in device memory, and how a texture reads them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <shared_mutex>
#include <string>
#include <unordered_map>

namespace softgpu {

struct TexelFormat {
    enum class Kind : uint8_t { unsigned_integer, signed_integer, floating };
    Kind kind = Kind::unsigned_integer;
    uint8_t channel_bytes = 0;
    uint8_t channels = 0;       // 1, 2 or 4

    uint32_t bytes() const { return static_cast<uint32_t>(channel_bytes) * channels; }
};

// The value of a channel of the texel at `texel`; of an integer scaled to [0, 1] or [-1, 1] if it is `normalized`.
double channel_value(TexelFormat format, const std::byte *texel, int channel, bool normalized);

struct Image {
    enum class Memory : uint8_t { array, linear, pitched };
    Memory memory = Memory::array;
    TexelFormat format;
    uint64_t address = 0, pitch = 0, slice = 0;
    // A dimension that the image does not have is 0. The layers of a layered image, and the faces of a cubemap, are
    // its depth.
    uint32_t width = 0, height = 0, depth = 0;
    bool layered = false, cubemap = false;
    bool gather = false, stores = false;    // made for tld4, and for surfaces

    uint64_t bytes() const { return slice * (depth ? depth : 1); }
};

enum class AddressMode : uint8_t { wrap, clamp, mirror, border };   // as CUaddress_mode

struct Sampling {
    AddressMode mode[3] = {AddressMode::clamp, AddressMode::clamp, AddressMode::clamp};
    bool linear = false;
    bool normalized = false;        // coordinates from 0 to 1
    bool as_integers = false;       // integers of 8 and 16 bits are not scaled
    float border[4] = {};
};

// A texture object, a surface object, or what is bound to a texture reference.
struct BoundImage {
    Image image;
    Sampling sampling;
    bool is_surface = false;

    bool returns_floats() const {
        return image.format.kind == TexelFormat::Kind::floating || scaled();
    }
    // Whether integers are returned as floating-point numbers.
    bool scaled() const {
        return image.format.kind != TexelFormat::Kind::floating && image.format.channel_bytes < 4 &&
               !sampling.as_integers;
    }
};

// By handle. Handles are not used again, so that one that was destroyed is noticed.
class BoundImages {
public:
    static BoundImages &get();

    uint64_t add(const BoundImage &image);
    void remove(uint64_t handle);
    std::shared_ptr<const BoundImage> find(uint64_t handle) const;      // null if there is none
    std::string describe(uint64_t handle) const;                        // of a handle that is not found, in words

private:
    mutable std::shared_mutex mutex_;
    uint64_t last_ = 0;
    std::unordered_map<uint64_t, std::shared_ptr<const BoundImage>> images_;
};

}  // namespace softgpu
