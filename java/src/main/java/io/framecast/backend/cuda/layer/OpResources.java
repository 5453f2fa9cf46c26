package io.framecast.backend.cuda.layer;

import io.framecast.backend.cuda.convolution.CudaConvolution;
import io.framecast.backend.cuda.driver.Closing;
import io.framecast.backend.cuda.launch.DeviceArena;
import io.framecast.backend.cuda.launch.DeviceArena.Region;
import io.framecast.backend.cuda.tensorcore.FusedConvLstm;

/** The memory and whatever else an op owns, closed together. Sizes are in float32 values unless they say bytes. */
final class OpResources {

    private final DeviceArena arena;
    private final int videos;
    private final Closing closing = new Closing();

    /** @param videos the batch that the op is planned for */
    OpResources(DeviceArena arena, int videos) {
        this.arena = arena;
        this.videos = videos;
    }

    /** Memory whose size does not depend on the batch. */
    Region fixed(long values) {
        return own(arena.reserve(Float.BYTES * values));
    }

    /** Memory whose size is proportional to the batch. */
    Region perVideo(long values) {
        return own(arena.reserve(Float.BYTES * values, videos));
    }

    /** The same, of so many bytes. */
    Region bytesPerVideo(long bytes) {
        return own(arena.reserve(bytes, videos));
    }

    /** The same, of so many bytes that are zero at first. */
    Region zerosPerVideo(long bytes) {
        return own(arena.reserveZeros(bytes, videos));
    }

    /** Memory whose content is not needed between two calls of the op. */
    Region scratch(long values) {
        return own(arena.scratch(Float.BYTES * values));
    }

    private Region own(Region region) {
        closing.add(region::close);
        return region;
    }

    /** Makes a convolution one that is closed with the op. */
    <T extends CudaConvolution> T own(T convolution) {
        closing.add(convolution::close);
        return convolution;
    }

    /** The same of a ConvLSTM's kernels. */
    FusedConvLstm own(FusedConvLstm kernels) {
        closing.add(kernels::close);
        return kernels;
    }

    /** Closes all of it. */
    void close() {
        closing.run();
    }

    /** Closes all of it after the op's constructor failed; what fails now is added to that exception. */
    void closeAfter(RuntimeException failure) {
        closing.runAfter(failure);
    }
}
