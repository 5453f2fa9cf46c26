package io.framecast.fetch;

import io.framecast.FramecastException;
import io.framecast.backend.FetchListener;
import io.framecast.files.AtomicFiles;
import io.framecast.system.UserCache;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.channels.FileChannel;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongConsumer;
import java.util.function.Supplier;
import org.apache.commons.compress.archivers.zip.ZipArchiveEntry;
import org.apache.commons.compress.archivers.zip.ZipFile;

/**
 * Shared libraries in a jar of a Maven repository, which are kept in the user's cache. If the jar is not in the local
 * Maven repository, only these entries of it are fetched, by range requests.
 */
public final class LibraryJar {

    /**
     * A library in the jar.
     *
     * @param size in bytes, once unpacked
     * @param sha256 in lower-case hexadecimal
     */
    public record Library(String entry, long size, String sha256) {
        public String fileName() {
            return entry.substring(entry.lastIndexOf('/') + 1);
        }
    }

    /**
     * What is fetched, and how a person is told of it.
     *
     * @param path of the jar in a Maven repository
     * @param directory in the user's cache
     * @param title such as "NVRTC 12.9, the compiler of CUDA kernels (45 MB, once)"
     * @param subject the beginning of the sentence "... is not here and cannot be taken from ..."
     * @param otherwise what to do if it cannot be fetched, up to "FRAMECAST_MAVEN_REPOSITORY to the address of ..."
     */
    public record Artifact(String path, String directory, String title, String subject, String otherwise,
            List<Library> libraries) {
    }

    private static final String MIRROR = "FRAMECAST_MAVEN_REPOSITORY";

    private final Artifact artifact;
    private final Supplier<Path> cache;
    private final Optional<Path> localJar;
    private final URI remoteJar;
    private final Duration pause;
    private final FetchListener listener;

    /**
     * @param cache finds the directory for the libraries, or throws if no directory can be used
     * @param repositories local Maven repositories that may have the jar
     * @param remote the base address of a Maven repository that has it
     * @param pause before a second try to read there
     * @param listener is told about the fetch from there
     * @throws FramecastException if {@code remote} is no such address
     */
    public LibraryJar(Artifact artifact, Supplier<Path> cache, List<Path> repositories, String remote, Duration pause,
            FetchListener listener) {
        this.artifact = artifact;
        this.cache = cache;
        this.localJar = repositories.stream().map(repository -> repository.resolve(artifact.path))
                .filter(Files::isReadable).findFirst();
        this.remoteJar = jarAt(remote, artifact.path);
        this.pause = pause;
        this.listener = listener;
    }

    /** With the directories and addresses of the environment and of Maven's conventions. */
    public static LibraryJar of(Artifact artifact, Map<String, String> environment, FetchListener listener) {
        Path repository = Path.of(System.getProperty("user.home"), ".m2/repository");
        String given = System.getProperty("maven.repo.local");
        return new LibraryJar(artifact, () -> UserCache.directory(environment).resolve(artifact.directory),
                given == null ? List.of(repository) : List.of(Path.of(given), repository),
                environment.getOrDefault(MIRROR, "https://repo1.maven.org/maven2"), Duration.ofSeconds(1), listener);
    }

    private static URI jarAt(String repository, String path) {
        if (!repository.matches("https?://[^\\s?#]+")) {
            throw new FramecastException(MIRROR + " is \"" + repository
                    + "\"; set it to the address of a Maven repository, such as https://repo1.maven.org/maven2.");
        }
        return URI.create(repository.replaceFirst("/*$", "/") + path);
    }

    /** The directory of the libraries. */
    public Path cache() {
        return cache.get();
    }

    /** Whether all libraries are there. */
    public boolean isCached() {
        return artifact.libraries.stream().allMatch(this::isCached);
    }

    /** Files are moved here only when they are complete and verified, so the size is enough. */
    private boolean isCached(Library library) {
        try {
            return Files.size(cache().resolve(library.fileName())) == library.size;
        } catch (IOException | FramecastException e) { // Also where there is no directory for it.
            return false;
        }
    }

    /** The file or address that {@link #fetch} takes the libraries from. */
    public String origin() {
        return localJar.map(Path::toString).orElse(remoteJar.toString());
    }

    /**
     * Brings the libraries to the cache, and replaces damaged ones. Processes that do so at the same time wait for each
     * other.
     *
     * @throws FramecastException if the jar cannot be read or is not the right one, or the cache cannot be written
     */
    public void fetch() {
        Path directory = cache();
        try {
            if (!Files.isDirectory(directory)) {
                Files.createDirectories(directory);
            }
        } catch (IOException e) {
            throw AtomicFiles.cannotWrite(directory, e);
        }
        Path lock = directory.resolve(".lock");
        try (FileChannel channel = FileChannel.open(lock, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            channel.lock();
            deleteDamaged();
            if (isCached()) {
                return;
            }
            deleteLeftovers();
            if (localJar.isPresent()) {
                unpackLocal(localJar.get());
            } else {
                unpackRemote();
            }
        } catch (IOException e) {
            throw AtomicFiles.cannotWrite(lock, e);
        }
    }

    /** The libraries could not be loaded, so they are verified even if their sizes are right. */
    private void deleteDamaged() throws IOException {
        for (Library library : artifact.libraries) {
            Path file = cache().resolve(library.fileName());
            if (isCached(library)) {
                try (DigestInputStream in = new DigestInputStream(Files.newInputStream(file), sha256())) {
                    in.transferTo(OutputStream.nullOutputStream());
                    if (!HexFormat.of().formatHex(in.getMessageDigest().digest()).equals(library.sha256)) {
                        Files.delete(file);
                    }
                }
            }
        }
    }

    /** Deletes what processes that were killed have left; only the owner of the lock writes here. */
    private void deleteLeftovers() throws IOException {
        try (DirectoryStream<Path> leftovers = Files.newDirectoryStream(cache(), ".*.part")) {
            for (Path leftover : leftovers) {
                Files.delete(leftover);
            }
        }
    }

    private void unpackLocal(Path jar) {
        try (SeekableByteChannel channel = FileChannel.open(jar)) {
            unpack(channel, FetchListener.NONE);
        } catch (IOException e) {
            throw cannotFetch(e);
        }
    }

    private void unpackRemote() {
        listener.started(artifact.title, remoteJar);
        boolean complete = false;
        try (HttpFile jar = new HttpFile(remoteJar, Duration.ofMinutes(1), pause)) {
            unpack(jar, listener);
            complete = true;
        } catch (IOException e) {
            throw cannotFetch(e);
        } finally {
            listener.ended(complete);
        }
    }

    private FramecastException cannotFetch(IOException e) {
        return new FramecastException(artifact.subject + " is not here and cannot be taken from " + origin() + ": "
                + e.getMessage() + "; " + artifact.otherwise + " " + MIRROR
                + " to the address of a Maven repository that can be reached.", e);
    }

    private void unpack(SeekableByteChannel jar, FetchListener listener) throws IOException {
        List<Library> missing = artifact.libraries.stream().filter(library -> !isCached(library)).toList();
        long total = missing.stream().mapToLong(Library::size).sum();
        long before = 0;
        // Local headers are spread over the whole jar, and repeat what the central directory at its end says.
        try (ZipFile zip = ZipFile.builder().setSeekableByteChannel(jar).setIgnoreLocalFileHeader(true).get()) {
            for (Library library : missing) {
                long begin = before;
                unpack(zip, library, done -> listener.progressed(begin + done, total));
                before += library.size;
            }
        }
    }

    private void unpack(ZipFile zip, Library library, LongConsumer progress) throws IOException {
        ZipArchiveEntry entry = zip.getEntry(library.entry);
        if (entry == null) {
            throw new IOException("it has no " + library.entry);
        }
        try (InputStream in = zip.getInputStream(entry)) {
            AtomicFiles.write(cache().resolve(library.fileName()), out -> copy(library, in, out, progress));
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    /**
     * @param progress is told how many bytes are copied
     * @throws IOException if {@code out} cannot be written
     * @throws UncheckedIOException if {@code in} cannot be read, or is not the library
     */
    private static void copy(Library library, InputStream in, OutputStream out, LongConsumer progress)
            throws IOException {
        MessageDigest digest = sha256();
        byte[] buffer = new byte[1 << 16];
        long done = 0;
        for (int n = read(in, buffer); n >= 0; n = read(in, buffer)) {
            digest.update(buffer, 0, n);
            out.write(buffer, 0, n);
            done += n;
            progress.accept(done);
        }
        String actual = HexFormat.of().formatHex(digest.digest());
        if (!actual.equals(library.sha256)) {
            throw new UncheckedIOException(new IOException("its " + library.fileName() + " is damaged (the SHA-256 is "
                    + actual + " and should be " + library.sha256 + ")"));
        }
    }

    private static int read(InputStream in, byte[] buffer) {
        try {
            return in.read(buffer);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
