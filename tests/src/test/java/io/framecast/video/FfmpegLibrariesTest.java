package io.framecast.video;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.ChildJvm;
import io.framecast.FramecastException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** FFmpeg's libraries where no jar on the class path has them. */
@Timeout(120)
class FfmpegLibrariesTest {

    @TempDir
    static Path directory;

    /** Reads a file, in a process without the jar of libraries. */
    public static final class Reader {
        public static void main(String[] arguments) {
            try (FrameReader reader = new VideoReader(Path.of(arguments[0]), null)) {
                System.out.print("read " + reader.info().height());
            } catch (FramecastException e) {
                System.out.print(e.getMessage());
            }
        }
    }

    private static final String JAR = FfmpegLibraries.ARTIFACT.path().replaceFirst(".*/", "");

    private static String read(Path repository) throws Exception {
        Path video = TestVideo.counting(directory.resolve("x.mkv"), 2);
        return new ChildJvm().environment("FRAMECAST_CACHE", Files.createTempDirectory(directory, "cache"))
                .environment("FRAMECAST_MAVEN_REPOSITORY", "http://127.0.0.1:9/maven2").property("user.home", directory)
                .property("maven.repo.local", repository).withoutJar(JAR).run(Reader.class, video);
    }

    /** The sizes and the checksums in the program are those of the jar that Maven has brought for the tests. */
    @Test
    void takesTheLibrariesOfTheLocalRepository() throws Exception {
        Path jar = Arrays.stream(System.getProperty("java.class.path").split(":")).filter(path -> path.endsWith(JAR))
                .map(Path::of).findFirst().orElseThrow();
        Path repository = directory.resolve("repository");
        Path place = repository.resolve(FfmpegLibraries.ARTIFACT.path());
        Files.createDirectories(place.getParent());
        Files.copy(jar, place);
        assertEquals("read 16", read(repository));
    }

    @Test
    void saysWhenTheyCannotBeFetched() throws Exception {
        String message = read(directory.resolve("none"));
        assertTrue(message.startsWith("FFmpeg, which reads and writes videos, is not here and cannot be taken from "
                + "http://127.0.0.1:9/maven2/org/bytedeco/ffmpeg/") && message.contains("no connection")
                && message.contains("set FRAMECAST_MAVEN_REPOSITORY"), message);
    }
}
