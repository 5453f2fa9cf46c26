/**
 * Where videos come from: {@link io.framecast.data.Videos} in memory, from {@code .npy} files or generated;
 * {@link io.framecast.data.Split} parts them for training and validation, {@link io.framecast.data.Batches} makes
 * batches of them.
 */
package io.framecast.data;
