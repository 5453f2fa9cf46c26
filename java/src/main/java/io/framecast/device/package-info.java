/**
 * Where to compute: {@link io.framecast.device.Backends} chooses and opens a device;
 * {@link io.framecast.device.Availability} says what can be used on this machine, and why the rest cannot.
 */
package io.framecast.device;
