package io.framecast.backend.cuda.vendor;

import static io.framecast.backend.cuda.launch.KernelDevice.read;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.framecast.backend.cuda.driver.CudaKernel;
import io.framecast.backend.cuda.driver.CudaKernel.Dim;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.cuda.launch.KernelCounters;
import io.framecast.backend.cuda.launch.KernelDevice;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The kernels around cuDNN and cuBLAS, against their definitions. Only the addition of the bias rounds. */
class VendorKernelsTest {

    private static final Dim BLOCK = Dim.of(256);

    @RegisterExtension
    final KernelDevice device = new KernelDevice();

    private final Random random = new Random(1);

    private float[] values(int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    private static Dim tiles(int rows, int columns) {
        return Dim.of((columns + 31) / 32, (rows + 31) / 32);
    }

    /** If both sides are full sectors, each sector is moved once, without bank conflicts. */
    private void assertTraffic(String kernel, int rows, int columns) {
        KernelCounters counters = KernelCounters.of(device, kernel);
        assertEquals(0, counters.conflicts());
        if (rows % 8 == 0 && columns % 8 == 0) {
            assertEquals(2L * rows * columns / 8, counters.sectors());
        }
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "1, 70", "70, 1", "32, 32", "33, 31", "64, 96", "25, 200", "144, 8"})
    void transposes(int rows, int columns) {
        float[] from = values(rows * columns);
        float[] expected = new float[from.length];
        for (int i = 0; i < from.length; i++) {
            expected[i % columns * rows + i / columns] = from[i];
        }
        DeviceMemory to = device.unwritten(from.length);
        device.kernel("transpose.cu", "transpose").launch(tiles(rows, columns), BLOCK, 0, device.memory(from), to, rows,
                columns);
        assertArrayEquals(expected, read(to));
        assertTraffic("transpose", rows, columns);
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "1, 40", "8, 8", "5, 33", "16, 64", "33, 9"})
    void transposesGatesIntoBlocks(int filters, int columns) {
        float[] from = values(filters * 4 * columns);
        float[] expected = new float[from.length + 1];
        for (int i = 0; i < from.length; i++) {
            int unit = i / columns / 4;
            int gate = i / columns % 4;
            expected[1 + (i % columns * 4 + gate) * filters + unit] = from[i];
        }
        // A parameter's gradient may have any offset in the common buffer.
        DeviceMemory all = device.memory(new float[from.length + 1]);
        CudaKernel kernel = device.kernel("transpose.cu", "transposeGates");
        DeviceMemory interleaved = device.memory(from);
        kernel.launch(tiles(4 * filters, columns), BLOCK, 0, interleaved, all.view(4, 4L * from.length), filters,
                columns);
        assertArrayEquals(expected, read(all));
    }

    @ParameterizedTest
    @CsvSource({"8, 8", "16, 64"})
    void movesGatesInWholeSectors(int filters, int columns) {
        float[] from = values(filters * 4 * columns);
        device.kernel("transpose.cu", "transposeGates").launch(tiles(4 * filters, columns), BLOCK, 0,
                device.memory(from), device.unwritten(from.length), filters, columns);
        assertTraffic("transposeGates", 4 * filters, columns);
    }

    /** Several passes over rows, more columns than threads in a block, columns a multiple of 4 and not. */
    @ParameterizedTest
    @CsvSource({"1, 1, 1", "77, 3, 2", "300, 12, 2", "9, 257, 3", "5, 1032, 2", "3500, 1, 2"})
    void addsABias(int rows, int columns, int parts) {
        float[] bias = values(columns);
        float[] y = values(rows * columns);
        float[] expected = y.clone();
        for (int i = 0; i < y.length; i++) {
            expected[i] += bias[i % columns];
        }
        int wide = columns % 4 == 0 ? 4 : 1;
        DeviceMemory result = device.memory(y);
        device.kernel("bias.cu", "addBias" + wide).launch(Dim.of(parts, (columns / wide + 255) / 256), BLOCK, 0,
                device.memory(bias), result, rows, columns);
        assertArrayEquals(expected, read(result));
    }

    /** Values of every kind, the first of which round in each direction. */
    private float[] kinds(int count) {
        float[] values = values(count);
        float[] special = {1 + 0x1p-8f, 1 + 0x1.8p-7f, 1 + 0x1.02p-8f, -1 - 0x1p-8f, Float.MAX_VALUE, -Float.MAX_VALUE,
            Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, Float.NaN, Float.intBitsToFloat(0x7f800001),
            Float.intBitsToFloat(0xffffffff), 0, -0f, Float.MIN_VALUE, 0x1.8p-133f, 0x1p-126f};
        System.arraycopy(special, 0, values, 0, Math.min(count, special.length));
        return values;
    }

    /** The bits of a bfloat16 by comparison with both neighbours. */
    private static int bfloat16(float x) {
        int down = Float.floatToRawIntBits(x) >>> 16;
        if (Float.isNaN(x)) {
            return 0x7fff; // What PTX defines for every NaN.
        }
        double low = Math.abs((double) Float.intBitsToFloat(down << 16));
        // The neighbour further from zero; that of the largest number would be 2^128, which stands for infinity.
        double high = low >= 0x1.fep127 ? 0x1p128 : Math.abs((double) Float.intBitsToFloat(down + 1 << 16));
        double below = Math.abs((double) x) - low;
        double above = high - Math.abs((double) x);
        return Float.isInfinite(x) || below < above || below == above && (down & 1) == 0 ? down : down + 1;
    }

    /** Columns a multiple of 4 and not, of the padding and not; several passes. */
    @ParameterizedTest
    @CsvSource({"1, 1, 1", "5, 3, 1", "9, 8, 1", "30, 12, 2", "3, 21, 1", "2, 1027, 1", "5000, 1, 2", "700, 7, 1",
        "700, 12, 1", "700, 16, 1", "256, 16, 1", "1024, 3, 1", "700, 3, 1"})
    void packs(int rows, int columns, int parts) {
        float[] from = kinds(rows * columns);
        for (Arithmetic type : new Arithmetic[] {Arithmetic.BF16, Arithmetic.TF32}) {
            boolean halves = type == Arithmetic.BF16;
            int pitch = type.padded(columns);
            int[] expected = new int[rows * pitch * type.bytes / 4];
            for (int i = 0; i < from.length; i++) {
                int at = i / columns * pitch + i % columns;
                if (halves) {
                    expected[at / 2] |= bfloat16(from[i]) << at % 2 * 16;
                } else {
                    expected[at] = Float.floatToRawIntBits(from[i]);
                }
            }
            DeviceMemory to = device.unwritten(expected.length);
            String name = halves ? "packBFloat16" : "packFloat";
            device.kernel("pack.cu", name).launch(Dim.of(parts, (pitch / 4 + 255) / 256), BLOCK, 0,
                    device.memory(from), to, rows, columns, pitch);
            float[] packed = read(to);
            for (int i = 0; i < expected.length; i++) {
                assertEquals(Integer.toHexString(expected[i]), Integer.toHexString(Float.floatToRawIntBits(packed[i])),
                        name + ", word " + i);
            }
        }
    }

    /** bfloat16 is the upper half of a float. */
    @ParameterizedTest
    @CsvSource({"1, 1, 1", "5, 3, 1", "9, 8, 1", "30, 12, 2", "3, 21, 1", "2, 1027, 1", "5000, 1, 2", "700, 7, 1",
        "700, 12, 1", "700, 16, 1", "256, 16, 1", "1024, 3, 1", "700, 3, 1"})
    void unpacks(int rows, int columns, int parts) {
        for (Arithmetic type : new Arithmetic[] {Arithmetic.BF16, Arithmetic.TF32}) {
            boolean halves = type == Arithmetic.BF16;
            int pitch = type.padded(columns);
            float[] from = values(rows * pitch);
            float[] packed = from;
            if (halves) {
                packed = new float[from.length / 2];
                for (int i = 0; i < from.length; i++) {
                    int bits = Float.floatToRawIntBits(from[i]) & 0xffff0000;
                    from[i] = Float.intBitsToFloat(bits);
                    int word = Float.floatToRawIntBits(packed[i / 2]);
                    packed[i / 2] = Float.intBitsToFloat(i % 2 == 0 ? bits >>> 16 : bits | word);
                }
            }
            float[] bias = values(columns);
            float[] plain = new float[rows * columns];
            float[] biased = new float[plain.length];
            float[] more = new float[plain.length];
            for (int i = 0; i < plain.length; i++) {
                plain[i] = from[i / columns * pitch + i % columns];
                biased[i] = plain[i] + bias[i % columns];
                more[i] = plain[i] + biased[i];
            }
            DeviceMemory source = device.memory(packed);
            DeviceMemory to = device.unwritten(plain.length);
            CudaKernel kernel = device.kernel("pack.cu", halves ? "unpackBFloat16" : "unpackFloat");
            Dim grid = Dim.of(parts, (pitch / 4 + 255) / 256);
            kernel.launch(grid, BLOCK, 0, source, null, to, rows, columns, pitch, 0);
            assertArrayEquals(plain, read(to));
            kernel.launch(grid, BLOCK, 0, source, device.memory(bias), to, rows, columns, pitch, 0);
            assertArrayEquals(biased, read(to));
            kernel.launch(grid, BLOCK, 0, source, null, to, rows, columns, pitch, 1);
            assertArrayEquals(more, read(to));
        }
    }

    /** Each sector is moved once, if rows are whole sectors. */
    @Test
    void packsInWholeSectors() {
        int rows = 100;
        int columns = 64;
        device.kernel("pack.cu", "packBFloat16").launch(Dim.of(3), BLOCK, 0, device.memory(values(rows * columns)),
                device.unwritten(rows * columns / 2), rows, columns, columns);
        assertEquals(rows * columns * (4 + 2) / 32, KernelCounters.of(device, "packBFloat16").sectors());
    }
}
