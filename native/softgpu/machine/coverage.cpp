#include "machine/coverage.h"

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <ranges>
#include <vector>

#include "base/json.h"
#include "ptx/source.h"

namespace softgpu {

// The part of a program that is kept after its modules are unloaded.
struct Coverage {
    uint64_t fingerprint;
    ptx::Module source;                         // only its text, files and inlined calls
    struct Instruction {
        uint32_t line;                          // of the PTX text
        ptx::SourceLine source;
        Class cls;
        bool executed = false;
    };
    std::vector<Instruction> code;
    struct Function {
        std::string name;
        uint32_t entry, end;                    // in code; without the return that the decoder adds
    };
    std::vector<Function> functions;

    explicit Coverage(const Program &program) : fingerprint(program.fingerprint) {
        source.text = program.source.text;
        source.files = program.source.files;
        source.inlined_calls = program.source.inlined_calls;
        for (const Instr &i : program.code) code.push_back({i.line, i.source, i.cls});
        for (const FunctionCode &f : program.functions) functions.push_back({f.name, f.entry, f.end - 1});
    }
};

namespace {

std::mutex mutex;                               // of all records
// Never destroyed: a launch may go on while the process ends.
auto &records = *new std::vector<std::unique_ptr<Coverage>>;

bool has_file(const ptx::Module &source, const std::string &name) {
    return std::any_of(source.files.begin(), source.files.end(), [&](const std::string &file) {
        return file.substr(file.rfind('/') + 1) == name;
    });
}

template <class Items, class Json> std::string list(Items &&items, Json json) {
    std::string out;
    for (const auto &item : items) out += (out.empty() ? "\n" : ",\n") + json(item);
    return "[" + out + "]";
}

std::string place_json(const ptx::Module &module, const ptx::SourceLine &place) {
    std::string out;
    for (const std::string &line : ptx::inlined_chain(module, place)) out += (out.empty() ? "" : ", ") + quote(line);
    return "    [" + out + "]";
}

std::string program_json(const Coverage &record) {
    // Many instructions share few places, so places are listed once and instructions refer to them by number.
    std::vector<ptx::SourceLine> places;
    std::map<ptx::SourceLine, size_t> numbers;
    const auto number_of = [&](const ptx::SourceLine &place) {
        const auto [known, fresh] = numbers.try_emplace(place, places.size());
        if (fresh) places.push_back(place);
        return known->second;
    };
    const auto instruction = [&](uint32_t at) {
        const auto &[line, source, cls, executed] = record.code[at];
        return "      {\"ptx_line\": " + std::to_string(line) + ", \"text\": " + quote(ptx::text_of(record.source, line)) +
               ", \"class\": " + quote(name(cls)) + ", \"place\": " + std::to_string(number_of(source)) +
               ", \"executed\": " + (executed ? "true" : "false") + "}";
    };
    const std::string functions = list(record.functions, [&](const Coverage::Function &f) {
        return "    {\"name\": " + quote(f.name) + ", \"instructions\": " +
               list(std::views::iota(f.entry, f.end), instruction) + "}";
    });
    const auto place = [&](const ptx::SourceLine &at) { return place_json(record.source, at); };
    return "  {\"functions\": " + functions + ",\n   \"places\": " + list(places, place) + "}";
}

}  // namespace

Coverage &coverage_of(const Program &program) {
    const std::lock_guard<std::mutex> lock(mutex);
    auto record = std::find_if(records.begin(), records.end(), [&](const auto &known) {
        return known->fingerprint == program.fingerprint && known->source.text == program.source.text;
    });
    if (record == records.end()) record = records.insert(records.end(), std::make_unique<Coverage>(program));
    return **record;
}

void cover(const Program &program, const std::vector<uint32_t> &ran) {
    if (!program.coverage) return;
    const std::lock_guard<std::mutex> lock(mutex);
    for (size_t at = 0; at < ran.size(); ++at) program.coverage->code[at].executed |= ran[at] != 0;
}

std::string coverage_json(const char *file) {
    const std::lock_guard<std::mutex> lock(mutex);
    const auto wanted = [&](const auto &record) { return !file || has_file(record->source, file); };
    return "{\"programs\": " +
           list(std::views::filter(records, wanted), [](const auto &record) { return program_json(*record); }) + "}\n";
}

}  // namespace softgpu
