package io.framecast.backend.cuda.convolution;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.framecast.FramecastException;
import io.framecast.backend.LayeredAdvectionSpec;
import io.framecast.backend.cuda.compiler.KernelResources;
import io.framecast.backend.cuda.compiler.TestCompiler;
import io.framecast.backend.cuda.convolution.KernelConvolution.Tiles;
import io.framecast.backend.cuda.layer.BatchNormOptions;
import io.framecast.backend.cuda.layer.KerasLayerOptions;
import io.framecast.backend.cuda.layer.LayeredAdvectionOptions;
import io.framecast.backend.cuda.layer.TimeTapsOptions;
import io.framecast.backend.cuda.tensorcore.Operand;
import io.framecast.backend.cuda.tensorcore.TensorCoreOptions;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The resources of every kernel on every GPU architecture, from the machine code that NVRTC compiles: no spills, no
 * stack, and the blocks declared in {@code __launch_bounds__} must fit a multiprocessor. (NVRTC itself refuses more
 * than 48 KiB of static shared memory.) The numbers are printed as a table.
 */
class KernelResourcesTest {

    /** 32-bit registers of a multiprocessor, the same on all these GPUs; each of its four schedulers has a quarter. */
    private static final int REGISTERS = 64 << 10;

    /** Limits of a multiprocessor: CUDA C++ Programming Guide, "Technical Specifications per Compute Capability". */
    enum Architecture {
        SM_75(1024, 64, 0), SM_80(2048, 164, 1), SM_86(1536, 100, 1), SM_89(1536, 100, 1), SM_90(2048, 228, 1),
        SM_100(2048, 228, 1), SM_120(1536, 100, 1);

        final int threads;
        final int sharedKiB;
        final int reservedKiB;          // shared memory reserved by the system per block

        Architecture(int threads, int sharedKiB, int reservedKiB) {
            this.threads = threads;
            this.sharedKiB = sharedKiB;
            this.reservedKiB = reservedKiB;
        }

        int capability() {
            return Integer.parseInt(name().substring("SM_".length()));
        }

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }

        /** How many blocks fit on a multiprocessor at once. */
        int blocks(KernelResources kernel) {
            int warps = (kernel.threads() + 31) / 32;
            int registersOfWarp = (kernel.registers() * 32 + 255) / 256 * 256;
            int byRegisters = 4 * (REGISTERS / 4 / registersOfWarp) / warps;
            int byShared = (sharedKiB << 10) / Math.max(1, kernel.shared() + (reservedKiB << 10));
            return Math.min(threads / (32 * warps), Math.min(byRegisters, byShared));
        }
    }

    /**
     * A source and its compiler options.
     *
     * @param everywhere whether to compile for all architectures, or only for sm_80 and sm_90: each takes some tenths
     *         of a second
     * @param oldest the first architecture to compile for, which has the instructions
     * @param newest the last one
     */
    private record Variant(boolean everywhere, Architecture oldest, Architecture newest, String label,
            List<String> options) {

        Variant(boolean everywhere, String label, List<String> options) {
            this(everywhere, Architecture.SM_75, Architecture.SM_120, label, options);
        }

        /** The fused step with a tile. */
        static Variant step(boolean everywhere, ConvolutionShape s, ConvolutionTile tile) {
            return new Variant(everywhere, label(s) + " " + name(tile), RecurrentStep.options(s, tile));
        }

        /** The three convolutions, each with a tile. */
        static Variant of(boolean everywhere, ConvolutionShape s, Tiles tiles) {
            return new Variant(everywhere, label(s) + " " + name(tiles.forward()) + " " + name(tiles.data()) + " "
                    + name(tiles.weights()), KernelConvolution.options(s, tiles));
        }

        private static String label(ConvolutionShape s) {
            return String.format(" %d->%d %dx%d%s%s", s.inputs(), s.outputs(), s.kernelHeight(), s.kernelWidth(),
                    unlessOne("/", s.strideHeight(), s.strideWidth()),
                    unlessOne("*", s.dilationHeight(), s.dilationWidth()));
        }

        private static String name(ConvolutionTile tile) {
            return tile.name().toLowerCase(Locale.ROOT);
        }

        private static String unlessOne(String sign, int height, int width) {
            return height == 1 && width == 1 ? "" : " " + sign + height + "x" + width;
        }

        boolean isFor(Architecture architecture) {
            return architecture.compareTo(oldest) >= 0 && architecture.compareTo(newest) <= 0
                    && (everywhere || architecture == Architecture.SM_80 || architecture == Architecture.SM_90);
        }
    }

    /** The multiprocessors of an H100, for which the tiles of the reference network are chosen here. */
    private static final int MULTIPROCESSORS = 132;

    /** The batch size and the number of frames of the reference training. */
    private static final int BATCH = 5;
    private static final int FRAMES = 19;

    private static final ConvolutionShape FOURS = new ConvolutionShape(31, 29, 32, 20, 3, 5, 2, 1, 1, 2, true);
    private static final ConvolutionShape ODD = new ConvolutionShape(31, 29, 33, 20, 5, 3, 2, 3, 1, 1, false);

    /**
     * Options of the recurrent step: those of the reference network, and every tile, with units that are a multiple of
     * 4 and not.
     */
    private static List<Variant> steps() {
        List<Variant> variants = new ArrayList<>();
        for (int kernel : new int[] {5, 3, 1}) {
            ConvolutionShape shape = ConvolutionShape.same(64, 64, 64, 256, kernel, kernel);
            variants.add(Variant.step(kernel == 5, shape,
                    ConvolutionTile.fastest(BATCH * shape.pixels(), 256, true, MULTIPROCESSORS)));
        }
        for (ConvolutionTile tile : ConvolutionTile.values()) {
            for (int units : new int[] {8, 5}) {
                if (tile.fits(units % 4 == 0)) {
                    variants.add(Variant.step(false, ConvolutionShape.same(31, 29, units, 4 * units, 3, 3), tile));
                }
            }
        }
        return variants;
    }

    /**
     * Options of the convolutions: those of the reference network (recurrent ones first), and every tile with odd
     * sizes.
     */
    private static List<Variant> convolutions() {
        List<Variant> variants = new ArrayList<>();
        for (int kernel : new int[] {5, 3, 1}) {
            variants.add(reference(kernel == 5, ConvolutionShape.same(64, 64, 64, 256, kernel, kernel), BATCH));
        }
        variants.add(reference(false, ConvolutionShape.same(64, 64, 64, 256, 3, 3), FRAMES * BATCH));
        variants.add(reference(true, ConvolutionShape.same(64, 64, 1, 256, 5, 5), FRAMES * BATCH));
        variants.add(reference(true, ConvolutionShape.same(64, 64, 64, 3, 3, 3), FRAMES * BATCH));
        for (ConvolutionTile tile : ConvolutionTile.values()) {
            for (ConvolutionShape shape : List.of(FOURS, ODD)) {
                if (tile.fits(shape.inputs() % 4 == 0)) {
                    variants.add(Variant.of(false, shape, new Tiles(tile, tile, tile)));
                }
            }
        }
        return variants;
    }

    private static Variant reference(boolean everywhere, ConvolutionShape shape, int images) {
        return Variant.of(everywhere, shape, Tiles.fastest(shape, images, MULTIPROCESSORS));
    }

    /** Options of Conv3D: those of the reference network, and a case whose taps do not go through shared memory. */
    private static final List<Variant> TIME_AXIS = List.of(
            new Variant(true, " 3 frames 1 filter", TimeTapsOptions.of(3, 1)),
            new Variant(true, " 4 frames 9 filters", TimeTapsOptions.of(4, 9)),
            new Variant(false, " 3 frames 8 filters, transposed", TimeTapsOptions.transposed(3, 8, 16)));

    /** Options of layers that move, with and without channels, and with patches of one pixel. */
    private static final List<Variant> ADVECTION = List.of(
            new Variant(true, " 3 layers 64x64", LayeredAdvectionOptions.of(
                    new LayeredAdvectionSpec(64, 64, 1, 4, 2, 3, 4, 0.5f))),
            new Variant(false, " 5 layers 33x30x3", LayeredAdvectionOptions.of(
                    new LayeredAdvectionSpec(33, 30, 3, 3, 5, 5, 9, 0.5f))),
            new Variant(false, " 1 layer 8x8", LayeredAdvectionOptions.of(
                    new LayeredAdvectionSpec(8, 8, 1, 1, 2, 1, 1, 0))));

    /** Options of the kernels on tensor cores. */
    private static List<Variant> tensorCores(String file) {
        List<Variant> variants = new ArrayList<>();
        for (Operand operand : Operand.values()) {
            Map<String, List<String>> options = switch (file) {
                case "tensor_core_convlstm.cu" -> TensorCoreOptions.convLstms(operand);
                case "tensor_core_convolution.cu" -> TensorCoreOptions.convolutions(operand);
                case "batch_norm.cu" -> Map.of(" " + operand, BatchNormOptions.of(operand));
                default -> Map.of(" " + operand, TensorCoreOptions.operands(operand));
            };
            // Tf32 has the same tiles, addresses and accumulators as bfloat16: one architecture will do.
            options.forEach((label, all) -> variants.add(new Variant(
                    operand == Operand.BF16 && variants.isEmpty(), Architecture.SM_80,
                    operand == Operand.BF16 ? Architecture.SM_120 : Architecture.SM_80, label, all)));
        }
        return variants;
    }

    private static List<Variant> variants(String file) {
        if (file.startsWith("tensor_core_") || file.equals("operands.cu")) {
            return tensorCores(file);
        }
        if (file.equals("batch_norm.cu")) {
            List<Variant> variants = tensorCores(file);
            variants.add(new Variant(true, "", BatchNormOptions.floats()));
            return variants;
        }
        if (file.equals("convlstm_step.cu")) {
            return steps();
        }
        if (file.equals("convolution.cu")) {
            return convolutions();
        }
        if (file.equals("advection.cu")) {
            return ADVECTION;
        }
        if (KerasLayerOptions.BY_FILE.containsKey(file)) {
            return KerasLayerOptions.BY_FILE.get(file).entrySet().stream()
                    .map(shape -> new Variant(true, shape.getKey(), shape.getValue())).toList();
        }
        return file.equals("conv3d.cu") ? TIME_AXIS : List.of(new Variant(true, "", List.of()));
    }

    private record Job(String file, Variant variant) {

        List<KernelResources> compile(Architecture architecture) {
            try {
                return KernelResources.ofFile(file, architecture.toString(), variant.options());
            } catch (FramecastException e) {
                throw new AssertionError(e.getMessage() + "\nwith " + variant.options(), e);
            }
        }
    }

    private static final Map<String, Map<Architecture, KernelResources>> TABLE = new LinkedHashMap<>();

    @ParameterizedTest
    @EnumSource
    void everyKernelFits(Architecture architecture) {
        assumeTrue(TestCompiler.computeCapabilities().contains(architecture.capability()),
                () -> unsupported(architecture));
        List<Job> jobs = jobs(architecture);
        List<List<KernelResources>> found = jobs.parallelStream().map(job -> job.compile(architecture)).toList();
        List<String> problems = new ArrayList<>();
        for (int k = 0; k < jobs.size(); k++) {
            Job job = jobs.get(k);
            for (KernelResources kernel : found.get(k)) {
                String row = kernel.kernel() + job.variant().label();
                TABLE.computeIfAbsent(row, name -> new EnumMap<>(Architecture.class)).put(architecture, kernel);
                problems(kernel, architecture).forEach(problem -> problems.add(job.file() + ": "
                        + kernel.kernel() + " on " + architecture + " " + problem + " " + job.variant().options()));
            }
        }
        assertTrue(problems.isEmpty(), () -> String.join("\n", problems));
    }

    /**
     * More blocks fit than {@code __launch_bounds__} promises, which hides more latency: a change of the kernels must
     * not lose them. For NVRTC 12.9 only, because each version allocates registers differently.
     */
    @ParameterizedTest
    @CsvSource({
        "SM_80, SMALL,      5, 5,  5", "SM_90, SMALL,      5, 5,  5",
        "SM_80, NARROWEST, 10, 8, 10", "SM_90, NARROWEST, 10, 8, 10",
        "SM_80, LOW,        3, 2,  3", "SM_90, LOW,        3, 2,  2"})
    void blocksOnAMultiprocessor(Architecture architecture, ConvolutionTile tile, int forward, int data, int weights) {
        assumeTrue(TestCompiler.version().equals("12.9"), "the figures are NVRTC 12.9's");
        Variant variant = Variant.of(false, FOURS, new Tiles(tile, tile, tile));
        Map<String, Integer> blocks = new TreeMap<>();
        for (KernelResources kernel : new Job("convolution.cu", variant).compile(architecture)) {
            blocks.put(kernel.kernel(), architecture.blocks(kernel));
        }
        assertEquals(Set.of("convolutionForward", "convolutionBackwardData", "convolutionBackwardWeights"),
                blocks.keySet());
        assertAtLeast(forward, "convolutionForward", blocks);
        assertAtLeast(data, "convolutionBackwardData", blocks);
        assertAtLeast(weights, "convolutionBackwardWeights", blocks);
    }

    private static void assertAtLeast(int least, String kernel, Map<String, Integer> blocks) {
        assertTrue(blocks.get(kernel) >= least, () -> kernel + ": " + blocks.get(kernel) + " blocks, not " + least);
    }

    private static String unsupported(Architecture architecture) {
        return "NVRTC " + TestCompiler.version() + " makes no machine code for " + architecture + ": not looked at";
    }

    private static List<String> problems(KernelResources kernel, Architecture architecture) {
        List<String> problems = new ArrayList<>();
        if (kernel.spilled() > 0) {
            problems.add("spills " + kernel.spilled() + " bytes");
        } else if (kernel.stack() > 0) {
            problems.add("has a stack of " + kernel.stack() + " bytes");
        }
        if (kernel.threads() == 0) {
            problems.add("has no __launch_bounds__");
        } else if (architecture.blocks(kernel) < kernel.blocks()) {
            problems.add("has " + architecture.blocks(kernel) + " blocks of " + kernel.threads()
                    + " threads on a multiprocessor, not " + kernel.blocks() + ", for " + kernel.registers()
                    + " registers and " + kernel.shared() + " bytes of shared memory");
        }
        return problems;
    }

    private static List<Job> jobs(Architecture architecture) {
        return files().stream().flatMap(file -> variants(file).stream()
                .filter(variant -> variant.isFor(architecture)).map(variant -> new Job(file, variant))).toList();
    }

    /** All CUDA files beside convolution.cu, in a directory or a jar. */
    private static List<String> files() {
        try {
            URI one = KernelResources.class.getResource("/io/framecast/cuda/convolution.cu").toURI();
            if (!one.getScheme().equals("jar")) {
                return files(Path.of(one).getParent());
            }
            try (FileSystem jar = FileSystems.newFileSystem(one, Map.of())) {
                return files(jar.getPath("io/framecast/cuda"));
            }
        } catch (IOException | URISyntaxException e) {
            throw new AssertionError(e);
        }
    }

    private static List<String> files(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(file -> file.getFileName().toString()).filter(name -> name.endsWith(".cu")).sorted()
                    .toList();
        }
    }

    @AfterAll
    static void print() {
        SortedSet<Integer> supported = TestCompiler.computeCapabilities();
        StringBuilder table = new StringBuilder("Registers of a thread, bytes of static shared memory of a block\n");
        table.append(" ".repeat(64));
        for (Architecture architecture : Architecture.values()) {
            table.append(String.format("%10s", architecture));
        }
        TABLE.forEach((name, row) -> {
            table.append(String.format("%n%-64s", name));
            for (Architecture architecture : Architecture.values()) {
                KernelResources kernel = row.get(architecture);
                table.append(kernel == null ? String.format("%10s", "-")
                        : String.format("%4d%6s", kernel.registers(), kernel.shared() == 0 ? "" : kernel.shared()));
            }
        });
        Stream.of(Architecture.values()).filter(architecture -> !supported.contains(architecture.capability()))
                .forEach(architecture -> table.append("\n").append(unsupported(architecture)));
        System.out.println(table);
    }

    @Test
    void seesWhatDoesNotFit() {
        String source = """
                extern "C" __global__ void __launch_bounds__(1024, 1) spills(float *x) {
                    float v[80];
                    for (int i = 0; i < 80; i++) v[i] = x[i * 1024 + threadIdx.x];
                    __syncthreads();
                    for (int i = 0; i < 80; i++) x[(79 - i) * 1024 + threadIdx.x] = v[i];
                }
                extern "C" __global__ void __launch_bounds__(256) stacks(float *x, const int *order) {
                    float v[64];
                    for (int i = 0; i < 64; i++) v[order[i]] = x[i * 256 + threadIdx.x];
                    for (int i = 0; i < 64; i++) x[i * 256 + threadIdx.x] = v[i];
                }
                extern "C" __global__ void unbounded(float *x) { *x = 0; }
                extern "C" __global__ void __launch_bounds__(32, 3) shares(float *x) {
                    __shared__ float v[6 << 10];
                    v[threadIdx.x] = *x;
                    __syncthreads();
                    *x = v[31 - threadIdx.x];
                }
                extern "C" __global__ void __launch_bounds__(32, 2) fits(float *x) {
                    __shared__ float v[6 << 10];
                    v[threadIdx.x] = *x;
                    __syncthreads();
                    *x = v[31 - threadIdx.x];
                }
                """;
        Map<String, String> found = new TreeMap<>();
        for (KernelResources kernel : TestCompiler.resources(source, Architecture.SM_75.toString())) {
            found.put(kernel.kernel(), String.join("; ", problems(kernel, Architecture.SM_75)));
        }
        assertEquals(Set.of("spills", "stacks", "unbounded", "shares", "fits"), found.keySet());
        assertTrue(found.get("spills").matches("spills [1-9]\\d* bytes"), found.toString());
        assertEquals("has a stack of 256 bytes", found.get("stacks"));
        assertEquals("has no __launch_bounds__", found.get("unbounded"));
        assertTrue(found.get("shares").matches("has 2 blocks of 32 threads on a multiprocessor, not 3, "
                + "for \\d+ registers and 24576 bytes of shared memory"), found.toString());
        assertEquals("", found.get("fits"));
    }

    /**
     * Computed by hand from the guide: registers of a warp are allocated in units of 256, from one scheduler's quarter.
     */
    @ParameterizedTest
    @CsvSource({
        "SM_80,  256, 128, 16896, 2",       // 4096 a warp: 4 warps a quarter, 16 in all, 8 a block
        "SM_80,  256, 129,     0, 1",       // 4352: 3 a quarter, 12 in all
        "SM_80,  192,  81,     0, 3",       // 2816: 5 a quarter, 20 in all, 6 a block
        "SM_80,  224, 144,     0, 1",       // 4608: 3 a quarter, 12 in all, 7 a block
        "SM_80,  256,  32,     0, 8",       // 2048 threads
        "SM_86,  256,  32,     0, 6",       // 1536 threads
        "SM_75,  256,  32,     0, 4",       // 1024 threads
        "SM_75,  128,  32, 16384, 4",       // 64 KiB
        "SM_86,  128,  32, 16384, 5"})      // 100 KiB, 17 a block
    void countsBlocksOnAMultiprocessor(Architecture architecture, int threads, int registers, int shared, int blocks) {
        assertEquals(blocks, architecture.blocks(new KernelResources("k", threads, 1, registers, shared, 0, 0)));
    }
}
