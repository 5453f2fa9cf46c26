package io.framecast.backend;

/**
 * The cost of one kind of work inside a layer.
 *
 * @param op the name of the work, such as "gates"
 * @param seconds elapsed time
 * @param flop floating-point operations by definition; a multiply-add counts as two; NaN if unknown
 * @param bytes memory traffic in bytes if nothing stays in a cache; NaN if unknown
 */
public record OpCost(String op, double seconds, double flop, double bytes) {
}
