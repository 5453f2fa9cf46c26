// An account of where time goes, by op: kept only while it is asked for.
#pragma once

#include <string>
#include <vector>

namespace framecast {

class Profile {
  public:
    void enable(bool on) {
        on_ = on;
        entries_.clear();
    }
    bool on() const { return on_; }

    // Adds to the account of `op`: seconds by the clock, floating-point operations (a multiply-add is two) and the
    // bytes that must cross memory if nothing stays in cache.
    void add(const std::string &op, double seconds, double flop, double bytes);

    // The account since the last call, and begins a new one: a line an op, "op \t seconds \t flop \t bytes".
    std::string take();

    // Seconds of a clock that only goes forward.
    static double now();

  private:
    struct Entry {
        std::string op;
        double seconds, flop, bytes;
    };
    bool on_ = false;
    std::vector<Entry> entries_;
};

// Runs `work` and puts it down to `op`.
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
