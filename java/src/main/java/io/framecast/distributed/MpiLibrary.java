package io.framecast.distributed;

import io.framecast.FramecastException;
import io.framecast.files.AtomicFiles;
import io.framecast.mpi.NativeMpi;
import io.framecast.system.UserCache;
import io.framecast.text.Quote;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;

/**
 * native/mpi/calls.c, compiled with an MPI's mpicc. It is kept in the user's cache under the hash of the source and of
 * what mpicc says that it does, which names the MPI's directories.
 */
final class MpiLibrary {

    private MpiLibrary() {
    }

    /**
     * The library for an MPI, compiled if it is not in the cache.
     *
     * @throws FramecastException if there is no mpicc, or it fails
     */
    static Path of(MpiLaunch launch, String searchPath) {
        Path compiler = find(launch, searchPath);
        byte[] source = NativeMpi.source();
        // Both Open MPI and MPICH know -show; no two versions in the same place differ in their binary interface.
        String does = run(compiler, new byte[0], "-show");
        Path library = UserCache.directory().resolve("mpi-" + hash(source, does) + ".so");
        if (!Files.exists(library)) {
            compile(compiler, source, library);
        }
        return library;
    }

    private static Path find(MpiLaunch launch, String searchPath) {
        return launch.compilers().stream().flatMap(name -> name.contains("/") ? Stream.of(Path.of(name))
                : Arrays.stream(searchPath.split(":")).map(directory -> Path.of(directory, name)))
                .filter(Files::isExecutable).findFirst()
                .orElseThrow(() -> new FramecastException("This process was started by MPI's launcher, and "
                        + launch.compilers().get(launch.compilers().size() - 1) + ", with which Framecast's calls of "
                        + "MPI are compiled, is missing; install it with: sudo apt-get install " + launch.packages()
                        + " (on a cluster, load the module of its MPI, or name the compiler by MPICC)."));
    }

    /** Several processes may do so at the same time: the last one's file stays, which is as good. */
    private static void compile(Path compiler, byte[] source, Path library) {
        AtomicFiles.write(library, file -> {
            Path built = Files.createTempFile("framecast-mpi-", ".so");
            try {
                run(compiler, source, "-x", "c", "-O2", "-shared", "-fPIC", "-o", built.toString(), "-");
                file.write(Files.readAllBytes(built));
            } finally {
                Files.delete(built);
            }
        });
    }

    /** What mpicc prints. */
    private static String run(Path compiler, byte[] input, String... arguments) {
        List<String> command = new ArrayList<>(List.of(compiler.toString()));
        command.addAll(List.of(arguments));
        try {
            Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
            try (OutputStream in = process.getOutputStream()) {
                in.write(input);
            }
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (process.waitFor() != 0) {
                throw new FramecastException(compiler + " cannot compile Framecast's calls of MPI: "
                        + Quote.line(output.strip()).replaceFirst("\\.$", "")
                        + "; is the MPI's development package installed?");
            }
            return output;
        } catch (IOException e) {
            throw new FramecastException(compiler + " cannot be run: " + e.getMessage() + ".", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FramecastException("Interrupted while " + compiler + " was running.", e);
        }
    }

    private static String hash(byte[] source, String does) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update(source);
            digest.update(does.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest.digest(), 0, 8);
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every JDK has SHA-256", e);
        }
    }
}
