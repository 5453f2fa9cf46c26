/**
 * Makes the kernels for machines without a compiler: {@link io.framecast.device.bundle.NeededKernels} finds out which
 * ones a {@link io.framecast.device.bundle.BundledGpu} needs for some work, and compiles them.
 */
package io.framecast.device.bundle;
