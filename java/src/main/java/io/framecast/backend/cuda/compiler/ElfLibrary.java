package io.framecast.backend.cuda.compiler;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.regex.Pattern;

/**
 * Checks the file of a shared library before it is loaded: the dynamic loader may crash the process on a truncated
 * file, and a wrong library that was loaded once stays, and takes the name of the right one. The messages of the
 * {@link IOException}s complete a sentence: "it cannot be loaded: ".
 */
final class ElfLibrary {

    private static final int HEADER_BYTES = 64;
    private static final int SECTION_BYTES = 64;

    /** 0x7f, E, L, F, as a little-endian int. */
    private static final int MAGIC = 0x464c457f;
    private static final int CLASS_64_LITTLE_ENDIAN = 0x0102;
    private static final int SHARED_OBJECT = 3;
    private static final int X86_64 = 62;
    private static final int DYNAMIC_SYMBOLS = 11;
    private static final int NO_BITS = 8;

    private ElfLibrary() {
    }

    /**
     * Returns if a file is a complete library for x86-64.
     *
     * @param symbol which one of its dynamic symbols must match
     * @throws IOException if it is not, or cannot be read
     */
    static void require(Path file, Pattern symbol) throws IOException {
        try (FileChannel channel = FileChannel.open(file)) {
            ByteBuffer header = read(channel, 0, HEADER_BYTES);
            if (header.getInt(0) != MAGIC || header.getShort(4) != CLASS_64_LITTLE_ENDIAN
                    || header.getShort(16) != SHARED_OBJECT || header.getShort(18) != X86_64) {
                throw new IOException(file + " is no library for Linux on x86-64");
            }
            int count = Short.toUnsignedInt(header.getShort(60));
            // The section table is at the end of a file.
            ByteBuffer sections = read(channel, header.getLong(40), (long) count * SECTION_BYTES);
            for (int k = 0; k < count; k++) {
                int section = k * SECTION_BYTES;
                int type = sections.getInt(section + 4);
                long end = sections.getLong(section + 24) + sections.getLong(section + 32);
                if (type != NO_BITS && (end < 0 || end > channel.size())) {
                    throw new EOFException();
                }
                if (type == DYNAMIC_SYMBOLS) {
                    int names = Math.floorMod(sections.getInt(section + 40), count) * SECTION_BYTES;
                    requireName(file, symbol, read(channel, sections.getLong(names + 24),
                            sections.getLong(names + 32)));
                }
            }
        } catch (EOFException e) {
            throw new IOException(file + " is cut short", e);
        }
    }

    private static void requireName(Path file, Pattern symbol, ByteBuffer names) throws IOException {
        String all = StandardCharsets.ISO_8859_1.decode(names).toString();
        if (Arrays.stream(all.split("\0")).noneMatch(name -> symbol.matcher(name).matches())) {
            throw new IOException(file + " is another library than its name says");
        }
    }

    private static ByteBuffer read(FileChannel channel, long position, long count) throws IOException {
        if (position < 0 || count < 0 || count > Integer.MAX_VALUE || position > channel.size() - count) {
            throw new EOFException();
        }
        ByteBuffer bytes = ByteBuffer.allocate((int) count).order(ByteOrder.LITTLE_ENDIAN);
        while (bytes.hasRemaining()) {
            if (channel.read(bytes, position + bytes.position()) < 0) {
                throw new EOFException();
            }
        }
        return bytes.flip();
    }
}
