/** Forecasts: rollout, one-step predictions, and the scores of forecasts against the true frames. */
package io.framecast.predict;
