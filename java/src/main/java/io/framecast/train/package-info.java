/** Training: the loop, its callbacks, checkpoints, and the directory a run keeps its files in. */
package io.framecast.train;
