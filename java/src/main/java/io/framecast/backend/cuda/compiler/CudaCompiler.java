package io.framecast.backend.cuda.compiler;

import static jcuda.nvrtc.JNvrtc.nvrtcCompileProgram;
import static jcuda.nvrtc.JNvrtc.nvrtcCreateProgram;
import static jcuda.nvrtc.JNvrtc.nvrtcDestroyProgram;
import static jcuda.nvrtc.JNvrtc.nvrtcGetCUBIN;
import static jcuda.nvrtc.JNvrtc.nvrtcGetCUBINSize;
import static jcuda.nvrtc.JNvrtc.nvrtcGetErrorString;
import static jcuda.nvrtc.JNvrtc.nvrtcGetPTX;
import static jcuda.nvrtc.JNvrtc.nvrtcGetProgramLog;

import io.framecast.FramecastException;
import io.framecast.Remedy;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedSet;
import jcuda.nvrtc.nvrtcProgram;
import jcuda.nvrtc.nvrtcResult;

/** Compiles CUDA C++ with {@link Nvrtc}. There are no CUDA headers: the sources contain all that they need. */
final class CudaCompiler {

    private static final String MACHINE_CODE = "sm_";
    private static final String PTX = "compute_";

    /**
     * The result of a compilation.
     *
     * @param machineCode an ELF file; empty if the architecture is one of PTX
     * @param log NVRTC's messages
     */
    record Compiled(String ptx, byte[] machineCode, String log) {

        /** The machine code if there is some, else the PTX. */
        byte[] image() {
            return machineCode.length > 0 ? machineCode : ptx.getBytes(StandardCharsets.UTF_8);
        }
    }

    private CudaCompiler() {
    }

    /**
     * The architecture to compile for. NVIDIA's driver gets machine code for exactly the device: every driver for CUDA
     * 12 loads it, of any NVRTC 12, while it refuses PTX of a newer CUDA than its own. A device that NVRTC does not
     * know gets PTX; its driver is newer than NVRTC.
     *
     * @param computeCapability of the device
     * @param software whether it is the software device, which takes PTX alone
     * @param supported the compute capabilities that NVRTC compiles for
     * @throws FramecastException if the device is too old for NVRTC
     */
    static String architecture(int computeCapability, boolean software, SortedSet<Integer> supported) {
        if (software) {
            return PTX + computeCapability;
        }
        if (supported.contains(computeCapability)) {
            return MACHINE_CODE + computeCapability;
        }
        SortedSet<Integer> older = supported.headSet(computeCapability);
        if (older.isEmpty()) {
            throw new FramecastException("NVRTC compiles for compute capability " + text(supported.first())
                    + " and later, and the GPU has " + text(computeCapability) + "; use the CPU.", Remedy.CPU);
        }
        return PTX + older.last();
    }

    private static String text(int computeCapability) {
        return computeCapability / 10 + "." + computeCapability % 10;
    }

    /**
     * Compiles a source.
     *
     * @param architecture {@code compute_80} for PTX, {@code sm_80} for machine code
     * @param options NVRTC's further ones, such as {@code -lineinfo}
     * @throws FramecastException if there is no NVRTC, or it does not compile this; then with its log
     */
    static Compiled compile(CudaSource source, String architecture, List<String> options) {
        Nvrtc.load();
        List<String> all = new ArrayList<>(options);
        all.add(0, "--gpu-architecture=" + architecture);
        String name = source.name();
        String[] names = source.headers().keySet().toArray(String[]::new);
        String[] texts = source.headers().values().toArray(String[]::new);
        nvrtcProgram program = new nvrtcProgram();
        require(nvrtcCreateProgram(program, source.text(), name, names.length, texts, names), name, architecture, "");
        try {
            int result = nvrtcCompileProgram(program, all.size(), all.toArray(String[]::new));
            String[] log = new String[1];
            nvrtcGetProgramLog(program, log);
            require(result, name, architecture, " " + log[0].strip().replaceAll("\\s*\n\\s*", " | "));
            String[] ptx = new String[1];
            require(nvrtcGetPTX(program, ptx), name, architecture, "");
            long[] size = new long[1];
            require(nvrtcGetCUBINSize(program, size), name, architecture, "");
            byte[] machineCode = new byte[Math.toIntExact(size[0])];
            if (machineCode.length > 0) {
                require(nvrtcGetCUBIN(program, machineCode), name, architecture, "");
            }
            return new Compiled(ptx[0], machineCode, log[0]);
        } finally {
            nvrtcDestroyProgram(program);
        }
    }

    private static void require(int result, String name, String architecture, String log) {
        if (result != nvrtcResult.NVRTC_SUCCESS) {
            throw new FramecastException("NVRTC cannot compile " + name + " for " + architecture + ": "
                    + nvrtcGetErrorString(result) + "." + log);
        }
    }
}
