package io.framecast.tools.bundle;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;

/** A program or shared library for x86-64, as far as the dynamic loader's demands in it are to be changed. */
final class ElfFile {

    private static final int MAGIC = 0x464c457f;
    private static final int SECTION_BYTES = 64;
    private static final int SYMBOL_BYTES = 24;
    private static final int DYNAMIC_BYTES = 16;

    // Types of sections.
    private static final int DYNAMIC = 6;
    private static final int DYNAMIC_SYMBOLS = 11;
    private static final int VERSION_NEEDS = 0x6ffffffe;
    private static final int SYMBOL_VERSIONS = 0x6fffffff;

    private static final int RUN_PATH = 29;
    /** A version that the loader does not insist on. */
    private static final short WEAK = 2;

    private final Path path;
    private final ByteBuffer bytes;
    private boolean changed;

    private ElfFile(Path path, ByteBuffer bytes) {
        this.path = path;
        this.bytes = bytes;
    }

    /** Whether a file is one. */
    static boolean is(Path path) throws IOException {
        try (var in = Files.newInputStream(path)) {
            byte[] begin = in.readNBytes(Integer.BYTES);
            return begin.length == Integer.BYTES
                    && ByteBuffer.wrap(begin).order(ByteOrder.LITTLE_ENDIAN).getInt() == MAGIC;
        }
    }

    static ElfFile read(Path path) throws IOException {
        return new ElfFile(path, ByteBuffer.wrap(Files.readAllBytes(path)).order(ByteOrder.LITTLE_ENDIAN));
    }

    /** Writes what was changed. */
    void write() throws IOException {
        if (changed) {
            Files.write(path, bytes.array());
        }
    }

    /** The place of the first section of a type in the table of sections; -1: there is none. */
    private int section(int type) {
        int table = (int) bytes.getLong(40);
        for (int k = 0; k < bytes.getShort(60); k++) {
            if (bytes.getInt(table + k * SECTION_BYTES + 4) == type) {
                return table + k * SECTION_BYTES;
            }
        }
        return -1;
    }

    private int begin(int section) {
        return (int) bytes.getLong(section + 24);
    }

    private int size(int section) {
        return (int) bytes.getLong(section + 32);
    }

    /** The text of a section at an offset into the table of strings that the section names. */
    private int textAt(int section, int offset) {
        int strings = (int) bytes.getLong(40) + bytes.getInt(section + 40) * SECTION_BYTES;
        return begin(strings) + offset;
    }

    private String text(int at) {
        int end = at;
        while (bytes.get(end) != 0) {
            end++;
        }
        return new String(bytes.array(), at, end - at, StandardCharsets.US_ASCII);
    }

    /**
     * Makes versions of other libraries that this file needs weak.
     *
     * @param which such as {@code GLIBC_2.36}
     * @return the symbols that it takes of these versions
     */
    Set<String> weaken(Predicate<String> which) {
        Set<String> symbols = new TreeSet<>();
        int needs = section(VERSION_NEEDS);
        if (needs < 0) {
            return symbols;
        }
        for (int library = begin(needs), next = 1; next != 0; library += next) {
            next = bytes.getInt(library + 12);
            for (int version = library + bytes.getInt(library + 8), step = 1; step != 0; version += step) {
                step = bytes.getInt(version + 12);
                if (which.test(text(textAt(needs, bytes.getInt(version + 8))))) {
                    symbols.addAll(symbols(bytes.getShort(version + 6)));
                    bytes.putShort(version + 4, (short) (bytes.getShort(version + 4) | WEAK));
                    changed = true;
                }
            }
        }
        return symbols;
    }

    /** The symbols of a version, by its number in this file. */
    private Set<String> symbols(short number) {
        Set<String> symbols = new TreeSet<>();
        int table = section(DYNAMIC_SYMBOLS);
        int versions = section(SYMBOL_VERSIONS);
        for (int k = 0; k < size(versions) / Short.BYTES; k++) {
            if (bytes.getShort(begin(versions) + k * Short.BYTES) == number) {
                symbols.add(text(textAt(table, bytes.getInt(begin(table) + k * SYMBOL_BYTES))));
            }
        }
        return symbols;
    }

    /** Cuts the run path after the file's own directory, if that is the first: the others are of the machine here. */
    void cutRunPath() {
        int dynamic = section(DYNAMIC);
        for (int entry = 0; dynamic >= 0 && entry < size(dynamic); entry += DYNAMIC_BYTES) {
            int at = begin(dynamic) + entry;
            if (bytes.getLong(at) == RUN_PATH) {
                int text = textAt(dynamic, (int) bytes.getLong(at + 8));
                int colon = text(text).indexOf(':');
                if (text(text).startsWith("$ORIGIN") && colon >= 0) {
                    bytes.put(text + colon, (byte) 0);
                    changed = true;
                }
            }
        }
    }
}
