package io.framecast.device.bundle;

import io.framecast.backend.cuda.driver.CudaDriver;
import java.util.List;

/**
 * A GPU as far as the choice of kernels depends on it.
 *
 * @param name of the board
 * @param computeCapability ten times the major version, plus the minor
 * @param multiprocessors that are enabled on the board
 */
public record BundledGpu(String name, int computeCapability, int multiprocessors) {

    /** Of device memory; it limits nothing here, where the memory of untouched pages is free. */
    private static final long MEMORY = 80L << 30;

    /** {@return the usual boards of the architectures with tensor cores for bf16, by NVIDIA's data sheets} */
    public static List<BundledGpu> usual() {
        return List.of(
                new BundledGpu("A100", 80, 108),
                new BundledGpu("A30", 80, 56),
                new BundledGpu("GeForce RTX 3090", 86, 82),
                new BundledGpu("GeForce RTX 3080", 86, 68),
                new BundledGpu("A40, RTX A6000", 86, 84),
                new BundledGpu("A10", 86, 72),
                new BundledGpu("GeForce RTX 4090", 89, 128),
                new BundledGpu("GeForce RTX 4080", 89, 76),
                new BundledGpu("L4", 89, 58),
                new BundledGpu("L40S, RTX 6000 Ada", 89, 142),
                new BundledGpu("H100 SXM, H200", 90, 132),
                new BundledGpu("H100 PCIe", 90, 114),
                new BundledGpu("B200", 100, 148),
                new BundledGpu("GeForce RTX 5090", 120, 170),
                new BundledGpu("GeForce RTX 5080", 120, 84),
                new BundledGpu("RTX PRO 6000 Blackwell", 120, 188));
    }

    /** As the driver would describe it. */
    CudaDriver.Device device() {
        // CUDA C++ Programming Guide, "Technical Specifications per Compute Capability": 164, 228 or 100 KB, of which
        // each block has 1 KB reserved.
        int shared = (computeCapability == 80 ? 164 : computeCapability == 90 || computeCapability == 100 ? 228 : 100)
                << 10;
        return new CudaDriver.Device(name, computeCapability, multiprocessors, MEMORY, shared - (1 << 10), shared,
                List.of());
    }
}
