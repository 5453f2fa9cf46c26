package io.framecast.backend;

/**
 * What one kind of work inside a layer cost.
 *
 * @param op what was done, such as "gates"
 * @param seconds by the clock
 * @param flop floating-point operations of the definition, a multiply-add being two
 * @param bytes that must cross memory if nothing stays in cache
 */
public record OpCost(String op, double seconds, double flop, double bytes) {
}
