// The motion between each frame and the one before it, estimated by block matching with a soft argmin.
//
//   D(d)      sum over the pixels p and channels of a block of (x_t[p] - x_{t-1}[p + d])^2, for each displacement
//             d = (dy, dx) in [-reach, reach]^2; x_{t-1} is zero outside the image
//   cost(d)   window^2 * the mean of D(d) over the blocks of the window around the block that lie inside the image
//   P(d)      the softmax of -cost over all d
//   y         sum P(d)*dy, sum P(d)*dx, min(1, min cost/8)
//
// The frame before the first is the first itself. Sequences are time-major, channels last: x (frames, batch, height,
// width, channels), y (frames, batch, height/block, width/block, 3).
#pragma once

#include <memory>

#include "device.h"

namespace framecast {

struct MatchingShape {
    int height, width, channels;
    int block;      // divides height and width
    int reach;      // the largest displacement
    int window;     // odd: blocks

    size_t input_size() const { return size_t(height) * width * channels; }
    int rows() const { return height / block; }
    int columns() const { return width / block; }
    size_t output_size() const { return size_t(3) * rows() * columns(); }
    size_t displacements() const { return (2 * size_t(reach) + 1) * (2 * size_t(reach) + 1); }
};

// The work on one frame of one video: see motion.cpp, which is compiled once for each instruction set.
struct MotionPass {
    size_t (*scratch_values)(const MatchingShape &shape);
    void (*run)(const MatchingShape &shape, const float *x, const float *before, float *y, float *scratch);
};

const MotionPass &motion_pass();

class BlockMatching {
  public:
    // For up to `frames` frames of `batch` videos. `steps`: begin and step will be called.
    BlockMatching(Device &device, int frames, int batch, int height, int width, int channels, int block, int reach,
            int window, bool steps);

    // y of all frames. Valid until the next call.
    float *forward(const float *x, int frames, int batch);

    // Forgets the carried frame.
    void begin();
    // y of `frames` further frames. The new carried frame is the last of the first `commit` frames.
    float *step(const float *x, int frames, int batch, int commit);

  private:
    float *run(const float *x, const float *before, int frames, int batch);

    Device &device_;
    const MatchingShape shape_;
    const size_t scratch_values_;       // of a thread
    Memory y_, scratch_;
    std::unique_ptr<Memory> carried_;   // (batch, height, width, channels)
    bool has_carried_ = false;
};

}  // namespace framecast
