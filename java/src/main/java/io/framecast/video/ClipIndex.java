package io.framecast.video;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.framecast.FramecastException;
import io.framecast.data.Split;
import io.framecast.data.Videos;
import io.framecast.files.JsonFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Where the clips of a .npy file come from. It is kept beside it: videos.clips.json for videos.npy.
 *
 * @param key names the videos, as they were, and the settings: clips with the same key are the same
 * @param settings how the clips were made, with the size and channels that were chosen
 * @param files the videos, also those without clips
 * @param clips in the order of the .npy file
 */
public record ClipIndex(String key, ClipSettings settings, List<VideoFile> files, List<Clip> clips) {

    /**
     * A video that was read.
     *
     * @param file its absolute path; of pictures, that of their directory
     * @param info what it is; null if it could not be opened
     * @param frames how many frames were read, after rate and stride
     * @param clips how many clips were made of them
     * @param problem a sentence on why it is not read, or not to its end, or has no clip; null: nothing
     */
    public record VideoFile(String file, VideoInfo info, long frames, int clips, String problem) {
    }

    /**
     * A clip.
     *
     * @param file its place in {@link ClipIndex#files}
     * @param frame where it begins in the video: a frame after rate and stride
     * @param seconds the same as a time; 0 for pictures
     */
    public record Clip(int file, long frame, double seconds) {
    }

    /**
     * The place of the index of a file of clips.
     *
     * @param npy the .npy file
     * @return the file beside it
     */
    public static Path beside(Path npy) {
        return npy.resolveSibling(npy.getFileName().toString().replaceFirst("\\.npy$", "") + ".clips.json");
    }

    /**
     * Reads the index beside a file of clips.
     *
     * @param npy the .npy file
     * @return empty if there is none
     * @throws FramecastException if it cannot be read, or is damaged
     */
    public static Optional<ClipIndex> read(Path npy) {
        Path file = beside(npy);
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        try {
            ClipIndex index = new JsonMapper().readValue(Files.readString(file), ClipIndex.class);
            index.check();
            return Optional.of(index);
        } catch (JsonProcessingException e) {
            throw new FramecastException(file + " is damaged: " + JsonFiles.fault(e) + "; delete it, or import the"
                    + " videos again.", e);
        } catch (IOException | IllegalArgumentException e) {
            throw new FramecastException(file + " cannot be read: " + e.getMessage() + "; delete it, or import the"
                    + " videos again.", e);
        }
    }

    private void check() {
        if (settings == null || files == null || clips == null || clips.stream().anyMatch(clip -> clip == null
                || clip.file < 0 || clip.file >= files.size()) || files.contains(null)) {
            throw new IllegalArgumentException("it has not all that an index of clips has");
        }
    }

    /**
     * Writes the index beside a file of clips.
     *
     * @param npy the .npy file
     * @throws FramecastException if it cannot be written
     */
    public void write(Path npy) {
        JsonFiles.write(beside(npy), new JsonMapper().convertValue(this, new TypeReference<Map<String, Object>>() { }));
    }

    /**
     * Splits the first clips so that no video has clips on both sides: of the videos, from the last to the first, those
     * are for validation that bring their number of clips nearer to the fraction, and one in any case. A single video
     * is split by time: its last clips are for validation, and clips that share frames with them are on no side.
     *
     * @param count how many clips, from the first on
     * @param validationFraction in [0, 1)
     * @return the numbers of the clips on both sides
     * @throws FramecastException if the fraction is out of range, or nothing is left to train on
     */
    public Sides split(int count, double validationFraction) {
        int wanted = count - Split.trainingCount(count, validationFraction);
        int[] sizes = new int[files.size()];
        clips.subList(0, count).forEach(clip -> sizes[clip.file]++);
        List<Integer> used = IntStream.range(0, sizes.length).filter(file -> sizes[file] > 0).boxed().toList();
        boolean[] validating = new boolean[count];
        boolean[] dropped = new boolean[count];
        if (wanted > 0 && used.size() == 1) {
            long border = clips.get(count - wanted).frame;
            for (int k = 0; k < count; k++) {
                validating[k] = k >= count - wanted;
                dropped[k] = !validating[k] && clips.get(k).frame + settings.frames() > border;
            }
        } else if (wanted > 0) {
            List<Integer> taken = nearest(used, sizes, wanted);
            for (int k = 0; k < count; k++) {
                validating[k] = taken.contains(clips.get(k).file);
            }
        }
        int[] training = IntStream.range(0, count).filter(k -> !validating[k] && !dropped[k]).toArray();
        if (training.length == 0) {
            throw new FramecastException("All clips of the single video would overlap those that are validated with;"
                    + " take more or shorter clips, or a validation split of 0.");
        }
        return new Sides(training, IntStream.range(0, count).filter(k -> validating[k]).toArray());
    }

    private static List<Integer> nearest(List<Integer> used, int[] sizes, int wanted) {
        List<Integer> taken = new ArrayList<>();
        int sum = 0;
        for (int k = used.size() - 1; k >= 0; k--) {
            int with = sum + sizes[used.get(k)];
            if (Math.abs(with - wanted) < Math.abs(sum - wanted) && taken.size() < used.size() - 1) {
                taken.add(used.get(k));
                sum = with;
            }
        }
        if (taken.isEmpty()) { // All have more than twice as many as wanted: the one with the fewest, the last of them.
            taken.add(used.stream().reduce((a, b) -> sizes[b] <= sizes[a] ? b : a).orElseThrow());
        }
        return taken;
    }

    /**
     * The two sides of a split.
     *
     * @param training the numbers of clips, ascending; at least one
     * @param validation the numbers of clips, ascending
     */
    public record Sides(int[] training, int[] validation) {

        /**
         * The clips of both sides.
         *
         * @param clips those that were split, in their order
         * @return views of them
         */
        public Split of(Videos clips) {
            return new Split(clips.select(training), clips.select(validation));
        }
    }
}
