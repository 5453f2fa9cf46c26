// Texture and surface objects.
#include "driver/stream/queue.h"
#include "driver/texture/texture.h"

namespace softgpu {

namespace {

uint64_t add(Context &context, const BoundImage &bound, const CUDA_RESOURCE_DESC &resource) {
    Driver &driver = Driver::get();
    auto object = std::make_shared<ImageObject>();
    object->context = &context;
    object->number = driver.next_number(bound.is_surface ? "surface object" : "texture object");
    object->is_surface = bound.is_surface;
    object->resource = resource;
    object->handle = BoundImages::get().add(bound);
    driver.image_objects[object->handle] = object;
    return object->handle;
}

ImageObject &object_named(uint64_t handle, bool surface) {
    const auto &all = Driver::get().image_objects;
    const auto at = all.find(handle);
    require(at != all.end() && at->second->is_surface == surface);
    return *at->second;
}

// After all work of its context, which may use it, is done.
CUresult destroy(const char *name, uint64_t handle, bool surface) {
    return context_call(name, [&](Context &) {
        Context &context = *object_named(handle, surface).context;
        refuse_unsafe_call();
        drain(context);
        Driver::get().image_objects.erase(handle);
    });
}

CUresult resource_of(const char *name, CUDA_RESOURCE_DESC *resource, uint64_t handle, bool surface) {
    return context_call(name, [&](Context &) {
        require(resource);
        *resource = object_named(handle, surface).resource;
    });
}

}  // namespace

extern "C" {

CU_API cuTexObjectCreate(CUtexObject *object, const CUDA_RESOURCE_DESC *resource, const CUDA_TEXTURE_DESC *texture,
                         const void *view) {
    return context_call(__func__, [&](Context &context) {
        require(object && resource && texture);
        if (view) {
            complain("cuTexObjectCreate: resource views are not provided");
            fail(CUDA_ERROR_NOT_SUPPORTED);
        }
        *object = add(context, texture_of(*resource, *texture), *resource);
        object_named(*object, false).texture = *texture;
    });
}

CU_API cuTexObjectDestroy(CUtexObject object) { return destroy(__func__, object, false); }

CU_API cuTexObjectGetResourceDesc(CUDA_RESOURCE_DESC *resource, CUtexObject object) {
    return resource_of(__func__, resource, object, false);
}

CU_API cuTexObjectGetTextureDesc(CUDA_TEXTURE_DESC *texture, CUtexObject object) {
    return context_call(__func__, [&](Context &) {
        require(texture);
        *texture = object_named(object, false).texture;
    });
}

CU_API cuSurfObjectCreate(CUsurfObject *object, const CUDA_RESOURCE_DESC *resource) {
    return context_call(__func__, [&](Context &context) {
        require(object && resource && resource->resType == CU_RESOURCE_TYPE_ARRAY);
        BoundImage bound;
        bound.image = image_of(*resource);
        bound.is_surface = true;
        require(bound.image.stores);
        *object = add(context, bound, *resource);
    });
}

CU_API cuSurfObjectDestroy(CUsurfObject object) { return destroy(__func__, object, true); }

CU_API cuSurfObjectGetResourceDesc(CUDA_RESOURCE_DESC *resource, CUsurfObject object) {
    return resource_of(__func__, resource, object, true);
}

}  // extern "C"

}  // namespace softgpu
