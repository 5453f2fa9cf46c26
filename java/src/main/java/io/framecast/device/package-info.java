/**
 * Where to compute: {@link io.framecast.device.Backends} opens a device, chooses one, and tells what can be used on this
 * machine and why the rest cannot.
 */
package io.framecast.device;
