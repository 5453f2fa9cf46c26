package io.framecast.backend.cuda;

import static jcuda.nvrtc.JNvrtc.nvrtcCompileProgram;
import static jcuda.nvrtc.JNvrtc.nvrtcCreateProgram;
import static jcuda.nvrtc.JNvrtc.nvrtcDestroyProgram;
import static jcuda.nvrtc.JNvrtc.nvrtcGetErrorString;
import static jcuda.nvrtc.JNvrtc.nvrtcGetPTX;
import static jcuda.nvrtc.JNvrtc.nvrtcGetProgramLog;

import io.framecast.FramecastException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import jcuda.nvrtc.nvrtcProgram;
import jcuda.nvrtc.nvrtcResult;

/** Compiles CUDA C++ with {@link Nvrtc}. There are no CUDA headers: sources bring what they need. */
public final class CudaCompiler {

    private CudaCompiler() {
    }

    /** The same for a source that includes nothing. */
    public static String compile(String name, String source, String architecture, List<String> options) {
        return compile(name, source, Map.of(), architecture, options);
    }

    /**
     * Compiles to PTX.
     *
     * @param name of the source file, for messages and line information
     * @param headers what {@code #include} finds: text by name
     * @param architecture such as {@code compute_80}
     * @param options NVRTC's further ones, such as {@code -lineinfo}
     * @return the text of the PTX
     * @throws FramecastException if NVRTC cannot be had, or does not compile this; then with its log
     */
    public static String compile(String name, String source, Map<String, String> headers, String architecture,
            List<String> options) {
        Nvrtc.load();
        List<String> all = new ArrayList<>(options);
        all.add(0, "--gpu-architecture=" + architecture);
        String[] names = headers.keySet().toArray(String[]::new);
        String[] texts = headers.values().toArray(String[]::new);
        nvrtcProgram program = new nvrtcProgram();
        require(nvrtcCreateProgram(program, source, name, names.length, texts, names), name, architecture, "");
        try {
            int result = nvrtcCompileProgram(program, all.size(), all.toArray(String[]::new));
            String[] log = new String[1];
            nvrtcGetProgramLog(program, log);
            require(result, name, architecture, "\n" + log[0].strip());
            String[] ptx = new String[1];
            require(nvrtcGetPTX(program, ptx), name, architecture, "");
            return ptx[0];
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
