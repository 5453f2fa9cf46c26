// Textures and surfaces as the machine reads them, from what the driver API says about them.
#pragma once

#include "driver/state/call.h"
#include "driver/state/image.h"

namespace softgpu {

// Fails if the format or the number of channels is none.
TexelFormat texel_format(CUarray_format format, unsigned channels);
// Fails if the resource is not in memory that it can be in.
Image image_of(const CUDA_RESOURCE_DESC &resource);
// Fails if the image cannot be read so.
BoundImage texture_of(const CUDA_RESOURCE_DESC &resource, const CUDA_TEXTURE_DESC &texture);

}  // namespace softgpu
