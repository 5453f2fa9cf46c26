#include "machine/launch_shapes.h"

#include <algorithm>

#include "base/print.h"

namespace softgpu {

namespace {

constexpr int CLASSES = static_cast<int>(Class::count);

std::string dimensions(const uint32_t (&of)[3]) {
    return print("[%u, %u, %u]", of[0], of[1], of[2]);
}

}  // namespace

std::string tensor_json(const TensorCounts &counts) {
    std::string out = "[";
    for (const auto &[kind, count] : counts) {
        const std::string shape(kind->shape), type(ptx::name(kind->type));
        out += print("%s{\"shape\": \"%s\", \"type\": \"%s\", \"count\": %llu, \"flop\": %llu}", out == "[" ? "" : ", ",
                     shape.c_str(), type.c_str(), (unsigned long long)count, (unsigned long long)(count * kind->flop));
    }
    return out + "]";
}

std::string warps_json(const LineCounters *by_class) {
    std::string out = "{";
    for (int c = 0; c < CLASSES; ++c)
        out += print("%s\"%s\": %llu", c ? ", " : "", name(static_cast<Class>(c)),
                     (unsigned long long)by_class[c].warps);
    return out + "}";
}

void LaunchShapes::add(const Launch &launch, const LaunchCounts &counts, uint64_t blocks) {
    auto s = std::find_if(shapes_.begin(), shapes_.end(), [&](const Shape &known) { return known.is_of(launch); });
    if (s == shapes_.end()) {
        Shape made;
        std::copy_n(launch.grid, 3, made.grid);
        std::copy_n(launch.block, 3, made.block);
        made.dynamic_shared = launch.dynamic_shared;
        s = shapes_.insert(shapes_.end(), made);
    }
    ++s->launches;
    s->run_launches += blocks > 0;
    s->run_blocks += blocks;
    s->sectors_read += counts.sectors_read;
    s->sectors_written += counts.sectors_written;
    s->bus_sectors += counts.bus_sectors;
    const Program &program = *launch.kernel->program;
    for (size_t at = 0; at < counts.lines.size(); ++at) {
        s->by_class[static_cast<int>(program.code[at].cls)] += counts.lines[at];
        const TensorKind *tensor = program.code[at].tensor;
        if (tensor && counts.lines[at].warps) s->tensor[tensor] += counts.lines[at].warps;
    }
}

bool LaunchShapes::Shape::is_of(const Launch &launch) const {
    return std::equal(grid, grid + 3, launch.grid) && std::equal(block, block + 3, launch.block) &&
           dynamic_shared == launch.dynamic_shared;
}

LineCounters LaunchShapes::Shape::all() const {
    LineCounters sum;
    for (const LineCounters &c : by_class) sum += c;
    return sum;
}

std::string LaunchShapes::Shape::json() const {
    const LineCounters sum = all();
    return "{\"grid\": " + dimensions(grid) + ", \"block\": " + dimensions(block) +
           print(", \"dynamic_shared\": %u, \"launches\": %llu, \"run_launches\": %llu, \"run_blocks\": %llu, "
                 "\"warp_instructions\": %llu, ", dynamic_shared, (unsigned long long)launches,
                 (unsigned long long)run_launches, (unsigned long long)run_blocks, (unsigned long long)sum.warps) +
           "\"by_class\": " + warps_json(by_class) + ", \"tensor\": " + tensor_json(tensor) +
           print(", \"sectors\": %llu, \"l2_sectors\": %llu, \"sectors_read\": %llu, \"sectors_written\": %llu, "
                 "\"bus_sectors\": %llu, \"wavefronts\": %llu}",
                 (unsigned long long)sum.sectors, (unsigned long long)sum.l2_sectors,
                 (unsigned long long)sectors_read, (unsigned long long)sectors_written, (unsigned long long)bus_sectors,
                 (unsigned long long)sum.wavefronts);
}

std::string LaunchShapes::json() const {
    std::string out = "[";
    for (const Shape &shape : shapes_) out += (out == "[" ? "\n      " : ",\n      ") + shape.json();
    return out + "]";
}

}  // namespace softgpu
