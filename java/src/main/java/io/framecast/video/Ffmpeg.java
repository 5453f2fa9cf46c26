package io.framecast.video;

import io.framecast.FramecastException;
import io.framecast.backend.FetchListener;
import io.framecast.text.Quote;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicReference;
import org.bytedeco.ffmpeg.avutil.LogCallback;
import org.bytedeco.ffmpeg.global.avutil;
import org.bytedeco.javacpp.BytePointer;

/** The libraries of FFmpeg in this process: loads them, keeps what they log, and names their errors. */
public final class Ffmpeg {

    /** What this build has for H.264 in .mp4 files: Cisco's encoder. */
    static final String H264 = "libopenh264";

    /** EAGAIN of Linux as FFmpeg returns it: more input is needed, or output has to be taken first. */
    static final int AGAIN = -11;

    private static boolean loaded;

    /** The first error that was logged since it was last taken. */
    private static final AtomicReference<String> LOGGED = new AtomicReference<>();

    /** Kept here, so that it is not collected as garbage while FFmpeg has it. */
    private static LogCallback log;

    private Ffmpeg() {
    }

    /**
     * Loads FFmpeg. All that reads or writes videos does so by itself; call this before, to be told of a download.
     *
     * @param listener is told if FFmpeg is fetched, which happens once for a user
     * @throws FramecastException if FFmpeg is not here and cannot be fetched, or cannot be loaded
     */
    public static synchronized void load(FetchListener listener) {
        if (loaded) {
            return;
        }
        FfmpegLibraries.load(listener);
        log = new LogCallback() {
            @Override
            public void call(int level, BytePointer message) {
                if (level <= avutil.AV_LOG_ERROR) {
                    LOGGED.compareAndSet(null, message.getString().strip());
                }
            }
        };
        avutil.av_log_set_level(avutil.AV_LOG_ERROR);
        avutil.setLogCallback(log);
        loaded = true;
    }

    /**
     * Copies FFmpeg's libraries to a directory: on the class path, it takes the place of a download.
     *
     * @param directory the directory, not that of the libraries in it
     * @param listener is told if FFmpeg is fetched
     * @throws FramecastException if FFmpeg is not here and cannot be fetched
     * @throws IOException if the directory cannot be written
     */
    public static void copyTo(Path directory, FetchListener listener) throws IOException {
        FfmpegLibraries.copyTo(directory, listener);
    }

    static void load() {
        load(FetchListener.NONE);
    }

    /** The first error logged since the last call, for a message; empty if there is none. Forgets it. */
    static String takeLog() {
        String message = LOGGED.getAndSet(null);
        return message == null ? "" : Quote.of(message.replaceFirst("^(\\[[^]]*] )+", "").replaceFirst("[.!]$", ""));
    }

    /** FFmpeg's words for an error number. */
    static String reason(int error) {
        byte[] text = new byte[256];
        avutil.av_strerror(error, text, text.length);
        int length = 0;
        while (text[length] != 0) {
            length++;
        }
        return new String(text, 0, length, Charset.defaultCharset());
    }

    /**
     * @return {@code result}, which is not negative
     * @throws FramecastException that {@code what} failed, if it is negative
     */
    static int check(int result, String what) {
        if (result < 0) {
            String logged = takeLog();
            throw new FramecastException(what + ": " + (logged.isEmpty() ? reason(result) : logged) + ".");
        }
        return result;
    }

    /** A file as FFmpeg's "file:" address, which takes every other character of its name as it is. */
    static BytePointer address(Path file) {
        // The bytes by which the JVM itself opens the file.
        Charset names = Charset.forName(System.getProperty("sun.jnu.encoding", "UTF-8"));
        byte[] bytes = ("file:" + file.toAbsolutePath() + "\0").getBytes(names);
        return new BytePointer(bytes);
    }
}
