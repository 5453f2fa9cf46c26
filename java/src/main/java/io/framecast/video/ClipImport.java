package io.framecast.video;

import io.framecast.FramecastException;
import io.framecast.data.NpyType;
import io.framecast.data.NpyWriter;
import io.framecast.text.Count;
import io.framecast.video.ClipIndex.Clip;
import io.framecast.video.ClipIndex.VideoFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/**
 * Cuts videos into clips of one shape and writes them to a .npy file, (clips, frames, height, width, channels) uint8.
 * One clip is in memory at a time. A video that cannot be read is left out; what of a damaged one can be read is taken.
 */
public final class ClipImport {

    /** Receives the progress. */
    @FunctionalInterface
    public interface Progress {
        /**
         * Reading goes on.
         *
         * @param video the number of videos that are read to their end
         * @param videos the number of videos in all
         * @param clips the number of clips made
         */
        void update(int video, int videos, int clips);
    }

    /** How many frames of a video are searched for colours, if those before have none. */
    private static final int SEARCHED_FRAMES = 60;

    /** Channels that differ by no more are grey: encoders round. */
    private static final int GREY = 16;

    private final List<VideoSource> videos;
    private final ClipSettings given;
    private final Progress progress;
    private final List<VideoFile> files = new ArrayList<>();
    private final List<Clip> clips = new ArrayList<>();

    private ClipImport(List<VideoSource> videos, ClipSettings settings, Progress progress) {
        this.videos = videos;
        this.given = settings;
        this.progress = progress;
    }

    /**
     * Writes the clips, and their {@link ClipIndex} beside them.
     *
     * @param npy replaced if it exists
     * @param videos what to read
     * @param settings how to cut
     * @param progress receives the progress
     * @return where the clips come from; the files in it that have a problem should be named to people
     * @throws FramecastException if no video gives a clip, their sizes differ and none is set, or the file cannot be
     *         written; the previous file is untouched
     */
    public static ClipIndex write(Path npy, VideoSources videos, ClipSettings settings, Progress progress) {
        Ffmpeg.load();
        ClipIndex index = new ClipImport(videos.videos(), settings, progress).run(npy,
                key(videos.videos(), settings));
        index.write(npy);
        return index;
    }

    /**
     * Names videos, as they are now, and settings, to tell whether clips would be the same.
     *
     * @param videos the files: their names, sizes and times count
     * @param settings how to cut
     * @return in hexadecimal
     */
    public static String key(List<VideoSource> videos, ClipSettings settings) {
        try {
            MessageDigest hash = MessageDigest.getInstance("SHA-256");
            hash.update(settings.toString().getBytes(StandardCharsets.UTF_8));
            for (VideoSource video : videos) {
                for (Path file : video.files()) {
                    hash.update((file.toAbsolutePath() + "\0" + Files.size(file) + "\0"
                            + Files.getLastModifiedTime(file).toMillis() + "\0").getBytes(StandardCharsets.UTF_8));
                }
            }
            return HexFormat.of().formatHex(hash.digest());
        } catch (IOException e) {
            throw new FramecastException("A video cannot be read: " + e.getMessage() + ".", e);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    private ClipIndex run(Path npy, String key) {
        boolean coloured = false;
        for (VideoSource video : videos) {
            try (FrameReader reader = video.open(null)) {
                coloured = coloured || given.channels() == 0 && hasColour(reader);
                files.add(new VideoFile(absolute(video), reader.info(), 0, 0, null));
            } catch (FramecastException e) {
                files.add(new VideoFile(absolute(video), null, 0, 0, e.getMessage()));
            }
        }
        ClipSettings settings = withSize(given.channels() != 0 ? given : new ClipSettings(given.frames(), given.step(),
                given.height(), given.width(), coloured ? 3 : 1, given.rate(), given.stride()));
        NpyWriter.writeAll(npy, NpyType.UINT8, List.of(settings.frames(), settings.height(), settings.width(),
                settings.channels()), out -> {
                    for (int file = 0; file < files.size(); file++) {
                        if (files.get(file).info() != null) {
                            cut(file, settings, out);
                        }
                        progress.update(file + 1, files.size(), clips.size());
                    }
                    if (clips.isEmpty()) {
                        throw new FramecastException(nothing(settings));
                    }
                });
        return new ClipIndex(key, settings, List.copyOf(files), List.copyOf(clips));
    }

    private static String absolute(VideoSource video) {
        return video.path().toAbsolutePath().toString();
    }

    /** Whether a picture of the first ones has a colour. Grey videos are often stored in formats with colours. */
    private static boolean hasColour(FrameReader reader) {
        if (reader.info().grey()) {
            return false;
        }
        byte[] frame = new byte[reader.info().height() * reader.info().width() * 3];
        int brightest = 0;
        for (int k = 0; k < SEARCHED_FRAMES && reader.read(frame); k++) {
            for (int p = 0; p < frame.length; p += 3) {
                int red = frame[p] & 0xff;
                int green = frame[p + 1] & 0xff;
                int blue = frame[p + 2] & 0xff;
                int most = Math.max(red, Math.max(green, blue));
                if (most - Math.min(red, Math.min(green, blue)) > GREY) {
                    return true;
                }
                brightest = Math.max(brightest, most);
            }
        }
        return brightest <= GREY; // All black: it may become anything.
    }

    private ClipSettings withSize(ClipSettings settings) {
        List<VideoFile> good = files.stream().filter(file -> file.info() != null).toList();
        if (good.isEmpty()) {
            throw new FramecastException(files.size() == 1 ? files.get(0).problem() : "None of "
                    + Count.of(files.size(), "file") + " can be read; the first: " + files.get(0).problem());
        }
        if (settings.height() != 0) {
            return settings;
        }
        VideoInfo first = good.get(0).info();
        for (VideoFile file : good) {
            if (file.info().height() != first.height() || file.info().width() != first.width()) {
                throw new MixedSizesException(good.get(0).file() + " has frames of " + size(first)
                        + " (height x width) and " + file.file() + " of " + size(file.info())
                        + "; choose a size for all.");
            }
        }
        return new ClipSettings(settings.frames(), settings.step(), first.height(), first.width(),
                settings.channels(), settings.rate(), settings.stride());
    }

    private static String size(VideoInfo info) {
        return info.height() + "x" + info.width();
    }

    private String nothing(ClipSettings settings) {
        VideoFile first = files.get(0);
        return (files.size() == 1 ? first.problem() : "None of " + Count.of(files.size(), "video") + " gives a clip of "
                + Count.of(settings.frames(), "frame") + "; the first: " + first.problem());
    }

    /** Writes the clip that the ring holds. */
    private void write(int file, long start, byte[][] ring, double[] times, NpyWriter out) throws IOException {
        for (long k = start; k < start + ring.length; k++) {
            out.write(ring[(int) (k % ring.length)]);
        }
        clips.add(new Clip(file, start, times[(int) (start % ring.length)]));
        progress.update(file, files.size(), clips.size());
    }

    /** Writes the clips of a video. */
    private void cut(int file, ClipSettings settings, NpyWriter out) throws IOException {
        VideoFile video = files.get(file);
        int before = clips.size();
        long frames = 0;
        String problem = null;
        FrameFormat format = new FrameFormat(settings.height(), settings.width(), settings.channels(),
                settings.rate(), settings.stride());
        // A ring of the last frames, as clips may overlap; and their times.
        byte[][] ring = new byte[settings.frames()][];
        double[] times = new double[settings.frames()];
        try (FrameReader reader = videos.get(file).open(format)) {
            for (; settings.step() != ClipSettings.ONE_CLIP || frames < settings.frames(); frames++) {
                if (frames < ring.length) {
                    ring[(int) frames] = new byte[format.frameSize()];
                }
                if (!reader.read(ring[(int) (frames % ring.length)])) {
                    break;
                }
                times[(int) (frames % ring.length)] = reader.time();
                long start = frames + 1 - settings.frames();
                if (start >= 0 && settings.step() != ClipSettings.LAST_CLIP && start % settings.step() == 0) {
                    write(file, start, ring, times, out);
                }
            }
            if (settings.step() == ClipSettings.LAST_CLIP && frames >= ring.length) {
                write(file, frames - ring.length, ring, times, out);
            }
            if (reader.damage().isPresent()) {
                problem = video.file() + " is damaged after " + Count.of(frames, "frame") + " (" + reader.damage().get()
                        + ").";
            }
        } catch (FramecastException e) {
            problem = e.getMessage();
        }
        int made = clips.size() - before;
        if (problem == null && made == 0) {
            problem = video.file() + " has only " + Count.of(frames, "frame") + (settings.stride() > 1
                    || settings.rate() > 0 ? " at this rate" : "") + ", and a clip has " + settings.frames() + ".";
        }
        files.set(file, new VideoFile(video.file(), video.info(), frames, made, problem));
    }
}
