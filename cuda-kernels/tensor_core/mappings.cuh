// From a pixel of the product and a tap of the kernel to the pixel of the source; see convolution/iterators.cuh.
// Channels are padded with zeros to whole chunks of 16 bytes: PADDED_INPUTS and PADDED_OUTPUTS.
//
// LINEAR: the source is SOURCE_WIDTH * ROW_STEP and COLUMN_STEP pixels further for the next tap in each direction.
#pragma once
#include "convolution/iterators.cuh"

namespace tensor_core {

struct ForwardMapping : convolution::ForwardMapping {
    static constexpr int CHANNELS = PADDED_INPUTS, SOURCE_HEIGHT = HEIGHT, SOURCE_WIDTH = WIDTH;
    static constexpr int ROW_STEP = DILATION_HEIGHT, COLUMN_STEP = DILATION_WIDTH;
    static constexpr bool LINEAR = true;
};

struct BackwardDataMapping : convolution::BackwardDataMapping {
    static constexpr int CHANNELS = PADDED_OUTPUTS, SOURCE_HEIGHT = OUT_HEIGHT, SOURCE_WIDTH = OUT_WIDTH;
    static constexpr int ROW_STEP = -DILATION_HEIGHT, COLUMN_STEP = -DILATION_WIDTH;
    static constexpr bool LINEAR = STRIDE_HEIGHT == 1 && STRIDE_WIDTH == 1;
};

}
