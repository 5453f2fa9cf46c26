package io.framecast.backend.cuda.compiler;

import io.framecast.FramecastException;
import io.framecast.Remedy;
import io.framecast.nvrtc.NativeNvrtc;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.SortedSet;

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
     * The architecture to compile for. NVIDIA's driver gets machine code for exactly the device: it loads that of any
     * NVRTC of its own major version, while it refuses PTX of a newer CUDA than its own. A device that NVRTC does not
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

    static String text(int computeCapability) {
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
        String name = source.name();
        try (NativeNvrtc.Program program = new NativeNvrtc.Program(Nvrtc.library(), name, source.text())) {
            source.headers().forEach(program::header);
            program.option("--gpu-architecture=" + architecture);
            options.forEach(program::option);
            String error = program.compile();
            String log = program.log();
            if (error != null) {
                throw new FramecastException("NVRTC cannot compile " + name + " for " + architecture + ": " + error
                        + ". " + log.strip().replaceAll("\\s*\n\\s*", " | "));
            }
            byte[] machineCode = new byte[Math.toIntExact(program.machine_code_size())];
            program.machine_code().get(machineCode);
            return new Compiled(program.ptx(), machineCode, log);
        }
    }
}
