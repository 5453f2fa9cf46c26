package io.framecast.softgpu;

import static io.framecast.softgpu.FloatFormat.BF16;
import static io.framecast.softgpu.FloatFormat.F16;
import static io.framecast.softgpu.FloatFormat.F32;
import static java.math.RoundingMode.HALF_EVEN;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * mma.sync with the fragment layouts of the PTX manual, and ldmatrix and cp.async, which load its operands. The
 * matrices contain small integers, so every sum is exact and the products must be equal.
 */
class TensorCoreTest {

    private static final int LANES = 32;

    @RegisterExtension
    final SoftDevice device = new SoftDevice("compute=90");     // m16n8k4 to m16n8k16 of f64 need it

    private final Random random = new Random(31);

    /** The encoding of numbers in an element. */
    private interface Encoding {
        long bits(int number);
    }

    private static final FloatFormat E4M3 = new FloatFormat(4, 3), E5M2 = new FloatFormat(5, 2);

    private static final Encoding S32 = number -> number & 0xffffffffL;

    private static Encoding of(FloatFormat f) {
        return number -> f.round(number, HALF_EVEN);
    }

    /** The position of element i of a lane's fragment. */
    private interface Place {
        int of(int lane, int i);
    }

    /** A fragment: the elements of a lane, in registers from the lowest bits on, and their rows and columns. */
    private record Fragment(int elements, int bits, Encoding encoding, Place row, Place column) {

        int registers() {
            return elements * bits / 32;
        }

        /** The registers of all lanes. */
        int[] of(int[][] matrix) {
            int[] words = new int[LANES * registers()];
            for (int lane = 0; lane < LANES; lane++) {
                for (int i = 0; i < elements; i++) {
                    long value = encoding.bits(matrix[row.of(lane, i)][column.of(lane, i)]) & (1L << bits) - 1;
                    words[lane * registers() + i * bits / 32] |= (int) (value << i * bits % 32);
                }
            }
            return words;
        }
    }

    private record Shape(String name, String types, int m, int k, Fragment a, Fragment b, Fragment c, boolean signedA,
            boolean signedB) {

        /** Multiplies the fragments of one warp. */
        String source() {
            return """
                    extern "C" __global__ void multiply(const unsigned *a, const unsigned *b, const unsigned *c,
                                                        unsigned *d) {
                        unsigned r[%1$d];
                        a += threadIdx.x * %2$d, b += threadIdx.x * %3$d, c += threadIdx.x * %1$d;
                        asm("mma.sync.aligned.%4$s.row.col.%5$s {%6$s}, {%7$s}, {%8$s}, {%9$s};"
                            : %10$s : %11$s, %12$s, %13$s);
                        for (int i = 0; i < %1$d; ++i) d[threadIdx.x * %1$d + i] = r[i];
                    }
                    """.formatted(c.registers(), a.registers(), b.registers(), name, types, list(0, c.registers()),
                    list(c.registers(), a.registers()), list(c.registers() + a.registers(), b.registers()),
                    list(c.registers() + a.registers() + b.registers(), c.registers()), bind("=", "r", c),
                    bind("", "a", a), bind("", "b", b), bind("", "c", c));
        }

        Shape typed(String others) {
            return new Shape(name, others, m, k, a, b, c, signedA, signedB);
        }

        private static String bind(String write, String array, Fragment fragment) {
            return IntStream.range(0, fragment.registers())
                    .mapToObj(i -> "\"" + write + "r\"(" + array + "[" + i + "])").collect(Collectors.joining(", "));
        }

        private static String list(int from, int count) {
            return IntStream.range(from, from + count).mapToObj(i -> "%" + i).collect(Collectors.joining(", "));
        }
    }

    // The manual's rules, with g for groupID and t for threadID_in_group.

    private static int g(int lane) {
        return lane >> 2;
    }

    private static int t(int lane) {
        return lane % 4;
    }

    private static Fragment c(int bits, Encoding encoding) {
        return new Fragment(4, bits, encoding, (lane, i) -> i < 2 ? g(lane) : g(lane) + 8,
                (lane, i) -> t(lane) * 2 + (i & 1));
    }

    private static Shape m16n8k4(Encoding tf32) {
        return new Shape("m16n8k4", "f32.tf32.tf32.f32", 16, 4,
                new Fragment(2, 32, tf32, (lane, i) -> i == 0 ? g(lane) : g(lane) + 8, (lane, i) -> t(lane)),
                new Fragment(1, 32, tf32, (lane, i) -> t(lane), (lane, i) -> g(lane)), c(32, of(F32)), true, true);
    }

    private static Shape m16n8k8(Encoding tf32) {
        return new Shape("m16n8k8", "f32.tf32.tf32.f32", 16, 8,
                new Fragment(4, 32, tf32, (lane, i) -> i == 0 || i == 2 ? g(lane) : g(lane) + 8,
                        (lane, i) -> i < 2 ? t(lane) : t(lane) + 4),
                new Fragment(2, 32, tf32, (lane, i) -> i == 0 ? t(lane) : t(lane) + 4, (lane, i) -> g(lane)),
                c(32, of(F32)), true, true);
    }

    private static Shape halves8(String types, Encoding half, Fragment c) {
        return new Shape("m16n8k8", types, 16, 8,
                new Fragment(4, 16, half, (lane, i) -> i < 2 ? g(lane) : g(lane) + 8,
                        (lane, i) -> t(lane) * 2 + (i & 1)),
                new Fragment(2, 16, half, (lane, i) -> t(lane) * 2 + i, (lane, i) -> g(lane)), c, true, true);
    }

    private static Shape halves16(String types, Encoding half, Fragment c) {
        return new Shape("m16n8k16", types, 16, 16,
                new Fragment(8, 16, half, (lane, i) -> i < 2 || 4 <= i && i < 6 ? g(lane) : g(lane) + 8,
                        (lane, i) -> t(lane) * 2 + (i & 1) + (i < 4 ? 0 : 8)),
                new Fragment(4, 16, half, (lane, i) -> t(lane) * 2 + (i & 1) + (i < 2 ? 0 : 8), (lane, i) -> g(lane)),
                c, true, true);
    }

    private static Shape bytes16(String types) {
        return new Shape("m16n8k16", types, 16, 16,
                new Fragment(8, 8, S32, (lane, i) -> i < 4 ? g(lane) : g(lane) + 8, (lane, i) -> t(lane) * 4 + (i & 3)),
                new Fragment(4, 8, S32, (lane, i) -> t(lane) * 4 + i, (lane, i) -> g(lane)), c(32, S32),
                types.startsWith("s32.s8"), types.contains("s8.s32"));
    }

    private static Shape bytes32(String types) {
        return new Shape("m16n8k32", types, 16, 32,
                new Fragment(16, 8, S32, (lane, i) -> i < 4 || 8 <= i && i < 12 ? g(lane) : g(lane) + 8,
                        (lane, i) -> t(lane) * 4 + (i & 3) + (i < 8 ? 0 : 16)),
                new Fragment(8, 8, S32, (lane, i) -> t(lane) * 4 + (i & 3) + (i < 4 ? 0 : 16), (lane, i) -> g(lane)),
                c(32, S32), types.startsWith("s32.s8"), types.contains("s8.s32"));
    }

    /** Of 8 bits or less: columns of a and rows of b go on in the next register half of k later. */
    private static Shape small(int m, int k, int bits, String types, Encoding encodingA, Encoding encodingB,
            Fragment c) {
        int per = 32 / bits, rows = m / 8, steps = k / (4 * per);
        return new Shape("m" + m + "n8k" + k, types, m, k,
                new Fragment(per * rows * steps, bits, encodingA, (lane, i) -> g(lane) + i / per % rows * 8,
                        (lane, i) -> t(lane) * per + i % per + i / (per * rows) * 4 * per),
                new Fragment(per * steps, bits, encodingB, (lane, i) -> t(lane) * per + i % per + i / per * 4 * per,
                        (lane, i) -> g(lane)),
                c, !types.startsWith("s32.u"), !types.endsWith("u4.s32"));
    }

    private static Fragment c8(Encoding encoding) {
        return new Fragment(2, 32, encoding, (lane, i) -> g(lane), (lane, i) -> t(lane) * 2 + i);
    }

    /** The lowest 13 bits of a tf32 are ignored. */
    private long tf32(int number) {
        return F32.round(number, HALF_EVEN) | random.nextInt(1 << 13);
    }

    @Test
    void multipliesFragmentsAsTheManualLaysThemOut() {
        Encoding f16 = of(F16), bf16 = of(BF16);
        Shape[] shapes = {m16n8k4(this::tf32), m16n8k8(this::tf32),
            halves8("f32.f16.f16.f32", f16, c(32, of(F32))), halves8("f32.bf16.bf16.f32", bf16, c(32, of(F32))),
            halves16("f32.f16.f16.f32", f16, c(32, of(F32))), halves16("f32.bf16.bf16.f32", bf16, c(32, of(F32))),
            halves8("f16.f16.f16.f16", f16, c(16, f16)), halves16("f16.f16.f16.f16", f16, c(16, f16)),
            bytes16("s32.u8.s8.s32"), bytes16("s32.s8.u8.s32"), bytes32("s32.u8.u8.s32"), bytes32("s32.s8.s8.s32"),
            small(8, 32, 4, "s32.u4.u4.s32", S32, S32, c8(S32)), small(8, 32, 4, "s32.s4.u4.s32", S32, S32, c8(S32)),
            small(16, 32, 4, "s32.u4.s4.s32", S32, S32, c(32, S32)),
            small(16, 64, 4, "s32.s4.s4.s32", S32, S32, c(32, S32)),
            small(16, 64, 4, "s32.u4.u4.s32", S32, S32, c(32, S32)),
            small(16, 16, 8, "f32.e4m3.e5m2.f32", of(E4M3), of(E5M2), c(32, of(F32))),
            small(16, 16, 8, "f16.e5m2.e5m2.f16", of(E5M2), of(E5M2), c(16, f16)),
            small(16, 32, 8, "f32.e5m2.e4m3.f32", of(E5M2), of(E4M3), c(32, of(F32))),
            small(16, 32, 8, "f32.e4m3.e4m3.f32", of(E4M3), of(E4M3), c(32, of(F32))),
            small(16, 32, 8, "f16.e4m3.e5m2.f16", of(E4M3), of(E5M2), c(16, f16))};
        for (Shape shape : shapes) {
            // Sums in f16 use all its bits. Few are above 2048, where they are rounded.
            int range = shape.types.contains("e") ? 5 : shape.a.bits == 4 ? 8 : shape.a.bits == 8 ? 128
                    : shape.c.bits == 16 ? 11 : 100;
            int[][] a = matrix(shape.m, shape.k, shape.signedA ? -range : 0, shape.signedA ? range : 2 * range);
            int[][] b = matrix(shape.k, 8, shape.signedB ? -range : 0, shape.signedB ? range : 2 * range);
            int[][] c = matrix(shape.m, 8, -1500, 1500);
            assertArrayEquals(shape.c.of(product(a, b, c)), multiply(shape, a, b, c), shape.name + "." + shape.types);
        }
    }

    /** Bits: how many are 1 in a row of a and, or xor, a column of b. */
    @Test
    void countsCommonAndDifferentBits() {
        for (Shape shape : new Shape[] {small(8, 128, 1, "s32.b1.b1.s32", S32, S32, c8(S32)),
            small(16, 128, 1, "s32.b1.b1.s32", S32, S32, c(32, S32)),
            small(16, 256, 1, "s32.b1.b1.s32", S32, S32, c(32, S32))}) {
            for (String operation : new String[] {"and", "xor"}) {
                int[][] a = matrix(shape.m, shape.k, 0, 2), b = matrix(shape.k, 8, 0, 2);
                int[][] c = matrix(shape.m, 8, Integer.MIN_VALUE, Integer.MAX_VALUE), expected = new int[shape.m][8];
                for (int i = 0; i < shape.m; i++) {
                    for (int j = 0; j < 8; j++) {
                        expected[i][j] = c[i][j];
                        for (int k = 0; k < shape.k; k++) {
                            expected[i][j] += operation.equals("and") ? a[i][k] & b[k][j] : a[i][k] ^ b[k][j];
                        }
                    }
                }
                Shape named = shape.typed(shape.types + "." + operation + ".popc");
                assertArrayEquals(shape.c.of(expected), multiply(named, a, b, c), named.name + "." + named.types);
            }
        }
    }

    @Test
    void sumsOfIntegersWrapOrAreLimited() {
        Shape shape = small(16, 64, 4, "s32.s4.s4.s32", S32, S32, c(32, S32));
        int[][] a = matrix(16, 64, -8, 0), b = matrix(64, 8, -8, 0), c = new int[16][8], limits = new int[16][8];
        for (int i = 0; i < 16; i++) {
            Arrays.fill(c[i], Integer.MAX_VALUE - i);
            Arrays.fill(limits[i], Integer.MAX_VALUE);
        }
        assertArrayEquals(shape.c.of(product(a, b, c)), multiply(shape, a, b, c));
        assertArrayEquals(shape.c.of(limits), multiply(shape.typed("satfinite." + shape.types), a, b, c));
    }

    @Test
    void multipliesAllEightBitFloats() {
        for (Fp8Test.Format format : Fp8Test.Format.values()) {
            String type = format.name().toLowerCase();
            Shape shape = small(16, 16, 8, "f32." + type + "." + type + ".f32", code -> code, code -> code, c(32,
                    bits -> bits & 0xffffffffL));
            int one = format == Fp8Test.Format.E4M3 ? 0x38 : 0x3c;
            for (int first = 0; first < 256; first += 16) {
                int[][] a = new int[16][16], b = new int[16][8], expected = new int[16][8];
                Arrays.fill(b[5], one);
                for (int i = 0; i < 16; i++) {
                    a[i][5] = first + i;
                    double value = format.value(first + i);
                    // As a sum: of + 0 and - 0, and with the one NaN that instructions make.
                    int sum = Double.isNaN(value) ? (int) F32.nan() : Float.floatToIntBits((float) value + 0f);
                    Arrays.fill(expected[i], sum);
                }
                assertArrayEquals(shape.c.of(expected), multiply(shape, a, b, new int[16][8]), type + " " + first);
            }
        }
    }

    /**
     * m8n8k4 of f16: four products, each of four lanes and the four that are 16 higher, which the manual calls the low
     * and the high group of a computation.
     */
    @Test
    void multipliesFourTimesInQuarters() {
        for (int form = 0; form < 12; form++) {
            boolean columnA = form % 2 == 1, columnB = form / 2 % 2 == 1;
            boolean wideD = form / 4 > 0, wideC = form / 4 > 1;
            Place lower = (lane, i) -> lane % 4 + (lane < 16 ? 0 : 4), index = (lane, i) -> i;
            Place four = (lane, i) -> lane % 4, upper = (lane, i) -> i + (lane < 16 ? 0 : 4);
            Encoding f16 = of(F16);
            Fragment a = columnA ? new Fragment(4, 16, f16, upper, four) : new Fragment(4, 16, f16, lower, index);
            Fragment b = columnB ? new Fragment(4, 16, f16, index, lower) : new Fragment(4, 16, f16, four, upper);
            Fragment narrow = new Fragment(8, 16, f16, lower, index);
            Fragment wide = new Fragment(8, 32, of(F32), (lane, i) -> (lane & 1) + (i & 2) + (lane < 16 ? 0 : 4),
                    (lane, i) -> (i & 4) + (lane & 2) + (i & 1));
            Fragment c = wideC ? wide : narrow, d = wideD ? wide : narrow;
            String kernel = """
                    extern "C" __global__ void multiply(const unsigned *a, const unsigned *b, const unsigned *c,
                                                        unsigned *d) {
                        unsigned r[%1$d];
                        a += threadIdx.x * 2, b += threadIdx.x * 2, c += threadIdx.x * %2$d;
                        asm("mma.sync.aligned.m8n8k4.%3$s.%4$s.%5$s.f16.f16.%6$s {%7$s}, {%8$s}, {%9$s}, {%10$s};"
                            : %11$s : %12$s, %13$s, %14$s);
                        for (int i = 0; i < %1$d; ++i) d[threadIdx.x * %1$d + i] = r[i];
                    }
                    """.formatted(d.registers(), c.registers(), columnA ? "col" : "row", columnB ? "col" : "row",
                    wideD ? "f32" : "f16", wideC ? "f32" : "f16", Shape.list(0, d.registers()),
                    Shape.list(d.registers(), 2), Shape.list(d.registers() + 2, 2),
                    Shape.list(d.registers() + 4, c.registers()), Shape.bind("=", "r", d), Shape.bind("", "a", a),
                    Shape.bind("", "b", b), Shape.bind("", "c", c));
            int[][][] as = new int[4][][], bs = new int[4][][], cs = new int[4][][], ds = new int[4][][];
            for (int q = 0; q < 4; q++) {
                as[q] = matrix(8, 4, -20, 20);
                bs[q] = matrix(4, 8, -20, 20);
                cs[q] = matrix(8, 8, -400, 400);
                ds[q] = product(as[q], bs[q], cs[q]);
            }
            Buffer out = device.allocate(4L * LANES * d.registers());
            device.kernel(kernel).launch(1, LANES, device.buffer(quarters(a, as)), device.buffer(quarters(b, bs)),
                    device.buffer(quarters(c, cs)), out);
            assertArrayEquals(quarters(d, ds), out.ints(), kernel);
        }
    }

    /** Lanes 4 * q to 4 * q + 3, and those 16 higher, have the elements of matrix q. */
    private static int[] quarters(Fragment fragment, int[][][] matrices) {
        int[] words = new int[LANES * fragment.registers()];
        for (int q = 0; q < 4; q++) {
            int[] all = fragment.of(matrices[q]);
            for (int lane = 0; lane < LANES; lane++) {
                if (lane % 16 / 4 == q) {
                    System.arraycopy(all, lane * fragment.registers(), words, lane * fragment.registers(),
                            fragment.registers());
                }
            }
        }
        return words;
    }

    private int[] multiply(Shape shape, int[][] a, int[][] b, int[][] c) {
        Buffer d = device.allocate(4L * LANES * shape.c.registers());
        device.kernel(shape.source()).launch(1, LANES, device.buffer(shape.a.of(a)), device.buffer(shape.b.of(b)),
                device.buffer(shape.c.of(c)), d);
        return d.ints();
    }

    /** f64: an element a register, of a and b as those of tf32. Sums in the order of k, each fused with its product. */
    @Test
    void multipliesDoubles() {
        int[][] shapes = {{8, 4}, {16, 4}, {16, 8}, {16, 16}};
        for (int[] shape : shapes) {
            int m = shape[0], k = shape[1], rows = m / 8;
            String name = "m" + m + "n8k" + k;
            double[][] a = doubles(m, k), b = doubles(k, 8), c = doubles(m, 8);
            double[] fragmentA = new double[LANES * rows * k / 4], fragmentB = new double[LANES * k / 4];
            double[] fragmentC = new double[LANES * 2 * rows], expected = new double[LANES * 2 * rows];
            for (int lane = 0; lane < LANES; lane++) {
                for (int i = 0; i < rows * k / 4; i++) {
                    fragmentA[lane * rows * k / 4 + i] = a[g(lane) + i % rows * 8][t(lane) + i / rows * 4];
                }
                for (int i = 0; i < k / 4; i++) {
                    fragmentB[lane * k / 4 + i] = b[t(lane) + i * 4][g(lane)];
                }
                for (int i = 0; i < 2 * rows; i++) {
                    int row = g(lane) + i / 2 * 8, column = t(lane) * 2 + i % 2;
                    double sum = c[row][column];
                    for (int j = 0; j < k; j++) {
                        sum = Math.fma(a[row][j], b[j][column], sum);
                    }
                    fragmentC[lane * 2 * rows + i] = c[row][column];
                    expected[lane * 2 * rows + i] = sum;
                }
            }
            Kernel kernel = device.kernel("""
                    extern "C" __global__ void multiply(const double *a, const double *b, double *c) {
                        a += threadIdx.x * %1$d, b += threadIdx.x * %2$d, c += threadIdx.x * %3$d;
                        asm("mma.sync.aligned.%4$s.row.col%5$s.f64.f64.f64.f64 {%6$s}, {%7$s}, {%8$s}, {%6$s};"
                            : %9$s : %10$s, %11$s);
                    }
                    """.formatted(rows * k / 4, k / 4, 2 * rows, name, m == 8 ? "" : ".rn", Shape.list(0, 2 * rows),
                    Shape.list(2 * rows, rows * k / 4), Shape.list(2 * rows + rows * k / 4, k / 4),
                    bind("+", "c", 2 * rows), bind("", "a", rows * k / 4), bind("", "b", k / 4)));
            Buffer d = device.buffer(fragmentC);
            kernel.launch(1, LANES, device.buffer(fragmentA), device.buffer(fragmentB), d);
            assertArrayEquals(expected, d.doubles(), name);
        }
    }

    private static String bind(String write, String array, int count) {
        return IntStream.range(0, count).mapToObj(i -> "\"" + write + "d\"(" + array + "[" + i + "])")
                .collect(Collectors.joining(", "));
    }

    private double[][] doubles(int rows, int columns) {
        double[][] matrix = new double[rows][columns];
        for (double[] row : matrix) {
            for (int i = 0; i < columns; i++) {
                row[i] = random.nextDouble() - 0.5;
            }
        }
        return matrix;
    }

    private int[][] matrix(int rows, int columns, int from, int to) {
        int[][] matrix = new int[rows][columns];
        for (int[] row : matrix) {
            for (int i = 0; i < columns; i++) {
                row[i] = random.nextInt(from, to);
            }
        }
        return matrix;
    }

    private static int[][] product(int[][] a, int[][] b, int[][] c) {
        int[][] d = new int[a.length][b[0].length];
        for (int i = 0; i < d.length; i++) {
            for (int j = 0; j < d[i].length; j++) {
                d[i][j] = c == null ? 0 : c[i][j];
                for (int k = 0; k < b.length; k++) {
                    d[i][j] += a[i][k] * b[k][j];
                }
            }
        }
        return d;
    }

    /** Lane 8m + r has the address of row r of matrix m; lane l gets two neighbours of row, or column, l / 4. */
    @Test
    void loadsMatricesStraightAndTransposed() {
        Kernel kernel = device.kernel("""
                extern "C" __global__ void load(unsigned *out) {
                    __shared__ __align__(16) unsigned short tile[32 * 24];
                    for (int i = threadIdx.x; i < 32 * 24; i += 32) tile[i] = i;
                    __syncwarp();
                    // Rows of 48 bytes, in an order of their own; lanes that hold no address of a row hold a wrong one.
                    unsigned row = (unsigned) __cvta_generic_to_shared(tile + (threadIdx.x * 13 % 32) * 24 + 8);
                    unsigned x1 = threadIdx.x < 8 ? row : 1, x2 = threadIdx.x < 16 ? row : 1;
                    unsigned r[14];
                    asm volatile("ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%0}, [%1];" : "=r"(r[0]) : "r"(x1));
                    asm volatile("ldmatrix.sync.aligned.m8n8.x1.trans.shared.b16 {%0}, [%1];" : "=r"(r[1]) : "r"(x1));
                    asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0, %1}, [%2];"
                        : "=r"(r[2]), "=r"(r[3]) : "r"(x2));
                    asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0, %1}, [%2];"
                        : "=r"(r[4]), "=r"(r[5]) : "r"(x2));
                    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                        : "=r"(r[6]), "=r"(r[7]), "=r"(r[8]), "=r"(r[9]) : "r"(row));
                    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                        : "=r"(r[10]), "=r"(r[11]), "=r"(r[12]), "=r"(r[13]) : "r"(row));
                    for (int i = 0; i < 14; ++i) out[i * 32 + threadIdx.x] = r[i];
                }
                """);
        Buffer out = device.allocate(4 * 14 * LANES);
        kernel.launch(1, LANES, out);
        int[] loaded = out.ints();
        int[] matrices = {0, 0, 0, 1, 0, 1, 0, 1, 2, 3, 0, 1, 2, 3};
        for (int i = 0; i < 14; i++) {
            boolean transposed = i == 1 || i == 4 || i == 5 || i >= 10;
            for (int lane = 0; lane < LANES; lane++) {
                int pair = 0;
                for (int e = 0; e < 2; e++) {
                    int row = transposed ? lane % 4 * 2 + e : lane / 4;
                    int column = transposed ? lane / 4 : lane % 4 * 2 + e;
                    pair |= ((8 * matrices[i] + row) * 13 % 32 * 24 + 8 + column) << 16 * e;
                }
                assertEquals(pair, loaded[i * LANES + lane], "result " + i + " of lane " + lane);
            }
        }
    }

    /** a * b in tiles: the next is staged by cp.async, which fills with zeros, while this one is multiplied. */
    private static final String TILED = """
            __device__ void stage(unsigned short *to, const unsigned short *from, int row, int column, int rows,
                                  int columns, int pitch) {
                // 16 bytes a copy; what is beyond the matrix becomes 0.
                int left = row < rows ? columns - column : 0;
                int bytes = left <= 0 ? 0 : left >= 8 ? 16 : 2 * left;
                const unsigned short *source = bytes ? from + row * pitch + column : from;
                asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;"
                    :: "r"((unsigned) __cvta_generic_to_shared(to)), "l"(source), "r"(bytes) : "memory");
            }

            // A block of two warps multiplies 32 rows by 16 columns, 16 of k at a time.
            extern "C" __global__ void tiled(const unsigned short *a, const unsigned short *b, float *d, int rows,
                                             int columns, int depth, int pitchA, int pitchB) {
                __shared__ __align__(16) unsigned short tileA[2][32][24], tileB[2][16][24];
                int row = blockIdx.y * 32, column = blockIdx.x * 16, lane = threadIdx.x % 32, warp = threadIdx.x / 32;
                float sum[2][4] = {};
                auto load = [&](int k, int at) {
                    int r = threadIdx.x / 2, c = threadIdx.x % 2 * 8;
                    stage(&tileA[at][r][c], a, row + r, k + c, rows, depth, pitchA);
                    if (r < 16) stage(&tileB[at][r][c], b, k + r, column + c, depth, columns, pitchB);
                    asm volatile("cp.async.commit_group;" ::: "memory");
                };
                load(0, 0);
                for (int k = 0, at = 0; k < depth; k += 16, at ^= 1) {
                    if (k + 16 < depth) {
                        load(k + 16, at ^ 1);
                        asm volatile("cp.async.wait_group 1;" ::: "memory");
                    } else {
                        asm volatile("cp.async.wait_group 0;" ::: "memory");
                    }
                    __syncthreads();
                    unsigned x[4], y[4];
                    // Matrices of a: the upper rows, the lower, then both of the next 8 columns.
                    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                        : "=r"(x[0]), "=r"(x[1]), "=r"(x[2]), "=r"(x[3])
                        : "r"((unsigned) __cvta_generic_to_shared(&tileA[at][warp * 16 + lane % 16][lane / 16 * 8])));
                    // Of b, whose rows are rows of k: transposed, 8 columns after the other.
                    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                        : "=r"(y[0]), "=r"(y[1]), "=r"(y[2]), "=r"(y[3])
                        : "r"((unsigned) __cvta_generic_to_shared(&tileB[at][lane % 16][lane / 16 * 8])));
                    for (int n = 0; n < 2; ++n)
                        asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
                            "{%8, %9}, {%0, %1, %2, %3};"
                            : "+f"(sum[n][0]), "+f"(sum[n][1]), "+f"(sum[n][2]), "+f"(sum[n][3])
                            : "r"(x[0]), "r"(x[1]), "r"(x[2]), "r"(x[3]), "r"(y[2 * n]), "r"(y[2 * n + 1]));
                    __syncthreads();
                }
                for (int n = 0; n < 2; ++n)
                    for (int i = 0; i < 4; ++i) {
                        int r = row + warp * 16 + lane / 4 + i / 2 * 8, c = column + n * 8 + lane % 4 * 2 + i % 2;
                        if (r < rows && c < columns) d[r * columns + c] = sum[n][i];
                    }
            }
            """;

    @Test
    void multipliesMatricesInTilesWithPartialOnes() {
        Kernel kernel = device.kernel(TILED, "tiled");
        int[][] sizes = {{32, 16, 16}, {1, 1, 1}, {45, 37, 50}, {33, 8, 15}, {70, 31, 64}};
        for (int[] size : sizes) {
            int[][] a = matrix(size[0], size[2], -20, 20), b = matrix(size[2], size[1], -20, 20);
            int pitchA = (size[2] + 7) / 8 * 8, pitchB = (size[1] + 7) / 8 * 8;
            Buffer d = device.allocate(4L * size[0] * size[1]);
            kernel.launch(Kernel.Dim.of((size[1] + 15) / 16, (size[0] + 31) / 32), Kernel.Dim.of(64),
                    device.buffer(halves(a, pitchA)), device.buffer(halves(b, pitchB)), d, size[0], size[1], size[2],
                    pitchA, pitchB);
            int[][] expected = product(a, b, null);
            float[] result = d.floats();
            for (int i = 0; i < result.length; i++) {
                assertEquals(expected[i / size[1]][i % size[1]], result[i],
                        size[0] + " x " + size[1] + " x " + size[2] + " at " + i);
            }
        }
    }

    /** With NaN in the padding, which must not be read. */
    private static short[] halves(int[][] matrix, int pitch) {
        short[] bits = new short[matrix.length * pitch];
        for (int i = 0; i < bits.length; i++) {
            int column = i % pitch;
            bits[i] = (short) (column < matrix[0].length ? F16.round(matrix[i / pitch][column], HALF_EVEN) : F16.nan());
        }
        return bits;
    }

    @Test
    void keepsNaNsAndInfinitiesAndRoundsTheSumOnce() {
        Shape shape = halves16("f32.f16.f16.f32", number -> number, c(32, number -> number & 0xffffffffL));
        int inf = (int) F16.infinity(), one = (int) F16.one(), least = 1;
        int[][] a = new int[16][16], b = new int[16][8], c = new int[16][8];
        for (int j = 0; j < 8; j++) {
            b[0][j] = j == 1 ? 0 : one;
            b[1][j] = one;
        }
        a[0][0] = inf;                                          // inf * 1, inf * 0
        a[1][0] = inf;
        a[1][1] = inf | (int) F16.sign();                       // inf - inf
        a[2][0] = least;                                        // subnormals count
        a[3][0] = one;
        int nan = (int) F32.nan(), f32Inf = (int) F32.infinity();
        c[3][2] = Float.floatToIntBits(0x1p24f);                // 2^24 + 1 + 1: the device rounds after the last
        a[3][1] = one;
        int[][] expected = new int[16][8];
        for (int j = 0; j < 8; j++) {
            expected[0][j] = j == 1 ? nan : f32Inf;
            expected[1][j] = nan;
            expected[2][j] = j == 1 ? 0 : Float.floatToIntBits(0x1p-24f);
            expected[3][j] = Float.floatToIntBits(j == 1 ? 1 : j == 2 ? 0x1p24f + 2 : 2);
        }
        assertArrayEquals(shape.c.of(expected), multiply(shape, a, b, c));
    }
}
