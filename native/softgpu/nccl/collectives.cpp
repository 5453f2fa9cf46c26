// The collectives: their arguments checked when they are called, and their memory, and what the other ranks called,
// when the stream reaches them.

#include <cstring>
#include <ctime>
#include <vector>

#include "nccl/api.h"
#include "nccl/reduction.h"
#include "softgpu.h"

namespace softgpu::nccl {

namespace {

enum Function : int { ALL_REDUCE, BROADCAST, REDUCE, ALL_GATHER, REDUCE_SCATTER };

// CUresults that end a stream's work, and the one that makes it wait.
constexpr int SUCCESS = 0, NOT_READY = 600, LAUNCH_FAILED = 719;

// A rank is lost. NCCL's kernel would wait for ever; ncclCommAbort ends it. So there is time for that.
constexpr uint64_t TIME_TO_ABORT_MS = 2000;

const char *name(int function) {
    constexpr const char *NAMES[] = {"ncclAllReduce", "ncclBroadcast", "ncclReduce", "ncclAllGather",
                                     "ncclReduceScatter"};
    return NAMES[function];
}

bool reduces(int function) { return function == ALL_REDUCE || function == REDUCE || function == REDUCE_SCATTER; }
bool has_root(int function) { return function == BROADCAST || function == REDUCE; }

std::string text(const Call &call) {
    constexpr const char *TYPES[] = {"int8", "uint8", "int32", "uint32", "int64", "uint64", "float16", "float32",
                                     "float64", "bfloat16"};
    constexpr const char *OPS[] = {"sum", "prod", "max", "min", "avg"};
    std::string said = std::string(name(call.function)) + " of " + std::to_string(call.count) + " " + TYPES[call.type];
    if (reduces(call.function)) said += std::string(", ") + OPS[call.op];
    if (has_root(call.function)) said += ", root " + std::to_string(call.root);
    return said;
}

uint64_t milliseconds() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000ull + now.tv_nsec / 1000000;
}

std::byte *pointer(uint64_t address) { return reinterpret_cast<std::byte *>(address); }

// A collective of one rank, as it is queued. Plain data.
struct Collective {
    const ncclComm *comm;
    uint64_t number;
    Call call;
    uint64_t send, receive;

    size_t element() const { return size_of(call.type); }

    // The bytes of a buffer: of `ranks` parts, or of one.
    size_t bytes(int parts) const { return call.count * element() * parts; }
    size_t send_bytes(const Group &group) const { return bytes(call.function == REDUCE_SCATTER ? group.ranks() : 1); }
    size_t receive_bytes(const Group &group) const { return bytes(call.function == ALL_GATHER ? group.ranks() : 1); }
    bool is_root(const Group &group) const { return call.root == group.rank(); }
    bool sends(const Group &group) const { return call.function != BROADCAST || is_root(group); }
    bool receives(const Group &group) const { return call.function != REDUCE || is_root(group); }

    int run() const;
    int check(const Group &group) const;
    void share(const Group &group, size_t offset, size_t count) const;
    void collect(const Group &group, size_t offset, size_t count) const;
};

// Ends a collective, and with it the communicator: the other ranks do not wait for this one any more.
int fail(ncclComm &comm, ncclResult_t error, const std::string &why) {
    comm.asynchronous = error;
    comm.group.leave(Presence::failed);
    set_last_error(why);
    softgpu_complain(why.c_str());
    return LAUNCH_FAILED;
}

std::string at(const ncclComm &comm, const Call &call) {
    return "rank " + std::to_string(comm.group.rank()) + ", collective " + std::to_string(comm.collectives) +
           " of its communicator, " + text(call);
}

// Not ready until ncclCommAbort, or until the time for that is over.
int lose(ncclComm &comm, const Call &call, const std::string &why) {
    const uint64_t now = milliseconds();
    if (comm.running.lost_since == 0) {
        comm.running.lost_since = now;
        comm.asynchronous = ncclRemoteError;
        set_last_error(at(comm, call) + ": " + why);
    }
    if (now - comm.running.lost_since < TIME_TO_ABORT_MS) return NOT_READY;
    return fail(comm, ncclRemoteError, at(comm, call) + ": " + why + ", and NCCL would wait for ever: "
                "look at ncclCommGetAsyncError, and call ncclCommAbort");
}

// What each rank called, if they do not agree.
std::string disagreement(const Group &group) {
    bool same = true;
    std::string said;
    for (int r = 0; r < group.ranks(); ++r) {
        same = same && group.call(r) == group.call(0);
        said += (r == 0 ? "rank " : "; rank ") + std::to_string(r) + " called " + text(group.call(r));
    }
    return same ? "" : said;
}

// Runs in steps: returns NOT_READY to be called again.
int Collective::run() const {
    const auto held = find(comm);
    if (!held || held->number != number) {
        softgpu_complain((std::string(name(call.function)) + ": its communicator was destroyed before it ran").c_str());
        return LAUNCH_FAILED;
    }
    ncclComm &comm = *held;
    Group &group = comm.group;
    ncclComm::Running &running = comm.running;
    if (comm.aborted) return SUCCESS;
    if (!running.begun) {
        ++comm.collectives;
        if (comm.asynchronous != ncclSuccess)
            return fail(comm, comm.asynchronous, at(comm, call) + ": the communicator has failed before");
        if (const int error = check(group); error != SUCCESS) {
            fail(comm, ncclInvalidArgument, softgpu_report());
            return error;
        }
        running = {.begun = true};
    }
    const size_t most = CHUNK / element() / (call.function == REDUCE_SCATTER ? group.ranks() : 1);
    do {
        const size_t count = std::min<size_t>(most, call.count - running.offset);
        if (!running.posted) {
            group.call(group.rank()) = call;
            share(group, running.offset, count);
            group.arrive();
            running.posted = true;
        }
        if (!group.all_arrived()) {
            if (comm.aborted) return SUCCESS;
            const std::string why = group.lost();
            return why.empty() ? NOT_READY : lose(comm, call, why);
        }
        if (running.offset == 0)
            if (const std::string said = disagreement(group); !said.empty())
                return fail(comm, ncclInvalidUsage, at(comm, call) + ": the ranks disagree: " + said);
        collect(group, running.offset, count);
        group.next_step();
        running.offset += count;
        running.posted = false;
    } while (running.offset < call.count);
    running = {};
    if (receives(group) && call.count > 0) softgpu_mark_written(receive, receive_bytes(group));
    return SUCCESS;
}

int Collective::check(const Group &group) const {
    const std::string function = name(call.function);
    int error = SUCCESS;
    if (call.count > 0 && sends(group))
        error = softgpu_check_range((function + ": sendbuff").c_str(), send, send_bytes(group), 1);
    if (error == SUCCESS && call.count > 0 && receives(group))
        error = softgpu_check_range((function + ": recvbuff").c_str(), receive, receive_bytes(group), 0);
    return error;
}

void Collective::share(const Group &group, size_t offset, size_t count) const {
    if (!sends(group)) return;
    const size_t parts = call.function == REDUCE_SCATTER ? group.ranks() : 1, bytes = count * element();
    for (size_t p = 0; p < parts; ++p)
        memcpy(group.chunk(group.rank()) + p * bytes, pointer(send + (p * call.count + offset) * element()), bytes);
}

void Collective::collect(const Group &group, size_t offset, size_t count) const {
    if (!receives(group)) return;
    const size_t bytes = count * element();
    std::byte *const to = pointer(receive + offset * element());
    if (reduces(call.function)) {
        std::vector<const std::byte *> parts;
        for (int r = 0; r < group.ranks(); ++r)
            parts.push_back(group.chunk(r) + (call.function == REDUCE_SCATTER ? group.rank() * bytes : 0));
        reduce(call.type, call.op, parts, count, to);
    } else if (call.function == BROADCAST) {
        memcpy(to, group.chunk(call.root), bytes);
    } else {
        for (int r = 0; r < group.ranks(); ++r) memcpy(to + r * this->bytes(1), group.chunk(r), bytes);
    }
}

// Between ncclGroupStart and ncclGroupEnd: what is queued at the end, and where.
struct Queued {
    Collective collective;
    void *stream;
};
thread_local int group_depth = 0;
thread_local std::vector<Queued> grouped;

void queue(const Queued &q) {
    const int error = enqueue(q.stream, name(q.collective.call.function), q.collective, q.collective.comm);
    require(error == 0, "the stream does not take " + text(q.collective.call) + ": CUresult " + std::to_string(error),
            ncclUnhandledCudaError);
}

// A buffer as it is at the call: device memory, of enough bytes.
void require_buffer(const Collective &c, const char *what, uint64_t address, size_t bytes) {
    require(address != 0, std::string(what) + " is a null pointer");
    require(address % c.element() == 0, std::string(what) + " is not aligned to the size of its type");
    const std::string name_of = std::string(name(c.call.function)) + ": " + what;
    require(softgpu_check_range(name_of.c_str(), address, bytes, 0) == SUCCESS,
            std::string(what) + " is not device memory of " + std::to_string(bytes) + " bytes");
}

// In place is allowed where a rank's part is at its place in the larger buffer; to overlap in another way is not.
void require_apart(const Collective &c, const Group &group) {
    const size_t part = c.bytes(1) * group.rank();
    const uint64_t in_place = c.call.function == ALL_GATHER ? c.receive + part : c.receive;
    const uint64_t from = c.call.function == REDUCE_SCATTER ? c.send + part : c.send;
    require(from == in_place || c.send + c.send_bytes(group) <= c.receive ||
                c.receive + c.receive_bytes(group) <= c.send,
            "sendbuff and recvbuff overlap, and are not in place");
}

ncclResult_t collective(Function function, const void *send, void *receive, size_t count, ncclDataType_t type,
                        ncclRedOp_t op, int root, const ncclComm *communicator, void *stream) {
    return guarded(name(function), [&] {
        const auto comm = live(communicator);
        const Group &group = comm->group;
        require(type >= 0 && type < ncclNumTypes, "there is no data type " + std::to_string(type));
        require(op >= 0 && op < ncclNumOps, "there is no reduction " + std::to_string(op));
        require(root >= 0 && root < group.ranks(), "there is no rank " + std::to_string(root) + " to be the root");
        require(count <= (size_t(1) << 46) / group.ranks(), "count is too large");
        require(comm->asynchronous == ncclSuccess, "the communicator has failed", comm->asynchronous);
        const Queued q{{communicator,
                        comm->number,
                        {function, type, op, root, count},
                        reinterpret_cast<uint64_t>(send),
                        reinterpret_cast<uint64_t>(receive)},
                       stream};
        if (count > 0) {
            const Collective &c = q.collective;
            if (c.sends(group)) require_buffer(c, "sendbuff", c.send, c.send_bytes(group));
            if (c.receives(group)) require_buffer(c, "recvbuff", c.receive, c.receive_bytes(group));
            if (c.sends(group) && c.receives(group)) require_apart(c, group);
        }
        if (group_depth > 0) grouped.push_back(q);
        else queue(q);
    });
}

}  // namespace

}  // namespace softgpu::nccl

using namespace softgpu;
using namespace softgpu::nccl;

NCCL_API ncclResult_t ncclAllReduce(const void *send, void *receive, size_t count, ncclDataType_t type, ncclRedOp_t op,
                                    ncclComm_t comm, void *stream) {
    return collective(ALL_REDUCE, send, receive, count, type, op, 0, comm, stream);
}

NCCL_API ncclResult_t ncclBroadcast(const void *send, void *receive, size_t count, ncclDataType_t type, int root,
                                    ncclComm_t comm, void *stream) {
    return collective(BROADCAST, send, receive, count, type, ncclSum, root, comm, stream);
}

NCCL_API ncclResult_t ncclBcast(void *buffer, size_t count, ncclDataType_t type, int root, ncclComm_t comm,
                                void *stream) {
    return collective(BROADCAST, buffer, buffer, count, type, ncclSum, root, comm, stream);
}

NCCL_API ncclResult_t ncclReduce(const void *send, void *receive, size_t count, ncclDataType_t type, ncclRedOp_t op,
                                 int root, ncclComm_t comm, void *stream) {
    return collective(REDUCE, send, receive, count, type, op, root, comm, stream);
}

NCCL_API ncclResult_t ncclAllGather(const void *send, void *receive, size_t count, ncclDataType_t type, ncclComm_t comm,
                                    void *stream) {
    return collective(ALL_GATHER, send, receive, count, type, ncclSum, 0, comm, stream);
}

NCCL_API ncclResult_t ncclReduceScatter(const void *send, void *receive, size_t count, ncclDataType_t type,
                                        ncclRedOp_t op, ncclComm_t comm, void *stream) {
    return collective(REDUCE_SCATTER, send, receive, count, type, op, 0, comm, stream);
}

NCCL_API ncclResult_t ncclGroupStart() {
    ++group_depth;
    return ncclSuccess;
}

NCCL_API ncclResult_t ncclGroupEnd() {
    return guarded(__func__, [&] {
        require(group_depth > 0, "there was no ncclGroupStart", ncclInvalidUsage);
        if (--group_depth > 0) return;
        const std::vector<Queued> all = std::move(grouped);
        grouped.clear();
        for (const Queued &q : all) queue(q);
    });
}
