package io.framecast.data;

import io.framecast.FramecastException;
import io.framecast.text.Count;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;
import org.apache.commons.compress.archivers.zip.ZipArchiveEntry;
import org.apache.commons.compress.archivers.zip.ZipFile;

/**
 * A .npy file inside another file: gzipped, or the only array of an .npz file (a zip file). Compressed data is unpacked
 * to an unlinked temporary file, which the system deletes when it is closed.
 */
final class PackedFiles {

    /** The compression ratio of deflate, used by both, is at most 1032. */
    private static final long BEST_RATIO = 1032;

    private static final int SHOWN_NAMES = 8;

    private PackedFiles() {
    }

    /**
     * Opens a .npy file, or the one inside a packed file.
     *
     * @throws FramecastException if it is packed and cannot be unpacked, or holds none or several arrays
     */
    static FileBytes open(Path file) throws IOException {
        if (Files.isDirectory(file)) {
            throw new FramecastException("Cannot read " + file + ": it is a directory; put its videos into one .npy"
                    + " file, with numpy.save and numpy.stack.");
        }
        FileBytes bytes = FileBytes.open(file);
        byte[] magic = Arrays.copyOf(bytes.head(4), 4);
        try {
            if (magic[0] == 0x1f && magic[1] == (byte) 0x8b) {
                bytes.close();
                try (InputStream in = new GZIPInputStream(Files.newInputStream(file), 1 << 16)) {
                    return unpack(in, bytes.size(), file);
                }
            }
            // A local file header, or the end record of an empty archive.
            if (magic[0] == 'P' && magic[1] == 'K' && (magic[2] == 3 && magic[3] == 4 || magic[2] == 5)) {
                bytes.close();
                return fromZip(file);
            }
            return bytes;
        } catch (ZipException | EOFException e) {
            throw new FramecastException(file + " is damaged and cannot be unpacked (" + e.getMessage()
                    + "); copy or download it again.", e);
        }
    }

    private static FileBytes fromZip(Path file) throws IOException {
        try (ZipFile zip = ZipFile.builder().setPath(file).get()) {
            List<ZipArchiveEntry> entries = new ArrayList<>(Collections.list(zip.getEntries()));
            entries.removeIf(ZipArchiveEntry::isDirectory);
            if (entries.size() != 1) {
                throw new FramecastException(entries.isEmpty() ? file + " holds no array; save one with numpy.savez."
                        : file + " holds " + entries.size() + " arrays (" + names(entries)
                        + "); save the one of the videos by itself, with numpy.save.");
            }
            ZipArchiveEntry entry = entries.get(0);
            if (!zip.canReadEntryData(entry)) {
                throw new FramecastException(file + " is encrypted or compressed in an unusual way; save its array with"
                        + " numpy.save.");
            }
            // Stored without compression, as numpy.savez writes it.
            if (entry.getMethod() == ZipArchiveEntry.STORED) {
                return FileBytes.open(file, entry.getDataOffset(), entry.getSize());
            }
            try (InputStream in = zip.getInputStream(entry)) {
                return unpack(in, entry.getCompressedSize(), file);
            }
        }
    }

    private static String names(List<ZipArchiveEntry> entries) {
        List<String> names = new ArrayList<>();
        for (ZipArchiveEntry entry : entries.subList(0, Math.min(SHOWN_NAMES, entries.size()))) {
            names.add(entry.getName().replaceAll("\\.npy$", "").replaceAll("\\p{Cntrl}", "?"));
        }
        return String.join(", ", names) + (entries.size() > SHOWN_NAMES ? ", ..." : "");
    }

    /**
     * Unpacks the number of bytes that the header declares, and at most one more. So a zip bomb cannot fill the disk,
     * and excess data is detected.
     */
    private static FileBytes unpack(InputStream in, long packedSize, Path file) throws IOException {
        byte[] head = in.readNBytes(NpyHeader.LONGEST);
        NpyHeader header = NpyHeader.read(head, head.length < NpyHeader.LONGEST ? head.length : Long.MAX_VALUE, file);
        long end = header.end(NpyType.of(header.descr(), file), file);
        if (end / BEST_RATIO > packedSize) {
            throw new FramecastException(file + " claims to unpack to " + end + " bytes, which its " + packedSize
                    + " bytes cannot hold; copy or download it again.");
        }
        Path unpacked = Files.createTempFile("framecast-", ".npy");
        RandomAccessFile opened;
        try {
            opened = new RandomAccessFile(unpacked.toFile(), "rw");
        } finally {
            // Deleted while open: its data is freed when the process closes it or ends in any way.
            Files.delete(unpacked);
        }
        try {
            long free = Files.getFileStore(unpacked.getParent()).getUsableSpace();
            if (end > free) {
                throw new FramecastException("Cannot unpack " + file + ": " + unpacked.getParent() + " has "
                        + Count.bytes(free) + " left, and " + Count.bytes(end)
                        + " are needed; unpack it yourself, where there is room.");
            }
            opened.write(head);
            byte[] piece = new byte[NpyArray.PIECE];
            for (long left = end + 1 - head.length; left > 0;) {
                int count = in.readNBytes(piece, 0, (int) Math.min(left, piece.length));
                if (count == 0) {
                    break;
                }
                opened.write(piece, 0, count);
                left -= count;
            }
            return new FileBytes(file, opened, 0, opened.length());
        } catch (IOException | RuntimeException e) {
            opened.close();
            throw e;
        }
    }
}
