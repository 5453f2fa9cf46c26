/** Forecasts: rollout, one-step predictions, and the scores of both against the truth. */
package io.framecast.predict;
