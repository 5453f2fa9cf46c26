// Where time goes, by op: recorded only while it is switched on.
#pragma once

#include <string>
#include <vector>

namespace framecast {

// The cost of one kind of work: elapsed seconds, floating-point operations (a multiply-add is two), and memory traffic
// in bytes if nothing stays in cache.
struct OpCost {
    std::string op;
    double seconds, flop, bytes;
};

class Profile {
  public:
    // Begins an empty record, or ends recording.
    void enable(bool on) {
        on_ = on;
        clear();
    }
    bool on() const { return on_; }

    // Adds to the cost of `op`.
    void add(const char *op, double seconds, double flop, double bytes);

    // The record: one entry per op, in the order of the first run.
    int size() const { return static_cast<int>(costs_.size()); }
    const OpCost &cost(int index) const { return costs_[index]; }
    void clear() { costs_.clear(); }

    // Seconds of a monotonic clock.
    static double now();

  private:
    bool on_ = false;
    std::vector<OpCost> costs_;
};

// Runs `work` and adds its time to `op`.
template <typename Work>
void timed(Profile &profile, const char *op, double flop, double bytes, Work work) {
    if (!profile.on()) {
        work();
        return;
    }
    const double begin = Profile::now();
    work();
    profile.add(op, Profile::now() - begin, flop, bytes);
}

}  // namespace framecast
