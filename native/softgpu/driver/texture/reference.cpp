// Texture references: .texref variables of modules.
#include <algorithm>

#include "driver/state/module.h"
#include "driver/stream/queue.h"
#include "driver/texture/texture.h"

namespace softgpu {

namespace {

// Reads all of a reference's state again, after the launches that saw it as it was.
void bind(TextureReference &reference) {
    if (!reference.is_bound) return;
    drain(*reference.context);
    const BoundImage bound = texture_of(reference.resource, reference.texture);
    BoundImages::get().remove(reference.handle);
    reference.handle = BoundImages::get().add(bound);
    *reinterpret_cast<uint64_t *>(reference.variable) = reference.handle;
}

// A change to a copy of the reference, which takes effect if what it is bound to can be read so.
template <class Change> CUresult set(const char *name, CUtexref handle, Change change) {
    return context_call(name, [&](Context &) {
        const auto reference = object_of(Driver::get().texture_references, handle);
        refuse_unsafe_call();
        const CUDA_RESOURCE_DESC resource = reference->resource;
        const CUDA_TEXTURE_DESC texture = reference->texture;
        const bool was_bound = reference->is_bound;
        try {
            change(*reference);
            bind(*reference);
        } catch (const Failure &) {
            reference->resource = resource;
            reference->texture = texture;
            reference->is_bound = was_bound;
            throw;
        }
    });
}

template <class Read> CUresult get(const char *name, CUtexref handle, const void *result, Read read) {
    return context_call(name, [&](Context &) {
        require(result);
        read(*object_of(Driver::get().texture_references, handle));
    });
}

}  // namespace

extern "C" {

CU_API cuModuleGetTexRef(CUtexref *result, CUmodule handle, const char *name) {
    return context_call(__func__, [&](Context &) {
        require(result && name);
        Driver &driver = Driver::get();
        const auto module = object_of(driver.modules, handle);
        const auto &variables = module->program->source.variables;
        const auto known = std::ranges::find(variables, std::string_view(name), &ptx::Variable::name);
        require(known != variables.end() && known->is_texture, CUDA_ERROR_NOT_FOUND);
        const uint64_t address = module->variables.at(name).address;
        for (const auto &[texref, reference] : driver.texture_references.all())
            if (reference->variable == address) return void(*result = reference.get());
        auto reference = std::make_shared<TextureReference>();
        reference->context = module->context;
        reference->module = module.get();
        reference->variable = address;
        std::fill_n(reference->texture.addressMode, 3, CU_TR_ADDRESS_MODE_CLAMP);
        *result = driver.texture_references.add(reference);
    });
}

CU_API cuTexRefSetArray(CUtexref texref, CUarray array, unsigned flags) {
    return set(__func__, texref, [&](TextureReference &reference) {
        require(flags == CU_TRSA_OVERRIDE_FORMAT);
        reference.resource = {};
        reference.resource.resType = CU_RESOURCE_TYPE_ARRAY;
        reference.resource.res.array = array;
        reference.is_bound = true;
    });
}

CU_API cuTexRefSetAddress_v2(size_t *offset, CUtexref texref, CUdeviceptr address, size_t bytes) {
    return set(__func__, texref, [&](TextureReference &reference) {
        reference.resource = {};
        reference.resource.resType = CU_RESOURCE_TYPE_LINEAR;
        reference.resource.res.linear = {address, reference.format, reference.channels, bytes};
        reference.is_bound = true;
        if (offset) *offset = 0;
    });
}

CU_API cuTexRefSetAddress2D_v3(CUtexref texref, const CUDA_ARRAY_DESCRIPTOR *d, CUdeviceptr address, size_t pitch) {
    return set(__func__, texref, [&](TextureReference &reference) {
        require(d);
        reference.resource = {};
        reference.resource.resType = CU_RESOURCE_TYPE_PITCH2D;
        reference.resource.res.pitch2D = {address, d->Format, d->NumChannels, d->Width, d->Height, pitch};
        reference.is_bound = true;
    });
}

// The format of linear memory that is bound afterwards. An array has its own.
CU_API cuTexRefSetFormat(CUtexref texref, CUarray_format format, int channels) {
    return set(__func__, texref, [&](TextureReference &reference) {
        texel_format(format, static_cast<unsigned>(channels));
        reference.format = format;
        reference.channels = static_cast<unsigned>(channels);
    });
}

CU_API cuTexRefSetAddressMode(CUtexref texref, int dimension, CUaddress_mode mode) {
    return set(__func__, texref, [&](TextureReference &reference) {
        require(dimension >= 0 && dimension < 3);
        require(mode >= CU_TR_ADDRESS_MODE_WRAP && mode <= CU_TR_ADDRESS_MODE_BORDER);
        reference.texture.addressMode[dimension] = mode;
    });
}

CU_API cuTexRefSetFilterMode(CUtexref texref, CUfilter_mode mode) {
    return set(__func__, texref, [&](TextureReference &reference) {
        require(mode == CU_TR_FILTER_MODE_POINT || mode == CU_TR_FILTER_MODE_LINEAR);
        reference.texture.filterMode = mode;
    });
}

CU_API cuTexRefSetFlags(CUtexref texref, unsigned flags) {
    return set(__func__, texref, [&](TextureReference &reference) { reference.texture.flags = flags; });
}

CU_API cuTexRefSetBorderColor(CUtexref texref, const float *color) {
    return set(__func__, texref, [&](TextureReference &reference) {
        require(color);
        std::copy_n(color, 4, reference.texture.borderColor);
    });
}

// Of mipmaps, which there are none of.
CU_API cuTexRefSetMaxAnisotropy(CUtexref texref, unsigned most) {
    return set(__func__, texref, [&](TextureReference &reference) { reference.texture.maxAnisotropy = most; });
}

CU_API cuTexRefGetArray(CUarray *array, CUtexref texref) {
    return get(__func__, texref, array, [&](const TextureReference &reference) {
        require(reference.is_bound && reference.resource.resType == CU_RESOURCE_TYPE_ARRAY);
        *array = reference.resource.res.array;
    });
}

CU_API cuTexRefGetAddress_v2(CUdeviceptr *address, CUtexref texref) {
    return get(__func__, texref, address, [&](const TextureReference &reference) {
        const CUDA_RESOURCE_DESC &resource = reference.resource;
        require(reference.is_bound && resource.resType != CU_RESOURCE_TYPE_ARRAY);
        *address = resource.resType == CU_RESOURCE_TYPE_LINEAR ? resource.res.linear.devPtr
                                                               : resource.res.pitch2D.devPtr;
    });
}

CU_API cuTexRefGetFormat(CUarray_format *format, int *channels, CUtexref texref) {
    return get(__func__, texref, format && channels ? format : nullptr, [&](const TextureReference &reference) {
        *format = reference.format;
        *channels = static_cast<int>(reference.channels);
    });
}

CU_API cuTexRefGetAddressMode(CUaddress_mode *mode, CUtexref texref, int dimension) {
    return get(__func__, texref, mode, [&](const TextureReference &reference) {
        require(dimension >= 0 && dimension < 3);
        *mode = reference.texture.addressMode[dimension];
    });
}

CU_API cuTexRefGetFilterMode(CUfilter_mode *mode, CUtexref texref) {
    return get(__func__, texref, mode, [&](const TextureReference &reference) {
        *mode = reference.texture.filterMode;
    });
}

CU_API cuTexRefGetFlags(unsigned *flags, CUtexref texref) {
    return get(__func__, texref, flags, [&](const TextureReference &reference) { *flags = reference.texture.flags; });
}

CU_API cuTexRefGetBorderColor(float *color, CUtexref texref) {
    return get(__func__, texref, color, [&](const TextureReference &reference) {
        std::copy_n(reference.texture.borderColor, 4, color);
    });
}

}  // extern "C"

}  // namespace softgpu
