package io.framecast.backend.cuda.compiler;

import java.util.List;

/**
 * A board whose kernels are in a {@link KernelBundle}, one for each architecture. The tiles of convolutions are chosen
 * by the number of multiprocessors, and are part of the compiled kernels. A bundle cannot have those of every board and
 * of every part of one: so, where there is a bundle, all GPUs take the tiles of the board that stands for them.
 *
 * @param name of the board
 * @param computeCapability ten times the major version, plus the minor
 * @param multiprocessors that are enabled on the board
 * @param sharedBytes of a multiprocessor; a block has 1 KB less (CUDA C++ Programming Guide, "Technical Specifications
 *     per Compute Capability")
 */
public record BundledBoard(String name, int computeCapability, int multiprocessors, int sharedBytes) {

    /** All of them. */
    public static final List<BundledBoard> ALL = List.of(
            new BundledBoard("A100", 80, 108, 164 << 10),
            new BundledBoard("GeForce RTX 3090, A40", 86, 84, 100 << 10),
            new BundledBoard("GeForce RTX 4090", 89, 128, 100 << 10),
            new BundledBoard("H100 SXM, H200", 90, 132, 228 << 10),
            new BundledBoard("B200", 100, 148, 228 << 10),
            new BundledBoard("GeForce RTX 5090", 120, 170, 100 << 10));

    /** The board that stands for GPUs of other major versions, which take PTX. */
    private static final BundledBoard OF_OTHERS = ALL.get(0);

    /** The board that stands for GPUs of a compute capability. */
    static BundledBoard standingFor(int computeCapability) {
        return ALL.stream().filter(board -> board.computeCapability / 10 == computeCapability / 10
                && board.computeCapability <= computeCapability).reduce((first, second) -> second).orElse(OF_OTHERS);
    }
}
