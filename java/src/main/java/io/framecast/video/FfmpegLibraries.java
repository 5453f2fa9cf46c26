package io.framecast.video;

import io.framecast.FramecastException;
import io.framecast.backend.FetchListener;
import io.framecast.fetch.LibraryJar;
import io.framecast.fetch.LibraryJar.Artifact;
import io.framecast.fetch.LibraryJar.Library;
import io.framecast.system.JavaCpp;
import java.io.IOException;
import java.net.MalformedURLException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import org.bytedeco.ffmpeg.global.avcodec;
import org.bytedeco.ffmpeg.global.avfilter;
import org.bytedeco.ffmpeg.global.avformat;
import org.bytedeco.ffmpeg.global.avutil;
import org.bytedeco.ffmpeg.global.swresample;
import org.bytedeco.ffmpeg.global.swscale;
import org.bytedeco.javacpp.Loader;

/**
 * FFmpeg's shared libraries and their bindings. Taken from the class path if they are there, as in a bundle; else from
 * the user's cache, to which they are fetched once.
 */
final class FfmpegLibraries {

    private static final String DIRECTORY = "org/bytedeco/ffmpeg/linux-x86_64/";

    /** In the order in which they can be loaded. */
    private static final List<Library> LIBRARIES = List.of(
            library("libdrm.so.2", 84_592L,
                    "bab1e283c0fdd19eae10db2522fdc5806f0efee3c175e5e8bb1bc1b478c7e2b1"),
            library("libva.so.2", 195_088L,
                    "7ee0c548a2ce345a74b482aef98a3ddcb825504db7f1cda75020f9f999fef1c1"),
            library("libva-drm.so.2", 14_656L,
                    "9cf5b3c1a3f86222272ed27f68c7bfcb8d1850d8b2cc9a4037d8298583420b99"),
            library("libavutil.so.60", 6_818_152L,
                    "0389bfc849ee85d589b1746f99cd48642f9681f7d0eba1ce463736503af149c6"),
            library("libswresample.so.6", 121_216L,
                    "eecdffe6abdfed211dd0a8f187cf99bd9834891cdeb99956ce4a75d1b5deb94c"),
            library("libswscale.so.9", 739_936L,
                    "7c01683be7ae34f06469a241812ebf47def7969bcff6dc81984f11de3168f797"),
            library("libavcodec.so.62", 35_852_328L,
                    "7b21f45f2602cb958dcb06c93eb244ae3ff90d5040fc052b5848a2c8c029709f"),
            library("libavformat.so.62", 12_092_728L,
                    "95ea907b799521783b2eb0ee8ca86e4affb165a875f329f3bdb7f606853ed561"),
            library("libavfilter.so.11", 8_212_488L,
                    "7014a235eacab4f44a9b2bac1e16b8d04faabf978a0e5aa9479357da23e3f1fd"),
            library("libjniavutil.so", 1_280_936L,
                    "cf1879eb019dcb68d92d0b64b8672643766a3ba6b608b6455577ea2272b21b86"),
            library("libjniswresample.so", 88_952L,
                    "53eeca14c0ea1b5db14f56658b43d655ca11c0e31a06df19027d98078f83aa0c"),
            library("libjniswscale.so", 138_296L,
                    "3840633304c0972c2477c9277a39400dad6b4a862e757fa432f0b2c4e49e6461"),
            library("libjniavcodec.so", 622_264L,
                    "711f375eeac1312e5ae62e2c9a42ed5b87535d9e080aefaa5d2e25ae8fbcb826"),
            library("libjniavformat.so", 540_600L,
                    "da7888c18b58ea21956fff986254cef81f4ede403eadd6b75898bdc2d98e66d2"),
            library("libjniavfilter.so", 240_976L,
                    "79962c54cd5dedeb4d404dbd3111e1c8d6b2d30016dd4a2c9ecf5151de4763d9"));

    static final Artifact ARTIFACT = new Artifact(
            "org/bytedeco/ffmpeg/8.0.1-1.5.13/ffmpeg-8.0.1-1.5.13-linux-x86_64.jar", "ffmpeg-8.0.1",
            "FFmpeg 8.0, which reads and writes videos (26 MB, once)", "FFmpeg, which reads and writes videos,", "set",
            LIBRARIES);

    /** Each after those that it needs. */
    private static final List<Class<?>> BINDINGS = List.of(avutil.class, swresample.class, swscale.class,
            avcodec.class, avformat.class, avfilter.class);

    private FfmpegLibraries() {
    }

    private static Library library(String name, long size, String sha256) {
        return new Library(DIRECTORY + name, size, sha256);
    }

    /** @throws FramecastException if they are not here and cannot be fetched, or cannot be loaded */
    static void load(FetchListener listener) {
        JavaCpp.configure();
        if (FfmpegLibraries.class.getClassLoader().getResource(DIRECTORY + "libjniavutil.so") == null) {
            loadCached(LibraryJar.of(ARTIFACT, System.getenv(), listener));
        }
        BINDINGS.forEach(JavaCpp::load);
    }

    /** As {@link Ffmpeg#copyTo}. */
    static void copyTo(Path directory, FetchListener listener) throws IOException {
        LibraryJar jar = LibraryJar.of(ARTIFACT, System.getenv(), listener);
        jar.fetch();
        for (Library library : LIBRARIES) {
            Path file = directory.resolve(library.entry());
            Files.createDirectories(file.getParent());
            Files.copy(jar.cache().resolve(library.fileName()), file, StandardCopyOption.REPLACE_EXISTING);
        }
    }

    /** Loads the files, so that JavaCPP, which knows what it has loaded by their names, need not find them. */
    private static void loadCached(LibraryJar jar) {
        if (!jar.isCached()) {
            jar.fetch();
        }
        try {
            for (Library library : LIBRARIES) {
                Path file = jar.cache().resolve(library.fileName());
                Loader.loadLibrary(FfmpegLibraries.class, new URL[] {file.toUri().toURL()},
                        javaCppName(library.fileName()));
            }
        } catch (LinkageError | MalformedURLException e) {
            throw new FramecastException("FFmpeg cannot be loaded from " + jar.cache() + ": "
                    + String.valueOf(e.getMessage()).lines().findFirst().orElse("")
                    + "; delete this directory, so that it is fetched anew.", e);
        }
    }

    /** Such as avutil@.60 for libavutil.so.60, and jniavutil for libjniavutil.so. */
    private static String javaCppName(String file) {
        return file.substring("lib".length()).replace(".so", "@").replaceFirst("@$", "");
    }
}
