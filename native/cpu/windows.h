// Passes over the pixels of frames (height, width, channels): windows of them, and more of them.
#pragma once

#include "device.h"

namespace framecast {

// The sizes of windows on frames; see io.framecast.backend.PoolingSpec.
struct PoolingShape {
    int height, width, channels;
    int out_height, out_width;
    int pool_height, pool_width;
    int stride_height, stride_width;
    int pad_top, pad_left;
};

// y (images, out_height, out_width, channels): the largest value of each window of x, or the mean.
void pool(Device &device, const PoolingShape &shape, bool max, const float *x, float *y, int images);
// The gradient of x. That of a largest value is for the first of the window's values that is as large.
void pool_backward(Device &device, const PoolingShape &shape, bool max, const float *x, const float *dy, float *dx,
        int images);

// y (images, height*scale_height, width*scale_width, channels); see io.framecast.backend.UpSamplingSpec.
void up_sample(Device &device, int height, int width, int channels, int scale_height, int scale_width, bool bilinear,
        const float *x, float *y, int images);
// The gradient of x.
void up_sample_backward(Device &device, int height, int width, int channels, int scale_height, int scale_width,
        bool bilinear, const float *dy, float *dx, int images);

}  // namespace framecast
