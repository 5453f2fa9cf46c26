package io.framecast.backend.cuda.layer;

import static io.framecast.backend.cuda.launch.KernelDevice.read;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.framecast.backend.Activation;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.cuda.launch.KernelCounters;
import io.framecast.backend.cuda.launch.KernelDevice;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Against loops over the definitions, with small integers, whose sums are exact in float32: results must be equal. */
class TimeTapsTest {

    @RegisterExtension
    final KernelDevice device = new KernelDevice();

    private final Random random = new Random(1);

    private float[] integers(int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = random.nextInt(19) - 9;
        }
        return values;
    }

    private TimeTaps timeTaps(int taps, int filters) {
        return new TimeTaps(device.ops(), taps, filters);
    }

    /** Receives the indices of a tap and of its y. */
    private interface Term {
        void at(int tap, int y);
    }

    private static void forEachTerm(int taps, int filters, int frames, int pixels, Term term) {
        for (int t = 0; t < frames; t++) {
            for (int k = 0; k < taps; k++) {
                int s = t + k - (taps - 1) / 2;
                if (s < 0 || s >= frames) {
                    continue;
                }
                for (int p = 0; p < pixels; p++) {
                    for (int o = 0; o < filters; o++) {
                        term.at(((s * pixels + p) * taps + k) * filters + o, (t * pixels + p) * filters + o);
                    }
                }
            }
        }
    }

    /** One filter, few, and more than a block computes of a pixel; incomplete runs; more taps than frames. */
    @ParameterizedTest
    @CsvSource({"3, 1, 5, 300", "3, 1, 1, 1", "3, 3, 4, 101", "2, 5, 3, 60", "5, 1, 2, 130", "4, 8, 6, 37",
        "1, 3, 3, 50", "3, 64, 3, 5", "3, 65, 3, 7", "3, 200, 2, 3", "7, 2, 9, 64"})
    void combinesAndSpreads(int taps, int filters, int frames, int pixels) {
        int size = frames * pixels * filters;
        float[] values = integers(size * taps);
        float[] bias = integers(filters);
        float[] y = new float[size];
        forEachTerm(taps, filters, frames, pixels, (tapAt, yAt) -> y[yAt] += values[tapAt]);
        for (int i = 0; i < size; i++) {
            y[i] = Math.max(0, y[i] + bias[i % filters]);
        }
        float[] dy = integers(size);
        float[] dtaps = new float[size * taps];
        forEachTerm(taps, filters, frames, pixels, (tapAt, yAt) -> dtaps[tapAt] += dy[yAt]);

        TimeTaps timeTaps = timeTaps(taps, filters);
        DeviceMemory result = device.unwritten(size);
        // A parameter may have any offset in the common buffer.
        DeviceMemory biasMemory = device.unwritten(filters + 1).view(4, 4L * filters);
        biasMemory.write(0, bias, 0, filters);
        timeTaps.combine(frames, pixels, device.memory(values), biasMemory, result, Activation.RELU);
        assertArrayEquals(y, read(result));
        DeviceMemory gradient = device.unwritten(size * taps);
        timeTaps.spread(frames, pixels, device.memory(dy), gradient);
        assertArrayEquals(dtaps, read(gradient));
    }

    @ParameterizedTest
    @CsvSource({"3, 1, 576", "2, 5, 27", "1, 3, 1", "3, 64, 9"})
    void packsAndUnpacks(int taps, int filters, int rows) {
        int size = taps * filters * rows;
        float[] parameter = integers(size);
        float[] w = new float[size];
        for (int k = 0; k < taps; k++) {
            for (int row = 0; row < rows; row++) {
                for (int o = 0; o < filters; o++) {
                    w[(row * taps + k) * filters + o] = parameter[(k * rows + row) * filters + o];
                }
            }
        }
        TimeTaps timeTaps = timeTaps(taps, filters);
        DeviceMemory from = device.unwritten(size + 1).view(4, 4L * size);
        from.write(0, parameter, 0, size);
        DeviceMemory packed = device.unwritten(size);
        timeTaps.pack(from, packed, rows);
        assertArrayEquals(w, read(packed));
        DeviceMemory back = device.unwritten(size + 1).view(4, 4L * size);
        timeTaps.unpack(packed, back, rows);
        assertArrayEquals(parameter, read(back));
    }

    /** The reference network's last layer: each tap and each y is moved once, without bank conflicts. */
    @Test
    void movesEachTapOnce() {
        int frames = 4;
        int pixels = 4096;
        TimeTaps timeTaps = timeTaps(3, 1);
        DeviceMemory taps = device.memory(new float[3 * frames * pixels]);
        DeviceMemory y = device.memory(new float[frames * pixels]);
        timeTaps.combine(frames, pixels, taps, device.memory(0), y, Activation.SIGMOID);
        timeTaps.spread(frames, pixels, y, taps);
        long sectors = 4L * frames * pixels * 4 / 32;
        KernelCounters combine = KernelCounters.of(device, "combineTaps");
        // Each warp reads the bias.
        assertEquals(sectors + pixels / 32, combine.sectors());
        assertEquals(0, combine.conflicts());
        KernelCounters spread = KernelCounters.of(device, "spreadTaps");
        assertEquals(sectors, spread.sectors());
        assertEquals(0, spread.conflicts());
    }
}
