/**
 * The failures that have their cause outside the program: {@link io.framecast.FramecastException}, and
 * {@link io.framecast.Remedy}, what can be done about one.
 */
package io.framecast;
