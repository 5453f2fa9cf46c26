/** Where a person reads what a command says: the terminal, its progress bars, and standard output. */
package io.framecast.tools.terminal;
