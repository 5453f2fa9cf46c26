package io.framecast.video;

import io.framecast.FramecastException;
import io.framecast.files.AtomicFiles;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;

/**
 * Writes frames as the pictures frame_0001.png, frame_0002.png and so on of a directory, which is made beside its place
 * and takes it when it is complete. A directory with anything in it is never replaced: nobody can tell whose it is.
 */
public final class PictureWriter implements FrameWriter {

    private final Path directory;
    private final Path made;
    private final Encoder.Kind kind;
    private final int height;
    private final int width;
    private final int channels;
    private final byte[] frame;
    private int count;

    private PictureWriter(Path directory, Path made, Encoder.Kind kind, int height, int width, int channels) {
        this.directory = directory;
        this.made = made;
        this.kind = kind;
        this.height = height;
        this.width = width;
        this.channels = channels;
        this.frame = new byte[height * width * (channels == 3 ? 3 : 1)];
    }

    /**
     * Begins a directory.
     *
     * @param directory must be empty, if it is there; a symbolic link is followed
     * @param height of frames
     * @param width of frames
     * @param channels of frames; the first is drawn in grey, unless there are 3: red, green and blue
     * @param shownHeight of the pictures, to which frames are scaled
     * @param shownWidth of the pictures
     * @return what takes the frames, for the caller to close
     * @throws FramecastException if the directory cannot be made, or is not empty
     */
    public static PictureWriter open(Path directory, int height, int width, int channels, int shownHeight,
            int shownWidth) {
        requireFree(directory);
        Path place = AtomicFiles.destination(directory);
        try {
            Files.createDirectories(place.getParent());
            Path made = Files.createTempDirectory(place.getParent(), "." + place.getFileName() + "-");
            made.toFile().deleteOnExit(); // If the process is stopped: after the pictures in it.
            String scale = VideoWriter.scale(height, width, shownHeight, shownWidth);
            return new PictureWriter(place, made, new Encoder.Kind("image2pipe", "png", scale + "format="
                    + (channels == 3 ? "rgb24" : "gray"), Map.of(), Map.of()), height, width, channels);
        } catch (IOException e) {
            throw AtomicFiles.cannotWrite(directory, e);
        }
    }

    /**
     * Checks, before the work for it, that a directory of pictures can be made.
     *
     * @param directory any path
     * @throws FramecastException if it is a file, or a directory with anything in it, or may not be written
     */
    public static void requireFree(Path directory) {
        if (!Files.exists(directory)) {
            AtomicFiles.requireDirectory(directory);
            return;
        }
        if (!Files.isDirectory(directory)) {
            throw new FramecastException("Cannot write pictures to " + directory + ": it is there already, and is a "
                    + "file.");
        }
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
            for (Path entry : entries) {
                throw new FramecastException("Cannot write pictures to " + directory + ": it is not empty, and has "
                        + entry.getFileName() + "; choose another directory, or empty it first.");
            }
        } catch (IOException e) {
            throw AtomicFiles.cannotWrite(directory, e);
        }
        AtomicFiles.requireDirectory(AtomicFiles.destination(directory).getParent()); // Where it is replaced.
    }

    @Override
    public void write(float[] values) {
        FrameWriter.toBytes(values, channels, frame);
        Path picture = made.resolve(String.format(Locale.ROOT, "frame_%04d.png", ++count));
        picture.toFile().deleteOnExit();
        try (Encoder encoder = new Encoder(picture, kind, height, width, channels == 3 ? 3 : 1, 1)) {
            encoder.put(frame, 0);
            encoder.finish();
        }
    }

    @Override
    public void finish() {
        if (count == 0) {
            throw new IllegalStateException("no frame");
        }
        try {
            // Temporary directories are for their owner only; this one is to be as any other.
            Path usual = Files.createDirectory(made.resolveSibling(made.getFileName() + ".new"));
            try (DirectoryStream<Path> pictures = Files.newDirectoryStream(made)) {
                for (Path picture : pictures) {
                    Files.move(picture, usual.resolve(picture.getFileName()));
                }
            }
            Files.deleteIfExists(directory); // Empty.
            Files.move(usual, directory);
        } catch (IOException e) {
            throw AtomicFiles.cannotWrite(directory, e);
        }
    }

    private static void delete(Path directory) throws IOException {
        try (DirectoryStream<Path> pictures = Files.newDirectoryStream(directory)) {
            for (Path picture : pictures) {
                Files.delete(picture);
            }
        }
        Files.delete(directory);
    }

    @Override
    public void close() {
        try {
            delete(made);
        } catch (IOException e) {
            // The first failure is the one to report.
        }
    }
}
