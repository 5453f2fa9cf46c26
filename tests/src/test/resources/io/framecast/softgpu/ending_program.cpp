// The process ends while a kernel is queued or runs, which its argument chooses. What a runtime library does then, to
// unload its kernels, is done by the exit handler. Waiting must not keep the process, nor change its status.
#include "driver_program.h"

#include <chrono>
#include <cstring>
#include <thread>

extern "C" {
CUresult cuInit(unsigned);
CUresult cuDevicePrimaryCtxRetain(Handle *, CUdevice);
CUresult cuCtxSetCurrent(Handle);
CUresult cuCtxSynchronize();
CUresult cuLibraryLoadData(Handle *, const void *, int *, void **, unsigned, int *, void **, unsigned);
CUresult cuLibraryUnload(Handle);
CUresult cuLibraryGetKernel(Handle *, Handle, const char *);
CUresult cuLaunchKernel(Handle, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, Handle, void **,
                        void **);
CUresult cuMemAllocManaged(CUdeviceptr *, size_t, unsigned);
}

// Adds to a number until it is `limit`, or for ever; or fails.
static const char PTX[] = R"(
.version 7.8
.target sm_80
.address_size 64
.visible .entry counting(.param .u64 to, .param .u32 limit) {
    .reg .b64 %rd<2>;
    .reg .b32 %r<3>;
    .reg .pred %p;
    ld.param.u64 %rd1, [to];
    ld.param.u32 %r1, [limit];
    mov.u32 %r2, 0;
again:
    add.u32 %r2, %r2, 1;
    st.volatile.global.u32 [%rd1], %r2;
    setp.ne.u32 %p, %r2, %r1;
    @%p bra again;
    setp.eq.u32 %p, %r1, 0;
    @%p bra again;
    ret;
}
.visible .entry failing(.param .u64 to, .param .u32 limit) {
    trap;
}
)";

enum { SHORT = 100000, LONG = 5000000 };        // far less than a second, and more

static Handle library, context;
static CUdeviceptr number;
static bool works_at_end;

static void launch(unsigned limit, unsigned blocks = 1, const char *name = "counting") {
    Handle kernel;
    void *arguments[] = {&number, &limit};
    OK(cuLibraryGetKernel(&kernel, library, name));
    OK(cuLaunchKernel(kernel, blocks, 1, 1, 32, 1, 1, 0, nullptr, arguments, nullptr));
}

int main(int, char **arguments) {
    enum { STATUS = 7 };
    OK(cuInit(0));
    std::atexit([] {
        CHECK(cuCtxSetCurrent(context) == 0);       // of the thread that ends the process
        if (works_at_end) launch(LONG);
        const CUresult unloaded = cuLibraryUnload(library);
        const int counted = *reinterpret_cast<volatile int *>(number);
        std::printf("unloaded: %d, counted: %s\n", unloaded,
                    counted == SHORT || counted == LONG ? "all" : "some");
    });
    OK(cuDevicePrimaryCtxRetain(&context, 0));
    OK(cuCtxSetCurrent(context));
    OK(cuLibraryLoadData(&library, PTX, nullptr, nullptr, 0, nullptr, nullptr, 0));
    OK(cuMemAllocManaged(&number, 4, 1));
    const char *const what = arguments[1];
    if (!std::strcmp(what, "finite")) {
        launch(SHORT);
    } else if (!std::strcmp(what, "failing")) {
        launch(0, 1, "failing");
    } else if (!std::strcmp(what, "finite at the end")) {
        launch(SHORT);
        works_at_end = true;
    } else if (!std::strcmp(what, "endless")) {
        launch(0, 64);
        launch(SHORT);
    } else {
        // The status is that of the thread that ended the process, not of the one whose kernel it stopped.
        std::thread([] {
            std::this_thread::sleep_for(std::chrono::milliseconds(200));
            std::exit(STATUS);
        }).detach();
        launch(0);
        std::exit(cuCtxSynchronize());
    }
    return STATUS;
}
