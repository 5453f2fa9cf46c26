package io.framecast.data;

import io.framecast.FramecastException;
import io.framecast.files.AtomicFiles;
import io.framecast.files.HttpSource;
import io.framecast.files.HttpSource.TransientException;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Set;

/**
 * A file on a web server, of known size and MD5. The bytes are written to {@code NAME.part} beside the target. That
 * file is renamed to the target when it is complete and its MD5 is right. A broken download is resumed from the last
 * byte, in this run or in a later one.
 */
public final class Download {

    /** The test set of Srivastava et al.: 10,000 videos, (20, 10000, 64, 64) uint8. */
    public static final Download MOVING_MNIST = new Download(
            URI.create("http://www.cs.toronto.edu/~nitish/unsupervised_video/mnist_test_seq.npy"),
            819_200_080L, "be083ec986bfe91a449d63653c411eb2");

    /** After this many failures in a row without one new byte, the download gives up. */
    private static final int TRIES = 5;

    /** Receives the progress of the download. */
    @FunctionalInterface
    public interface Progress {
        /**
         * A piece was received.
         *
         * @param bytesDone all bytes so far, including those of earlier tries
         * @param bytesTotal the size of the file
         */
        void update(long bytesDone, long bytesTotal);
    }

    private final URI source;
    private final long size;
    private final String md5;
    private final Duration patience;
    private final Duration pause;

    /**
     * A file on a server.
     *
     * @param source its address, http or https
     * @param size in bytes
     * @param md5 in lower-case hexadecimal
     */
    public Download(URI source, long size, String md5) {
        this(source, size, md5, Duration.ofSeconds(30), Duration.ofSeconds(1));
    }

    /**
     * @param patience how long the server may be silent
     * @param pause before the second try; the pause before a third is twice as long, and so on
     */
    Download(URI source, long size, String md5, Duration patience, Duration pause) {
        this.source = source;
        this.size = size;
        this.md5 = md5;
        this.patience = patience;
        this.pause = pause;
    }

    /**
     * Downloads the file, unless it exists already.
     *
     * @param file the target path
     * @param progress is called for every piece
     * @return true if anything was downloaded
     * @throws FramecastException if another file exists at the target, the server does not have the file or several
     *         tries fail, the content is wrong, or the disk cannot hold it
     */
    public boolean to(Path file, Progress progress) {
        Path target = AtomicFiles.destination(file);
        if (Files.exists(target)) {
            if (sizeOf(target) == size && md5Of(target).equals(md5)) {
                return false;
            }
            throw new FramecastException(file + " is in the way: it is not the file that " + source
                    + " gives; move it away or choose another name.");
        }
        AtomicFiles.requireWritable(file);
        Path part = target.resolveSibling(target.getFileName() + ".part");
        try {
            Files.createDirectories(target.getParent());
        } catch (IOException e) {
            throw AtomicFiles.cannotWrite(file, e);
        }
        requireOwn(part);
        fetch(part, progress);
        requireOwn(part);
        String actual = md5Of(part);
        if (!actual.equals(md5)) {
            delete(part);
            throw new FramecastException("What " + source + " gave is damaged: its MD5 is " + actual + " and should be "
                    + md5 + "; it was deleted, try again.");
        }
        try {
            Files.move(part, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw AtomicFiles.cannotWrite(file, e);
        }
        return true;
    }

    /**
     * The part file has a fixed name, so that a later run finds it. In a directory that other users may write to, they
     * can put a link with this name there, to make this program overwrite another file.
     *
     * @throws FramecastException if a file with this name exists that was not left by a download of this user
     */
    private static void requireOwn(Path part) {
        try {
            if (Files.exists(part, LinkOption.NOFOLLOW_LINKS) && !(Files.isRegularFile(part, LinkOption.NOFOLLOW_LINKS)
                    && (int) Files.getAttribute(part, "unix:nlink", LinkOption.NOFOLLOW_LINKS) == 1
                    && AtomicFiles.isOwn(part))) {
                throw new FramecastException(part + " is in the way: it is not what a download of yours has left; "
                        + "move it away or choose another name.");
            }
        } catch (IOException e) {
            throw AtomicFiles.cannotWrite(part, e);
        }
    }

    /** Repeats requests until the part file has its full size. */
    private void fetch(Path part, Progress progress) {
        HttpSource http = new HttpSource(source, patience);
        int failures = 0;
        // A server that cannot resume starts from byte 0 each time. So only bytes beyond the earlier maximum are
        // progress.
        long furthest = sizeOf(part);
        try {
            while (sizeOf(part) != size) {
                try {
                    fetchRest(http, part, progress);
                } catch (TransientException e) {
                    long now = sizeOf(part);
                    failures = now > furthest ? 1 : failures + 1;
                    furthest = Math.max(furthest, now);
                    if (failures == TRIES) {
                        throw new FramecastException("Cannot download " + source + ": " + e.getMessage() + "; " + now
                                + " of " + size + " bytes are kept in " + part
                                + ", and the next try goes on from there.", e);
                    }
                    HttpSource.pause(pause.multipliedBy(failures));
                }
            }
        } catch (IOException e) {
            throw e.getCause() instanceof InterruptedException
                    ? new FramecastException("The download of " + source
                            + " was interrupted; the next try goes on from there.", e)
                    : new FramecastException("Cannot download " + source + ": " + e.getMessage()
                            + "; check the address.", e);
        }
    }

    /** Appends the missing bytes to the part file. */
    private void fetchRest(HttpSource http, Path part, Progress progress) throws IOException {
        long have = sizeOf(part);
        if (have > size) {
            delete(part);
            have = 0;
        }
        try (HttpSource.Answer answer = http.get(have)) {
            if (answer.status() == 416 || answer.status() == 206 && answer.first() != have) {
                delete(part);
                throw new TransientException("the server answered " + answer.status()
                        + " to a request to go on from byte " + have, null);
            }
            if (answer.size().isPresent() && answer.size().getAsLong() != size) {
                throw wrongSize(String.valueOf(answer.size().getAsLong()));
            }
            append(answer.body(), part, answer.first(), progress);
        }
    }

    private void append(InputStream body, Path part, long from, Progress progress) throws IOException {
        try (Output out = new Output(part, from)) {
            long done = from;
            byte[] buffer = new byte[1 << 16];
            for (int n = body.read(buffer); n >= 0; n = body.read(buffer)) {
                done += n;
                if (done > size) {
                    delete(part);
                    throw wrongSize("more than " + size);
                }
                out.write(buffer, n);
                progress.update(done, size);
            }
            if (done < size) {
                throw new TransientException("the connection was cut", null);
            }
            out.force();
        }
    }

    private FramecastException wrongSize(String actual) {
        return new FramecastException(source + " gives another file than expected: it has " + actual
                + " bytes and should have " + size + "; check the address.");
    }

    /** The part file. Its errors are not worth another try. */
    private static final class Output implements AutoCloseable {
        private static final Set<OpenOption> BEGIN = Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        private static final Set<OpenOption> CONTINUE = Set.of(StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);

        private final Path part;
        private final FileChannel channel;

        Output(Path part, long from) {
            this.part = part;
            requireOwn(part);
            try {
                channel = FileChannel.open(part, Files.exists(part, LinkOption.NOFOLLOW_LINKS) ? CONTINUE : BEGIN);
                channel.truncate(from).position(from);
            } catch (IOException e) {
                throw AtomicFiles.cannotWrite(part, e);
            }
        }

        void write(byte[] bytes, int length) {
            try {
                for (ByteBuffer rest = ByteBuffer.wrap(bytes, 0, length); rest.hasRemaining(); ) {
                    channel.write(rest);
                }
            } catch (IOException e) {
                throw AtomicFiles.cannotWrite(part, e);
            }
        }

        void force() {
            try {
                channel.force(true);
            } catch (IOException e) {
                throw AtomicFiles.cannotWrite(part, e);
            }
        }

        @Override
        public void close() {
            try {
                channel.close();
            } catch (IOException e) {
                throw AtomicFiles.cannotWrite(part, e);
            }
        }
    }

    private static long sizeOf(Path file) {
        try {
            return Files.exists(file) ? Files.size(file) : 0;
        } catch (IOException e) {
            throw new FramecastException("Cannot read " + file + ": " + e.getMessage() + ".", e);
        }
    }

    private static String md5Of(Path file) {
        try (InputStream bytes = Files.newInputStream(file);
                DigestInputStream in = new DigestInputStream(bytes, MessageDigest.getInstance("MD5"))) {
            byte[] buffer = new byte[1 << 16];
            while (in.read(buffer) >= 0) {
                // Reading updates the digest.
            }
            return HexFormat.of().formatHex(in.getMessageDigest().digest());
        } catch (IOException e) {
            throw new FramecastException("Cannot read " + file + ": " + e.getMessage() + ".", e);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has MD5", e);
        }
    }

    private static void delete(Path part) {
        try {
            Files.deleteIfExists(part);
        } catch (IOException e) {
            throw AtomicFiles.cannotWrite(part, e);
        }
    }
}
