#include "ptx/source.h"

#include <filesystem>

namespace softgpu::ptx {

std::string source_of(const Module &module, SourceLine source) {
    if (source.line == 0 || source.file >= module.files.size()) return "";
    // NVRTC prefixes the program's name with the working directory.
    static const std::string &here = *new std::string([] {    // not destroyed: a launch may fail while the process ends
        std::error_code failed;
        return std::filesystem::current_path(failed).string() + "/";
    }());
    std::string file = module.files[source.file];
    if (file.rfind(here, 0) == 0) file.erase(0, here.size());
    return file + ":" + std::to_string(source.line);
}

std::vector<std::string> inlined_chain(const Module &module, SourceLine source) {
    std::vector<std::string> chain;
    for (; source.line; source = module.inlined_calls[source.inlined]) chain.push_back(source_of(module, source));
    return chain;
}

std::string text_of(const Module &module, uint32_t line) {
    if (line == 0 || line > module.text.size()) return "";
    std::string text = module.text[line - 1];
    for (char &c : text)
        if (c == '\t') c = ' ';
    const size_t begin = text.find_first_not_of(' '), end = text.find_last_not_of(" \r");
    return begin == std::string::npos ? "" : text.substr(begin, end - begin + 1);
}

}  // namespace softgpu::ptx
