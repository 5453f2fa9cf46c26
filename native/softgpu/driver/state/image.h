// CUDA arrays, and the objects and references through which kernels read and write images.
#pragma once

#include "driver/state/driver.h"
#include "machine/texture.h"

namespace softgpu {

constexpr int TEXTURE_ALIGNMENT = 512, TEXTURE_PITCH_ALIGNMENT = 32;    // bytes, of linear memory

// In texels: the CUDA C++ Programming Guide, "Technical Specifications per Compute Capability", 8.0.
struct TextureLimits {
    static constexpr int width = 131072, height = 65536;    // of arrays of one and two dimensions
    static constexpr int three = 16384;                     // of each dimension of three
    static constexpr int layered = 32768, layers = 2048;
    static constexpr int linear = 1 << 28;
    static constexpr int pitched[2] = {131072, 65000}, pitch = 2097120;    // the pitch in bytes
};

// Its memory is one of Driver::allocations. The rows follow each other without gaps, the planes and layers too.
struct Array : Object {
    Image image;
    CUDA_ARRAY3D_DESCRIPTOR descriptor{};
};

// A texture or a surface object. Kernels get `handle`.
struct ImageObject : Object {
    uint64_t handle = 0;
    bool is_surface = false;
    CUDA_RESOURCE_DESC resource{};
    CUDA_TEXTURE_DESC texture{};

    ~ImageObject() { BoundImages::get().remove(handle); }
};

// A .texref variable of a module.
struct TextureReference : Object {
    Module *module = nullptr;
    uint64_t variable = 0;          // where the handle of what is bound is
    uint64_t handle = 0;
    bool is_bound = false;
    CUDA_RESOURCE_DESC resource{};
    CUDA_TEXTURE_DESC texture{};
    CUarray_format format = CU_AD_FORMAT_FLOAT;     // of linear memory
    unsigned channels = 1;

    ~TextureReference() { BoundImages::get().remove(handle); }
};

}  // namespace softgpu
