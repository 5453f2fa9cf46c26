package io.framecast.backend.cuda.compiler;

import io.framecast.backend.cuda.library.CudaDirectories;
import io.framecast.fetch.LibraryJar.Artifact;
import io.framecast.fetch.LibraryJar.Library;
import java.util.List;

/**
 * The two libraries of NVRTC 12.9 in the jar org.bytedeco:cuda-redist. The jar has all of CUDA's libraries, 362 MB.
 */
final class NvrtcJar {

    static final int MAJOR_VERSION = 12;

    static final Artifact ARTIFACT = new Artifact(
            "org/bytedeco/cuda-redist/12.9-9.10-1.5.12/cuda-redist-12.9-9.10-1.5.12-linux-x86_64.jar", "nvrtc-12.9",
            "NVRTC 12.9, the compiler of CUDA kernels (45 MB, once)", "NVRTC, the compiler of CUDA kernels,",
            "install CUDA 12, or set " + CudaDirectories.NVRTC_VARIABLE
                    + " to a directory with libnvrtc.so.12 and libnvrtc-builtins.so.12.*, or",
            List.of(
                    new Library("org/bytedeco/cuda/linux-x86_64/libnvrtc-builtins.so.12.9", 7_202_760L,
                            "6507cf33450cfb22970c2c1e7aa8e7c0a33e39d864720277b05f61a92791e2e8"),
                    new Library("org/bytedeco/cuda/linux-x86_64/libnvrtc.so.12", 106_237_008L,
                            "c3430e8b6b0d8d3a74f5f839118a85e13e3ad6e4d6203ea1b6a27a0c0b4fe10a")));

    private NvrtcJar() {
    }
}
