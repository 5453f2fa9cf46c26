package io.framecast.nccl;

import io.framecast.system.JavaCpp;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.annotation.ByRef;
import org.bytedeco.javacpp.annotation.Cast;
import org.bytedeco.javacpp.annotation.Const;
import org.bytedeco.javacpp.annotation.Name;
import org.bytedeco.javacpp.annotation.Namespace;
import org.bytedeco.javacpp.annotation.Platform;

/**
 * The JavaCPP bindings of native/nccl/nccl.h: one Java method for each C++ method. The header documents them.
 * {@link Pointer#close()} frees an object. A C++ exception becomes a {@link RuntimeException} with its message.
 */
@Platform(value = "linux-x86_64", include = "nccl.h", link = "dl", library = "jniframecast_nccl")
@Namespace("framecast")
public final class NativeNccl {

    /** The size of a unique id. */
    public static final int ID_BYTES = 128;

    private NativeNccl() {
    }

    /**
     * Loads the binding, not NCCL. Must be called before all other methods of this class.
     *
     * @throws io.framecast.FramecastException if it cannot be loaded
     */
    public static void load() {
        JavaCpp.load(NativeNccl.class);
    }

    @Name("Nccl")
    public static class Library extends Pointer {
        public Library(String path) {
            allocate(path);
        }

        private native void allocate(String path);

        public native int version(int[] to);

        public native @Cast("const char*") String error_string(int result);

        public native @Cast("const char*") String last_error();

        public native int unique_id(@Cast("char*") byte[] to);

        public native int group_start();

        public native int group_end();
    }

    @Name("NcclCommunicator")
    public static class Communicator extends Pointer {
        public Communicator(Library nccl) {
            allocate(nccl);
        }

        private native void allocate(@Const @ByRef Library nccl);

        public native int init(int ranks, @Cast("const char*") BytePointer id, int rank);

        public native int destroy();

        public native int abort();

        public native int asynchronous_error(int[] to);

        public native int count(int[] to);

        public native int device(int[] to);

        public native int rank(int[] to);

        public native int all_reduce(@Cast("uint64_t") long send, @Cast("uint64_t") long receive,
                @Cast("size_t") long count, int type, int op, @Cast("uint64_t") long stream);

        public native int broadcast(@Cast("uint64_t") long send, @Cast("uint64_t") long receive,
                @Cast("size_t") long count, int type, int root, @Cast("uint64_t") long stream);

        public native int reduce(@Cast("uint64_t") long send, @Cast("uint64_t") long receive,
                @Cast("size_t") long count, int type, int op, int root, @Cast("uint64_t") long stream);

        public native int all_gather(@Cast("uint64_t") long send, @Cast("uint64_t") long receive,
                @Cast("size_t") long count, int type, @Cast("uint64_t") long stream);

        public native int reduce_scatter(@Cast("uint64_t") long send, @Cast("uint64_t") long receive,
                @Cast("size_t") long count, int type, int op, @Cast("uint64_t") long stream);
    }
}
