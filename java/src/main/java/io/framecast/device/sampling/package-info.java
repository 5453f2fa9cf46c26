/**
 * Counts the work of a GPU that is not there: {@link io.framecast.device.sampling.SampledGpu} runs a few blocks of each
 * launch on the software device, and {@link io.framecast.device.sampling.CountedLaunches} is what a kernel's launches
 * would do.
 */
package io.framecast.device.sampling;
