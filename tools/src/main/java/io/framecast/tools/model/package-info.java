/**
 * A model of time for CUDA kernels: {@link io.framecast.tools.model.GpuRates} has what a GPU does in a second by
 * published figures, {@link io.framecast.tools.model.LaunchTime} is how long the launches of a kernel take by their
 * counters, and {@link io.framecast.tools.model.StepModel} is a whole training step. Nothing here is measured.
 */
package io.framecast.tools.model;
