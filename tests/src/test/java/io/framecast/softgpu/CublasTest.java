package io.framecast.softgpu;

import static io.framecast.softgpu.SoftDevice.check;
import static jcuda.driver.JCudaDriver.cuGraphDestroy;
import static jcuda.driver.JCudaDriver.cuGraphExecDestroy;
import static jcuda.driver.JCudaDriver.cuGraphInstantiate;
import static jcuda.driver.JCudaDriver.cuGraphLaunch;
import static jcuda.driver.JCudaDriver.cuMemcpyDtoH;
import static jcuda.driver.JCudaDriver.cuMemcpyHtoD;
import static jcuda.driver.JCudaDriver.cuMemsetD32Async;
import static jcuda.driver.JCudaDriver.cuStreamBeginCapture;
import static jcuda.driver.JCudaDriver.cuStreamCreate;
import static jcuda.driver.JCudaDriver.cuStreamDestroy;
import static jcuda.driver.JCudaDriver.cuStreamEndCapture;
import static jcuda.driver.JCudaDriver.cuStreamSynchronize;
import static jcuda.jcublas.JCublas2.cublasCgemm;
import static jcuda.jcublas.JCublas2.cublasCreate;
import static jcuda.jcublas.JCublas2.cublasDdot;
import static jcuda.jcublas.JCublas2.cublasDestroy;
import static jcuda.jcublas.JCublas2.cublasDgemm;
import static jcuda.jcublas.JCublas2.cublasGemmBatchedEx_new;
import static jcuda.jcublas.JCublas2.cublasGemmEx;
import static jcuda.jcublas.JCublas2.cublasGemmEx_new;
import static jcuda.jcublas.JCublas2.cublasGemmStridedBatchedEx_new;
import static jcuda.jcublas.JCublas2.cublasGetAtomicsMode;
import static jcuda.jcublas.JCublas2.cublasGetMathMode;
import static jcuda.jcublas.JCublas2.cublasGetMatrix;
import static jcuda.jcublas.JCublas2.cublasGetPointerMode;
import static jcuda.jcublas.JCublas2.cublasGetStatusName;
import static jcuda.jcublas.JCublas2.cublasGetStream;
import static jcuda.jcublas.JCublas2.cublasGetVector;
import static jcuda.jcublas.JCublas2.cublasGetVersion;
import static jcuda.jcublas.JCublas2.cublasSasum;
import static jcuda.jcublas.JCublas2.cublasSaxpy;
import static jcuda.jcublas.JCublas2.cublasScopy;
import static jcuda.jcublas.JCublas2.cublasSdot;
import static jcuda.jcublas.JCublas2.cublasSetAtomicsMode;
import static jcuda.jcublas.JCublas2.cublasSetMathMode;
import static jcuda.jcublas.JCublas2.cublasSetMatrix;
import static jcuda.jcublas.JCublas2.cublasSetPointerMode;
import static jcuda.jcublas.JCublas2.cublasSetStream;
import static jcuda.jcublas.JCublas2.cublasSetVector;
import static jcuda.jcublas.JCublas2.cublasSetWorkspace;
import static jcuda.jcublas.JCublas2.cublasSgeam;
import static jcuda.jcublas.JCublas2.cublasSgemm;
import static jcuda.jcublas.JCublas2.cublasSgemmBatched;
import static jcuda.jcublas.JCublas2.cublasSgemmStridedBatched;
import static jcuda.jcublas.JCublas2.cublasSgemm_v2_64;
import static jcuda.jcublas.JCublas2.cublasSgemv;
import static jcuda.jcublas.JCublas2.cublasSnrm2;
import static jcuda.jcublas.JCublas2.cublasSrotm;
import static jcuda.jcublas.JCublas2.cublasSscal;
import static jcuda.jcublas.JCublas2.cublasSsyrk;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.backend.cuda.library.JCudaLibrary;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import jcuda.Pointer;
import jcuda.driver.CUgraph;
import jcuda.driver.CUgraphExec;
import jcuda.driver.CUresult;
import jcuda.driver.CUstream;
import jcuda.driver.CUstreamCaptureMode;
import jcuda.driver.CUstream_flags;
import jcuda.jcublas.JCublas2;
import jcuda.jcublas.cublasAtomicsMode;
import jcuda.jcublas.cublasComputeType;
import jcuda.jcublas.cublasGemmAlgo;
import jcuda.jcublas.cublasHandle;
import jcuda.jcublas.cublasMath;
import jcuda.jcublas.cublasOperation;
import jcuda.jcublas.cublasPointerMode;
import jcuda.jcublas.cublasStatus;
import jcuda.runtime.cudaStream_t;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The cuBLAS replacement: its products against three loops, the supported layouts and types, refused arguments, and
 * stream order.
 */
class CublasTest {

    /** The smallest tolerance: only +0 and -0 count as equal. */
    private static final double EXACT = Double.MIN_VALUE;

    /** The value of the gaps between columns of matrices. */
    private static final double GAP = 77;

    private static final int N = cublasOperation.CUBLAS_OP_N;
    private static final int T = cublasOperation.CUBLAS_OP_T;
    private static final int C = cublasOperation.CUBLAS_OP_C;
    private static final int DEFAULT = cublasGemmAlgo.CUBLAS_GEMM_DEFAULT;
    private static final int COMPUTE_32F = cublasComputeType.CUBLAS_COMPUTE_32F;
    private static final int INVALID = cublasStatus.CUBLAS_STATUS_INVALID_VALUE;
    private static final int NOT_SUPPORTED = cublasStatus.CUBLAS_STATUS_NOT_SUPPORTED;

    private static final Pointer ONE = Pointer.to(new float[] {1});
    private static final Pointer ZERO = Pointer.to(new float[] {0});

    @RegisterExtension
    final SoftDevice device = new SoftDevice();

    private final cublasHandle handle = new cublasHandle();

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
        assertEquals(cublasStatus.stringFor(cublasStatus.CUBLAS_STATUS_SUCCESS), cublasStatus.stringFor(status));
    }

    private static void refused(int expected, int status) {
        assertEquals(cublasStatus.stringFor(expected), cublasStatus.stringFor(status));
    }

    private static double[] integers(Random random, int count) {
        return random.ints(count, -8, 9).asDoubleStream().toArray();
    }

    private static Layout columnMajor(int rows, int columns, int ld) {
        return new Layout(new int[] {rows, columns}, new int[] {1, ld});
    }

    /** A GEMM: row-major operands, and the leading dimensions. */
    private record Gemm(int transposeA, int transposeB, int m, int n, int k, int extra) {
        Layout a() {
            return transposeA == N ? columnMajor(m, k, lda()) : columnMajor(k, m, lda());
        }

        Layout b() {
            return transposeB == N ? columnMajor(k, n, ldb()) : columnMajor(n, k, ldb());
        }

        Layout c() {
            return columnMajor(m, n, ldc());
        }

        int lda() {
            return Math.max(1, transposeA == N ? m : k) + extra;
        }

        int ldb() {
            return Math.max(1, transposeB == N ? k : n) + 2 * extra;
        }

        int ldc() {
            return Math.max(1, m) + 3 * extra;
        }

        /** op(A) * op(B), row-major. */
        double[] product(double[] a, double[] b) {
            double[] c = new double[m * n];
            for (int i = 0; i < m; i++) {
                for (int j = 0; j < n; j++) {
                    for (int p = 0; p < k; p++) {
                        c[i * n + j] += a[transposeA == N ? i * k + p : p * m + i]
                                * b[transposeB == N ? p * n + j : j * k + p];
                    }
                }
            }
            return c;
        }

        double[] expected(double alpha, double beta, double[] a, double[] b, double[] old) {
            double[] product = product(a, b);
            return IntStream.range(0, product.length)
                    .mapToDouble(i -> alpha * product[i] + (beta == 0 ? 0 : beta * old[i])).toArray();
        }
    }

    private static Gemm gemm(int m, int n, int k) {
        return new Gemm(N, N, m, n, k, 0);
    }

    private static List<Gemm> gemms() {
        List<Gemm> gemms = new ArrayList<>();
        for (int a : new int[] {N, T, C}) {
            for (int b : new int[] {N, T, C}) {
                gemms.add(new Gemm(a, b, 5, 7, 3, 1));
                gemms.add(new Gemm(a, b, 6, 4, 9, 0));
            }
        }
        gemms.add(gemm(1, 1, 1));
        gemms.add(new Gemm(N, T, 1100, 6, 2, 1));
        gemms.add(new Gemm(T, N, 2, 3, 700, 0));
        return gemms;
    }

    /** Small integers: every product and sum is exact. */
    @ParameterizedTest
    @MethodSource("gemms")
    void multipliesAsDefined(Gemm g) {
        Random random = new Random(g.hashCode());
        double[] a = integers(random, g.m * g.k);
        double[] b = integers(random, g.k * g.n);
        double[] c = integers(random, g.m * g.n);
        for (Element type : List.of(Element.FLOAT, Element.DOUBLE)) {
            Buffer as = type.upload(device, g.a().place(a, GAP));
            Buffer bs = type.upload(device, g.b().place(b, GAP));
            for (double[] factors : new double[][] {{1, 0}, {0.5, -2}, {0, 3}, {2, 1}}) {
                // For beta 0, C is not read; the device would report a read of uninitialised memory.
                Buffer cs = factors[1] == 0 && g.extra == 0 ? device.allocate((long) c.length * type.bytes)
                        : type.upload(device, g.c().place(c, GAP));
                Pointer alpha = type.scalar(factors[0]);
                Pointer beta = type.scalar(factors[1]);
                ok(type == Element.FLOAT
                        ? cublasSgemm(handle, g.transposeA, g.transposeB, g.m, g.n, g.k, alpha, as.pointer(), g.lda(),
                                bs.pointer(), g.ldb(), beta, cs.pointer(), g.ldc())
                        : cublasDgemm(handle, g.transposeA, g.transposeB, g.m, g.n, g.k, alpha, as.pointer(), g.lda(),
                                bs.pointer(), g.ldb(), beta, cs.pointer(), g.ldc()));
                SoftDevice.synchronize();
                assertArrayEquals(g.c().place(g.expected(factors[0], factors[1], a, b, c), GAP), type.download(cs),
                        EXACT);
            }
        }
    }

    /** NaN in C has no effect for beta 0, nor NaN in A and B for alpha 0 or k 0. Nothing is done for m or n 0. */
    @Test
    void readsNoMoreThanItNeeds() {
        Buffer nan = device.buffer(Float.NaN, Float.NaN, Float.NaN, Float.NaN);
        Buffer unwritten = device.allocate(16);
        Buffer ones = device.buffer(1f, 1f, 1f, 1f);
        ok(cublasSgemm(handle, N, N, 2, 2, 2, ONE, ones.pointer(), 2, ones.pointer(), 2, ZERO, nan.pointer(), 2));
        SoftDevice.synchronize();
        assertArrayEquals(new float[] {2, 2, 2, 2}, nan.floats());
        Pointer three = Element.FLOAT.scalar(3);
        ok(cublasSgemm(handle, N, N, 2, 2, 2, ZERO, unwritten.pointer(), 2, unwritten.pointer(), 2, three,
                ones.pointer(), 2));
        ok(cublasSgemm(handle, N, N, 2, 2, 0, ONE, unwritten.pointer(), 2, unwritten.pointer(), 1, three,
                ones.pointer(), 2));
        ok(cublasSgemm(handle, N, N, 0, 2, 2, ONE, unwritten.pointer(), 1, unwritten.pointer(), 2, three,
                ones.pointer(), 1));
        ok(cublasSgemm(handle, N, N, 2, 0, 2, ONE, unwritten.pointer(), 2, unwritten.pointer(), 2, three,
                ones.pointer(), 2));
        SoftDevice.synchronize();
        assertArrayEquals(new float[] {9, 9, 9, 9}, ones.floats());
    }

    /** Each combination of types in the documentation of cublasGemmEx: exact sums, rounded to C's type at the end. */
    @ParameterizedTest
    @CsvSource({"HALF, HALF, 64", "HALF, HALF, 65", "HALF, HALF, 68", "HALF, FLOAT, 68", "BFLOAT16, BFLOAT16, 68",
        "BFLOAT16, FLOAT, 69", "FLOAT, FLOAT, 68", "FLOAT, FLOAT, 69", "FLOAT, FLOAT, 74", "FLOAT, FLOAT, 75",
        "FLOAT, FLOAT, 77", "DOUBLE, DOUBLE, 70", "DOUBLE, DOUBLE, 71"})
    void multipliesTypes(Element ab, Element c, int compute) {
        Gemm g = new Gemm(T, N, 5, 6, 7, 1);
        Random random = new Random(2);
        double[] as = integers(random, g.m * g.k);
        double[] bs = integers(random, g.k * g.n);
        double[] old = integers(random, g.m * g.n);
        Buffer result = c.upload(device, g.c().place(old, GAP));
        boolean halves = compute == 64 || compute == 65;
        Pointer alpha = halves ? Pointer.to(new short[] {0x3800}) : ab.scalar(0.5);
        Pointer beta = halves ? Pointer.to(new short[] {(short) 0xc000}) : ab.scalar(-2);
        ok(cublasGemmEx_new(handle, g.transposeA, g.transposeB, g.m, g.n, g.k, alpha,
                ab.upload(device, g.a().place(as, GAP)).pointer(), ab.cudaType, g.lda(),
                ab.upload(device, g.b().place(bs, GAP)).pointer(), ab.cudaType, g.ldb(), beta, result.pointer(),
                c.cudaType, g.ldc(), compute, DEFAULT));
        SoftDevice.synchronize();
        assertArrayEquals(g.c().place(c.round(g.expected(0.5, -2, as, bs, old)), GAP), c.download(result), EXACT);
    }

    /** The older of JCublas2's two functions, whose compute type is a data type. */
    @Test
    void multipliesTypesByTheOlderCall() {
        Buffer c = device.allocate(4);
        Buffer a = Element.BFLOAT16.upload(device, 3, 4);
        int type = Element.BFLOAT16.cudaType;
        ok(cublasGemmEx(handle, N, N, 1, 1, 2, ONE, a.pointer(), type, 1, a.pointer(), type, 2, ZERO, c.pointer(),
                Element.FLOAT.cudaType, 1, Element.FLOAT.cudaType, DEFAULT));
        SoftDevice.synchronize();
        assertArrayEquals(new float[] {25}, c.floats());
    }

    /** 1 + 1 + ... stops at 2048 in half, and at 256 in bfloat16: allowed only for COMPUTE_16F. */
    @Test
    void sumsInTheComputeType() {
        double[] ones = new double[4096];
        Arrays.fill(ones, 1);
        for (Element type : List.of(Element.HALF, Element.BFLOAT16)) {
            Buffer x = type.upload(device, ones);
            Buffer sum = device.allocate(2);
            ok(cublasGemmEx_new(handle, N, N, 1, 1, 4096, ONE, x.pointer(), type.cudaType, 1, x.pointer(),
                    type.cudaType, 4096, ZERO, sum.pointer(), type.cudaType, 1, COMPUTE_32F, DEFAULT));
            SoftDevice.synchronize();
            assertEquals(4096, type.download(sum)[0]);
        }
        Buffer x = Element.HALF.upload(device, ones);
        Buffer sum = device.allocate(2);
        ok(cublasGemmEx_new(handle, N, N, 1, 1, 4096, Pointer.to(new short[] {0x3c00}), x.pointer(),
                Element.HALF.cudaType, 1, x.pointer(), Element.HALF.cudaType, 4096, Pointer.to(new short[1]),
                sum.pointer(), Element.HALF.cudaType, 1, cublasComputeType.CUBLAS_COMPUTE_16F, DEFAULT));
        SoftDevice.synchronize();
        assertEquals(2048, Element.HALF.download(sum)[0]);
    }

    /** Outer products: only the rounding of operands and result can change the value. */
    @ParameterizedTest
    @CsvSource({"0, 68, 24", "2, 68, 24", "3, 68, 11", "19, 68, 11", "3, 69, 24", "0, 77, 11", "0, 74, 11",
        "0, 75, 8"})
    void roundsFloatsToWhatTheMathMultiplies(int math, int compute, int precision) {
        Random random = new Random(3);
        double[] a = random.doubles(20, -2, 2).map(Element.FLOAT::round).toArray();
        double[] b = random.doubles(20, -2, 2).map(Element.FLOAT::round).toArray();
        Gemm g = gemm(20, 20, 1);
        Buffer c = device.allocate(1600);
        ok(cublasSetMathMode(handle, math));
        ok(cublasGemmEx_new(handle, N, N, 20, 20, 1, ONE, Element.FLOAT.upload(device, a).pointer(), 0, 20,
                Element.FLOAT.upload(device, b).pointer(), 0, 1, ZERO, c.pointer(), 0, 20, compute, DEFAULT));
        SoftDevice.synchronize();
        // TF32 rounds ties away from zero; random numbers contain no ties.
        Element type = precision == 8 ? Element.BFLOAT16 : precision == 11 ? null : Element.FLOAT;
        double[] left = Arrays.stream(a).map(v -> type == null ? toElevenBits(v) : type.round(v)).toArray();
        double[] right = Arrays.stream(b).map(v -> type == null ? toElevenBits(v) : type.round(v)).toArray();
        double[] expected = g.c().place(Element.FLOAT.round(g.product(left, right)), GAP);
        assertArrayEquals(expected, Element.FLOAT.download(c), EXACT);
    }

    private static double toElevenBits(double x) {
        double step = Math.scalb(1.0, Math.getExponent(x) - 10);
        return Math.rint(x / step) * step;
    }

    /** CUBLAS_COMPUTE_32F_FAST_TF32 rounds as cvt.rna does, half rounds to even. */
    @Test
    void roundsTiesAsTheTypeOfItsOperandsDoes() {
        double tie = 1 + 0x1p-11;
        for (int compute : new int[] {cublasComputeType.CUBLAS_COMPUTE_32F_FAST_TF32,
            cublasComputeType.CUBLAS_COMPUTE_32F_FAST_16F}) {
            Buffer c = device.allocate(4);
            ok(cublasGemmEx_new(handle, N, N, 1, 1, 1, ONE, Element.FLOAT.upload(device, tie).pointer(), 0, 1,
                    device.buffer(1f).pointer(), 0, 1, ZERO, c.pointer(), 0, 1, compute, DEFAULT));
            SoftDevice.synchronize();
            assertEquals(compute == cublasComputeType.CUBLAS_COMPUTE_32F_FAST_TF32 ? 1 + 0x1p-10f : 1f,
                    c.floats()[0]);
        }
    }

    @ParameterizedTest
    @CsvSource({"FLOAT, FLOAT, 68", "BFLOAT16, FLOAT, 68", "HALF, HALF, 68"})
    void multipliesBatches(Element ab, Element ct, int compute) {
        Gemm g = new Gemm(N, T, 3, 4, 5, 1);
        int batch = 3;
        int distanceA = g.a().extent() + 2;
        int distanceB = 0; // One B for all products.
        int distanceC = g.c().extent() + 3;
        Random random = new Random(4);
        double[] allA = new double[batch * distanceA];
        double[] allC = new double[batch * distanceC];
        Arrays.fill(allC, GAP);
        double[] expected = allC.clone();
        double[] b = integers(random, g.k * g.n);
        for (int i = 0; i < batch; i++) {
            double[] a = integers(random, g.m * g.k);
            double[] c = integers(random, g.m * g.n);
            System.arraycopy(g.a().place(a, GAP), 0, allA, i * distanceA, g.a().extent());
            System.arraycopy(g.c().place(c, GAP), 0, allC, i * distanceC, g.c().extent());
            double[] result = ct.round(g.expected(2, 0.5, a, b, c));
            System.arraycopy(g.c().place(result, GAP), 0, expected, i * distanceC, g.c().extent());
        }
        Buffer as = ab.upload(device, allA);
        Buffer bs = ab.upload(device, g.b().place(b, GAP));
        Pointer alpha = Element.FLOAT.scalar(2);
        Pointer beta = Element.FLOAT.scalar(0.5);
        Buffer strided = ct.upload(device, allC);
        ok(cublasGemmStridedBatchedEx_new(handle, N, T, g.m, g.n, g.k, alpha, as.pointer(), ab.cudaType, g.lda(),
                distanceA, bs.pointer(), ab.cudaType, g.ldb(), distanceB, beta, strided.pointer(), ct.cudaType,
                g.ldc(), distanceC, batch, compute, DEFAULT));
        SoftDevice.synchronize();
        assertArrayEquals(expected, ct.download(strided), EXACT);

        Buffer scattered = ct.upload(device, allC);
        Buffer aPointers = addresses(as, distanceA * ab.bytes, batch);
        Buffer bPointers = addresses(bs, 0, batch);
        Buffer cPointers = addresses(scattered, distanceC * ct.bytes, batch);
        ok(cublasGemmBatchedEx_new(handle, N, T, g.m, g.n, g.k, alpha, aPointers.pointer(), ab.cudaType, g.lda(),
                bPointers.pointer(), ab.cudaType, g.ldb(), beta, cPointers.pointer(), ct.cudaType, g.ldc(), batch,
                compute, DEFAULT));
        SoftDevice.synchronize();
        assertArrayEquals(expected, ct.download(scattered), EXACT);
        if (ab == Element.FLOAT) {
            Buffer again = ct.upload(device, allC);
            ok(cublasSgemmStridedBatched(handle, N, T, g.m, g.n, g.k, alpha, as.pointer(), g.lda(), distanceA,
                    bs.pointer(), g.ldb(), distanceB, beta, again.pointer(), g.ldc(), distanceC, batch));
            Buffer pointers = addresses(again, distanceC * ct.bytes, batch);
            ok(cublasSgemmBatched(handle, N, T, g.m, g.n, g.k, ONE, aPointers.pointer(), g.lda(),
                    bPointers.pointer(), g.ldb(), ZERO, pointers.pointer(), g.ldc(), 0));
            SoftDevice.synchronize();
            assertArrayEquals(expected, ct.download(again), EXACT);
            refused(INVALID, cublasSgemmStridedBatched(handle, N, T, g.m, g.n, g.k, alpha, as.pointer(), g.lda(),
                    distanceA, bs.pointer(), g.ldb(), distanceB, beta, again.pointer(), g.ldc(), distanceC, -1));
            refused(INVALID, cublasSgemmStridedBatched(handle, N, T, g.m, g.n, g.k, alpha, as.pointer(), g.lda(),
                    distanceA, bs.pointer(), g.ldb(), distanceB, beta, again.pointer(), g.ldc(), 1, batch));
        }
    }

    /** The addresses of matrices in device memory: written by a kernel, since JCuda does not expose them. */
    private Buffer addresses(Buffer of, int distance, int count) {
        Buffer addresses = device.allocate(8L * count);
        device.kernel("""
                extern "C" __global__ void addresses(char *first, long long distance, char **to) {
                    to[threadIdx.x] = first + threadIdx.x * distance;
                }
                """).launch(1, count, of, (long) distance, addresses);
        return addresses;
    }

    /** In device mode the factors are read when the work runs. */
    @Test
    void takesFactorsFromTheDevice() {
        CUstream stream = stream();
        ok(cublasSetPointerMode(handle, cublasPointerMode.CUBLAS_POINTER_MODE_DEVICE));
        Buffer factors = device.buffer(1f, 1f);
        Buffer a = device.buffer(3f);
        Buffer c = device.buffer(10f);
        ok(cublasSgemm(handle, N, N, 1, 1, 1, factors.pointer(), a.pointer(), 1, a.pointer(), 1, factors.at(4),
                c.pointer(), 1));
        check(cuMemcpyHtoD(factors.pointer(), Pointer.to(new float[] {2, 0.5f}), 8));
        check(cuStreamSynchronize(stream));
        assertArrayEquals(new float[] {2 * 9 + 5}, c.floats());

        Buffer sum = device.allocate(4);
        ok(cublasSdot(handle, 1, a.pointer(), 1, c.pointer(), 1, sum.pointer()));
        check(cuStreamSynchronize(stream));
        assertArrayEquals(new float[] {69}, sum.floats());
        close(stream);
        ok(cublasSetPointerMode(handle, cublasPointerMode.CUBLAS_POINTER_MODE_DEVICE));
        String report = device.expectFault(CUresult.CUDA_ERROR_LAUNCH_FAILED, () -> {
            ok(cublasSgemm(handle, N, N, 1, 1, 1, device.allocate(4).pointer(), a.pointer(), 1, a.pointer(), 1,
                    factors.at(4), c.pointer(), 1));
            SoftDevice.synchronize();
        });
        assertTrue(report.contains("alpha"), report);
    }

    @Test
    void hasHandlesWithModes() {
        int[] value = new int[1];
        ok(cublasGetVersion(handle, value));
        assertEquals(12, value[0] / 10000);
        assertEquals("CUBLAS_STATUS_NOT_SUPPORTED", cublasGetStatusName(NOT_SUPPORTED));
        ok(cublasGetPointerMode(handle, value));
        assertEquals(cublasPointerMode.CUBLAS_POINTER_MODE_HOST, value[0]);
        ok(cublasSetPointerMode(handle, cublasPointerMode.CUBLAS_POINTER_MODE_DEVICE));
        ok(cublasGetPointerMode(handle, value));
        assertEquals(cublasPointerMode.CUBLAS_POINTER_MODE_DEVICE, value[0]);
        refused(INVALID, cublasSetPointerMode(handle, 2));
        ok(cublasGetAtomicsMode(handle, value));
        assertEquals(cublasAtomicsMode.CUBLAS_ATOMICS_NOT_ALLOWED, value[0]);
        ok(cublasSetAtomicsMode(handle, cublasAtomicsMode.CUBLAS_ATOMICS_ALLOWED));
        ok(cublasGetAtomicsMode(handle, value));
        assertEquals(cublasAtomicsMode.CUBLAS_ATOMICS_ALLOWED, value[0]);
        ok(cublasGetMathMode(handle, value));
        assertEquals(cublasMath.CUBLAS_DEFAULT_MATH, value[0]);
        int flag = cublasMath.CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION;
        ok(cublasSetMathMode(handle, cublasMath.CUBLAS_PEDANTIC_MATH | flag));
        ok(cublasGetMathMode(handle, value));
        assertEquals(cublasMath.CUBLAS_PEDANTIC_MATH | flag, value[0]);
        refused(INVALID, cublasSetMathMode(handle, 4));

        CUstream stream = stream();
        cudaStream_t got = new cudaStream_t();
        ok(cublasGetStream(handle, got));
        assertEquals(new cudaStream_t(stream), got);
        close(stream);
        Buffer workspace = device.allocate(1024);
        ok(cublasSetWorkspace(handle, workspace.pointer(), 1024));
        refused(INVALID, cublasSetWorkspace(handle, workspace.at(16), 512));
        refused(INVALID, cublasSetWorkspace(handle, new Pointer(), 512));

        cublasHandle other = new cublasHandle();
        ok(cublasCreate(other));
        ok(cublasDestroy(other));
        refused(cublasStatus.CUBLAS_STATUS_NOT_INITIALIZED, cublasSetStream(other, null));
        refused(cublasStatus.CUBLAS_STATUS_NOT_INITIALIZED, cublasDestroy(other));
    }

    @Test
    void refusesWhatDoesNotFit() {
        float[] values = new float[64];
        Arrays.fill(values, 3);
        Buffer a = device.buffer(values);
        Buffer c = device.buffer(values);
        Pointer p = a.pointer();
        Pointer q = c.pointer();
        Pointer none = new Pointer();
        int[][] wrong = {
            // Operations, m, n, k, and leading dimensions.
            {3, N, 2, 3, 4, 8, 8, 8}, {N, -1, 2, 3, 4, 8, 8, 8}, {N, N, -2, 3, 4, 8, 8, 8}, {N, N, 2, -3, 4, 8, 8, 8},
            {N, N, 2, 3, -4, 8, 8, 8}, {N, N, 2, 3, 4, 1, 4, 2}, {T, N, 2, 3, 4, 3, 4, 2}, {N, N, 2, 3, 4, 2, 3, 2},
            {N, T, 2, 3, 4, 2, 2, 2}, {N, N, 2, 3, 4, 2, 4, 1}, {N, N, 0, 3, 4, 0, 4, 1}, {N, N, 2, 3, 0, 2, 0, 2}};
        for (int[] w : wrong) {
            refused(INVALID, cublasSgemm(handle, w[0], w[1], w[2], w[3], w[4], ONE, p, w[5], p, w[6], ONE, q, w[7]));
            refused(INVALID, cublasSgemm_v2_64(handle, w[0], w[1], w[2], w[3], w[4], ONE, p, w[5], p, w[6], ONE, q,
                    w[7]));
        }
        refused(INVALID, cublasSgemm(handle, N, N, 2, 2, 2, none, p, 2, p, 2, ONE, q, 2));
        refused(INVALID, cublasSgemm(handle, N, N, 2, 2, 2, ONE, p, 2, p, 2, none, q, 2));
        refused(INVALID, cublasSgemm(handle, N, N, 2, 2, 2, ONE, none, 2, p, 2, ONE, q, 2));
        refused(INVALID, cublasSgemm(handle, N, N, 2, 2, 2, ONE, p, 2, none, 2, ONE, q, 2));
        refused(INVALID, cublasSgemm(handle, N, N, 2, 2, 2, ONE, p, 2, p, 2, ONE, none, 2));
        refused(INVALID, cublasSgemm(handle, N, N, 2, 2, 2, ONE, a.at(2), 2, p, 2, ONE, q, 2));
        refused(INVALID, cublasGemmEx_new(handle, N, N, 2, 2, 2, ONE, a.at(1), Element.BFLOAT16.cudaType, 2, p,
                Element.BFLOAT16.cudaType, 2, ONE, q, Element.FLOAT.cudaType, 2, COMPUTE_32F, DEFAULT));
        refused(INVALID, cublasGemmEx_new(handle, N, N, 2, 2, 2, ONE, p, Element.BFLOAT16.cudaType, 1, p,
                Element.BFLOAT16.cudaType, 2, ONE, q, Element.FLOAT.cudaType, 2, COMPUTE_32F, DEFAULT));
        refused(cublasStatus.CUBLAS_STATUS_NOT_INITIALIZED,
                cublasSgemm(new cublasHandle(), N, N, 2, 2, 2, ONE, p, 2, p, 2, ONE, q, 2));
        int half = Element.HALF.cudaType;
        int bfloat = Element.BFLOAT16.cudaType;
        int[][] combinations = {{half, bfloat, 0, COMPUTE_32F}, {half, half, bfloat, COMPUTE_32F},
            {0, 0, half, COMPUTE_32F}, {bfloat, bfloat, bfloat, 64}, {1, 1, 1, COMPUTE_32F}, {0, 0, 0, 70},
            {0, 0, 0, 64}, {half, half, 0, 77}, {3, 3, 10, 72}};
        for (int[] t : combinations) {
            refused(NOT_SUPPORTED, cublasGemmEx_new(handle, N, N, 2, 2, 2, ONE, p, t[0], 2, p, t[1], 2, ONE, q, t[2],
                    2, t[3], DEFAULT));
        }
        for (int algorithm : new int[] {-2, 24, 98, 116}) {
            refused(INVALID, cublasGemmEx_new(handle, N, N, 2, 2, 2, ONE, p, 0, 2, p, 0, 2, ONE, q, 0, 2, COMPUTE_32F,
                    algorithm));
        }
        refused(INVALID, cublasSaxpy(handle, 2, ONE, p, 0, q, 1));
        refused(INVALID, cublasSgemv(handle, N, 2, 2, ONE, p, 1, p, 1, ONE, q, 1));
        refused(INVALID, cublasSgeam(handle, N, N, 2, 2, ONE, p, 1, ONE, p, 2, q, 2));
        refused(INVALID, cublasSgeam(handle, T, N, 2, 2, ONE, q, 2, ONE, p, 2, q, 2));
        SoftDevice.synchronize();
        assertArrayEquals(values, a.floats());
        assertArrayEquals(values, c.floats());
    }

    /** Calls return at once. Errors in the work are reported when it runs, with the name of the matrix. */
    @Test
    void reportsMemoryThatIsMissingOrNotWritten() {
        for (int bad = 0; bad < 3; bad++) {
            for (boolean small : new boolean[] {true, false}) {
                // A is 2 x 3, B 3 x 2, C 2 x 2 with columns 3 apart.
                int[] counts = {6, 6, 5};
                Buffer[] b = new Buffer[3];
                for (int i = 0; i < 3; i++) {
                    int written = counts[i] - (i == bad ? 1 : 0);
                    b[i] = device.allocate(4L * (i == bad && small ? written : counts[i]));
                    check(cuMemcpyHtoD(b[i].pointer(), Pointer.to(new float[written]), 4L * written));
                }
                String report = device.expectFault(
                        small ? CUresult.CUDA_ERROR_ILLEGAL_ADDRESS : CUresult.CUDA_ERROR_LAUNCH_FAILED, () -> {
                    ok(cublasSgemm(handle, N, N, 2, 2, 3, ONE, b[0].pointer(), 2, b[1].pointer(), 3, ONE,
                            b[2].pointer(), 3));
                    SoftDevice.synchronize();
                });
                assertTrue(report.contains("cublasSgemm") && report.contains(": " + "ABC".charAt(bad)), report);
            }
        }
        String report = device.expectFault(CUresult.CUDA_ERROR_LAUNCH_FAILED, () -> {
            Buffer pointers = device.allocate(16);
            ok(cublasSgemmBatched(handle, N, N, 1, 1, 1, ONE, pointers.pointer(), 1, pointers.pointer(), 1, ONE,
                    pointers.pointer(), 1, 2));
            SoftDevice.synchronize();
        });
        assertTrue(report.contains("addresses"), report);
    }

    /** If the leading dimension is larger than needed, the gap between C's columns is neither read nor written. */
    @Test
    void leavesGapsAlone() {
        Buffer c = device.allocate(20);
        for (int at : new int[] {0, 1, 3, 4}) {
            check(cuMemcpyHtoD(c.at(4L * at), Pointer.to(new float[] {at}), 4));
        }
        Buffer one = device.buffer(1f, 1f);
        ok(cublasSgemm(handle, N, N, 2, 2, 1, ONE, one.pointer(), 2, one.pointer(), 1, ONE, c.pointer(), 3));
        SoftDevice.synchronize();
        for (int at : new int[] {0, 1, 3, 4}) {
            float[] value = new float[1];
            check(cuMemcpyDtoH(Pointer.to(value), c.at(4L * at), 4));
            assertEquals(at + 1, value[0]);
        }
    }

    @Test
    void runsInTheOrderOfItsStream() {
        CUstream stream = stream();
        Buffer a = device.buffer(0f);
        Buffer c = device.buffer(7f);
        check(cuMemsetD32Async(a.pointer(), Float.floatToIntBits(3), 1, stream));
        float[] alpha = {2};
        ok(cublasSgemm(handle, N, N, 1, 1, 1, Pointer.to(alpha), a.pointer(), 1, a.pointer(), 1, ZERO, c.pointer(),
                1));
        alpha[0] = 100;
        check(cuMemsetD32Async(a.pointer(), Float.floatToIntBits(5), 1, stream));
        assertArrayEquals(new float[] {7}, c.floats(), "the default stream does not wait for this one");
        check(cuStreamSynchronize(stream));
        assertArrayEquals(new float[] {18}, c.floats());
        // A result on the host is available when the call returns.
        float[] sum = new float[1];
        ok(cublasSdot(handle, 1, a.pointer(), 1, a.pointer(), 1, Pointer.to(sum)));
        assertEquals(25, sum[0]);
        close(stream);
    }

    @Test
    void isCapturedInGraphs() {
        CUstream stream = stream();
        Buffer a = device.buffer(3f);
        Buffer c = device.buffer(0f);
        check(cuStreamBeginCapture(stream, CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_GLOBAL));
        ok(cublasSgemm(handle, N, N, 1, 1, 1, ONE, a.pointer(), 1, a.pointer(), 1, ONE, c.pointer(), 1));
        CUgraph graph = new CUgraph();
        check(cuStreamEndCapture(stream, graph));
        CUgraphExec executable = new CUgraphExec();
        check(cuGraphInstantiate(executable, graph, 0));
        assertArrayEquals(new float[1], c.floats());
        for (int launch = 1; launch <= 2; launch++) {
            check(cuGraphLaunch(executable, stream));
            check(cuStreamSynchronize(stream));
            assertArrayEquals(new float[] {9 * launch}, c.floats());
        }
        check(cuGraphExecDestroy(executable));
        check(cuGraphDestroy(graph));
        close(stream);
    }

    private CUstream stream() {
        CUstream stream = new CUstream();
        check(cuStreamCreate(stream, CUstream_flags.CU_STREAM_NON_BLOCKING));
        ok(cublasSetStream(handle, new cudaStream_t(stream)));
        return stream;
    }

    private void close(CUstream stream) {
        ok(cublasSetStream(handle, null));
        ok(cublasSetPointerMode(handle, cublasPointerMode.CUBLAS_POINTER_MODE_HOST));
        check(cuStreamDestroy(stream));
    }

    /** With increments; as in BLAS, a negative increment begins at the end of the vector. */
    @Test
    void worksOnVectors() {
        Buffer x = device.buffer(1f, 0f, -2f, 0f, 3f);
        Buffer y = device.buffer(10f, 20f, 30f);
        ok(cublasSaxpy(handle, 3, Element.FLOAT.scalar(2), x.pointer(), 2, y.pointer(), -1));
        SoftDevice.synchronize();
        assertArrayEquals(new float[] {16, 16, 32}, y.floats());
        float[] result = new float[1];
        ok(cublasSdot(handle, 3, x.pointer(), -2, y.pointer(), 1, Pointer.to(result)));
        assertEquals(3 * 16 - 2 * 16 + 32, result[0]);
        ok(cublasSasum(handle, 3, x.pointer(), 2, Pointer.to(result)));
        assertEquals(6, result[0]);
        ok(cublasSnrm2(handle, 2, device.buffer(3f, -4f).pointer(), 1, Pointer.to(result)));
        assertEquals(5, result[0]);
        ok(cublasSnrm2(handle, 0, x.pointer(), 1, Pointer.to(result)));
        assertEquals(0, result[0]);
        ok(cublasSscal(handle, 3, Element.FLOAT.scalar(-1), x.pointer(), 2));
        Buffer copy = device.allocate(12);
        ok(cublasScopy(handle, 3, x.pointer(), 2, copy.pointer(), 1));
        SoftDevice.synchronize();
        assertArrayEquals(new float[] {-1, 2, -3}, copy.floats());
        double[] wide = new double[1];
        Buffer d = device.buffer(1e10, 1);
        ok(cublasDdot(handle, 2, d.pointer(), 1, d.pointer(), 1, Pointer.to(wide)));
        assertEquals(1e20 + 1, wide[0]);
    }

    @Test
    void multipliesMatricesWithVectorsAndAddsMatrices() {
        // Columns (1, 2, 3) and (4, 5, 6), of a leading dimension of 4.
        Buffer a = device.buffer(1f, 2f, 3f, 77f, 4f, 5f, 6f);
        Buffer y = device.buffer(1f, 1f, 1f);
        Pointer two = Element.FLOAT.scalar(2);
        ok(cublasSgemv(handle, N, 3, 2, ONE, a.pointer(), 4, device.buffer(10f, 100f).pointer(), 1, two, y.pointer(),
                1));
        Buffer transposed = device.allocate(8);
        ok(cublasSgemv(handle, T, 3, 2, ONE, a.pointer(), 4, device.buffer(1f, 10f, 100f).pointer(), 1, ZERO,
                transposed.pointer(), 1));
        SoftDevice.synchronize();
        assertArrayEquals(new float[] {412, 522, 632}, y.floats());
        assertArrayEquals(new float[] {321, 654}, transposed.floats());
        Buffer b = device.buffer(10f, 20f, 30f, 40f, 50f, 60f);
        Buffer c = device.allocate(24);
        ok(cublasSgeam(handle, T, N, 2, 3, ONE, a.pointer(), 4, two, b.pointer(), 2, c.pointer(), 2));
        SoftDevice.synchronize();
        assertArrayEquals(new float[] {21, 44, 62, 85, 103, 126}, c.floats());
        ok(cublasSgeam(handle, T, N, 2, 3, ONE, a.pointer(), 4, ZERO, new Pointer(), 2, c.pointer(), 2));
        SoftDevice.synchronize();
        assertArrayEquals(new float[] {1, 4, 2, 5, 3, 6}, c.floats());
    }

    @Test
    void copiesVectorsAndMatrices() {
        float[] values = {1, 2, 3, 4, 5, 6};
        Buffer on = device.buffer(new float[6]);
        ok(cublasSetVector(3, 4, Pointer.to(values), 2, on.pointer(), 1));
        assertArrayEquals(new float[] {1, 3, 5, 0, 0, 0}, on.floats());
        float[] back = new float[6];
        ok(cublasGetVector(3, 4, on.pointer(), 1, Pointer.to(back), 2));
        assertArrayEquals(new float[] {1, 0, 3, 0, 5, 0}, back);
        ok(cublasSetMatrix(1, 2, 4, Pointer.to(values), 3, on.pointer(), 4));
        assertArrayEquals(new float[] {1, 3, 5, 0, 4, 0}, on.floats());
        ok(cublasGetMatrix(2, 2, 4, on.pointer(), 4, Pointer.to(back), 2));
        assertArrayEquals(new float[] {1, 3, 4, 0, 5, 0}, back);
        refused(INVALID, cublasSetMatrix(2, 2, 4, Pointer.to(values), 1, on.pointer(), 2));
    }

    @Test
    void refusesWhatIsNotProvided() {
        Buffer a = device.buffer(new float[8]);
        Pointer complex = Pointer.to(new float[] {1, 0});
        refused(NOT_SUPPORTED, cublasCgemm(handle, N, N, 1, 1, 1, complex, a.pointer(), 1, a.pointer(), 1, complex,
                a.pointer(), 1));
        refused(NOT_SUPPORTED, cublasSsyrk(handle, 0, N, 1, 1, ONE, a.pointer(), 1, ZERO, a.pointer(), 1));
        refused(NOT_SUPPORTED, cublasSrotm(handle, 1, a.pointer(), 1, a.pointer(), 1, a.pointer()));
        SoftDevice.synchronize();
    }
}
