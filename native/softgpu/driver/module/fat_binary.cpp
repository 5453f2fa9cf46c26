#include "driver/module/fat_binary.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <set>

#include "driver/state/call.h"

namespace softgpu {

namespace {

constexpr uint32_t MAGIC = 0xba55ed50, WRAPPER_MAGIC = 0x466243b1;
constexpr uint16_t PTX = 1, MACHINE_CODE = 2;                   // Entry::kind
constexpr uint64_t LZ4 = 0x2000, ZSTD = 0x8000;                 // Entry::flags
constexpr uint64_t MOST_TEXT = uint64_t(1) << 28;

struct Wrapper {
    uint32_t magic, version;
    const void *data;
};

struct Header {
    uint32_t magic;
    uint16_t version, header_bytes;
    uint64_t bytes;             // of all entries
};

struct Entry {
    uint16_t kind, version;
    uint32_t header_bytes;
    uint64_t bytes;             // with padding
    uint32_t compressed_bytes;  // without
    uint32_t unknown[2];
    uint32_t compute;           // 80 for sm_80
    uint32_t unknown_too[2];
    uint64_t flags, unknown_also;
    uint64_t text_bytes;        // of compressed PTX
};
static_assert(sizeof(Header) == 16 && sizeof(Entry) == 64);

[[noreturn]] void refuse(CUresult error, const std::string &why) {
    complain(std::string(current_call) + ": " + why);
    fail(error);
}

// A fat binary comes without its size, so that a damaged one may name what lies outside of the process's memory.
// The system tells, when it is to read from there.
void require_memory(const void *from, uint64_t bytes) {
    constexpr uint64_t PAGE = 4096;
    struct Pipe {
        int ends[2] = {-1, -1};
        Pipe() { require(pipe2(ends, O_CLOEXEC) == 0, CUDA_ERROR_OPERATING_SYSTEM); }
        ~Pipe() { close(ends[0]), close(ends[1]); }
        bool can_read(const std::byte *at) const {
            char taken;
            return write(ends[1], at, 1) == 1 && read(ends[0], &taken, 1) == 1;
        }
    };
    const Pipe pipe;
    const auto *const begin = static_cast<const std::byte *>(from);
    bool there = bytes == 0 || pipe.can_read(begin + bytes - 1);
    for (uint64_t at = 0; at < bytes && there; at += PAGE) there = pipe.can_read(begin + at);
    if (!there) refuse(CUDA_ERROR_INVALID_IMAGE, "the fat binary is damaged: it does not end where it says");
}

const std::byte *data_of(const void *image) {
    uint32_t magic;
    std::memcpy(&magic, image, sizeof magic);
    return static_cast<const std::byte *>(magic == WRAPPER_MAGIC ? static_cast<const Wrapper *>(image)->data : image);
}

// A function of a library of the system.
template <class F> F *function_of(const char *library, const char *name) {
    void *const opened = dlopen(library, RTLD_NOW);
    void *const function = opened ? dlsym(opened, name) : nullptr;
    if (!function)
        refuse(CUDA_ERROR_NOT_SUPPORTED, "the PTX of the fat binary is compressed, and " + std::string(library) +
                                             " is not there: install it, or compile with --no-compress");
    return reinterpret_cast<F *>(function);
}

std::string text_of(const Entry &entry, const char *payload) {
    if (!(entry.flags & (LZ4 | ZSTD))) return std::string(payload, strnlen(payload, entry.bytes));
    if (entry.text_bytes > MOST_TEXT || entry.compressed_bytes > entry.bytes)
        refuse(CUDA_ERROR_INVALID_IMAGE, "the fat binary is damaged: its sizes do not fit");
    std::string text(entry.text_bytes, 0);
    size_t written;
    if (entry.flags & LZ4) {
        const auto decompress = function_of<int(const char *, char *, int, int)>("liblz4.so.1", "LZ4_decompress_safe");
        written = static_cast<size_t>(decompress(payload, text.data(), static_cast<int>(entry.compressed_bytes),
                                                 static_cast<int>(text.size())));
    } else {
        const auto decompress = function_of<size_t(void *, size_t, const void *, size_t)>("libzstd.so.1", "ZSTD_decompress");
        written = decompress(text.data(), text.size(), payload, entry.compressed_bytes);
    }
    // Errors are negative numbers.
    if (written > text.size()) refuse(CUDA_ERROR_INVALID_IMAGE, "the fat binary is damaged: its PTX does not decompress");
    text.resize(strnlen(text.data(), written));
    return text;
}

std::string list(const std::set<uint32_t> &computes) {
    std::string text;
    for (uint32_t compute : computes) text += (text.empty() ? "sm_" : ", sm_") + std::to_string(compute);
    return text;
}

}  // namespace

bool is_fat_binary(const void *image) {
    uint32_t magic;
    std::memcpy(&magic, image, sizeof magic);
    return magic == MAGIC || magic == WRAPPER_MAGIC;
}

std::string best_ptx(const void *image, int compute) {
    const std::byte *const data = data_of(image);
    require_memory(data, sizeof(Header));
    Header header;
    std::memcpy(&header, data, sizeof header);
    if (header.magic != MAGIC || header.version != 1 || header.header_bytes < sizeof header)
        refuse(CUDA_ERROR_INVALID_IMAGE, "the fat binary is of an unknown version");
    Entry best{};
    const char *payload = nullptr;
    std::set<uint32_t> newer, compiled;
    for (uint64_t at = 0; at < header.bytes && header.bytes - at >= sizeof(Entry);) {
        const std::byte *const here = data + header.header_bytes + at;
        require_memory(here, sizeof(Entry));
        Entry entry;
        std::memcpy(&entry, here, sizeof entry);
        if (entry.header_bytes < sizeof entry || entry.header_bytes > header.bytes - at ||
            entry.bytes > header.bytes - at - entry.header_bytes)
            refuse(CUDA_ERROR_INVALID_IMAGE, "the fat binary is damaged: its sizes do not fit");
        at += entry.header_bytes + entry.bytes;
        if (entry.kind == MACHINE_CODE) compiled.insert(entry.compute);
        if (entry.kind != PTX) continue;
        if (entry.compute > static_cast<uint32_t>(compute)) {
            newer.insert(entry.compute);
        } else if (!payload || entry.compute > best.compute) {
            best = entry;
            payload = reinterpret_cast<const char *>(here + entry.header_bytes);
        }
    }
    if (payload) {
        require_memory(payload, best.bytes);
        return text_of(best, payload);
    }
    if (!newer.empty())
        refuse(CUDA_ERROR_NO_BINARY_FOR_GPU, "the fat binary has PTX for " + list(newer) + " only, which is newer than this device");
    if (compiled.empty())       // nvcc's linker leaves out what it cannot link, which is all PTX
        refuse(CUDA_ERROR_NO_BINARY_FOR_GPU,
               "the fat binary is empty: relocatable PTX is not linked; compile with -rdc=false");
    refuse(CUDA_ERROR_NO_BINARY_FOR_GPU, "the fat binary has machine code only (" + list(compiled) +
                                             "), and this device runs PTX: compile with -gencode arch=compute_80,code=compute_80");
}

}  // namespace softgpu
