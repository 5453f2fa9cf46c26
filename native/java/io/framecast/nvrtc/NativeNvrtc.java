package io.framecast.nvrtc;

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
 * The JavaCPP bindings of native/nvrtc/nvrtc.h: one Java method for each C++ method. The header documents them.
 * {@link Pointer#close()} frees an object. A C++ exception becomes a {@link RuntimeException} with its message.
 */
@Platform(value = "linux-x86_64", include = "nvrtc.h", link = "dl", library = "jniframecast_nvrtc")
@Namespace("framecast")
public final class NativeNvrtc {

    private NativeNvrtc() {
    }

    /**
     * Loads the binding, not NVRTC. Must be called before all other methods of this class.
     *
     * @throws io.framecast.FramecastException if it cannot be loaded
     */
    public static void load() {
        JavaCpp.load(NativeNvrtc.class);
    }

    @Name("Nvrtc")
    public static class Library extends Pointer {
        public Library(String builtins, String library) {
            allocate(builtins, library);
        }

        private native void allocate(String builtins, String library);

        public native int major_version();

        public native int minor_version();

        public native int architectures();

        public native int architecture(int index);
    }

    @Name("NvrtcProgram")
    public static class Program extends Pointer {
        public Program(Library nvrtc, String name, String source) {
            allocate(nvrtc, name, source);
        }

        private native void allocate(@Const @ByRef Library nvrtc, String name, String source);

        public native void header(String name, String text);

        public native void option(String text);

        public native @Cast("const char*") String compile();

        public native @Cast("const char*") String log();

        public native @Cast("const char*") String ptx();

        public native @Cast("const char*") BytePointer machine_code();

        public native @Cast("size_t") long machine_code_size();
    }
}
