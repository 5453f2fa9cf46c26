package io.framecast.tools.render;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A strict GIF decoder for tests (GIF89a specification, CompuServe 1990): everything that some decoder could reject is
 * an error.
 *
 * @param frames the pixels of each, 0xRRGGBB; each fills the screen
 */
record StrictGif(List<int[]> frames) {

    private static final class Reader {

        final byte[] bytes;
        int at;

        Reader(byte[] bytes) {
            this.bytes = bytes;
        }

        int u8() {
            return bytes[at++] & 0xff;
        }

        int u16() {
            return u8() | u8() << 8;
        }

        int[] colors(int count) {
            int[] table = new int[count];
            for (int k = 0; k < count; k++) {
                table[k] = u8() << 16 | u8() << 8 | u8();
            }
            return table;
        }

        /** Sub-blocks up to the terminator, joined. */
        byte[] blocks() {
            java.io.ByteArrayOutputStream data = new java.io.ByteArrayOutputStream();
            for (int size = u8(); size > 0; size = u8()) {
                data.write(bytes, at, size);
                at += size;
            }
            return data.toByteArray();
        }
    }

    static StrictGif read(Path file) throws IOException {
        Reader in = new Reader(Files.readAllBytes(file));
        require(new String(in.bytes, 0, 6, StandardCharsets.US_ASCII).equals("GIF89a"), "signature");
        in.at = 6;
        int width = in.u16();
        int height = in.u16();
        int flags = in.u8();
        in.at += 2;
        int[] global = (flags & 0x80) == 0 ? null : in.colors(2 << (flags & 7));
        List<int[]> frames = new ArrayList<>();
        while (true) {
            int kind = in.u8();
            if (kind == 0x3b) {
                require(in.at == in.bytes.length, "nothing after the trailer");
                return new StrictGif(frames);
            }
            if (kind == 0x21) {
                in.at++;
                in.blocks();
                continue;
            }
            require(kind == 0x2c, "a block of kind " + kind);
            require(in.u16() == 0 && in.u16() == 0 && in.u16() == width && in.u16() == height, "a whole frame");
            int local = in.u8();
            require((local & 0x40) == 0, "not interlaced");
            int[] colors = (local & 0x80) == 0 ? global : in.colors(2 << (local & 7));
            require(colors != null, "a colour table");
            int codeSize = in.u8();
            require(codeSize >= 2 && codeSize <= 8 && 1 << codeSize >= colors.length, "a code size of " + codeSize
                    + " for " + colors.length + " colours");
            int[] pixels = decode(in.blocks(), codeSize, width * height);
            for (int i = 0; i < pixels.length; i++) {
                require(pixels[i] < colors.length, "colour " + pixels[i] + " of " + colors.length);
                pixels[i] = colors[pixels[i]];
            }
            frames.add(pixels);
        }
    }

    /** Variable-length LZW: a clear code first, every code known, an end code last, no bytes after it. */
    private static int[] decode(byte[] data, int codeSize, int count) {
        int clear = 1 << codeSize;
        int end = clear + 1;
        int[] prefix = new int[4096];
        int[] suffix = new int[4096];
        int[] length = new int[4096];
        int[] pixels = new int[count];
        int written = 0;
        int bit = 0;
        int size = codeSize + 1;
        int next = end + 1;
        int last = -1;
        boolean begun = false;
        while (true) {
            int code = 0;
            require(bit + size <= 8 * data.length, "the data end without an end code");
            for (int k = 0; k < size; k++, bit++) {
                code |= (data[bit / 8] >> bit % 8 & 1) << k;
            }
            if (code == clear) {
                begun = true;
                size = codeSize + 1;
                next = end + 1;
                last = -1;
                continue;
            }
            require(begun, "the first code is not the clear code");
            if (code == end) {
                require(written == count, written + " pixels of " + count);
                require((bit + 7) / 8 == data.length, "bytes after the end code");
                return pixels;
            }
            require(code < clear || code > end && (code < next || code == next && last >= 0), "code " + code
                    + " where the next is " + next);
            if (last >= 0 && next < 4096) {
                prefix[next] = last;
                length[next] = (last < clear ? 1 : length[last]) + 1;
                suffix[next] = first(code == next ? last : code, clear, prefix);
                next++;
                if (next == 1 << size && size < 12) {
                    size++;
                }
            }
            int n = code < clear ? 1 : length[code];
            require(written + n <= count, "too many pixels");
            int at = code;
            for (int k = n - 1; k > 0; k--) {
                pixels[written + k] = suffix[at];
                at = prefix[at];
            }
            pixels[written] = at;
            written += n;
            last = code;
        }
    }

    private static int first(int code, int clear, int[] prefix) {
        int at = code;
        while (at >= clear) {
            at = prefix[at];
        }
        return at;
    }

    private static void require(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError("not a GIF by the letter: " + what);
        }
    }
}
