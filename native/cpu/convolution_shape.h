// The sizes of a 2-D convolution.
#pragma once

#include <cstddef>

namespace framecast {

// `same` pads as TensorFlow and Keras do: output = ceil(input / stride); if the padding is odd, the end has one more.
struct ConvolutionShape {
    int height, width, in, out;
    int kernel_height, kernel_width;
    int stride_height = 1, stride_width = 1;
    int dilation_height = 1, dilation_width = 1;
    bool same = true;

    int out_height() const { return output(height, kernel_height, stride_height, dilation_height); }
    int out_width() const { return output(width, kernel_width, stride_width, dilation_width); }
    int pad_top() const { return padding(height, out_height(), kernel_height, stride_height, dilation_height) / 2; }
    int pad_left() const { return padding(width, out_width(), kernel_width, stride_width, dilation_width) / 2; }
    int pad_bottom() const {
        return padding(height, out_height(), kernel_height, stride_height, dilation_height) - pad_top();
    }
    int pad_right() const {
        return padding(width, out_width(), kernel_width, stride_width, dilation_width) - pad_left();
    }
    // Whether each output position is that of an input pixel, and its neighbours are the next pixels.
    bool plain() const {
        return same && stride_height == 1 && stride_width == 1 && dilation_height == 1 && dilation_width == 1;
    }
    size_t input_size() const { return size_t(height) * width * in; }
    size_t output_size() const { return size_t(out_height()) * out_width() * out; }
    size_t weights_size() const { return size_t(kernel_height) * kernel_width * in * out; }

  private:
    int output(int size, int kernel, int stride, int dilation) const {
        return same ? (size + stride - 1) / stride : (size - (kernel - 1) * dilation - 1) / stride + 1;
    }
    int padding(int size, int output, int kernel, int stride, int dilation) const {
        const int total = (output - 1) * stride + (kernel - 1) * dilation + 1 - size;
        return same && total > 0 ? total : 0;
    }
};

}  // namespace framecast
