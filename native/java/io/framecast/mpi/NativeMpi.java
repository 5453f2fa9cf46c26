package io.framecast.mpi;

import io.framecast.system.JavaCpp;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.annotation.Cast;
import org.bytedeco.javacpp.annotation.Const;
import org.bytedeco.javacpp.annotation.Name;
import org.bytedeco.javacpp.annotation.Namespace;
import org.bytedeco.javacpp.annotation.Platform;

/**
 * The JavaCPP bindings of native/mpi/mpi_library.h: one Java method for each C++ method. The header documents them. A
 * C++ exception becomes a {@link RuntimeException} with its message.
 */
@Platform(value = "linux-x86_64", include = "mpi_library.h", link = "dl", library = "jniframecast_mpi")
@Namespace("framecast")
public final class NativeMpi {

    private NativeMpi() {
    }

    /**
     * Loads the binding, not MPI. Must be called before the constructor of {@link Library}.
     *
     * @throws io.framecast.FramecastException if it cannot be loaded
     */
    public static void load() {
        JavaCpp.load(NativeMpi.class);
    }

    /** The C source that the machine's mpicc compiles to the library that {@link Library} loads. */
    public static byte[] source() {
        try (InputStream in = NativeMpi.class.getResourceAsStream("calls.c")) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Name("Mpi")
    public static class Library extends Pointer {
        public Library(String library) {
            allocate(library);
        }

        private native void allocate(String library);

        public native int rank();

        public native int size();

        public native int local_rank();

        public native int local_size();

        public native @Cast("bool") boolean threads();

        public native @Cast("const char*") String version();

        public native Pointer all_reduce(@Const FloatPointer values, FloatPointer sum, int count);

        public native Pointer all_gather(@Const DoublePointer values, int count, DoublePointer all);

        public native Pointer broadcast(@Cast("char*") BytePointer bytes, int count);

        public native Pointer send(@Cast("const char*") BytePointer bytes, int count, int to);

        public native Pointer receive(@Cast("char*") BytePointer bytes, int count, int from);

        public native @Cast("bool") boolean test(Pointer request);

        public native void post(@Cast("const char*") BytePointer bytes, int count, int to);

        public native int poll(@Cast("char*") BytePointer bytes, int capacity);

        public native int source();

        public native void finalize_mpi();
    }
}
