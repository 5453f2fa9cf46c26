#include "coverage.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <ranges>
#include <vector>

#include "json.h"
#include "report.h"

namespace softgpu {

// What is kept of a program when its modules are gone.
struct Coverage {
    uint64_t fingerprint;
    ptx::Module source;                         // its text, files and inlined calls alone
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

// The instruction's own line first, then where the function that it stands in was called.
std::string places(const ptx::Module &source, ptx::SourceLine place) {
    std::string out;
    for (; place.line; place = source.inlined_calls[place.inlined])
        out += (out.empty() ? "" : ", ") + quote(source_of(source, place));
    return "[" + out + "]";
}

std::string instruction(const Coverage &record, uint32_t at) {
    const auto &[line, source, cls, executed] = record.code[at];
    return "      {\"ptx_line\": " + std::to_string(line) + ", \"text\": " + quote(text_of(record.source, line)) +
           ", \"class\": " + quote(name(cls)) + ", \"source\": " + places(record.source, source) +
           ", \"executed\": " + (executed ? "true" : "false") + "}";
}

std::string program(const Coverage &record) {
    return "  {\"functions\": " + list(record.functions, [&](const Coverage::Function &f) {
        return "    {\"name\": " + quote(f.name) + ", \"instructions\": " +
               list(std::views::iota(f.entry, f.end), [&](uint32_t at) { return instruction(record, at); }) + "}";
    }) + "}";
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
    const std::lock_guard<std::mutex> lock(mutex);
    for (size_t at = 0; at < ran.size(); ++at) program.coverage->code[at].executed |= ran[at] != 0;
}

std::string coverage_json(const char *file) {
    const std::lock_guard<std::mutex> lock(mutex);
    const auto wanted = [&](const auto &record) { return !file || has_file(record->source, file); };
    return "{\"programs\": " +
           list(std::views::filter(records, wanted), [](const auto &record) { return program(*record); }) + "}\n";
}

}  // namespace softgpu
