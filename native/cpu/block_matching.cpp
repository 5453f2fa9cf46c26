#include "block_matching.h"

#include <omp.h>

#include <cstring>

#include "parallel.h"

namespace framecast {

BlockMatching::BlockMatching(Device &device, int frames, int batch, int height, int width, int channels, int block,
        int reach, int window, bool steps)
    : device_(device), shape_{height, width, channels, block, reach, window},
      scratch_values_(motion_pass().scratch_values(shape_)),
      y_(device, size_t(frames) * batch * shape_.output_size() * sizeof(float)),
      scratch_(device, device.threads() * scratch_values_ * sizeof(float)) {
    if (steps) {
        carried_ = std::make_unique<Memory>(device, batch * shape_.input_size() * sizeof(float));
    }
}

float *BlockMatching::forward(const float *x, int frames, int batch) { return run(x, x, frames, batch); }

void BlockMatching::begin() { has_carried_ = false; }

float *BlockMatching::step(const float *x, int frames, int batch, int commit) {
    run(x, has_carried_ ? carried_->floats() : x, frames, batch);
    if (commit > 0) {
        const size_t frame = batch * shape_.input_size();
        std::memcpy(carried_->floats(), x + (commit - 1) * frame, frame * sizeof(float));
        has_carried_ = true;
    }
    return y_.floats();
}

// `before` is the frame before the first.
float *BlockMatching::run(const float *x, const float *before, int frames, int batch) {
    device_.enter();
    const size_t images = size_t(frames) * batch, frame = shape_.input_size();
    // Three operations a pixel, channel and displacement; the window and the softmax are not counted.
    timed(device_.profile(), "block matching", 3.0 * shape_.displacements() * frame * images,
            (2.0 * frame + shape_.output_size()) * sizeof(float) * images, [&] {
        parallel_for(images, 1, [&](size_t begin, size_t end) {
            float *scratch = scratch_.floats() + omp_get_thread_num() * scratch_values_;
            const size_t videos = batch;
            for (size_t image = begin; image < end; image++) {
                motion_pass().run(shape_, x + image * frame,
                        image < videos ? before + image * frame : x + (image - videos) * frame,
                        y_.floats() + image * shape_.output_size(), scratch);
            }
        });
    });
    return y_.floats();
}

}  // namespace framecast
