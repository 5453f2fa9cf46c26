package io.framecast.data;

import io.framecast.FramecastException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The element types of the .npy files that Framecast reads; it writes UINT8 and FLOAT32. */
public enum NpyType {
    /** One byte: 0 is false, everything else is true. */
    BOOL("|b1", 1, 0, 1),
    /** Unsigned, 1 byte: the usual type of images. */
    UINT8("|u1", 1, 0, 255),
    /** Signed, 1 byte. */
    INT8("|i1", 1, Byte.MIN_VALUE, Byte.MAX_VALUE),
    /** Unsigned, 2 bytes. */
    UINT16("<u2", 2, 0, 65535),
    /** Signed, 2 bytes. */
    INT16("<i2", 2, Short.MIN_VALUE, Short.MAX_VALUE),
    /** Unsigned, 4 bytes. */
    UINT32("<u4", 4, 0, 4294967295.0),
    /** Signed, 4 bytes. */
    INT32("<i4", 4, Integer.MIN_VALUE, Integer.MAX_VALUE),
    /** Unsigned, 8 bytes. */
    UINT64("<u8", 8, 0, 0x1p64),
    /** Signed, 8 bytes. */
    INT64("<i8", 8, Long.MIN_VALUE, Long.MAX_VALUE),
    /** IEEE 754 binary16, brightness in [0, 1]. */
    FLOAT16("<f2", 2, 0, 1),
    /** IEEE 754 binary32, brightness in [0, 1]. */
    FLOAT32("<f4", 4, 0, 1),
    /** IEEE 754 binary64, brightness in [0, 1]. */
    FLOAT64("<f8", 8, 0, 1);

    private static final Pattern DESCR = Pattern.compile("([|<>=]?)([a-zA-Z?])(\\d*).*");

    private static final VarHandle SHORT = view(short[].class);
    private static final VarHandle INT = view(int[].class);
    private static final VarHandle LONG = view(long[].class);
    private static final VarHandle FLOAT = view(float[].class);
    private static final VarHandle DOUBLE = view(double[].class);

    private static VarHandle view(Class<?> array) {
        return MethodHandles.byteArrayViewVarHandle(array, ByteOrder.LITTLE_ENDIAN);
    }

    private final String descr;
    private final int bytes;
    private final Scale range;

    NpyType(String descr, int bytes, double least, double most) {
        this.descr = descr;
        this.bytes = bytes;
        this.range = new Scale(least, most);
    }

    /**
     * The type named in a header, in either byte order.
     *
     * @throws FramecastException if it cannot be read as brightness
     */
    static NpyType of(String descr, Path file) {
        Matcher parts = DESCR.matcher(descr);
        String name = parts.matches() ? parts.group(2) + parts.group(3) : "";
        for (NpyType type : values()) {
            if (type.descr.substring(1).equals(name)) {
                return type;
            }
        }
        String what = switch (name.isEmpty() ? ' ' : name.charAt(0)) {
            case 'O' -> " holds pickled Python objects, which are never loaded; NumPy makes them of videos that"
                    + " differ in length or size: cut all to one length and size, and save numpy.stack(videos)";
            case 'c' -> " holds complex numbers ('" + descr + "'), which are no brightness; save numpy.abs(x), or the"
                    + " part that you mean";
            case 'f' -> " holds numbers of type '" + descr + "'; save x.astype('float32')";
            default -> " holds numbers of type '" + descr + "'; save whole numbers, or float32 in [0, 1]";
        };
        throw new FramecastException(file + what + ".");
    }

    static boolean isBigEndian(String descr) {
        return descr.startsWith(">");
    }

    /** NumPy's name for the little-endian type, as written in the header. */
    String descr() {
        return descr;
    }

    /** The size of one value, in bytes. */
    int bytes() {
        return bytes;
    }

    /**
     * The smallest to the largest value of an integer type; 0 to 1 for other types.
     *
     * @return the default scale of the type
     */
    public Scale range() {
        return range;
    }

    boolean isInteger() {
        return descr.charAt(1) == 'u' || descr.charAt(1) == 'i';
    }

    /**
     * Reads {@code count} values without scaling, rounded to float.
     *
     * @param from little-endian
     * @param at the offset of the first value, in bytes
     * @param step the distance between values in {@code from}, in bytes
     * @param stride the distance between values in {@code to}, in values
     */
    void decode(byte[] from, int at, int step, float[] to, int first, int stride, int count) {
        switch (this) {
            case BOOL -> {
                for (int n = 0, k = first; n < count; n++, k += stride, at += step) {
                    to[k] = from[at] == 0 ? 0 : 1;
                }
            }
            case UINT8 -> {
                for (int n = 0, k = first; n < count; n++, k += stride, at += step) {
                    to[k] = from[at] & 0xff;
                }
            }
            case INT8 -> {
                for (int n = 0, k = first; n < count; n++, k += stride, at += step) {
                    to[k] = from[at];
                }
            }
            case UINT16 -> {
                for (int n = 0, k = first; n < count; n++, k += stride, at += step) {
                    to[k] = (short) SHORT.get(from, at) & 0xffff;
                }
            }
            case INT16 -> {
                for (int n = 0, k = first; n < count; n++, k += stride, at += step) {
                    to[k] = (short) SHORT.get(from, at);
                }
            }
            case UINT32 -> {
                for (int n = 0, k = first; n < count; n++, k += stride, at += step) {
                    to[k] = (int) INT.get(from, at) & 0xffffffffL;
                }
            }
            case INT32 -> {
                for (int n = 0, k = first; n < count; n++, k += stride, at += step) {
                    to[k] = (int) INT.get(from, at);
                }
            }
            case UINT64 -> {
                for (int n = 0, k = first; n < count; n++, k += stride, at += step) {
                    to[k] = unsigned((long) LONG.get(from, at));
                }
            }
            case INT64 -> {
                for (int n = 0, k = first; n < count; n++, k += stride, at += step) {
                    to[k] = (long) LONG.get(from, at);
                }
            }
            case FLOAT16 -> {
                for (int n = 0, k = first; n < count; n++, k += stride, at += step) {
                    to[k] = half((short) SHORT.get(from, at));
                }
            }
            case FLOAT32 -> {
                for (int n = 0, k = first; n < count; n++, k += stride, at += step) {
                    to[k] = (float) FLOAT.get(from, at);
                }
            }
            case FLOAT64 -> {
                for (int n = 0, k = first; n < count; n++, k += stride, at += step) {
                    to[k] = (float) (double) DOUBLE.get(from, at);
                }
            }
        }
    }

    /** Like the other {@code decode}, for types of one byte: writes {@code table[byte & 255]}. */
    static void decode(byte[] from, int at, int step, float[] to, int first, int stride, int count, float[] table) {
        for (int n = 0, k = first; n < count; n++, k += stride, at += step) {
            to[k] = table[from[at] & 0xff];
        }
    }

    /**
     * A table of the brightness of each byte value, for types of one byte.
     *
     * @return 256 values; null for other types, or if the scale does not cover all bytes
     */
    float[] brightness(Scale scale) {
        if (bytes != 1) {
            return null;
        }
        byte[] all = new byte[256];
        for (int k = 0; k < all.length; k++) {
            all[k] = (byte) k;
        }
        float[] table = new float[all.length];
        decode(all, 0, 1, table, 0, 1, all.length);
        return scale.toBrightness(table, 0, table.length) == table.length ? table : null;
    }

    private static float unsigned(long bits) {
        // Half of an unsigned value whose top bit is set; the bit that is lost is below a float's precision.
        return bits >= 0 ? bits : 2f * (bits >>> 1);
    }

    /** IEEE 754 binary16: a sign, 5 bits of exponent with a bias of 15, 10 bits of fraction. */
    private static float half(short bits) {
        int exponent = bits >> 10 & 0x1f;
        int fraction = bits & 0x3ff;
        float size = switch (exponent) {
            case 0 -> fraction * 0x1p-24f;
            case 0x1f -> fraction == 0 ? Float.POSITIVE_INFINITY : Float.NaN;
            default -> Float.intBitsToFloat(exponent + 127 - 15 << 23 | fraction << 13);
        };
        return bits < 0 ? -size : size;
    }

    /** NumPy's name: "uint8", "float32". */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
