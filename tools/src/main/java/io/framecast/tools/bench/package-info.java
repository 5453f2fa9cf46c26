/**
 * Benchmarks of training and rollout, compared with the ceilings of the machine.
 * {@link io.framecast.tools.bench.TrainingBench} measures steps; {@link io.framecast.tools.bench.StepAccount} is the
 * profile of a step; {@link io.framecast.tools.bench.BenchText} prints the results as tables,
 * {@link io.framecast.tools.bench.BenchJson} converts them for JSON. All figures are per video unless stated otherwise.
 */
package io.framecast.tools.bench;
