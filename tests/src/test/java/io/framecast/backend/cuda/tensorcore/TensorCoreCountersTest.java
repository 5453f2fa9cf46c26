package io.framecast.backend.cuda.tensorcore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.framecast.backend.Activation;
import io.framecast.backend.ConvLstmSpec;
import io.framecast.backend.Tensor;
import io.framecast.backend.cuda.convolution.ConvolutionShape;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.cuda.launch.KernelCounters;
import io.framecast.backend.cuda.launch.KernelDevice;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What the kernels on tensor cores cost in the large layers of the reference network, from 64 to 256 channels, counted
 * on quarter frames of 64 x 64 with the tiles of an A100 and of an H100: no bank conflicts, whole sectors, and few
 * other instructions to each of the tensor cores.
 */
class TensorCoreCountersTest {

    private static final int HEIGHT = 16;
    private static final int WIDTH = 64;
    private static final int FILTERS = 64;

    /** For the gradient of the weights, so that splits have several steps. */
    private static final int IMAGES = 4;

    @RegisterExtension
    final KernelDevice device = new KernelDevice();

    private DeviceMemory zeros(long values) {
        return device.memory(new float[Math.toIntExact(values)]);
    }

    /**
     * @param tile the index among the tiles of this kind of product
     * @param others at most so many other instructions in the main loop for each of the tensor cores
     */
    @ParameterizedTest
    @CsvSource({"BF16, 5, 0, 2", "BF16, 5, 1, 2.2", "BF16, 3, 0, 2", "TF32, 3, 0, 2"})
    void aStepForward(Operand operand, int kernel, int tile, double others) {
        ConvolutionShape shape = ConvolutionShape.same(HEIGHT, WIDTH, FILTERS, 4 * FILTERS, kernel, kernel);
        FusedConvLstm kernels = kernels(operand, shape, TensorCoreTile.STEP.get(tile), TensorCoreTile.ROWS.get(0));
        long units = (long) shape.pixels() * FILTERS;
        kernels.step(1, zeros(units), zeros(units), zeros(4 * FILTERS), zeros(units), zeros(4 * units), zeros(units),
                zeros(units), null);
        check("tensorConvLstmStep", others);
    }

    @ParameterizedTest
    @CsvSource({"BF16, 5, 1, 2.6", "BF16, 5, 2, 2.8", "BF16, 3, 1, 2.6", "TF32, 3, 1, 2.6"})
    void aStepBackward(Operand operand, int kernel, int tile, double others) {
        ConvolutionShape shape = ConvolutionShape.same(HEIGHT, WIDTH, FILTERS, 4 * FILTERS, kernel, kernel);
        FusedConvLstm kernels = kernels(operand, shape, TensorCoreTile.STEP.get(0), TensorCoreTile.ROWS.get(tile));
        long units = (long) shape.pixels() * FILTERS;
        kernels.backwardStep(1, zeros(4 * units), zeros(4 * units), zeros(units), zeros(units), zeros(units),
                zeros(4 * units), zeros(kernels.biasParts(1) * 4L * FILTERS));
        check("tensorConvLstmBackwardStep", others);
    }

    @ParameterizedTest
    @CsvSource({"BF16, 5, 2.3", "BF16, 3, 2.3", "TF32, 3, 2.5"})
    void theGradientOfTheWeights(Operand operand, int kernel, double others) {
        ConvolutionShape shape = ConvolutionShape.same(HEIGHT, WIDTH, FILTERS, 4 * FILTERS, kernel, kernel);
        TensorCoreTile rows = TensorCoreTile.ROWS.get(0);
        TensorCoreConvolution convolution = device.own(TensorCoreConvolution.of(device.ops(), operand, shape, IMAGES,
                true, new TensorCoreConvolution.Tiles(rows, rows, TensorCoreTile.WEIGHTS.get(0))));
        Tensor x = device.own(device.ops().zeros(IMAGES * shape.inputSize()));
        convolution.backwardWeights(IMAGES, convolution.input(IMAGES, x), zeros(IMAGES * shape.outputSize()),
                zeros(shape.weightsSize()));
        check("tensorBackwardWeights", others);
    }

    private FusedConvLstm kernels(Operand operand, ConvolutionShape shape, TensorCoreTile step,
            TensorCoreTile backward) {
        ConvLstmSpec spec = new ConvLstmSpec(HEIGHT, WIDTH, FILTERS, FILTERS, shape.kernelHeight(),
                shape.kernelWidth(), 1, 1, 1, 1, true, Activation.RELU, Activation.SIGMOID);
        FusedConvLstm kernels = device.own(new FusedConvLstm(device.ops(), operand, spec, shape, true,
                new FusedConvLstm.Tiles(step, backward)));
        kernels.pack(zeros(shape.weightsSize()), zeros(shape.weightsSize()));
        return kernels;
    }

    private void check(String kernel, double others) {
        JsonNode counters = KernelCounters.of(device, kernel).counters();
        assertEquals(0, counters.at("/shared/conflicts").longValue(), "bank conflicts");
        long most = 0;
        for (JsonNode line : counters.get("lines")) {
            most = Math.max(most, line.get("class").asText().equals("tensor") ? line.get("warps").longValue() : 0);
        }
        // What a warp runs in most of the steps that it multiplies in is its main loop.
        double tensor = 0;
        double rest = 0;
        long sectors = 0;
        long bytes = 0;
        for (JsonNode line : counters.get("lines")) {
            if (2 * line.get("warps").longValue() > most) {
                boolean multiplies = line.get("class").asText().equals("tensor");
                tensor += multiplies ? line.get("warps").longValue() : 0;
                rest += multiplies ? 0 : line.get("warps").longValue();
                sectors += line.get("sectors").longValue();
                bytes += line.get("sectors").longValue() > 0 ? line.get("bytes").longValue() : 0;
            }
        }
        assertTrue(sectors > 0);
        assertEquals(32 * sectors, bytes, "bytes of the sectors that are moved");
        assertTrue(rest / tensor <= others, rest / tensor + " other instructions, not " + others);
    }
}
