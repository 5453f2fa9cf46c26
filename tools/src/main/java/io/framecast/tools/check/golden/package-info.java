/**
 * Golden values, and the comparison of each op, network and training with them: what the tests assert, and what
 * {@code framecast check} reports.
 */
package io.framecast.tools.check.golden;
