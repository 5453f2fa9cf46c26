package io.framecast.video;

import io.framecast.FramecastException;
import java.util.Optional;

/**
 * Reads the pictures of a directory as the frames of a video without a rate. Like those of a video they have one size: a
 * picture of another one is of something else.
 */
final class PictureReader implements FrameReader {

    private final VideoSource source;
    private final VideoInfo info;
    private final FrameFormat wanted;
    private int next;
    private String damage;

    PictureReader(VideoSource source, FrameFormat wanted) {
        this.source = source;
        try (FrameReader first = new VideoReader(source.pictures().get(0), null)) {
            info = new VideoInfo(first.info().height(), first.info().width(), 0, first.info().grey());
        }
        this.wanted = wanted != null ? wanted
                : new FrameFormat(info.height(), info.width(), info.grey() ? 1 : 3, 0, 1);
        if (this.wanted.rate() > 0) {
            throw new FramecastException("The pictures in " + source.path() + " have no times, so they cannot be taken"
                    + " at a rate; leave it out.");
        }
    }

    @Override
    public VideoInfo info() {
        return info;
    }

    @Override
    public boolean read(byte[] frame) {
        if (damage != null || next >= source.pictures().size()) {
            return false;
        }
        FrameFormat one = new FrameFormat(wanted.height(), wanted.width(), wanted.channels(), 0, 1);
        try (FrameReader picture = new VideoReader(source.pictures().get(next), one)) {
            VideoInfo its = picture.info();
            if (its.height() != info.height() || its.width() != info.width()) {
                damage = source.pictures().get(next) + " is of " + its.height() + "x" + its.width() + ", the first of "
                        + info.height() + "x" + info.width();
                return false;
            }
            if (!picture.read(frame)) {
                damage = picture.damage().orElse(source.pictures().get(next) + " has no picture");
                return false;
            }
        } catch (FramecastException e) {
            damage = e.getMessage().replaceFirst("\\.$", "");
            return false;
        }
        next += wanted.stride();
        return true;
    }

    /** Pictures have no times. */
    @Override
    public double time() {
        return 0;
    }

    @Override
    public Optional<String> damage() {
        return Optional.ofNullable(damage);
    }

    @Override
    public void close() {
        // Each picture is closed after it was read.
    }
}
