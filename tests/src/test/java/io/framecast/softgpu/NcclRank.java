package io.framecast.softgpu;

import static io.framecast.softgpu.SoftDevice.check;
import static jcuda.driver.JCudaDriver.cuCtxCreate;
import static jcuda.driver.JCudaDriver.cuCtxPopCurrent;
import static jcuda.driver.JCudaDriver.cuCtxSetCurrent;
import static jcuda.driver.JCudaDriver.cuDeviceGet;
import static jcuda.driver.JCudaDriver.cuDevicePrimaryCtxRetain;
import static jcuda.driver.JCudaDriver.cuEventCreate;
import static jcuda.driver.JCudaDriver.cuEventRecord;
import static jcuda.driver.JCudaDriver.cuGraphInstantiate;
import static jcuda.driver.JCudaDriver.cuGraphLaunch;
import static jcuda.driver.JCudaDriver.cuInit;
import static jcuda.driver.JCudaDriver.cuMemAlloc;
import static jcuda.driver.JCudaDriver.cuMemFree;
import static jcuda.driver.JCudaDriver.cuMemcpyDtoDAsync;
import static jcuda.driver.JCudaDriver.cuMemcpyDtoH;
import static jcuda.driver.JCudaDriver.cuMemcpyHtoD;
import static jcuda.driver.JCudaDriver.cuMemsetD32Async;
import static jcuda.driver.JCudaDriver.cuStreamBeginCapture;
import static jcuda.driver.JCudaDriver.cuStreamCreate;
import static jcuda.driver.JCudaDriver.cuStreamEndCapture;
import static jcuda.driver.JCudaDriver.cuStreamSynchronize;
import static jcuda.driver.JCudaDriver.cuStreamWaitEvent;

import io.framecast.backend.SocketGroup;
import io.framecast.backend.cuda.library.JCudaLibrary;
import io.framecast.nccl.NativeNccl;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import jcuda.Pointer;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUevent;
import jcuda.driver.CUgraph;
import jcuda.driver.CUgraphExec;
import jcuda.driver.CUresult;
import jcuda.driver.CUstream;
import jcuda.driver.CUstreamCaptureMode;
import jcuda.runtime.cudaStream_t;
import org.bytedeco.javacpp.BytePointer;

/** A process of {@link NcclTest}, with a rank of a communicator. It prints what the test looks at. */
final class NcclRank {

    /** NCCL's numbers. */
    static final int INT8 = 0;
    static final int INT32 = 2;
    static final int INT64 = 4;
    static final int FLOAT16 = 6;
    static final int FLOAT32 = 7;
    static final int FLOAT64 = 8;
    static final int BFLOAT16 = 9;
    static final int SUM = 0;
    static final int AVERAGE = 4;

    private static final class Stream extends cudaStream_t {
        final long address;

        Stream(CUstream stream) {
            super(stream);
            address = getNativePointer();
        }
    }

    private static final class Memory extends CUdeviceptr {
        final long address;

        Memory(CUdeviceptr memory) {
            super(memory);
            address = getNativePointer() + getByteOffset();
        }
    }

    private final int rank;
    private final int size;
    private final SocketGroup group;
    private final NativeNccl.Library nccl;
    private final NativeNccl.Communicator communicator;
    private final CUstream main = stream();
    private final CUstream side = stream();

    private NcclRank(int rank, int size, Path directory) throws Exception {
        this.rank = rank;
        this.size = size;
        group = SocketGroup.join(directory, size, rank);
        nccl = new NativeNccl.Library("libnccl.so.2");
        communicator = new NativeNccl.Communicator(nccl);
        byte[] id = new byte[NativeNccl.ID_BYTES];
        if (rank == 0) {
            require(nccl.unique_id(id));
        }
        require(communicator.init(size, new BytePointer(group.broadcast(id)), rank));
    }

    public static void main(String[] arguments) throws Exception {
        SoftGpu.load();
        JCudaLibrary.DRIVER.load();
        NativeNccl.load();
        check(cuInit(0));
        SoftGpu.configure("threads=1,checks=all+-leaks"); // The process ends with all that it has.
        CUdevice device = new CUdevice();
        check(cuDeviceGet(device, 0));
        CUcontext context = new CUcontext();
        check(cuDevicePrimaryCtxRetain(context, device));
        check(cuCtxSetCurrent(context));
        NcclRank rank = new NcclRank(Integer.parseInt(arguments[0]), Integer.parseInt(arguments[1]),
                Path.of(arguments[2]));
        switch (arguments[3]) {
            case "sums" -> rank.sums();
            case "order" -> rank.order();
            case "capture" -> rank.capture();
            case "disagree" -> rank.disagree();
            case "ended" -> rank.ended(false);
            case "abort" -> rank.ended(true);
            case "arguments" -> rank.arguments(device);
            default -> throw new IllegalArgumentException(arguments[3]);
        }
        System.out.flush();
        Runtime.getRuntime().halt(0);
    }

    private static CUstream stream() {
        CUstream stream = new CUstream();
        check(cuStreamCreate(stream, 1));
        return stream;
    }

    private void require(int result) {
        if (result != 0) {
            throw new IllegalStateException(nccl.error_string(result) + ": " + nccl.last_error());
        }
    }

    private static CUdeviceptr allocate(long bytes) {
        CUdeviceptr memory = new CUdeviceptr();
        check(cuMemAlloc(memory, bytes));
        return memory;
    }

    private static CUdeviceptr floats(float... values) {
        CUdeviceptr memory = allocate(4L * values.length);
        check(cuMemcpyHtoD(memory, Pointer.to(values), 4L * values.length));
        return memory;
    }

    private static float[] read(CUdeviceptr memory, int count) {
        float[] values = new float[count];
        check(cuMemcpyDtoH(Pointer.to(values), memory, 4L * count));
        return values;
    }

    private static long at(CUdeviceptr memory) {
        return new Memory(memory).address;
    }

    private static long on(CUstream stream) {
        return new Stream(stream).address;
    }

    private int allReduce(CUdeviceptr memory, long count, CUstream stream) {
        return communicator.all_reduce(at(memory), at(memory), count, FLOAT32, SUM, on(stream));
    }

    /** What rank r has: any process can compute it. Small whole numbers, of which all types have the sums exactly. */
    private static double value(int r, int k) {
        return new Random(100L * r + k).nextInt(7) - 3;
    }

    private static byte[] encode(double[] values, int type) {
        int[] bytes = {1, 1, 4, 4, 8, 8, 2, 4, 8, 2};
        ByteBuffer buffer = ByteBuffer.allocate(bytes[type] * values.length).order(ByteOrder.nativeOrder());
        for (double value : values) {
            switch (type) {
                case INT8 -> buffer.put((byte) value);
                case INT32 -> buffer.putInt((int) value);
                case INT64 -> buffer.putLong((long) value);
                case FLOAT32 -> buffer.putFloat((float) value);
                case FLOAT64 -> buffer.putDouble(value);
                case FLOAT16 -> buffer.putShort(half((float) value));
                case BFLOAT16 -> buffer.putShort((short) (Float.floatToRawIntBits((float) value) >>> 16));
                default -> throw new IllegalArgumentException("type " + type);
            }
        }
        return buffer.array();
    }

    /** Of a number that float16 has. */
    private static short half(float value) {
        int bits = Float.floatToRawIntBits(value);
        int exponent = value == 0 ? 0 : Math.getExponent(value) + 15;
        return (short) (bits >>> 16 & 0x8000 | exponent << 10 | bits >>> 13 & 0x3ff);
    }

    private CUdeviceptr memory(double[] values, int type) {
        byte[] bytes = encode(values, type);
        CUdeviceptr memory = allocate(bytes.length);
        check(cuMemcpyHtoD(memory, Pointer.to(bytes), bytes.length));
        return memory;
    }

    private void expect(String what, double[] expected, int type, CUdeviceptr memory) {
        check(cuStreamSynchronize(main));
        byte[] wanted = encode(expected, type);
        byte[] got = new byte[wanted.length];
        check(cuMemcpyDtoH(Pointer.to(got), memory, got.length));
        if (!Arrays.equals(wanted, got)) {
            throw new AssertionError(what + " of type " + type + " is wrong");
        }
        check(cuMemFree(memory));
    }

    /** All functions and types, and an array of several chunks, against plain sums. */
    private void sums() {
        for (int type : new int[] {INT8, INT32, INT64, FLOAT16, FLOAT32, FLOAT64, BFLOAT16}) {
            for (int op = SUM; op <= AVERAGE; op++) {
                int n = 1000;
                double[] own = new double[n];
                double[] all = new double[n];
                for (int k = 0; k < n; k++) {
                    own[k] = value(rank, k);
                    all[k] = reduced(op, k, type);
                }
                CUdeviceptr sums = memory(own, type);
                require(communicator.all_reduce(at(sums), at(sums), n, type, op, on(main)));
                expect("ncclAllReduce, operation " + op, all, type, sums);
            }
        }
        int n = 700_001;
        double[] own = new double[n];
        double[] all = new double[n];
        double[] everything = new double[size * n];
        for (int k = 0; k < n; k++) {
            own[k] = value(rank, k);
            all[k] = reduced(SUM, k, FLOAT32);
            for (int r = 0; r < size; r++) {
                everything[r * n + k] = value(r, k);
            }
        }
        CUdeviceptr from = memory(own, FLOAT32);
        CUdeviceptr to = allocate(4L * n);
        require(communicator.all_reduce(at(from), at(to), n, FLOAT32, SUM, on(main)));
        expect("ncclAllReduce", all, FLOAT32, to);
        to = memory(own, FLOAT32);
        require(communicator.broadcast(at(from), at(to), n, FLOAT32, size - 1, on(main)));
        expect("ncclBroadcast", Arrays.copyOfRange(everything, (size - 1) * n, size * n), FLOAT32, to);
        to = memory(own, FLOAT32);
        require(communicator.reduce(at(from), at(to), n, FLOAT32, SUM, 1, on(main)));
        expect("ncclReduce", rank == 1 ? all : own, FLOAT32, to);
        CUdeviceptr gathered = allocate(4L * n * size);
        require(communicator.all_gather(at(from), at(gathered), n, FLOAT32, on(main)));
        // Each rank has the whole, so that the sum of its part over all ranks is the part times their number.
        to = allocate(4L * n);
        require(communicator.reduce_scatter(at(gathered), at(to), n, FLOAT32, SUM, on(main)));
        expect("ncclAllGather", everything, FLOAT32, gathered);
        expect("ncclReduceScatter", Arrays.stream(own).map(x -> x * size).toArray(), FLOAT32, to);
        int[] result = new int[1];
        require(communicator.count(result));
        require(communicator.destroy());
        System.out.print(result[0] + " ranks: right" + SoftGpu.report());
    }

    private double reduced(int op, int k, int type) {
        double all = value(0, k);
        for (int r = 1; r < size; r++) {
            double x = value(r, k);
            all = switch (op) {
                case 1 -> all * x;
                case 2 -> Math.max(all, x);
                case 3 -> Math.min(all, x);
                default -> all + x;
            };
        }
        // Sizes are powers of two, so that shares are exact. Integers are cut off.
        return op != AVERAGE ? all : type <= INT64 ? (double) ((long) all / size) : all / size;
    }

    /**
     * Work of a communicator runs in the order of its calls, in whatever streams: no ranks wait for each other if one
     * waits for its one stream and another for the other. And it runs though nobody waits for the stream.
     */
    private void order() {
        CUdeviceptr a = floats(1, 2);
        CUdeviceptr b = floats(10, 20);
        for (int k = 0; k < 3; k++) {
            require(allReduce(a, 2, main));
            require(allReduce(b, 2, side));
            check(cuStreamSynchronize(rank == 0 ? main : side));
        }
        check(cuStreamSynchronize(main));
        check(cuStreamSynchronize(side));
        CUdeviceptr c = floats(rank);
        require(allReduce(c, 1, side));
        if (rank != 0) {
            check(cuStreamSynchronize(side));
        }
        group.allGather(1); // Rank 0 comes here at once, the others after their sums.
        check(cuStreamSynchronize(side));
        System.out.print(Arrays.toString(read(a, 2)) + Arrays.toString(read(b, 2)) + Arrays.toString(read(c, 1))
                + SoftGpu.report());
    }

    /** Two streams in one graph, launched between calls outside it. */
    private void capture() {
        CUdeviceptr a = floats(0, 0);
        CUdeviceptr b = floats(1, rank);
        CUdeviceptr c = floats(0, 0);
        CUevent forked = new CUevent();
        CUevent joined = new CUevent();
        check(cuEventCreate(forked, 2));
        check(cuEventCreate(joined, 2));
        check(cuStreamBeginCapture(main, CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL));
        check(cuMemsetD32Async(a, Float.floatToIntBits(rank + 1), 2, main));
        check(cuEventRecord(forked, main));
        check(cuStreamWaitEvent(side, forked, 0));
        require(allReduce(a, 2, side)); // (1 + 2) in both
        require(allReduce(b, 2, main));
        check(cuEventRecord(joined, side));
        check(cuStreamWaitEvent(main, joined, 0));
        check(cuMemcpyDtoDAsync(c, a, 8, main));
        CUgraph graph = new CUgraph();
        check(cuStreamEndCapture(main, graph));
        CUgraphExec exec = new CUgraphExec();
        check(cuGraphInstantiate(exec, graph, 0));
        for (int k = 0; k < 3; k++) {
            check(cuGraphLaunch(exec, main));
            require(allReduce(c, 1, side)); // Not in the graph, which does not wait for it: after its collectives.
            check(cuStreamSynchronize(rank == 0 ? side : main));
        }
        check(cuStreamSynchronize(main));
        check(cuStreamSynchronize(side));
        System.out.print(Arrays.toString(read(a, 2)) + Arrays.toString(read(b, 2)) + Arrays.toString(read(c, 2))
                + SoftGpu.report());
    }

    private void disagree() {
        CUdeviceptr memory = floats(1, 2, 3);
        require(allReduce(memory, 3, main));
        check(cuStreamSynchronize(main));
        require(rank == 0 ? allReduce(memory, 3, main)
                : communicator.broadcast(at(memory), at(memory), 2, INT32, 1, on(main)));
        System.out.print(CUresult.stringFor(cuStreamSynchronize(main)) + " " + SoftGpu.report());
    }

    /** Rank 1 ends. The others wait for it; or a thread of theirs sees it, and aborts. */
    private void ended(boolean abort) throws Exception {
        CUdeviceptr memory = floats(1, 2, 3);
        require(allReduce(memory, 3, main));
        check(cuStreamSynchronize(main));
        if (rank == 1) {
            return;
        }
        require(allReduce(memory, 3, main));
        Thread watch = new Thread(() -> {
            int[] error = new int[1];
            while (error[0] == 0) {
                require(communicator.asynchronous_error(error));
            }
            System.out.print(nccl.error_string(error[0]) + "; ");
            require(communicator.abort());
        });
        if (abort) {
            watch.start();
        }
        long begin = System.nanoTime();
        System.out.print(CUresult.stringFor(cuStreamSynchronize(main)) + " ");
        System.out.print((System.nanoTime() - begin < 4e9 ? "soon" : "late") + " " + SoftGpu.report());
        watch.join();
    }

    /** Each line: what a call with a mistake returns, and its reason. Only the ones that are queued wait for others. */
    private void arguments(CUdevice device) {
        CUdeviceptr memory = floats(1, 2, 3);
        say("too long", allReduce(memory, 4, main));
        say("unaligned", communicator.all_reduce(at(memory) + 2, at(memory) + 2, 1, FLOAT32, SUM, on(main)));
        say("overlap", communicator.all_reduce(at(memory), at(memory) + 4, 2, FLOAT32, SUM, on(main)));
        say("no type", communicator.all_reduce(at(memory), at(memory), 1, 17, SUM, on(main)));
        say("no root", communicator.broadcast(at(memory), at(memory), 1, FLOAT32, size, on(main)));
        say("no stream", communicator.all_reduce(at(memory), at(memory), 1, FLOAT32, SUM, 4711));
        say("group end", nccl.group_end());
        CUdeviceptr freed = floats(1, 2, 3);
        check(cuMemFree(freed));
        say("freed", allReduce(freed, 3, main));
        CUcontext other = new CUcontext();
        check(cuCtxCreate(other, 0, device));
        byte[] id = new byte[NativeNccl.ID_BYTES];
        require(nccl.unique_id(id));
        NativeNccl.Communicator second = new NativeNccl.Communicator(nccl);
        say("context", second.init(1, new BytePointer(id), 0));
        check(cuCtxPopCurrent(other));
        require(second.init(1, new BytePointer(id), 0));
        // In a group, as a call of its own: the sum over one rank.
        require(nccl.group_start());
        require(second.all_reduce(at(memory), at(memory), 3, FLOAT32, SUM, on(main)));
        require(nccl.group_end());
        check(cuStreamSynchronize(main));
        require(second.destroy());
        say("destroyed", second.all_reduce(at(memory), at(memory), 3, FLOAT32, SUM, on(main)));
        SoftGpu.clearReport();
        require(allReduce(allocate(12), 3, main));
        System.out.println("nothing written: " + CUresult.stringFor(cuStreamSynchronize(main)) + " "
                + SoftGpu.report());
    }

    private void say(String mistake, int result) {
        System.out.println(mistake + ": " + nccl.error_string(result) + ": " + nccl.last_error());
    }
}
