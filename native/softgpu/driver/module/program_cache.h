// The programs decoded last, by PTX text. A host program that opens a new context loads the same modules again.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "program/program.h"

namespace softgpu {

// Used under the driver's lock.
class ProgramCache {
public:
    // Null where the text is not known.
    std::shared_ptr<Program> find(std::string_view text);
    // Only for a program that modules can share: one without addresses of variables. It takes the place of one of the
    // same text, else the least recently used one goes.
    void keep(std::string_view text, std::shared_ptr<Program> program);

private:
    // A decoded program takes about ten times the memory of its text.
    static constexpr size_t MOST_BYTES = 8 << 20;       // of all texts

    struct Entry {
        std::string text;
        std::shared_ptr<Program> program;
    };
    std::list<Entry> entries_;                          // the one used last comes first
    std::unordered_map<std::string_view, std::list<Entry>::iterator> by_text_;      // keys are the entries' texts
    size_t bytes_ = 0;
};

}  // namespace softgpu
