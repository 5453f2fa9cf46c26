package io.framecast.backend.cuda.compiler;

import io.framecast.FramecastException;
import io.framecast.files.AtomicFiles;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.XZInputStream;
import org.tukaani.xz.XZOutputStream;

/**
 * Compiled kernels in a few compressed files. What one source compiles to for other shapes is nearly the same text, so
 * that many images in one xz file take a tenth of what they take one by one.
 *
 * <p>The file {@code index} has a line for each image: its key, the number of its pack, and where it begins and how
 * many bytes it has in what {@code NUMBER.xz} unpacks to.
 */
final class ImagePacks {

    /**
     * An image.
     *
     * @param order images next to each other by this are compressed together
     */
    record Image(String key, String order, byte[] bytes) {
    }

    private record Place(int pack, int offset, int length) {
    }

    /** Bytes of a pack, unpacked: each use of one of its images unpacks it up to there, some hundredths of a second. */
    private static final int PACK_BYTES = 4 << 20;

    private static final String INDEX = "index";

    private final Path directory;

    /** Null: not read yet. */
    private Map<String, Place> places;

    /** The pack that was read last, from its beginning; null: none. */
    private byte[] unpacked;
    private int unpackedNumber;

    ImagePacks(Path directory) {
        this.directory = directory;
    }

    /** The image with this key; empty if there is none, or it is damaged or cannot be read. */
    synchronized Optional<byte[]> read(String key) {
        try {
            if (places == null) {
                places = index();
            }
            Place place = places.get(key);
            if (place == null) {
                return Optional.empty();
            }
            if (unpacked == null || unpackedNumber != place.pack) {
                try (InputStream in = new XZInputStream(Files.newInputStream(pack(place.pack)))) {
                    unpacked = in.readAllBytes();
                    unpackedNumber = place.pack;
                }
            }
            return Optional.of(Arrays.copyOfRange(unpacked, place.offset, place.offset + place.length));
        } catch (IOException | RuntimeException e) {
            return Optional.empty(); // Then the kernels are compiled.
        }
    }

    private Map<String, Place> index() throws IOException {
        Map<String, Place> all = new HashMap<>();
        if (Files.exists(directory.resolve(INDEX))) {
            for (String line : Files.readAllLines(directory.resolve(INDEX))) {
                String[] words = line.split(" ");
                all.put(words[0], new Place(Integer.parseInt(words[1]), Integer.parseInt(words[2]),
                        Integer.parseInt(words[3])));
            }
        }
        return all;
    }

    private Path pack(int number) {
        return directory.resolve(number + ".xz");
    }

    /**
     * Writes images, in the place of all that are there.
     *
     * @return the bytes of the files
     * @throws FramecastException if they cannot be written
     */
    synchronized long write(List<Image> images) {
        List<Image> sorted = new ArrayList<>(images);
        sorted.sort((a, b) -> a.order.equals(b.order) ? a.key.compareTo(b.key) : a.order.compareTo(b.order));
        StringBuilder index = new StringBuilder();
        ByteArrayOutputStream pack = new ByteArrayOutputStream();
        int number = 0;
        long bytes = 0;
        for (Image image : sorted) {
            if (pack.size() > 0 && pack.size() + image.bytes.length > PACK_BYTES) {
                bytes += write(number++, pack);
                pack.reset();
            }
            index.append(image.key).append(' ').append(number).append(' ').append(pack.size()).append(' ')
                    .append(image.bytes.length).append('\n');
            pack.writeBytes(image.bytes);
        }
        bytes += write(number, pack);
        AtomicFiles.write(directory.resolve(INDEX), out -> out.write(index.toString()
                .getBytes(StandardCharsets.UTF_8)));
        places = null;
        unpacked = null;
        return bytes + index.length();
    }

    private long write(int number, ByteArrayOutputStream pack) {
        ByteArrayOutputStream compressed = new ByteArrayOutputStream();
        try (OutputStream xz = new XZOutputStream(compressed, new LZMA2Options())) {
            pack.writeTo(xz);
        } catch (IOException e) {
            throw new IllegalStateException("memory cannot be written", e);
        }
        AtomicFiles.write(pack(number), out -> compressed.writeTo(out));
        return compressed.size();
    }
}
