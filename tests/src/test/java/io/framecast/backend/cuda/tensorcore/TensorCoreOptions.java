package io.framecast.backend.cuda.tensorcore;

import io.framecast.backend.Activation;
import io.framecast.backend.ConvLstmSpec;
import io.framecast.backend.cuda.convolution.ConvolutionShape;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The compiler's options of the kernels on tensor cores, by a label, for tests of other packages. */
public final class TensorCoreOptions {

    private TensorCoreOptions() {
    }

    /** Of tensor_core_convlstm.cu: every tile, with 64 filters as in the reference network. */
    public static Map<String, List<String>> convLstms(Operand operand) {
        ConvLstmSpec spec = new ConvLstmSpec(64, 64, 64, 64, 3, 3, 1, 1, 1, 1, true, Activation.RELU,
                Activation.SIGMOID);
        ConvolutionShape shape = ConvolutionShape.same(64, 64, 64, 256, 3, 3);
        Map<String, List<String>> options = new LinkedHashMap<>();
        for (int k = 0; k < TensorCoreTile.ROWS.size(); k++) {
            TensorCoreTile step = TensorCoreTile.STEP.get(k % TensorCoreTile.STEP.size());
            TensorCoreTile backward = TensorCoreTile.ROWS.get(k);
            options.put(label(operand, step, backward), FusedConvLstm.options(shape, operand, spec,
                    new FusedConvLstm.Tiles(step, backward)));
        }
        return options;
    }

    /** Of tensor_core_convolution.cu: every tile. */
    public static Map<String, List<String>> convolutions(Operand operand) {
        ConvolutionShape shape = ConvolutionShape.same(64, 64, 64, 256, 3, 3);
        Map<String, List<String>> options = new LinkedHashMap<>();
        for (int k = 0; k < TensorCoreTile.ROWS.size(); k++) {
            TensorCoreTile rows = TensorCoreTile.ROWS.get(k);
            TensorCoreTile weights = TensorCoreTile.WEIGHTS.get(k % TensorCoreTile.WEIGHTS.size());
            options.put(label(operand, rows, weights), TensorCoreConvolution.options(shape, operand,
                    new TensorCoreConvolution.Tiles(rows, rows, weights)));
        }
        return options;
    }

    private static String label(Operand operand, TensorCoreTile... tiles) {
        StringBuilder label = new StringBuilder(" " + operand.name().toLowerCase(Locale.ROOT));
        for (TensorCoreTile tile : tiles) {
            label.append(" ").append(tile.rows()).append("x").append(tile.columns());
        }
        return label.toString();
    }

    /** Of operands.cu. */
    public static List<String> operands(Operand operand) {
        return List.of(operand.option());
    }
}
