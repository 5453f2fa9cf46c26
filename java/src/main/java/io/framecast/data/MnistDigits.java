package io.framecast.data;

import io.framecast.FramecastException;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/**
 * Images of handwritten digits, uint8 of 28x28, 0 is background. Read from IDX, the format of the MNIST
 * database: big-endian int32 magic number 2051, count, rows, columns, then the pixels row by row.
 */
public final class MnistDigits {

    /** Height and width of every image, in pixels. */
    public static final int SIZE = 28;

    private static final int IMAGES_MAGIC = 2051;

    private final byte[] pixels;

    private MnistDigits(byte[] pixels) {
        this.pixels = pixels;
    }

    /**
     * The 10,000 MNIST test images, which come with the program; read on first use, then kept.
     *
     * @return 10,000 images
     */
    public static MnistDigits bundled() {
        return Bundled.DIGITS;
    }

    /**
     * Reads a file of IDX images, plain or gzipped.
     *
     * @param file such as MNIST's {@code train-images-idx3-ubyte.gz}
     * @return its images
     * @throws FramecastException if the file cannot be read, is damaged, or does not hold images of 28x28
     */
    public static MnistDigits read(Path file) {
        if (Files.isDirectory(file)) {
            throw new FramecastException("Cannot read " + file + ": it is a directory; name a file of IDX images.");
        }
        try (InputStream in = new BufferedInputStream(Files.newInputStream(file))) {
            in.mark(2);
            boolean gzip = in.read() == 0x1f && in.read() == 0x8b;
            in.reset();
            return read(gzip ? new GZIPInputStream(in) : in, file.toString());
        } catch (EOFException e) {
            throw truncated(file.toString(), e);
        } catch (IOException e) {
            throw FileBytes.cannotRead(file, e);
        }
    }

    /**
     * Reads uncompressed IDX images.
     *
     * @param name the name of the source in messages
     * @throws FramecastException if this is not IDX, not 28x28, truncated or too long
     */
    static MnistDigits read(InputStream idx, String name) {
        try {
            DataInputStream in = new DataInputStream(idx);
            int magic = in.readInt();
            if (magic != IMAGES_MAGIC) {
                throw new FramecastException(name + " does not hold IDX images: it begins with the number " + magic
                        + ", not " + IMAGES_MAGIC + ".");
            }
            int count = in.readInt();
            int rows = in.readInt();
            int columns = in.readInt();
            if (count < 1 || rows != SIZE || columns != SIZE || count > Integer.MAX_VALUE / (SIZE * SIZE)) {
                throw new FramecastException(name + " holds " + count + " images of " + rows + "x" + columns
                        + " where at least one of " + SIZE + "x" + SIZE + " is needed.");
            }
            // Reads before it allocates: a damaged count must not allocate gigabytes.
            byte[] pixels = in.readNBytes(count * SIZE * SIZE);
            if (pixels.length < count * SIZE * SIZE) {
                throw new EOFException();
            }
            if (in.read() >= 0) {
                throw new FramecastException(name + " goes on after its " + count + " images; it is damaged.");
            }
            return new MnistDigits(pixels);
        } catch (EOFException e) {
            throw truncated(name, e);
        } catch (ZipException e) {
            throw new FramecastException(name + " is damaged and cannot be unpacked; get it again.", e);
        } catch (IOException e) {
            throw new FramecastException("Cannot read " + name + ": " + e.getMessage() + ".", e);
        }
    }

    private static FramecastException truncated(String name, EOFException e) {
        return new FramecastException(name + " is truncated; get it again.", e);
    }

    /**
     * The number of images.
     *
     * @return at least 1
     */
    public int count() {
        return pixels.length / (SIZE * SIZE);
    }

    /**
     * The brightness of one pixel, 0 to 255.
     *
     * @param digit the index of the image
     * @param row 0 to 27, from the top
     * @param column 0 to 27, from the left
     * @return 0 for the background
     */
    public int pixel(int digit, int row, int column) {
        return pixels[(digit * SIZE + row) * SIZE + column] & 0xff;
    }

    private static final class Bundled {
        static final MnistDigits DIGITS = load("mnist/t10k-images-idx3-ubyte.gz");

        private static MnistDigits load(String resource) {
            try (InputStream compressed = MnistDigits.class.getResourceAsStream(resource);
                    InputStream idx = new GZIPInputStream(compressed)) {
                return read(idx, resource);
            } catch (IOException e) {
                throw new FramecastException("Cannot read " + resource + ": " + e.getMessage() + ".", e);
            }
        }
    }
}
