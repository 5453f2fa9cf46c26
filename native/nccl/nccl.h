// NCCL, NVIDIA's collectives between GPUs, opened at run time: libnccl.so.2, of any version 2. It is compiled with
// its binding, NativeNccl.
#pragma once

#include <cstddef>
#include <cstdint>

#include "shared_library.h"

namespace framecast {

// The library with its functions. That it cannot be opened is a std::runtime_error; all else are NCCL's result codes.
class Nccl {
public:
    static constexpr int ID_BYTES = 128;

    explicit Nccl(const char *library) : library_(library) {
        library_.find(get_version, "ncclGetVersion");
        library_.find(get_error_string, "ncclGetErrorString");
        library_.find(get_last_error, "ncclGetLastError");
        library_.find(get_unique_id, "ncclGetUniqueId");
        library_.find(group_start_, "ncclGroupStart");
        library_.find(group_end_, "ncclGroupEnd");
        library_.find(init_rank, "ncclCommInitRank");
        library_.find(comm_destroy, "ncclCommDestroy");
        library_.find(comm_abort, "ncclCommAbort");
        library_.find(get_async_error, "ncclCommGetAsyncError");
        library_.find(comm_count, "ncclCommCount");
        library_.find(comm_device, "ncclCommCuDevice");
        library_.find(comm_rank, "ncclCommUserRank");
        library_.find(all_reduce, "ncclAllReduce");
        library_.find(broadcast, "ncclBroadcast");
        library_.find(reduce, "ncclReduce");
        library_.find(all_gather, "ncclAllGather");
        library_.find(reduce_scatter, "ncclReduceScatter");
    }

    int version(int *to) const { return get_version(to); }
    const char *error_string(int result) const { return get_error_string(result); }
    const char *last_error() const { return get_last_error(nullptr); }

    // Writes ID_BYTES bytes.
    int unique_id(char *to) const { return get_unique_id(reinterpret_cast<Id *>(to)); }

    int group_start() const { return group_start_(); }
    int group_end() const { return group_end_(); }

private:
    friend class NcclCommunicator;

    struct Id {
        char bytes[ID_BYTES];
    };
    using Handle = struct ncclComm *;
    using Stream = struct CUstream_st *;

    SharedLibrary library_;
    int (*get_version)(int *version);
    const char *(*get_error_string)(int result);
    const char *(*get_last_error)(Handle comm);
    int (*get_unique_id)(Id *id);
    int (*group_start_)();
    int (*group_end_)();
    int (*init_rank)(Handle *comm, int ranks, Id id, int rank);
    int (*comm_destroy)(Handle comm);
    int (*comm_abort)(Handle comm);
    int (*get_async_error)(Handle comm, int *result);
    int (*comm_count)(Handle comm, int *count);
    int (*comm_device)(Handle comm, int *device);
    int (*comm_rank)(Handle comm, int *rank);
    int (*all_reduce)(const void *send, void *receive, size_t count, int type, int op, Handle comm, Stream stream);
    int (*broadcast)(const void *send, void *receive, size_t count, int type, int root, Handle comm, Stream stream);
    int (*reduce)(const void *send, void *receive, size_t count, int type, int op, int root, Handle comm,
                  Stream stream);
    int (*all_gather)(const void *send, void *receive, size_t count, int type, Handle comm, Stream stream);
    int (*reduce_scatter)(const void *send, void *receive, size_t count, int type, int op, Handle comm, Stream stream);
};

// A rank of a communicator. Addresses and streams are those of CUDA, as numbers. Types and operations are NCCL's.
class NcclCommunicator {
public:
    // `nccl` must outlive the communicator.
    explicit NcclCommunicator(const Nccl &nccl) : nccl_(nccl) {}

    // Waits for all ranks. On the current device.
    int init(int ranks, const char *id, int rank) {
        return nccl_.init_rank(&handle_, ranks, *reinterpret_cast<const Nccl::Id *>(id), rank);
    }

    int destroy() { return nccl_.comm_destroy(handle_); }
    // May be called while another thread waits for this communicator.
    int abort() { return nccl_.comm_abort(handle_); }
    int asynchronous_error(int *to) const { return nccl_.get_async_error(handle_, to); }

    int count(int *to) const { return nccl_.comm_count(handle_, to); }
    int device(int *to) const { return nccl_.comm_device(handle_, to); }
    int rank(int *to) const { return nccl_.comm_rank(handle_, to); }

    int all_reduce(uint64_t send, uint64_t receive, size_t count, int type, int op, uint64_t stream) const {
        return nccl_.all_reduce(memory(send), memory(receive), count, type, op, handle_, on(stream));
    }
    int broadcast(uint64_t send, uint64_t receive, size_t count, int type, int root, uint64_t stream) const {
        return nccl_.broadcast(memory(send), memory(receive), count, type, root, handle_, on(stream));
    }
    int reduce(uint64_t send, uint64_t receive, size_t count, int type, int op, int root, uint64_t stream) const {
        return nccl_.reduce(memory(send), memory(receive), count, type, op, root, handle_, on(stream));
    }
    int all_gather(uint64_t send, uint64_t receive, size_t count, int type, uint64_t stream) const {
        return nccl_.all_gather(memory(send), memory(receive), count, type, handle_, on(stream));
    }
    int reduce_scatter(uint64_t send, uint64_t receive, size_t count, int type, int op, uint64_t stream) const {
        return nccl_.reduce_scatter(memory(send), memory(receive), count, type, op, handle_, on(stream));
    }

private:
    static void *memory(uint64_t address) { return reinterpret_cast<void *>(address); }
    static Nccl::Stream on(uint64_t stream) { return reinterpret_cast<Nccl::Stream>(stream); }

    const Nccl &nccl_;
    Nccl::Handle handle_ = nullptr;
};

}  // namespace framecast
