package io.framecast.backend.cuda.compiler;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.backend.FetchListener;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import jcuda.nvptxcompiler.JNvPTXCompiler;
import jcuda.nvptxcompiler.nvPTXCompileResult;
import jcuda.nvptxcompiler.nvPTXCompilerHandle;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(300)
class KernelBundleTest {

    private static final CudaSource SOURCE = new CudaSource("a.cu", "kernel", new TreeMap<>(Map.of("a.cuh", "header")));
    private static final List<String> OPTIONS = List.of("-DA=1");

    @TempDir
    Path directory;

    private void put(String... architectures) {
        new ImagePacks(directory).write(Stream.of(architectures).map(architecture -> new ImagePacks.Image(
                ImageDirectory.key("", SOURCE, architecture, OPTIONS), architecture,
                architecture.getBytes(StandardCharsets.UTF_8))).toList());
    }

    private String found(int computeCapability, boolean software, List<String> options) {
        return new KernelBundle(directory).find(SOURCE, computeCapability, software, options)
                .stream().findFirst().map(image -> new String(image, StandardCharsets.UTF_8)).orElse("nothing");
    }

    /** CUDA C++ Programming Guide, "Binary Compatibility": the same major version, the same minor or a later. */
    @Test
    void aDeviceGetsTheNewestMachineCodeThatItRunsElsePtx() {
        assertEquals("nothing", found(80, false, OPTIONS));
        put("compute_80", "sm_80", "sm_86", "sm_90");
        assertEquals(List.of("sm_80", "sm_86", "sm_86", "sm_90", "compute_80", "compute_80", "nothing"),
                Stream.of(80, 86, 89, 90, 100, 121, 75).map(compute -> found(compute, false, OPTIONS)).toList());
        assertEquals(List.of("compute_80", "compute_80", "nothing"),
                Stream.of(80, 90, 75).map(compute -> found(compute, true, OPTIONS)).toList(), "the software device");
        assertEquals("nothing", found(80, false, List.of("-DA=2")));
        assertEquals("nothing", found(80, false, List.of()));
    }

    @Test
    void aDamagedPackHasNoImages() throws IOException {
        put("sm_80");
        Path pack = directory.resolve("0.xz");
        byte[] bytes = Files.readAllBytes(pack);
        for (int at : new int[] {0, bytes.length / 2}) {
            byte[] damaged = bytes.clone();
            damaged[at]++;
            Files.write(pack, damaged);
            assertEquals("nothing", found(80, false, OPTIONS), "byte " + at);
        }
        Files.write(pack, Arrays.copyOf(bytes, bytes.length / 2));
        assertEquals("nothing", found(80, false, OPTIONS), "half of it");
        Files.write(pack, bytes);
        assertEquals("sm_80", found(80, false, OPTIONS));
        Files.writeString(directory.resolve("index"), "nonsense");
        assertEquals("nothing", found(80, false, OPTIONS), "a damaged index");
    }

    /** More than a pack holds, in another order than that of the keys, and read in any order. */
    @Test
    void imagesOfManyPacksAreFoundAndTakeLittleIfTheyAreAlike() throws IOException {
        Random random = new Random(1);
        byte[] text = new byte[1 << 20];
        random.nextBytes(text);
        List<ImagePacks.Image> images = new ArrayList<>();
        for (int k = 0; k < 12; k++) {
            byte[] image = Arrays.copyOf(text, text.length - 1000 * k);
            image[k] = (byte) k;
            images.add(new ImagePacks.Image("key" + (5 * k) % 12, "order" + k, image));
        }
        Collections.shuffle(images, random);
        ImagePacks packs = new ImagePacks(directory);
        long bytes = packs.write(images);
        long onDisk = 0;
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file : files.toList()) {
                onDisk += Files.size(file);
            }
        }
        assertEquals(onDisk, bytes);
        assertTrue(bytes < 5 * text.length, () -> bytes + " bytes");
        for (ImagePacks.Image image : images) {
            assertArrayEquals(image.bytes(), packs.read(image.key()).orElseThrow());
        }
        assertTrue(packs.read("key12").isEmpty());
    }

    @Test
    void tilesAreThoseOfTheBoardWhoseMachineCodeRuns() {
        KernelImages with = images(Map.of(KernelBundle.VARIABLE, directory.toString()));
        // Machine code of 10.0 does not run on 11.0, which has another major version.
        Map<Integer, Integer> expected = Map.of(80, 108, 86, 84, 87, 84, 89, 128, 90, 132, 100, 148, 103, 148, 110, 108,
                120, 170, 121, 170);
        expected.forEach((compute, multiprocessors) -> assertEquals(multiprocessors,
                with.tiledMultiprocessors(compute, 7), "compute capability " + compute));
        assertEquals(7, images(Map.of()).tiledMultiprocessors(90, 7), "without a bundle");
    }

    private static KernelImages images(Map<String, String> environment) {
        return new KernelImages(environment, FetchListener.NONE);
    }

    @Test
    void whatIsAddedIsWhatTheEngineAsksFor() {
        KernelBundle bundle = new KernelBundle(directory);
        bundle.addPtx("adam.cu", OPTIONS);
        bundle.addMachineCode("adam.cu", 90, OPTIONS);
        bundle.write();
        KernelImages images = images(Map.of(KernelBundle.VARIABLE, directory.toString()));
        byte[] code = images.image("adam.cu", 90, false, OPTIONS);
        assertArrayEquals(new byte[] {0x7f, 'E', 'L', 'F'}, Arrays.copyOf(code, 4));
        String ptx = new String(images.image("adam.cu", 90, true, OPTIONS), StandardCharsets.UTF_8);
        assertTrue(ptx.contains("\n.version 8.0\n.target sm_80\n"), ptx);
        // With another option it has to be compiled, with line numbers.
        String other = new String(images.image("adam.cu", 80, true, List.of("-DA=2")), StandardCharsets.UTF_8);
        assertTrue(other.contains("\n\t.loc\t") && !ptx.contains("\n\t.loc\t"), "line numbers");
    }

    /**
     * The PTX compiler in JCuda's natives is that of CUDA 12.6. It refuses what NVRTC 12.9 declares, and it would
     * refuse instructions that the declared version does not have.
     */
    @Test
    void anOlderCompilerTakesThePtx() throws Exception {
        loadPtxCompiler();
        KernelBundle bundle = new KernelBundle(directory);
        String newer = CudaCompiler.compile(CudaSource.of("tensor_core_convolution.cu"), "compute_80",
                KernelImages.all(TENSOR_CORE_OPTIONS)).ptx();
        assertNotEquals(nvPTXCompileResult.NVPTXCOMPILE_SUCCESS, ptxas(newer));
        for (String file : List.of("tensor_core_convolution.cu", "muon.cu", "batch_norm.cu")) {
            List<String> options = file.startsWith("tensor") ? TENSOR_CORE_OPTIONS
                    : file.startsWith("batch") ? List.of("-DINPUT=BFloat16", "-DOUTPUT=Float32") : List.of();
            bundle.addPtx(file, options);
            bundle.write();
            String ptx = new String(images(Map.of(KernelBundle.VARIABLE, directory.toString()))
                    .image(file, 80, true, options), StandardCharsets.UTF_8);
            assertEquals(nvPTXCompileResult.NVPTXCOMPILE_SUCCESS, ptxas(ptx), file);
            // Version 6.5 has no cp.async.
            if (file.startsWith("tensor")) {
                assertNotEquals(nvPTXCompileResult.NVPTXCOMPILE_SUCCESS,
                        ptxas(ptx.replace(".version 8.0", ".version 6.5").replace(".target sm_80", ".target sm_75")));
            }
        }
    }

    /** Of a 3x3 convolution of 16 channels, in bf16. */
    private static final List<String> TENSOR_CORE_OPTIONS = List.of("-DHEIGHT=16", "-DWIDTH=16", "-DINPUTS=16",
            "-DOUT_HEIGHT=16", "-DOUT_WIDTH=16", "-DOUTPUTS=16", "-DKERNEL_HEIGHT=3", "-DKERNEL_WIDTH=3",
            "-DSTRIDE_HEIGHT=1", "-DSTRIDE_WIDTH=1", "-DDILATION_HEIGHT=1", "-DDILATION_WIDTH=1", "-DPAD_TOP=1",
            "-DPAD_LEFT=1", "-DPADDED_INPUTS=16", "-DPADDED_OUTPUTS=16", "-DOPERAND=BFloat16",
            "-DFORWARD_TILE=64,64,128,32,32,1,3,3", "-DDATA_TILE=64,64,128,32,32,1,3,3",
            "-DWEIGHTS_TILE=64,64,64,32,32,1,4,3");

    /** JCuda unpacks its library to the directory for temporary files. */
    private void loadPtxCompiler() throws Exception {
        String temporary = System.setProperty("java.io.tmpdir", directory.toString());
        try {
            Class.forName(JNvPTXCompiler.class.getName());
        } finally {
            System.setProperty("java.io.tmpdir", temporary);
        }
    }

    private static int ptxas(String ptx) {
        byte[] text = (ptx + '\0').getBytes(StandardCharsets.UTF_8);
        nvPTXCompilerHandle compiler = new nvPTXCompilerHandle();
        assertEquals(nvPTXCompileResult.NVPTXCOMPILE_SUCCESS,
                JNvPTXCompiler.nvPTXCompilerCreate(compiler, text.length, text));
        int result = JNvPTXCompiler.nvPTXCompilerCompile(compiler, 1, new String[] {"--gpu-name=sm_80"});
        JNvPTXCompiler.nvPTXCompilerDestroy(compiler);
        return result;
    }
}
