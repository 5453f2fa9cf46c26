package io.framecast.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.FramecastException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class CudaCompilerTest {

    @Test
    void compilesToPtx() {
        String ptx = CudaCompiler.compile("scale.cu", """
                #include "factor.cuh"
                extern "C" __global__ void scale(float *x) { x[threadIdx.x] *= FACTOR * WEIGHT; }
                """, Map.of("factor.cuh", "#define FACTOR 3.0f\n"), "compute_80",
                List.of("-lineinfo", "-DWEIGHT=2.0f"));
        assertTrue(ptx.contains(".target sm_80") && ptx.contains(".entry scale(") && ptx.contains("scale.cu"), ptx);
        assertTrue(ptx.contains("0f40C00000"), "6 as a float: " + ptx);
    }

    @Test
    void saysWhatNvrtcFound() {
        String message = assertThrows(FramecastException.class,
                () -> CudaCompiler.compile("broken.cu", "\n__global__ void f() { y = 1; }", "compute_90", List.of()))
                .getMessage();
        assertTrue(message.startsWith("NVRTC cannot compile broken.cu for compute_90: "), message);
        assertTrue(message.contains("broken.cu(2): error: identifier \"y\" is undefined"), message);
    }

    @Test
    void refusesAnUnknownArchitecture() {
        String message = assertThrows(FramecastException.class,
                () -> CudaCompiler.compile("f.cu", "", "compute_12", List.of())).getMessage();
        assertTrue(message.contains("compute_12"), message);
    }
}
