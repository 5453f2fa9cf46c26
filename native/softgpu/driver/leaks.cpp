// Reports of memory and objects that were never freed.
#include <set>

#include "base/settings.h"
#include "driver/module/module.h"
#include "driver/state/driver.h"
#include "driver/state/faults.h"
#include "driver/state/image.h"
#include "driver/stream/graph.h"
#include "machine/report.h"

namespace softgpu {

namespace {

constexpr const char *KINDS[] = {"device", "pinned host", "variable", "managed", "heap", "CUDA array", "graph"};

template <class T>
void list(std::string &text, const Registry<T> &registry, const Context &context, const char *kind) {
    std::set<uint64_t> numbers;
    for (const auto &[handle, object] : registry.all())
        if (object->context == &context && object->number) numbers.insert(object->number);
    for (uint64_t number : numbers) text += "\n  " + std::string(kind) + " #" + std::to_string(number);
}

}  // namespace

// A context with a sticky error, or a lost device, cannot free anything: these are not reported.
void report_leaks(Context &context, bool at_exit) {
    if (context.leaks_reported || !settings().on(Check::leaks)) return;
    if (context.sticky != CUDA_SUCCESS || device_lost()) return;
    context.leaks_reported = at_exit;   // exit handlers that run after this one may destroy the context
    const Driver &driver = Driver::get();
    std::string text;
    for (const auto &[address, owned] : driver.allocations) {
        if (owned.context != &context) continue;
        Arena::Allocation allocation;
        Arena::get().find(address, allocation);
        text += "\n  allocation #" + std::to_string(allocation.number) + " of " + std::to_string(owned.bytes) +
                " bytes, " + KINDS[static_cast<int>(owned.kind)];
    }
    if (!(at_exit && context.primary)) {
        list(text, driver.modules, context, "module");
        list(text, driver.streams, context, "stream");
        list(text, driver.events, context, "event");
        list(text, driver.graphs, context, "graph");
        list(text, driver.graph_execs, context, "executable graph");
        for (const auto &[handle, object] : driver.image_objects)
            if (object->context == &context)
                text += std::string(object->is_surface ? "\n  surface" : "\n  texture") + " object #" +
                        std::to_string(object->number);
    }
    if (text.empty()) return;
    const std::string which = context.primary ? "the primary context" : "context #" + std::to_string(context.number);
    report(std::string(name(Check::leaks)) + ": " + which + (at_exit ? " was never destroyed, " : " was destroyed ") +
           (at_exit ? "and these were never freed:" : "before these were freed:") + text);
}

void report_leaks_at_exit() {
    Driver &driver = Driver::get();
    if (!driver.try_lock()) return;     // a thread is still inside: what it uses is not a leak
    for (const auto &context : driver.contexts)
        if (!context->destroyed) report_leaks(*context, true);
    driver.unlock();
}

}  // namespace softgpu
