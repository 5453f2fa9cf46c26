// The state of the driver: its objects, their ownership, and the global lock.
#pragma once

#include <array>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "machine/arena.h"
#include "machine/heap.h"
#include "base/cuda_types.h"
#include "driver/state/work.h"

namespace softgpu {

struct Capture;
struct ImageObject;

// The objects of one kind by handle, so that a stale or invalid handle gives an error instead of a crash.
template <class T> class Registry {
public:
    T *add(std::shared_ptr<T> object) {
        T *handle = object.get();
        objects_[handle] = std::move(object);
        return handle;
    }
    // Null if the handle is invalid.
    std::shared_ptr<T> find(const T *handle) const {
        const auto at = objects_.find(handle);
        return at == objects_.end() ? nullptr : at->second;
    }
    void remove(const T *handle) { objects_.erase(handle); }
    const std::unordered_map<const T *, std::shared_ptr<T>> &all() const { return objects_; }
    template <class Condition> void remove_if(Condition condition) {
        std::erase_if(objects_, [&](const auto &entry) { return condition(*entry.second); });
    }

private:
    std::unordered_map<const T *, std::shared_ptr<T>> objects_;
};

// Common part of all objects that a program creates and destroys. Each kind is numbered from 1.
struct Object {
    Context *context = nullptr;
    uint64_t number = 0;
};

// A value that a library keeps with a context, and what destroys it with the context.
struct Stored {
    void *value = nullptr;
    void (*destroy)(CUcontext context, void *key, void *value) = nullptr;
};

struct Context {
    uint64_t number = 0;
    bool primary = false;
    bool leaks_reported = false;
    bool destroyed = false;     // contexts are never deleted, so that a stale handle is recognised
    unsigned flags = 0;
    unsigned api_version = 0;
    CUresult sticky = CUDA_SUCCESS;
    size_t limits[7] = {1024, 1 << 20, 8 << 20, 2, 2048, 64, 0};    // by CUlimit
    int cache_config = 0, shared_config = 0;
    Heap heap;                  // of malloc in kernels
    std::shared_ptr<Stream> legacy;
    std::map<std::thread::id, std::shared_ptr<Stream>> per_thread;
    std::vector<std::shared_ptr<Stream>> streams;   // in order of creation; destroyed ones until done
    std::map<const void *, Dependency> last_of_order;   // by LibraryWork::order
    std::map<void *, Stored> storage;               // of the runtime library
};

struct Stream : Object, std::enable_shared_from_this<Stream> {
    unsigned flags = 0;
    int priority = 0;
    std::deque<Operation> queue;
    uint64_t enqueued = 0, done = 0;    // positions: operation p has run once done >= p
    bool destroyed = false;
    std::shared_ptr<Capture> capture;   // while it captures
    std::vector<Node *> frontier;       // what the next captured node depends on
    std::vector<CUgraphEdgeData> frontier_edges;        // the result of cuStreamGetCaptureInfo_v3: zeros
    using Attribute = std::array<std::byte, 64>;        // CUstreamAttrValue
    std::map<int, Attribute> attributes;                // by CUstreamAttrID

    bool blocking() const { return !(flags & CU_STREAM_NON_BLOCKING); }
    bool idle() const { return done == enqueued; }
    bool is_legacy() const { return context->legacy.get() == this; }
};

struct Event : Object {
    unsigned flags = 0;
    std::shared_ptr<Record> latest;         // null until recorded
    std::shared_ptr<Capture> capture;       // of the stream that it was last recorded in
    std::vector<Node *> captured;
};

// An allocation of a context.
struct Owned {
    Context *context = nullptr;
    Arena::Kind kind = Arena::Kind::device;
    uint64_t bytes = 0;
    unsigned flags = 0;
    bool freeing = false;       // cuMemFreeAsync was called
    Pool *pool = nullptr;
    std::shared_ptr<GraphMemory> graph_memory = nullptr;

    // To the arena. Memory of a graph keeps its address.
    void give_back(uint64_t address) const {
        if (graph_memory) Arena::get().close(address);
        else Arena::get().free(address, kind);
    }
};

// A pool of stream-ordered allocations.
struct Pool {
    uint64_t most_bytes = 0;    // 0: no limit but the device's
    uint64_t release_threshold = 0;
    uint64_t used_high = 0;
    int reuse[3] = {1, 1, 1};   // kept for the program; memory is always reused
};

class Driver {
public:
    static Driver &get();

    // The lock of the thread that is inside the driver. The queue releases it while an operation runs.
    class Lock {
    public:
        explicit Lock(Driver &driver) : lock_(driver.mutex_), driver_(driver) { driver.lock_ = &lock_; }
        ~Lock() { driver_.lock_ = nullptr; }
    private:
        std::unique_lock<std::mutex> lock_;
        Driver &driver_;
    };
    // Runs `body` without the lock, as the only thread that runs operations.
    template <class Body> void unlocked(Body body) {
        std::unique_lock<std::mutex> &lock = *lock_;
        running_ = true;
        lock.unlock();
        body();
        lock.lock();
        lock_ = &lock;
        running_ = false;
        idle_.notify_all();
    }
    // Waits until no other thread runs an operation.
    void wait_idle() {
        std::unique_lock<std::mutex> &lock = *lock_;
        while (running_) idle_.wait(lock);
        lock_ = &lock;
    }
    // Lets other threads run operations meanwhile.
    void pause() {
        std::unique_lock<std::mutex> &lock = *lock_;
        lock.unlock();
        std::this_thread::sleep_for(std::chrono::microseconds(50));
        lock.lock();
        lock_ = &lock;
    }
    bool try_lock() { return mutex_.try_lock(); }
    void unlock() { mutex_.unlock(); }

    // The current context of this thread; fails if there is none, or it was destroyed.
    Context &current();
    uint64_t next_number(const char *kind) { return ++numbers_[kind]; }

    bool initialized = false;
    std::vector<std::unique_ptr<Context>> contexts;
    Context *primary = nullptr;
    unsigned primary_retained = 0, primary_flags = 0;

    Registry<Stream> streams;
    Registry<Event> events;
    Registry<Module> modules;
    Registry<Function> functions;
    Registry<Graph> graphs;
    Registry<GraphExec> graph_execs;
    Registry<Library> libraries;
    Registry<Linker> linkers;
    Registry<Pool> pools;
    Registry<Array> arrays;
    std::map<uint64_t, std::shared_ptr<ImageObject>> image_objects;     // by handle
    Registry<TextureReference> texture_references;
    Pool *default_pool = nullptr, *current_pool = nullptr;
    std::map<uint64_t, Owned> allocations;      // by address; without module variables, which belong to their module

private:
    std::mutex mutex_;
    std::unique_lock<std::mutex> *lock_ = nullptr;
    std::condition_variable idle_;
    bool running_ = false;
    std::map<std::string, uint64_t> numbers_;
};

// The thread's stack of current contexts; the last is current.
std::vector<Context *> &context_stack();

// Prints a sentence to standard error.
void complain(const std::string &sentence);

}  // namespace softgpu
