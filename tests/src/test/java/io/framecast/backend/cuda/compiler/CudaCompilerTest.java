package io.framecast.backend.cuda.compiler;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.FramecastException;
import io.framecast.backend.cuda.compiler.CudaCompiler.Compiled;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CudaCompilerTest {

    /** The architectures of an NVRTC in the middle of the CUDA 12 series. */
    private static final SortedSet<Integer> SUPPORTED = new TreeSet<>(List.of(50, 75, 80, 86, 87, 89, 90, 100, 101));

    private static final CudaSource SCALE = new CudaSource("scale.cu", """
            #include "factor.cuh"
            extern "C" __global__ void scale(float *x) { x[threadIdx.x] *= FACTOR * WEIGHT; }
            """, new TreeMap<>(Map.of("factor.cuh", "#define FACTOR 3.0f\n")));

    @Test
    void compilesToPtx() {
        Compiled compiled = CudaCompiler.compile(SCALE, "compute_80", List.of("-lineinfo", "-DWEIGHT=2.0f"));
        String ptx = compiled.ptx();
        assertTrue(ptx.contains(".target sm_80") && ptx.contains(".entry scale(") && ptx.contains("scale.cu"), ptx);
        assertTrue(ptx.contains("0f40C00000"), "6 as a float: " + ptx);
        assertEquals(ptx, new String(compiled.image(), StandardCharsets.UTF_8));
    }

    @ParameterizedTest
    @ValueSource(ints = {80, 90})
    void compilesToMachineCode(int capability) {
        Compiled compiled = CudaCompiler.compile(SCALE, "sm_" + capability, List.of("-DWEIGHT=2.0f"));
        ByteBuffer elf = ByteBuffer.wrap(compiled.image()).order(ByteOrder.LITTLE_ENDIAN);
        byte[] magic = new byte[4];
        elf.get(magic);
        assertArrayEquals(new byte[] {0x7f, 'E', 'L', 'F'}, magic);
        assertEquals(190, elf.getShort(18), "the machine, which ELF's registry gives to CUDA");
        // The file is complete: it ends with one of the two header tables, of sections or segments.
        long end = Math.max(elf.getLong(40) + (long) elf.getShort(58) * elf.getShort(60),
                elf.getLong(32) + (long) elf.getShort(54) * elf.getShort(56));
        assertEquals(end, elf.capacity());
        assertTrue(new String(elf.array(), StandardCharsets.ISO_8859_1).contains(".text.scale"));
        assertTrue(compiled.ptx().contains(".target sm_" + capability), compiled.ptx());
    }

    @ParameterizedTest
    @CsvSource({
        "80, false, sm_80",         // machine code for exactly the device,
        "89, false, sm_89",
        "100, false, sm_100",
        "88, false, compute_87",    // else PTX that newer devices accept
        "103, false, compute_101",
        "120, false, compute_101",
        "80, true, compute_80",     // the software device accepts only PTX
        "90, true, compute_90"})
    void choosesWhatTheDeviceTakes(int capability, boolean software, String architecture) {
        assertEquals(architecture, CudaCompiler.architecture(capability, software, SUPPORTED));
    }

    @Test
    void refusesADeviceThatIsTooOld() {
        String message = assertThrows(FramecastException.class,
                () -> CudaCompiler.architecture(37, false, SUPPORTED)).getMessage();
        assertEquals("NVRTC compiles for compute capability 5.0 and later, and the GPU has 3.7; use the CPU.",
                message);
    }

    @Test
    void knowsWhatNvrtcCompilesFor() {
        SortedSet<Integer> supported = Nvrtc.computeCapabilities();
        // Every NVRTC 12 supports these.
        assertTrue(supported.containsAll(List.of(75, 80, 86, 89, 90)), supported.toString());
        String message = assertThrows(FramecastException.class,
                () -> CudaCompiler.compile(SCALE, "sm_" + (supported.last() + 1), List.of())).getMessage();
        assertTrue(message.contains("sm_" + (supported.last() + 1)), message);
    }

    @Test
    void saysWhatNvrtcFound() {
        String message = assertThrows(FramecastException.class,
                () -> TestCompiler.ptx("broken.cu", "\n__global__ void f() { y = 1; }", "compute_90", List.of()))
                .getMessage();
        assertTrue(message.startsWith("NVRTC cannot compile broken.cu for compute_90: "), message);
        assertTrue(message.contains("broken.cu(2): error: identifier \"y\" is undefined"), message);
    }

    @Test
    void refusesAnUnknownArchitecture() {
        String message = assertThrows(FramecastException.class,
                () -> TestCompiler.ptx("f.cu", "", "compute_12", List.of())).getMessage();
        assertTrue(message.contains("compute_12"), message);
    }
}
