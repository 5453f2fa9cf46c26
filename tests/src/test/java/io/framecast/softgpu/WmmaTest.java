package io.framecast.softgpu;

import static io.framecast.softgpu.FloatFormat.BF16;
import static io.framecast.softgpu.FloatFormat.F16;
import static java.math.RoundingMode.HALF_EVEN;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * wmma, from matrices in memory to their product in memory, since which lane holds what is nobody's business. The
 * matrices contain small integers, so every sum is exact and the products must be equal.
 */
class WmmaTest {

    /** Of elements of a byte or more: more than the longest line, a multiple of 16 bytes. */
    private static final int STRIDE = 48;

    @RegisterExtension
    final SoftDevice device = new SoftDevice();

    private final Random random = new Random(41);

    /** @param registers of a, of b, and of the accumulators */
    private record Product(String shape, int m, int n, int k, String a, String d, String c, int[] registers,
            boolean columnA, boolean columnB, boolean columnC, String space, String operation) {

        @Override
        public String toString() {
            return shape + " " + operation + " " + a + " " + d + " " + c + " " + layout(columnA) + " "
                    + layout(columnB) + " " + layout(columnC) + " " + space;
        }

        static String layout(boolean column) {
            return column ? "col" : "row";
        }

        /** Of a and b. */
        int stride() {
            return a.equals("b1") ? 256 : a.endsWith("4") && k == 32 ? 64 : STRIDE;
        }

        /** The types as wmma.mma has them. */
        private String types() {
            return a.equals("f16") ? d + "." + c : d + "." + a + "." + a + "." + c;
        }

        private static String registerType(String type) {
            return type.equals("f64") ? "f64" : type.equals("f32") ? "f32" : "b32";
        }

        private static String list(String name, int count) {
            return IntStream.range(0, count).mapToObj(i -> "%" + name + i).collect(Collectors.joining(", ", "{", "}"));
        }

        /** Of one warp. In shared memory, the operands lie as in global memory. */
        String ptx() {
            boolean shared = space.equals("shared");
            int bytes = STRIDE * 32 * 8;
            int registersC = c.equals("f16") ? 4 : m * n / 32;
            int registersD = d.equals("f16") ? 4 : m * n / 32;
            String copy = !shared ? "" : """
                    mov.u64 %%s, box;
                    mov.u32 %%i, 0;
                    $copy:
                    cvt.u64.u32 %%o, %%i;
                    add.u64 %%f, %%pa, %%o;
                    add.u64 %%t, %%s, %%o;
                    ld.global.u32 %%x, [%%f];
                    st.shared.u32 [%%t], %%x;
                    add.u32 %%i, %%i, 4;
                    setp.lt.u32 %%p, %%i, %d;
                    @%%p bra $copy;
                    bar.warp.sync -1;
                    mov.u64 %%pa, %%s;
                    """.formatted(bytes);
            return """
                    .version 8.0
                    .target sm_80
                    .address_size 64
                    .visible .entry multiply(.param .u64 a, .param .u64 b, .param .u64 c, .param .u64 d)
                    {
                    .shared .align 16 .b8 box[%1$d];
                    .reg .pred %%p;
                    .reg .b32 %%i, %%x;
                    .reg .b64 %%pa, %%pb, %%pc, %%pd, %%s, %%o, %%f, %%t;
                    .reg .%2$s %%a<9>;
                    .reg .%2$s %%b<9>;
                    .reg .%3$s %%c<9>;
                    .reg .%4$s %%d<9>;
                    ld.param.u64 %%pa, [a];
                    ld.param.u64 %%pb, [b];
                    ld.param.u64 %%pc, [c];
                    ld.param.u64 %%pd, [d];
                    %5$s
                    wmma.load.a.sync.aligned.%6$s.%7$s.%8$s.%9$s %10$s, [%%pa], %20$d;
                    wmma.load.b.sync.aligned.%12$s.%7$s.global.%9$s %13$s, [%%pb], %20$d;
                    wmma.load.c.sync.aligned.%14$s.%7$s.%15$s %16$s, [%%pc];
                    wmma.mma%21$s.sync.aligned.%6$s.%12$s.%7$s.%17$s %18$s, %10$s, %13$s, %16$s;
                    wmma.store.d.sync.aligned.%14$s.%7$s.global.%19$s [%%pd], %18$s, %11$d;
                    ret;
                    }
                    """.formatted(shared ? bytes : 16, registerType(a), registerType(c), registerType(d), copy,
                    layout(columnA), shape, space, a, list("a", registers[0]), STRIDE, layout(columnB),
                    list("b", registers[1]), layout(columnC), c, list("c", registersC), types(),
                    list("d", registersD), d, stride(), a.equals("b1") ? "." + operation + ".popc" : "");
        }
    }

    private static Stream<Product> shapes(String type, String d, String c, int[] square, int[] wide, int[] tall) {
        return Stream.of(product("m16n16k16", 16, 16, 16, type, d, c, square),
                product("m8n32k16", 8, 32, 16, type, d, c, wide), product("m32n8k16", 32, 8, 16, type, d, c, tall));
    }

    private static Product product(String shape, int m, int n, int k, String a, String d, String c, int[] registers) {
        return new Product(shape, m, n, k, a, d, c, registers, false, false, false, "global", "mul");
    }

    static Stream<Product> products() {
        int[] eight = {8, 8};
        List<Product> types = new ArrayList<>();
        for (String d : new String[] {"f16", "f32"}) {
            for (String c : new String[] {"f16", "f32"}) {
                shapes("f16", d, c, eight, eight, eight).forEach(types::add);
            }
        }
        shapes("bf16", "f32", "f32", new int[] {4, 4}, new int[] {2, 8}, new int[] {8, 2}).forEach(types::add);
        for (String type : new String[] {"s8", "u8"}) {
            shapes(type, "s32", "s32", new int[] {2, 2}, new int[] {1, 4}, new int[] {4, 1}).forEach(types::add);
        }
        types.add(product("m16n16k8", 16, 16, 8, "tf32", "f32", "f32", new int[] {4, 4}));
        types.add(product("m8n8k4", 8, 8, 4, "f64", "f64", "f64", new int[] {1, 1}));
        return types.stream().flatMap(p -> IntStream.range(0, 8).mapToObj(bits -> new Product(p.shape, p.m, p.n, p.k,
                p.a, p.d, p.c, p.registers, (bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0,
                bits % 3 == 0 ? "shared" : "global", "mul")));
    }

    /** Elements smaller than a byte: a has its rows, and b its columns in memory. */
    static Stream<Product> productsOfSmallElements() {
        return Stream.of("s4 32 mul", "u4 32 mul", "b1 128 and", "b1 128 xor").map(text -> text.split(" ")).flatMap(
                of -> Stream.of(false, true).map(column -> new Product("m8n8k" + of[1], 8, 8, Integer.parseInt(of[1]),
                        of[0], "s32", "s32", new int[] {1, 1}, false, true, column, column ? "shared" : "global",
                        of[2])));
    }

    @ParameterizedTest
    @MethodSource({"products", "productsOfSmallElements"})
    void multipliesMatricesInMemory(Product p) {
        int from = p.a.charAt(0) == 'u' || p.a.equals("b1") ? 0 : p.a.equals("s4") ? -8 : -10;
        int to = p.a.equals("b1") ? 2 : p.a.equals("s4") ? 8 : 11;
        int[][] a = matrix(p.m, p.k, from, to);
        int[][] b = matrix(p.k, p.n, from, to);
        int[][] c = matrix(p.m, p.n, -100, 100);
        int[][] expected = new int[p.m][p.n];
        for (int i = 0; i < p.m; i++) {
            for (int j = 0; j < p.n; j++) {
                expected[i][j] = c[i][j];
                for (int k = 0; k < p.k; k++) {
                    expected[i][j] += p.operation.equals("xor") ? a[i][k] ^ b[k][j] : a[i][k] * b[k][j];
                }
            }
        }
        Buffer d = device.buffer(new byte[STRIDE * 32 * 8]);
        device.ptxKernel(p.ptx(), "multiply").launch(1, 32, device.buffer(bytes(a, p.a, p.columnA, p.stride())),
                device.buffer(bytes(b, p.a, p.columnB, p.stride())),
                device.buffer(bytes(c, p.c, p.columnC, p.columnC ? p.m : p.n)), d);
        assertArrayEquals(bytes(expected, p.d, p.columnC, STRIDE), d.bytes());
    }

    /** The bytes of a matrix whose rows, or columns, are {@code stride} elements apart. */
    private static byte[] bytes(int[][] matrix, String type, boolean columns, int stride) {
        ByteBuffer bytes = ByteBuffer.allocate(STRIDE * 32 * 8).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < matrix.length; i++) {
            for (int j = 0; j < matrix[i].length; j++) {
                int at = columns ? j * stride + i : i * stride + j;
                int value = matrix[i][j];
                switch (type) {
                    case "f16" -> bytes.putShort(2 * at, (short) F16.round(value, HALF_EVEN));
                    case "bf16" -> bytes.putShort(2 * at, (short) BF16.round(value, HALF_EVEN));
                    case "f32", "tf32" -> bytes.putFloat(4 * at, value);
                    case "s32" -> bytes.putInt(4 * at, value);
                    case "f64" -> bytes.putDouble(8 * at, value);
                    case "s4", "u4" -> bytes.put(at / 2, (byte) (bytes.get(at / 2) | (value & 15) << at % 2 * 4));
                    case "b1" -> bytes.put(at / 8, (byte) (bytes.get(at / 8) | value << at % 8));
                    default -> bytes.put(at, (byte) value);
                }
            }
        }
        return bytes.array();
    }

    private int[][] matrix(int rows, int columns, int from, int to) {
        return IntStream.range(0, rows).mapToObj(row -> random.ints(columns, from, to).toArray()).toArray(int[][]::new);
    }
}
