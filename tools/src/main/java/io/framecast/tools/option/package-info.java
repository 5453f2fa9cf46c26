/** What a command is given: its options, what they open, and the engine's advice in their words. */
package io.framecast.tools.option;
