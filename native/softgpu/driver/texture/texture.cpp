#include "driver/texture/texture.h"

#include <algorithm>

#include "driver/work/place.h"
#include "machine/arena.h"

namespace softgpu {

namespace {

// Linear memory must begin where the device can read textures. Allocations do, whatever their address is here.
void require_alignment(uint64_t address) {
    Arena::Allocation allocation;
    if (Arena::get().contains(address) && Arena::get().find(address, allocation))
        require((address - allocation.address) % TEXTURE_ALIGNMENT == 0);
}

}  // namespace

TexelFormat texel_format(CUarray_format format, unsigned channels) {
    using enum TexelFormat::Kind;
    require(channels == 1 || channels == 2 || channels == 4);
    const auto of = [&](TexelFormat::Kind kind, uint8_t bytes) {
        return TexelFormat{kind, bytes, static_cast<uint8_t>(channels)};
    };
    switch (format) {
        case CU_AD_FORMAT_UNSIGNED_INT8: return of(unsigned_integer, 1);
        case CU_AD_FORMAT_UNSIGNED_INT16: return of(unsigned_integer, 2);
        case CU_AD_FORMAT_UNSIGNED_INT32: return of(unsigned_integer, 4);
        case CU_AD_FORMAT_SIGNED_INT8: return of(signed_integer, 1);
        case CU_AD_FORMAT_SIGNED_INT16: return of(signed_integer, 2);
        case CU_AD_FORMAT_SIGNED_INT32: return of(signed_integer, 4);
        case CU_AD_FORMAT_HALF: return of(floating, 2);
        case CU_AD_FORMAT_FLOAT: return of(floating, 4);
    }
    complain(std::string(current_call) + ": texels of format " + std::to_string(format) + " are not provided");
    fail(CUDA_ERROR_NOT_SUPPORTED);
}

Image image_of(const CUDA_RESOURCE_DESC &resource) {
    require(resource.flags == 0);
    if (resource.resType == CU_RESOURCE_TYPE_ARRAY) return object_of(Driver::get().arrays, resource.res.array)->image;
    Image image;
    if (resource.resType == CU_RESOURCE_TYPE_LINEAR) {
        const auto &linear = resource.res.linear;
        image.memory = Image::Memory::linear;
        image.format = texel_format(linear.format, linear.numChannels);
        image.address = linear.devPtr;
        const uint64_t texels = linear.sizeInBytes / image.format.bytes();
        require(texels > 0 && texels <= TextureLimits::linear);
        image.width = static_cast<uint32_t>(texels);
        image.pitch = image.slice = texels * image.format.bytes();
    } else if (resource.resType == CU_RESOURCE_TYPE_PITCH2D) {
        const auto &pitched = resource.res.pitch2D;
        image.memory = Image::Memory::pitched;
        image.format = texel_format(pitched.format, pitched.numChannels);
        image.address = pitched.devPtr;
        require(pitched.width > 0 && pitched.width <= TextureLimits::pitched[0]);
        require(pitched.height > 0 && pitched.height <= TextureLimits::pitched[1]);
        require(pitched.pitchInBytes <= TextureLimits::pitch && pitched.pitchInBytes % TEXTURE_PITCH_ALIGNMENT == 0 &&
                pitched.pitchInBytes >= pitched.width * image.format.bytes());
        image.width = static_cast<uint32_t>(pitched.width);
        image.height = static_cast<uint32_t>(pitched.height);
        image.pitch = pitched.pitchInBytes;
        image.slice = (image.height - 1) * image.pitch + image.width * image.format.bytes();
    } else {
        require(resource.resType == CU_RESOURCE_TYPE_MIPMAPPED_ARRAY);
        complain(std::string(current_call) + ": mipmapped arrays are not provided");
        fail(CUDA_ERROR_NOT_SUPPORTED);
    }
    require(image.address);
    require(accessible("texture", image.address, image.bytes()));
    require_alignment(image.address);
    return image;
}

BoundImage texture_of(const CUDA_RESOURCE_DESC &resource, const CUDA_TEXTURE_DESC &texture) {
    BoundImage bound;
    bound.image = image_of(resource);
    constexpr unsigned known = CU_TRSF_READ_AS_INTEGER | CU_TRSF_NORMALIZED_COORDINATES | CU_TRSF_DISABLE_TRILINEAR;
    if (texture.flags & ~known) {
        complain(std::string(current_call) + ": texture flags other than the format of results and coordinates (sRGB, "
                                             "seamless cubemaps) are not provided");
        fail(CUDA_ERROR_NOT_SUPPORTED);
    }
    Sampling &sampling = bound.sampling;
    for (int d = 0; d < 3; ++d) {
        require(texture.addressMode[d] >= CU_TR_ADDRESS_MODE_WRAP);
        require(texture.addressMode[d] <= CU_TR_ADDRESS_MODE_BORDER);
        sampling.mode[d] = static_cast<AddressMode>(texture.addressMode[d]);
    }
    require(texture.filterMode == CU_TR_FILTER_MODE_POINT || texture.filterMode == CU_TR_FILTER_MODE_LINEAR);
    sampling.linear = texture.filterMode == CU_TR_FILTER_MODE_LINEAR && bound.image.memory != Image::Memory::linear;
    sampling.normalized = texture.flags & CU_TRSF_NORMALIZED_COORDINATES;
    sampling.as_integers = texture.flags & CU_TRSF_READ_AS_INTEGER;
    std::copy_n(texture.borderColor, 4, sampling.border);
    // Integers cannot be interpolated.
    require(!sampling.linear || bound.returns_floats());
    return bound;
}

}  // namespace softgpu
