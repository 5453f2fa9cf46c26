/**
 * Training: {@link io.framecast.train.Trainer} fits a model to videos, with callbacks as in Keras;
 * {@link io.framecast.train.Checkpoint} is a model with its parameters, in memory and as a file;
 * {@link io.framecast.train.RunDirectory} writes the files of a run.
 *
 * <p>Errors, here and in the whole engine: wrong arguments, such as shapes that do not fit or a setting outside its
 * range, are an {@link IllegalArgumentException}; use after close is an {@link IllegalStateException}; failures outside
 * the program, such as a damaged file, a device that fails or too little memory, are a
 * {@link io.framecast.FramecastException}, whose message can be shown to users.
 */
package io.framecast.train;
