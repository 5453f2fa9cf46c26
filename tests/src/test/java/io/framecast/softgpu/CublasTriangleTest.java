package io.framecast.softgpu;

import static jcuda.jcublas.JCublas2.cublasCreate;
import static jcuda.jcublas.JCublas2.cublasDestroy;
import static jcuda.jcublas.JCublas2.cublasDger;
import static jcuda.jcublas.JCublas2.cublasDrot;
import static jcuda.jcublas.JCublas2.cublasDsymv;
import static jcuda.jcublas.JCublas2.cublasDsyr;
import static jcuda.jcublas.JCublas2.cublasDsyr2;
import static jcuda.jcublas.JCublas2.cublasDtrmv;
import static jcuda.jcublas.JCublas2.cublasDtrsm;
import static jcuda.jcublas.JCublas2.cublasDtrsv;
import static jcuda.jcublas.JCublas2.cublasIdamin;
import static jcuda.jcublas.JCublas2.cublasIsamax;
import static jcuda.jcublas.JCublas2.cublasSetPointerMode;
import static jcuda.jcublas.JCublas2.cublasSger;
import static jcuda.jcublas.JCublas2.cublasSswap;
import static jcuda.jcublas.JCublas2.cublasStrmv;
import static jcuda.jcublas.JCublas2.cublasStrsv;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.framecast.backend.cuda.library.JCudaLibrary;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import jcuda.Pointer;
import jcuda.jcublas.JCublas2;
import jcuda.jcublas.cublasHandle;
import jcuda.jcublas.cublasPointerMode;
import jcuda.jcublas.cublasStatus;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Triangles, updates, swaps and rotations of cuBLAS, against loops over whole matrices in double. All numbers are small
 * integers, so that every result is exact in both types. What must not be read is not a number.
 */
class CublasTriangleTest {

    private static final int SIZE = 5;
    private static final int LD = 7;
    private static final double UNREAD = Double.NaN;

    @RegisterExtension
    final SoftDevice device = new SoftDevice();

    private final cublasHandle handle = new cublasHandle();
    private final Random random = new Random(5);

    @BeforeEach
    void create() {
        JCudaLibrary.CUBLAS.load();
        JCublas2.setExceptionsEnabled(false);
        ok(cublasCreate(handle));
    }

    @AfterEach
    void destroy() {
        ok(cublasDestroy(handle));
    }

    private static void ok(int status) {
        assertEquals("CUBLAS_STATUS_SUCCESS", cublasStatus.stringFor(status));
    }

    /** The values of fill, operation and diagonal: lower or upper, plain or transposed, free or 1. */
    static Stream<int[]> triangles() {
        return IntStream.range(0, 8).mapToObj(i -> new int[] {i & 1, i >> 1 & 1, i >> 2});
    }

    private double[] integers(int count) {
        return random.ints(count, -4, 5).asDoubleStream().toArray();
    }

    /** A triangle as a full matrix [row][column], and column-major in memory, where the rest is unread. */
    private final class Triangle {
        final double[][] full = new double[SIZE][SIZE];
        final double[] stored = IntStream.range(0, LD * SIZE).mapToDouble(i -> UNREAD).toArray();

        Triangle(boolean upper, boolean unit, boolean mirror) {
            for (int i = 0; i < SIZE; i++) {
                for (int j = 0; j < SIZE; j++) {
                    boolean inside = upper ? i <= j : i >= j;
                    if (i == j && unit) {
                        full[i][j] = 1;
                    } else if (inside) {
                        // Divisors that are powers of two keep solutions exact.
                        full[i][j] = i == j ? 1 << random.nextInt(3) : random.nextInt(9) - 4;
                        stored[j * LD + i] = full[i][j];
                    }
                }
            }
            for (int i = 0; mirror && i < SIZE; i++) {
                for (int j = 0; j < SIZE; j++) {
                    full[i][j] = (upper ? i <= j : i >= j) ? full[i][j] : full[j][i];
                }
            }
        }

        double[] times(boolean transposed, double[] x) {
            double[] y = new double[SIZE];
            for (int i = 0; i < SIZE; i++) {
                for (int j = 0; j < SIZE; j++) {
                    y[i] += (transposed ? full[j][i] : full[i][j]) * x[j];
                }
            }
            return y;
        }
    }

    private static float[] narrow(double[] values) {
        float[] narrow = new float[values.length];
        IntStream.range(0, values.length).forEach(i -> narrow[i] = (float) values[i]);
        return narrow;
    }

    private static Pointer scalar(double value) {
        return Pointer.to(new double[] {value});
    }

    @ParameterizedTest
    @MethodSource("triangles")
    void multipliesByTrianglesAndSolvesThem(int[] mode) {
        int fill = mode[0];
        int operation = mode[1];
        int diagonal = mode[2];
        Triangle a = new Triangle(fill == 1, diagonal == 1, false);
        double[] x = integers(SIZE);
        double[] product = a.times(operation == 1, x);
        Buffer matrix = device.buffer(a.stored);
        Buffer vector = device.buffer(x);
        ok(cublasDtrmv(handle, fill, operation, diagonal, SIZE, matrix.pointer(), LD, vector.pointer(), 1));
        SoftDevice.synchronize();
        assertArrayEquals(product, vector.doubles());
        ok(cublasDtrsv(handle, fill, operation, diagonal, SIZE, matrix.pointer(), LD, vector.pointer(), 1));
        SoftDevice.synchronize();
        assertArrayEquals(x, vector.doubles());

        Buffer narrowMatrix = device.buffer(narrow(a.stored));
        Buffer narrowVector = device.buffer(narrow(x));
        ok(cublasStrmv(handle, fill, operation, diagonal, SIZE, narrowMatrix.pointer(), LD, narrowVector.pointer(), 1));
        SoftDevice.synchronize();
        assertArrayEquals(narrow(product), narrowVector.floats());
        ok(cublasStrsv(handle, fill, operation, diagonal, SIZE, narrowMatrix.pointer(), LD, narrowVector.pointer(), 1));
        SoftDevice.synchronize();
        assertArrayEquals(narrow(x), narrowVector.floats());
    }

    /** A * X = 2 * B with two columns in B, and X * A = 2 * B with two rows. */
    @ParameterizedTest
    @MethodSource("triangles")
    void solvesForMatricesOnBothSides(int[] mode) {
        int fill = mode[0];
        int operation = mode[1];
        int diagonal = mode[2];
        Triangle a = new Triangle(fill == 1, diagonal == 1, false);
        Buffer matrix = device.buffer(a.stored);
        for (int side = 0; side < 2; side++) {
            double[][] x = {integers(SIZE), integers(SIZE)};
            double[] b = new double[2 * SIZE];
            double[] expected = new double[2 * SIZE];
            for (int s = 0; s < 2; s++) {
                double[] product = a.times((operation == 1) != (side == 1), x[s]);
                for (int i = 0; i < SIZE; i++) {
                    int at = side == 0 ? s * SIZE + i : i * 2 + s;
                    b[at] = product[i] / 2;
                    expected[at] = x[s][i];
                }
            }
            Buffer solved = device.buffer(b);
            int rows = side == 0 ? SIZE : 2;
            ok(cublasDtrsm(handle, side, fill, operation, diagonal, rows, SIZE + 2 - rows, scalar(2), matrix.pointer(),
                    LD, solved.pointer(), rows));
            SoftDevice.synchronize();
            assertArrayEquals(expected, solved.doubles());
        }
    }

    @ParameterizedTest
    @MethodSource("triangles")
    void multipliesByAndUpdatesSymmetricMatrices(int[] mode) {
        int fill = mode[0];
        Triangle a = new Triangle(fill == 1, false, true);
        double[] x = integers(SIZE);
        double[] y = integers(SIZE);
        Buffer matrix = device.buffer(a.stored);
        Buffer xs = device.buffer(x);
        Buffer ys = device.buffer(y);
        Buffer result = device.buffer(y);
        ok(cublasDsymv(handle, fill, SIZE, scalar(3), matrix.pointer(), LD, xs.pointer(), 1, scalar(-2),
                result.pointer(), 1));
        SoftDevice.synchronize();
        double[] product = a.times(false, x);
        assertArrayEquals(IntStream.range(0, SIZE).mapToDouble(i -> 3 * product[i] - 2 * y[i]).toArray(),
                result.doubles());

        ok(cublasDsyr(handle, fill, SIZE, scalar(2), xs.pointer(), 1, matrix.pointer(), LD));
        ok(cublasDsyr2(handle, fill, SIZE, scalar(-1), xs.pointer(), 1, ys.pointer(), 1, matrix.pointer(), LD));
        SoftDevice.synchronize();
        double[] expected = a.stored.clone();
        for (int i = 0; i < SIZE; i++) {
            for (int j = 0; j < SIZE; j++) {
                expected[j * LD + i] += 2 * x[i] * x[j] - (x[i] * y[j] + y[i] * x[j]);
            }
        }
        assertArrayEquals(expected, matrix.doubles());
    }

    /** With increments: x from its end on, every other element of y. */
    @Test
    void addsOuterProducts() {
        double[] x = integers(3);
        double[] y = integers(4);
        double[] a = integers(2 * LD);
        double[] expected = a.clone();
        for (int i = 0; i < 3; i++) {
            for (int j = 0; j < 2; j++) {
                expected[j * LD + i] += 5 * x[2 - i] * y[2 * j];
            }
        }
        Buffer wide = device.buffer(a);
        Buffer narrow = device.buffer(narrow(a));
        ok(cublasDger(handle, 3, 2, scalar(5), device.buffer(x).pointer(), -1, device.buffer(y).pointer(), 2,
                wide.pointer(), LD));
        ok(cublasSger(handle, 3, 2, Pointer.to(new float[] {5}), device.buffer(narrow(x)).pointer(), -1,
                device.buffer(narrow(y)).pointer(), 2, narrow.pointer(), LD));
        SoftDevice.synchronize();
        assertArrayEquals(expected, wide.doubles());
        assertArrayEquals(narrow(expected), narrow.floats());
    }

    @Test
    void swapsAndRotates() {
        Buffer x = device.buffer(1f, 2f, 3f, 4f);
        Buffer y = device.buffer(5f, 6f);
        ok(cublasSswap(handle, 2, x.pointer(), 2, y.pointer(), -1));
        SoftDevice.synchronize();
        assertArrayEquals(new float[] {6, 2, 5, 4}, x.floats());
        assertArrayEquals(new float[] {3, 1}, y.floats());
        Buffer u = device.buffer(1.0, 2.0);
        Buffer v = device.buffer(10.0, 20.0);
        ok(cublasDrot(handle, 2, u.pointer(), 1, v.pointer(), 1, scalar(3), scalar(4)));
        SoftDevice.synchronize();
        assertArrayEquals(new double[] {43, 86}, u.doubles());
        assertArrayEquals(new double[] {26, 52}, v.doubles());
    }

    /** Indices begin with 1; of equal ones the first counts. */
    @Test
    void findsExtremes() {
        int[] index = {-1};
        Buffer x = device.buffer(1f, 99f, -7f, 99f, 7f, 99f, 2f);
        ok(cublasIsamax(handle, 4, x.pointer(), 2, Pointer.to(index)));
        assertEquals(2, index[0]);
        ok(cublasIsamax(handle, 0, x.pointer(), 2, Pointer.to(index)));
        assertEquals(0, index[0]);
        ok(cublasSetPointerMode(handle, cublasPointerMode.CUBLAS_POINTER_MODE_DEVICE));
        Buffer result = device.allocate(4);
        ok(cublasIdamin(handle, 3, device.buffer(3.0, -1.0, 2.0).pointer(), 1, result.pointer()));
        SoftDevice.synchronize();
        assertArrayEquals(new int[] {2}, result.ints());
    }
}
