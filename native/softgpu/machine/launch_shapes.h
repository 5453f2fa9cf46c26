// The counters of a kernel's launches by their shape: of the grid, of the block, and the shared memory.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "machine/counters.h"

namespace softgpu {

// Counts of tensor-core operations by kind.
using TensorCounts = std::map<const TensorKind *, uint64_t>;

class LaunchShapes {
public:
    // `blocks`: how many of the launch's ran here; 0 where it only counts as a launch before it did.
    void add(const Launch &launch, const LaunchCounts &counts, uint64_t blocks);
    // A list, in the order of the shapes' first launches.
    std::string json() const;

private:
    struct Shape {
        uint32_t grid[3], block[3], dynamic_shared;
        uint64_t launches = 0, run_launches = 0, run_blocks = 0;
        LineCounters by_class[static_cast<int>(Class::count)];
        TensorCounts tensor;
        uint64_t sectors_read = 0, sectors_written = 0, bus_sectors = 0;

        bool is_of(const Launch &launch) const;
        LineCounters all() const;
        std::string json() const;
    };
    std::vector<Shape> shapes_;
};

// [{"shape": "m16n8k16", "type": "bf16", "count": 4, "flop": 16384}, ...], in the order of the names.
std::string tensor_json(const TensorCounts &counts);
// {"integer": 12, ...}: the warp instructions of each class.
std::string warps_json(const LineCounters *by_class);

}  // namespace softgpu
