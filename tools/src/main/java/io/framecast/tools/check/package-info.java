/**
 * The acceptance of a device, {@code framecast check}: {@link io.framecast.tools.check.Acceptance} runs each stage in a
 * process of its own, {@link io.framecast.tools.check.CheckPage} shows what they found. The stages are in
 * {@code stage}, what they compare with in {@code golden}.
 */
package io.framecast.tools.check;
