package io.framecast.backend.cuda.layer;

import static io.framecast.backend.cuda.launch.CudaOps.ceilDiv;
import static io.framecast.backend.cuda.launch.CudaOps.memory;

import io.framecast.backend.Matrices;
import io.framecast.backend.MuonOp;
import io.framecast.backend.Tensor;
import io.framecast.backend.cuda.driver.CudaKernel;
import io.framecast.backend.cuda.driver.CudaKernel.Dim;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.cuda.launch.CudaOps;
import java.util.List;

/** Muon by cuda-kernels/muon.cu: {@link Matrices} by Matrices, all of the same size in one launch. */
final class CudaMuon implements MuonOp {

    private static final int ITERATIONS = 5;
    private static final float A = 3.4445f;
    private static final float B = -4.7750f;
    private static final float C = 2.0315f;
    /** The tile of a product in muon.cu. */
    private static final int TILE = 32;

    private final CudaOps ops;
    private final Tensor parameters;
    private final Tensor gradients;
    private final List<Matrices> matrices;
    private final float oneMinusMomentum;
    private final CudaKernel average;
    private final CudaKernel normalize;
    private final CudaKernel gram;
    private final CudaKernel product;
    private final CudaKernel step;
    private final Tensor momentum;
    private final Tensor rate;
    /** X and its next value; S and its polynomial. */
    private final Tensor scratch;
    private final long mostValues;
    private final long mostSquares;

    CudaMuon(CudaOps ops, Tensor parameters, Tensor gradients, List<Matrices> matrices, double momentum) {
        this.ops = ops;
        this.parameters = parameters;
        this.gradients = gradients;
        this.matrices = List.copyOf(matrices);
        // On the host in double: in float, 1 - 0.95f has lost digits.
        this.oneMinusMomentum = (float) (1 - momentum);
        this.average = ops.kernel("muon.cu", "muonAverage");
        this.normalize = ops.kernel("muon.cu", "muonNormalize");
        this.gram = ops.kernel("muon.cu", "muonGram");
        this.product = ops.kernel("muon.cu", "muonProduct");
        this.step = ops.kernel("muon.cu", "muonStep");
        mostValues = matrices.stream().mapToLong(Matrices::size).max().orElseThrow();
        mostSquares = matrices.stream().mapToLong(some -> (long) some.count() * some.shorter() * some.shorter()).max()
                .orElseThrow();
        this.momentum = ops.zeros(parameters.size());
        this.rate = ops.zeros(1);
        this.scratch = ops.zeros(2 * mostValues + 2 * mostSquares);
    }

    @Override
    public void setRate(double value) {
        rate.write(new float[] {(float) value});
    }

    @Override
    public void update() {
        matrices.forEach(this::update);
    }

    private void update(Matrices some) {
        DeviceMemory x = memory(scratch.slice(0, mostValues));
        DeviceMemory next = memory(scratch.slice(mostValues, mostValues));
        DeviceMemory s = memory(scratch.slice(2 * mostValues, mostSquares));
        DeviceMemory polynomial = memory(scratch.slice(2 * mostValues + mostSquares, mostSquares));
        Dim values = ops.itemGrid(some.size());
        average.launch(values, CudaOps.BLOCK, 0, memory(of(gradients, some)), memory(of(momentum, some)), x,
                some.count(), some.rows(), some.columns(), oneMinusMomentum);
        int size = some.rows() * some.columns();
        normalize.launch(Dim.of(some.count()), CudaOps.BLOCK, 0, x, size);
        int shorter = some.shorter();
        int longer = some.longer();
        Dim square = tiles(shorter, shorter, some.count());
        for (int k = 0; k < ITERATIONS; k++) {
            gram.launch(square, CudaOps.BLOCK, 0, x, s, shorter, longer);
            product.launch(square, CudaOps.BLOCK, 0, s, s, s, polynomial, shorter, shorter, shorter, C, B);
            product.launch(tiles(shorter, longer, some.count()), CudaOps.BLOCK, 0, polynomial, x, x, next, shorter,
                    longer, shorter, 1f, A);
            DeviceMemory newest = next;
            next = x;
            x = newest;
        }
        step.launch(values, CudaOps.BLOCK, 0, memory(of(parameters, some)), x, some.count(), some.rows(),
                some.columns(), memory(rate), (float) (0.2 * Math.sqrt(longer)));
    }

    private static Tensor of(Tensor all, Matrices some) {
        return all.slice(some.offset(), some.size());
    }

    private static Dim tiles(int rows, int columns, int count) {
        return new Dim(ceilDiv(columns, TILE), ceilDiv(rows, TILE), count);
    }

    @Override
    public Tensor momentum() {
        return momentum;
    }

    @Override
    public void close() {
        momentum.close();
        rate.close();
        scratch.close();
    }
}
