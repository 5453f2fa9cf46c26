#include "winograd_convlstm.h"

#include <omp.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "parallel.h"

namespace framecast {

namespace {

size_t bytes_if(bool wanted, size_t values) { return wanted ? values * sizeof(float) : 0; }

// Rows of tiles in a band. Larger bands read the kernel less often, but beyond 32 tiles or so they do not fit the
// cache. First priority: the thread with the most bands should have as few rows as possible.
int rows_of_bands(int tiles_across, int tiles_down, int batch, int threads) {
    const int most = std::max(1, std::min(32 / tiles_across, tiles_down));
    int best = 1, best_rows = std::numeric_limits<int>::max();
    for (int rows = 1; rows <= most; rows++) {
        const int bands = batch * ((tiles_down + rows - 1) / rows);
        const int thread_rows = (bands + threads - 1) / threads * rows;
        if (thread_rows <= best_rows) {
            best = rows;
            best_rows = thread_rows;
        }
    }
    return best;
}

}  // namespace

Cells::Cells(const ConvLstmPlan &plan, bool rounded, int threads)
    : height(plan.input.height), width(plan.input.width), in(plan.input.in), filters(plan.filters()),
      kernel(plan.input.kernel_height), activation(plan.activation), recurrent(plan.recurrent_activation),
      rounded(rounded), tile(kernel == 1 ? 1 : 4), points((tile + kernel - 1) * (tile + kernel - 1)),
      tiles_across((width + tile - 1) / tile), tiles_down((height + tile - 1) / tile),
      band_rows(rows_of_bands(tiles_across, tiles_down, plan.batch, threads)),
      bands((tiles_down + band_rows - 1) / band_rows), chunks(filters / unit_chunk), in_padded((in + 15) / 16 * 16),
      depth(filters + in), depth_padded(filters + in_padded) {}

bool WinogradConvLstm::serves(const Device &device, const ConvolutionShape &input, bool training) {
    const int kernel = input.kernel_height;
    const bool usual = kernel == input.kernel_width && (kernel == 1 || kernel == 3 || kernel == 5) && input.plain()
            && input.out % gate_columns == 0;
    // Bfloat16 multiplies twice as fast as float32 with vectors, ten times with matrix units. Winograd saves nothing
    // with a 1x1 kernel, and three multiplications of four with a 3x3 one.
    const bool faster = device.operands() != Operands::BF16 || (kernel > 1 && !Device::has_matrix_units());
    // Each image reads the transformed kernel, in training also its gradient. They are up to four times as large as the
    // kernel: if they do not fit a usual second-level cache, the few tiles of a small image do not make up for it.
    const int tiles = (input.height + 3) / 4 * ((input.width + 3) / 4), points = (kernel + 3) * (kernel + 3);
    const double transformed = double(points) * (input.in + input.out / gate_count) * input.out * sizeof(float);
    const bool slow = training && tiles < 8 && transformed > (1 << 20);
    return usual && faster && !slow;
}

WinogradConvLstm::WinogradConvLstm(Device &device, const ConvLstmPlan &plan)
    : device_(device), plan_(plan), cells_(plan, !device.fp32(), device.threads()),
      passes_(cell_passes(cells_.kernel)), transformed_(device, cells_.kernel_values() * sizeof(float)),
      transposed_(device, bytes_if(plan.training, cells_.transposed_values())),
      gates_(device, bytes_if(plan.training, size_t(plan.frames) * plan.batch * gate_count * cells_.cell_values())),
      c_(device, size_t(plan.training ? plan.frames : 2) * plan.batch * cells_.cell_values() * sizeof(float)),
      h_(device, size_t(plan.frames) * plan.batch * pixels() * cells_.filters * sizeof(float)),
      scratch_(device, device.threads() * cells_.scratch_values(plan.training) * sizeof(float)),
      dc_(device, bytes_if(plan.training, plan.batch * cells_.cell_values())),
      dh_(device, bytes_if(plan.training, plan.batch * pixels() * cells_.filters)),
      dh_bands_(device, bytes_if(plan.training,
              size_t(plan.batch) * cells_.bands * cells_.margin_values(cells_.filters))),
      dx_bands_(device, bytes_if(plan.training && plan.input_gradient,
              size_t(plan.batch) * cells_.bands * cells_.margin_values(cells_.in_padded))),
      transformed_gradients_(device, bytes_if(plan.training, device.threads() * cells_.kernel_values())) {
    if (plan.training && plan.input_gradient) {
        dx_ = std::make_unique<Memory>(device,
                size_t(plan.frames) * plan.batch * pixels() * cells_.in * sizeof(float));
    }
    if (!plan.training) {
        state_ = std::make_unique<Memory>(device,
                plan.batch * (pixels() * cells_.filters + cells_.cell_values()) * sizeof(float));
    }
}

void WinogradConvLstm::read_parameters() {
    timed(device_.profile(), "transform of kernels", 0, 2.0 * cells_.kernel_values() * sizeof(float), [&] {
        parallel_for(cells_.depth, 1, [&](size_t begin, size_t end) {
            passes_.transform_kernel(cells_, plan_.kernel, plan_.recurrent_kernel, begin, end, transformed_.floats(),
                    plan_.training ? transposed_.floats() : nullptr);
        });
    });
}

float *WinogradConvLstm::forward(const float *x, int frames, int batch) {
    device_.enter();
    read_parameters();
    return run(x, frames, batch, false, 0);
}

void WinogradConvLstm::begin() {
    device_.enter();
    has_state_ = false;
    read_parameters();
}

float *WinogradConvLstm::step(const float *x, int frames, int batch, int commit) {
    device_.enter();
    return run(x, frames, batch, has_state_, commit);
}

// Runs work(band of an image, image, thread, seconds) over the bands of all images of a frame. Each thread has the same
// bands every time, so that its sums have the same bits.
template <typename Work>
void WinogradConvLstm::over_bands(CellSeconds &total, Work work) {
    const bool profiled = device_.profile().on();
    const int bands = batch_ * cells_.bands, threads = device_.threads();
    std::vector<CellSeconds> seconds(threads);
#pragma omp parallel for schedule(static)
    for (int band = 0; band < bands; band++) {
        const int thread = omp_get_thread_num();
        work(band % cells_.bands, band / cells_.bands, thread, profiled ? &seconds[thread] : nullptr);
    }
    for (const auto &one : seconds) {
        total.transforms += one.transforms / threads;
        total.gates += one.gates / threads;
        total.products += one.products / threads;
        total.kernel_products += one.kernel_products / threads;
    }
}

float *WinogradConvLstm::run(const float *x, int frames, int batch, bool from_state, int commit) {
    frames_ = frames;
    batch_ = batch;
    x_ = x;
    const size_t n = hidden(), image = pixels() * cells_.filters, input = pixels() * cells_.in;
    const size_t cell_image = cells_.cell_values();
    CellSeconds seconds;
    for (int t = 0; t < frames; t++) {
        const float *h_before = t > 0 ? h_.floats() + (t - 1) * n : from_state ? state_->floats() : nullptr;
        const float *c_before = t > 0 ? cell(t - 1) : from_state ? state_->floats() + n : nullptr;
        over_bands(seconds, [&](int band, int video, int thread, CellSeconds *own) {
            const size_t at = video * cell_image + band * cells_.band_values();
            ForwardBand work{};
            work.band = band;
            work.x = x + (size_t(t) * batch + video) * input;
            work.h_before = h_before ? h_before + video * image : nullptr;
            work.kernel = transformed_.floats();
            work.bias = plan_.bias;
            work.c_before = c_before ? c_before + at : nullptr;
            work.c = cell(t) + at;
            work.gates = plan_.training ? gates_.floats() + gate_count * (t * cell_values() + at) : nullptr;
            work.h = h_.floats() + t * n + video * image;
            work.scratch = scratch_.floats() + thread * cells_.scratch_values(plan_.training);
            work.seconds = own;
            passes_.forward(cells_, work);
        });
        if (t + 1 == commit) {
            std::memcpy(state_->floats(), h_.floats() + t * n, n * sizeof(float));
            std::memcpy(state_->floats() + n, cell(t), cell_values() * sizeof(float));
            has_state_ = true;
        }
    }
    // Each frame multiplies x, and h of the frame before if there is one.
    const double rows = frames * double(cells_.in) + (frames - (from_state ? 0 : 1)) * double(cells_.filters);
    Profile &profile = device_.profile();
    profile.add("products", seconds.products, products(rows), 0);
    profile.add("transforms", seconds.transforms, 0, 4.0 * batch * pixels() * rows);
    // c of this frame and the one before, h, and for backward the gates.
    profile.add("gates", seconds.gates, 0, 4.0 * frames * n * (plan_.training ? 7 : 3));
    return h_.floats();
}

float *WinogradConvLstm::backward(const float *dy) {
    device_.enter();
    const size_t n = hidden(), image = pixels() * cells_.filters, input = pixels() * cells_.in;
    const size_t cell_image = cells_.cell_values();
    const size_t biases = gate_count * size_t(cells_.filters);
    std::vector<double> bias_gradients(device_.threads() * biases);
    parallel_for(device_.threads() * cells_.kernel_values(), 1 << 14, [&](size_t begin, size_t end) {
        std::memset(transformed_gradients_.floats() + begin, 0, (end - begin) * sizeof(float));
    });
    CellSeconds seconds;
    for (int t = frames_ - 1; t >= 0; t--) {
        const bool first = t == 0, last = t == frames_ - 1;
        over_bands(seconds, [&](int band, int video, int thread, CellSeconds *own) {
            const size_t at = video * cell_image + band * cells_.band_values();
            const size_t slot = size_t(video) * cells_.bands + band;
            BackwardBand work{};
            work.band = band;
            work.x = x_ + (size_t(t) * batch_ + video) * input;
            work.h_before = first ? nullptr : h_.floats() + (t - 1) * n + video * image;
            work.transposed = transposed_.floats();
            work.c_before = first ? nullptr : cell(t - 1) + at;
            work.c = cell(t) + at;
            work.gates = gates_.floats() + gate_count * (t * cell_values() + at);
            work.dy = dy + t * n + video * image;
            work.dh = last ? nullptr : dh_.floats() + video * image;
            work.dc = dc_.floats() + at;
            work.last = last;
            work.kernel_gradient = transformed_gradients_.floats() + thread * cells_.kernel_values();
            work.bias_gradient = &bias_gradients[thread * biases];
            work.dh_before = first ? nullptr : dh_bands_.floats() + slot * cells_.margin_values(cells_.filters);
            work.dx = dx_ ? dx_bands_.floats() + slot * cells_.margin_values(cells_.in_padded) : nullptr;
            work.scratch = scratch_.floats() + thread * cells_.scratch_values(true);
            work.seconds = own;
            passes_.backward(cells_, work);
        });
        const int channels = cells_.filters + (dx_ ? cells_.in : 0);
        timed(device_.profile(), "margins", 0, 8.0 * batch_ * pixels() * channels, [&] {
            if (!first) {
                combine(dh_bands_.floats(), cells_.filters, cells_.filters, dh_.floats());
            }
            if (dx_) {
                combine(dx_bands_.floats(), cells_.in, cells_.in_padded, dx_->floats() + t * batch_ * input);
            }
        });
    }
    const double state_rows = (frames_ - 1) * double(cells_.filters), input_rows = frames_ * double(cells_.in);
    Profile &profile = device_.profile();
    profile.add("products for gradients of inputs", seconds.products,
            products(state_rows + (dx_ ? input_rows : 0)), 0);
    profile.add("products for gradients of kernels", seconds.kernel_products, products(state_rows + input_rows), 0);
    profile.add("transforms", seconds.transforms, 0, 4.0 * batch_ * pixels() * (state_rows + input_rows));
    // Gates, c of this frame and the one before, the gradients of h from above and of c in and out.
    profile.add("gates", seconds.gates, 0, 4.0 * frames_ * n * 9);
    for (size_t k = 0; k < biases; k++) {
        double sum = 0;
        for (int thread = 0; thread < device_.threads(); thread++) {
            sum += bias_gradients[thread * biases + k];
        }
        plan_.bias_gradient[k] = static_cast<float>(sum);
    }
    timed(device_.profile(), "transform of gradients", 0, 2.0 * cells_.kernel_values() * sizeof(float), [&] {
        float *sum = transformed_gradients_.floats();
        parallel_for(cells_.kernel_values(), 1 << 14, [&](size_t begin, size_t end) {
            for (int thread = 1; thread < device_.threads(); thread++) {
                const float *part = sum + thread * cells_.kernel_values();
                for (size_t k = begin; k < end; k++) {
                    sum[k] += part[k];
                }
            }
        });
        parallel_for(cells_.depth, 1, [&](size_t begin, size_t end) {
            passes_.kernel_gradient(cells_, sum, begin, end, plan_.kernel_gradient,
                    plan_.recurrent_kernel_gradient);
        });
    });
    return dx_ ? dx_->floats() : nullptr;
}

// Adds the bands of a gradient, which overlap by their margins, to images.
void WinogradConvLstm::combine(const float *bands, int channels, int channels_padded, float *out) {
    const size_t image = cells_.bands * cells_.margin_values(channels_padded);
    parallel_for(size_t(batch_) * cells_.height, 8, [&](size_t begin, size_t end) {
        for (size_t row = begin; row < end; row++) {
            passes_.combine(cells_, bands + row / cells_.height * image, row % cells_.height, channels,
                    channels_padded, out + row * cells_.width * channels);
        }
    });
}

}  // namespace framecast
