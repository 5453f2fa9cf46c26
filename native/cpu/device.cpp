#include "device.h"

#include <omp.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <string>

#include "onednn.h"

namespace framecast {

namespace {

// The memory still available to this process, in bytes: the kernel's estimate, limited by the container's limit.
int64_t available_memory() {
    int64_t available = std::numeric_limits<int64_t>::max();
    std::ifstream meminfo("/proc/meminfo");
    for (std::string line; std::getline(meminfo, line);) {
        long long kib;
        if (std::sscanf(line.c_str(), "MemAvailable: %lld kB", &kib) == 1) {
            available = static_cast<int64_t>(kib) * 1024;
        }
    }
    int64_t limit;
    int64_t used;
    if ((std::ifstream("/sys/fs/cgroup/memory.max") >> limit)
            && (std::ifstream("/sys/fs/cgroup/memory.current") >> used)) {
        available = std::min(available, std::max<int64_t>(0, limit - used));
    }
    return available;
}

// oneDNN's instruction sets are bit masks in which a set contains those it extends.
bool has_isa(dnnl::cpu_isa wanted) {
    const auto isa = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
    return (isa & static_cast<unsigned>(wanted)) == static_cast<unsigned>(wanted);
}

std::string gigabytes(int64_t bytes) {
    std::ostringstream text;
    text.precision(bytes < 10e9 ? 2 : 4);
    text << static_cast<double>(bytes) / 1e9 << " GB";
    return text.str();
}

}  // namespace

Device::Device(int threads, const char *operands)
    : threads_(std::min(threads, omp_get_thread_limit())), operands_(operands_named(operands)),
      onednn_(std::make_shared<OneDnn>()), account_(std::make_shared<MemoryAccount>()) {
    onednn_->engine = named("making a CPU engine", [] { return dnnl::engine(dnnl::engine::kind::cpu, 0); });
    onednn_->stream = named("making a stream", [this] { return dnnl::stream(onednn_->engine); });
    account_->available = available_memory();
}

bool Device::native_bf16() {
    return has_isa(dnnl::cpu_isa::avx512_core_bf16) || has_isa(dnnl::cpu_isa::avx2_vnni_2);
}

bool Device::has_matrix_units() { return has_isa(dnnl::cpu_isa::avx512_core_amx); }

const char *Device::isa() {
    return dnnl_cpu_isa2str(static_cast<dnnl_cpu_isa_t>(dnnl::get_effective_cpu_isa()));
}

void Device::enter() const {
    omp_set_dynamic(0);  // Overrides OMP_DYNAMIC: the bits of sums depend on the number of threads.
    omp_set_num_threads(threads_);
}

Memory::Memory(Device &device, size_t bytes) : account_(device.account_), bytes_(std::max<size_t>(bytes, 64)) {
    const auto wanted = static_cast<int64_t>(bytes_);
    // The kernel commits pages at the first write: it would accept too large an allocation here, and kill the process
    // later.
    if (wanted > account_->available - account_->in_use) {
        throw std::runtime_error("out of memory: " + gigabytes(account_->in_use + wanted) + " are needed and "
                + gigabytes(account_->available) + " are available");
    }
    data_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (data_ == MAP_FAILED) {
        data_ = nullptr;
        throw std::runtime_error("out of memory: mmap of " + gigabytes(wanted) + " failed: " + std::strerror(errno));
    }
    madvise(data_, bytes_, MADV_HUGEPAGE);
    account_->in_use += wanted;
    account_->peak = std::max(account_->peak, account_->in_use);
}

Memory::~Memory() {
    munmap(data_, bytes_);
    account_->in_use -= static_cast<int64_t>(bytes_);
}

}  // namespace framecast
