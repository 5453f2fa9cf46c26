/**
 * Training: {@link io.framecast.train.Trainer} fits a model to videos, with callbacks as in Keras;
 * {@link io.framecast.train.Checkpoint} is a model with its parameters, in memory and as a file;
 * {@link io.framecast.train.RunDirectory} keeps the files of a run.
 *
 * <p>Errors, here and in the whole engine: what a program could have known is wrong, such as shapes that do not fit or a
 * setting out of its range, is an {@link IllegalArgumentException}; the use of what was closed is an
 * {@link IllegalStateException}; and what only the world knows, such as a file that is damaged, a device that fails or a
 * memory that is full, is a {@link io.framecast.FramecastException}, whose message can be shown to people as it is.
 */
package io.framecast.train;
