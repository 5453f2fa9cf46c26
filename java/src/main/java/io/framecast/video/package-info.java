/**
 * Video files, as cameras and programs make them: reads them as frames of a given size, cuts them into clips to train
 * with, and writes frames as videos. FFmpeg does the work; it is fetched when it is needed for the first time.
 */
package io.framecast.video;
