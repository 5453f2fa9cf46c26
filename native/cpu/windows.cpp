#include "windows.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "parallel.h"

namespace framecast {

namespace {

// The pixels of a window that are inside the frame: rows [top, bottom) and columns [left, right), at least one.
struct Window {
    int top, bottom, left, right;

    Window(const PoolingShape &s, int row, int column)
        : top(std::max(0, row * s.stride_height - s.pad_top)),
          bottom(std::min(s.height, row * s.stride_height - s.pad_top + s.pool_height)),
          left(std::max(0, column * s.stride_width - s.pad_left)),
          right(std::min(s.width, column * s.stride_width - s.pad_left + s.pool_width)) {}

    float share() const { return 1.0f / ((bottom - top) * (right - left)); }

    // Calls body(p) for each pixel, p its index in the frame.
    template <typename Body>
    void each(const PoolingShape &s, Body body) const {
        for (int i = top; i < bottom; i++) {
            for (int j = left; j < right; j++) {
                body(size_t(i) * s.width + j);
            }
        }
    }
};

size_t frame_size(const PoolingShape &s) { return size_t(s.height) * s.width * s.channels; }

// How an output row or column is made of input ones: `count` of them from `first`, with weights.
struct Blend {
    int first, count;
    float weight[2];
};

std::vector<Blend> blends(int length, int scale, bool bilinear) {
    std::vector<Blend> all;
    for (int o = 0; o < length * scale; o++) {
        if (!bilinear) {
            all.push_back({o / scale, 1, {1, 0}});
            continue;
        }
        const double at = std::min(std::max((o + 0.5) / scale - 0.5, 0.0), length - 1.0);
        const int first = static_cast<int>(at);
        const auto rest = static_cast<float>(at - first);
        all.push_back({first, rest > 0 ? 2 : 1, {1 - rest, rest}});
    }
    return all;
}

// Calls body(out, in, weight) for all pairs of an output pixel and an input pixel that it is made of.
template <typename Body>
void each_pair(const std::vector<Blend> &rows, const std::vector<Blend> &columns, int width, Body body) {
    for (size_t y = 0; y < rows.size(); y++) {
        for (size_t x = 0; x < columns.size(); x++) {
            for (int i = 0; i < rows[y].count; i++) {
                for (int j = 0; j < columns[x].count; j++) {
                    body(y * columns.size() + x, size_t(rows[y].first + i) * width + columns[x].first + j,
                            rows[y].weight[i] * columns[x].weight[j]);
                }
            }
        }
    }
}

}  // namespace

void pool(Device &device, const PoolingShape &shape, bool max, const float *x, float *y, int images) {
    device.enter();
    const size_t channels = shape.channels, rows = size_t(images) * shape.out_height;
    const double n = double(rows) * shape.out_width * channels, window = shape.pool_height * shape.pool_width;
    timed(device.profile(), "pooling", n * window, 4 * (n + double(images) * frame_size(shape)), [&] {
        parallel_for(rows, 4, [&](size_t begin, size_t end) {
            for (size_t row = begin; row < end; row++) {
                const float *image = x + row / shape.out_height * frame_size(shape);
                for (int column = 0; column < shape.out_width; column++) {
                    const Window window(shape, row % shape.out_height, column);
                    float *to = y + (row * shape.out_width + column) * channels;
                    const float *first = image + (size_t(window.top) * shape.width + window.left) * channels;
                    std::memcpy(to, first, channels * sizeof(float));
                    window.each(shape, [&](size_t p) {
                        const float *from = image + p * channels;
                        if (from == first) {
                            return;
                        }
                        for (size_t c = 0; c < channels; c++) {
                            // NaN stays.
                            to[c] = !max ? to[c] + from[c] : from[c] <= to[c] || to[c] != to[c] ? to[c] : from[c];
                        }
                    });
                    for (size_t c = 0; !max && c < channels; c++) {
                        to[c] *= window.share();
                    }
                }
            }
        });
    });
}

void pool_backward(Device &device, const PoolingShape &shape, bool max, const float *x, const float *dy, float *dx,
        int images) {
    device.enter();
    const size_t channels = shape.channels, outputs = size_t(shape.out_height) * shape.out_width;
    const double n = double(images) * outputs * channels, window = shape.pool_height * shape.pool_width;
    timed(device.profile(), "gradient of pooling", n * window, 4 * (n + 2.0 * images * frame_size(shape)), [&] {
        // Windows may overlap: an image is the work of one thread.
        parallel_for(images, 1, [&](size_t image, size_t) {
            const float *from = x + image * frame_size(shape);
            float *to = dx + image * frame_size(shape);
            std::memset(to, 0, frame_size(shape) * sizeof(float));
            for (size_t o = 0; o < outputs; o++) {
                const Window window(shape, o / shape.out_width, o % shape.out_width);
                const float *gradient = dy + (image * outputs + o) * channels;
                for (size_t c = 0; c < channels; c++) {
                    if (!max) {
                        window.each(shape, [&](size_t p) { to[p * channels + c] += gradient[c] * window.share(); });
                        continue;
                    }
                    size_t best = size_t(window.top) * shape.width + window.left;
                    window.each(shape, [&](size_t p) {
                        const float value = from[p * channels + c], most = from[best * channels + c];
                        best = value <= most || most != most ? best : p;
                    });
                    to[best * channels + c] += gradient[c];
                }
            }
        });
    });
}

void up_sample(Device &device, int height, int width, int channels, int scale_height, int scale_width, bool bilinear,
        const float *x, float *y, int images) {
    device.enter();
    const auto rows = blends(height, scale_height, bilinear), columns = blends(width, scale_width, bilinear);
    const size_t in = size_t(height) * width * channels, out = rows.size() * columns.size() * channels;
    timed(device.profile(), "upsampling", (bilinear ? 8.0 : 0.0) * images * out, 4.0 * images * (in + out), [&] {
        parallel_for(images, 1, [&](size_t image, size_t) {
            std::memset(y + image * out, 0, out * sizeof(float));
            each_pair(rows, columns, width, [&](size_t o, size_t i, float weight) {
                for (int c = 0; c < channels; c++) {
                    y[image * out + o * channels + c] += weight * x[image * in + i * channels + c];
                }
            });
        });
    });
}

void up_sample_backward(Device &device, int height, int width, int channels, int scale_height, int scale_width,
        bool bilinear, const float *dy, float *dx, int images) {
    device.enter();
    const auto rows = blends(height, scale_height, bilinear), columns = blends(width, scale_width, bilinear);
    const size_t in = size_t(height) * width * channels, out = rows.size() * columns.size() * channels;
    timed(device.profile(), "gradient of upsampling", 8.0 * images * out, 4.0 * images * (in + out), [&] {
        parallel_for(images, 1, [&](size_t image, size_t) {
            std::memset(dx + image * in, 0, in * sizeof(float));
            each_pair(rows, columns, width, [&](size_t o, size_t i, float weight) {
                for (int c = 0; c < channels; c++) {
                    dx[image * in + i * channels + c] += weight * dy[image * out + o * channels + c];
                }
            });
        });
    });
}

}  // namespace framecast
