package io.framecast.tools.check.golden;

import io.framecast.backend.Matrices;
import io.framecast.backend.MuonOp;
import io.framecast.backend.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The golden steps of Muon, for all sizes of gradients. */
public final class GoldenMuon {

    private static final double RATE = 0.01;
    private static final double MOMENTUM = 0.95;

    private GoldenMuon() {
    }

    /** Two kernels lie in one buffer; the values between and after them must not change. */
    public static List<Difference> compare(OpScope scope, Golden.Case c) {
        int[] shape = c.shape("start");
        int count = shape.length == 4 ? 4 : 1;
        int pitch = shape[shape.length - 1];
        float[] start = c.values("start");
        int size = start.length;
        Matrices first = new Matrices(3, count, size / pitch, pitch / count);
        Matrices second = new Matrices(size + 5, count, size / pitch, pitch / count);
        Tensor parameters = scope.tensor(twice(start, 0.5f));
        Tensor gradients = scope.tensor(new float[2 * size + 6]);
        MuonOp op = scope.own(scope.get().muon(parameters, gradients, List.of(first, second), MOMENTUM));
        op.setRate(RATE);
        List<Difference> differences = new ArrayList<>();
        double step = RATE * 0.2 * Math.sqrt(first.longer());
        double largest = 0;
        for (int k = 0; k < c.shape("gradients")[0]; k++) {
            float[] g = part(c.values("gradients"), k, size);
            largest = Math.max(largest, Difference.largest(g));
            gradients.write(twice(g, 7));
            op.update();
            float[] p = parameters.read();
            float[] m = op.momentum().read();
            // A few roundings of 2^-24 a step.
            double ofM = Math.scalb(4.0 * (k + 1), -24) * largest;
            // The iteration multiplies the smallest singular values, and the roundings of X, by up to 3.4445^5 = 485;
            // those are of about 2^-24 for values of X up to 1. The rest is P's own rounding.
            double ofP = (k + 1) * (step * 485 * Math.scalb(2, -24)
                    + Math.scalb(Difference.largest(start) + step * k, -24));
            for (Matrices some : List.of(first, second)) {
                int from = (int) some.offset();
                differences.add(Difference.absolute("p after step " + (k + 1), part(c.values("p"), k, size),
                        Arrays.copyOfRange(p, from, from + size), ofP));
                differences.add(Difference.absolute("m after step " + (k + 1), part(c.values("m"), k, size),
                        Arrays.copyOfRange(m, from, from + size), ofM));
            }
            for (int i : new int[] {0, 1, 2, size + 3, size + 4, 2 * size + 5}) {
                differences.add(Difference.of("p between kernels", 0.5, p[i], 0));
                differences.add(Difference.of("m between kernels", 0, m[i], 0));
            }
        }
        return differences;
    }

    private static float[] part(float[] values, int k, int size) {
        return Arrays.copyOfRange(values, k * size, (k + 1) * size);
    }

    /** The kernel at 3 and at size + 5, and another value elsewhere. */
    private static float[] twice(float[] kernel, float elsewhere) {
        float[] all = new float[2 * kernel.length + 6];
        Arrays.fill(all, elsewhere);
        System.arraycopy(kernel, 0, all, 3, kernel.length);
        System.arraycopy(kernel, 0, all, kernel.length + 5, kernel.length);
        return all;
    }
}
