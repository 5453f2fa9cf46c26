package io.framecast.backend.cuda.collective;

import io.framecast.FramecastException;
import io.framecast.backend.cuda.library.SystemLibrary;
import io.framecast.nccl.NativeNccl;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.util.List;
import java.util.Map;

/** NCCL, NVIDIA's collectives between GPUs: the machine's libnccl.so.2, or that of the software device. */
final class Nccl {

    /** {@code off}: as if the machine had none. */
    static final String VARIABLE = "FRAMECAST_NCCL";

    static final int REMOTE_ERROR = 6;

    private static final String FILE = "libnccl.so.2";
    private static final String ADVICE = "install NCCL for CUDA 12 (apt-get install libnccl2, from NVIDIA's "
            + "repository; or pip's nvidia-nccl-cu12, with the directory of " + FILE + " on LD_LIBRARY_PATH)";

    /** That of this process; null: it was not needed yet. */
    private static Nccl loaded;

    private final NativeNccl.Library library;
    private final List<String> passedOver;

    private Nccl(NativeNccl.Library library, List<String> passedOver) {
        this.library = library;
        this.passedOver = passedOver;
    }

    /**
     * Loads it, once in a process. The software device must be loaded before, if it is used: then this is its NCCL.
     *
     * @throws FramecastException if there is none, it cannot be loaded, or it is switched off
     */
    static synchronized Nccl load(Map<String, String> environment) {
        if ("off".equals(environment.get(VARIABLE))) {
            throw new FramecastException("NCCL is switched off by " + VARIABLE + "=off.");
        }
        if (loaded == null) {
            NativeNccl.load();
            try {
                List<String> passedOver = SystemLibrary.load(FILE, environment);
                // By its name: the library that is loaded already.
                loaded = new Nccl(new NativeNccl.Library(FILE), passedOver);
            } catch (NoSuchFileException e) {
                throw new FramecastException("This machine has no NCCL 2 (no " + FILE + "); " + ADVICE + ".", e);
            } catch (IOException | RuntimeException e) {
                throw new FramecastException("NCCL cannot be loaded: " + e.getMessage() + "; " + ADVICE + ".", e);
            }
        }
        return loaded;
    }

    NativeNccl.Library library() {
        return library;
    }

    /** Such as "NCCL 2.21.5". */
    String describe() {
        int[] version = new int[1];
        check(library.version(version), "ncclGetVersion");
        int v = version[0];
        return "NCCL " + v / 10000 + "." + v / 100 % 100 + "." + v % 100 + SystemLibrary.note(passedOver);
    }

    /** What process 0 makes, and all processes give to {@link NcclCommunicator#open}. */
    byte[] uniqueId() {
        byte[] id = new byte[NativeNccl.ID_BYTES];
        check(library.unique_id(id), "ncclGetUniqueId");
        return id;
    }

    /**
     * Returns if a call succeeded.
     *
     * @param call its name
     * @throws NcclException if it failed
     */
    void check(int result, String call) {
        if (result != 0) {
            throw failure(result, call);
        }
    }

    NcclException failure(int result, String call) {
        String details = String.valueOf(library.last_error()).strip().replaceAll("\\s*\\R\\s*", " ");
        return new NcclException(result, call + " failed with " + library.error_string(result) + " (" + result + ")"
                + (details.isEmpty() || details.equals("null") ? "" : ": " + details.replaceFirst("\\.$", "")) + ".");
    }
}
