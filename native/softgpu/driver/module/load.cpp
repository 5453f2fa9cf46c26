#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>

#include "base/settings.h"
#include "driver/module/fat_binary.h"
#include "driver/module/module.h"
#include "driver/module/program_cache.h"
#include "driver/state/call.h"
#include "driver/state/image.h"
#include "instructions/instruction_set.h"
#include "machine/coverage.h"
#include "program/location.h"
#include "ptx/parser.h"

namespace softgpu {

namespace {

constexpr int NEWEST_PTX = 91;                  // of CUDA 13.1; the parser knows its instructions or refuses them
constexpr uint64_t MOST_CONSTANT_BYTES = 65536;

void **value_of(const JitOptions &jit, CUjit_option option) {
    for (unsigned i = 0; i < jit.count; ++i)
        if (jit.options[i] == option) return &jit.values[i];
    return nullptr;
}

// Writes a log, cut to the buffer's size, and the number of bytes written.
void write_log(const JitOptions &jit, CUjit_option buffer, CUjit_option size, const std::string &text) {
    void **const to = value_of(jit, buffer), **const bytes = value_of(jit, size);
    if (!bytes) return;
    const size_t room = *reinterpret_cast<unsigned *>(bytes);
    size_t written = 0;
    if (to && *to && room > 0) {
        written = std::min(room - 1, text.size());
        std::memcpy(*to, text.data(), written);
        static_cast<char *>(*to)[written] = 0;
    }
    *bytes = nullptr;
    *reinterpret_cast<unsigned *>(bytes) = static_cast<unsigned>(written);
}

[[noreturn]] void refuse(const JitOptions &jit, CUresult error, const std::string &why) {
    write_log(jit, CU_JIT_INFO_LOG_BUFFER, CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES, "");
    write_log(jit, CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES, why + "\n");
    if (!value_of(jit, CU_JIT_ERROR_LOG_BUFFER))
        complain(std::string(current_call) + ": " + error_name(error) + ": " + why);
    fail(error);
}

// The .version of the text, 88 for 8.8; 0 if there is none. The parser refuses newer versions.
int version_of(std::string_view text) {
    const size_t at = text.find(".version");
    int major = 0, minor = 0;
    if (at == std::string_view::npos) return 0;
    const std::string number(text.substr(at + 8, 16));
    return std::sscanf(number.c_str(), " %4d.%1d", &major, &minor) == 2 ? major * 10 + minor : 0;
}

// Code for compute capability X.Y runs on X.Y and later. With suffix "a" it runs on X.Y only, with suffix "f" on X.Y
// and later ones of the same X.
bool runs_on(const std::string &target, int compute) {
    int wanted = 0;
    char suffix = 0;
    if (std::sscanf(target.c_str(), "sm_%d%c", &wanted, &suffix) < 1) return false;
    if (suffix == 'a') return wanted == compute;
    if (suffix == 'f') return wanted <= compute && wanted / 10 == compute / 10;
    return wanted <= compute;
}

// Whether it gets device memory. An external variable is defined nowhere: the decoder refuses its use.
bool is_placed(const ptx::Variable &v) {
    return (v.space == ptx::Space::global || v.space == ptx::Space::constant) && !v.is_extern;
}

// Allocates the variables of the module. They are freed with `module`.
void place_variables(Module &module, const ptx::Module &source) {
    uint64_t constant_bytes = 0;
    for (const ptx::Variable &v : source.variables) {
        if (!is_placed(v)) continue;
        if (v.space == ptx::Space::constant) constant_bytes += v.bytes;
        if (constant_bytes > MOST_CONSTANT_BYTES) throw ptx::Error(v.line, "more than 64 KiB of .const variables");
        if (v.align > 256) throw ptx::Error(v.line, "alignment of more than 256 bytes is not provided");
        Arena::Allocation &placed = module.variables[v.name];
        placed.bytes = v.bytes;
        placed.address = Arena::get().allocate(std::max<uint64_t>(v.bytes, 1), Arena::Kind::global, v.name);
        require(placed.address, CUDA_ERROR_OUT_OF_MEMORY);
    }
    module.constant_bytes = static_cast<int>(constant_bytes);
}

uint64_t address_of(const Module &module, const ptx::Variable &variable, const ptx::Relocation &relocation) {
    const auto at = module.variables.find(relocation.symbol);
    if (at != module.variables.end()) return at->second.address;
    const auto &functions = module.program->functions;
    for (size_t i = 0; i < functions.size(); ++i)
        if (functions[i].name == relocation.symbol) return FUNCTION_WINDOW + i;
    throw ptx::Error(variable.line, variable.name + " is initialised with the address of " + relocation.symbol +
                                        ", which is no variable or function");
}

// Variables without an initialiser are zero, and count as written.
void initialize_variables(const Module &module) {
    for (const ptx::Variable &v : module.program->source.variables) {
        if (!is_placed(v)) continue;
        const uint64_t address = module.variables.at(v.name).address;
        auto *bytes = reinterpret_cast<uint8_t *>(address);
        std::memset(bytes, 0, v.bytes);
        if (!v.initial.empty()) std::memcpy(bytes, v.initial.data(), v.initial.size());
        for (const ptx::Relocation &r : v.relocations) {
            const uint64_t value = address_of(module, v, r) + r.addend;
            std::memcpy(bytes + r.at, &value, sizeof value);
        }
        Arena::get().mark_written(address, v.bytes);
    }
}

void check_target(const ptx::Module &source, const JitOptions &jit) {
    const int compute = limits().compute;
    if (!runs_on(source.target, compute))
        refuse(jit, CUDA_ERROR_NO_BINARY_FOR_GPU,
               "PTX for " + source.target + " does not run on a device of compute capability " +
                   std::to_string(compute / 10) + "." + std::to_string(compute % 10));
    if (source.address_bits != 64) throw ptx::Error(0, "addresses of 32 bits are not provided");
}

// Never destroyed: a launch may go on while the process ends.
ProgramCache &programs() {
    static ProgramCache &cache = *new ProgramCache;
    return cache;
}

void make_program(Module &module, std::string_view text, const JitOptions &jit) {
    const bool coverage = settings().coverage;
    module.program = programs().find(text);
    if (module.program && (module.program->coverage || !coverage)) {
        check_target(module.program->source, jit);
        place_variables(module, module.program->source);
    } else {
        ptx::Module source = ptx::parse(text);
        check_target(source, jit);
        place_variables(module, source);
        std::map<std::string, uint64_t> addresses;
        for (const auto &[name, variable] : module.variables) addresses[name] = variable.address;
        module.program = decode(std::move(source), addresses, instruction_set());
        if (coverage) module.program->coverage = &coverage_of(*module.program);
        if (!module.program->has_addresses) programs().keep(text, module.program);
    }
    initialize_variables(module);
}

}  // namespace

void check_options(const JitOptions &jit) {
    require(jit.count == 0 || (jit.options && jit.values));
    for (unsigned i = 0; i < jit.count; ++i) require(jit.options[i] >= 0 && jit.options[i] < CU_JIT_NUM_OPTIONS);
}

std::string ptx_text(const void *image) {
    const auto *text = static_cast<const char *>(image);
    const std::string_view magic(text, strnlen(text, 4));
    if (magic.size() == 4 && is_fat_binary(image)) return best_ptx(image, limits().compute);
    if (magic == "\x7f""ELF") {
        complain(std::string(current_call) + ": the image is machine code; this device runs PTX text only");
        fail(CUDA_ERROR_NO_BINARY_FOR_GPU);
    }
    return text;
}

std::shared_ptr<Module> load(Context &context, std::string_view text, const JitOptions &jit) {
    const auto start = std::chrono::steady_clock::now();
    auto module = std::make_shared<Module>();
    module->context = &context;
    try {
        make_program(*module, text, jit);
    } catch (const ptx::Error &e) {
        const bool newer = version_of(text) > NEWEST_PTX;
        refuse(jit, newer ? CUDA_ERROR_UNSUPPORTED_PTX_VERSION : CUDA_ERROR_INVALID_PTX, e.what());
    }
    const ptx::Module &source = module->program->source;
    std::sscanf(source.target.c_str(), "sm_%d", &module->ptx_version);
    for (const Kernel &kernel : module->program->kernels) {
        auto function = std::make_shared<Function>();
        function->context = &context;
        function->module = module.get();
        function->kernel = &kernel;
        function->dynamic_shared_limit =
            std::max(0, limits().shared_per_block - static_cast<int>(kernel.static_shared));
        Driver::get().functions.add(function);
        module->functions[kernel.name] = function;
    }
    module->number = Driver::get().next_number("module");
    write_log(jit, CU_JIT_INFO_LOG_BUFFER, CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES, "");
    write_log(jit, CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES, "");
    if (void **value = value_of(jit, CU_JIT_WALL_TIME)) {
        const float ms = std::chrono::duration<float, std::milli>(std::chrono::steady_clock::now() - start).count();
        std::memcpy(value, &ms, sizeof ms);
    }
    return module;
}

void unload(Module &module) {
    for (const auto &[name, function] : module.functions) Driver::get().functions.remove(function.get());
    Driver::get().texture_references.remove_if([&](const TextureReference &r) { return r.module == &module; });
    Driver::get().modules.remove(&module);
}

void unload_modules(Context &context) {
    Driver &driver = Driver::get();
    driver.functions.remove_if([&](const Function &f) { return f.context == &context; });
    for (const auto &[handle, library] : driver.libraries.all()) library->modules.erase(&context);
    driver.modules.remove_if([&](const Module &m) { return m.context == &context; });
}

CUfunction function_named(Module &module, const char *name) {
    const auto at = module.functions.find(name);
    require(at != module.functions.end(), CUDA_ERROR_NOT_FOUND);
    return at->second.get();
}

void find_variable(Module &module, const char *name, CUdeviceptr *address, size_t *bytes) {
    require(name);
    const auto at = module.variables.find(name);
    require(at != module.variables.end(), CUDA_ERROR_NOT_FOUND);
    if (address) *address = at->second.address;
    if (bytes) *bytes = at->second.bytes;
}

}  // namespace softgpu
