package io.framecast.backend.cuda.layer;

import io.framecast.backend.ConvLstmSpec;
import io.framecast.backend.Plan;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.cuda.launch.DeviceArena.Region;

/**
 * The frames of a ConvLSTM's last call on the device, time-major.
 *
 * @param units the hidden units of a frame of one video: pixels times filters
 * @param gates (frames, batch, units, gates): z, then the activated gates, then the gradient of z
 * @param cells (frames, batch, units) in training; else (batch, units), of the last frame
 * @param hidden (frames, batch, units)
 */
record ConvLstmSequence(long units, Region gates, Region cells, Region hidden, boolean training) {

    static ConvLstmSequence plan(OpResources resources, Plan plan, long units) {
        long frame = plan.batch() * units;
        long all = plan.frames() * frame;
        return new ConvLstmSequence(units, resources.perVideo(ConvLstmSpec.GATES * all),
                resources.perVideo(plan.training() ? all : frame), resources.perVideo(all), plan.training());
    }

    /** The gates of {@code frames} frames of {@code batch} videos, from frame {@code from} on. */
    DeviceMemory gates(int from, int frames, int batch) {
        return part(gates, from, frames, ConvLstmSpec.GATES * batch * units);
    }

    DeviceMemory cell(int frame, int batch) {
        return part(cells, training ? frame : 0, 1, batch * units);
    }

    DeviceMemory hidden(int from, int frames, int batch) {
        return part(hidden, from, frames, batch * units);
    }

    private static DeviceMemory part(Region region, int from, int frames, long frameSize) {
        return region.memory().view(Float.BYTES * from * frameSize, Float.BYTES * frames * frameSize);
    }
}
