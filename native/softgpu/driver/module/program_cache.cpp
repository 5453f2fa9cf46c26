#include "driver/module/program_cache.h"

namespace softgpu {

std::shared_ptr<Program> ProgramCache::find(std::string_view text) {
    const auto known = by_text_.find(text);
    if (known == by_text_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, known->second);
    return known->second->program;
}

void ProgramCache::keep(std::string_view text, std::shared_ptr<Program> program) {
    if (text.size() > MOST_BYTES) return;
    if (const auto known = by_text_.find(text); known != by_text_.end()) {
        known->second->program = std::move(program);
        return;
    }
    for (bytes_ += text.size(); bytes_ > MOST_BYTES; entries_.pop_back()) {
        bytes_ -= entries_.back().text.size();
        by_text_.erase(entries_.back().text);
    }
    entries_.push_front({std::string(text), std::move(program)});
    by_text_.emplace(entries_.front().text, entries_.begin());
}

}  // namespace softgpu
