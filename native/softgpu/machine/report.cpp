#include "report.h"

#include <cstdio>
#include <filesystem>

#include "launch.h"

namespace softgpu {

namespace {

std::mutex report_mutex;
std::string last;

std::string triple(const uint32_t *v) {
    return "(" + std::to_string(v[0]) + "," + std::to_string(v[1]) + "," + std::to_string(v[2]) + ")";
}

}  // namespace

std::string hex(uint64_t value) {
    char text[32];
    std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value));
    return text;
}

std::string source_of(const ptx::Module &module, ptx::SourceLine source) {
    if (source.line == 0 || source.file >= module.files.size()) return "";
    // NVRTC puts the working directory before a program's name.
    static const std::string here = [] {
        std::error_code failed;
        return std::filesystem::current_path(failed).string() + "/";
    }();
    std::string file = module.files[source.file];
    if (file.rfind(here, 0) == 0) file.erase(0, here.size());
    return file + ":" + std::to_string(source.line);
}

std::string text_of(const ptx::Module &module, uint32_t line) {
    if (line == 0 || line > module.text.size()) return "";
    std::string text = module.text[line - 1];
    for (char &c : text)
        if (c == '\t') c = ' ';
    const size_t begin = text.find_first_not_of(' '), end = text.find_last_not_of(" \r");
    return begin == std::string::npos ? "" : text.substr(begin, end - begin + 1);
}

void report_fault(Block &block, const Warp &w, const Instr &instr, const Fault &fault) {
    Grid &grid = *block.grid;
    const std::lock_guard<std::mutex> lock(grid.mutex);
    if (grid.error) return;
    const Launch &launch = grid.launch;
    std::string text = std::string("check ") + name(fault.check) + " failed in kernel " + grid.kernel.name + " <<<" +
                       triple(launch.grid) + ", " + triple(launch.block) + ", " + std::to_string(launch.dynamic_shared) +
                       ">>>\n  " + fault.message + "\n";
    const std::string source = source_of(grid.program.source, instr.source);
    if (!source.empty()) text += "  source " + source + "\n";
    text += "  PTX line " + std::to_string(instr.line) + ": " + text_of(grid.program.source, instr.line) + "\n";
    text += "  block " + triple(block.id) + ", ";
    if (fault.lane >= 0) {
        const Position p = position(grid, w.index * LANES + static_cast<uint32_t>(fault.lane));
        const uint32_t at[3] = {p.x, p.y, p.z};
        text += "thread " + triple(at) + ", ";
    }
    text += "warp " + std::to_string(w.index) + "\n";
    grid.fault_report = std::move(text);
    grid.error = fault.error;
    grid.stopped = true;
}

void report(const std::string &text) {
    const std::lock_guard<std::mutex> lock(report_mutex);
    last = text;
    std::fprintf(stderr, "framecast softgpu: %s%s", text.c_str(), text.empty() || text.back() != '\n' ? "\n" : "");
}

std::string last_report() {
    const std::lock_guard<std::mutex> lock(report_mutex);
    return last;
}

void clear_report() {
    const std::lock_guard<std::mutex> lock(report_mutex);
    last.clear();
}

}  // namespace softgpu
