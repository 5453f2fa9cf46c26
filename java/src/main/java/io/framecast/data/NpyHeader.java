package io.framecast.data;

import io.framecast.FramecastException;
import io.framecast.text.Quote;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The header of a .npy file, versions 1.0 to 3.0 (documented in numpy.lib.format): the bytes {@code \x93NUMPY}, major
 * and minor version, the length of the rest (little-endian, 2 bytes in version 1.0 and 4 since), and a Python
 * dictionary with the keys descr, fortran_order and shape, padded with spaces.
 *
 * @param descr the element type, such as {@code <f4}
 * @param dataOffset where the values begin, in bytes from the start of the file
 */
record NpyHeader(String descr, boolean fortranOrder, List<Long> shape, int dataOffset) {

    private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};

    /** The longest header accepted. A header of a numeric array has about 100 bytes. */
    private static final int LONGEST_TEXT = 1 << 16;

    /** The header ends within this many bytes from the start of the file. */
    static final int LONGEST = 12 + LONGEST_TEXT;

    private static final int ALIGNMENT = 64;

    /** One {@code 'key': value,} of the dictionary: a string, a boolean or a tuple of integers. */
    private static final Pattern ENTRY = Pattern.compile("\\s*(['\"])(\\w+)\\1\\s*:\\s*"
            + "('[^']*'|\"[^\"]*\"|True|False|\\([\\dL,\\s]*\\))\\s*(?:,\\s*|\\z)");

    private static final Pattern STRUCTURED = Pattern.compile("['\"]descr['\"]\\s*:\\s*[\\[({]");

    /**
     * Reads the header at the start of a file.
     *
     * @param start the first {@link #LONGEST} bytes of the file, or the whole file if it is shorter
     * @param size the file's size in bytes
     * @throws FramecastException if this is not a .npy file, or not of a numeric array
     */
    static NpyHeader read(byte[] start, long size, Path file) {
        ByteBuffer prefix = ByteBuffer.wrap(start).order(ByteOrder.LITTLE_ENDIAN);
        if (start.length < MAGIC.length + 2 + 2
                || prefix.slice(0, MAGIC.length).mismatch(ByteBuffer.wrap(MAGIC)) >= 0) {
            throw new FramecastException(file + " is not a .npy file: it does not begin as numpy.save writes it.");
        }
        int major = prefix.get(6) & 0xff;
        int minor = prefix.get(7) & 0xff;
        if (major < 1 || major > 3 || minor != 0) {
            throw new FramecastException(file + " is of .npy version " + major + "." + minor
                    + "; save it again in version 1.0, 2.0 or 3.0.");
        }
        int text = major == 1 ? 10 : 12;
        if (start.length < text) {
            throw truncated(file, text, size);
        }
        long length = major == 1 ? prefix.getShort(8) & 0xffffL : prefix.getInt(8) & 0xffffffffL;
        if (length > LONGEST_TEXT) {
            throw malformed(file, "it claims to be " + length + " bytes long");
        }
        if (text + length > size) {
            throw truncated(file, text + length, size);
        }
        // Version 3.0 is UTF-8 and the others Latin-1, but only field names of structured types may be non-ASCII.
        return parse(new String(start, text, (int) length, StandardCharsets.ISO_8859_1).strip(), text + (int) length,
                file);
    }

    /**
     * Where the values end, in bytes from the start of the file.
     *
     * @throws FramecastException if the size overflows
     */
    long end(NpyType type, Path file) {
        try {
            shape.forEach(Math::toIntExact);
            return Math.addExact(dataOffset, shape.stream().reduce((long) type.bytes(), Math::multiplyExact));
        } catch (ArithmeticException e) {
            throw new FramecastException(file + " claims the shape " + text(shape) + ", which is too large to be true;"
                    + " its header is damaged.", e);
        }
    }

    /** A shape in NumPy's notation: {@code (2, 3)}. */
    static String text(List<Long> shape) {
        return shape.toString().replace('[', '(').replace(']', ')');
    }

    /** The bytes of a version 1.0 header, padded so that the values begin at a multiple of 64 bytes. */
    static byte[] encode(NpyType type, List<Integer> shape) {
        return encode(type, shape, 0);
    }

    /** @param least the length of the header at least, a multiple of {@value #ALIGNMENT} */
    static byte[] encode(NpyType type, List<Integer> shape, int least) {
        String tuple = shape.stream().map(String::valueOf)
                .collect(Collectors.joining(", ", "(", shape.size() == 1 ? ",)" : ")"));
        String dictionary = "{'descr': '" + type.descr() + "', 'fortran_order': False, 'shape': " + tuple + ", }";
        int unpadded = MAGIC.length + 4 + dictionary.length() + 1;
        int length = Math.max(least, (unpadded + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
        return ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN)
                .put(MAGIC).put((byte) 1).put((byte) 0).putShort((short) (length - MAGIC.length - 4))
                .put((dictionary + " ".repeat(length - unpadded) + "\n").getBytes(StandardCharsets.US_ASCII))
                .array();
    }

    static FramecastException truncated(Path file, long expected, long actual) {
        return new FramecastException(file + " is truncated: it should have " + expected + " bytes but has " + actual
                + "; copy or download it again.");
    }

    private static NpyHeader parse(String text, int dataOffset, Path file) {
        if (STRUCTURED.matcher(text).find()) {
            throw new FramecastException(file + " holds records of several fields; save one field as plain uint8 or"
                    + " float32 numbers.");
        }
        if (text.length() < 2 || !text.startsWith("{") || !text.endsWith("}")) {
            throw malformed(file, "it is no dictionary");
        }
        String body = text.substring(1, text.length() - 1).strip();
        Map<String, String> entries = new HashMap<>();
        Matcher entry = ENTRY.matcher(body);
        for (int at = 0; at < body.length(); at = entry.end()) {
            if (!entry.region(at, body.length()).lookingAt()) {
                throw malformed(file, "it cannot be read from its character " + (at + 1) + " on");
            }
            if (entries.put(entry.group(2), entry.group(3)) != null) {
                throw malformed(file, "it has " + entry.group(2) + " twice");
            }
        }
        if (!entries.keySet().equals(Set.of("descr", "fortran_order", "shape"))) {
            throw malformed(file, "it should have the keys descr, fortran_order and shape alone");
        }
        String descr = entries.get("descr");
        String fortranOrder = entries.get("fortran_order");
        if (!descr.startsWith("'") && !descr.startsWith("\"")) {
            throw malformed(file, "its descr is " + descr);
        }
        if (!fortranOrder.equals("True") && !fortranOrder.equals("False")) {
            throw malformed(file, "its fortran_order is " + fortranOrder);
        }
        return new NpyHeader(descr.substring(1, descr.length() - 1), fortranOrder.equals("True"),
                shape(entries.get("shape"), file), dataOffset);
    }

    /** Reads {@code (2, 3)}; Python 2 wrote {@code (2L, 3L)}. */
    private static List<Long> shape(String tuple, Path file) {
        if (!tuple.startsWith("(")) {
            throw malformed(file, "its shape is " + tuple);
        }
        List<Long> shape = new ArrayList<>();
        String[] lengths = tuple.substring(1, tuple.length() - 1).strip().split(",");
        for (String padded : lengths.length == 1 && lengths[0].isEmpty() ? new String[0] : lengths) {
            String length = padded.strip(); // Not in the pattern: its backtracking is quadratic.
            try {
                shape.add(Long.parseLong(length.endsWith("L") ? length.substring(0, length.length() - 1) : length));
            } catch (NumberFormatException e) {
                throw malformed(file, "its shape has the length '" + length + "'");
            }
        }
        return List.copyOf(shape);
    }

    private static FramecastException malformed(Path file, String what) {
        return new FramecastException("The header of " + file + " is damaged: " + Quote.of(what) + ".");
    }
}
