package io.framecast.data;

import java.util.Locale;

/** The element types of the .npy files that Framecast reads and writes. */
public enum NpyType {
    UINT8("|u1", 1),
    /** Little-endian IEEE 754. */
    FLOAT32("<f4", 4);

    private final String descr;
    private final int bytes;

    NpyType(String descr, int bytes) {
        this.descr = descr;
        this.bytes = bytes;
    }

    /** NumPy's name for the type, as it stands in the header. */
    String descr() {
        return descr;
    }

    /** The size of one value, in bytes. */
    int bytes() {
        return bytes;
    }

    /** The name as people know it: "uint8", "float32". */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
