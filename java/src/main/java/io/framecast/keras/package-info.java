/**
 * Models of Keras: {@link io.framecast.keras.KerasReader} reads Keras's files as checkpoints, and
 * {@link io.framecast.keras.KerasWriter} writes checkpoints as files that Keras 3 loads.
 *
 * <p>Such a file comes from strangers. It is data only: no code in it is run, no other file that it names is opened,
 * and whatever is in it gives a model or one sentence.
 */
package io.framecast.keras;
