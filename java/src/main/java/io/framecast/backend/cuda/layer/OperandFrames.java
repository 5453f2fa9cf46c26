package io.framecast.backend.cuda.layer;

import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.cuda.launch.DeviceArena.Region;
import io.framecast.backend.cuda.tensorcore.Operand;

/**
 * Operands of tensor cores for the frames of an op: (frames, batch, pixels, padded channels). The padding is zeros from
 * the beginning, and nothing writes it.
 *
 * @param imageBytes the bytes of an image
 */
record OperandFrames(Region region, long imageBytes) {

    /** @param images of all frames */
    OperandFrames(OpResources resources, Operand operand, int images, int pixels, int channels) {
        this(resources, images, (long) operand.bytes() * pixels * operand.padded(channels));
    }

    private OperandFrames(OpResources resources, int images, long imageBytes) {
        this(resources.zerosPerVideo(images * imageBytes), imageBytes);
    }

    /** So many frames of {@code batch} videos, from frame {@code from} on. */
    DeviceMemory get(int from, int frames, int batch) {
        long frameBytes = batch * imageBytes;
        return region.memory().view(from * frameBytes, frames * frameBytes);
    }

    /** Copies a frame to the first one of others of the same size. */
    void copy(int from, int batch, OperandFrames to) {
        get(from, 1, batch).copyTo(0, to.get(0, 1, batch), 0, batch * imageBytes / Float.BYTES);
    }
}
