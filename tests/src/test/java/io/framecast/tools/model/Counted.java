package io.framecast.tools.model;

import io.framecast.device.sampling.CountedLaunches;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Counters of launches that a test makes up: of nothing at first. */
final class Counted {

    private static final int BLOCKS_A_ROW = 10;

    private final int blocks;
    private final int threads;
    private final Map<String, Long> warps = new TreeMap<>();
    private final Map<String, Long> flop = new TreeMap<>();
    private int registers = 32;
    private int shared;
    private long launches = 1;
    private long wavefronts;
    private long sectors;
    private long read;
    private long written;

    /** @param blocks of a launch, in rows of 10 if that divides them */
    Counted(int blocks, int threads) {
        this.blocks = blocks;
        this.threads = threads;
    }

    Counted resources(int ofThread, int sharedBytes) {
        registers = ofThread;
        shared = sharedBytes;
        return this;
    }

    Counted launches(long count) {
        launches = count;
        return this;
    }

    Counted warps(String name, long count) {
        warps.put(name, count);
        return this;
    }

    Counted tensor(String type, long operations) {
        flop.put(type, operations);
        return this;
    }

    Counted wavefronts(long count) {
        wavefronts = count;
        return this;
    }

    Counted sectors(long all, long ofReads, long ofWrites) {
        sectors = all;
        read = ofReads;
        written = ofWrites;
        return this;
    }

    CountedLaunches get() {
        List<Integer> grid = blocks % BLOCKS_A_ROW == 0
                ? List.of(BLOCKS_A_ROW, blocks / BLOCKS_A_ROW, 1) : List.of(blocks, 1, 1);
        return new CountedLaunches("kernel", "kernel.cu", List.of(), grid, threads, registers, shared, launches, warps,
                flop, 0, wavefronts, sectors, read, written, read + written);
    }
}
