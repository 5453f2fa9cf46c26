#include "instructions/system_calls.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "base/hex.h"
#include "machine/arena.h"
#include "machine/block.h"
#include "machine/fault.h"
#include "machine/heap.h"
#include "program/operands.h"

namespace softgpu {

namespace {

// Reads the arguments of a call, and memory that they point to. Pointers are generic addresses.
class Reader {
public:
    Reader(Warp &w, int lane) : w_(w), lane_(lane), local_(w.local + static_cast<size_t>(lane) * w.block->grid->local_bytes) {}

    template <class T> T argument(const CallSite &site, size_t index) const {
        T value;
        require_defined(w_.stack[lane_] + site.arguments[index].offset, sizeof(T));
        std::memcpy(&value, local_ + w_.stack[lane_] + site.arguments[index].offset, sizeof(T));
        return value;
    }

    template <class T> T value(uint64_t address) const {
        T value;
        std::memcpy(&value, at(address, sizeof(T)), sizeof(T));
        return value;
    }

    std::string text(uint64_t address) const {
        if (address == 0) return "(null)";
        std::string result;
        while (const char c = value<char>(address++)) result += c;
        return result;
    }

private:
    void require_defined(uint64_t offset, size_t bytes) const {
        if (!w_.undefined) return;
        if (const Origin origin = w_.undefined->of_local(lane_, offset, bytes))
            report_use(w_, lane_, origin, "an undefined value is passed to a function of the system");
    }

    const std::byte *at(uint64_t address, size_t bytes) const {
        const uint64_t offset = address & ~WINDOW_MASK;
        const Grid &grid = *w_.block->grid;
        if ((address & WINDOW_MASK) == LOCAL_WINDOW && offset + bytes <= grid.local_bytes) {
            require_defined(offset, bytes);
            return local_ + offset;
        }
        if ((address & WINDOW_MASK) == SHARED_WINDOW && offset + bytes <= grid.shared_bytes) return w_.block->shared + offset;
        if ((address & WINDOW_MASK) == 0 && Arena::get().holds(offset, bytes)) return reinterpret_cast<const std::byte *>(offset);
        throw Fault{Check::bounds, lane_, "out of bounds: printf or assert reads at " + hex(address) + "; it is " +
                    Arena::get().describe(address), CUDA_ERROR_ILLEGAL_ADDRESS};
    }

    Warp &w_;
    const int lane_;
    std::byte *const local_;
};

template <class T> void give_result(Warp &w, const CallSite &site, int lane, T value) {
    const uint64_t at = w.stack[lane] + site.results[0].offset;
    store_origin(w, ptx::Space::local, lane, at, sizeof(T), 0);
    std::memcpy(w.local + static_cast<size_t>(lane) * w.block->grid->local_bytes + at, &value, sizeof(T));
}

// C's printf. The arguments are in one buffer, each at its natural alignment (CUDA C++ Programming Guide, "Formatted
// Output"). `count` becomes the number of arguments read.
std::string format(const Reader &reader, const std::string &pattern, uint64_t arguments, int32_t &count) {
    std::string out;
    count = 0;
    auto next = [&](uint64_t bytes) {
        const uint64_t at = (arguments + bytes - 1) / bytes * bytes;
        arguments = at + bytes;
        ++count;
        return at;
    };
    for (size_t i = 0; i < pattern.size();) {
        if (pattern[i] != '%') {
            out += pattern[i++];
            continue;
        }
        size_t end = i + 1;
        std::string spec = "%";
        for (; end < pattern.size() && std::strchr("-+ #0123456789.*", pattern[end]); ++end)
            spec += pattern[end] == '*' ? std::to_string(reader.value<int32_t>(next(4))) : std::string(1, pattern[end]);
        int longs = 0, halves = 0;
        for (; end < pattern.size() && std::strchr("hlLqjzt", pattern[end]); ++end) {
            longs += std::strchr("lqjzt", pattern[end]) != nullptr;
            halves += pattern[end] == 'h';
        }
        if (end == pattern.size()) return out + pattern.substr(i);
        const char kind = pattern[end];
        i = end + 1;
        if (kind == '%') {
            out += '%';
            continue;
        }
        char buffer[512] = "";
        if (std::strchr("di", kind)) {
            long long v = longs ? reader.value<int64_t>(next(8)) : reader.value<int32_t>(next(4));
            if (halves) v = halves == 1 ? static_cast<int16_t>(v) : static_cast<int8_t>(v);
            std::snprintf(buffer, sizeof buffer, (spec + "lld").c_str(), v);
        } else if (std::strchr("uoxX", kind)) {
            unsigned long long v = longs ? reader.value<uint64_t>(next(8)) : reader.value<uint32_t>(next(4));
            if (halves) v = halves == 1 ? static_cast<uint16_t>(v) : static_cast<uint8_t>(v);
            std::snprintf(buffer, sizeof buffer, (spec + "ll" + kind).c_str(), v);
        } else if (kind == 'c') {
            std::snprintf(buffer, sizeof buffer, (spec + "c").c_str(), reader.value<int32_t>(next(4)));
        } else if (std::strchr("eEfFgGaA", kind)) {
            std::snprintf(buffer, sizeof buffer, (spec + kind).c_str(), reader.value<double>(next(8)));
        } else if (kind == 'p') {
            std::snprintf(buffer, sizeof buffer, (spec + "p").c_str(), reinterpret_cast<void *>(reader.value<uint64_t>(next(8))));
        } else if (kind == 's') {
            const std::string text = reader.text(reader.value<uint64_t>(next(8)));
            if (spec == "%") {
                out += text;
                continue;
            }
            std::snprintf(buffer, sizeof buffer, (spec + "s").c_str(), text.c_str());
        } else {
            return out + pattern.substr(i - 1);
        }
        out += buffer;
    }
    return out;
}

// vprintf(format, arguments). As in CUDA it returns the number of arguments, not of characters.
void print(Warp &w, const Instr &i) {
    const CallSite &site = w.block->grid->program.calls[i.target];
    for (uint32_t rest = w.active; rest; rest &= rest - 1) {
        const int l = __builtin_ctz(rest);
        const Reader reader(w, l);
        const std::string pattern = reader.text(reader.argument<uint64_t>(site, 0));
        int32_t count = 0;
        const std::string text = format(reader, pattern, reader.argument<uint64_t>(site, 1), count);
        std::fwrite(text.data(), 1, text.size(), stdout);
        if (!site.results.empty()) give_result(w, site, l, count);
    }
    std::fflush(stdout);
}

// __assertfail(message, file, line, function, character size).
void fail_assertion(Warp &w, const Instr &i) {
    const CallSite &site = w.block->grid->program.calls[i.target];
    const int l = __builtin_ctz(w.active);
    const Reader reader(w, l);
    throw Fault{Check::assertion, l, reader.text(reader.argument<uint64_t>(site, 1)) + ":" +
                std::to_string(reader.argument<uint32_t>(site, 2)) + ": " + reader.text(reader.argument<uint64_t>(site, 3)) +
                ": assertion `" + reader.text(reader.argument<uint64_t>(site, 0)) + "` failed", CUDA_ERROR_ASSERT};
}

// void *malloc(size_t), which returns null where the heap is full.
void allocate(Warp &w, const Instr &i) {
    const Grid &grid = *w.block->grid;
    const CallSite &site = grid.program.calls[i.target];
    for (uint32_t rest = w.active; rest; rest &= rest - 1) {
        const int l = __builtin_ctz(rest);
        const uint64_t address = grid.launch.heap->allocate(Reader(w, l).argument<uint64_t>(site, 0),
            grid.launch.heap_bytes);
        give_result(w, site, l, address);
    }
}

void release(Warp &w, const Instr &i) {
    const Grid &grid = *w.block->grid;
    const CallSite &site = grid.program.calls[i.target];
    for (uint32_t rest = w.active; rest; rest &= rest - 1) {
        const int l = __builtin_ctz(rest);
        const uint64_t address = Reader(w, l).argument<uint64_t>(site, 0);
        if (address && !grid.launch.heap->free(address))
            throw Fault{Check::bounds, l, "free of " + hex(address)
                + ", which malloc in a kernel did not return, or which was freed; it is " +
                        Arena::get().describe(address), CUDA_ERROR_ILLEGAL_ADDRESS};
    }
}

}  // namespace

Exec system_call(const std::string &name, const CallSite &site) {
    struct Function {
        std::string_view name;
        Exec exec;
        std::vector<uint32_t> arguments, results;       // bytes of each
    };
    static const Function functions[] = {
        {"vprintf", print, {8, 8}, {4}},
        {"__assertfail", fail_assertion, {8, 8, 4, 8, 8}, {}},
        {"malloc", allocate, {8}, {8}}, {"free", release, {8}, {}},
    };
    for (const Function &f : functions)
        if (f.name == name && std::ranges::equal(f.arguments, site.arguments, {}, {}, &FramePart::bytes) &&
            ((site.results.empty() && f.name != "malloc") || std::ranges::equal(f.results, site.results, {}, {},
                &FramePart::bytes)))
            return f.exec;
    return nullptr;
}

}  // namespace softgpu
