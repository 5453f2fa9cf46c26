// The shape of a convolution, known when a kernel is compiled: finding a tap then costs no division and few registers.
// These macros give it:
//   HEIGHT, WIDTH, INPUTS               of x, in NHWC
//   OUT_HEIGHT, OUT_WIDTH, OUTPUTS      of y, in NHWC
//   KERNEL_HEIGHT, KERNEL_WIDTH         of w (kernel row, kernel column, input channel, output channel)
//   STRIDE_HEIGHT, STRIDE_WIDTH, DILATION_HEIGHT, DILATION_WIDTH, PAD_TOP, PAD_LEFT
#pragma once

namespace convolution {

constexpr int TAPS = KERNEL_HEIGHT * KERNEL_WIDTH, PIXELS = HEIGHT * WIDTH, OUT_PIXELS = OUT_HEIGHT * OUT_WIDTH;

// How many channels an aligned access may take at most: rows of channels are aligned to 16 bytes only if the number of
// channels is a multiple of 4.
constexpr int INPUT_ALIGNMENT = INPUTS % 4 == 0 ? 4 : 1, OUTPUT_ALIGNMENT = OUTPUTS % 4 == 0 ? 4 : 1;

}
