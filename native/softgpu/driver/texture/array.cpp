// CUDA arrays.
#include <algorithm>

#include "driver/memory/allocation.h"
#include "driver/stream/queue.h"
#include "driver/texture/texture.h"

namespace softgpu {

namespace {

void check_size(const CUDA_ARRAY3D_DESCRIPTOR &d) {
    const bool layered = d.Flags & CUDA_ARRAY3D_LAYERED, cubemap = d.Flags & CUDA_ARRAY3D_CUBEMAP;
    require(d.Width > 0);
    if (cubemap) require(d.Width == d.Height && (layered ? d.Depth > 0 && d.Depth % 6 == 0 : d.Depth == 6));
    if (layered) require(d.Depth > 0);
    using Most = TextureLimits;
    if (layered || cubemap) {
        require(d.Width <= Most::layered && d.Height <= Most::layered && d.Depth <= Most::layers);
    } else if (d.Depth > 0) {
        require(d.Height > 0 && std::max({d.Width, d.Height, d.Depth}) <= Most::three);
    } else {
        require(d.Width <= Most::width && d.Height <= Most::height);
    }
}

CUresult create(const char *name, CUarray *result, const CUDA_ARRAY3D_DESCRIPTOR *descriptor) {
    return context_call(name, [&](Context &context) {
        require(result && descriptor);
        refuse_unsafe_call();
        constexpr unsigned known = CUDA_ARRAY3D_LAYERED | CUDA_ARRAY3D_SURFACE_LDST | CUDA_ARRAY3D_CUBEMAP |
                                   CUDA_ARRAY3D_TEXTURE_GATHER;
        if (descriptor->Flags & ~known) {
            complain(std::string(name) + ": depth, sparse and mapped arrays are not provided");
            fail(CUDA_ERROR_NOT_SUPPORTED);
        }
        auto array = std::make_shared<Array>();
        array->descriptor = *descriptor;
        Image &image = array->image;
        image.format = texel_format(descriptor->Format, descriptor->NumChannels);
        check_size(*descriptor);
        image.width = static_cast<uint32_t>(descriptor->Width);
        image.height = static_cast<uint32_t>(descriptor->Height);
        image.depth = static_cast<uint32_t>(descriptor->Depth);
        image.layered = descriptor->Flags & CUDA_ARRAY3D_LAYERED;
        image.cubemap = descriptor->Flags & CUDA_ARRAY3D_CUBEMAP;
        image.stores = descriptor->Flags & CUDA_ARRAY3D_SURFACE_LDST;
        image.gather = descriptor->Flags & CUDA_ARRAY3D_TEXTURE_GATHER;
        image.pitch = uint64_t(image.width) * image.format.bytes();
        image.slice = image.pitch * std::max(image.height, 1u);
        image.address = allocate(context, image.bytes(), Arena::Kind::array);
        array->context = &context;
        *result = Driver::get().arrays.add(array);
    }, Site::alloc);
}

}  // namespace

extern "C" {

CU_API cuArrayCreate_v2(CUarray *array, const CUDA_ARRAY_DESCRIPTOR *d) {
    if (!d) return create(__func__, array, nullptr);
    const CUDA_ARRAY3D_DESCRIPTOR descriptor{d->Width, d->Height, 0, d->Format, d->NumChannels, 0};
    return create(__func__, array, &descriptor);
}

CU_API cuArray3DCreate_v2(CUarray *array, const CUDA_ARRAY3D_DESCRIPTOR *descriptor) {
    return create(__func__, array, descriptor);
}

CU_API cuArrayGetDescriptor_v2(CUDA_ARRAY_DESCRIPTOR *descriptor, CUarray handle) {
    return context_call(__func__, [&](Context &) {
        require(descriptor);
        const CUDA_ARRAY3D_DESCRIPTOR &d = object_of(Driver::get().arrays, handle)->descriptor;
        *descriptor = {d.Width, d.Height, d.Format, d.NumChannels};
    });
}

CU_API cuArray3DGetDescriptor_v2(CUDA_ARRAY3D_DESCRIPTOR *descriptor, CUarray handle) {
    return context_call(__func__, [&](Context &) {
        require(descriptor);
        *descriptor = object_of(Driver::get().arrays, handle)->descriptor;
    });
}

CU_API cuArrayDestroy(CUarray handle) {
    return context_call(__func__, [&](Context &) {
        Driver &driver = Driver::get();
        const auto array = object_of(driver.arrays, handle);
        refuse_unsafe_call();
        drain(*array->context);
        Arena::get().free(array->image.address, Arena::Kind::array);
        driver.allocations.erase(array->image.address);
        driver.arrays.remove(handle);
    });
}

}  // extern "C"

}  // namespace softgpu
