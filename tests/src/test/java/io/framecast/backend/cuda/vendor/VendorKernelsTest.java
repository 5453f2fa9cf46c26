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
}
