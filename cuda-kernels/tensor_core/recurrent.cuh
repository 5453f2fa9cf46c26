// The mappings (mappings.cuh) of the recurrent convolution of a ConvLSTM: stride 1, same, of its hidden state, which is
// as large as the input convolution's outputs, with channels padded to PADDED_FILTERS; and of its backward data.
#pragma once
#include "tensor_core/mappings.cuh"

namespace tensor_core {

struct RecurrentPixels {
    static constexpr int SOURCE_PIXELS = convolution::OUT_PIXELS, SOURCE_HEIGHT = OUT_HEIGHT, SOURCE_WIDTH = OUT_WIDTH;
    static constexpr int PAD_ROWS = (KERNEL_HEIGHT - 1) / 2, PAD_COLUMNS = (KERNEL_WIDTH - 1) / 2;
    static constexpr bool LINEAR = true;
    using Pixel = convolution::MixedRadix<OUT_HEIGHT, OUT_WIDTH>;
};

struct RecurrentMapping : RecurrentPixels {
    static constexpr int CHANNELS = PADDED_FILTERS, ROW_STEP = 1, COLUMN_STEP = 1;

    static __device__ int row(const Pixel &pixel) { return pixel.middle - PAD_ROWS; }
    static __device__ int column(const Pixel &pixel) { return pixel.low - PAD_COLUMNS; }
};

struct RecurrentDataMapping : RecurrentPixels {
    static constexpr int CHANNELS = PADDED_OUTPUTS, ROW_STEP = -1, COLUMN_STEP = -1;

    static __device__ int row(const Pixel &pixel) { return pixel.middle + PAD_ROWS; }
    static __device__ int column(const Pixel &pixel) { return pixel.low + PAD_COLUMNS; }
};

}
