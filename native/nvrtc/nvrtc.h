// NVRTC, NVIDIA's compiler of CUDA C++, opened at run time: libnvrtc.so.12 or libnvrtc.so.13. The functions that are
// used have the same C interface in both. All of it is in this file, which is compiled with its binding, NativeNvrtc.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "shared_library.h"

namespace framecast {

// The library with its functions. Errors are std::runtime_error.
class Nvrtc {
public:
    // NVRTC opens its builtins by name, and gets the library of that name that is loaded already.
    Nvrtc(const char *builtins, const char *library) : builtins_(builtins), library_(library) {
        library_.find(version_, "nvrtcVersion");
        library_.find(architecture_count_, "nvrtcGetNumSupportedArchs");
        library_.find(architectures_, "nvrtcGetSupportedArchs");
        library_.find(error_string, "nvrtcGetErrorString");
        library_.find(create, "nvrtcCreateProgram");
        library_.find(destroy, "nvrtcDestroyProgram");
        library_.find(compile, "nvrtcCompileProgram");
        library_.find(log.size, "nvrtcGetProgramLogSize");
        library_.find(log.get, "nvrtcGetProgramLog");
        library_.find(ptx.size, "nvrtcGetPTXSize");
        library_.find(ptx.get, "nvrtcGetPTX");
        library_.find(machine_code.size, "nvrtcGetCUBINSize");
        library_.find(machine_code.get, "nvrtcGetCUBIN");
        require(version_(&major_, &minor_));
        int count = 0;
        require(architecture_count_(&count));
        supported_.resize(count);
        require(architectures_(supported_.data()));
    }

    int major_version() const { return major_; }
    int minor_version() const { return minor_; }

    // The compute capabilities that it compiles for, such as 80.
    int architectures() const { return static_cast<int>(supported_.size()); }
    int architecture(int index) const { return supported_.at(index); }

private:
    friend class NvrtcProgram;

    using Handle = void *;

    // A result of a compilation: its size, and its bytes.
    struct Output {
        int (*size)(Handle program, size_t *bytes);
        int (*get)(Handle program, char *bytes);
    };

    void require(int result) const {
        if (result != 0) throw std::runtime_error(error_string(result));
    }

    SharedLibrary builtins_, library_;
    int major_ = 0, minor_ = 0;
    std::vector<int> supported_;
    int (*version_)(int *major, int *minor);
    int (*architecture_count_)(int *count);
    int (*architectures_)(int *architectures);

    const char *(*error_string)(int result);
    int (*create)(Handle *program, const char *source, const char *name, int headers, const char *const *texts,
                  const char *const *names);
    int (*destroy)(Handle *program);
    int (*compile)(Handle program, int options, const char *const *texts);
    Output log, ptx, machine_code;
};

// A source with its headers and options; then the results of its compilation.
class NvrtcProgram {
public:
    // `nvrtc` must outlive the program.
    NvrtcProgram(const Nvrtc &nvrtc, const char *name, const char *source)
        : nvrtc_(nvrtc), name_(name), source_(source) {}

    void header(const char *name, const char *text) {
        header_names_.push_back(name);
        header_texts_.push_back(text);
    }

    void option(const char *text) { options_.push_back(text); }

    // Null, or NVRTC's name for what is wrong; the log has the details.
    const char *compile() {
        Nvrtc::Handle program = nullptr;
        const std::vector<const char *> texts = pointers(header_texts_), names = pointers(header_names_),
                                        options = pointers(options_);
        int result = nvrtc_.create(&program, source_.c_str(), name_.c_str(), static_cast<int>(texts.size()),
                                   texts.data(), names.data());
        if (result == 0) {
            result = nvrtc_.compile(program, static_cast<int>(options.size()), options.data());
            read(program, nvrtc_.log, log_);
            if (result == 0) result = read(program, nvrtc_.ptx, ptx_);
            if (result == 0) result = read(program, nvrtc_.machine_code, machine_code_);
            nvrtc_.destroy(&program);
        }
        return result == 0 ? nullptr : nvrtc_.error_string(result);
    }

    const char *log() const { return log_.c_str(); }
    const char *ptx() const { return ptx_.c_str(); }

    // Of no bytes if the architecture is one of PTX.
    const char *machine_code() const { return machine_code_.data(); }
    size_t machine_code_size() const { return machine_code_.size(); }

private:
    static std::vector<const char *> pointers(const std::vector<std::string> &texts) {
        std::vector<const char *> all;
        for (const std::string &text : texts) all.push_back(text.c_str());
        return all;
    }

    static int read(Nvrtc::Handle program, const Nvrtc::Output &output, std::string &to) {
        size_t bytes = 0;
        const int result = output.size(program, &bytes);
        to.resize(bytes);
        return result != 0 || bytes == 0 ? result : output.get(program, to.data());
    }

    const Nvrtc &nvrtc_;
    std::string name_, source_;
    std::vector<std::string> header_names_, header_texts_, options_;
    std::string log_, ptx_, machine_code_;
};

}  // namespace framecast
