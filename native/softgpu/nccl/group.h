// The ranks of a communicator: processes of one machine, which share memory. The memory has no name in the file system,
// so that nothing of it stays, however the processes end: the others open the descriptor of the process that made it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace softgpu::nccl {

// What a rank has called. Plain numbers, which other processes read.
struct Call {
    int function = 0, type = 0, op = 0, root = 0;
    uint64_t count = 0;

    bool operator==(const Call &) const = default;
};

// How a rank says to the others what has become of it.
enum class Presence : uint32_t { absent, present, destroyed, aborted, failed };

constexpr int MAX_RANKS = 64;
constexpr size_t CHUNK = size_t(1) << 20;   // bytes that a rank shares at once

// The name of shared memory: where it is, and a number that no other has.
struct Id {
    uint64_t magic, nonce;
    int32_t process, descriptor;
};

// Makes shared memory. It is there until the process has joined it, or ends. Throws Refusal, like all functions here.
Id make_id();

class Group {
public:
    // Waits until all ranks have joined.
    Group(const Id &id, int ranks, int rank);
    Group(Group &&other) noexcept;
    ~Group();

    int ranks() const { return ranks_; }
    int rank() const { return rank_; }

    // The steps of all ranks: in each, a rank shares a call and a chunk, says so by arrive(), and reads those of the
    // others once all_arrived(). Its part of the step before may be read meanwhile, and is overwritten in the next.
    Call &call(int rank) const;
    std::byte *chunk(int rank) const;
    void arrive();
    void next_step() { ++step_; }
    // Waits a few milliseconds at most.
    bool all_arrived();

    // The first rank that has not arrived and never will, and why: "rank 1 (process 1234) has ended". Empty if none.
    std::string lost() const;
    // The first rank that failed or ended without destroying its communicator.
    std::string fallen() const;
    void leave(Presence presence);

private:
    struct Shared;
    std::string name(int rank) const;
    bool ended(int rank) const;
    std::string why_lost(int rank) const;
    void map(const Id &id);
    void join(const Id &id);
    void close();

    Shared *shared_ = nullptr;
    size_t bytes_ = 0;
    int ranks_, rank_;
    uint64_t step_ = 1;
    std::vector<int> processes_;    // a pidfd of each rank; -1: it had ended when this rank looked
};

}  // namespace softgpu::nccl
