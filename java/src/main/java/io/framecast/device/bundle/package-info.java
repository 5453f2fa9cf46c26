/**
 * Makes the kernels for machines without a compiler: {@link io.framecast.device.bundle.NeededKernels} finds out which
 * ones some work needs, and compiles them.
 */
package io.framecast.device.bundle;
