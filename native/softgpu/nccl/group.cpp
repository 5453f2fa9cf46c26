#include "nccl/group.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <map>
#include <mutex>
#include <utility>

#include "libraries/library.h"
#include "nccl/types.h"

namespace softgpu::nccl {

// The head of the shared memory; then two chunks of each rank. New memory is all zeros.
struct Group::Shared {
    struct alignas(64) Rank {
        std::atomic<int32_t> process;
        std::atomic<Presence> presence;
        std::atomic<uint64_t> arrived;      // the last step
        Call calls[2];
    };
    std::atomic<uint64_t> nonce;
    std::atomic<int32_t> ranks;
    alignas(64) std::atomic<uint32_t> changes;      // the futex: counts all news of all ranks
    Rank rank[MAX_RANKS];
};

namespace {

constexpr uint64_t MAGIC = 0x6c63636e74667366;      // an id of the software device
constexpr int SLICE_MS = 5;         // of a wait, after which it is seen whether the others are there
constexpr int JOIN_S = 180;         // for processes that start, also on a busy machine
constexpr size_t HEAD = 16 << 10;

// The shared memory of this process's ids, until it has joined: descriptor by nonce.
std::mutex made_mutex;
auto &made = *new std::map<uint64_t, int>;          // not destroyed: other threads may go on while the process ends

[[noreturn]] void fail(const std::string &why, int status = ncclSystemError) { throw Refusal{status, why}; }

void require_system(bool worked, const char *call) {
    if (!worked) fail(std::string(call) + ": " + strerror(errno));
}

int open_process(int process) { return static_cast<int>(syscall(SYS_pidfd_open, process, 0)); }

// A pidfd becomes readable when its process ends, also while its parent has not asked for its status.
bool has_ended(int descriptor) {
    pollfd poll_one{descriptor, POLLIN, 0};
    return descriptor < 0 || poll(&poll_one, 1, 0) > 0;
}

void wait_for_change(std::atomic<uint32_t> &changes, uint32_t seen, int milliseconds) {
    const timespec time{milliseconds / 1000, milliseconds % 1000 * 1000000L};
    syscall(SYS_futex, &changes, FUTEX_WAIT, seen, &time, nullptr, 0);
}

void tell(std::atomic<uint32_t> &changes) {
    ++changes;
    syscall(SYS_futex, &changes, FUTEX_WAKE, INT32_MAX, nullptr, nullptr, 0);
}

}  // namespace

Id make_id() {
    Id id{MAGIC, 0, getpid(), -1};
    require_system(getrandom(&id.nonce, sizeof id.nonce, 0) == sizeof id.nonce, "getrandom");
    id.descriptor = memfd_create("framecast nccl", MFD_CLOEXEC);
    require_system(id.descriptor >= 0, "memfd_create");
    require_system(ftruncate(id.descriptor, HEAD) == 0 &&
                       pwrite(id.descriptor, &id.nonce, sizeof id.nonce, 0) == sizeof id.nonce, "memfd");
    const std::lock_guard lock(made_mutex);
    made[id.nonce] = id.descriptor;
    return id;
}

Group::Group(const Id &id, int ranks, int rank) : ranks_(ranks), rank_(rank), processes_(ranks, -1) {
    static_assert(sizeof(Shared) <= HEAD && std::atomic<uint64_t>::is_always_lock_free);
    if (id.magic != MAGIC) fail("the unique id is not one of ncclGetUniqueId", ncclInvalidArgument);
    map(id);
    try {
        join(id);
    } catch (...) {
        close();
        throw;
    }
}

Group::Group(Group &&other) noexcept
    : shared_(std::exchange(other.shared_, nullptr)), bytes_(other.bytes_), ranks_(other.ranks_), rank_(other.rank_),
      step_(other.step_), processes_(std::move(other.processes_)) {}

Group::~Group() { close(); }

void Group::close() {
    if (!shared_) return;
    for (const int process : processes_)
        if (process >= 0) ::close(process);
    munmap(shared_, bytes_);
    shared_ = nullptr;
}

void Group::map(const Id &id) {
    const std::string path = "/proc/" + std::to_string(id.process) + "/fd/" + std::to_string(id.descriptor);
    const int file = open(path.c_str(), O_RDWR | O_CLOEXEC);
    const std::string gone = "process " + std::to_string(id.process) +
                             ", which made the unique id, has ended, or has used it already";
    if (file < 0) fail(gone, ncclRemoteError);
    bytes_ = HEAD + 2 * CHUNK * ranks_;
    struct stat status;
    // The ranks may disagree on their number: then the larger memory stays, and join() says so.
    const bool sized = fstat(file, &status) == 0 &&
                       (status.st_size >= static_cast<off_t>(bytes_) || ftruncate(file, bytes_) == 0);
    void *const memory = sized ? mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0) : MAP_FAILED;
    ::close(file);
    require_system(memory != MAP_FAILED, "mmap");
    shared_ = static_cast<Shared *>(memory);
    if (shared_->nonce != id.nonce) {
        close();
        fail(gone, ncclRemoteError);
    }
}

void Group::join(const Id &id) {
    Shared::Rank &own = shared_->rank[rank_];
    int32_t none = 0;
    if (!own.process.compare_exchange_strong(none, getpid()))
        fail("process " + std::to_string(none) + " is rank " + std::to_string(rank_) + " already", ncclInvalidUsage);
    none = 0;
    if (!shared_->ranks.compare_exchange_strong(none, ranks_) && none != ranks_) {
        leave(Presence::failed);
        fail("this rank says that there are " + std::to_string(ranks_) + " ranks, and another says " +
                 std::to_string(none), ncclInvalidArgument);
    }
    for (int other = 0; other < ranks_; ++other)
        if (other != rank_ && shared_->rank[other].process == getpid()) {
            leave(Presence::failed);
            fail("duplicate GPU: rank " + std::to_string(other) + " is of this process, too", ncclInvalidUsage);
        }
    own.presence = Presence::present;
    tell(shared_->changes);
    const time_t until = time(nullptr) + JOIN_S;
    for (;;) {
        const uint32_t seen = shared_->changes;
        int missing = -1;
        for (int other = 0; other < ranks_; ++other) {
            const Shared::Rank &rank = shared_->rank[other];
            if (rank.process != 0 && processes_[other] < 0) {
                processes_[other] = open_process(rank.process);
                if (processes_[other] < 0 && errno != ESRCH) require_system(false, "pidfd_open");
            }
            if (rank.process != 0 && (rank.presence == Presence::failed || ended(other)))
                fail(rank.presence == Presence::failed ? name(other) + " has failed" : why_lost(other),
                     ncclRemoteError);
            if ((processes_[other] < 0 || rank.presence == Presence::absent) && missing < 0) missing = other;
        }
        if (missing < 0) break;
        if (time(nullptr) > until)
            fail("rank " + std::to_string(missing) + " has not come in " + std::to_string(JOIN_S) + " seconds",
                 ncclRemoteError);
        wait_for_change(shared_->changes, seen, 100);
    }
    const std::lock_guard lock(made_mutex);
    if (const auto at = made.find(id.nonce); at != made.end()) {
        ::close(at->second);
        made.erase(at);
    }
}

std::string Group::name(int rank) const {
    return "rank " + std::to_string(rank) + " (process " + std::to_string(shared_->rank[rank].process) + ")";
}

bool Group::ended(int rank) const { return has_ended(processes_[rank]); }

std::string Group::why_lost(int rank) const {
    switch (shared_->rank[rank].presence) {
        case Presence::destroyed: return name(rank) + " has destroyed its communicator";
        case Presence::aborted: return name(rank) + " has aborted its communicator";
        case Presence::failed: return name(rank) + " has failed";
        default: return ended(rank) ? name(rank) + " has ended" : "";
    }
}

Call &Group::call(int rank) const { return shared_->rank[rank].calls[step_ % 2]; }

std::byte *Group::chunk(int rank) const {
    return reinterpret_cast<std::byte *>(shared_) + HEAD + (2 * rank + step_ % 2) * CHUNK;
}

void Group::arrive() {
    shared_->rank[rank_].arrived = step_;
    tell(shared_->changes);
}

bool Group::all_arrived() {
    for (bool waited = false;; waited = true) {
        const uint32_t seen = shared_->changes;
        int missing = 0;
        for (int other = 0; other < ranks_; ++other) missing += shared_->rank[other].arrived < step_;
        if (missing == 0) return true;
        if (waited) return false;
        wait_for_change(shared_->changes, seen, SLICE_MS);
    }
}

std::string Group::lost() const {
    for (int other = 0; other < ranks_; ++other) {
        if (shared_->rank[other].arrived >= step_) continue;
        // Looked at in this order: a rank that arrives, and then ends, is not lost.
        const std::string why = why_lost(other);
        if (!why.empty() && shared_->rank[other].arrived < step_) return why;
    }
    return "";
}

std::string Group::fallen() const {
    for (int other = 0; other < ranks_; ++other)
        if (shared_->rank[other].presence != Presence::destroyed)
            if (const std::string why = why_lost(other); !why.empty()) return why;
    return "";
}

void Group::leave(Presence presence) {
    shared_->rank[rank_].presence = presence;
    tell(shared_->changes);
}

}  // namespace softgpu::nccl
