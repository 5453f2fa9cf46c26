package io.framecast.tools.distributed;

/** A command whose work several processes can share. */
public interface SharedCommand {
}
