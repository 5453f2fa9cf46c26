package io.framecast.video;

import io.framecast.FramecastException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * One video: a file, or the pictures of a directory.
 *
 * @param path the file or the directory
 * @param pictures the files of the pictures in their order; empty for a video file
 */
public record VideoSource(Path path, List<Path> pictures) {

    private static final Set<String> VIDEOS = Set.of("mp4", "m4v", "mov", "avi", "mkv", "webm", "gif", "mpg", "mpeg",
            "ts", "mts", "m2ts", "3gp", "3g2", "wmv", "asf", "flv", "ogv", "ogg", "y4m", "mxf", "vob", "dv", "apng",
            "ivf", "h264", "hevc", "mjpeg", "f4v", "qt");
    /** Files that name others: taken for videos only to be refused with the right sentence. */
    private static final Set<String> PLAYLISTS = Set.of("m3u8", "m3u", "mpd", "pls", "xspf", "ffconcat", "sdp");
    private static final Set<String> PICTURES = Set.of("png", "jpg", "jpeg", "bmp", "tif", "tiff", "webp", "pgm",
            "ppm", "jfif");

    /**
     * The same video, with a list of pictures that does not change.
     *
     * @param path the file or the directory
     * @param pictures the files of the pictures in their order; empty for a video file
     */
    public VideoSource {
        pictures = List.copyOf(pictures);
    }

    /**
     * Opens the video.
     *
     * @param wanted the frames to read; null: its own, in colour if its format has colours
     * @return its frames, for the caller to close
     * @throws FramecastException if it cannot be read or decoded; the message names it
     */
    public FrameReader open(FrameFormat wanted) {
        return pictures.isEmpty() ? new VideoReader(path, wanted) : new PictureReader(this, wanted);
    }

    /**
     * What is read of it.
     *
     * @return the file, or the pictures
     */
    public List<Path> files() {
        return pictures.isEmpty() ? List.of(path) : pictures;
    }

    static boolean isVideoName(Path file) {
        return VIDEOS.contains(extension(file));
    }

    static boolean isPictureName(Path file) {
        return PICTURES.contains(extension(file));
    }

    private static String extension(Path file) {
        String name = file.getFileName() == null ? "" : file.getFileName().toString();
        return name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
    }

    static boolean isPlaylistName(Path file) {
        return PLAYLISTS.contains(extension(file));
    }

    /** Whether a file is a video or a picture by its name, or by its first bytes. */
    static boolean isVideo(Path file) {
        return isVideoName(file) || isPictureName(file) || isPlaylistName(file)
                || Files.isRegularFile(file) && begins(file);
    }

    /** Whether a file begins as those of ISO media (MP4), Matroska, AVI, GIF, PNG and JPEG do. */
    private static boolean begins(Path file) {
        byte[] head = new byte[12];
        try (InputStream in = Files.newInputStream(file)) {
            if (in.readNBytes(head, 0, head.length) < head.length) {
                return false;
            }
        } catch (IOException e) {
            return false; // Who opens it as another kind of file says why.
        }
        String text = new String(head, StandardCharsets.ISO_8859_1);
        return text.startsWith("ftyp", 4) || text.startsWith("moov", 4) || ByteBuffer.wrap(head).getInt() == 0x1A45DFA3
                || text.startsWith("RIFF") && text.startsWith("AVI ", 8) || text.startsWith("GIF8")
                || text.startsWith("PNG", 1) || text.startsWith("\u00ff\u00d8\u00ff");
    }
}
