/**
 * Comparisons of models and recipes. {@link io.framecast.tools.tune.BudgetedTraining} trains one for a budget of time;
 * {@link io.framecast.tools.tune.TuneTable} compares the results.
 */
package io.framecast.tools.tune;
