#include "advection.h"

#include <omp.h>

#include <algorithm>
#include <cstring>

#include "parallel.h"
#include "passes.h"

namespace framecast {

namespace {

enum Input { FRAMES, GATES, FILTERS, FLOW };
enum Axis { VERTICAL, HORIZONTAL };

float clamped(float x) {
    x = x < 0.0f ? 0.0f : x;
    return x > 1.0f ? 1.0f : x;
}

bool inside(float sum) { return sum >= 0.0f && sum <= 1.0f; }

typedef float Vector __attribute__((vector_size(32), aligned(4), may_alias));
constexpr size_t lanes = 8;

// y = the sum over k < terms of a_k*b_k, where a_k begins at a + k*a_step, and b_k likewise.
void sum_of_products(float *y, const float *a, size_t a_step, const float *b, size_t b_step, int terms, size_t n) {
    size_t at = 0;
    for (constexpr size_t run = 4; at + run * lanes <= n; at += run * lanes) {
        Vector sum[run] = {};
        for (int k = 0; k < terms; k++) {
            for (size_t v = 0; v < run; v++) {
                sum[v] += *reinterpret_cast<const Vector *>(a + k * a_step + at + v * lanes)
                        * *reinterpret_cast<const Vector *>(b + k * b_step + at + v * lanes);
            }
        }
        for (size_t v = 0; v < run; v++) {
            *reinterpret_cast<Vector *>(y + at + v * lanes) = sum[v];
        }
    }
    for (; at < n; at++) {
        float sum = 0;
        for (int k = 0; k < terms; k++) {
            sum += a[k * a_step + at] * b[k * b_step + at];
        }
        y[at] = sum;
    }
}

// y += a*b, and y += a.
void add_product(float *__restrict y, const float *__restrict a, const float *__restrict b, size_t n) {
    for (size_t k = 0; k < n; k++) {
        y[k] += a[k] * b[k];
    }
}

void add_to(float *__restrict y, const float *__restrict a, size_t n) {
    for (size_t k = 0; k < n; k++) {
        y[k] += a[k];
    }
}

// Each of n values `count` times: the weights of patches along a row, the gates of pixels along their channels.
void spread(const float *from, size_t n, size_t count, float *__restrict to) {
    if (count == 1) {
        std::memcpy(to, from, n * sizeof(float));
        return;
    }
    constexpr size_t some = 4;
    for (size_t k = 0; k < n; k++, to += count) {
        size_t j = 0;
        for (; j + some <= count; j += some) {
            for (size_t i = 0; i < some; i++) {
                to[j + i] = from[k];
            }
        }
        for (; j < count; j++) {
            to[j] = from[k];
        }
    }
}

// The opposite: the sums of n runs of `count` values; overwrites `from`. In pairs, which vectorises.
void gather(float *from, size_t n, size_t count, float *__restrict to) {
    for (; count % 2 == 0; count /= 2) {
#pragma GCC ivdep
        for (size_t k = 0; k < n * count / 2; k++) {
            from[k] = from[2 * k] + from[2 * k + 1];
        }
    }
    for (size_t k = 0; k < n; k++) {
        float sum = from[k * count];
        for (size_t j = 1; j < count; j++) {
            sum += from[k * count + j];
        }
        to[k] = sum;
    }
}

void clear(float *row, size_t n) { std::memset(row, 0, n * sizeof(float)); }

}  // namespace

LayeredAdvection::LayeredAdvection(Device &device, const AdvectionPlan &plan)
    : device_(device), plan_(plan),
      gates_(device, sizeof(float) * plan.frames * plan.batch * plan.height * plan.width * (plan.layers + 1)),
      weights_(device, sizeof(float) * plan.frames * plan.batch * plan.bands() * plan.patches()
              * plan.filter_channels()),
      corrected_(device, sizeof(float) * (plan.training ? plan.frames : 2) * plan.batch * plan.layers * plan.image()),
      vertical_(device, sizeof(float) * (plan.training ? plan.frames : 1) * plan.batch * plan.layers * plan.height
              * (plan.row() + 2 * margin())),
      sum_(device, sizeof(float) * plan.frames * plan.batch * plan.image()),
      y_(device, sizeof(float) * plan.frames * plan.batch * plan.image()),
      scratch_(device, sizeof(float) * device.threads() * scratch_size()) {
    if (plan.training) {
        dv_ = std::make_unique<Memory>(device, sizeof(float) * 2 * plan.batch * plan.layers * plan.image());
        const size_t images = size_t(plan.frames) * plan.batch;
        const size_t pixels = images * plan.height * plan.width, patches = images * plan.bands() * plan.patches();
        const size_t sizes[] = {pixels * plan.channels, pixels * (plan.layers + 1), patches * plan.filter_channels(),
                patches * plan.flow_channels};
        for (int input = 0; input < 4; input++) {
            if (plan.gradients[input]) {
                gradients_[input] = std::make_unique<Memory>(device, sizeof(float) * sizes[input]);
            }
        }
    } else {
        state_ = std::make_unique<Memory>(device, sizeof(float) * plan.batch * (plan.layers + 1) * plan.image());
    }
}

float *LayeredAdvection::gates(size_t image, int row) const {
    return gates_.floats() + (image * plan_.height + row) * (plan_.layers + 1) * plan_.width;
}

float *LayeredAdvection::weights(size_t image, int band, int layer, int axis) const {
    const size_t index = ((image * plan_.bands() + band) * plan_.layers + layer) * 2 + axis;
    return weights_.floats() + index * plan_.offsets() * plan_.patches();
}

float *LayeredAdvection::corrected(size_t image, int layer) const {
    const size_t slot = plan_.training ? image : image % (2 * batch_);
    return corrected_.floats() + (slot * plan_.layers + layer) * plan_.image();
}

float *LayeredAdvection::vertical(size_t image, int layer, int row) const {
    const size_t slot = plan_.training ? image : image % batch_;
    return vertical_.floats() + ((slot * plan_.layers + layer) * plan_.height + row) * (plan_.row() + 2 * margin())
            + margin();
}

float *LayeredAdvection::dv(size_t image, int layer, int row) const {
    return dv_->floats() + (image % (2 * batch_) * plan_.layers + layer) * plan_.image() + row * plan_.row();
}

// The spread weights of one filter, or in backward what belongs to the gates of a row.
size_t LayeredAdvection::rows_size() const {
    return std::max(plan_.offsets(), plan_.layers + 5) * plan_.row();
}

// Layers of a band, the rows above, a row with margins, and the gradient of the weights of one filter.
size_t LayeredAdvection::scratch_size() const {
    const size_t size = layers_size() + rows_size() + plan_.row() + 2 * margin()
            + size_t(plan_.offsets()) * plan_.patches();
    return (size + 15) / 16 * 16;
}

float *LayeredAdvection::scratch_layers() const { return scratch_.floats() + omp_get_thread_num() * scratch_size(); }

template <typename Body>
void LayeredAdvection::each_step(int steps, Body body) const {
    const size_t bands = plan_.bands();
    if (batch_ % device_.threads() == 0) {
        parallel_for(batch_, 1, [&](size_t video, size_t) {
            for (int step = 0; step < steps; step++) {
                for (size_t band = 0; band < bands; band++) {
                    body(step, video, band);
                }
            }
        });
    } else {
        for (int step = 0; step < steps; step++) {
            parallel_for(batch_ * bands, 1, [&](size_t part, size_t) { body(step, part / bands, part % bands); });
        }
    }
}

float *LayeredAdvection::forward(const float *x, const float *gates, const float *filters, const float *flow,
        int frames, int batch) {
    return run(x, gates, filters, flow, frames, batch, false, 0);
}

float *LayeredAdvection::step(const float *x, const float *gates, const float *filters, const float *flow, int frames,
        int batch, int commit) {
    return run(x, gates, filters, flow, frames, batch, has_state_, commit);
}

float *LayeredAdvection::run(const float *x, const float *gates, const float *filters, const float *flow, int frames,
        int batch, bool from_state, int commit) {
    device_.enter();
    x_ = x;
    frames_ = frames;
    batch_ = batch;
    const double values = double(frames) * batch * plan_.layers * plan_.image();
    timed(device_.profile(), "advection", 4.0 * plan_.offsets() * values, 12.0 * values, [&] {
        each_step(frames + 1, [&](int frame, int video, int band) {
            const Band next{size_t(frame) * batch_ + video, video, band};
            const size_t first = band * plan_.block * plan_.row();
            const float *layers = nullptr, *sum = nullptr;
            size_t layer_size = plan_.image();
            if (frame > 0) {
                float *moved = scratch_layers();
                move({next.image - batch_, video, band}, frame == commit, moved);
                layers = moved;
                layer_size = plan_.block * plan_.row();
                sum = this->sum(next.image - batch_, band * plan_.block);
            } else if (from_state) {
                layers = state(video) + first;
                sum = layers + plan_.layers * plan_.image();
            }
            if (frame < frames_) {
                softmax(gates, filters, flow, next);
                correct(next, layers, layer_size, sum);
            }
        });
    });
    has_state_ |= commit > 0;
    return y_.floats();
}

// The gates and filters of a band after their softmax, in rows along the pixels and patches.
void LayeredAdvection::softmax(const float *gates, const float *filters, const float *flow, Band at) const {
    const int channels = plan_.layers + 1, width = plan_.width;
    for (int row = at.band * plan_.block; row < (at.band + 1) * plan_.block; row++) {
        const float *from = gates + (at.image * plan_.height + row) * width * channels;
        float *to = this->gates(at.image, row);
        for (int channel = 0; channel < channels; channel++) {
            for (int k = 0; k < width; k++) {
                to[channel * width + k] = from[k * channels + channel];
            }
        }
        passes().softmax(to, channels, width);
    }
    const int offsets = plan_.offsets(), patches = plan_.patches();
    const size_t first = (at.image * plan_.bands() + at.band) * patches;
    filters += first * plan_.filter_channels();
    flow += first * plan_.flow_channels;
    for (int layer = 0; layer < plan_.layers; layer++) {
        for (int axis : {VERTICAL, HORIZONTAL}) {
            float *to = weights(at.image, at.band, layer, axis);
            for (int i = 0; i < offsets; i++) {
                // Without flow^2, which is the same for all offsets: the softmax does not depend on it.
                const float o = i - plan_.max_displacement, factor = plan_.flow_precision * o;
                const float *from = filters + (layer * 2 + axis) * offsets + i;
                for (int k = 0; k < patches; k++) {
                    to[i * patches + k] = from[size_t(k) * plan_.filter_channels()]
                            + factor * (2.0f * flow[size_t(k) * plan_.flow_channels + axis] - o);
                }
            }
            passes().softmax(to, offsets, patches);
        }
    }
}

// Corrects the rows of a band by the frame. `layers` has them for each layer, layer_size values apart, and `sum` the
// sums over layers; null: all are zero.
void LayeredAdvection::correct(Band at, const float *layers, size_t layer_size, const float *sum) const {
    const size_t n = plan_.row();
    float *innovation = scratch_rows(), *gate = innovation + n;
    for (int j = 0; j < plan_.block; j++) {
        const int row = at.band * plan_.block + j;
        const float *x = x_ + at.image * plan_.image() + row * n;
        for (size_t k = 0; k < n; k++) {
            innovation[k] = sum ? x[k] - clamped(sum[j * n + k]) : x[k];
        }
        for (int layer = 0; layer < plan_.layers; layer++) {
            float *to = corrected(at.image, layer) + row * n;
            if (layers) {
                std::memcpy(to, layers + layer * layer_size + j * n, n * sizeof(float));
            } else {
                clear(to, n);
            }
            spread(gates(at.image, row) + layer * plan_.width, plan_.width, plan_.channels, gate);
            add_product(to, gate, innovation, n);
        }
    }
}

// Moves the rows of a band of all layers, and writes their sum and the output.
void LayeredAdvection::move(Band at, bool commit, float *moved) const {
    const int block = plan_.block, offsets = plan_.offsets(), reach = plan_.max_displacement;
    const int first = at.band * block;
    const size_t n = plan_.row(), count = size_t(block) * plan_.channels;
    float *weight = scratch_rows();
    for (int layer = 0; layer < plan_.layers; layer++) {
        const float *from = corrected(at.image, layer);
        spread(weights(at.image, at.band, layer, VERTICAL), size_t(offsets) * plan_.patches(), count, weight);
        for (int row = first; row < first + block; row++) {
            // Offsets whose rows are inside the image.
            const int low = std::max(0, reach - row), high = std::min(offsets, plan_.height + reach - row);
            sum_of_products(vertical(at.image, layer, row), weight + low * n, n, from + (row + low - reach) * n, n,
                    high - low, n);
        }
        spread(weights(at.image, at.band, layer, HORIZONTAL), size_t(offsets) * plan_.patches(), count, weight);
        for (int j = 0; j < block; j++) {
            sum_of_products(moved + (layer * block + j) * n, weight, n,
                    vertical(at.image, layer, first + j) - margin(), plan_.channels, offsets, n);
        }
    }
    float *total = sum(at.image, first), *y = y_.floats() + at.image * plan_.image() + first * n;
    std::memcpy(total, moved, block * n * sizeof(float));
    for (int layer = 1; layer < plan_.layers; layer++) {
        add_to(total, moved + layer * block * n, block * n);
    }
    for (size_t k = 0; k < block * n; k++) {
        y[k] = clamped(total[k]);
    }
    if (commit) {
        float *to = state(at.video) + first * n;
        for (int layer = 0; layer < plan_.layers; layer++) {
            std::memcpy(to + layer * plan_.image(), moved + layer * block * n, block * n * sizeof(float));
        }
        std::memcpy(to + plan_.layers * plan_.image(), total, block * n * sizeof(float));
    }
}

void LayeredAdvection::backward(const float *dy) {
    device_.enter();
    const double values = double(frames_) * batch_ * plan_.layers * plan_.image();
    timed(device_.profile(), "advection", 8.0 * plan_.offsets() * values, 24.0 * values, [&] {
        each_step(frames_ + 1, [&](int step, int video, int band) {
            const int frame = frames_ - step;
            const Band next{size_t(frame) * batch_ + video, video, band};
            float *dl = scratch_layers();
            if (frame < frames_) {
                correct_backward(next, frame == 0, dl);
            } else {
                clear(dl, layers_size());
            }
            if (frame > 0) {
                move_backward({next.image - batch_, video, band}, dy, dl);
            }
        });
    });
}

// From the gradient of v, the gradients of the frame and of the gates, and in dl that of the layers before.
void LayeredAdvection::correct_backward(Band at, bool first_frame, float *dl) const {
    const int block = plan_.block, reach = plan_.max_displacement, first = at.band * block, width = plan_.width;
    const size_t n = plan_.row(), count = size_t(block) * plan_.channels;
    float *weight = scratch_rows();
    clear(dl, layers_size());
    const int above = std::max(0, (first - reach) / block);
    const int below = std::min(plan_.bands() - 1, (first + block - 1 + reach) / block);
    for (int layer = 0; layer < plan_.layers; layer++) {
        for (int band = above; band <= below; band++) {
            // Row `row` of that band was computed from row + o.
            const int nearest = first - band * block;
            for (int o = std::max(-reach, nearest - block + 1); o <= std::min(reach, nearest + block - 1); o++) {
                spread(weights(at.image, band, layer, VERTICAL) + (o + reach) * plan_.patches(), plan_.patches(),
                        count, weight);
                for (int j = std::max(0, o - nearest); j < std::min(block, block + o - nearest); j++) {
                    add_product(dl + (layer * block + j) * n, weight, dv(at.image, layer, first + j - o), n);
                }
            }
        }
    }
    float *innovation = weight, *dx = innovation + n, *product = dx + n, *gate = product + n, *dgates = gate + n;
    for (int j = 0; j < block; j++) {
        const int row = first + j;
        const float *x = x_ + at.image * plan_.image() + row * n, *g = gates(at.image, row);
        const float *before = first_frame ? nullptr : sum(at.image - batch_, row);
        for (size_t k = 0; k < n; k++) {
            innovation[k] = before ? x[k] - clamped(before[k]) : x[k];
        }
        clear(dx, n);
        for (int layer = 0; layer < plan_.layers; layer++) {
            const float *dc = dl + (layer * block + j) * n;
            spread(g + layer * width, width, plan_.channels, gate);
            add_product(dx, gate, dc, n);
            for (size_t k = 0; k < n; k++) {
                product[k] = dc[k] * innovation[k];
            }
            gather(product, width, plan_.channels, dgates + layer * width);
        }
        if (before) {
            for (size_t k = 0; k < n; k++) {
                product[k] = inside(before[k]) ? dx[k] : 0.0f;
            }
            for (int layer = 0; layer < plan_.layers; layer++) {
                float *to = dl + (layer * block + j) * n;
                for (size_t k = 0; k < n; k++) {
                    to[k] -= product[k];
                }
            }
        }
        if (float *to = gradient(FRAMES)) {
            std::memcpy(to + at.image * plan_.image() + row * n, dx, n * sizeof(float));
        }
        if (float *to = gradient(GATES)) {
            const int channels = plan_.layers + 1;
            clear(dgates + plan_.layers * width, width);
            passes().softmax_backward(g, dgates, channels, width);
            to += (at.image * plan_.height + row) * width * channels;
            for (int channel = 0; channel < channels; channel++) {
                for (int k = 0; k < width; k++) {
                    to[k * channels + channel] = dgates[channel * width + k];
                }
            }
        }
    }
}

// From dl, the gradient of the moved layers by the frame after, and the gradient of the output: the gradients of v, of
// the filters and of the flow.
void LayeredAdvection::move_backward(Band at, const float *dy, float *dl) const {
    const int block = plan_.block, offsets = plan_.offsets(), patches = plan_.patches(), first = at.band * block;
    const size_t n = plan_.row(), count = size_t(block) * plan_.channels;
    float *weight = scratch_rows(), *line = weight + rows_size();
    float *dw = line + n + 2 * margin();
    const float *total = sum(at.image, first);
    dy += at.image * plan_.image() + first * n;
    for (size_t k = 0; k < block * n; k++) {
        const float s = total[k], d = dy[k];
        const float passed = inside(s) || (s > 1.0f && d > 0.0f) || (s < 0.0f && d < 0.0f) ? d : 0.0f;
        for (int layer = 0; layer < plan_.layers; layer++) {
            dl[layer * block * n + k] += passed;
        }
    }
    const size_t patch = (at.image * plan_.bands() + at.band) * patches;
    if (float *to = gradient(FLOW)) {
        clear(to + patch * plan_.flow_channels, size_t(patches) * plan_.flow_channels);
    }
    for (int layer = 0; layer < plan_.layers; layer++) {
        const float *d = dl + layer * block * n;
        for (int i = 0; i < offsets; i++) {
            sum_of_products(line, d, n, vertical(at.image, layer, first) - margin() + i * plan_.channels,
                    n + 2 * margin(), block, n);
            gather(line, patches, count, dw + i * patches);
        }
        filters_backward(at, layer, HORIZONTAL, dw);
        spread(weights(at.image, at.band, layer, HORIZONTAL), size_t(offsets) * patches, count, weight);
        for (int j = 0; j < block; j++) {
            clear(line, n + 2 * margin());
            for (int i = 0; i < offsets; i++) {
                add_product(line + i * plan_.channels, weight + i * n, d + j * n, n);
            }
            std::memcpy(dv(at.image, layer, first + j), line + margin(), n * sizeof(float));
        }
        for (int i = 0; i < offsets; i++) {
            // Rows whose source is inside the image.
            const int source = first + i - plan_.max_displacement;
            const int low = std::max(0, -source), high = std::min(block, plan_.height - source);
            sum_of_products(line, dv(at.image, layer, first + low), n, corrected(at.image, layer) + (source + low) * n,
                    n, high - low, n);
            gather(line, patches, count, dw + i * patches);
        }
        filters_backward(at, layer, VERTICAL, dw);
    }
}

// From the gradient of the weights (offsets, patches) those of the logits and of the flow; overwrites it.
void LayeredAdvection::filters_backward(Band at, int layer, int axis, float *dw) const {
    const int offsets = plan_.offsets(), patches = plan_.patches();
    const size_t patch = (at.image * plan_.bands() + at.band) * patches;
    passes().softmax_backward(weights(at.image, at.band, layer, axis), dw, offsets, patches);
    if (float *to = gradient(FILTERS)) {
        to += patch * plan_.filter_channels() + (layer * 2 + axis) * offsets;
        for (int k = 0; k < patches; k++) {
            for (int i = 0; i < offsets; i++) {
                to[size_t(k) * plan_.filter_channels() + i] = dw[i * patches + k];
            }
        }
    }
    if (float *to = gradient(FLOW)) {
        to += patch * plan_.flow_channels + axis;
        for (int i = 0; i < offsets; i++) {
            const float factor = 2.0f * plan_.flow_precision * (i - plan_.max_displacement);
            for (int k = 0; k < patches; k++) {
                to[size_t(k) * plan_.flow_channels] += factor * dw[i * patches + k];
            }
        }
    }
}

}  // namespace framecast
