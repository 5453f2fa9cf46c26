#include "machine/counters.h"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <fstream>
#include <map>
#include <mutex>
#include <sstream>

#include "base/json.h"
#include "base/print.h"
#include "machine/eight.h"
#include "machine/launch_shapes.h"
#include "machine/request.h"
#include "ptx/source.h"

namespace softgpu {

const char *name(Class c) {
    static const char *const names[] = {
        "integer", "float32", "float64", "half", "special", "convert", "move", "control", "load_global", "store_global",
        "load_shared", "store_shared", "local", "constant", "atomic", "async_copy", "warp", "barrier", "tensor", "fence"};
    static_assert(sizeof names / sizeof *names == static_cast<size_t>(Class::count));
    return names[static_cast<int>(c)];
}

void count_global(LineCounters &c, const Request &request) {
    ++c.requests;
    c.sectors += request.count;
    for (uint32_t i = 0; i < request.count; ++i) {
        c.bytes += static_cast<uint32_t>(std::popcount(request.bytes[i]));
        c.first_sector = std::min(c.first_sector, request.sector[i]);
        c.last_sector = std::max(c.last_sector, request.sector[i]);
    }
}

void count_shared(LineCounters &c, const uint32_t *address, uint32_t mask, uint32_t bytes) {
    // In units of one access: the number of lanes per pass (128 bytes), and of columns of the banks.
    const uint32_t unit = std::max<uint32_t>(bytes, 4), columns = 128 / unit;
    const uint32_t whole = columns == LANES ? FULL : (1u << columns) - 1;
    const int shift = std::countr_zero(unit);
    const __m128i unit_bits = _mm_cvtsi32_si128(shift);
    const auto lanes_in = [](uint32_t lanes) { return static_cast<uint32_t>(std::popcount(lanes)); };
    ++c.requests;
    for (uint32_t begin = 0; begin < LANES; begin += columns) {
        const uint32_t part = mask >> begin & whole;
        if (!part) continue;
        const uint32_t *const from = address + begin;
        __m256i unit_of[LANES / 8], used = _mm256_setzero_si256();
        for (uint32_t l = 0; l < columns; l += 8) {
            const __m256i at = _mm256_srl_epi32(eight_at(from + l, whole >> l), unit_bits);
            const __m256i bank = _mm256_sllv_epi32(eight(1), _mm256_and_si256(at, eight(columns - 1)));
            used = _mm256_or_si256(used, _mm256_and_si256(eight_chosen(part >> l), bank));
            unit_of[l / 8] = at;
        }
        // Mostly each lane accesses a bank of its own, or the unit of a lane a little before it.
        const uint32_t banks = lanes_in(united(used));
        uint32_t distinct = banks, most = 1, rest = part;
        bool increasing = true;     // of all lanes: then no two of them are the same
        if (banks != lanes_in(part)) {
            for (uint32_t by : {1, 8, 16})
                for (uint32_t l = by / 8 * 8; l < columns; l += 8) {
                    const uint32_t behind = whole >> l & (l < by ? ~1u : FULL) & 255;
                    const __m256i before = _mm256_srl_epi32(eight_at(from + l - by, behind), unit_bits);
                    rest &= ~(eight_signs(_mm256_cmpeq_epi32(unit_of[l / 8], before)) << l & part << by);
                    increasing &= by > 1 || (behind & ~eight_signs(_mm256_cmpgt_epi32(unit_of[l / 8], before))) == 0;
                }
        }
        if (banks != lanes_in(rest)) {
            uint32_t seen[LANES][LANES];
            uint8_t in_bank[LANES] = {};
            distinct = 0;
            for (; rest; rest &= rest - 1) {
                const uint32_t at = from[std::countr_zero(rest)] >> shift, bank = at & (columns - 1);
                uint32_t *const end = seen[bank] + in_bank[bank];
                if (!increasing && std::find(seen[bank], end, at) != end) continue;
                *end = at;
                most = std::max<uint32_t>(most, ++in_bank[bank]);
                ++distinct;
            }
        }
        c.wavefronts += most;
        c.ideal += 1;
        c.bytes += uint64_t(distinct) * bytes;
    }
}

namespace {

struct Line {
    uint32_t ptx = 0;
    std::string source;                         // "k.cu:14"
    std::string text;
    Class cls = Class::integer;
    const TensorKind *tensor = nullptr;
    LineCounters counters;
};

struct Record {
    std::string kernel;
    uint64_t fingerprint = 0;
    std::vector<std::string> ptx;               // the module's text
    uint64_t launches = 0, blocks = 0, threads = 0;
    double seconds = 0;
    uint32_t registers = 0, shared = 0;
    uint64_t sectors_read = 0, sectors_written = 0;     // distinct ones of each launch
    std::map<uint32_t, Line> lines;             // indexed like Program::code
    LaunchShapes shapes;
};

std::mutex records_mutex;
// Never destroyed: the profile is written when the process ends.
std::vector<Record> &records = *new std::vector<Record>;

LineCounters sum(const Record &r, std::initializer_list<Class> classes) {
    LineCounters all;
    for (const auto &[at, line] : r.lines)
        if (std::find(classes.begin(), classes.end(), line.cls) != classes.end()) all += line.counters;
    return all;
}

LineCounters sum(const Record &r) {
    LineCounters all;
    for (const auto &[at, line] : r.lines) all += line.counters;
    return all;
}

// Requested bytes per byte moved in global sectors; 1 if nothing moved.
double efficiency(const LineCounters &c) { return c.sectors ? static_cast<double>(c.bytes) / (32.0 * static_cast<double>(c.sectors)) : 1; }

constexpr std::initializer_list<Class> GLOBAL_LOADS = {Class::load_global, Class::async_copy},
                                       GLOBAL_STORES = {Class::store_global},
                                       SHARED = {Class::load_shared, Class::store_shared};

std::string memory_json(const LineCounters &c) {
    return print("{\"requests\": %llu, \"bytes\": %llu, \"sectors\": %llu, \"efficiency\": %.4f}",
                 (unsigned long long)c.requests, (unsigned long long)c.bytes, (unsigned long long)c.sectors, efficiency(c));
}

}  // namespace

void record_launch(const Launch &launch, const LaunchCounts &counts, uint64_t run_blocks, double seconds) {
    const std::lock_guard<std::mutex> lock(records_mutex);
    const Kernel &kernel = *launch.kernel;
    const Program &program = *kernel.program;
    auto r = std::find_if(records.begin(), records.end(), [&](const Record &known) {
        return known.kernel == kernel.name && known.fingerprint == program.fingerprint;
    });
    auto describe = [&](uint32_t at) {
        const Instr &i = program.code[at];
        return Line{i.line, ptx::source_of(program.source, i.source), ptx::text_of(program.source, i.line), i.cls,
                    i.tensor, {}};
    };
    if (r == records.end()) {
        Record made;
        made.kernel = kernel.name;
        made.fingerprint = program.fingerprint;
        made.ptx = program.source.text;
        made.registers = kernel.registers;
        made.shared = kernel.static_shared;
        // Includes instructions that the kernel never reached, as not run. The final return was added by the decoder.
        const FunctionCode &f = program.functions[kernel.function];
        for (uint32_t at = f.entry; at + 1 < f.end; ++at) made.lines[at] = describe(at);
        r = records.insert(records.end(), std::move(made));
    }
    ++r->launches;
    const uint64_t blocks = uint64_t(launch.grid[0]) * launch.grid[1] * launch.grid[2];
    r->blocks += blocks;
    r->threads += blocks * launch.block[0] * launch.block[1] * launch.block[2];
    r->seconds += seconds;
    r->sectors_read += counts.sectors_read;
    r->sectors_written += counts.sectors_written;
    r->shapes.add(launch, counts, run_blocks);
    const std::vector<LineCounters> &lines = counts.lines;
    for (uint32_t at = 0; at < lines.size(); ++at) {
        if (!lines[at].warps) continue;
        auto line = r->lines.find(at);
        if (line == r->lines.end()) {
            if (at + 1 == program.functions[kernel.function].end) continue;
            line = r->lines.emplace(at, describe(at)).first;
        }
        line->second.counters += lines[at];
    }
}

std::string counters_table() {
    const std::lock_guard<std::mutex> lock(records_mutex);
    std::string out = print("%-32s %8s %14s %14s %12s %7s %12s %7s %12s %7s %10s %9s\n", "kernel", "launches", "warp instr.",
                            "thread instr.", "loaded B", "effic.", "stored B", "effic.", "shared waves", "ideal", "tensor", "barriers");
    for (const Record &r : records) {
        const LineCounters all = sum(r), loads = sum(r, GLOBAL_LOADS), stores = sum(r, GLOBAL_STORES), shared = sum(r, SHARED);
        const std::string kernel = r.kernel.size() > 32 ? r.kernel.substr(0, 29) + "..." : r.kernel;
        out += print("%-32s %8llu %14llu %14llu %12llu %6.1f%% %12llu %6.1f%% %12llu %6.1f%% %10llu %9llu\n", kernel.c_str(),
                     (unsigned long long)r.launches, (unsigned long long)all.warps, (unsigned long long)all.threads,
                     (unsigned long long)loads.bytes, 100 * efficiency(loads), (unsigned long long)stores.bytes,
                     100 * efficiency(stores), (unsigned long long)shared.wavefronts,
                     shared.wavefronts ? 100.0 * static_cast<double>(shared.ideal) / static_cast<double>(shared.wavefronts) : 100.0,
                     (unsigned long long)sum(r, {Class::tensor}).warps, (unsigned long long)sum(r, {Class::barrier}).warps);
    }
    return out;
}

std::string counters_json() {
    const std::lock_guard<std::mutex> lock(records_mutex);
    std::string out = "{\"kernels\": [";
    for (const Record &r : records) {
        const LineCounters all = sum(r), shared = sum(r, SHARED), copies = sum(r, {Class::async_copy});
        LineCounters by_class[static_cast<int>(Class::count)];
        TensorCounts tensor;
        uint64_t executed = 0, operations = 0;
        for (const auto &[at, line] : r.lines) {
            executed += line.counters.threads > 0;
            by_class[static_cast<int>(line.cls)] += line.counters;
            if (!line.tensor || !line.counters.warps) continue;
            tensor[line.tensor] += line.counters.warps;
            operations += line.counters.warps;
        }
        out += (&r == &records.front() ? "\n" : ",\n") + std::string("  {\"name\": ") + quote(r.kernel);
        out += print(", \"launches\": %llu, \"blocks\": %llu, \"threads\": %llu, \"seconds\": %.6f, \"registers\": %u, "
                     "\"static_shared\": %u,\n   \"instructions\": %llu, \"executed_instructions\": %llu, "
                     "\"warp_instructions\": %llu, \"thread_instructions\": %llu,\n   \"by_class\": ",
                     (unsigned long long)r.launches, (unsigned long long)r.blocks, (unsigned long long)r.threads, r.seconds,
                     r.registers, r.shared, (unsigned long long)r.lines.size(), (unsigned long long)executed,
                     (unsigned long long)all.warps, (unsigned long long)all.threads);
        out += warps_json(by_class) + ",\n   \"global_loads\": " + memory_json(sum(r, GLOBAL_LOADS)) +
               ", \"global_stores\": " + memory_json(sum(r, GLOBAL_STORES));
        out += print(",\n   \"shared\": {\"requests\": %llu, \"wavefronts\": %llu, \"ideal\": %llu, "
                     "\"conflicts\": %llu}",
                     (unsigned long long)shared.requests, (unsigned long long)shared.wavefronts,
                     (unsigned long long)shared.ideal, (unsigned long long)(shared.wavefronts - shared.ideal));
        out += print(", \"async_shared\": {\"wavefronts\": %llu, \"ideal\": %llu, \"conflicts\": %llu},\n",
                     (unsigned long long)copies.wavefronts, (unsigned long long)copies.ideal,
                     (unsigned long long)(copies.wavefronts - copies.ideal));
        out += "   \"tensor\": " + tensor_json(tensor) +
               print(", \"warp_instructions_per_tensor\": %.4f, \"sectors_read\": %llu, \"sectors_written\": %llu,\n",
                     operations ? static_cast<double>(all.warps) / static_cast<double>(operations) : 0.0,
                     (unsigned long long)r.sectors_read, (unsigned long long)r.sectors_written) +
               print("   \"fingerprint\": \"%016llx\", ", (unsigned long long)r.fingerprint) +
               "\"shapes\": " + r.shapes.json() + ",\n   \"lines\": [";
        bool first = true;
        for (const auto &[at, line] : r.lines) {
            const LineCounters &c = line.counters;
            out += first ? "\n" : ",\n";
            first = false;
            out += print("    {\"ptx_line\": %u, \"source\": ", line.ptx) + quote(line.source) + ", \"text\": " + quote(line.text) +
                   print(", \"class\": \"%s\", \"warps\": %llu, \"threads\": %llu, \"requests\": %llu, \"bytes\": %llu, "
                         "\"sectors\": %llu, \"wavefronts\": %llu, \"ideal\": %llu}",
                         name(line.cls), (unsigned long long)c.warps, (unsigned long long)c.threads, (unsigned long long)c.requests,
                         (unsigned long long)c.bytes, (unsigned long long)c.sectors, (unsigned long long)c.wavefronts,
                         (unsigned long long)c.ideal);
        }
        out += "]}";
    }
    return out + "\n]}\n";
}

std::string listing(const std::string &kernel, const char *source) {
    const std::lock_guard<std::mutex> lock(records_mutex);
    const auto r = std::find_if(records.rbegin(), records.rend(), [&](const Record &known) { return known.kernel == kernel; });
    if (r == records.rend()) return "no launch of a kernel named " + kernel + " was counted\n";

    // Counters by line of the listed text: the CUDA source, or the PTX if there is none.
    std::string file;
    for (const auto &[at, line] : r->lines)
        if (const size_t colon = line.source.rfind(':'); file.empty() && colon != std::string::npos)
            file = line.source.substr(0, colon);
    std::vector<std::string> text;
    std::string lines;
    if (source) {
        lines = source;
    } else if (std::ifstream in(file); !file.empty() && in) {
        std::stringstream all;
        all << in.rdbuf();
        lines = all.str();
    }
    const bool of_source = !lines.empty() && !file.empty();
    if (of_source) {
        std::stringstream in(lines);
        for (std::string line; std::getline(in, line);) text.push_back(line);
    } else {
        text = r->ptx;
        file = "PTX";
    }
    std::map<uint32_t, LineCounters> by_line, shared, global;
    for (const auto &[at, line] : r->lines) {
        uint32_t number = line.ptx;
        if (of_source) {
            const size_t colon = line.source.rfind(':');
            if (colon == std::string::npos || line.source.substr(0, colon) != file) continue;
            number = static_cast<uint32_t>(std::stoul(line.source.substr(colon + 1)));
        }
        by_line[number] += line.counters;
        if (line.counters.sectors) global[number] += line.counters;
        if (line.counters.wavefronts) shared[number] += line.counters;
    }
    const LineCounters all = sum(*r);
    std::string out = kernel + ": " + std::to_string(r->launches) + " launches, " + std::to_string(all.warps) +
                      " warp instructions; by line of " + file + "\n" +
                      print("%12s %6s %8s %9s %9s %6s\n", "warp instr.", "share", "threads", "sectors", "coalesced", "banks");
    for (uint32_t number = 1; number <= text.size(); ++number) {
        const auto at = by_line.find(number);
        if (at == by_line.end()) {
            // Of PTX only the instructions are listed, of a CUDA source all lines.
            if (of_source) out += print("%56s %5u | ", "", number) + text[number - 1] + "\n";
            continue;
        }
        const LineCounters &c = at->second;
        out += print("%12llu %5.1f%% ", (unsigned long long)c.warps, all.warps ? 100.0 * static_cast<double>(c.warps) / static_cast<double>(all.warps) : 0.0);
        out += c.warps ? print("%8.1f ", static_cast<double>(c.threads) / static_cast<double>(c.warps)) : print("%8s ", "never");
        out += global.count(number) ? print("%9llu %8.1f%% ", (unsigned long long)global[number].sectors, 100 * efficiency(global[number]))
                                    : print("%9s %9s ", "", "");
        out += shared.count(number) ? print("%5.2fx ", static_cast<double>(shared[number].wavefronts) / static_cast<double>(shared[number].ideal))
                                    : print("%6s ", "");
        out += print("%5u | ", number) + text[number - 1] + "\n";
    }
    return out;
}

std::vector<std::string> counted_kernels() {
    const std::lock_guard<std::mutex> lock(records_mutex);
    std::vector<std::string> names;
    for (const Record &r : records) names.push_back(r.kernel);
    return names;
}

void reset_counters() {
    const std::lock_guard<std::mutex> lock(records_mutex);
    records.clear();
}

}  // namespace softgpu
