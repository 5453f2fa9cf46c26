package io.framecast.video;

import io.framecast.FramecastException;
import org.bytedeco.ffmpeg.avfilter.AVFilterContext;
import org.bytedeco.ffmpeg.avfilter.AVFilterGraph;
import org.bytedeco.ffmpeg.avfilter.AVFilterInOut;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.bytedeco.ffmpeg.avutil.AVRational;
import org.bytedeco.ffmpeg.global.avfilter;
import org.bytedeco.ffmpeg.global.avutil;
import org.bytedeco.javacpp.BytePointer;

/** A chain of FFmpeg's filters from one kind of pictures to another. */
final class FilterGraph implements AutoCloseable {

    private final AVFilterGraph graph;
    private final AVFilterContext source = new AVFilterContext(null);
    private final AVFilterContext sink = new AVFilterContext(null);
    private final double secondsPerTick;

    /**
     * @param input the pictures that come in, as arguments of FFmpeg's filter "buffer"
     * @param filters the chain, in FFmpeg's words
     * @throws FramecastException if FFmpeg cannot make it
     */
    FilterGraph(String input, String filters) {
        graph = avfilter.avfilter_graph_alloc();
        try {
            graph.nb_threads(1);
            Ffmpeg.check(avfilter.avfilter_graph_create_filter(source, avfilter.avfilter_get_by_name("buffer"), "in",
                    input, null, graph), "FFmpeg takes no pictures of " + input);
            Ffmpeg.check(avfilter.avfilter_graph_create_filter(sink, avfilter.avfilter_get_by_name("buffersink"),
                    "out", null, null, graph), "FFmpeg gives no pictures");
            link(filters);
            Ffmpeg.check(avfilter.avfilter_graph_config(graph, null), "FFmpeg cannot convert pictures of " + input
                    + " by " + filters);
            try (AVRational base = avfilter.av_buffersink_get_time_base(sink)) {
                secondsPerTick = (double) base.num() / base.den();
            }
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    private void link(String filters) {
        AVFilterInOut outputs = end("in", source);
        AVFilterInOut inputs = end("out", sink);
        try (BytePointer words = new BytePointer(filters)) {
            Ffmpeg.check(avfilter.avfilter_graph_parse_ptr(graph, words, inputs, outputs, null),
                    "FFmpeg has not all filters of " + filters);
        } finally {
            avfilter.avfilter_inout_free(inputs);
            avfilter.avfilter_inout_free(outputs);
        }
    }

    private static AVFilterInOut end(String name, AVFilterContext filter) {
        AVFilterInOut end = avfilter.avfilter_inout_alloc();
        try (BytePointer text = new BytePointer(name)) {
            end.name(avutil.av_strdup(text));
        }
        end.filter_ctx(filter);
        end.pad_idx(0);
        end.next(null);
        return end;
    }

    /** Takes a picture, whose content is moved; null: there are no more. */
    void put(AVFrame frame) {
        Ffmpeg.check(avfilter.av_buffersrc_add_frame(source, frame), "FFmpeg cannot convert a picture");
    }

    /** Whether there is a next picture, which {@code frame} then holds. If not, {@link #put} may bring it. */
    boolean take(AVFrame frame) {
        int result = avfilter.av_buffersink_get_frame(sink, frame);
        if (result == Ffmpeg.AGAIN || result == avutil.AVERROR_EOF()) {
            return false;
        }
        Ffmpeg.check(result, "FFmpeg cannot convert a picture");
        return true;
    }

    /** The seconds of one tick of the timestamps that come out. */
    double secondsPerTick() {
        return secondsPerTick;
    }

    @Override
    public void close() {
        avfilter.avfilter_graph_free(graph);
    }
}
