#include "driver/work/arguments.h"

#include <elf.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>
#include <algorithm>
#include <cstring>

#include "base/settings.h"
#include "driver/state/call.h"
#include "machine/report.h"

namespace softgpu {

namespace {

struct Block {
    uintptr_t start;
    size_t bytes, elements;
};
// A small limit is enough: the arguments of a launch are allocated just before it and freed just after. Older blocks
// are forgotten.
constexpr size_t MOST_BLOCKS = 8192;
thread_local std::vector<Block> blocks;

// The newest block that contains the address, or begins there if it is empty.
const Block *block_at(const void *pointer) {
    const auto address = reinterpret_cast<uintptr_t>(pointer);
    for (size_t i = blocks.size(); i-- > 0;)
        if (address - blocks[i].start < std::max<size_t>(blocks[i].bytes, 1)) return &blocks[i];
    return nullptr;
}

[[noreturn]] void refuse(const Kernel &kernel, const std::string &why) {
    if (settings().on(Check::arguments))
        report(std::string(name(Check::arguments)) + ": " + current_call + " of " + kernel.name + ": " + why);
    fail(CUDA_ERROR_INVALID_VALUE);
}

std::string bytes_text(size_t n) { return std::to_string(n) + (n == 1 ? " byte" : " bytes"); }

// JCuda allocates the arrays of arguments with operator new[]. Its calls are redirected to these functions.
void *watched_new(size_t bytes) {
    void *made = ::operator new[](bytes);
    note_block(made, bytes, bytes / sizeof(void *));
    return made;
}
void watched_delete(void *pointer) {
    forget_block(pointer);
    ::operator delete[](pointer);
}

struct Redirection {
    const char *symbol;
    void *to;
};

void write_slot(void **slot, void *value) {
    const uintptr_t page = sysconf(_SC_PAGESIZE);
    void *const start = reinterpret_cast<void *>(reinterpret_cast<uintptr_t>(slot) & ~(page - 1));
    if (mprotect(start, page, PROT_READ | PROT_WRITE) == 0) *slot = value;
}

// Redirects a library's calls of some functions, by changing the slots that its dynamic relocations fill (GOT).
// Defining operator new[] here would have no effect: libjvm loads libstdc++ into the global scope, which is searched
// first.
int redirect(dl_phdr_info *library, size_t, void *) {
    const Redirection redirections[] = {{"_Znam", reinterpret_cast<void *>(&watched_new)},
                                        {"_ZdaPv", reinterpret_cast<void *>(&watched_delete)}};
    if (!std::strstr(library->dlpi_name, "libJCudaDriver")) return 0;
    const ElfW(Dyn) *dynamic = nullptr;
    for (int i = 0; i < library->dlpi_phnum; ++i)
        if (library->dlpi_phdr[i].p_type == PT_DYNAMIC)
            dynamic = reinterpret_cast<const ElfW(Dyn) *>(library->dlpi_addr + library->dlpi_phdr[i].p_vaddr);
    if (!dynamic) return 0;
    const char *names = nullptr;
    const ElfW(Sym) *symbols = nullptr;
    const ElfW(Rela) *relocations = nullptr;
    size_t bytes = 0;
    for (const ElfW(Dyn) *d = dynamic; d->d_tag != DT_NULL; ++d) {
        if (d->d_tag == DT_STRTAB) names = reinterpret_cast<const char *>(d->d_un.d_ptr);
        if (d->d_tag == DT_SYMTAB) symbols = reinterpret_cast<const ElfW(Sym) *>(d->d_un.d_ptr);
        if (d->d_tag == DT_JMPREL) relocations = reinterpret_cast<const ElfW(Rela) *>(d->d_un.d_ptr);
        if (d->d_tag == DT_PLTRELSZ) bytes = d->d_un.d_val;
    }
    if (!names || !symbols || !relocations) return 0;
    for (size_t i = 0; i < bytes / sizeof *relocations; ++i) {
        const char *symbol = names + symbols[ELF64_R_SYM(relocations[i].r_info)].st_name;
        for (const Redirection &r : redirections)
            if (std::strcmp(symbol, r.symbol) == 0)
                write_slot(reinterpret_cast<void **>(library->dlpi_addr + relocations[i].r_offset), r.to);
    }
    return 0;
}

}  // namespace

void watch_arguments() {
    dl_iterate_phdr(redirect, nullptr);
    watch_java_arrays();
}

void note_block(const void *start, size_t bytes, size_t elements) {
    if (blocks.size() == MOST_BLOCKS) blocks.clear();
    blocks.push_back({reinterpret_cast<uintptr_t>(start), bytes, elements});
}

void forget_block(const void *start) {
    for (size_t i = blocks.size(); i-- > 0;)
        if (blocks[i].start == reinterpret_cast<uintptr_t>(start)) {
            blocks.erase(blocks.begin() + i);
            return;
        }
}

// A block of one element must have the size of the parameter. A block of several elements must have at least that many
// bytes after the address of the argument.
void check_arguments(const Kernel &kernel, void *const *parameters) {
    const size_t wanted = kernel.parameters.size();
    const bool checking = settings().on(Check::arguments);
    if (!parameters) refuse(kernel, "no arguments were given, " + std::to_string(wanted) + " are wanted");
    const Block *array = checking ? block_at(parameters) : nullptr;
    if (array && array->bytes / sizeof(void *) != wanted)
        refuse(kernel, std::to_string(array->bytes / sizeof(void *)) + " arguments were given, " +
                           std::to_string(wanted) + " are wanted");
    for (size_t i = 0; i < wanted; ++i) {
        const std::string which = "argument " + std::to_string(i);
        const size_t bytes = kernel.parameters[i].bytes;
        if (!parameters[i]) refuse(kernel, which + " is null");
        const Block *block = checking ? block_at(parameters[i]) : nullptr;
        if (!block) continue;
        const size_t left = block->start + block->bytes - reinterpret_cast<uintptr_t>(parameters[i]);
        if (block->elements == 1 ? left != bytes : left < bytes)
            refuse(kernel, which + " has " + bytes_text(left) + ", the parameter " + bytes_text(bytes));
    }
}

void check_buffer(const Kernel &kernel, size_t bytes) {
    const size_t wanted = kernel.parameter_bytes;
    if (settings().on(Check::arguments) ? bytes != wanted : bytes < wanted)
        refuse(kernel, "the buffer of arguments has " + bytes_text(bytes) + ", the parameters take " +
               bytes_text(wanted));
}

}  // namespace softgpu
