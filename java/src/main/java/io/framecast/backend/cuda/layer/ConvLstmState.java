package io.framecast.backend.cuda.layer;

import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.cuda.launch.DeviceArena.Region;

/** Hidden state and cell that a rollout carries from one step to the next. */
final class ConvLstmState {

    private final long units;
    private final Region memory;
    private boolean isSet;

    /** @param units as {@link ConvLstmSequence#units} */
    ConvLstmState(OpResources resources, int videos, long units) {
        this.units = units;
        this.memory = resources.perVideo(2 * videos * units);
    }

    /** Makes both zero. */
    void clear() {
        isSet = false;
    }

    /** Copies hidden state and cell of a frame. */
    void set(DeviceMemory hidden, DeviceMemory cell, int batch) {
        long n = batch * units;
        hidden.copyTo(0, memory.memory(), 0, n);
        cell.copyTo(0, memory.memory(), n, n);
        isSet = true;
    }

    /** Whether they are other than zero. */
    boolean isSet() {
        return isSet;
    }

    DeviceMemory hidden(int batch) {
        return memory.memory().view(0, Float.BYTES * batch * units);
    }

    DeviceMemory cell(int batch) {
        return memory.memory().view(Float.BYTES * batch * units, Float.BYTES * batch * units);
    }
}
