package io.framecast.device.sampling;

import java.nio.charset.StandardCharsets;

/** By what the software device's counters name a module: FNV-1a of its PTX. */
final class PtxFingerprint {

    private static final long BASIS = 0xcbf29ce484222325L;
    private static final long PRIME = 0x100000001b3L;

    private PtxFingerprint() {
    }

    /** Of each line with a newline after it, as 16 hexadecimal digits. */
    static String of(byte[] ptx) {
        // A character for each byte.
        String text = new String(ptx, StandardCharsets.ISO_8859_1).replaceAll("\0+$", "");
        long hash = BASIS;
        for (String line : text.lines().toList()) {
            for (byte b : (line + "\n").getBytes(StandardCharsets.ISO_8859_1)) {
                hash = (hash ^ Byte.toUnsignedLong(b)) * PRIME;
            }
        }
        return "%016x".formatted(hash);
    }
}
