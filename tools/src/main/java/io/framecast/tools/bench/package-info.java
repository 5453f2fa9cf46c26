/**
 * Measurements of training and rollout, beside what the machine can do at most. {@link
 * io.framecast.tools.bench.TrainingBench} measures steps; {@link io.framecast.tools.bench.StepAccount} says where one
 * goes; {@link io.framecast.tools.bench.BenchText} and {@link io.framecast.tools.bench.BenchJson} say it to people and
 * programs. All figures are a video's unless they say otherwise.
 */
package io.framecast.tools.bench;
